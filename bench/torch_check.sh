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
XT=20; YT=18; T=6

"$PYTHON" "$BENCH/torch_gleam.py" --selftest

make_data "$WORK/two" 2
make_series "$WORK/series" 2

# check <data> <steps> <network> <options of bart gleam ...>
check()
{
	local p=$WORK/$1 steps=$2 net=$3
	shift 3

	local data="$p-ksp $p-maps $p-ref"
	local opts="--$net -s 1 -b 1 --no-shuffle --pattern $p-pat"

	# a step that rounding swallows leaves the initial weights
	"$BART" gleam $opts "$@" -n 1 --lr 1e-30 --weight-decay 0 "$WORK/first" $data 2> /dev/null
	"$BART" gleam $opts "$@" -n "$steps" --lr $LR --log "$WORK/log.csv" "$WORK/last" $data 2> /dev/null

	"$PYTHON" "$BENCH/torch_check.py" "$WORK" "$p" "$net" --lr $LR "$@" || failed=1
}

failed=0

# three steps of training; one step that is the gradient
for M in 4 2; do

	for data in two series; do

		LR=1e-4
		check $data 3 pgd -I 4 -M $M --features 6
		check $data 3 modl -I 4 -M $M --features 7 --mu 0.05

		LR=1
		check $data 1 pgd -I 4 -M $M --features 6 --adam epsilon=1
		check $data 1 modl -I 4 -M $M --features 7 --mu 0.05 --adam epsilon=1
		check $data 1 modl -I 4 -M $M --features 7 --mu 4 --adam epsilon=1
	done
done

exit $failed
