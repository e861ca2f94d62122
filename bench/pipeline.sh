#!/bin/bash
# Training on several ranks against one rank, and against a model of the pipeline,
# which also predicts more ranks than there are here. See README.md, Ranks.
#
#	BART=build/mpi/bart bench/pipeline.sh [folder]	also <folder>/<date>-<cpu>-ranks.md; BART is to be built with MPI=1
#	MPIRUN="mpirun --bind-to none"			how ranks are started
#	BENCH_BATCHES=24				mini-batches in a run
. "$(dirname "$0")/lib.sh"
. "$BENCH/report.sh"
set -o pipefail

export MPIRUN=${MPIRUN:-mpirun}

# Open MPI asks root whether it is meant
if [ 0 = "$(id -u)" ]; then

	export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
fi

# Two replicas are one too many for a bart that was not built with MPI, of which mpirun
# starts two that do not know of each other.
starts_ranks()
{
	local t="$WORK/tiny"

	"$BART" phantom -x 16 "$t-a"
	"$BART" phantom -x 16 -S 2 "$t-b"
	"$BART" fmac "$t-a" "$t-b" "$t-c"
	"$BART" fft -u 3 "$t-c" "$t-d"

	for x in a b d; do

		"$BART" repmat 15 2 "$t-$x" "$t-${x}2"
	done

	$MPIRUN -n 2 "$BART" gleam --replicas 2 -b 2 -I 2 --features 2 --memory "$t-w" "$t-d2" "$t-b2" "$t-a2" \
		> "$WORK/ranks" 2>&1 < /dev/null
}

why_not()
{
	if ! command -v ${MPIRUN%% *} > /dev/null; then

		echo "${MPIRUN%% *} is not installed (Debian: openmpi-bin)"

	elif [ 2 -gt "$(nproc)" ]; then

		echo "one processor, and two ranks want one each"

	elif ! starts_ranks; then

		echo "'$MPIRUN -n 2 $BART' is not two ranks: is it built with MPI (make MPI=1)?" \
			"$(sed -n 's/.*ERROR[^:]*: //p' "$WORK/ranks" | head -n 1)"
	fi
}

measure()
{
	"$PYTHON" "$BENCH/pipeline_model.py" --selftest > "$WORK/selftest" || { cat "$WORK/selftest" >&2; return 1; }

	make_data "$WORK/two" 2

	echo "## Training on several ranks"
	echo
	"$PYTHON" "$BENCH/pipeline.py" "$WORK/two" "$WORK" $X $Y $C
}

reason=$(why_not)

if [ -n "$reason" ]; then

	echo "## Training on several ranks"
	echo
	echo "SKIP: $reason"
	exit 0
fi

if [ 1 -le $# ]; then

	mkdir -p "$1"
	{
		header Ranks "at most 2 ranks or threads" openmpi-bin 'libdnnl[0-9]*' libfftw3-single3
		measure
	} | tee "$(report_name "$1" ranks)"
else
	measure
fi
