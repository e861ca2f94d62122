#!/bin/bash
# Where the time of an iteration on the GPU goes (see split.py).
#
#	BENCH_SPLIT=<libgleam_trace.so> bench/gpu/split.sh <report.md> [options of split.py]
BART=${BART:-$(dirname "$0")/../../build/cuda/bart}
. "$(dirname "$0")/../lib.sh"

report=$1
shift

make_data "$WORK/four" 4

"$PYTHON" "$BENCH/gpu/split.py" "$WORK/four" "$BENCH_SPLIT" "$report" "$@"
