# Sourced by what undersamples series: patterns that change from frame to frame.
# Wants X, Y, T (image size, frames), R, centre, growth, both and seed.

# check_kt_options: -R, -C, -V, -s
check_kt_options()
{
	number "-R (acceleration)" "$R" 1
	whole "-C (lines of the centre)" "$centre" 0
	number "-V (growth)" "$growth" 0
	whole "-s (seed)" "$seed" 0
}

# kt_pattern <seed> <output>: X x Y, frames along dimension 10
kt_pattern()
{
	if [ "$both" = no ]; then

		python "$here/kt.py" "$Y" "$T" "$R" "$centre" "$growth" "$1" "$2.lines"
		bart repmat 0 "$X" "$2.lines" "$2"
	else
		kt_poisson "$1" "$2"
	fi
}

# Both image dimensions are phase encodings: a Poisson disc for each frame, with a
# seed of its own. (bart poisson -T keeps the discs of all frames apart, but takes
# minutes for twenty frames.)
kt_poisson()
{
	[ -f "$tmp/distance" ] || die "kt_distance comes before"
	kt_frames=

	for kt_t in $(seq "$T"); do

		poisson "$(cat "$tmp/distance")" $(($1 * 1000 + kt_t)) "$2.$kt_t"
		kt_frames="$kt_frames $2.$kt_t"
	done

	bart join 10 $kt_frames "$2"
}

# kt_distance: that of the Poisson disc, which is the same for all frames
kt_distance()
{
	[ "$both" = no ] || { calib=$centre; find_distance > "$tmp/distance"; }
}

# time_average <kspace> <pattern> <output>: every sample is the mean over the frames
# that measured it. A pattern may be that of all frames.
time_average()
{
	if [ "$(dim 10 "$2")" = 1 ]; then

		bart repmat 10 "$(dim 10 "$1")" "$2" "$3.pattern"
	else
		bart copy "$2" "$3.pattern"
	fi

	bart fmac -s 1024 "$1" "$3.pattern" "$3.sum"
	bart fmac -s 1024 "$3.pattern" "$3.pattern" "$3.count"
	bart invert "$3.count" "$3.weight"
	bart fmac "$3.sum" "$3.weight" "$3"
	rm -f "$3.pattern".* "$3.sum".* "$3.count".* "$3.weight".*
}
