#!/bin/sh
# Training, validation and test data from complex head images: split by head,
# never by slice. Multi-coil k-space made from them is simulated.
set -eu

. "$(dirname "$0")/common.sh"

growth=0

if [ "${1:-}" = -V ] && [ $# -ge 2 ]; then

	growth=$2
	shift 2
fi

if [ $# -ne 3 ]; then

	cat >&2 <<-END
	Usage: prepare-brain.sh [-V growth] <data> <out> <R>

	<data> holds head{1..6}_{axial,coronal,sagittal}.{cfl,hdr}: complex images with
	slices along dimension 13. Writes <out>/{train,valid,test}/{ksp,pat,maps,ref}:
	heads 1-4 to train with, head 5 to validate and choose, head 6 to test.
	A set that is already there is kept. -V: as of simulate.sh
	END
	exit 1
fi

data=$1 out=$2 R=$3

# prepare <set> <seed> <head>...
prepare()
{
	name=$1 seed=$2
	shift 2

	if exists "$out/$name/ksp"; then

		grep -q "(asked: $R; .* growth $growth," "$out/$name/info.txt" \
			|| die "$out/$name holds other data: expected R = $R, growth $growth, found '$(sed -n 3p "$out/$name/info.txt")'. Remove it, or give another folder"

		note "$out/$name is there already"
		return
	fi

	scans=

	for head in "$@"; do
		for plane in axial coronal sagittal; do

			scans="$scans $data/head${head}_$plane"
		done
	done

	"$here/simulate.sh" -R "$R" -V "$growth" -s "$seed" "$out/$name" $scans
}

export BART PYTHON

prepare valid 2 5
prepare train 1 1 2 3 4
prepare test 3 6
