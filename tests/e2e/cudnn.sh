#!/bin/bash
# Does the installed cuDNN compute all that the networks need, in each precision? It
# is asked for devices that need not be here, so that this runs without a GPU.

. "$(dirname "$0")/../lib.sh"

build=$(dirname "$BART")
plans=$build/gleam_plans

if [ ! -x "$plans" ]; then

	skip "engines of cuDNN" "this build has no cuDNN"
	finish
	exit
fi

# without a driver cuDNN finds no engine at all
ldconfig -p | grep -q 'libcuda\.so\.1' || export LD_LIBRARY_PATH=$build/utests/cudnn/driver${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}

compiled_engines()
{
	"$plans" "$1" > "$1.txt" || return 1

	grep -q 'bf16 filter  3x3 104 -> 104' "$1.txt" || { echo "what the networks need is not among the graphs:"; cat "$1.txt"; return 1; }

	# what follows a hidden layer's convolution costs no pass over memory
	! grep 'no engine' "$1.txt"
}

for device in H100 H200; do

	check "engines of cuDNN for all layers, fused, on $device" compiled_engines $device
done

# see is_doubtful in src/nn/cudnn_graph.c
check "no gradient of weights is left to engine 0" eval '! grep "filter .*: engine 0," H100.txt H200.txt'

# an image of 320 x 256, 100 features, batch 4: five arrays of 322 x 258 x 100, and 16 MiB
in_memory()
{
	local mib

	mib=$(sed -n '/^PGD, 100/,/^MoDL/s/.*cudnn-tf32, training: \([0-9.]*\) MiB/\1/p' H200.txt)
	compare "$mib" "<" "$((5 * 4 * 322 * 258 * 100 * 4 / 1048576 + 16))"
}

check "no engine takes a layer's memory for itself" in_memory

finish
