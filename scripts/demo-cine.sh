#!/bin/sh
# Cine from nothing to a picture: beating phantoms, a small network of 2D + time
# trained on many of them, and a comparison on two that it has not seen.
#
#	demo-cine.sh [folder, ./demo-cine by default]
#
#	SIZE (64), FRAMES (12), TRAIN (80 phantoms), R (6), FEATURES (16), LAYERS (4),
#	MU (0.2), ITER (3000), ... of results-cine.sh
#
# Steps whose results are in the folder already are skipped.
set -eu

. "$(dirname "$0")/common.sh"

out=${1:-$root/demo-cine}

export BART PYTHON

SIZE=${SIZE:-64} FRAMES=${FRAMES:-12} TRAIN=${TRAIN:-80}
export R="${R:-6}" FEATURES="${FEATURES:-16}" LAYERS="${LAYERS:-4}" MU="${MU:-0.2}" ITER="${ITER:-3000}" VALID_EVERY="${VALID_EVERY:-100}"
export OPTIONS="--cg-iter 6 ${OPTIONS:-}"

whole SIZE "$SIZE" 16
whole FRAMES "$FRAMES" 2
whole TRAIN "$TRAIN" 1
whole ITER "$ITER" 1
number R "$R" 1

settings="$SIZE x $SIZE x $FRAMES frames, $TRAIN phantoms, R $R, $FEATURES features, $LAYERS layers, mu $MU, $ITER iterations, $OPTIONS"

[ ! -f "$out/settings" ] || [ "$settings" = "$(cat "$out/settings")" ] \
	|| die "$out was made with other settings ($(cat "$out/settings"); now: $settings). Remove it, or give another folder"

mkdir -p "$out"
echo "$settings" > "$out/settings"

# phantoms <set> <first> <last>: k-space from them
phantoms()
{
	set=$out/cine/$1
	exists "$set/ksp" && return

	note "== beating phantoms: $1"
	mkdir -p "$set"
	list=

	for i in $(seq "$2" "$3"); do

		python "$here/beating.py" "$SIZE" "$FRAMES" "$i" "$tmp/$i"
		list="$list $tmp/$i"
	done

	echo "-R $R" > "$set/asked"
	"$here/simulate-cine.sh" -c -n 40 -k 16 -C 4 -R "$R" -s "$2" "$set" $list
}

phantoms test 1 2
phantoms valid 3 4
phantoms train 11 $((10 + TRAIN))

"$here/results-cine.sh" none "$out" cs modl4 compare
note "== done: $out/compare/table.md, $out/compare/panel.png"
