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
	LR, LR_PGD4, ... (1e-3), VALID_EVERY (27 iterations), OPTIONS (more of bart gleam)
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

# run <name> <result> <seconds> <learning rate> <from, or ""> <option> ...
run()
{
	dir=$out/$1 result=$out/$1/$2 seconds=$3 rate=$4 from=$5
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
	note "== $result: $* (${from:-from random weights}, $seconds s, learning rate $rate)"

	bart gleam "$@" $gpu -b 1 --learn-dc --weight-decay 0 --lr "$rate" -s "${SEED:-1}" \
		-n 1000000 --max-time "$seconds" ${from:+--load "$from"} ${OPTIONS:-} \
		--pattern "$cine/train/pat" --valid-every "${VALID_EVERY:-27}" \
		--valid-data k="$cine/valid/ksp",c="$cine/valid/maps",r="$cine/valid/ref",p="$cine/valid/pat" \
		--log "$log" "$result-part" "$cine/train/ksp" "$cine/train/maps" "$cine/train/ref"

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

# network <name> <option> ...: large steps, then small ones
network()
{
	name=$1 time=$(option TIME "$1" 1200) lr=$(option LR "$1" 1e-3)
	shift

	exists "$cine/train/ksp" "$cine/valid/ksp" || die "$cine: no data, call part data first"

	mkdir -p "$out/$name"
	small=$(awk "BEGIN { print $lr / 5 }")

	exists "$out/$name/coarse" || run "$name" coarse $((time - time / 4)) "$lr" "" "$@"

	if ! exists "$out/$name/weights"; then

		run "$name" weights $((time / 4)) "$small" "$out/$name/coarse" "$@"

	elif [ -n "${MORE:-}" ]; then

		run "$name" more "$time" "$small" "$out/$name/weights" "$@"
		keep_better "$out/$name/more" "$out/$name/weights"
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

	"$here/compare.sh" "$@" ${GPU:+-g "$GPU"} -t "cine, 8 simulated coils, R = ${R:-10}" "$cine/test" "$out/compare"
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
