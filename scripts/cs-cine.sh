#!/bin/sh
# Compressed sensing of series by BART: total variation over time and l1-wavelets
# in space, by ADMM, each series for itself.
set -eu

usage()
{
	cat >&2 <<-END
	Usage: cs-cine.sh [options] tune <data> <result>
	       cs-cine.sh [options] run <data> <images>

	<data> holds {ksp,pat,maps}, series along dimension 13, frames along dimension 10,
	and ref for tune.

	tune	reconstructs with a grid of two regularisation parameters, writes mean
		PSNR and nRMSE over all frames to <result>.csv, and the pair of the highest
		PSNR to <result>
	run	reconstructs all series

	-l p	"<temporal TV> <wavelet>" (run), or the file that tune wrote; 0 leaves a term out
	-i n	iterations of ADMM (150)
	-C n	conjugate gradient iterations in each (5)
	-u r	rho of ADMM (0.1)
	-g	on the GPU

	Each series is divided by the 95th percentile of the image of its k-space averaged
	over time, so that a parameter means the same for all, and multiplied with it after.
	END
	exit 1
}

lambda='' iter=150 cg=5 rho=0.1 gpu=

while getopts l:i:C:u:g opt; do

	case $opt in
	l) lambda=$OPTARG ;;
	i) iter=$OPTARG ;;
	C) cg=$OPTARG ;;
	u) rho=$OPTARG ;;
	g) gpu=-g ;;
	*) usage ;;
	esac
done

shift $((OPTIND - 1))
[ $# -eq 3 ] || usage

what=$1 data=$2 out=$3

. "$(dirname "$0")/common.sh"
. "$here/kt.sh"

has_folder "$out"
whole "-i (iterations)" "$iter" 1
whole "-C (conjugate gradient iterations)" "$cg" 1
number "-u (rho)" "$rho" 1e-30

exists "$data/ksp" "$data/pat" "$data/maps" || die "$data: no {ksp,pat,maps}.cfl in this folder"
count=$(dim 13 "$data/ksp")

# of_series <n> <file>: where it is in a file that all series may share
of_series() { [ "$(dim 13 "$2")" = 1 ] && echo 0 || echo "$1"; }

# scaled: $tmp/scaled, divided by $tmp/scale
scaled()
{
	time_average "$data/ksp" "$data/pat" "$tmp/mean"
	"$here/zero-filled.sh" "$tmp/mean" "$data/maps" "$tmp/x0"
	python "$here/scaling.py" "$tmp/x0" "$tmp/scale"
	bart invert "$tmp/scale" "$tmp/inverse"
	bart fmac "$data/ksp" "$tmp/inverse" "$tmp/scaled"

	for n in $(seq 0 $((count - 1))); do

		bart slice 13 "$n" "$tmp/scaled" "$tmp/ksp.$n"
		bart slice 13 "$(of_series "$n" "$data/pat")" "$data/pat" "$tmp/pat.$n"
		bart slice 13 "$(of_series "$n" "$data/maps")" "$data/maps" "$tmp/maps.$n"
		bart slice 13 "$n" "$tmp/scale" "$tmp/scale.$n"
		[ $what = run ] || bart slice 13 "$n" "$data/ref" "$tmp/ref.$n"
	done

	rm -f "$tmp/scaled.cfl" "$tmp/scaled.hdr"
}

# one <series> <temporal> <wavelet> <output>: -w 1: no scaling of pics' own
one()
{
	terms=
	[ "$2" = 0 ] || terms="$terms -R T:1024:0:$2"
	[ "$3" = 0 ] || terms="$terms -R W:3:0:$3"

	OMP_NUM_THREADS=${CS_THREADS:-1} bart pics $gpu -w 1 -m -i "$iter" -C "$cg" -u "$rho" $terms \
		-p "$tmp/pat.$1" "$tmp/ksp.$1" "$tmp/maps.$1" "$4.scaled" > /dev/null
	bart fmac "$4.scaled" "$tmp/scale.$1" "$4"
	rm -f "$4.scaled".*
}

# try <n>: a line of the table for the n-th line of $tmp/pairs
try()
{
	pair=$(sed -n "$1p" "$tmp/pairs")
	psnr= nrmse=

	for n in $(seq 0 $((count - 1))); do

		one "$n" $pair "$tmp/try.$1.$n"
		psnr="$psnr $(python "$here/metrics.py" --mean psnr "$tmp/ref.$n" cs="$tmp/try.$1.$n")"
		nrmse="$nrmse $(python "$here/metrics.py" --mean nrmse "$tmp/ref.$n" cs="$tmp/try.$1.$n")"
		rm -f "$tmp/try.$1.$n".*
	done

	echo "$(echo "$pair" | tr ' ' ,),$(mean $psnr),$(mean $nrmse)" > "$tmp/line.$1"
}

mean() { echo "$@" | awk '{ for (i = 1; i <= NF; i++) s += $i; printf "%.4f", s / NF }'; }

# all_of <temporal>:<wavelet> ...: those that are not in the table yet, as many at a
# time as there are cores
all_of()
{
	rm -f "$tmp/pairs"

	for a in "$@"; do

		key=$(echo "$a" | tr : ,)
		grep -q "^$key," "$tmp/grid" || grep -qsx "${a%:*} ${a#*:}" "$tmp/pairs" || echo "${a%:*} ${a#*:}" >> "$tmp/pairs"
	done

	[ -f "$tmp/pairs" ] || return 0

	parallel 1 "$(wc -l < "$tmp/pairs")" try
	cat $(seq -f "$tmp/line.%g" 1 "$(wc -l < "$tmp/pairs")") | tee -a "$tmp/grid" >&2
}

# best <column>, of the pair with the highest PSNR
best() { sort -t, -k3,3gr "$tmp/grid" | head -n 1 | cut -d, -f"$1"; }

product() { awk "BEGIN { printf \"%.3g\", $1 * $2 }"; }

# around <factor>: the neighbours of the best in both parameters; where no wavelets
# are best, the smallest one that was tried is the neighbour
around()
{
	t=$(best 1) w=$(best 2) f=$1
	[ "$w" != 0 ] || w=$smallest

	all_of "$(product "$t" "$f"):$w" "$(product "$t" "1 / $f"):$w" "$t:$(product "$w" "$f")" "$t:$(product "$w" "1 / $f")" \
		"$t:0"
}

smallest=0.0005

case $what in
tune)
	exists "$data/ref" || die "$data: no ref.cfl in this folder"

	scaled
	: > "$tmp/grid"
	note "temporal TV,wavelet,psnr,nrmse (of all frames of $count series)"

	# coarse; then around the best by factors of three as long as another one is
	# better, then finer
	all_of 0.0015:0 0.004:0 0.012:0 0.0015:0.001 0.004:0.001 0.012:0.001 0.004:0.003 0.012:0.003

	for factor in 3 1.6; do
		for i in 1 2 3 4; do

			before=$(best 1,2)
			around "$factor"
			[ "$before" != "$(best 1,2)" ] || break
		done
	done

	{ echo "temporal,wavelet,psnr,nrmse"; sort -g "$tmp/grid"; } > "$out.csv"
	echo "$(best 1) $(best 2)" > "$out"
	;;

run)
	[ -n "$lambda" ] || die "run: -l is missing"
	[ ! -f "$lambda" ] || lambda=$(cat "$lambda")
	[ "$(echo "$lambda" | wc -w)" = 2 ] || die "-l '$lambda': expected two numbers, '<temporal TV> <wavelet>'"
	for l in $lambda; do number -l "$l" 0; done

	scaled

	run_one() { one "$1" $lambda "$tmp/cs.$1"; }

	parallel 0 $((count - 1)) run_one
	bart join 13 $(seq -f "$tmp/cs.%g" 0 $((count - 1))) "$tmp/out"
	keep "$tmp/out" "$out"
	;;

*)
	usage
	;;
esac
