#!/bin/sh
# Cine from nothing to a picture: beating phantoms, a small network of 2D + time
# trained on many of them, and a comparison on two that it has not seen.
#
#	demo-cine.sh [folder, ./demo-cine by default]
#
# Steps whose results are in the folder already are skipped.
set -eu

. "$(dirname "$0")/common.sh"

out=${1:-$root/demo-cine}

export BART PYTHON
export R="${R:-6}" FEATURES="${FEATURES:-16}" LAYERS="${LAYERS:-4}" ITER_MODL4="${ITER:-3000}" ITER= VALID_EVERY="${VALID_EVERY:-100}"
export OPTIONS="--mu 0.2 --cg-iter 6"

# phantoms <set> <first> <last>: k-space from them
phantoms()
{
	set=$out/cine/$1
	exists "$set/ksp" && return

	note "== beating phantoms: $1"
	mkdir -p "$set"
	list=

	for i in $(seq "$2" "$3"); do

		python "$here/beating.py" "${SIZE:-64}" "${FRAMES:-12}" "$i" "$tmp/$i"
		list="$list $tmp/$i"
	done

	echo "-R $R" > "$set/asked"
	"$here/simulate-cine.sh" -c -n 40 -k 16 -C 4 -R "$R" -s "$2" "$set" $list
}

phantoms test 1 2
phantoms valid 3 4
phantoms train 11 $((10 + ${TRAIN:-80}))

"$here/results-cine.sh" none "$out" cs modl4 compare
note "== done: $out/compare/table.md, $out/compare/panel.png"
