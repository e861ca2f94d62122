#!/bin/sh
# Sampling patterns of series, without data: for a look at them, or for k-space of
# one's own.
set -eu

usage()
{
	cat >&2 <<-END
	Usage: pattern-kt.sh [options] <X> <Y> <frames> <pattern>

	Writes 0/1, X x Y, frames along dimension 10. X is the readout, and fully sampled.

	-R r	acceleration: pixels over sampled points, everything counted (10)
	-C n	lines of the centre that every frame has (6)
	-V f	growth of the distances between lines towards the rim of k-space (20)
	-b	both dimensions are phase encodings: Poisson discs, centre n x n
	-s n	seed (1)
	END
	exit 1
}

R=10 centre=6 growth=20 both=no seed=1

while getopts R:C:V:bs: opt; do

	case $opt in
	R) R=$OPTARG ;;
	C) centre=$OPTARG ;;
	V) growth=$OPTARG ;;
	b) both=yes ;;
	s) seed=$OPTARG ;;
	*) usage ;;
	esac
done

shift $((OPTIND - 1))
[ $# -eq 4 ] || usage

. "$(dirname "$0")/common.sh"
. "$here/sampling.sh"
. "$here/kt.sh"

X=$1 Y=$2 T=$3

check_kt_options
has_folder "$4"
whole X "$X" 1
whole Y "$Y" 2
whole frames "$T" 1

kt_distance
kt_pattern "$seed" "$tmp/pat"
keep "$tmp/pat" "$4"
echo "acceleration, measured: $(acceleration "$4")"
