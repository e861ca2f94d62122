#!/bin/bash
# All benchmarks, as Markdown on stdout.
#
#	bench/run.sh [folder]		also <folder>/<date>-<cpu>.md
#	BENCH_QUICK=1 bench/run.sh	small sizes, training only: whether it runs, not how fast
. "$(dirname "$0")/lib.sh"
. "$BENCH/report.sh"
set -o pipefail

TREE=$(dirname "$BART")

# the programs of this folder, of the tree that the command was built in
programs()
{
	local f name

	for f in "$BENCH"/*.c; do

		[ -f "$f" ] || continue

		name=gleam_bench_$(basename "$f" .c)
		make -s --no-print-directory -C "$TREE" "$name" > "$WORK/log" 2>&1 || { cat "$WORK/log" >&2; return 1; }

		echo "## bench/$(basename "$f")"
		echo
		echo '```'
		# the reference backend would take longer than all the others
		if [ conv = "$(basename "$f" .c)" ]; then

			"$TREE/$name" winograd dnnl
			"$TREE/$name" -3 winograd dnnl
		else
			"$TREE/$name"
		fi
		echo '```'
		echo
	done
}

all()
{
	header Benchmarks "$OMP_NUM_THREADS threads" 'libdnnl[0-9]*' libfftw3-single3 python3-torch
	[ 1 = "${BENCH_QUICK:-0}" ] || programs
	echo "## Training against PyTorch"
	echo
	echo "The same numbers from both (bench/torch_check.sh):"
	echo
	echo '```'
	"$BENCH/torch_check.sh" 2>&1
	echo '```'
	echo
	"$BENCH/train.sh"
	echo "## Training against bart reconet"
	echo
	"$BENCH/reconet.sh"
	"$BENCH/pipeline.sh"
	echo
	echo "## Where the time goes"
	echo
	"$BENCH/profile.sh"
}

if [ 1 -le $# ]; then

	mkdir -p "$1"
	all | tee "$(report_name "$1")"
else
	all
fi
