#!/bin/bash
# First inputs of the harnesses, made by the commands themselves: BART=<binary>
# tests/fuzz/seeds.sh <folder> writes <folder>/{weights,header,options,state}/seed-*.
set -eu

[ $# -eq 1 ] || { echo "Usage: seeds.sh <folder>" >&2; exit 1; }

BART=$(realpath "${BART:-$(dirname "$0")/../../build/cpu/bart}")
out=$(realpath -m "$1")
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

export BART_DEBUG_LEVEL=0 OMP_NUM_THREADS=1
mkdir -p "$out/weights" "$out/header" "$out/options" "$out/state"
cd "$tmp"

bart() { "$BART" "$@" > /dev/null; }

# two samples of 8 x 8 pixels and two coils, as the harnesses make them; a series of four frames
bart phantom -x 8 -s 2 -k full
bart ones 2 8 8 half
bart resize -c 0 4 half quarter
bart resize -c 0 8 quarter pat
bart fmac full pat one
bart join 13 one one ksp
bart phantom -x 8 -S 2 sens
bart normalize 8 sens map
bart fft -iu 3 full img
bart fmac -C -s 8 img map ref1
bart join 13 ref1 ref1 ref
bart repmat 10 4 one series
bart repmat 10 4 ref1 sref
bart traj -r -x 16 -y 5 trj

train() { bart gleam -b 1 -n 1 --features 1 "$@"; }

train -I 1 --blocks 1 w-pgd ksp map ref
train -I 4 -M 2 --blocks 1 --learn-dc w-blocks ksp map ref
train --modl -I 2 --layers 2 --cg-iter 2 w-modl ksp map ref
train -I 1 --blocks 1 w-series series map sref
train -I 2 --blocks 1 --valid-data k=ksp,c=map,r=ref w-valid ksp map ref

for w in pgd blocks modl series; do

	(cat w-$w.hdr; echo "%%data"; cat w-$w.cfl) > "$out/weights/seed-$w"
	(echo; echo "%%pending"; cat w-$w.hdr; echo "%%data"; cat w-$w.cfl) > "$out/weights/seed-$w-pending"
done

# text and floats of a state, without its checksum
state()
{
	local text
	text=$(grep -abo '^end$' "$1" | head -n 1 | cut -d : -f 1)
	head -c $((text + 4)) "$1"
	echo "%%floats"
	tail -c +$((text + 5)) "$1" | head -c 256
}

for w in pgd modl valid; do

	state w-$w.state > "$out/state/seed-$w"
	cat w-$w.state > "$out/state/seed-$w-whole"
done

bart ones 7 1 2 1 1 1 1 3 ones
bart copy ones ones.ra
bart copy ones ones.coo
bart copy ksp ksp.ra

cfl() { echo "c$1="; cat "$2.hdr"; echo "%%data"; head -c 64 "$2.cfl"; }
whole() { echo "$1$2"; cat "$3"; }

cfl k ksp > "$out/header/seed-ksp"
cfl m map > "$out/header/seed-map"
cfl p pat > "$out/header/seed-pat"
cfl r ref > "$out/header/seed-ref"
cfl t trj > "$out/header/seed-trj"
cfl a series > "$out/header/seed-all"
cfl k ones > "$out/header/seed-ones"
whole r k ones.ra > "$out/header/seed-ra"
whole r k ksp.ra > "$out/header/seed-ksp-ra"
whole o k ones.coo > "$out/header/seed-coo"

# what the documents show, with the files of data.c
n=0
line()
{
	n=$((n + 1))
	printf '%s\n' "$@" > "$out/options/seed-$n"
}

valid=k=ksp,c=map,r=ref,p=pat

line plan -b 2 --pattern pat --valid-data $valid --modl -I 8 -M 4 o ksp map ref
line plan --trajectory trj --features 32 --blocks 3 -s 0x7f --no-shuffle o nksp map nref
line plan --modl --trainer mel --checkpoints 2 --fixed-point 7 --max-inversion-error 1e-3 -I 6 o ksp map ref
line plan --trainer checkpoint -I 4 -b 2 --micro-batch 2 -l w o ksp map ref
line plan --trainer end-to-end --layers 3 --backend ref --cg-iter 20 --mu 0.1 --modl o ksp map ref
line plan --ref-kspace --step-size 1 --learn-dc --lr 1e-3 --lr-end 1e-5 -e 3 o ksp map ksp
line plan --adam beta1=0.8,beta2=0.99,epsilon=1e-6 --weight-decay 0 --max-time 5 --patience 2 --valid-every 3 --valid-data $valid o ksp map ref
line plan -g --precision bf16 --autotune --fast-math --timing o ksp map ref
line train -b 1 --log log.csv --valid-data $valid o ksp map ref
line train --modl -b 2 --micro-batch 1 -l m o ksp map ref
line train --trajectory trj -b 1 --valid-data k=nksp,c=map,r=nref,t=trj o nksp map nref
line train --modl --trainer mel --checkpoints 1 -b 1 o ksp map ref
line plan --resume -n 3 -b 1 -I 2 --features 2 --blocks 1 s ksp map ref
line train --resume -n 3 -b 1 s ksp map ref
line train --save-every 1 --skip-nonfinite 2 -b 1 o ksp map ref
line size -I 1 --pattern pat w ksp map o
line size --trajectory trj --stages m nksp map o
line infer --stages -r ref --pattern pat w ksp map o
line infer --tol 0.1 --backend winograd m ksp map o.ra
line infer --ref-kspace -r ksp w ksp map o
line infer --trajectory trj w nksp map o
line infer -h
line plan --valid-data h
