#!/bin/bash
# Seconds per iteration and memory of the 3D networks on a GPU: a series of 2D images, in all precisions.
#
#	bench/gpu/series.sh [iterations]
#
# One series of 128 x 128 pixels, 20 frames and 8 coils, every frame with a pattern of its own.
BART=${BART:-$(dirname "$0")/../../build/cuda/bart}
. "$(dirname "$0")/../lib.sh"

iterations=${1:-12}

PGD=60 MODL=50
[ 1 != "${BENCH_QUICK:-0}" ] || PGD=4 MODL=4

# column <log> <name>
column() { awk -F, -v name="$2" 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == name) c = i } NR > 1 { print $c }' "$1"; }

# the median of the iterations after the first five, and what was allocated at most
summary()
{
	local n peak median
	n=$(awk 'END { print NR - 1 }' "$1")
	peak=$(column "$1" peak_bytes | awk 'END { print $1 / 1048576 }')
	median=$(column "$1" seconds_per_iteration | sed 1,5d | sort -n | awk '{ a[NR] = $1 } END { print a[int((NR + 1) / 2)] }')
	printf '| %s | %s | %s | %.4f | %.0f |\n' "$2" "$3" "$n" "$median" "$peak"
}

# train <name> <options of bart gleam>, in the precisions that there are
train()
{
	local name=$1 precision
	shift

	for precision in fp32 tf32 bf16; do

		"$BART" gleam -g --precision $precision "$@" -b 1 -n "$iterations" --lr 1e-3 --log "$WORK/log.csv" \
			--pattern "$WORK/s-pat" "$WORK/w" "$WORK/s-ksp" "$WORK/s-maps" "$WORK/s-ref" 2> "$WORK/err" || { cat "$WORK/err"; exit 1; }

		summary "$WORK/log.csv" "$name" $precision
	done
}

make_series "$WORK/s" 1

echo "$XT x $YT pixels, $T frames, $C coils, batch 1"
echo
echo "| network | precision | iterations | s/iteration | MiB allocated |"
echo "| --- | --- | --- | --- | --- |"

train "PGD, $PGD features, N = M = 4" --pgd --features $PGD -I 4 -M 4
train "PGD, $PGD features, N = 12, M = 3" --pgd --features $PGD -I 12 -M 3
train "PGD, $PGD features, N = 4, M = 1 (end-to-end)" --pgd --features $PGD -I 4 -M 1
train "MoDL, $MODL features, N = M = 4" --modl --features $MODL -I 4 -M 4
train "MoDL, $MODL features, N = 4, M = 1 (end-to-end)" --modl --features $MODL -I 4 -M 1
