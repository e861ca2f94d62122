#!/bin/sh
# Multi-coil k-space, undersampled, from complex images: what is simulated, what
# is estimated from it as in life, and the reference that goes with it.
# doc/data-preparation.md describes the steps and their limits.
set -eu

usage()
{
	cat >&2 <<-END
	Usage: simulate.sh [options] <out> <image>...

	Each <image> is one scan: complex images, X x Y, slices along dimension 13, all
	of one size. Writes <out>/{ksp,pat,maps,ref} with the slices of all scans along
	dimension 13, and <out>/info.txt.

	-R r	acceleration: pixels over sampled points, the calibration region included (4)
	-C n	calibration region, n x n (24); with -L: lines of the centre, all of them sampled
	-L	lines: the readout (dimension 0) is fully sampled, lines of dimension 1 are left
		out at random, the same chance for each of them but those of the centre
	-V f	growth of the distances between samples towards the rim of k-space: 0 is
		the plain Poisson disc, 20 is 'bart poisson -v' (0)
	-D d	distance between samples, as info.txt of another set has it, instead of searching it
	-N n	this many patterns, used in turn (one for each slice)
	-n snr	mean signal of the object over the standard deviation of the real part of
		the noise, both with all coils combined (50)
	-p rad	standard deviation of an added smooth phase (1)
	-s n	seed (1)
	-c	the reference is combined from k-space without the added noise
	END
	exit 1
}

R=4 calib=24 lines=no growth=0 snr=50 phase=1 seed=1 truth=full distance='' pool=''

while getopts R:C:LV:D:N:n:p:s:c opt; do

	case $opt in
	R) R=$OPTARG ;;
	C) calib=$OPTARG ;;
	L) lines=yes ;;
	V) growth=$OPTARG ;;
	D) distance=$OPTARG ;;
	N) pool=$OPTARG ;;
	n) snr=$OPTARG ;;
	p) phase=$OPTARG ;;
	s) seed=$OPTARG ;;
	c) truth=clean ;;
	*) usage ;;
	esac
done

shift $((OPTIND - 1))
[ $# -ge 2 ] || usage

. "$(dirname "$0")/common.sh"
. "$here/sampling.sh"
. "$here/forward.sh"

out=$1
shift

for f in "$@"; do

	exists "$f" || die "$f: no cfl of this name"
done

X=$(dim 0 "$1")
Y=$(dim 1 "$1")
COILS=8

[ $lines = no ] || check_lines
[ -z "$distance" ] || number "-D (distance)" "$distance" 1
[ -z "$pool" ] || whole "-N (patterns)" "$pool" 1

# One scan: $parts/{ksp,pat,maps,ref}.<scan>, k-space last
simulate()
{
	image=$1
	scan_seed=$((seed * 1000 + scan))

	smooth_field 5 "$phase" "$X" "$Y" "$NS" $scan_seed "$tmp/phi"	# at most two periods
	bart zexp -i "$tmp/phi" "$tmp/phase"
	coils $((scan_seed % 8)) "$tmp/coils"

	bart fmac "$image" "$tmp/phase" "$tmp/image"
	bart fmac "$tmp/image" "$tmp/coils" "$tmp/cimg"
	bart fft -u 3 "$tmp/cimg" "$tmp/clean"
	bart noise -s $((scan_seed + 500)) -n "$(noise_variance "$image")" "$tmp/clean" "$tmp/full"

	patterns $slice $((slice + NS - 1)) "$tmp/pat"
	bart fmac "$tmp/full" "$tmp/pat" "$tmp/ksp"

	estimate_maps "$tmp/ksp" "$tmp/maps"
	combine "$tmp/$truth" "$tmp/maps" "$tmp/ref"

	for p in pat maps ref ksp; do

		keep "$tmp/$p" "$parts/$p.$scan"
	done
}

# joined <name>: that of all scans
joined()
{
	bart join 13 $(seq -f "$parts/$1.%g" 0 $((scan - 1))) "$tmp/$1"
	keep "$tmp/$1" "$out/$1"
}

# drop_empty <scan> <output>: slices with less than a twentieth of the median
# slice's signal are noise alone once noise is added; ecalib does not end on such
drop_empty()
{
	python - "$1" "$2" <<-END
	import sys, cfl, numpy as np
	x = cfl.read(sys.argv[1])
	x = x.reshape(x.shape + (1,) * (16 - x.ndim))
	signal = np.sqrt((abs(x) ** 2).mean(axis=(0, 1))).reshape(-1)
	good = signal > 0.05 * np.median(signal)
	for i in np.flatnonzero(~good):
	    print("simulate: %s: slice %d is empty and left out" % (sys.argv[1], i), file=sys.stderr)
	cfl.write(sys.argv[2], np.take(x, np.flatnonzero(good), axis=13))
	END
}

# Finished scans are kept in $out/parts until all are there, for these options.

parts=$out/parts
[ $lines = no ] && sampled="calibration $calib x $calib" || sampled="random lines, $calib of the centre"
options="-R $R -C $calib -V $growth -n $snr -p $phase -s $seed $truth $([ $lines = no ] || echo "lines ")${distance:+-D $distance }${pool:+-N $pool }$*"

[ "$(cat "$parts/options" 2> /dev/null)" = "$options" ] || rm -rf "$parts"
mkdir -p "$parts"
echo "$options" > "$parts/options"

if [ $lines = yes ]; then

	distance=none

elif [ -f "$parts/distance" ]; then

	distance=$(cat "$parts/distance")
else
	distance=${distance:-$(find_distance)}
	echo "$distance" > "$parts/distance"
fi

scan=0
slice=0

for image in "$@"; do

	drop_empty "$image" "$tmp/scan"
	NS=$(dim 13 "$tmp/scan")
	[ "$(dim 0 "$image") $(dim 1 "$image")" = "$X $Y" ] || die "$image: $(dim 0 "$image") x $(dim 1 "$image"), expected $X x $Y as in the first one"

	note "simulate: scan $((scan + 1)) of $#: $image, $NS slices"
	exists "$parts/ksp.$scan" || simulate "$tmp/scan"

	scan=$((scan + 1))
	slice=$((slice + NS))
done

# old k-space, if any, must not pass as that of the new maps
rm -f "$out/ksp.hdr" "$out/ksp.cfl"

for p in pat maps ref; do

	joined $p
done

cat > "$out/info.txt" <<END
scans: $*
slices: $slice of $X x $Y, $COILS coils (simulated)${pool:+, $pool patterns}
acceleration, measured: $(acceleration "$out/pat") (asked: $R; $sampled, growth $growth, distance $distance)
snr: $snr, smooth phase: $phase rad, seed: $seed, reference: from the $truth k-space
END

cat "$out/info.txt" >&2

joined ksp
rm -rf "$parts"
