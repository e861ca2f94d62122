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

# check <steps> <network> <options of bart gleam ...>
check()
{
	local steps=$1 net=$2
	shift 2

	local data="$WORK/two-ksp $WORK/two-maps $WORK/two-ref"
	local opts="--$net -s 1 -b 1 --no-shuffle --pattern $WORK/two-pat"

	# a step that rounding swallows leaves the initial weights
	"$BART" gleam $opts "$@" -n 1 --lr 1e-30 --weight-decay 0 "$WORK/first" $data 2> /dev/null
	"$BART" gleam $opts "$@" -n "$steps" --lr $LR --log "$WORK/log.csv" "$WORK/last" $data 2> /dev/null

	"$PYTHON" "$BENCH/torch_check.py" "$WORK" "$net" --lr $LR "$@" || failed=1
}

failed=0

# three steps of training; one step that is the gradient
for M in 4 2; do

	LR=1e-4
	check 3 pgd -I 4 -M $M --features 6
	check 3 modl -I 4 -M $M --features 7 --mu 0.05

	LR=1
	check 1 pgd -I 4 -M $M --features 6 --adam epsilon=1
	check 1 modl -I 4 -M $M --features 7 --mu 0.05 --adam epsilon=1
	check 1 modl -I 4 -M $M --features 7 --mu 4 --adam epsilon=1
done

exit $failed
