# Sourced by the scripts that undersample: patterns of given acceleration, coil
# maps from the middle of what they leave, and images combined with these.
# Wants X, Y (image size), R, calib, growth and seed; lines=yes for lines and pool, a
# number of patterns, as simulate.sh has them.

# poisson <distance> <seed> <output>: 0/1 over the two image dimensions. The
# distance is in pixels of k-space; with growth > 0 it grows with the distance
# from the middle (20 is BART's -v).
poisson()
{
	{ "$BART" poisson -Y "$X" -Z "$Y" -y "$1" -z "$1" -C "$calib" -V "$growth" -s "$2" "$3.yz" > /dev/null; } 2> /dev/null \
		|| die "bart poisson fails for $X x $Y pixels with a growth of $growth (-V): give a smaller one, or larger images"

	"$BART" reshape 7 "$X" "$Y" 1 "$3.yz" "$3"
}

# acceleration <pattern>, of all slices together
acceleration()
{
	python - "$1" <<-END
	import sys, cfl
	p = cfl.read(sys.argv[1])
	print("%.4f" % (p.size / abs(p).sum()))
	END
}

# The distance that gives R within 0.5 percent, by bisection.
find_distance()
{
	lo=1 hi=8

	for i in 1 2 3 4 5 6 7 8 9 10 11 12; do

		mid=$(awk "BEGIN { print ($lo + $hi) / 2 }")
		poisson "$mid" "$seed" "$tmp/try"
		got=$(acceleration "$tmp/try")

		awk "BEGIN { exit !($got < 1.005 * $R && $got > 0.995 * $R) }" && break

		if awk "BEGIN { exit !($got < $R) }"; then lo=$mid; else hi=$mid; fi
	done

	awk "BEGIN { exit !($got < 1.02 * $R && $got > 0.98 * $R) }" || die "no pattern of R = $R with -V $growth: $got is the nearest; another -V, R or a smaller centre may give one"

	echo "$mid"
}

# check_lines: are there as many as R and the centre ask for?
check_lines()
{
	number "-R (acceleration)" "$R" 1
	whole "-C (lines of the centre)" "$calib" 6	# the kernel of ecalib

	[ "$calib" -le "$(lines_of_R)" ] || die "-R $R leaves $(lines_of_R) of $Y lines, but -C asks for $calib of the centre: give a smaller R, or a smaller centre"
}

# the nearest whole number of lines
lines_of_R() { awk "BEGIN { printf \"%d\", $Y / $R + 0.5 }"; }

# random_lines <seed> <output>: 0/1, the same along READ
random_lines()
{
	python - "$X" "$Y" "$(lines_of_R)" "$calib" "$1" "$2" <<-END
	import random, sys, cfl, numpy as np
	X, Y, count, centre, seed = (int(i) for i in sys.argv[1:6])
	first = Y // 2 - centre // 2
	middle = range(first, first + centre)
	others = random.Random(seed).sample([i for i in range(Y) if i not in middle], count - centre)
	p = np.zeros((X, Y))
	p[:, list(middle) + others] = 1.
	cfl.write(sys.argv[6], p)
	END
}

one_pattern()
{
	if [ "${lines:-no}" = yes ]; then

		random_lines $((seed * 1000 + $1)) "$tmp/pat.$1"
	else
		poisson "$distance" $((seed * 1000 + $1)) "$tmp/pat.$1"
	fi
}

# missing_pattern <number>: those before it may have been made for another scan
missing_pattern()
{
	exists "$tmp/pat.$1" || one_pattern "$1"
}

# patterns <first> <last> <output>: a seed for each slice, or as many as pool says in turn
patterns()
{
	if [ -z "${pool:-}" ]; then

		parallel "$1" "$2" one_pattern
		bart join 13 $(seq -f "$tmp/pat.%g" "$1" "$2") "$3"
		return
	fi

	parallel 0 $((pool - 1)) missing_pattern
	bart join 13 $(for i in $(seq "$1" "$2"); do echo "$tmp/pat.$((i % pool))"; done) "$3"
}

# ecalib <kspace> <maps>: one map, no mask. Lines: up to 24 points along READ.
ecalib()
{
	region=$calib
	[ "${lines:-no}" = no ] || region=$((X < 24 ? X : 24)):$calib:1

	{ bart ecalib -m 1 -c 0 -r "$region" "$1" "$2" > /dev/null; } 2> /dev/null \
		|| die "bart ecalib fails for $X x $Y pixels with a calibration region of $calib: give another one, or larger images"
}

one_map()
{
	bart slice 13 "$1" "$maps_of" "$tmp/e$1"
	OMP_NUM_THREADS=1 ecalib "$tmp/e$1" "$tmp/m$1"
}

# estimate_maps <kspace> <output>: as in life, from the centre of what was
# measured. No mask (-c 0): the maps have unit root sum of squares everywhere, so
# that S^H F^H of fully sampled k-space is the least-squares image and no signal
# is cut from the reference. A process per slice: independent of the number of
# threads, whose sums would round differently.
estimate_maps()
{
	maps_of=$1
	last=$(($(dim 13 "$1") - 1))

	parallel 0 $last one_map
	bart join 13 $(seq -f "$tmp/m%g" 0 $last) "$2"
}

# combine <kspace> <maps> <output>: S^H F^H y
combine()
{
	bart fft -iu 3 "$1" "$tmp/cimg"
	bart fmac -C -s 8 "$tmp/cimg" "$2" "$3"
}
