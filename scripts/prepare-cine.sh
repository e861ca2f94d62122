#!/bin/sh
# Training, validation and test data from cine series: split by series, never by
# frame. Phase, coils and k-space made from them are simulated.
set -eu

if [ $# -lt 3 ]; then

	cat >&2 <<-END
	Usage: prepare-cine.sh <data> <out> <R> [option of simulate-cine.sh ...]

	<data> holds series{01..12}.{cfl,hdr}: magnitudes, frames along dimension 10. Writes
	<out>/{train,valid,test}/{ksp,pat,maps,ref}: series 1-9 to train with, 10 to
	validate and choose, 11 and 12 to test. A set that is already there is kept.
	Options: -x 128 for the middle of the images, -C, -V, -n, ...
	END
	exit 1
fi

. "$(dirname "$0")/common.sh"

data=$1 out=$2 R=$3
shift 3

export BART PYTHON

# prepare <set> <seed> <series> ... -- <option> ...
prepare()
{
	name=$1 set_seed=$2 list=
	shift 2

	while [ "$1" != -- ]; do

		list="$list $data/series$1"
		shift
	done

	shift
	asked="-R $R -s $set_seed $*"

	if exists "$out/$name/ksp"; then

		[ "$asked" = "$(cat "$out/$name/asked" 2> /dev/null)" ] \
			|| die "$out/$name holds other data: expected those of '$asked', found '$(cat "$out/$name/asked" 2> /dev/null || echo unknown)'. Remove it, or give another folder"

		note "$out/$name is there already"
		return
	fi

	mkdir -p "$out/$name"
	echo "$asked" > "$out/$name/asked"
	"$here/simulate-cine.sh" $asked "$out/$name" $list
}

prepare valid 2 10 -- "$@"
prepare test 3 11 12 -- "$@"
prepare train 1 01 02 03 04 05 06 07 08 09 -- "$@"
