#!/bin/bash
# -g: the same training and reconstruction on a GPU, or on the emulated device.
source "$(dirname "$0")/../lib.sh"

make_data t 4 24 20 3 1
make_data v 2 24 20 3 100

small="--iterations 2 --features 5 -b 2 --lr 2e-3 -s 7"
data="t-ksp t-map t-ref"
valid="--valid-data k=v-ksp,c=v-map,r=v-ref,p=v-pat"

train() { bart gleam --pattern t-pat $small "$@" $data; }	# <options> <weights>

expect_error "-g and a backend of the CPU" "gpu .*and --backend ref" train -g --backend ref w
expect_error "a precision of unknown name" "precision fp8.*fp32, tf32 or bf16" train --precision fp8 w
expect_error "--precision tf32 without -g" "precision tf32: on the CPU there is only fp32.*--gpu" train --precision tf32 w
check "--autotune without -g is warned of" eval 'train --autotune --memory w 2>&1 | grep -q "no effect without --gpu"'

if ! reason=$(train -g --memory w 2>&1); then

	if echo "$reason" | grep -q "built without support for GPUs"; then

		expect_error "a binary for the CPU given -g says how to build another" "make CUDA=1 CUDNN=1" train -g w
		expect_error "... and so it does for reconstruction" "make CUDA=1 CUDNN=1" bart gleam-infer -g none none none none
	fi

	if echo "$reason" | grep -q "nvidia-smi"; then

		expect_error "BART_GPU asks for the GPU, too" "gpu .*or BART_GPU.*CUDA_VISIBLE_DEVICES" env BART_GPU=1 "$BART" gleam w $data
	fi

	skip "training and reconstruction on the GPU" "$(echo "$reason" | sed 's/\x1b\[[0-9;]*m//g' | grep . | tail -n 1)"
	finish
	exit
fi

expect_error "trajectories are the CPU's" "trajectory t-pat: trajectories are computed on the CPU only" train -g --trajectory t-pat w
expect_error "... also in reconstruction" "trajectory t-pat: trajectories are computed on the CPU only" bart gleam-infer -g --trajectory t-pat none t-ksp t-map w

for type in pgd modl; do

	check "$type: trains on the CPU" train --$type --learn-dc -n 50 --log c-$type.csv c-$type
	check "$type: trains on the GPU" train --$type --learn-dc -n 50 --log g-$type.csv -g g-$type
	check "$type: 50 losses follow those of the CPU to 1e-3" compare "$(losses_apart c-$type.csv g-$type.csv 50)" "<" 1e-3
	check "$type: the same bits again" eval "train --$type --learn-dc -n 50 -g h && same_bits g-$type h"

	check "$type: ... stopped and resumed" eval "rm -f h*; train --$type --learn-dc -n 23 -g h && train --$type --learn-dc -n 50 --resume -g h && same_bits g-$type h && cmp g-$type.state h.state"

	infer() { bart gleam-infer --pattern v-pat "$@"; }

	check "$type: reconstruction on CPU and GPU" eval "infer c-$type v-ksp v-map c-out && infer -g c-$type v-ksp v-map g-out"
	check "$type: ... agrees to 1e-4" compare "$(nrmse c-out g-out)" "<" 1e-4
	check "$type: ... at every stage" eval "infer --stages c-$type v-ksp v-map c-out && infer -g --stages c-$type v-ksp v-map g-out && compare \$(nrmse c-out g-out) '<' 1e-4"
	check "$type: ... with the same metrics" eval "infer -r v-ref c-$type v-ksp v-map c-out > c-table && infer -g -r v-ref c-$type v-ksp v-map g-out > g-table && [ 4 -eq \$(wc -l < g-table) ] && diff <(cut -c 1-24 c-table) <(cut -c 1-24 g-table)"

	for p in tf32 bf16; do

		check "$type, $p: trains" train --$type -n 50 -g --precision $p --log g-$p.csv g-$p
		check "$type, $p: the losses stay near" eval "train --$type -n 50 --log near.csv near && compare \$(losses_apart near.csv g-$p.csv 50) '<' 5e-2"
	done
done

check "--tol on the GPU stops where it does on the CPU" eval 'infer --tol 10 --stages c-pgd v-ksp v-map c-out && infer -g --tol 10 --stages c-pgd v-ksp v-map g-out && compare $(nrmse c-out g-out) "<" 1e-4'
check "units of the input" eval 'bart scale 1000 v-ksp big && infer -g c-pgd big v-map big-out && infer -g c-pgd v-ksp v-map g-out && bart scale 1000 g-out ref-out && compare $(nrmse ref-out big-out) "<" 1e-5'
check "micro-batches of 1 and 2 agree" eval 'train -g -n 5 --micro-batch 2 --log two.csv two && train -g -n 5 --log one.csv one && diff <(cut -d , -f 1,2 one.csv | cut -c 1-9) <(cut -d , -f 1,2 two.csv | cut -c 1-9)'
check "validation on the GPU" eval 'train -g -n 4 $valid --valid-every 2 --log gv.csv gv && train -n 4 $valid --valid-every 2 --log cv.csv cv && diff <(column gv.csv valid_psnr | cut -c 1-5) <(column cv.csv valid_psnr | cut -c 1-5) && diff <(column gv.csv valid_ssim | cut -c 1-5) <(column cv.csv valid_ssim | cut -c 1-5)'
check "... of another image size" eval 'make_data w 1 18 22 3 9 && train -g -n 2 --valid-data k=w-ksp,c=w-map,r=w-ref,p=w-pat --valid-every 1 gw'
check "one module of two iterations" eval 'train -g -M 1 -n 5 --learn-dc --log m1g.csv m1g && train -M 1 -n 5 --learn-dc --log m1c.csv m1c && diff <(cut -d , -f 1,2 m1g.csv | cut -c 1-8) <(cut -d , -f 1,2 m1c.csv | cut -c 1-8)'
# the other trainers: as on the CPU, and as one another
modl() { train --modl --mu 1 -I 4 --learn-dc -n 5 "$@"; }
near() { compare "$(losses_apart "$1" "$2" 5)" "<" 1e-4; }

check "end-to-end follows the CPU" eval 'modl --trainer end-to-end -g --log ge.csv ge && modl --trainer end-to-end --log ce.csv ce && near ge.csv ce.csv'
check "... and checkpoint has its bits" eval 'modl --trainer checkpoint -g gc && same_bits ge gc'
check "... PGD, too" eval 'train --pgd -I 4 -n 5 --trainer end-to-end -g pe && train --pgd -I 4 -n 5 --trainer checkpoint -g pc && same_bits pe pc'

for n in 1 3; do

	check "mel with $n checkpoints follows the CPU" eval "modl --trainer mel --checkpoints $n -g --log gm.csv gm && modl --trainer mel --checkpoints $n --log cm.csv cm && near gm.csv cm.csv"
	check "... and inverts as well" compare "$(last_of gm.csv inversion_error_0)" "<" "$(awk -v e="$(last_of cm.csv inversion_error_0)" 'BEGIN { print 2 * e + 1e-5 }')"
	check "... the same bits again" eval "modl --trainer mel --checkpoints $n -g gn && same_bits gm gn"
done

# bf16 rounds what the network adds to an image to eight bits, and the inversion does so
# elsewhere than the forward pass
half() { modl --precision bf16 -g "$@"; }
check "bf16: checkpoint has end-to-end's bits" eval 'half --trainer end-to-end --log he.csv he && half --trainer checkpoint hc && same_bits he hc'
check "... and mel follows" eval 'half --trainer mel --checkpoints 1 --log hm.csv hm && compare "$(losses_apart he.csv hm.csv 5)" "<" 1e-2'
check "... with its error told" eval 'e=$(last_of hm.csv inversion_error_0); echo "$e"; compare "$e" "<" 0.05 && compare "$e" ">" 0'

expect_error "mel stops where its inversion fails" "off by .* of x\^\(0\) at iteration" modl -g --mu 0.001 --cg-iter 1 --trainer mel --checkpoints 1 w
check "passes are timed with --timing, and only then" eval 'modl --timing -g --log gt.csv gt && [ 5 -eq $(column gt.csv backward_seconds | wc -l) ] && [ 0 -eq $(column gm.csv backward_seconds | wc -l) ]'
check "... which changes nothing else" eval 'modl -g gu && same_bits gt gu'

# the last line of a training: GPU memory: planned <n> MiB, peak <n> MiB above the 0.0 MiB ...
as_planned()
{
	local line

	line=$(train -g -n 2 "$@" w 2>&1 | grep '^GPU memory: planned')
	echo "$line"
	echo "$line" | sed 's/.*planned \([0-9.]*\) MiB, peak \([0-9.]*\) MiB.*/\1 \2/' | awk '{ exit !($2 > 0.9 * $1 && $2 < 1.02 * $1 + 0.1) }'
}

check "--autotune trains, within the plan" eval 'as_planned --autotune && train -g --autotune -n 5 --log at.csv at && train -g -n 5 --log nt.csv nt && diff <(cut -d , -f 1,2 at.csv | cut -c 1-8) <(cut -d , -f 1,2 nt.csv | cut -c 1-8)'
check "--fast-math trains" eval 'train -g --fast-math -n 5 --log fm.csv fm && train -g -n 5 --log nt.csv nt && diff <(cut -d , -f 1,2 fm.csv | cut -c 1-8) <(cut -d , -f 1,2 nt.csv | cut -c 1-8)'
check "--backend cudnn is -g" eval 'train --backend cudnn -n 2 b && train -g -n 2 g && same_bits b g'
check "--load goes on from weights of the CPU" eval 'train -n 2 s && train -g -n 1 --lr 1e-9 --load s s2 && bart multicfl -s s a1 a2 && bart multicfl -s s2 b1 b2 && compare $(nrmse a2 b2) "<" 1e-5'
check "two maps" eval 'bart scale 0.5 t-map t-half && bart join 4 t-map t-half t-map2 && bart join 4 t-ref t-ref t-ref2 && bart gleam $small --pattern t-pat -g -n 3 --log e2g.csv e2 t-ksp t-map2 t-ref2 && bart gleam $small --pattern t-pat -n 3 --log e2c.csv e2 t-ksp t-map2 t-ref2 && diff <(cut -d , -f 1,2 e2g.csv | cut -c 1-8) <(cut -d , -f 1,2 e2c.csv | cut -c 1-8)'
check "a sample of zeros is reconstructed as zeros" eval 'bart extract 13 0 1 v-ksp va && bart extract 13 1 2 v-ksp vb && bart scale 0 va vz && bart join 13 vz vb vzero && infer -g c-pgd vzero v-map z-out && bart extract 13 0 1 z-out z0 && bart scale 0 z0 zz && cmp z0.cfl zz.cfl'

for o in "--pgd" "--modl" "--pgd --precision bf16" "--pgd -M 1 --micro-batch 2" "--pgd $valid" "--pgd --trainer checkpoint" "--modl -I 4 --trainer mel --checkpoints 1"; do

	check "the memory plan is the peak: $o" as_planned $o
done

# the peak of every iteration is in the log
check "device memory is flat" eval 'train -g -n 30 --log flat.csv flat && [ 1 -eq $(column flat.csv peak_bytes | sed 1d | sort -u | wc -l) ]'

# What a training of n iterations (weights are written at the end) has asked of the device: for ten iterations more, no
# allocation, no plan, a batch of k-space, maps, patterns and references (and two
# numbers) up, the scales of samples down, and of each module the loss and two checks of both samples and of all.
count() { sed -n "s/^emulated device: $2 //p" "$1"; }
more() { echo $(($(count many "$1") - $(count few "$1"))); }

counted() { GLEAM_EMULATED_COUNTS=1 train -g --valid-every 1000 "$@" 2>&1 > /dev/null | grep '^emulated device: '; }

nothing_but_the_batch()
{
	local modules=$1
	shift

	counted -n 5 "$@" w > few
	counted -n 15 "$@" w > many
	cat few many

	local sample=$((8 * 24 * 20 * (3 + 3 + 1 + 1)))		# bytes: k-space, maps, pattern, reference

	# the parts of a batch are aligned to 256 bytes
	[ 0 -eq "$(more allocations)" ] && [ 0 -eq "$(more pinned)" ] && [ 0 -eq "$(more plans)" ] \
		&& [ 10 -eq "$(more graphs)" ] \
		&& [ "$(more up)" -ge $((10 * 2 * sample)) ] && [ "$(more up)" -le $((10 * (2 * sample + 4 * 256 + 8))) ] \
		&& [ "$(more down)" -eq $((10 * (2 * 4 + modules * (1 + 2 * 3) * 8))) ] \
		&& [ "$(more synchronisations)" -le $((10 * 5)) ]
}

if train -g --memory w 2>&1 | grep -q "GPU: emulated device"; then

	export GLEAM_EMULATED_MEMORY=512
	expect_error "memory that is not there is foreseen, with what helps" "plan needs .* only 512.0 MiB are free.*--micro-batch 1, more --modules, --trainer checkpoint, --precision bf16, fewer" train -g -M 1 --micro-batch 2 oom
	expect_error "... in reconstruction" "plan needs .*--precision bf16, or the CPU" infer -g c-pgd v-ksp v-map oom-out
	check "... before anything is written" eval '[ ! -e oom.cfl ] && [ ! -e oom-out.cfl ]'
	unset GLEAM_EMULATED_MEMORY

	expect_error "no GPU" "gpu .*CUDA_VISIBLE_DEVICES.*the CPU" env GLEAM_EMULATED_DEVICES=0 "$BART" gleam -g w $data

	check "nothing crosses the bus but the next batch and a few numbers: PGD" nothing_but_the_batch 2 --pgd --learn-dc
	check "... MoDL" nothing_but_the_batch 2 --modl --learn-dc
	check "... two iterations in a module" nothing_but_the_batch 1 --pgd -M 1
	check "validation allocates nothing" eval 'counted $valid --valid-every 2 -n 4 w > few && counted $valid --valid-every 2 -n 12 w > many && cat few many && [ 0 -eq $(more allocations) ] && [ 0 -eq $(more pinned) ] && [ 0 -eq $(more plans) ]'

	for m in "lazy 2" "random 3" "eager 4"; do

		check "the same bits in whatever order operations are done: $m" eval \
			"train -g --modl --learn-dc -n 6 \$valid --valid-every 2 o && GLEAM_EMULATED=${m% *} GLEAM_EMULATED_SEED=${m#* } train -g --modl --learn-dc -n 6 \$valid --valid-every 2 p && same_bits o p"
	done
else
	skip "nothing crosses the bus but the next batch" "only the emulated device counts"
fi

finish
