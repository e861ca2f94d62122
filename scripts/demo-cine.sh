#!/bin/sh
# Cine from nothing to a picture: beating phantoms, a small network of 2D + time
# trained on nine of them, and a comparison on one that it has not seen.
#
#	demo-cine.sh [folder, ./demo-cine by default]
#
# Steps whose results are in the folder already are skipped.
set -eu

. "$(dirname "$0")/common.sh"

out=${1:-$root/demo-cine}

export BART PYTHON
export CROP= R="${R:-6}" FEATURES="${FEATURES:-16}" LAYERS="${LAYERS:-4}" ITER_MODL4="${ITER:-3000}" ITER= VALID_EVERY="${VALID_EVERY:-100}"
export SIMULATE="-c -n 40 -k 16 -C 4" OPTIONS="--mu 0.2 --cg-iter 6"

if [ ! -f "$out/series/done" ]; then

	note "== beating phantoms"
	mkdir -p "$out/series"

	for i in 01 02 03 04 05 06 07 08 09 10 11 12; do

		python "$here/beating.py" "${SIZE:-64}" "${FRAMES:-12}" "${i#0}" "$out/series/series$i"
	done

	touch "$out/series/done"
fi

"$here/results-cine.sh" "$out/series" "$out" data cs modl4 compare
note "== done: $out/compare/table.md, $out/compare/panel.png"
