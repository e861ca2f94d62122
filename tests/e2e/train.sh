#!/bin/bash
# Training: what it learns, what it writes, and that options do what they say.
source "$(dirname "$0")/../lib.sh"

make_data t 4 40 36 3 1
make_data v 2 40 36 3 100

small="--iterations 3 --features 8 -b 2 --lr 2e-3 -s 7"
data="t-ksp t-map t-ref"
valid="--valid-data k=v-ksp,c=v-map,r=v-ref,p=v-pat"

train() { bart gleam --pattern t-pat $small "$@" $data; }	# <options> <weights>

first_loss() { awk -F, 'NR == 2 { print $2 }' "$1"; }

for type in pgd modl; do

	check "$type: trains" train --$type -n 200 --log $type.csv $valid --valid-every 25 $type
	check "$type: the loss falls to less than 0.8 of where it began" \
		compare "$(last_of $type.csv loss)" "<" "$(awk -v l="$(first_loss $type.csv)" 'BEGIN { print 0.8 * l }')"

	bart gleam-infer --pattern v-pat -r v-ref $type v-ksp v-map $type-out > $type-table
	zf=$(awk '/zero-filled/ { print $2 }' $type-table)
	last=$(awk 'END { print $2 }' $type-table)

	check "$type: better than zero-filled by 1 dB on data it has not seen" compare "$last" ">" "$(awk -v z="$zf" 'BEGIN { print z + 1 }')"
	check "$type: the best validated weights are the ones written" \
		compare "$(column $type.csv valid_nrmse | sort -g | head -n 1)" "==" \
			"$(printf '%.6f' "$(sed -n 's/^valid[^ ]* //p' $type.hdr | head -n 1)")"
done

check "same seed, same bits" eval 'train -n 4 a && train -n 4 b && same_bits a b'
check "another seed, other weights" eval 'train -n 4 -s 8 c && ! same_bits a c'
check "one thread gives the same bits as two" eval 'OMP_NUM_THREADS=1 train -n 4 d && same_bits a d'
check "--no-shuffle is another order" eval 'train -n 4 --no-shuffle e && ! same_bits a e'

# weights of a multi-CFL, split by BART's own tool into one array per module
difference() { bart multicfl -s "$1" x1 x2 x3 && bart multicfl -s "$2" y1 y2 y3 && nrmse y3 x3; }

# With a large eps one step of Adam is the gradient, its scale included. What has
# been added to the initial weights, module by module:
step() { train -n 1 --no-shuffle --adam epsilon=1 --lr 1 "$@"; }
added() { bart multicfl -s "$1" end1 end2 end3 && bart multicfl -s start beg1 beg2 beg3 && for i in 1 2 3; do bart saxpy -- -1 beg$i end$i "$1-$i"; done; }
same_step() { added "$1" && added "$2" && for i in 1 2 3; do compare "$(nrmse "$2-$i" "$1-$i")" "<" 1e-3 || return 1; done; }

check "weights that have not moved" step --lr 1e-30 --weight-decay 0 start
check "micro-batches of 1 and 2 give the same gradient" eval 'step --micro-batch 2 f && step g && same_step f g'
check "--weight-decay pulls at the weights" eval 'step --weight-decay 1 wd && added wd && compare "$(nrmse g-1 wd-1)" ">" 1e-2'
check "--load starts from given weights" eval 'train -n 1 --lr 1e-9 --load a h && compare $(difference a h) "<" 1e-5'
expect_error "--load of another network" "a: holds another network" bart gleam --pattern t-pat --iterations 2 --features 8 --load a -n 1 z $data

check "one module of three iterations trains (end to end)" train -M 1 -n 10 --log m1.csv m1
check "... its loss falls" compare "$(last_of m1.csv loss)" "<" "$(first_loss m1.csv)"
check "two modules of two iterations each train" eval 'bart gleam --pattern t-pat -I 4 -M 2 --features 8 -b 2 -n 2 --log m2.csv m2 $data && head -n 1 m2.csv | grep -q "loss_2,valid" && bart gleam-infer --pattern v-pat m2 v-ksp v-map m2-out'
check "several modules have a loss each in the log" eval 'head -n 1 pgd.csv | grep -q "^iteration,loss,loss_1,loss_2,loss_3,valid_nrmse,valid_psnr,valid_ssim,seconds_per_iteration,peak_bytes,forward_seconds,backward_seconds$"'

# the last number of a module is its step size
step_size() { bart multicfl -s "$1" x1 x2 x3 && n=$(bart show -d 0 x2) && bart extract 0 $((n - 1)) "$n" x2 t && bart show t; }

check "without --learn-dc the step size stays" eval 'train -n 5 nl && step_size nl && step_size nl | grep -q "5.000000e-01"'
check "--learn-dc moves it" eval 'train -n 5 --learn-dc l && ! step_size l | grep -q "5.000000e-01" && bart gleam-infer --pattern v-pat l v-ksp v-map l-out'
check "--load brings its step size, and says so" eval 'train -n 1 --load nl --step-size 0.25 ld > ld.txt 2>&1 && grep -q "step-size.*not used" ld.txt && grep -qx "step-size 0.5" ld.hdr && step_size ld | grep -q "5.000000e-01"'
check "--lr-end is the rate of the last iteration" eval 'train -n 1 --lr 1 --lr-end 2e-3 le && train -n 1 lc && same_bits le lc && train -n 2 --lr 1e-3 --lr-end 2e-3 le && train -n 2 lc && ! same_bits le lc'
check "... and the same rate throughout is a constant one" eval 'train -n 4 --lr-end 2e-3 lc && same_bits lc a'
check "... which may be nothing" eval 'train -n 1 --lr-end 0 --weight-decay 0 --load a le && same_bits le a && train -n 2 --lr-end 0 --load a le && ! same_bits le a'
expect_error "--lr-end without a last iteration" "max-iter or --epochs" bart gleam $small --max-time 1 --lr-end 1e-5 z $data
check "--epochs counts samples" eval 'train -e 3 --log e.csv n && [ 7 -eq $(wc -l < e.csv) ]'
check "--max-time stops" eval 'train --max-time 1 --log t.csv n && [ 1 -lt $(wc -l < t.csv) ]'
check "--patience stops when validation does not improve" eval 'train -n 50 --lr 0.5 --patience 1 --valid-every 1 $valid --log p.csv n; [ 50 -gt $(wc -l < p.csv) ]'
check "the last weights are kept beside the best" test -f pgd-last.cfl
check "... also where the name was given with its suffix" eval 'train -n 1 $valid suf.hdr && [ -f suf.cfl ] && [ -f suf-last.cfl ] && [ -f suf-last.hdr ]'
check "pattern estimated from the zeros of k-space" eval 'bart gleam $small -n 4 q $data && same_bits q a'
check "reference as fully sampled k-space" eval 'bart fmac t-ref t-map tc && bart fft -u 3 tc t-full && bart gleam $small --pattern t-pat --ref-kspace -n 1 rk t-ksp t-map t-full && train -n 1 ri && compare $(difference ri rk) "<" 1e-3'
check "validation on another image size" eval 'make_data w 1 32 44 3 9 && train -n 2 --valid-data k=w-ksp,c=w-map,r=w-ref,p=w-pat --valid-every 1 o'
# the first of two validation samples is all zero: the result is that of the second
bart extract 13 0 1 v-ksp va; bart extract 13 1 2 v-ksp vb; bart scale 0 va vz; bart join 13 vz vb vzero
bart extract 13 1 2 v-ref vb-ref; bart extract 13 1 2 v-pat vb-pat
check "validation leaves out samples that are all zero" eval 'train -n 1 --valid-data k=vzero,c=v-map,r=v-ref,p=v-pat --log z.csv z && train -n 1 --valid-data k=vb,c=v-map,r=vb-ref,p=vb-pat --log y.csv y && [ "$(column z.csv valid_nrmse)" = "$(column y.csv valid_nrmse)" ]'
check "two maps" eval 'bart scale 0.5 t-map t-half && bart join 4 t-map t-half t-map2 && bart join 4 t-ref t-ref t-ref2 && bart gleam $small --pattern t-pat -n 2 e2 t-ksp t-map2 t-ref2 && bart gleam-infer --pattern t-pat e2 t-ksp t-map2 e2-out && [ 2 -eq $(bart show -d 4 e2-out) ]'

check "--memory prints the plan and writes nothing" eval 'train --memory plan > plan.txt && grep -q "in all" plan.txt && [ ! -e plan.cfl ]'

# weights that validation has never found good are no result, and older ones stay
bart gleam --pattern t-pat $small -n 1 kept $data 2> /dev/null
cp kept.cfl before.cfl
diverge() { train -n 1 --lr 1e30 $valid --log bad.csv "$1"; }

expect_error "a network that has diverged is told" "output of module 3 .*for validation sample 0 is not finite at iteration 1: training stops.*smaller --lr" diverge kept
check "... and leaves older weights alone" same_bits kept before
check "... and writes no others" [ ! -e kept-last.cfl ]
check "... and logs the iteration" eval 'tail -n 1 bad.csv | grep -q "^1,"'

# nor do others' weights make images that are not finite
bart gleam --pattern t-pat $small -n 1 --lr 1e30 wild $data 2> /dev/null
expect_error "images that are not finite are refused" "the reconstruction of sample 0 is not finite.*wild" bart gleam-infer wild v-ksp v-map bad-out

# options of the network and of Adam: each changes the result, and the file says so
for o in "--blocks 3" "--step-size 0.25" "--modl --layers 4" "--modl --mu 0.5" "--modl --cg-iter 4"; do

	name=$(echo "${o#--modl }" | sed 's/^--//')
	base=$(echo "$o" | grep -o -- --modl)

	check "$o" eval "train $base -n 2 base && train $o -n 2 opt && ! same_bits base opt && grep -qx '$name' opt.hdr && bart gleam-infer --pattern v-pat opt v-ksp v-map opt-out"
done

for o in beta1=0.5 beta2=0.5 epsilon=0.1; do

	check "--adam $o" eval "train -n 3 base && train -n 3 --adam $o opt && ! same_bits base opt"
done

check "two iterations" train -n 2 a2

for b in ref dnnl winograd; do

	has_backend $b || { skip "--backend $b" "this binary was built without it"; continue; }

	check "--backend $b trains" eval "train --backend $b -n 2 on-$b && compare \$(difference a2 on-$b) '<' 1e-3"
	check "--backend $b gives the same gradient" eval "step --backend $b on-$b && same_step g on-$b"
done

check "maps that are not normalised are warned of" eval 'bart scale 3 t-map t-loud && bart gleam $small --pattern t-pat -n 1 z t-ksp t-loud t-ref 2>&1 | grep -q "t-loud: the sum of squares of the sensitivities"'
check "... also those of a later sample" eval 'bart join 13 t-map t-map t-map t-loud t-later && bart gleam $small --pattern t-pat -n 1 z t-ksp t-later t-ref 2>&1 | grep -q "t-later: the sum of squares .*sample 3"'
check "weights of a pattern that are larger than one are warned of" eval 'bart slice 13 0 t-pat t-light; bart scale 3 t-light t-heavy; bart join 13 t-light t-light t-light t-heavy t-later; bart gleam $small --pattern t-later -n 1 z t-ksp t-map t-ref 2>&1 | grep -q "t-later: weights of the pattern are up to 3 (sample 3)"'

expect_error "loops are refused" "cannot be looped" bart -l 8192 -e 4 gleam $small z $data
expect_error "... also those of one pass" "cannot be looped" bart -l 8192 -e 1 gleam $small z $data

closed() { (exec 0<&- 1>&- 2>&-; exec "$BART" gleam $small --pattern t-pat -n 3 --log closed.csv closed t-ksp t-map t-ref); }
check "with the standard streams closed nothing is written to other files" eval 'closed && [ 4 -eq "$(wc -l < closed.csv)" ] && [ 3 -eq "$(grep -c "^[0-9]" closed.csv)" ] && [ ! -e closed.lock ] && bart gleam-infer --pattern v-pat closed v-ksp v-map closed-out'

# by the number of an open file, as /dev/stdout is; the table comes after it
standard() { "$BART" gleam $small --pattern t-pat --valid-data k=v-ksp,c=v-map,r=v-ref,p=v-pat -n 3 --log /dev/fd/1 z t-ksp t-map t-ref > standard 2> /dev/null; }
check "a log to the standard output, which is a file" eval 'standard && [ "iteration 1 2 3 validation stage" = "$(cut -d, -f 1 standard | cut -d " " -f 1 | head -n 6 | tr "\n" " " | sed "s/ $//")" ]'

finish
