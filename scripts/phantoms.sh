#!/bin/sh
# Images from BART's numerical phantoms: geometries drawn on a grid of twice the
# size and cut in k-space (partial volumes and truncation as in a scan), random
# contrast, smooth shading and a fine texture, since tissue is not constant.
set -eu

usage()
{
	cat >&2 <<-END
	Usage: phantoms.sh [-x size] [-s seed] <kind>:<count>... <out>

	Writes images, size x size (128), along dimension 13. Kinds: ellipses (random heads
	of ellipses), folds (random heads of ribbons), tubes (random tubes), nist, sonar,
	brain (BART's geometries of these names).
	END
	exit 1
}

N=128 seed=1

while getopts x:s: opt; do

	case $opt in
	x) N=$OPTARG ;;
	s) seed=$OPTARG ;;
	*) usage ;;
	esac
done

shift $((OPTIND - 1))
[ $# -ge 2 ] || usage

. "$(dirname "$0")/common.sh"

D=$((2 * N))

# random <seed> <low> <high>: one number
random()
{
	python - "$@" <<-END
	import random, sys
	print("%.4f" % random.Random(int(sys.argv[1])).uniform(float(sys.argv[2]), float(sys.argv[3])))
	END
}

ellipses()
{
	parts= n=0

	python "$here/ellipses.py" "$D" "$1" > "$tmp/list"

	while read -r centre axes angle weight; do

		bart phantom -x "$D" -2 --ELLIPSOID --ellipsoid_center "$centre" --ellipsoid_axes "$axes" --rotation-angle "$angle" "$tmp/e"
		n=$((n + 1))
		bart scale -- "$weight" "$tmp/e" "$tmp/e$n"
		parts="$parts $tmp/e$n"

	done < "$tmp/list"

	bart join 6 $parts "$tmp/e"
	bart fmac -s 64 "$tmp/e" "$tmp/object"
	rm -f "$tmp"/e*.cfl "$tmp"/e*.hdr
}

# contrast <basis> <seed>: random intensities between 0.05 and 1.05 of its parts
contrast()
{
	bart zeros 7 1 1 1 1 1 1 "$(dim 6 "$1")" "$tmp/w0"
	bart noise --uniform -r -s "$2" "$tmp/w0" "$tmp/w1"
	bart ones 7 1 1 1 1 1 1 "$(dim 6 "$1")" "$tmp/w0"
	bart saxpy 0.05 "$tmp/w0" "$tmp/w1" "$tmp/w"
	bart fmac -s 64 "$1" "$tmp/w" "$tmp/object"
}

# place <seed>: the object in another size, and one of eight orientations
place()
{
	s=$(random "$1" "$D" $((5 * D / 4)))
	bart resize -c 0 "${s%.*}" 1 "${s%.*}" "$tmp/object" "$tmp/placed"
	bart flip $(($1 & 3)) "$tmp/placed" "$tmp/object"
	[ $(($1 & 4)) -eq 0 ] || bart transpose 0 1 "$tmp/object" "$tmp/object"
}

# mask <level> <field> <output>: 1 where the field is above the level
mask()
{
	bart threshold -B -- "$1" "$2" "$3"
}

# folds: a head with a cortex: ribbons and islands, cut by the level lines of a
# smooth random field, between its inside and a large ellipse in the middle.
# Parts: rim, inside, middle, two kinds of ribbons.
folds()
{
	python "$here/ellipses.py" -m "$D" "$1" > "$tmp/list"

	for i in 1 2 3 4; do

		read -r centre axes angle weight
		bart phantom -x "$D" -2 --ELLIPSOID --ellipsoid_center "$centre" --ellipsoid_axes "$axes" --rotation-angle "$angle" "$tmp/f$i"

	done < "$tmp/list"

	smooth_field $((6 + $1 % 24)) 1 "$D" "$D" 1 "$1" "$tmp/field"
	bart scale -- -1 "$tmp/field" "$tmp/minus"
	mask "$(random "$1" 0.2 1.5)" "$tmp/field" "$tmp/above"
	mask "$(random $(($1 + 1)) 0.2 1.5)" "$tmp/minus" "$tmp/below"

	bart saxpy -- -1 "$tmp/f2" "$tmp/f1" "$tmp/b0"
	bart saxpy -- -1 "$tmp/f4" "$tmp/f3" "$tmp/ring"
	bart fmac "$tmp/ring" "$tmp/above" "$tmp/b3"
	bart fmac "$tmp/ring" "$tmp/below" "$tmp/b4"

	bart join 6 "$tmp/b0" "$tmp/f3" "$tmp/f4" "$tmp/b3" "$tmp/b4" "$tmp/basis"
	contrast "$tmp/basis" "$1"
}

tubes()
{
	bart phantom -x "$D" -N $((6 + $1 % 20)) -r "$1" -b "$tmp/basis"
	contrast "$tmp/basis" "$1"
	place "$1"
}

# geometry <option> <seed>: one of BART's own, drawn once for all
geometry()
{
	contrast "$all/geo$1" "$2"
	place "$2"
}

# texture <seed> <output>: what the object is multiplied with
texture()
{
	smooth_field 5 0.2 "$N" "$N" 1 "$1" "$tmp/shade"
	smooth_field $((N / 4)) 0.06 "$N" "$N" 1 $(($1 + 1)) "$tmp/fine"
	bart ones 2 "$N" "$N" "$tmp/one"
	bart saxpy 1 "$tmp/one" "$tmp/shade" "$tmp/shade"
	bart saxpy 1 "$tmp/one" "$tmp/fine" "$tmp/fine"
	bart fmac "$tmp/shade" "$tmp/fine" "$2"
}

# draw <kind> <seed>: $tmp/object
draw()
{
	case $1 in
	ellipses) ellipses "$2" ;;
	folds) folds "$2" ;;
	tubes) tubes "$2" ;;
	nist) geometry --NIST "$2" ;;
	sonar) geometry --SONAR "$2" ;;
	brain) geometry --BRAIN "$2" ;;
	*) die "$1: unknown kind of phantom" ;;
	esac
}

# image <number>, in a folder of its own since several are made at a time
image()
{
	image_seed=$((seed * 1000 + $1 + 1))
	all=$tmp
	tmp=$all/$1.d
	mkdir "$tmp"

	draw "$(sed -n $(($1 + 1))p "$all/kinds")" $image_seed

	bart fft -u 3 "$tmp/object" "$tmp/k"
	bart resize -c 0 "$N" 1 "$N" "$tmp/k" "$tmp/k"
	bart fft -iu 3 "$tmp/k" "$tmp/smooth"
	texture $((2 * image_seed)) "$tmp/texture"
	bart fmac "$tmp/smooth" "$tmp/texture" "$all/image$1"

	rm -rf "$tmp"
}

# one line per image

while [ $# -gt 1 ]; do

	case $1 in
	brain:*|nist:*|sonar:*)
		name=$(echo "${1%:*}" | tr a-z A-Z)
		bart phantom -x "$D" "--$name" -b "$tmp/geo--$name" ;;
	esac

	for i in $(seq "${1#*:}"); do

		echo "${1%:*}" >> "$tmp/kinds"
	done

	shift
done

last=$(($(wc -l < "$tmp/kinds") - 1))

export OMP_NUM_THREADS=1
parallel 0 $last image

bart join 13 $(seq -f "$tmp/image%g" 0 $last) "$tmp/images"
keep "$tmp/images" "$1"
