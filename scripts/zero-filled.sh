#!/bin/sh
# S^H F^H y: what is seen without any reconstruction.
set -eu

[ $# -eq 3 ] || { echo "Usage: zero-filled.sh <kspace> <maps> <images>" >&2; exit 1; }

. "$(dirname "$0")/common.sh"

bart fft -iu 3 "$1" "$tmp/cimg"
bart fmac -C -s 8 "$tmp/cimg" "$2" "$tmp/x0"
keep "$tmp/x0" "$3"
