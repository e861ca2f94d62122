#!/bin/bash
# bart gleam against the same networks in PyTorch: seconds per iteration and
# memory, and our memory over the number of modules and the batch size. See
# README.md; the settings are those of lib.sh.
#
#	bench/train.sh [2d | 3d]	images, series of frames with the 3D networks, or both
#	NETWORK=pgd or modl		of the 3D networks only this one (10 to 15 minutes each)
case ${NETWORK:-pgd} in
pgd|modl) ;;
*) echo "NETWORK is '$NETWORK', expected pgd or modl" >&2; exit 1 ;;
esac

. "$(dirname "$0")/lib.sh"

if [ 3d != "${1:-2d}" ]; then

	make_data "$WORK/one" 1
	make_data "$WORK/four" 4

	"$PYTHON" "$BENCH/compare.py" train "$WORK" $X $Y $C
fi

if [ 2d != "${1:-3d}" ]; then

	make_series "$WORK/series" 1

	"$PYTHON" "$BENCH/compare.py" series "$WORK" $XT $YT $T $C
fi
