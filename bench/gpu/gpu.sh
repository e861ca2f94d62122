#!/bin/bash
# bart gleam against PyTorch on a GPU: seconds per iteration, memory, and where
# the time goes. See README.md.
#
#	bench/gpu/gpu.sh <folder> [options of compare.py]
#
# writes <folder>/training.md (and .json). BART is build/cuda/bart unless set.
BART=${BART:-$(dirname "$0")/../../build/cuda/bart}
. "$(dirname "$0")/../lib.sh"

out=$1
shift
mkdir -p "$out"

make_data "$WORK/four" 4

"$PYTHON" "$BENCH/gpu/compare.py" "$WORK/four" "$out/training.md" --size $X $Y --coils $C "$@"
