#!/bin/sh
# From nothing to a comparison: phantoms, a small network trained on them, and
# GLEAM against compressed sensing on geometries that neither has seen.
#
#	demo.sh [folder, ./demo by default]
#
# Steps whose results are in the folder already are skipped.
set -eu

. "$(dirname "$0")/common.sh"

out=${1:-$root/demo}

SIZE=${SIZE:-128}
R=${R:-6}
SNR=${SNR:-30}
ITERATIONS=${ITERATIONS:-5}
FEATURES=${FEATURES:-32}
STEPS=${STEPS:-3000}
SECONDS_MAX=${SECONDS_MAX:-330}

export BART PYTHON
begin=$(date +%s)

step()
{
	note "== $(($(date +%s) - begin)) s: $*"
}

# make <set> <seed> <kind>:<count> ...
make_set()
{
	name=$1 set_seed=$2
	shift 2
	exists "$out/$name/ksp" && return

	step "$name: $*"
	"$here/phantoms.sh" -x "$SIZE" -s "$set_seed" "$@" "$tmp/images-$name"
	"$here/simulate.sh" -c -R "$R" -C 20 -n "$SNR" -s "$set_seed" "$out/$name" "$tmp/images-$name" 2> "$tmp/log" || { cat "$tmp/log" >&2; exit 1; }
	sed -n 's/^acceleration/   &/p' "$out/$name/info.txt" >&2
}

mkdir -p "$out"

make_set train 1 ellipses:44 tubes:8 nist:2 sonar:2
make_set valid 2 ellipses:8 tubes:2 nist:1 sonar:1
make_set test 3 brain:8

if [ ! -f "$out/lambda" ]; then

	step "compressed sensing: regularisation, chosen on the validation set"
	"$here/cs.sh" -j 12 tune "$out/valid" "$out/lambda"
fi

if ! exists "$out/weights"; then

	step "training: PGD, $ITERATIONS unrolled iterations, $FEATURES channels"
	bart gleam --pgd -I "$ITERATIONS" --features "$FEATURES" -b 2 --lr 1e-3 --step-size 0.5 -n "$STEPS" --max-time "$SECONDS_MAX" -s 1 \
		--pattern "$out/train/pat" --valid-every 100 \
		--valid-data k="$out/valid/ksp",c="$out/valid/maps",r="$out/valid/ref",p="$out/valid/pat" \
		--log "$out/log.csv" \
		"$out/weights" "$out/train/ksp" "$out/train/maps" "$out/train/ref"
fi

cs_psnr=$(sort -t, -k2,2gr "$out/lambda.csv" | head -n 1 | cut -d, -f2)
python "$here/plot-log.py" --cs "$cs_psnr" "$out/log.csv" "$out/learning.png"

step "comparison on the BRAIN geometry, which was in neither training nor validation"
"$here/compare.sh" -w "$out/weights" -l "$out/lambda" -s 0 -t "phantom, 8 coils, Poisson-disc R = $R" "$out/test" "$out"

step "done: $out/table.md, $out/panel.png, $out/learning.png"
