#!/bin/sh
# Compressed sensing by BART: l1-wavelet regularised SENSE, each slice for itself.
set -eu

usage()
{
	cat >&2 <<-END
	Usage: cs.sh [options] tune <data> <result>
	       cs.sh [options] run <data> <images>

	<data> holds {ksp,pat,maps} with slices along dimension 13, and ref for tune.

	tune	reconstructs some slices with a grid of regularisation parameters, writes
		mean PSNR and nRMSE of each to <result>.csv and the parameter of the
		highest PSNR to <result>
	run	reconstructs all slices

	-l l	regularisation parameter (run), or the file that tune wrote
	-i n	FISTA iterations (50)
	-j n	slices that tune looks at, evenly spread (10)
	-w n	wavelet: haar, dau2 or cdf44 (dau2)

	Each slice is divided by the 95th percentile of its zero-filled image, so that a
	parameter means the same for every slice, and multiplied with it afterwards.
	END
	exit 1
}

lambda='' iter=50 count=10 wavelet=dau2

while getopts l:i:j:w: opt; do

	case $opt in
	l) lambda=$OPTARG ;;
	i) iter=$OPTARG ;;
	j) count=$OPTARG ;;
	w) wavelet=$OPTARG ;;
	*) usage ;;
	esac
done

shift $((OPTIND - 1))
[ $# -eq 3 ] || usage

what=$1 data=$2 out=$3

. "$(dirname "$0")/common.sh"

exists "$data/ksp" "$data/pat" "$data/maps" || die "$data: no {ksp,pat,maps}.cfl in this folder"

# scaled <kspace> <pattern> <maps>: $tmp/scaled, divided by $tmp/scale
scaled()
{
	"$here/zero-filled.sh" "$1" "$3" "$tmp/x0"
	python "$here/scaling.py" "$tmp/x0" "$tmp/scale"
	bart invert "$tmp/scale" "$tmp/inverse"
	bart fmac "$1" "$tmp/inverse" "$tmp/scaled"
}

# -w 1: no scaling of pics' own; -e: step size from the largest eigenvalue
one_slice()
{
	for f in "$tmp/scaled" "$cs_pattern" "$cs_maps"; do

		bart slice 13 "$1" "$f" "$tmp/${f##*/}.$1"
	done

	OMP_NUM_THREADS=1 bart pics -S -w 1 -e -i "$iter" --wavelet "$wavelet" -R "W:3:0:$cs_lambda" \
		-p "$tmp/${cs_pattern##*/}.$1" "$tmp/scaled.$1" "$tmp/${cs_maps##*/}.$1" "$tmp/cs.$1" > /dev/null
}

# reconstruct <lambda> <pattern> <maps> <output>, of $tmp/scaled
reconstruct()
{
	cs_lambda=$1 cs_pattern=$2 cs_maps=$3
	last=$(($(dim 13 "$tmp/scaled") - 1))

	parallel 0 $last one_slice
	bart join 13 $(seq -f "$tmp/cs.%g" 0 $last) "$tmp/joined"
	bart fmac "$tmp/joined" "$tmp/scale" "$4"
}

# subset <name>: $tmp/<name>, every so many slices of $data/<name>
subset()
{
	n=$(dim 13 "$data/ksp")
	step=$(((n + count - 1) / count))
	list=

	for i in $(seq $((step / 2)) "$step" $((n - 1))); do

		bart slice 13 "$i" "$data/$1" "$tmp/$1.$i"
		list="$list $tmp/$1.$i"
	done

	bart join 13 $list "$tmp/$1"
	rm -f $(printf '%s.cfl %s.hdr ' $(for f in $list; do echo "$f" "$f"; done))
}

# try <lambda>: a line of the table
try()
{
	reconstruct "$1" "$tmp/pat" "$tmp/maps" "$tmp/try"

	try_psnr=$(python "$here/metrics.py" --mean psnr "$tmp/ref" cs="$tmp/try")
	try_nrmse=$(python "$here/metrics.py" --mean nrmse "$tmp/ref" cs="$tmp/try")

	echo "$1,$try_psnr,$try_nrmse" | tee -a "$tmp/grid" >&2
}

best()
{
	sort -t, -k2,2gr "$tmp/grid" | head -n 1 | cut -d, -f1
}

case $what in
tune)
	exists "$data/ref" || die "$data: no ref.cfl in this folder"

	for f in ksp pat maps ref; do

		subset $f
	done

	scaled "$tmp/ksp" "$tmp/pat" "$tmp/maps"

	note "lambda,psnr,nrmse (of $(dim 13 "$tmp/ksp") slices)"

	# factors of two, then further out while the best is at an end, then between
	for l in 0.002 0.004 0.008 0.016 0.032; do

		try $l
	done

	for i in 1 2 3 4 5 6; do [ "$(best)" = "$(sort -g "$tmp/grid" | head -n 1 | cut -d, -f1)" ] || break; try "$(awk "BEGIN { print $(best) / 2 }")"; done
	for i in 1 2 3 4 5 6; do [ "$(best)" = "$(sort -g "$tmp/grid" | tail -n 1 | cut -d, -f1)" ] || break; try "$(awk "BEGIN { print $(best) * 2 }")"; done

	b=$(best)
	try "$(awk "BEGIN { print $b * 0.7 }")"
	try "$(awk "BEGIN { print $b * 1.4 }")"

	{ echo "lambda,psnr,nrmse"; sort -g "$tmp/grid"; } > "$out.csv"
	best > "$out"
	;;

run)
	[ -n "$lambda" ] || die "run: -l is missing"
	[ ! -f "$lambda" ] || lambda=$(cat "$lambda")

	scaled "$data/ksp" "$data/pat" "$data/maps"
	reconstruct "$lambda" "$data/pat" "$data/maps" "$tmp/out"
	keep "$tmp/out" "$out"
	;;

*)
	usage
	;;
esac
