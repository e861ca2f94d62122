#!/bin/sh
# A small data set of volumes from numerical phantoms, so that three dimensions can
# be tried without data: random ellipsoids, 3D coils, Poisson-disc patterns over the
# two phase encodings. What is done with them is that of simulate.sh.
set -eu

usage()
{
	cat >&2 <<-END
	Usage: simulate-volume.sh [options] <volumes> <out>

	Writes <out>/{ksp,pat,maps,ref}: n x n x n pixels (READ, PHS1, PHS2; the readout is
	fully sampled), volumes along dimension 13.

	-x n	size (48)
	-R r	acceleration: all points over sampled ones, the calibration region included (6)
	-C n	calibration region of the two phase encodings, n x n (12)
	-V f	growth of the distances between samples towards the rim of k-space (20)
	-n snr	mean signal of the object over the standard deviation of the noise (50)
	-s n	seed (1)
	END
	exit 1
}

N=48 R=6 calib=12 growth=20 snr=50 seed=1

while getopts x:R:C:V:n:s: opt; do

	case $opt in
	x) N=$OPTARG ;;
	R) R=$OPTARG ;;
	C) calib=$OPTARG ;;
	V) growth=$OPTARG ;;
	n) snr=$OPTARG ;;
	s) seed=$OPTARG ;;
	*) usage ;;
	esac
done

shift $((OPTIND - 1))
[ $# -eq 2 ] || usage

. "$(dirname "$0")/common.sh"
. "$here/sampling.sh"
. "$here/forward.sh"

count=$1 out=$2

whole volumes "$count" 1
whole "-x (size)" "$N" 8
number "-R (acceleration)" "$R" 1
whole "-C (calibration region)" "$calib" 6	# the kernel of ecalib
number "-V (growth)" "$growth" 0
number "-n (SNR)" "$snr" 1e-6
whole "-s (seed)" "$seed" 0
[ "$calib" -le "$N" ] || die "-C $calib: the calibration region is larger than the volumes, $N: give a smaller one"

X=$N Y=$N COILS=8	# of the plane of the phase encodings

# object <seed> <output>: a large ellipsoid with smaller ones in and around it
object()
{
	python "$here/ellipsoids.py" "$N" "$1" "$2"
}

# coils_3d <seed> <output>: two rings of four
coils_3d()
{
	python "$here/coils.py" "$N" "$N" 8 "$1" "$tmp/plane"
	python "$here/coils.py" "$N" 1 8 $(($1 + 7)) "$tmp/line"
	bart transpose 0 2 "$tmp/line" "$tmp/line2"
	bart fmac "$tmp/plane" "$tmp/line2" "$tmp/product"
	bart normalize 8 "$tmp/product" "$2"
}

# pattern_3d <seed> <output>: the two phase encodings are dimensions 1 and 2
pattern_3d()
{
	poisson "$distance" "$1" "$tmp/plane"
	bart reshape 7 1 "$Y" "$X" "$tmp/plane" "$tmp/yz"
	bart repmat 0 "$N" "$tmp/yz" "$2"
}

one_volume()
{
	parts=$tmp
	tmp=$tmp/$1
	mkdir -p "$tmp"
	volume_seed=$((seed * 1000 + $1))

	object $volume_seed "$tmp/image"
	coils_3d $volume_seed "$tmp/coils"
	bart fmac "$tmp/image" "$tmp/coils" "$tmp/cimg"
	bart fft -u 7 "$tmp/cimg" "$tmp/clean"
	bart noise -s $((volume_seed + 500)) -n "$(noise_variance "$tmp/image")" "$tmp/clean" "$tmp/full"

	pattern_3d $volume_seed "$tmp/pat"
	bart fmac "$tmp/full" "$tmp/pat" "$tmp/ksp"
	ecalib "$tmp/ksp" "$tmp/maps"
	bart fft -iu 7 "$tmp/full" "$tmp/cimg"
	bart fmac -C -s 8 "$tmp/cimg" "$tmp/maps" "$tmp/ref"

	for p in pat maps ref ksp; do

		keep "$tmp/$p" "$parts/$p.$1"
	done

	rm -rf "$tmp"
}

distance=$(find_distance)

export OMP_NUM_THREADS=1
parallel 1 "$count" one_volume

mkdir -p "$out"
rm -f "$out/ksp.hdr" "$out/ksp.cfl"

for p in pat maps ref ksp; do

	bart join 13 $(seq -f "$tmp/$p.%g" 1 "$count") "$tmp/$p"
	[ $p = ksp ] || keep "$tmp/$p" "$out/$p"
done

cat > "$out/info.txt" <<END
volumes: $count of $N x $N x $N, random ellipsoids, $COILS coils (simulated)
acceleration, measured: $(acceleration "$out/pat") (asked: $R; calibration $calib x $calib, growth $growth, distance $distance)
snr: $snr, seed: $seed
END

cat "$out/info.txt" >&2
keep "$tmp/ksp" "$out/ksp"
