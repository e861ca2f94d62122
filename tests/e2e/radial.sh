#!/bin/bash
# Trajectories: a radial simulation from training to images, and what can be wrong.
source "$(dirname "$0")/../lib.sh"

X=32

make_data t 4 $X $X 3 1
make_data v 2 $X $X 3 101

bart traj -r -x $X -y 9 traj
bart rss 1 traj radius
bart spow 0.5 radius dcf

# radial_data <data set>: from its images
radial_data()
{
	bart fmac $1-ref $1-map coils
	bart nufft traj coils clean
	bart noise -s 7 -n 0.000001 clean $1-rad
}

radial_data t
radial_data v

small="-I 2 --features 8 -b 2 --lr 3e-3"
valid="--valid-data k=v-rad,c=v-map,r=v-ref,t=traj"
data="t-rad t-map t-ref"

train() { bart gleam --trajectory traj $small "$@" $data; }
infer() { bart gleam-infer --trajectory traj "$@"; }

column() { awk -F, -v name="$2" 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == name) c = i } { last = $c } NR == 2 { first = $c } END { print first, last }' "$1"; }

# <log> <factor>: the last loss against the first one
learned() { column "$1" loss | awk -v f="$2" '{ print; exit !($2 < f * $1) }'; }

# <table> <factor>: nRMSE of the last stage against that of the start
better() { awk -v f="$2" '"start" == $1 { s = $8 } { n = $8 } END { print s, n; exit !((0 < s) && (n < f * s)) }' "$1"; }

# <kind> <weights or nothing>: PGD needs them more
trains()
{
	local k=$1 p=${2:-}

	check "$k: training" eval "train --$k ${p:+--pattern $p} -I 3 --features 16 -b 1 -n 80 --valid-every 40 $valid${p:+,p=$p} --log $k.csv $k > $k.txt"
	check "$k: lowers the loss" learned $k.csv 0.85
	check "$k: is better than its start" better $k.txt 0.9
	check "$k: reconstructs" eval "infer ${p:+--pattern $p} -r v-ref $k v-rad v-map $k-img > table && better table 0.9"
	check "$k: the image has the size of the reference" eval '[ "$(bart show -m '$k'-img | tail -n +2)" = "$(bart show -m v-ref | tail -n +2)" ]'
}

trains pgd dcf
trains modl

bart nufft -a -d $X:$X:1 traj v-rad back
bart fmac -C -s 8 back v-map adjoint
check "... and than the adjoint, whatever its scale" eval 'compare $(bart nrmse -s v-ref modl-img) "<" "0.5 * $(bart nrmse -s v-ref adjoint)"'
check "output has the units of the input" eval 'bart scale 1024 v-rad loud && infer modl loud v-map loud-img && bart scale 1024 modl-img louder && same_bits louder loud-img'

train --modl -n 3 two 2> /dev/null
check "the same bits with one thread" eval 'OMP_NUM_THREADS=1 train --modl -n 3 one && same_bits one two'
check "the same bits again" eval 'train --modl -n 3 again && same_bits again two'
# large enough for coils to be worked on by several threads
bart resize -c 0 144 1 144 v-ref large-ref; bart resize -c 0 144 1 144 v-map large-map
bart traj -r -x 144 -y 10 large-traj; bart fmac large-ref large-map large-c; bart nufft large-traj large-c large-ksp
check "... nor do large images depend on it" eval 'for n in 1 2 3; do OMP_NUM_THREADS=$n bart gleam-infer --trajectory large-traj two large-ksp large-map large$n || break; done; same_bits large1 large2 && same_bits large1 large3'

# L doubles, and nothing else
bart join 2 traj traj traj-twice; bart join 2 v-rad v-rad rad-twice
check "every spoke twice is the same" eval "bart gleam-infer --trajectory traj-twice modl rad-twice v-map twice-img && compare \$(nrmse modl-img twice-img) '<' 1e-3"

check "weights of samples are used" eval "infer pgd v-rad v-map ones-img && ! same_bits ones-img pgd-img"

# a trajectory for every sample: the same one is the same, another one is not
bart repmat 13 4 traj four
check "a trajectory of every sample" eval "bart gleam --trajectory four $small --modl -n 3 each $data && same_bits each two"
bart traj -r -D -x $X -y 9 turned; bart scale -- -1 turned turned; bart slice 13 0 four s0; bart join 13 s0 turned s0 s0 mixed
check "... is the one that is used" eval "bart gleam --trajectory mixed $small --modl -n 3 other $data && ! same_bits other two"
check "parts of a mini-batch" eval "bart gleam --trajectory four $small --micro-batch 2 --modl -n 1 micro $data && train --modl -n 1 whole && compare \$(nrmse whole micro) '<' 1e-4"
check "checkpointing has the bits of end-to-end training" eval 'for t in end-to-end checkpoint; do train --modl --mu 1 -n 3 --trainer $t --log $t.csv $t || exit 1; done; same_bits end-to-end checkpoint'
check "... PGD, too" eval 'for t in end-to-end checkpoint; do train --pgd --learn-dc -n 3 --trainer $t p-$t || exit 1; done; same_bits p-end-to-end p-checkpoint'
check "... and mel follows end-to-end MoDL" eval 'train --modl --mu 1 -n 3 --trainer mel --checkpoints 1 --log mel.csv mel && compare "$(losses_apart end-to-end.csv mel.csv 3)" "<" 1e-3'
check "--memory" eval 'train --memory plan | grep -q "in all" && [ ! -e plan.cfl ]'

# whole numbers in cartesian order, all of them: the image is that of the inverse FFT
bart index 0 $X ix; bart repmat 1 $X ix ixx; bart transpose 0 1 ixx iyy; bart scale 0 ixx zero
bart ones 2 $X $X one; bart scale $((X / 2)) one half
bart saxpy -- -1 half ixx cx; bart saxpy -- -1 half iyy cy
bart join 2 cx cy zero xyz; bart transpose 1 2 xyz xzy; bart transpose 0 1 xzy grid
bart fft -u 3 coils full; bart reshape 7 1 $X $X full gridded
check "cartesian positions: the start is the reference" eval "infer -I 1 -r v-ref modl gridded v-map grid-img --trajectory grid > table && compare \$(awk '\"start\" == \$1 { print \$8 }' table) '<' 0.02"

# frames: each has its own spokes
bart traj -r -x 16 -y 12 fan; bart reshape 1028 3 4 fan fans; bart transpose 2 10 fans frames
bart reshape 1028 4 3 fan fans
bart resize -c 0 16 1 16 v-ref small-ref; bart slice 13 0 small-ref one-ref; bart repmat 10 3 one-ref s-ref
bart resize -c 0 16 1 16 v-map s-map
bart fmac s-ref s-map s-coils; bart nufft fans s-coils s-ksp
series="-I 2 --features 4 -b 1 -n 2"
check "series" eval "bart gleam --modl $series --trajectory fans s s-ksp s-map s-ref && bart gleam-infer --trajectory fans s s-ksp s-map s-img && [ 3 -eq \$(bart show -d 10 s-img) ]"
check "series whose frames share the trajectory" eval "bart slice 10 0 fans fan0 && bart nufft fan0 s-coils s-ksp0 && bart gleam $series --trajectory fan0 s0 s-ksp0 s-map s-ref"

# several maps, with an image for each or one for both; volumes
bart scale 0.6 t-map m0; bart scale 0.8i t-map m1; bart join 4 m0 m1 t-map2
bart fmac t-ref t-map tc; bart fmac -C -s 8 tc t-map2 t-ref2
check "two maps" eval "bart gleam --trajectory traj $small --modl -n 1 e2 t-rad t-map2 t-ref2 && bart gleam-infer --trajectory traj e2 t-rad t-map2 e2-img && [ 2 -eq \$(bart show -d 4 e2-img) ]"
check "two maps, combined reference" eval "bart gleam --trajectory traj $small --modl -n 1 e1 t-rad t-map2 t-ref"
bart ones 4 10 12 8 2 vol-ones; bart noise -s 5 vol-ones vol-m; bart normalize 8 vol-m vol-map; bart slice 3 0 vol-map vol-ref
bart traj -3 -r -x 8 -y 60 vol-traj; bart fmac vol-ref vol-map vol-c; bart nufft vol-traj vol-c vol-ksp
check "volumes" eval "bart gleam $series --trajectory vol-traj vol vol-ksp vol-map vol-ref && bart gleam-infer --trajectory vol-traj vol vol-ksp vol-map vol-img && [ 8 -eq \$(bart show -d 2 vol-img) ]"
check "loops" eval "infer modl t-rad t-map all && bart -l 8192 -r t-rad gleam-infer --trajectory traj modl t-rad t-map looped && same_bits all looped"

# what the user guide shows, with other numbers
sed -n '/^## Data on a trajectory/,/^## /p' "$ROOT/doc/user-guide.md" | sed -n '/^```$/,/^```$/p' | grep -v '^```' \
	| sed "s/-x 256/-x $X/; s/-n 4000/-n 1 -I 2 --features 4/" > guide.sh
mkdir guide
for f in cfl hdr; do cp t-ref.$f guide/ref.$f; cp t-map.$f guide/maps.$f; cp v-ref.$f guide/v-ref.$f; cp v-map.$f guide/v-maps.$f; done
guide() { (cd guide && bart() { "$BART" "$@"; } && set -e && . ../guide.sh); }
check "the example of the user guide" eval '[ 8 -le $(wc -l < guide.sh) ] && guide && [ -e guide/image.cfl ]'

# -- wrong input

bart scale 0.03125 traj norm; bart scale 0.19635 traj radians; bart scale 2 traj wide
bart extract 1 0 20 traj short
bart scale nan traj nan
bart transpose 0 1 t-rad turned-ksp

wrong()
{
	local name=$1 pattern=$2
	shift 2

	expect_error "training: $name" "$pattern" bart gleam $small -n 1 "$@" bad t-rad t-map t-ref
	expect_error "reconstruction: $name" "$pattern" bart gleam-infer "$@" modl t-rad t-map bad
}

wrong "no trajectory" "t-rad: found k-space .*looks like data on a trajectory.*--trajectory"
wrong "a missing file" "none.hdr: No such file.*Expected the trajectory" --trajectory none
wrong "too few samples" "short: found trajectory .*dimension 1 .*20, expected 32" --trajectory short
wrong "no coordinates" "radius: found trajectory .*dimension 0 .*1, expected 3" --trajectory radius
wrong "parts of the sampling rate" "norm: found positions up to 0.48.*multiply by 32" --trajectory norm
wrong "radians" "radians: found positions up to 3.04.*radians: multiply by 5.09" --trajectory radians
wrong "beyond the grid" "wide: found positions up to 30.5.* expected at most 16" --trajectory wide
wrong "numbers that are not" "nan: found .*nan" --trajectory nan
bart scale -- -1 dcf negative
wrong "negative weights" "negative: found .*in the pattern, expected" --trajectory traj --pattern negative
wrong "weights of another shape" "traj: found pattern" --trajectory traj --pattern traj

expect_error "cartesian data with a trajectory" "found k-space \[32 32.*expected 1 along dimension 0" bart gleam-infer --trajectory traj modl v-ksp v-map bad
expect_error "coils elsewhere" "turned-ksp: found k-space .*expected 1 along dimension 0" bart gleam-infer --trajectory traj modl turned-ksp v-map bad
expect_error "other coils" "(t-rad|fewer): found .*3" eval 'bart extract 3 0 2 t-map fewer && bart gleam-infer --trajectory traj modl t-rad fewer bad'
volumes_over_time() { bart repmat 2 6 t-map vt-map && bart repmat 10 3 t-rad vt-rad && bart gleam-infer --trajectory traj modl vt-rad vt-map bad; }
expect_error "volumes over time" "images of 4 dimensions.*transpose 10 13" volumes_over_time
expect_error "references of another size" "smaller: found reference .*dimension 0 .*24, expected 32" eval 'bart resize 0 24 t-ref smaller && bart gleam --trajectory traj $small bad t-rad t-map smaller'
expect_error "references that are k-space" "ref-kspace and --trajectory" bart gleam --trajectory traj $small --ref-kspace bad $data
expect_error "a trajectory only for validation" "valid-data needs k-space, maps and reference" bart gleam --trajectory traj $small --valid-data t=traj bad $data
expect_error "weights over the trajectory" "traj: found an output \(weights\) on a file of the input" bart gleam --trajectory traj $small -n 1 traj $data
check "zeros that count as measured are warned of" eval 'bart resize 2 12 t-rad padded && bart traj -r -x 32 -y 12 longer && bart gleam-infer --trajectory longer modl padded t-map p-img 2>&1 | grep -q "padded: k-space is zero in all coils at 384 positions"'
check "nothing was written" eval '[ ! -e bad.cfl ]'

finish
