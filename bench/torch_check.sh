#!/bin/bash
# Holds bart gleam against the PyTorch networks of this folder: from the same
# initial weights and data, three iterations must give the same losses of every
# module and the same weights. Exit status 1 where they do not.
. "$(dirname "$0")/lib.sh"

if ! "$PYTHON" -c "import torch" 2> /dev/null; then

	echo "SKIP: no PyTorch for $PYTHON (Debian: apt-get install python3-torch)"
	exit 0
fi

X=40; Y=36; C=4; CALIB=8

"$PYTHON" "$BENCH/torch_gleam.py" --selftest

make_data "$WORK/two" 2

# check <network> <options of bart gleam ...>
check()
{
	local net=$1
	shift

	local data="$WORK/two-ksp $WORK/two-maps $WORK/two-ref"
	local opts="--$net -s 1 -b 1 --no-shuffle --pattern $WORK/two-pat $*"

	# a step that rounding swallows leaves the initial weights
	"$BART" gleam $opts -n 1 --lr 1e-30 --weight-decay 0 "$WORK/first" $data 2> /dev/null
	"$BART" gleam $opts -n 3 --log "$WORK/log.csv" "$WORK/last" $data 2> /dev/null

	"$PYTHON" "$BENCH/torch_check.py" "$WORK" $net "$@" || failed=1
}

failed=0

for more in "-M 4" "-M 2"; do

	check pgd -I 4 --features 6 $more
	check modl -I 4 --features 7 --mu 0.05 $more
	check modl -I 4 --features 7 --mu 4 $more
done

exit $failed
