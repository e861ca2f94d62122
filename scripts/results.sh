#!/bin/sh
# The experiments of doc/results.md, step by step; steps whose results are there
# are skipped, so that it can be stopped and called again, or called for one part.
set -eu

usage()
{
	cat >&2 <<-END
	Usage: [NAME=value ...] results.sh <data> <out> [part ...]

	<data> holds brain/head{1..6}_{axial,coronal,sagittal} and raw/brain_t1_8ch_ksp.
	Parts, in order: data8v data8 data4 pgd8v pgd8 pgd8long modl8 pgd4 pgd4long modl4 measured (all of them).
	8v: R = 8 with distances that grow as with bart poisson -v.

	SECONDS_PGD8V (2700), SECONDS_PGD8 (1500), SECONDS_LONG (2400), SECONDS_PGD4 (900),
	SECONDS_LONG4 (600), SECONDS_MODL8 (2400), SECONDS_MODL4 (900): training with the learning rate 1e-3
	(the long parts: 7e-4, without weight decay); a third of it is added with a fifth of
	that. MU (0.05), SEED (1)
	END
	exit 1
}

[ $# -ge 2 ] || usage

. "$(dirname "$0")/common.sh"

data=$1 out=$2
shift 2

export BART PYTHON
mkdir -p "$out"

# validation during training: every third slice, ten of head 5 in all three planes
small_set()
{
	exists "$1-small/ksp" && return
	mkdir -p "$1-small"

	for f in maps pat ref ksp; do

		list=

		for i in $(seq 1 3 29); do

			bart slice 13 "$i" "$1/$f" "$tmp/v$i"
			list="$list $tmp/v$i"
		done

		bart join 13 $list "$tmp/v"
		keep "$tmp/v" "$1-small/$f"
	done
}

# train <weights> <set> <seconds> <learning rate> <option of bart gleam> ...
train()
{
	weights=$1 set=$out/brain-$2 v=$out/brain-$2/valid-small seconds=$3 rate=$4
	shift 4

	exists "$weights" && return
	small_set "$set/valid"
	note "== training $weights: $*"

	bart gleam "$@" -b 1 --lr "$rate" -s "${SEED:-1}" -n 1000000 --max-time "$seconds" \
		--pattern "$set/train/pat" --valid-every 236 \
		--valid-data k="$v/ksp",c="$v/maps",r="$v/ref",p="$v/pat" --log "$weights.csv" \
		"$weights-part" "$set/train/ksp" "$set/train/maps" "$set/train/ref"

	keep "$weights-part" "$weights"		# now it has ended, and is good for what follows
}

# compare <name> <set>: on head 6
compare()
{
	set=$out/brain-$2

	case $2 in
	*v) title="Poisson-disc of variable density, R = ${2#r}" title=${title%v} ;;
	*) title="Poisson-disc R = ${2#r}" ;;
	esac

	[ -f "$set/lambda" ] || "$here/cs.sh" tune "$set/valid" "$set/lambda"

	"$here/compare.sh" -w "$out/$1/weights" -l "$set/lambda" -s 15 -r 1 -t "head 6, 8 simulated coils, $title" "$set/test" "$out/$1"
	python "$here/spectrum.py" "$set/test/ref" "$set/test/pat" CS="$out/$1/cs" GLEAM="$out/$1/gleam" > "$out/$1/spectrum.md"
	python "$here/plot-log.py" "$out/$1/coarse.csv" "$out/$1/weights.csv" "$out/$1/learning.png"
}

# network <name> <set> <name of that to start from, or ""> <seconds> <learning rate>
# <option of bart gleam> ...: trained twice, the second time with smaller steps
network()
{
	name=$1 images=$2 start=$3 time=$4 lr=$5
	shift 5

	[ -z "$start" ] || exists "$out/$start/weights" || die "$name goes on from $start, whose part comes before"

	mkdir -p "$out/$name"
	train "$out/$name/coarse" "$images" "$time" "$lr" "$@" ${start:+--load "$out/$start/weights"}
	train "$out/$name/weights" "$images" $((time / 3)) "$(awk "BEGIN { print $lr / 5 }")" "$@" --load "$out/$name/coarse"
	compare "$name" "$images"
}

pgd="--pgd -I 8 -M 8 --features 32 --blocks 3 --learn-dc"
modl="--modl -I 4 -M 4 --features 32 --learn-dc --mu ${MU:-0.05}"

part()
{
	case $1 in
	data8v) "$here/prepare-brain.sh" -V 20 "$data/brain" "$out/brain-r8v" 8 ;;
	data8) "$here/prepare-brain.sh" "$data/brain" "$out/brain-r8" 8 ;;
	data4) "$here/prepare-brain.sh" "$data/brain" "$out/brain-r4" 4 ;;

	pgd8v) network pgd-r8v r8v "" "${SECONDS_PGD8V:-2700}" 1e-3 $pgd ;;

	# each goes on from one before
	pgd8) network pgd-r8 r8 pgd-r8v "${SECONDS_PGD8:-1500}" 1e-3 $pgd ;;
	pgd8long) network pgd-r8-long r8 pgd-r8 "${SECONDS_LONG:-2400}" 7e-4 $pgd --weight-decay 0 ;;
	pgd4) network pgd-r4 r4 pgd-r8 "${SECONDS_PGD4:-900}" 1e-3 $pgd ;;
	pgd4long) network pgd-r4-long r4 pgd-r4 "${SECONDS_LONG4:-600}" 7e-4 $pgd --weight-decay 0 ;;

	modl8) network modl-r8 r8 "" "${SECONDS_MODL8:-2400}" 1e-3 $modl ;;
	modl4) network modl-r4 r4 modl-r8 "${SECONDS_MODL4:-900}" 1e-3 $modl ;;

	# the weights and the regularisation of the simulated heads, as they are
	measured)
		exists "$out/raw-r4/ksp" || "$here/prepare-measured.sh" "$data/raw/brain_t1_8ch_ksp" "$out/raw-r4" 4

		for net in pgd-r4 pgd-r4-long modl-r4; do

			exists "$out/$net/weights" || continue
			"$here/compare.sh" -w "$out/$net/weights" -l "$out/brain-r4/lambda" -t "measured k-space, 8 coils, Poisson-disc R = 4" "$out/raw-r4" "$out/measured-$net"
		done ;;

	*) usage ;;
	esac
}

[ $# -gt 0 ] || set -- data8v data8 data4 pgd8v pgd8 pgd8long modl8 pgd4 pgd4long modl4 measured

for p in "$@"; do

	part "$p"
done
