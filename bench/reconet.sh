#!/bin/bash
# bart gleam against BART's own trainer, bart reconet, on a network that is as
# near to ours as its options allow. See README.md for what differs.
. "$(dirname "$0")/lib.sh"

make_data "$WORK/one" 1

"$PYTHON" "$BENCH/compare.py" reconet "$WORK" $X $Y $C
