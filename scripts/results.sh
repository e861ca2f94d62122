#!/bin/sh
# The experiments of doc/results.md, step by step; steps whose results are there
# are skipped, so that it can be stopped and called again, or called for one part.
set -eu

usage()
{
	cat >&2 <<-END
	Usage: [NAME=value ...] results.sh <data> <out> [part ...]

	<data> holds brain/head{1..6}_{axial,coronal,sagittal} and raw/brain_t1_8ch_ksp.
	Parts, in order: data4 data8 pgd4 pgd8 modl4 measured (all of them).

	FEATURES (PGD, 48), FEATURES_MODL (32), BATCH (2), LR (5e-4), SEED (1)
	HOURS_PGD (3), HOURS_MODL (3): training time of each network
	VALID_EVERY (120): iterations between validations
	END
	exit 1
}

[ $# -ge 2 ] || usage

. "$(dirname "$0")/common.sh"

data=$1 out=$2
shift 2

export BART PYTHON
mkdir -p "$out"

# train <name> <R> <hours> <options of bart gleam> ...
train()
{
	name=$1 set=$out/brain-r$2 hours=$3
	shift 3

	exists "$out/$name/weights" && return
	mkdir -p "$out/$name"

	# validation on every third slice: ten of head 5, all three planes
	if ! exists "$set/valid-small/ksp"; then

		mkdir -p "$set/valid-small"

		for f in maps pat ref ksp; do

			list=

			for i in $(seq 1 3 29); do

				bart slice 13 "$i" "$set/valid/$f" "$tmp/v$i"
				list="$list $tmp/v$i"
			done

			bart join 13 $list "$tmp/v"
			keep "$tmp/v" "$set/valid-small/$f"
		done
	fi

	v=$set/valid-small

	note "== training $name: $*"

	bart gleam "$@" -b "${BATCH:-2}" --lr "${LR:-5e-4}" -s "${SEED:-1}" -n 1000000 \
		--max-time "$(awk "BEGIN { print $hours * 3600 }")" \
		--pattern "$set/train/pat" --valid-every "${VALID_EVERY:-120}" \
		--valid-data k="$v/ksp",c="$v/maps",r="$v/ref",p="$v/pat" --log "$out/$name/log.csv" \
		"$out/$name/weights" "$set/train/ksp" "$set/train/maps" "$set/train/ref"
}

# compare <name> <R>: on head 6
compare()
{
	set=$out/brain-r$2

	[ -f "$set/lambda" ] || "$here/cs.sh" tune "$set/valid" "$set/lambda"

	"$here/compare.sh" -w "$out/$1/weights" -l "$set/lambda" -s 15 -r 1 -t "head 6, 8 simulated coils, Poisson-disc R = $2" "$set/test" "$out/$1"
	python "$here/plot-log.py" "$out/$1/log.csv" "$out/$1/learning.png"
}

pgd="--pgd -I 8 -M 8 --features ${FEATURES:-48}"
modl="--modl -I 4 -M 4 --features ${FEATURES_MODL:-32} --mu 4"

part()
{
	case $1 in
	data4) "$here/prepare-brain.sh" "$data/brain" "$out/brain-r4" 4 ;;
	data8) "$here/prepare-brain.sh" "$data/brain" "$out/brain-r8" 8 ;;
	pgd4) train pgd-r4 4 "${HOURS_PGD:-3}" $pgd && compare pgd-r4 4 ;;
	pgd8) train pgd-r8 8 "${HOURS_PGD:-3}" $pgd && compare pgd-r8 8 ;;
	modl4) train modl-r4 4 "${HOURS_MODL:-3}" $modl && compare modl-r4 4 ;;

	# the weights and the regularisation of the simulated heads, as they are
	measured)
		exists "$out/raw-r4/ksp" || "$here/prepare-measured.sh" "$data/raw/brain_t1_8ch_ksp" "$out/raw-r4" 4

		for net in pgd-r4 modl-r4; do

			exists "$out/$net/weights" || continue
			"$here/compare.sh" -w "$out/$net/weights" -l "$out/brain-r4/lambda" -t "measured k-space, 8 coils, Poisson-disc R = 4" "$out/raw-r4" "$out/measured-$net"
		done ;;

	*) usage ;;
	esac
}

[ $# -gt 0 ] || set -- data4 data8 pgd4 pgd8 modl4 measured

for p in "$@"; do

	part "$p"
done
