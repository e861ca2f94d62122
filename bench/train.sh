#!/bin/bash
# bart gleam against the same networks in PyTorch: seconds per iteration and
# memory, and our memory over the number of modules and the batch size. See
# README.md; the settings are those of lib.sh.
. "$(dirname "$0")/lib.sh"

make_data "$WORK/one" 1
make_data "$WORK/four" 4

"$PYTHON" "$BENCH/compare.py" train "$WORK" $X $Y $C
