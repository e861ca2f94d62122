#!/bin/sh
# Undersamples measured, fully sampled multi-coil k-space of slices whose two
# image dimensions are both phase encodings.
set -eu

usage()
{
	cat >&2 <<-END
	Usage: prepare-measured.sh [-C calib] [-V growth] [-s seed] <kspace> <out> <R>

	<kspace>: X x Y x 1 x coils, slices (if any) along dimension 13. Writes
	<out>/{ksp,pat,maps,ref}: k-space times a Poisson-disc pattern, coil maps estimated
	from its middle (calib x calib, 24), and the image of the full k-space combined
	with these maps.
	END
	exit 1
}

calib=24 growth=0 seed=1

while getopts C:V:s: opt; do

	case $opt in
	C) calib=$OPTARG ;;
	V) growth=$OPTARG ;;
	s) seed=$OPTARG ;;
	*) usage ;;
	esac
done

shift $((OPTIND - 1))
[ $# -eq 3 ] || usage

. "$(dirname "$0")/common.sh"
. "$here/sampling.sh"

full=$1 out=$2 R=$3

exists "$full" || die "$full: no cfl of this name"
[ "$(dim 2 "$full")" = 1 ] || die "$full: 3D k-space; slices of it (after a transform along the readout) are expected"

X=$(dim 0 "$full")
Y=$(dim 1 "$full")
NS=$(dim 13 "$full")

mkdir -p "$out"

distance=$(find_distance)
patterns 0 $((NS - 1)) "$tmp/pat"
bart fmac "$full" "$tmp/pat" "$tmp/ksp"
estimate_maps "$tmp/ksp" "$tmp/maps"
combine "$full" "$tmp/maps" "$tmp/ref"

cat > "$out/info.txt" <<END
measured: $full
slices: $NS of $X x $Y, $(dim 3 "$full") coils
acceleration, measured: $(acceleration "$tmp/pat") (asked: $R; calibration $calib x $calib, growth $growth, distance $distance)
seed: $seed
END

cat "$out/info.txt" >&2

for p in pat maps ref ksp; do

	keep "$tmp/$p" "$out/$p"
done
