#!/bin/sh
# Cuts samples into slabs along READ, which is fully sampled: a Fourier transform
# along it takes k-space apart, into smaller problems with the same undersampling.
# A training iteration takes as much less time and memory, and there are as many more samples.
set -eu

if [ $# -ne 3 ]; then

	cat >&2 <<-END
	Usage: slabs.sh <slabs> <in> <out>

	<in> holds ksp, pat, maps, ref: Cartesian, sampled alike at all READ (dimension 0).
	<out> gets the same, each sample as <slabs> samples along dimension 14, READ
	shorter by this factor, which must divide it.
	END
	exit 1
fi

. "$(dirname "$0")/common.sh"

slabs=$1 in=$2 out=$3

whole slabs "$slabs" 1
exists "$in/ksp" "$in/pat" "$in/maps" "$in/ref" || die "$in: expected ksp, pat, maps and ref in it (simulate.sh, simulate-cine.sh make them)"

x=$(dim 0 "$in/ksp")

[ 0 -eq $((x % slabs)) ] || die "$in/ksp: found $x points along READ, expected a multiple of $slabs: choose slabs that divide it"
[ 1 -lt $((x / slabs)) ] || die "slabs is $slabs, which leaves $((x / slabs)) of $x points along READ to each, expected two or more: networks count dimensions"
[ 1 -eq "$(dim 14 "$in/ksp")" ] || die "$in/ksp: found $(dim 14 "$in/ksp") along dimension 14, expected 1: the slabs go there"

# cut <in> <out>: bits 0 and 14
cut()
{
	bart reshape 16385 $((x / slabs)) "$slabs" "$1" "$2"
}

# the lines of one READ for all
bart extract 0 0 1 "$in/pat" "$tmp/pat"

if [ 1 -lt "$(dim 0 "$in/pat")" ]; then

	bart repmat 0 "$x" "$tmp/pat" "$tmp/same"
	cmp -s "$in/pat.cfl" "$tmp/same.cfl" || die "$in/pat: found a pattern that changes along READ, expected the same lines at all of it"
fi

mkdir -p "$out"
[ "$(cd "$in" && pwd -P)" != "$(cd "$out" && pwd -P)" ] || die "$out: the folder of the whole samples, expected another one: they would be lost"

bart fft -iu 1 "$in/ksp" "$tmp/hybrid"
cut "$tmp/hybrid" "$tmp/cut"
bart fft -u 1 "$tmp/cut" "$tmp/ksp"
cut "$in/maps" "$tmp/maps"
cut "$in/ref" "$tmp/ref"

for f in pat maps ref ksp; do

	keep "$tmp/$f" "$out/$f"
done
