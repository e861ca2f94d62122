#!/bin/sh
# The experiments with cine of doc/results.md, part by part. A part whose results
# are there is skipped; one that was stopped goes on.
set -eu

usage()
{
	cat >&2 <<-END
	Usage: [NAME=value ...] results-cine.sh <data> <out> [part ...]

	<data> holds series{01..12} (prepare-cine.sh). Parts, in order:

	data	training, validation and test data in <out>/cine
	cs	compressed sensing: regularisation from the validation series, test series
	pgd4	PGD, N = M = 4: greedy
	pgd4e	PGD, N = 4, M = 1: end to end
	pgd12	PGD, N = 12, M = 3: greedy, in the memory of pgd4e
	modl4	MoDL, N = M = 4
	compare	tables, and pictures where there is matplotlib, of all that is there
	speed	a line for each network: seconds per iteration, peak of memory

	R (10), CROP (middle n x n pixels; all), SIMULATE (more options of simulate-cine.sh)
	FEATURES (60, MoDL 50), BLOCKS (2), LAYERS (5), MU (0.05), SEED (1)
	TIME (1200), TIME_PGD4, TIME_PGD4E, TIME_PGD12, TIME_MODL4: seconds of
	training; a quarter of it with a fifth of the learning rate
	ITER, ITER_PGD4, ...: iterations instead, the learning rate falls to a hundredth
	LR, LR_PGD4, ... (1e-3), VALID_EVERY (27 iterations), OPTIONS (more of bart gleam)
	SLABS=n: training data are cut into n slabs along READ (slabs.sh)
	MORE=1: a network that is there is trained on, with a fifth of the learning rate
	GPU=fp32, tf32 or bf16: on the GPU, with this precision. CS_GPU=1: cs, too
	END
	exit 1
}

[ $# -ge 2 ] || usage

. "$(dirname "$0")/common.sh"

data=$1 out=$2
shift 2

export BART PYTHON
mkdir -p "$out"
cine=$out/cine
gpu=${GPU:+-g --precision $GPU}

# option <NAME> <network> <default>: NAME_NETWORK, else NAME, else the default
option()
{
	eval "echo \"\${$1_$(echo "$2" | tr a-z A-Z):-\${$1:-$3}}\""
}

# a log for each run, since a run starts its own
next_log()
{
	l=1
	while [ -f "$1/log$l.csv" ]; do l=$((l + 1)); done
	echo "$1/log$l.csv"
}

# training_data: the folder
training_data()
{
	slabs=${SLABS:-1}
	[ "$slabs" != 1 ] || { echo "$cine/train"; return; }

	exists "$cine/train-$slabs/ksp" && [ "$cine/train-$slabs/ksp.cfl" -nt "$cine/train/ksp.cfl" ] \
		|| "$here/slabs.sh" "$slabs" "$cine/train" "$cine/train-$slabs"
	echo "$cine/train-$slabs"
}

# until_seconds <seconds>, until_iteration <iterations> <learning rate>: options
until_seconds() { echo "-n 1000000 --max-time $1"; }
until_iteration() { echo "-n $1 --lr-end $(awk "BEGIN { print $2 / 100 }")"; }

# run <name> <result> <until> <learning rate> <from, or ""> <option> ...
run()
{
	dir=$out/$1 result=$out/$1/$2 until=$3 rate=$4 from=$5
	shift 5

	# of a run that was stopped
	if exists "$result-part"; then

		keep "$result-part" "$result-before"
	fi

	# ... of that, or of one before, which was stopped, too
	if exists "$result-before"; then

		from=$result-before
	fi

	log=$(next_log "$dir")
	train=$(training_data)
	note "== $result: $* (${from:-from random weights}, $until, learning rate $rate)"

	bart gleam "$@" $gpu -b 1 --learn-dc --weight-decay 0 --lr "$rate" -s "${SEED:-1}" \
		$until ${from:+--load "$from"} ${OPTIONS:-} \
		--pattern "$train/pat" --valid-every "${VALID_EVERY:-27}" \
		--valid-data k="$cine/valid/ksp",c="$cine/valid/maps",r="$cine/valid/ref",p="$cine/valid/pat" \
		--log "$log" "$result-part" "$train/ksp" "$train/maps" "$train/ref"

	keep "$result-part" "$result"		# now it has ended
	rm -f "$result-before".* "$result-part-last".*
	speed_of "${dir##*/}" "$log"
}

# keep_better <new> <weights>: by what they reached on the validation series
keep_better()
{
	if awk "BEGIN { exit !($(valid_of "$1") < $(valid_of "$2")) }"; then

		keep "$1" "$2"
	else
		note "$2 stays: nRMSE $(valid_of "$2") on the validation series, $(valid_of "$1") after more training ($1)"
	fi
}

valid_of() { sed -n 's/^valid-nrmse //p' "$1.hdr"; }

# first_training <name> <learning rate> <a fifth of it> <option> ...
first_training()
{
	name=$1 lr=$2 small=$3
	shift 3

	if [ -n "$iter" ]; then

		run "$name" weights "$(until_iteration "$iter" "$lr")" "$lr" "" "$@"
		return
	fi

	# large steps, then small ones
	exists "$out/$name/coarse" || run "$name" coarse "$(until_seconds $((time - time / 4)))" "$lr" "" "$@"
	run "$name" weights "$(until_seconds $((time / 4)))" "$small" "$out/$name/coarse" "$@"
}

more_training()
{
	name=$1 small=$2
	shift 2

	if [ -n "$iter" ]; then until=$(until_iteration "$iter" "$small"); else until=$(until_seconds "$time"); fi

	run "$name" more "$until" "$small" "$out/$name/weights" "$@"
	keep_better "$out/$name/more" "$out/$name/weights"
}

# network <name> <option> ...
network()
{
	name=$1 iter=$(option ITER "$1" "") time=$(option TIME "$1" 1200) lr=$(option LR "$1" 1e-3)
	shift

	exists "$cine/train/ksp" "$cine/valid/ksp" || die "$cine: no data, call part data first"
	[ -z "$iter" ] || whole ITER "$iter" 1
	whole TIME "$time" 1
	number LR "$lr" 1e-30
	same_settings "$out/$name" "$*${OPTIONS:+ $OPTIONS}, seed ${SEED:-1}"

	small=$(awk "BEGIN { print $lr / 5 }")

	if ! exists "$out/$name/weights"; then

		first_training "$name" "$lr" "$small" "$@"

	elif [ -n "${MORE:-}" ]; then

		more_training "$name" "$small" "$@"
	fi
}

# speed_of <name> <log>: for the table; medians, without the first two iterations
speed_of()
{
	python - "$@" <<-PYTHON
	import csv, statistics, sys
	rows = list(csv.DictReader(open(sys.argv[2])))
	if not rows:
	    sys.exit("%s: no iteration was made; more time is needed" % sys.argv[2])
	s = statistics.median([float(r["seconds_per_iteration"]) for r in rows][2:] or [float(rows[-1]["seconds_per_iteration"])])
	m = max(float(r["peak_bytes"]) for r in rows)
	v = [float(r["valid_psnr"]) for r in rows if r["valid_psnr"]]
	print("%s %s: %d iterations, %.4g s/iteration, peak memory %.0f MiB, best validation PSNR %s" % (
	    sys.argv[1], sys.argv[2].split("/")[-1], len(rows), s, m / 2 ** 20, "%.2f dB" % max(v) if v else "none"))
	PYTHON
}

compare_all()
{
	set -- -s "${SERIES:-0}"

	for n in "pgd4 PGD 4 in 4" "pgd4e PGD 4 end-to-end" "pgd12 PGD 12 in 3" "modl4 MoDL 4 in 4"; do

		exists "$out/${n%% *}/weights" || continue
		set -- "$@" -w "${n#* }=$out/${n%% *}/weights"
	done

	[ ! -f "$cine/lambda" ] || set -- "$@" -l "$cine/lambda"

	"$here/compare.sh" "$@" ${GPU:+-g "$GPU"} -t "cine, 8 simulated coils, R = $(sed -n 's/^-R \([^ ]*\).*/\1/p' "$cine/test/asked" 2> /dev/null)" "$cine/test" "$out/compare"
}

pgd="--pgd --features ${FEATURES:-60} --blocks ${BLOCKS:-2}"

part()
{
	case $1 in
	data) "$here/prepare-cine.sh" "$data" "$cine" "${R:-10}" ${CROP:+-x "$CROP"} ${SIMULATE:-} ;;

	cs)
		[ -f "$cine/lambda" ] || "$here/cs-cine.sh" ${CS_GPU:+-g} tune "$cine/valid" "$cine/lambda"
		"$here/compare.sh" -l "$cine/lambda" "$cine/test" "$out/compare" ;;

	pgd4) network pgd4 -I 4 -M 4 $pgd ;;
	pgd4e) network pgd4e -I 4 -M 1 $pgd ;;
	pgd12) network pgd12 -I 12 -M 3 $pgd ;;
	modl4) network modl4 -I 4 -M 4 --modl --features "${FEATURES:-50}" --layers "${LAYERS:-5}" --mu "${MU:-0.05}" ;;
	compare) compare_all ;;

	speed)
		for log in "$out"/*/log*.csv; do

			[ ! -f "$log" ] || speed_of "$(basename "$(dirname "$log")")" "$log"
		done ;;

	*) usage ;;
	esac
}

[ $# -gt 0 ] || set -- data cs pgd4 pgd4e pgd12 modl4 compare speed

for p in "$@"; do

	part "$p"
done
