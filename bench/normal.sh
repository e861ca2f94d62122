#!/bin/bash
# Time of one normal operator: ours, BART's, FFTW's (see normal.c).
#
#	bench/normal.sh [X Y coils [maps [rounds]]]
set -eu

BENCH=$(cd "$(dirname "$0")" && pwd)
TREE=${TREE:-$BENCH/../build/cpu}

export OMP_NUM_THREADS=${BENCH_THREADS:-2}

make -s --no-print-directory -C "$BENCH/.." overlay
make -s --no-print-directory -C "$TREE" gleam_bench_normal > /dev/null

"$TREE/gleam_bench_normal" "$@"
