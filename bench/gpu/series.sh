#!/bin/bash
# Seconds per iteration and memory of the 3D networks on a GPU: a series of 2D images, in all precisions.
#
#	bench/gpu/series.sh [iterations]
#
# One series of 128 x 128 pixels, 20 frames and 8 coils, every frame with a pattern of its own. The values are
# noise: neither time nor memory depends on them, and losses only show that nothing is broken.
BART=${BART:-$(dirname "$0")/../../build/cuda/bart}
. "$(dirname "$0")/../lib.sh"

iterations=${1:-12}

if [ 1 = "${BENCH_QUICK:-0}" ]; then

	X=24; T=6; C=2; PGD=4; MODL=4
else
	X=128; T=20; C=8; PGD=60; MODL=50
fi

make_series()
{
	local t=$WORK/t

	"$BART" zeros 11 $X $X 1 $C 1 1 1 1 1 1 $T "$t-zero"
	"$BART" noise -s 1 -n 1 "$t-zero" "$t-full"

	# lines of k-space, the same ones for every readout
	"$BART" zeros 11 1 $X 1 1 1 1 1 1 1 1 $T "$t-none"
	"$BART" noise -s 2 -r -n 1 "$t-none" "$t-random"
	"$BART" threshold -B 1 "$t-random" "$t-lines"
	"$BART" repmat 0 $X "$t-lines" "$WORK/pat"

	"$BART" fmac "$t-full" "$WORK/pat" "$WORK/ksp"
	"$BART" ones 4 $X $X 1 $C "$t-ones"
	"$BART" normalize 8 "$t-ones" "$WORK/maps"
	"$BART" fft -u -i 3 "$t-full" "$t-coils"
	"$BART" fmac -C -s 8 "$t-coils" "$WORK/maps" "$WORK/ref"
	rm -f "$t"-*
}

# the median of the iterations after the first five, and what was allocated at most
summary()
{
	local n peak median
	n=$(awk 'END { print NR - 1 }' "$1")
	peak=$(awk -F , 'END { print $NF / 1048576 }' "$1")
	median=$(awk -F , 'FNR > 6 { print $(NF - 1) }' "$1" | sort -n | awk '{ a[NR] = $1 } END { print a[int((NR + 1) / 2)] }')
	printf '| %s | %s | %s | %.4f | %.0f |\n' "$2" "$3" "$n" "$median" "$peak"
}

# train <name> <options of bart gleam>, in the precisions that there are
train()
{
	local name=$1 precision
	shift

	for precision in fp32 tf32 bf16; do

		"$BART" gleam -g --precision $precision "$@" -b 1 -n "$iterations" --lr 1e-3 --log "$WORK/log.csv" \
			--pattern "$WORK/pat" "$WORK/w" "$WORK/ksp" "$WORK/maps" "$WORK/ref" 2> "$WORK/err" || { cat "$WORK/err"; exit 1; }

		summary "$WORK/log.csv" "$name" $precision
	done
}

make_series

echo "$X x $X pixels, $T frames, $C coils, batch 1"
echo
echo "| network | precision | iterations | s/iteration | MiB allocated |"
echo "| --- | --- | --- | --- | --- |"

train "PGD, $PGD features, N = M = 4" --pgd --features $PGD -I 4 -M 4
train "PGD, $PGD features, N = 12, M = 3" --pgd --features $PGD -I 12 -M 3
train "PGD, $PGD features, N = 4, M = 1 (end-to-end)" --pgd --features $PGD -I 4 -M 1
train "MoDL, $MODL features, N = M = 4" --modl --features $MODL -I 4 -M 4
train "MoDL, $MODL features, N = 4, M = 1 (end-to-end)" --modl --features $MODL -I 4 -M 1
