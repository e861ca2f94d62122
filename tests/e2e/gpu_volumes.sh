#!/bin/bash
# -g: volumes, series and several maps on a GPU, or on the emulated device, as on
# the CPU.
source "$(dirname "$0")/../lib.sh"
source "$ROOT/tests/series.sh"

# these are too small for two to be any faster
export OMP_NUM_THREADS=1

make_volumes v 2 8 7 6 3 1 1
make_cine c 2 9 8 5 3 1 1
make_cine e 2 8 7 4 3 2 1
bart rss 16 e-ref e-one

small="--features 3 -b 2 --lr 2e-3 -s 7"

# train <data> <options> <weights>; the reference of $ref where one is given
train() { local d=$1; shift; bart gleam --pattern $d-pat $small "$@" $d-ksp $d-map ${ref:-$d-ref}; }
infer() { local d=$1; shift; bart gleam-infer --pattern $d-pat "$@"; }

if ! reason=$(train v -g --memory w 2>&1); then

	skip "volumes and series on the GPU" "$(echo "$reason" | sed 's/\x1b\[[0-9;]*m//g' | grep . | tail -n 1)"
	finish
	exit
fi

both() { train "$@" -n 10 --log cpu.csv cpu && train "$@" -n 10 -g --log gpu.csv gpu && compare "$(losses_apart cpu.csv gpu.csv 10)" "<" 1e-3; }
same_images() { infer $1 --stages cpu $1-ksp $1-map a && infer $1 --stages -g cpu $1-ksp $1-map b && compare "$(nrmse a b)" "<" 1e-4; }
both_at_once() { train $1 -I 2 -n 10 -g --log one.csv one && train $1 -I 2 -n 10 -g --micro-batch 2 --log two.csv two && compare "$(losses_apart one.csv two.csv 10)" "<" 1e-3; }

for d in v c e; do

	check "$d: losses of PGD are the CPU's" both $d -I 2 --learn-dc
	check "$d: ... and images" same_images $d
	check "$d: ... end to end" both $d -I 2 -M 1
	check "$d: losses of MoDL are the CPU's" both $d --modl -I 2 --cg-iter 4 --learn-dc
	check "$d: ... and images" same_images $d
	check "$d: the same bits again" eval "train $d --modl -I 1 -n 4 -g a && train $d --modl -I 1 -n 4 -g b && same_bits a b"
	check "$d: both samples at once" both_at_once $d
done

one() { ref=e-one both e "$@"; }
metrics() { infer e -r $1 cpu e-ksp e-map o > t1 && infer e -g -r $1 cpu e-ksp e-map o > t2 && diff <(cut -c 1-24 t1) <(cut -c 1-24 t2); }
valid() { train e -I 2 -n 2 "$@" --valid-every 1 --valid-data k=e-ksp,c=e-map,r=e-one,p=e-pat w | cut -c 1-24; }

check "e: one reference for two maps" one -I 2
check "e: ... end to end" one --modl -I 2 -M 1 --cg-iter 4
check "e: metrics against a reference of two maps" metrics e-ref
check "e: ... and against one for both" metrics e-one
check "e: validation against it" eval 'valid > t1 && valid -g > t2 && diff t1 t2 && grep -q "^2 " t1'

# of ten iterations more
counted() { GLEAM_EMULATED_COUNTS=1 train "$@" -I 2 -g --valid-every 1000 w 2>&1 > /dev/null | sed -n "s/^emulated device: //p"; }
nothing_more() { counted $1 -n 3 | grep -E '^(allocations|pinned|plans) ' > few; counted $1 -n 13 | grep -E '^(allocations|pinned|plans) ' > many; cat few; [ 3 -eq $(wc -l < few) ] && diff few many; }

# GPU memory: planned <n> MiB, peak <n> MiB ...
as_planned()
{
	local line

	line=$(train "$@" -g -n 2 w 2>&1 | grep '^GPU memory: planned')
	echo "$line"
	echo "$line" | sed 's/.*planned \([0-9.]*\) MiB, peak \([0-9.]*\) MiB.*/\1 \2/' | awk '{ exit !($2 > 0.9 * $1 && $2 < 1.02 * $1 + 0.1) }'
}

for d in c v e; do

	check "$d: the memory plan is the peak" as_planned $d -I 2

	if train v -g --memory w 2>&1 | grep -q "GPU: emulated device"; then

		check "$d: nothing is allocated in an iteration" nothing_more $d
	else
		skip "$d: nothing is allocated in an iteration" "only the emulated device counts"
	fi
done

finish
