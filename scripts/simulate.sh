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
	-C n	calibration region, n x n (24)
	-n snr	mean signal of the object over the standard deviation of the real part of
		the noise, both with all coils combined (50)
	-p rad	standard deviation of an added smooth phase (1)
	-s n	seed (1)
	-c	the reference is combined from k-space without the added noise
	END
	exit 1
}

R=4 calib=24 snr=50 phase=1 seed=1 clean=0

while getopts R:C:n:p:s:c opt; do

	case $opt in
	R) R=$OPTARG ;;
	C) calib=$OPTARG ;;
	n) snr=$OPTARG ;;
	p) phase=$OPTARG ;;
	s) seed=$OPTARG ;;
	c) clean=1 ;;
	*) usage ;;
	esac
done

shift $((OPTIND - 1))
[ $# -ge 2 ] || usage

. "$(dirname "$0")/common.sh"
. "$here/sampling.sh"

out=$1
shift

for f in "$@"; do

	exists "$f" || die "$f: no cfl of this name"
done

X=$(dim 0 "$1")
Y=$(dim 1 "$1")
COILS=8

# smooth_phase <slices> <seed> <output>: exp(i phi), phi with two periods at most
# over the field of view. 25 coefficients of unit variance, of which the real
# part keeps half, in a unitary transform: deviation sqrt(12.5 / XY).
smooth_phase()
{
	bart zeros 16 5 5 1 1 1 1 1 1 1 1 1 1 1 "$1" 1 1 "$tmp/low"
	bart noise -s "$2" -n 1 "$tmp/low" "$tmp/low"
	bart resize -c 0 "$X" 1 "$Y" "$tmp/low" "$tmp/low"
	bart fft -iu 3 "$tmp/low" "$tmp/low"
	bart creal "$tmp/low" "$tmp/low"
	bart scale "$(awk "BEGIN { print $phase * sqrt($X * $Y / 12.5) }")" "$tmp/low" "$tmp/low"
	bart zexp -i "$tmp/low" "$3"
}

# coils <n> <output>: BART's eight-channel head coil, on square pixels, of unit
# root sum of squares; the n-th of the eight ways to lay the square on itself,
# so that not every scan has the very same coil.
coils()
{
	side=$((X > Y ? X : Y))

	bart phantom -x "$side" -S $COILS "$tmp/coil"
	[ $(($1 & 4)) -eq 0 ] || bart transpose 0 1 "$tmp/coil" "$tmp/coil"
	bart flip $(($1 & 3)) "$tmp/coil" "$tmp/coil"
	bart resize -c 0 "$X" 1 "$Y" "$tmp/coil" "$tmp/coil"
	bart normalize 8 "$tmp/coil" "$2"
}

# noise_variance <image>: of complex noise, for this SNR
noise_variance()
{
	python - "$1" "$snr" <<-END
	import sys, cfl
	m = abs(cfl.read(sys.argv[1]))
	print("%.8e" % (2. * (m[m > 0.1 * m.max()].mean() / float(sys.argv[2])) ** 2))
	END
}

mkdir -p "$out"

density=$(find_density)
scan=0
slice=0
parts="ksp pats maps ref"

for image in "$@"; do

	NS=$(dim 13 "$image")
	here_seed=$((seed * 1000 + scan))
	[ "$(dim 0 "$image") $(dim 1 "$image")" = "$X $Y" ] || die "$image: $(dim 0 "$image") x $(dim 1 "$image"), expected $X x $Y as in the first one"

	note "simulate: scan $((scan + 1)) of $#: $image, $NS slices"

	smooth_phase "$NS" $here_seed "$tmp/phase"
	coils $((here_seed % 8)) "$tmp/coils"

	bart fmac "$image" "$tmp/phase" "$tmp/image"
	bart fmac "$tmp/image" "$tmp/coils" "$tmp/cimg"
	bart fft -u 3 "$tmp/cimg" "$tmp/clean"
	bart noise -s $((here_seed + 500)) -n "$(noise_variance "$image")" "$tmp/clean" "$tmp/full"

	patterns $slice $((slice + NS - 1))
	bart join 13 $(seq -f "$tmp/pat.%g" $slice $((slice + NS - 1))) "$tmp/pats.$scan"
	slice=$((slice + NS))

	bart fmac "$tmp/full" "$tmp/pats.$scan" "$tmp/ksp.$scan"

	estimate_maps "$tmp/ksp.$scan" "$tmp/maps.$scan"

	if [ 1 = $clean ]; then combine "$tmp/clean" "$tmp/maps.$scan" "$tmp/ref.$scan"
	else combine "$tmp/full" "$tmp/maps.$scan" "$tmp/ref.$scan"; fi

	scan=$((scan + 1))
done

for p in $parts; do

	bart join 13 $(seq -f "$tmp/$p.%g" 0 $((scan - 1))) "$tmp/$p"
done

keep "$tmp/ref" "$out/ref"
keep "$tmp/maps" "$out/maps"
keep "$tmp/pats" "$out/pat"

cat > "$out/info.txt" <<END
scans: $*
slices: $slice of $X x $Y, $COILS coils (simulated)
acceleration, measured: $(acceleration "$out/pat") (asked: $R; calibration $calib x $calib, density $density)
snr: $snr, smooth phase: $phase rad, seed: $seed, reference: $([ 1 = $clean ] && echo "without" || echo "with") the added noise
END

cat "$out/info.txt" >&2

keep "$tmp/ksp" "$out/ksp"
