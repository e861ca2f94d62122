# Sourced by the benchmarks: where things are, and the data that they work on.
#
#	BART=<bart>		the command to measure (build/cpu/bart)
#	PYTHON=<python3>	an interpreter with PyTorch (Debian's: /usr/bin/python3)
#	BENCH_THREADS=2		threads of every program that is measured
#	BENCH_QUICK=1		small images and one round: whether it runs, not how fast
set -eu

BENCH=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
BART=${BART:-$BENCH/../build/cpu/bart}
PYTHON=${PYTHON:-/usr/bin/python3}

export BART PYTHON
export BART_TOOLBOX_PATH=$(dirname "$BART")
export OMP_NUM_THREADS=${BENCH_THREADS:-2}
export OPENBLAS_NUM_THREADS=$OMP_NUM_THREADS

[ -x "$BART" ] || { echo "$BART is not here: run make first, or set BART" >&2; exit 1; }

if [ 1 = "${BENCH_QUICK:-0}" ]; then

	X=64; Y=48; C=4; CALIB=12
	XT=32; YT=24; T=6
else
	X=320; Y=256; C=8; CALIB=24
	XT=128; YT=128; T=20
fi

WORK=$(mktemp -d "${TMPDIR:-/tmp}/gleam-bench.XXXXXX")
trap 'rm -rf "$WORK"' EXIT

# what make_data and make_series have made, with their names, becomes a data set
join_samples()
{
	"$BART" join 15 $parts "$out-ksp"
	"$BART" join 15 $pats "$out-pat"
	"$BART" repmat 15 "$n" "$t-maps" "$out-maps"
	"$BART" repmat 15 "$n" "$t-image" "$out-ref"
	rm -f "$t"-*
}

# make_data <prefix> <samples>: k-space, maps, pattern and reference of a phantom,
# undersampled four times, with other noise and another pattern in every sample
make_data()
{
	local out=$1 n=$2 t="$WORK/tmp" i parts="" pats=""

	"$BART" phantom -x $X "$t-a"
	"$BART" phantom -x $X -S $C "$t-b"
	"$BART" resize -c 1 $Y "$t-a" "$t-image"
	"$BART" resize -c 1 $Y "$t-b" "$t-c"
	"$BART" normalize 8 "$t-c" "$t-maps"
	"$BART" fmac "$t-image" "$t-maps" "$t-coils"
	"$BART" fft -u 3 "$t-coils" "$t-full"

	for i in $(seq "$n"); do

		"$BART" noise -s "$i" -n 1e-4 "$t-full" "$t-noisy"
		"$BART" poisson -s "$i" -Y $X -Z $Y -y 2 -z 2 -C $CALIB -e "$t-p" > /dev/null
		"$BART" reshape 7 $X $Y 1 "$t-p" "$t-pat$i"
		"$BART" fmac "$t-noisy" "$t-pat$i" "$t-ksp$i"
		parts="$parts $t-ksp$i"
		pats="$pats $t-pat$i"
	done

	join_samples
}

# make_series <prefix> <samples>: the same for a series of T frames of XT x YT pixels, in which the object grows darker
# and brighter, with another pattern in every frame
make_series()
{
	local out=$1 n=$2 t="$WORK/tmp" i f frames scale parts="" pats=""

	"$BART" phantom -x $XT "$t-a"
	"$BART" phantom -x $XT -S $C "$t-b"
	"$BART" resize -c 1 $YT "$t-a" "$t-c"
	"$BART" resize -c 1 $YT "$t-b" "$t-d"
	"$BART" normalize 8 "$t-d" "$t-maps"

	for f in $(seq $T); do

		scale=$(awk "BEGIN { print 1 + 0.3 * sin(6.2832 * $f / $T) }")
		"$BART" scale "$scale" "$t-c" "$t-frame$f"
	done

	"$BART" join 10 $(for f in $(seq $T); do echo "$t-frame$f"; done) "$t-image"
	"$BART" fmac "$t-image" "$t-maps" "$t-coils"
	"$BART" fft -u 3 "$t-coils" "$t-full"

	for i in $(seq "$n"); do

		"$BART" noise -s "$i" -n 1e-4 "$t-full" "$t-noisy"

		frames=""

		for f in $(seq $T); do

			"$BART" poisson -s $((100 * i + f)) -Y $XT -Z $YT -y 2 -z 2 -C 8 -e "$t-p" > /dev/null
			"$BART" reshape 7 $XT $YT 1 "$t-p" "$t-pf$f"
			frames="$frames $t-pf$f"
		done

		"$BART" join 10 $frames "$t-pat$i"
		"$BART" fmac "$t-noisy" "$t-pat$i" "$t-ksp$i"
		parts="$parts $t-ksp$i"
		pats="$pats $t-pat$i"
	done

	join_samples
}
