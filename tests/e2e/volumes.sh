#!/bin/bash
# Volumes, cine series and several maps: training, reconstruction, and the same
# computations by BART's commands.
source "$(dirname "$0")/../lib.sh"
source "$ROOT/tests/series.sh"

# these are too small for two to be any faster
export OMP_NUM_THREADS=1

PYTHON=$(command -v python3)

make_volumes v 2 11 10 9 3 1 1
make_cine c 2 14 13 5 3 1 1		# a pattern for every frame
make_cine e 2 12 13 4 4 2 1		# two maps
bart rss 16 e-ref e-one

small="--features 4 -b 1 --lr 4e-3 -s 7"

# train <data> <options> <weights>; the reference of $ref where one is given
train() { local d=$1; shift; bart gleam --pattern $d-pat $small "$@" $d-ksp $d-map ${ref:-$d-ref}; }
infer() { local d=$1; shift; bart gleam-infer --pattern $d-pat "$@"; }

# of a CSV log: mean loss of the first and of the last five iterations
early() { awk -F, '1 < NR && 7 > NR { s += $2 } END { print s / 5 }' "$1"; }
late() { tail -n 5 "$1" | awk -F, '{ s += $2 } END { print s / 5 }'; }
falls() { compare "$(late "$1")" "<" "$(awk -v a="$(early "$1")" -v f="$2" 'BEGIN { print f * a }')"; }

for d in v c e; do

	check "$d: greedy PGD trains" train $d -I 2 -n 24 --log pgd-$d.csv pgd-$d
	check "$d: ... the loss falls" falls pgd-$d.csv 0.9
	check "$d: end-to-end PGD trains" train $d -I 2 -M 1 --learn-dc -n 24 --log e2e-$d.csv e2e-$d
	check "$d: ... the loss falls" falls e2e-$d.csv 0.9
	check "$d: checkpointing has the bits of end-to-end training" eval "for t in end-to-end checkpoint; do train $d --modl -I 3 --cg-iter 5 -n 3 --trainer \$t --log \$t.csv \$t || exit 1; done; same_bits end-to-end checkpoint"
	check "$d: ... PGD, too" eval "for t in end-to-end checkpoint; do train $d --pgd --learn-dc -I 3 -n 3 --trainer \$t p-\$t || exit 1; done; same_bits p-end-to-end p-checkpoint"
	check "$d: mel follows it" eval "train $d --modl -I 3 --mu 1 --cg-iter 10 -n 3 --trainer end-to-end --log e.csv e && train $d --modl -I 3 --mu 1 --cg-iter 10 -n 3 --trainer mel --checkpoints 1 --log m.csv m && compare \$(losses_apart e.csv m.csv 3) '<' 1e-4"
	check "$d: MoDL trains" train $d --modl -I 2 --cg-iter 5 -n 24 --log modl-$d.csv modl-$d
	check "$d: ... the loss falls" falls modl-$d.csv 0.9
	check "$d: the network has three dimensions" grep -qx "spatial 3" pgd-$d.hdr
	check "$d: images have the dimensions of references" eval "infer $d pgd-$d $d-ksp $d-map $d-out && [ \"\$(sed -n 2p $d-out.hdr)\" = \"\$(sed -n 2p $d-ref.hdr)\" ]"
	check "$d: one thread gives the same bits as two" eval "OMP_NUM_THREADS=2 train $d -I 2 -n 3 two && train $d -I 2 -n 3 one && same_bits one two"
	check "$d: both samples at once give the same losses" eval "train $d -I 2 -n 5 -b 2 --log m1.csv m && train $d -I 2 -n 5 -b 2 --micro-batch 2 --log m2.csv m && compare \$(losses_apart m1.csv m2.csv 5) '<' 1e-4"
done

check "series: the weights name the rule of scaling" eval 'grep -qx "scaling time-average" pgd-c.hdr && ! grep -q scaling pgd-v.hdr'
sed '/^scaling /d' pgd-c.hdr > old.hdr; cp pgd-c.cfl old.cfl
check "... older ones without it are read, and scale as they did" eval 'infer c old c-ksp c-map old-out && ! same_bits old-out c-out && compare "$(nrmse c-out old-out)" "<" 0.5'
check "... also in --load" eval 'train c -I 2 -n 1 --load old new && ! grep -q scaling new.hdr'

for b in winograd dnnl; do

	has_backend $b || { skip "backends ref and $b: the same losses" "this binary was built without it"; continue; }

	for d in v c e; do

		check "$d: backends ref and $b: the same losses to 1e-4" \
			eval "train $d -I 2 -n 5 --backend ref --log r.csv r && train $d -I 2 -n 5 --backend $b --log b.csv b && compare \$(losses_apart r.csv b.csv 5) '<' 1e-4"
	done
done


# x - (A^H A x - x0): <data set> <x> <out>, with x0 and commands of BART
normal() { bart fmac -s 16 "$2" $1-map n1.ra && bart fft -u 7 n1.ra n2.ra && bart fmac n2.ra $1-pat n3.ra && bart fft -u -i 7 n3.ra n4.ra && bart fmac -C -s 8 n4.ra $1-map "$3"; }
zero_filled() { bart fmac $1-ksp $1-pat z1.ra && bart fft -u -i 7 z1.ra z2.ra && bart fmac -C -s 8 z2.ra $1-map "$2"; }
step() { normal $1 "$2" s1.ra && bart saxpy -- -1 s1.ra "$2" s2.ra && bart saxpy 1 x0.ra s2.ra "$3"; }
three_steps() { zero_filled $1 x0.ra && step $1 x0.ra x1.ra && step $1 x1.ra x2.ra && step $1 x2.ra x3.ra; }
zeroed() { "$PYTHON" "$ROOT/tests/e2e/zero_weights.py" "$1" "$2"; }

gradient_steps()
{
	train $1 -I 3 -n 1 w3 && zeroed w3 zero && infer $1 --stages zero $1-ksp $1-map st && three_steps $1 || return 1

	for n in 1 2 3; do

		bart slice 8 $((n - 1)) st stage.ra && compare "$(nrmse x$n.ra stage.ra)" "<" 1e-5 || return 1
	done
}

# z = x: (A^H A + mu) u = x0 + mu x0, sample by sample
least_squares()
{
	local i

	train $1 --modl -I 1 --mu 0.2 --cg-iter 80 -n 1 w1 && zeroed w1 zero && infer $1 zero $1-ksp $1-map u || return 1

	for i in 0 1; do

		bart slice 13 $i $1-ksp k.ra && bart slice 13 $((1 < $(bart show -d 13 $1-pat) ? i : 0)) $1-pat p.ra || return 1
		bart pics -l2 -r 0.2 -w 1 -i 200 -p p.ra k.ra $1-map pics.ra && bart scale 1.2 pics.ra expected.ra || return 1
		bart slice 13 $i u found.ra && compare "$(nrmse expected.ra found.ra)" "<" 1e-4 || return 1
	done
}

for d in v c e; do

	if [ -n "$PYTHON" ]; then

		check "$d: without convolutions PGD is the steps of BART's commands" gradient_steps $d
		check "$d: without convolutions MoDL is pics -l2" least_squares $d
	else
		skip "$d: without convolutions PGD and MoDL are BART's" "no python3"
	fi
done

# the loss of one step without convolutions, in units of the scale
loss_in_units()
{
	local ref=${2:-$1-ref} found expected

	train $1 -I 1 -n 1 w1 && zeroed w1 zero && train $1 -I 1 -n 1 --no-shuffle --load zero --lr 1e-30 --log u.csv w2 || return 1
	zero_filled $1 x0.ra && step $1 x0.ra x1.ra && bart copy x1.ra x1 || return 1

	expected=$("$NUMPY" "$ROOT/tests/e2e/series_scale.py" $1-ksp $1-pat $1-map x1 $ref)
	found=$(awk -F, 'NR == 2 { print $2 }' u.csv)

	echo "$found, expected $expected"
	awk -v a="$found" -v b="$expected" 'BEGIN { d = a / b - 1; exit !(d * d < 1e-10) }'
}

if [ -n "$NUMPY" ]; then

	check "c: the scale is that of numpy" loss_in_units c
	check "e: the scale is that of numpy, two maps" loss_in_units e
	check "e: the loss against a combined reference is that of numpy" loss_in_units e e-one
else
	skip "the scale is that of numpy" "no python3 with numpy"
fi


# several maps, and one image for all
train_one() { ref=e-one train e "$@"; }

check "e: one reference for two maps: trains" train_one -I 2 -n 24 --log one.csv one
check "e: ... the loss falls" falls one.csv 0.9
check "e: ... which is told" eval 'train_one -I 1 -n 1 o 2>&1 | grep -q "e-one: one image for all maps.*root of the sum of squares"'
check "e: a reference of two maps is told" eval 'train e -I 1 -n 1 o 2>&1 | grep -q "e-ref: an image for each map"'
check "e: ... end to end, MoDL" train_one --modl -M 1 -I 2 --cg-iter 5 -n 24 --log one-m.csv one-m
check "e: ... the loss falls" falls one-m.csv 0.9
check "e: ... images still have two maps" eval 'infer e one e-ksp e-map one-out && [ 2 -eq $(bart show -d 4 one-out) ]'
check "e: metrics are those of combined images, whichever is given" \
	eval 'infer e -r e-ref pgd-e e-ksp e-map o > t1 && infer e -r e-one pgd-e e-ksp e-map o > t2 && diff t1 t2 && [ 4 -eq $(wc -l < t1) ]'
if [ -n "$NUMPY" ]; then

	# mean over frames of the table's last stage against that of the script
	of_output() { bart rss 16 o o-rss && "$NUMPY" "$ROOT/scripts/metrics.py" --mean nrmse e-one "o=o-rss"; }
	check "e: ... and those of the root of the sum of squares of the output" \
		eval 'compare "$(awk "\$1 == 2 { print \$8 }" t1) - $(of_output)" "<" 1e-4 && compare "$(of_output) - $(awk "\$1 == 2 { print \$8 }" t1)" "<" 1e-4'
else
	skip "e: ... and those of the root of the sum of squares of the output" "no python3 with numpy"
fi
check "e: validation with a combined reference" eval 'train e -I 2 -n 2 --valid-every 1 --valid-data k=e-ksp,c=e-map,r=e-one,p=e-pat w > t1 && train_one -I 2 -n 2 --valid-every 1 --valid-data k=e-ksp,c=e-map,r=e-ref,p=e-pat w > t2 && grep -q "^2 " t1 && grep -q "^2 " t2'
full() { bart fmac -s 16 e-ref e-map f.ra && bart fft -u 7 f.ra e-full; }
check "e: --ref-kspace" eval 'full && ref=e-full train e -I 1 --ref-kspace -n 2 w && infer e --ref-kspace -r e-full w e-ksp e-map o | grep -q "^1 "'

# two maps of slices
bart slice 10 0 e-ksp s-ksp; bart slice 10 0 e-ref s-ref; bart slice 10 0 e-pat s-pat; bart slice 10 0 e-one s-one; bart copy e-map s-map
check "slices, two maps: trains" train s -I 2 -n 20 --log s.csv s
check "slices, two maps, one reference: trains" eval 'ref=s-one train s -I 2 -n 20 --log s1.csv s && falls s1.csv 0.95'


# volumes over time: the message's way out
bart phantom -3 -x 12 four.ra; bart resize -c 0 10 1 8 2 9 four.ra object.ra; bart scale 0.5 object.ra half.ra
smooth mo-coils.ra 5 10 8 9 3 1 1 1 && bart normalize 24 mo-coils.ra q-map
bart join 10 object.ra half.ra object.ra q-ref && bart ones 11 1 8 9 1 1 1 1 1 1 1 3 q-pat && acquire q
expect_error "four dimensions are told" "q-ksp: found k-space \[10 8 9 3 1 1 1 1 1 1 3\]: 4 of the dimensions.*transpose 2 13.*transpose 0 13.*fft -u -i 1" train q -n 1 w
bart fft -u -i 1 q-ksp q-hybrid; bart transpose 0 13 q-hybrid h-ksp; cp q-pat.cfl h-pat.cfl; cp q-pat.hdr h-pat.hdr
for f in map ref; do bart transpose 0 13 q-$f h-$f; done
check "... and the way out works" eval 'train h -I 1 -n 2 w && grep -qx "spatial 3" w.hdr && infer h w h-ksp h-map o && [ 10 -eq $(bart show -d 13 o) ]'

# frames of both signs: nothing is left of their average but noise
cancel() { for f in ksp ref; do bart scale -- -1 c-$f minus.ra && bart join 10 c-$f minus.ra k-$f || return; done && bart noise -n 1e-8 k-ksp k-ksp; }
both() { cancel && bart join 10 c-pat c-pat k-pat && bart copy c-map k-map && train k -I 1 -n 1 w; }
check "series: frames that cancel are told" eval 'both 2>&1 | grep -q "k-ksp: the frames of sample . cancel: they are .* times their average" && ! train c -I 1 -n 1 w 2>&1 | grep -q cancel'


# gleam-infer as for slices
for d in v c e; do

	check "$d: --stages along dimension 8" eval "infer $d --stages pgd-$d $d-ksp $d-map st && [ 2 -eq \$(bart show -d 8 st) ] && bart slice 8 1 st last && same_bits last $d-out"
	check "$d: bart -l over samples" eval "bart extract 13 0 1 $d-pat p0 && infer $d pgd-$d $d-ksp $d-map all && bart -l 8192 -r $d-ksp gleam-infer --pattern $d-pat pgd-$d $d-ksp $d-map loop && same_bits loop all"
	check "$d: streams" eval "bart copy $d-ksp - | infer $d pgd-$d - $d-map - | bart copy - piped && same_bits piped $d-out"
	check "$d: --tol stops early, later stages repeat" eval "infer $d --stages --tol 1e9 pgd-$d $d-ksp $d-map st && bart slice 8 0 st s0 && bart slice 8 1 st s1 && same_bits s0 s1"
	check "$d: a pattern estimated from zeros" eval "bart gleam-infer pgd-$d $d-ksp $d-map est && compare \$(nrmse $d-out est) '<' 1e-5"
done

finish
