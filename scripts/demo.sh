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
ITERATIONS=${ITERATIONS:-4}
FEATURES=${FEATURES:-32}
STEPS=${STEPS:-1500}
SECONDS_MAX=${SECONDS_MAX:-270}

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

settings="size $SIZE, R $R, SNR $SNR, $ITERATIONS iterations, $FEATURES features, $STEPS steps without weight decay, at most $SECONDS_MAX s"

[ ! -f "$out/settings" ] || [ "$settings" = "$(cat "$out/settings")" ] \
	|| die "$out was made with other settings ($(cat "$out/settings"); now: $settings). Remove it, or give another folder"

echo "$settings" > "$out/settings"

make_set train 1 ellipses:24 folds:24 tubes:4 nist:1 sonar:1
make_set valid 2 ellipses:5 folds:4 tubes:1 nist:1 sonar:1
make_set test 3 brain:8

if [ ! -f "$out/lambda" ]; then

	step "compressed sensing: regularisation, chosen on the validation set"
	"$here/cs.sh" -j 12 tune "$out/valid" "$out/lambda"
fi

# train <weights> <steps> <learning rate> <option> ...
train()
{
	weights=$1 steps=$2 rate=$3
	shift 3

	bart gleam --modl -I "$ITERATIONS" --features "$FEATURES" --mu 0.5 --cg-iter 6 "$@" \
		-b 1 --lr "$rate" --weight-decay 0 -n "$steps" --max-time "$SECONDS_MAX" -s 1 --valid-every 100 \
		--pattern "$out/train/pat" \
		--valid-data k="$out/valid/ksp",c="$out/valid/maps",r="$out/valid/ref",p="$out/valid/pat" \
		--log "$weights.csv" "$weights-part" "$out/train/ksp" "$out/train/maps" "$out/train/ref"

	keep "$weights-part" "$weights"
}

if ! exists "$out/coarse"; then

	step "training: MoDL, $ITERATIONS unrolled iterations in as many modules, $FEATURES channels"
	train "$out/coarse" "$STEPS" 1e-3
fi

if ! exists "$out/weights"; then

	step "training on, with smaller steps"
	train "$out/weights" $((STEPS / 4)) 2e-4 --load "$out/coarse"
fi

cs_psnr=$(sort -t, -k2,2gr "$out/lambda.csv" | head -n 1 | cut -d, -f2)
python "$here/plot-log.py" --cs "$cs_psnr" "$out/coarse.csv" "$out/weights.csv" "$out/learning.png"

step "comparison on the BRAIN geometry, which was in neither training nor validation"
"$here/compare.sh" -w "$out/weights" -l "$out/lambda" -s 0 -t "phantom, 8 coils, Poisson-disc R = $R" "$out/test" "$out"

step "done: $out/table.md, $out/panel.png, $out/learning.png"
