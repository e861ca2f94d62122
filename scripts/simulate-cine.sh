#!/bin/sh
# Multi-coil k-space of series, undersampled in k-t space, from real magnitude
# series; what is estimated from it as in life, and the reference that goes with
# it. doc/data-preparation.md describes the steps and their limits.
set -eu

usage()
{
	cat >&2 <<-END
	Usage: simulate-cine.sh [options] <out> <series>...

	Each <series> is X x Y, frames along dimension 10, all of one size. Writes
	<out>/{ksp,pat,maps,ref} with the series along dimension 13, and <out>/info.txt.

	-R r	acceleration: pixels over sampled points, everything counted (10)
	-C n	lines of the centre that every frame has (6)
	-V f	growth of the distances between lines towards the rim of k-space (20)
	-b	both image dimensions are phase encodings, centre n x n
	-k n	calibration region for the maps, of the k-space averaged over time (24)
	-x n	the middle n x n pixels of the images only
	-n snr	mean signal of the object over the standard deviation of the real part of
		the noise, both with all coils combined (50)
	-p rad	standard deviation of an added smooth phase (1); a fifth of it moves
	-s n	seed (1)
	-c	the reference is combined from k-space without the added noise
	END
	exit 1
}

R=10 centre=6 growth=20 both=no calib=24 crop='' snr=50 phase=1 seed=1 truth=full

while getopts R:C:V:bk:x:n:p:s:c opt; do

	case $opt in
	R) R=$OPTARG ;;
	C) centre=$OPTARG ;;
	V) growth=$OPTARG ;;
	b) both=yes ;;
	k) calib=$OPTARG ;;
	x) crop=$OPTARG ;;
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
. "$here/kt.sh"

out=$1
shift

check_kt_options
whole "-k (calibration region)" "$calib" 6	# the kernel of ecalib
number "-n (SNR)" "$snr" 1e-6
number "-p (phase)" "$phase" 0
[ -z "$crop" ] || whole "-x (pixels)" "$crop" 6

for f in "$@"; do

	exists "$f" || die "$f: no cfl of this name"

	[ "$(dim 0 "$f") $(dim 1 "$f") $(dim 10 "$f")" = "$(dim 0 "$1") $(dim 1 "$1") $(dim 10 "$1")" ] \
		|| die "$f: $(dim 0 "$f") x $(dim 1 "$f") x $(dim 10 "$f") frames, expected $(dim 0 "$1") x $(dim 1 "$1") x $(dim 10 "$1") as in the first one"
done

X=${crop:-$(dim 0 "$1")}
Y=${crop:-$(dim 1 "$1")}
T=$(dim 10 "$1")
COILS=8

[ "$X" -le "$(dim 0 "$1")" ] && [ "$Y" -le "$(dim 1 "$1")" ] || die "-x $crop: the images are no larger than $(dim 0 "$1") x $(dim 1 "$1")"
[ "$calib" -le "$X" ] && [ "$calib" -le "$Y" ] || die "-k $calib: the calibration region is larger than the images, $X x $Y: give a smaller one"
[ "$T" -gt 1 ] || die "$1: one frame, expected a series with frames along dimension 10 (simulate.sh is for images)"

# moving_phase <seed> <output>: two periods over the image at most, one over time
moving_phase()
{
	smooth_field 5 "$phase" "$X" "$Y" 1 "$1" "$tmp/phi"
	bart zexp -i "$tmp/phi" "$tmp/still"
	smooth_field 5 "$(awk "BEGIN { print 0.2 * $phase }")" "$X" "$Y" 1 $(($1 + 250)) "$tmp/phi" 3 "$T"
	bart zexp -i "$tmp/phi" "$tmp/moving"
	bart fmac "$tmp/still" "$tmp/moving" "$2"
}

# simulate <number>: $parts/{ksp,pat,maps,ref}.<number>, in a folder of its own
simulate()
{
	parts=$tmp
	tmp=$tmp/$1
	mkdir -p "$tmp"
	scan_seed=$((seed * 1000 + $1))
	[ "$both" = no ] || cp "$parts/distance" "$tmp/"

	bart resize -c 0 "$X" 1 "$Y" "$(series_of "$1")" "$tmp/crop"
	moving_phase $scan_seed "$tmp/phase"
	python "$here/coils.py" "$X" "$Y" $COILS $scan_seed "$tmp/coils"

	bart fmac "$tmp/crop" "$tmp/phase" "$tmp/image"
	bart fmac "$tmp/image" "$tmp/coils" "$tmp/cimg"
	bart fft -u 3 "$tmp/cimg" "$tmp/clean"
	bart noise -s $((scan_seed + 500)) -n "$(noise_variance "$tmp/crop")" "$tmp/clean" "$tmp/full"

	kt_pattern $scan_seed "$tmp/pat"
	bart fmac "$tmp/full" "$tmp/pat" "$tmp/ksp"

	time_average "$tmp/ksp" "$tmp/pat" "$tmp/mean"
	ecalib "$tmp/mean" "$tmp/maps"
	combine "$tmp/$truth" "$tmp/maps" "$tmp/ref"

	for p in pat maps ref ksp; do

		keep "$tmp/$p" "$parts/$p.$1"
	done

	rm -rf "$tmp"
}

# series_of <number>, from 1
series_of() { sed -n "$1p" "${parts:-$tmp}/list"; }

printf '%s\n' "$@" > "$tmp/list"
kt_distance

# a thread for each series: independent of the number of threads, whose sums
# would round differently
export OMP_NUM_THREADS=1
parallel 1 $# simulate

mkdir -p "$out"

# old k-space, if any, must not pass as that of the new maps
rm -f "$out/ksp.hdr" "$out/ksp.cfl"

for p in pat maps ref ksp; do

	bart join 13 $(seq -f "$tmp/$p.%g" 1 $#) "$tmp/$p"
	[ $p = ksp ] || keep "$tmp/$p" "$out/$p"
done

cat > "$out/info.txt" <<END
series: $*
size: $# series of $X x $Y x $T frames, $COILS coils (simulated)
acceleration, measured: $(acceleration "$out/pat") (asked: $R; centre $centre, growth $growth, both phase encodings: $both, calibration $calib)
snr: $snr, smooth phase: $phase rad, seed: $seed, reference: from the $truth k-space
END

cat "$out/info.txt" >&2

keep "$tmp/ksp" "$out/ksp"
