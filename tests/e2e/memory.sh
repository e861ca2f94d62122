#!/bin/bash
# Memory of a training: nothing is allocated inside an iteration (validation and
# writing weights are not part of it), and the plan is what is used.
source "$(dirname "$0")/../lib.sh"

here=$ROOT/tests/e2e
make_data t 2 160 128 4 1

data="t-ksp t-map t-ref"
limit="--valid-every 1000 -b 2"		# weights are written at the end only

if ldd "$BART" | grep -q libasan; then

	skip "memory" "this build has the address sanitizer, which keeps memory of its own"
	finish
	exit
fi

# allocations <iterations> <option ...>
allocations()
{
	local n=$1
	shift

	LD_PRELOAD=$TMP/allocations.so bart gleam $limit -n "$n" --pattern t-pat "$@" w $data 2>&1 \
		| sed -n 's/^allocations: //p'
}

no_allocation()
{
	local few many

	few=$(allocations 2 "$@")
	many=$(allocations 6 "$@")

	[ 0 -lt "$few" ] && [ "$few" -eq "$many" ] || { echo "$few in 2 iterations, $many in 6"; return 1; }
}

if cc -O2 -shared -fPIC -o allocations.so "$here/allocations.c" -ldl; then

	check "no allocation in an iteration: PGD" no_allocation --pgd -I 4 --features 8
	check "no allocation in an iteration: PGD, two iterations per module" no_allocation --pgd -I 4 -M 2 --features 8 --learn-dc
	check "no allocation in an iteration: MoDL" no_allocation --modl -I 2 --features 8
	check "no allocation in an iteration: backend ref" no_allocation --pgd -I 2 --features 2 --backend ref
	check "no allocation in an iteration: both samples at once" no_allocation --pgd -I 2 --features 8 --micro-batch 2
else
	skip "no allocation in an iteration" "no C compiler (cc)"
fi

# the last line of a training: memory: planned <n> MiB, peak <n> MiB above ...
# Beside the plan are the code, tables of FFTW and BLAS, stacks: some MiB.
as_planned()
{
	local line planned peak

	line=$(bart gleam $limit -n 2 --pattern t-pat "$@" w $data 2>&1 | grep '^memory: planned')
	planned=$(echo "$line" | sed 's/.*planned \([0-9.]*\) MiB.*/\1/')
	peak=$(echo "$line" | sed 's/.*peak \([0-9.]*\) MiB.*/\1/')

	echo "$line"
	awk -v a="$planned" -v b="$peak" 'BEGIN { exit !((b < 1.05 * a + 4) && (b > 0.95 * a - 2)) }'
}

check "the memory plan is the peak: PGD" as_planned --pgd -I 4 --features 64
check "the memory plan is the peak: MoDL" as_planned --modl -I 4 --features 64
check "the memory plan is the peak: two iterations per module" as_planned --pgd -I 4 -M 2 --features 64
check "the memory plan is the peak: 24 modules" as_planned --pgd -I 24 --features 64
if has_backend dnnl; then

	check "the memory plan is the peak: oneDNN" as_planned --pgd -I 4 --features 64 --backend dnnl
else
	skip "the memory plan is the peak: oneDNN" "this binary was built without it"
fi

finish
