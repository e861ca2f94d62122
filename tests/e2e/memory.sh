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

	LD_PRELOAD=$TMP/allocations.so bart gleam $limit -n "$n" "$@" w $data 2>&1 \
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

	check "no allocation in an iteration: PGD" no_allocation --pattern t-pat --pgd -I 4 --features 8
	check "no allocation in an iteration: PGD, two iterations per module" no_allocation --pattern t-pat --pgd -I 4 -M 2 --features 8 --learn-dc
	check "no allocation in an iteration: MoDL" no_allocation --pattern t-pat --modl -I 2 --features 8
	check "no allocation in an iteration: backend ref" no_allocation --pattern t-pat --pgd -I 2 --features 2 --backend ref
	check "no allocation in an iteration: both samples at once" no_allocation --pattern t-pat --pgd -I 2 --features 8 --micro-batch 2
else
	skip "no allocation in an iteration" "no C compiler (cc)"
fi

# the last line of a training: memory: planned <n> MiB, peak <n> MiB above ...
# Beside the plan are the code, tables of FFTW and BLAS, stacks: some MiB.
as_planned()
{
	local line planned peak

	line=$(bart gleam $limit -n 2 "$@" w $data 2>&1 | grep '^memory: planned')
	planned=$(echo "$line" | sed 's/.*planned \([0-9.]*\) MiB.*/\1/')
	peak=$(echo "$line" | sed 's/.*peak \([0-9.]*\) MiB.*/\1/')

	echo "$line"
	awk -v a="$planned" -v b="$peak" 'BEGIN { exit !((b < 1.05 * a + 4) && (b > 0.95 * a - 2)) }'
}

check "the memory plan is the peak: PGD" as_planned --pattern t-pat --pgd -I 4 --features 64
check "the memory plan is the peak: MoDL" as_planned --pattern t-pat --modl -I 4 --features 64
check "the memory plan is the peak: two iterations per module" as_planned --pattern t-pat --pgd -I 4 -M 2 --features 64
check "the memory plan is the peak: 24 modules" as_planned --pattern t-pat --pgd -I 24 --features 64
for trainer in end-to-end checkpoint "mel --checkpoints 1" "mel --checkpoints 3"; do

	check "no allocation in an iteration: --trainer $trainer" no_allocation --pattern t-pat --modl -I 4 --features 8 --learn-dc --trainer $trainer
	check "the memory plan is the peak: --trainer $trainer" as_planned --pattern t-pat --modl -I 4 --features 64 --trainer $trainer
done

if has_backend dnnl; then

	check "the memory plan is the peak: oneDNN" as_planned --pattern t-pat --pgd -I 4 --features 64 --backend dnnl
else
	skip "the memory plan is the peak: oneDNN" "this binary was built without it"
fi


# On a trajectory, with what BART's nuFFT takes for a moment. The heap of the C library
# would keep it; large blocks are given back.
bart traj -r -x 128 -y 40 traj; bart fmac t-ref t-map t-coils; bart nufft traj t-coils t-rad

on_trajectory() { data="t-rad t-map t-ref" MALLOC_MMAP_THRESHOLD_=65536 as_planned --trajectory traj "$@"; }

check "the memory plan is the peak: PGD on a trajectory" on_trajectory --pgd -I 2 --features 16
check "the memory plan is the peak: MoDL on a trajectory" on_trajectory --modl -I 2 --features 16


# series and volumes: the smallest unit is all of one
source "$ROOT/tests/series.sh"

make_cine c 2 96 80 8 4 1 1
make_volumes v 2 64 60 16 4 2 1

# <data set> <command ...>
of_data() { data="$1-ksp $1-map $1-ref"; local pat=$1-pat; shift; "$@" --pattern "$pat"; }

for d in c v; do

	if [ -e allocations.so ]; then

		check "$d: no allocation in an iteration: PGD" of_data $d no_allocation --pgd -I 2 --features 2
		check "$d: no allocation in an iteration: MoDL, end to end" of_data $d no_allocation --modl -I 2 -M 1 --features 2 --cg-iter 2
	fi

	check "$d: the memory plan is the peak: PGD" of_data $d as_planned --pgd -I 2 --features 8
	check "$d: the memory plan is the peak: PGD, two iterations per module" of_data $d as_planned --pgd -I 2 -M 1 --features 8
	check "$d: the memory plan is the peak: MoDL" of_data $d as_planned --modl -I 2 --features 8 --cg-iter 2
	check "$d: the memory plan is the peak: MoDL, two iterations per module" of_data $d as_planned --modl -I 2 -M 1 --features 8 --cg-iter 2
done

# the last line of the plan
unit() { bart gleam --memory -b 2 -I 2 --features 8 "$@" w $data | tail -n 1; }

check "the plan tells what one series takes" eval 'of_data c unit | grep -q "^of it for one sample at once, 96 x 80 x 8 .* MiB$"'
check "... whatever is computed at once" eval '[ "$(of_data c unit)" = "$(of_data c unit --micro-batch 2)" ]'
check "... and what one of two maps takes" eval 'of_data v unit | grep -q " 64 x 60 x 16 x 2 .* MiB$"'

finish
