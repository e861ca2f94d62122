#!/bin/bash
# All benchmarks, as Markdown on stdout.
#
#	bench/run.sh [folder]		also <folder>/<date>-<cpu>.md
#	BENCH_QUICK=1 bench/run.sh	small sizes, training only: whether it runs, not how fast
. "$(dirname "$0")/lib.sh"
set -o pipefail

TREE=$(dirname "$BART")

cpu_name()
{
	sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1
}

package_version()
{
	dpkg-query -W -f '${Package} ${Version}\n' "$@" 2> /dev/null || true
}

isa()
{
	for f in avx2 avx512f avx512_bf16 amx_tile; do

		if grep -qw "$f" /proc/cpuinfo; then printf '%s ' "$f"; fi
	done
}

header()
{
	echo "# Benchmarks, $(date +%Y-%m-%d)"
	echo
	echo "* $(cpu_name), $(nproc) cores, $(isa); $OMP_NUM_THREADS threads used"
	echo "* load average before the start: $(cut -d ' ' -f 1-3 /proc/loadavg) (it should be near zero)"
	echo "* BART $("$BART" version); $(package_version 'libdnnl[0-9]*' libfftw3-single3 python3-torch | paste -s -d , | sed 's/,/, /g')"
	[ 1 != "${BENCH_QUICK:-0}" ] || echo "* BENCH_QUICK: small sizes; these figures mean nothing"
	echo
}

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
	header
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
	echo "## Where the time goes"
	echo
	"$BENCH/profile.sh"
}

if [ 1 -le $# ]; then

	mkdir -p "$1"
	all | tee "$1/$(date +%Y-%m-%d)-$(cpu_name | tr -cs 'A-Za-z0-9\n' '-' | sed 's/-$//').md"
else
	all
fi
