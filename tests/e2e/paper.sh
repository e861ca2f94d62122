#!/bin/bash
# The paper's comparisons as a whole, in miniature: networks of two iterations that are
# trained for three, on images of 32 x 32; what is skipped, refused, and gone on with.
. "$(dirname "$0")/../lib.sh"

S=$ROOT/scripts
export BART TMPDIR=$TMP PYTHON=$NUMPY
unset BART_DEBUG_LEVEL SCALE GPU PIECE KNEE BRAIN CINE DOC

if [ -z "$NUMPY" ]; then

	skip "the paper's comparisons" "no python3 with numpy"
	finish
	exit
fi

export KNEE_X=32 KNEE_Y=32 KNEE_TRAIN="ellipses:2" KNEE_VALID=ellipses:1 KNEE_TEST="ellipses:2" KNEE_C=10 KNEE_SCANS=1
export BRAIN_X=32 BRAIN_Y=32 BRAIN_TRAIN="ellipses:2" BRAIN_VALID=ellipses:1 BRAIN_TEST="ellipses:2" BRAIN_C=6 BRAIN_SCANS=1
export CINE_X=24 CINE_FRAMES=5 CINE_TRAIN=2 CINE_VALID=1 CINE_TEST=1 CINE_C=4 CINE_K=12
export PGD_R="4" MODL_R="4 6" BRAIN_R=3 CINE_R=3
export PGD_N=2 MODL_N=2 BRAIN_N=2 BRAIN_DEEP_N=6 CINE_PGD_N=1 CINE_PGD_DEEP_N=3 CINE_MODL_N=2 MODL_CHECKPOINTS=1 CINE_MODL_CHECKPOINTS=1
export PGD_FEATURES=4 MODL_FEATURES=4 BRAIN_FEATURES=4 CINE_PGD_FEATURES=4 CINE_MODL_FEATURES=4
export PGD_ITER=3 MODL_ITER=3 BRAIN_ITER=3 CINE_PGD_ITER=3 CINE_MODL_ITER=3 VALID_EVERY=2
export MEMORY_X=32 MEMORY_Y=32 MEMORY_PGD_FEATURES=4 MEMORY_MODL_FEATURES=4 CS_ITER=3 CS_CINE_ITER=3 TIME_ITER=1 TIME_ROUNDS=1 MEMORY_N="1 4" TOLS="0.5 0.01"

paper() { DOC=${DOC:-$TMP/doc} "$S/paper.sh" "$@"; }

# ---- what there is not

expect_error "an unknown scale" "scale is 'middle', expected small or full" paper middle out
expect_error "an unknown part" "no part 'table6', expected" paper small nothing table6
expect_error "... before any other is begun" "no part 'tabel1'" paper small nothing data tabel1
expect_error "an unknown training" "no training 'modl-r4-sgd', expected one of: cs modl-r4-end-to-end" paper small nothing table2:modl-r4-sgd
expect_error "a training of another table" "table1 has no training" paper small nothing table1:modl-r4-mel
expect_error "an unknown precision" "GPU is 'fp8'" env GPU=fp8 "$S/paper.sh" small nothing
expect_error "a setting that is no number" "TIME_ROUNDS is 'x'" env TIME_ROUNDS=x "$S/paper.sh" small nothing
expect_error "a learning rate that is no number" "LR is 'x', expected a number" env LR=x "$S/paper.sh" small nothing list
expect_error "... of one kind of network" "MODL_LR is '1-'" env MODL_LR=1- "$S/paper.sh" small nothing list
expect_error "no iterations" "PGD_ITER is 0, expected 1 or more" env PGD_ITER=0 "$S/paper.sh" small nothing list
expect_error "an acceleration that is no number" "MODL_R is 'x'" env MODL_R="4 x" "$S/paper.sh" small nothing list
expect_error "... or twice" "expected each acceleration once" env PGD_R="4 4" "$S/paper.sh" small nothing list
expect_error "a tolerance of nothing" "TOLS is 0.0" env TOLS="0.0" "$S/paper.sh" small nothing list
expect_error "an unknown table to be timed" "TIME_TABLES is 'table9'" env TIME_TABLES=table9 "$S/paper.sh" small nothing list
expect_error "a folder without a name" "has no name" "$S/paper.sh" small "" data
expect_error "a wrong training with other settings" "no training" env LR=5 "$S/paper.sh" small nothing table2:modl-r4-sgd
check "... which the folder does not keep" eval 'paper small nothing doc && ! grep -q "LR=5" nothing/settings'
expect_error "data of one's own that are not there" "nowhere/r4/train.*which KNEE asks" env KNEE=nowhere "$S/paper.sh" small nowhere-out table2:modl-r4-mel

make_refuses() { local said; said=$(make -C "$ROOT" paper SCALE=middle 2>&1) && return 1; echo "$said"; echo "$said" | grep -q "SCALE is 'middle', expected small or full"; }
check "make paper: an unknown scale" make_refuses

listed() { [ "$(paper small nothing list | sort -u | wc -l)" = $((2 + 8 + 2 + 2 + 4)) ]; }
check "list: every training of every table" listed

# ---- the full scale, from nothing: one acceleration, an image that is no square, two scans

full()
{
	(
		export KNEE_X=36 KNEE_SCANS=2 KNEE_TEST=ellipses:1 PGD_R=4 MODL_R=4 MODL_MU=1 MEMORY_X=36 DOC=$TMP/full-doc
		paper full full
	)
}

full_as_paper()
{
	[ "$(sed -n 2p full/data/knee/r4/train/ksp.hdr | xargs)" = "36 32 1 8 1 1 1 1 1 1 1 1 1 4 1 1" ] || return
	grep -q "weight-decay 1e-4 -b 2, 3 iterations, learning rate 1e-4 to 1e-4" full/nets/brain-r3-greedy/settings || return
	[ "$(cat full-doc/table?.csv | grep -c '^[0-9]')" = $((3 + 5 + 3 + 3 + 5)) ] && grep -q "in full size" full-doc/README.md
}

# READ is fully sampled, other lines in each slice
random_lines() { bart extract 0 0 1 full/data/brain/r3/train/pat first && bart repmat 0 32 first all && same_bits all full/data/brain/r3/train/pat; }

check "everything, full" full
check "... its data, settings and tables" full_as_paper
check "... lines are sampled along READ" random_lines
expect_error "... other phantoms are refused" "other settings" env KNEE_X=36 KNEE_SCANS=2 KNEE_TRAIN=tubes:2 PGD_R=4 MODL_R=4 "$S/paper.sh" full full data

# ---- the small scale, on images of one's own and what was made above

own()
{
	local set=$1 R=$2 n=$3 seed=$4

	make_data made "$n" 32 32 4 "$seed" 2> /dev/null
	mkdir -p "own/r$R/$set"
	bart repmat 13 "$n" made-map "own/r$R/$set/maps"
	for f in ksp pat ref; do for e in cfl hdr; do mv "made-$f.$e" "own/r$R/$set/$f.$e"; done; done
}

for R in 4 6; do own train $R 2 1; own valid $R 1 11; own test $R 2 $((20 + R)); done
export KNEE=$TMP/own BRAIN=$TMP/full/data/brain CINE=$TMP/full/data/cine

check "everything, small" paper small out

# numpy on stdin, with the folder; asserts
numbers() { "$NUMPY" - "$@"; }

all_rows()
{
	numbers doc <<-PYTHON
	import csv, math, sys
	read = lambda name: list(csv.DictReader(open(sys.argv[1] + "/" + name)))
	methods = {1: ["end-to-end", "greedy", "cs"], 2: ["end-to-end", "checkpoint", "mel", "greedy", "cs"]}
	for i, R, kind in ((1, [4], 1), (2, [4, 6], 2), (3, [3], 1), (4, [3], 1), (5, [3], 2)):
	    t = read("table%d.csv" % i)
	    assert [(float(r["R"]), r["method"]) for r in t] == [(x, m) for x in R for m in methods[kind]], t
	    for r in t:
	        need = ["psnr", "psnr_sd", "ssim", "nrmse"] + ([] if r["method"] == "cs" else ["memory_mib", "activations_mib", "seconds", "parameters"])
	        assert all(math.isfinite(float(r[k])) for k in need), r
	        assert r["paper_psnr"] or "converge" in r["paper_remark"], r
	    assert float(t[0]["paper_psnr"]) > 30
	t = read("time.csv")
	assert len(t) == 2 + 5 + 2 + 2 + 4, len(t)
	assert all(float(r["forward [s]"]) + float(r["backward [s]"]) < 1.2 * float(r["s/iteration"]) for r in t), t
	t = read("memory.csv")
	assert len(t) == 2 * 7 and all(float(r["measured_mib"]) > 0 for r in t), t
	assert [[r["stage"] for r in read("stages.csv")], len(read("tol.csv"))] == [["0", "1", "2"], 2]
	PYTHON
}

check "every table has all rows, with finite numbers and the paper's" all_rows

# what is in the table is what the stages of gleam-infer say
psnr_again()
{
	local d=own/r6/test
	bart gleam-infer -r $d/ref --pattern $d/pat out/nets/modl-r6-greedy/weights $d/ksp $d/maps again > said 2> /dev/null || return
	local a b
	a=$(awk '$1 == 2 { print $2 }' said)
	b=$(awk -F, '$1 == 6 && $2 == "greedy" { printf "%.2f", $4 }' doc/table2.csv)
	echo "$a, in the table $b"
	[ -n "$a" ] && [ "$a" = "$b" ]
}

check "PSNR of the table is that of gleam-infer" psnr_again

same_trainers()
{
	"$NUMPY" - <<-PYTHON
	import csv
	t = {r["method"]: float(r["psnr"]) for r in csv.DictReader(open("doc/table2.csv")) if float(r["R"]) == 4}
	assert t["checkpoint"] == t["end-to-end"] and abs(t["mel"] - t["end-to-end"]) < 1e-3, t
	PYTHON
}

check "checkpointing gives what end-to-end gives, MEL nearly" same_trainers

page() { for w in "Table I:" "Table V:" "Figure 7" "Figure 8" "Figure 9" "reached" "40.03" "MODL_ITER=3" "processor:"; do grep -q -- "$w" doc/README.md || { echo "no $w"; return 1; }; done; }
check "the page" page

if "$NUMPY" -c 'import matplotlib' 2> /dev/null; then

	pictures() { for p in memory time stages images; do [ -s doc/$p.png ] && grep -aq PNG doc/$p.png || return 1; done; }
	check "the pictures" pictures
else
	skip "the pictures" "no matplotlib for $NUMPY"
fi

# ---- again

touch stamp
nothing_new() { paper small out && [ -z "$(find out -newer stamp \( -name '*.cfl' -o -name 'log*' -o -name 'metrics.csv' \))" ]; }
check "called again: what is there is skipped" nothing_new

rm -rf out/nets/pgd-r4-greedy out/time/round1
only_that() { touch stamp; paper small out table1 time && [ "$(find out -newer stamp -name 'weights.cfl')" = out/nets/pgd-r4-greedy/weights.cfl ] && [ -d out/time/round1 ]; }
check "... and what is missing is made" only_that

expect_error "another number of iterations" "other settings: expected 'MODL_ITER=4', found 'MODL_ITER=3'" env MODL_ITER=4 "$S/paper.sh" small out table2
expect_error "another mu" "other settings: expected 'MODL_MU=2'" env MODL_MU=2 "$S/paper.sh" small out table2:modl-r4-mel
expect_error "other data" "other settings: expected 'KNEE='" env KNEE= "$S/paper.sh" small out table2:modl-r4-mel
expect_error "other rounds of time" "other settings" env TIME_ITER=2 "$S/paper.sh" small out time
expect_error "another test set" "other settings: expected 'KNEE_TEST=tubes:3'" env KNEE_TEST=tubes:3 "$S/paper.sh" small out table1
expect_error "other settings for the page alone" "other settings: expected 'LR=0.5'" env LR=0.5 "$S/paper.sh" small out doc
expect_error "a folder with a space" "cannot work in folders with a space" "$S/paper.sh" small "o ut" data
expect_error "another size for memory" "other settings" env MEMORY_X=40 "$S/paper.sh" small out memory

# ---- yes and no are computed

goal() { awk -F, -v w="$1" 'index($0, w) { print $NF }' doc/goals.csv | tr -d '\r'; }
quality() { printf 'stage,slice,psnr,ssim,nrmse\n0,0,10,0.5,0.5\n1,0,%s,0.5,0.5\n2,0,%s,0.5,0.5\n' "$1" "$2" > out/nets/modl-r6-greedy/metrics.csv; paper small out doc; }

judged()
{
	cp out/nets/modl-r6-greedy/metrics.csv kept.csv
	local ahead="GLEAM over CS's, table II, R = 6" behind="GLEAM over end-to-end's, table II, R = 6" fall="stages of GLEAM, table II, R = 6"

	quality 50 60 && [ "$(goal "$ahead") $(goal "$behind") $(goal "$fall")" = "yes yes yes" ] || return
	quality 5.04 5 && [ "$(goal "$ahead") $(goal "$behind") $(goal "$fall")" = "no no yes" ] || return
	quality 60 59.9 && [ "$(goal "$ahead") $(goal "$behind") $(goal "$fall")" = "yes yes no" ] || return
	rm out/nets/modl-r6-greedy/metrics.csv && paper small out doc && [ "$(goal "$ahead")" = "not measured" ] || return
	mv kept.csv out/nets/modl-r6-greedy/metrics.csv
}

check "what is reached is computed from the results" judged

slower() { sed -i '4,$s/^\([^,]*\),.*/\1,0,0,0,,,,1000,1,1,1/' out/time/round1/modl-r4-greedy.csv; paper small out doc; [ "$(goal "time of GLEAM to end-to-end's, MoDL") $(goal "time of MEL to GLEAM's")" = "no no" ]; }
check "... of the seconds, too" slower

minutes()
{
	cp out/times.csv kept.csv
	echo "train,5401" >> out/times.csv && paper small out doc && [ "$(goal "all parts")" = no ] || return
	printf 'part,seconds\ntrain,5399\n' > out/times.csv && paper small out doc && [ "$(goal "all parts")" = yes ] || return
	mv kept.csv out/times.csv
}

check "... of the minutes" minutes

# tolerances <stages and PSNR of 0.1 on the validation set, on the test set>, of 2 stages with 20 dB
tolerances() { printf 'tol,valid_stages,valid_psnr,stages,psnr\n0,2,20,2,20\n0.1,%s,%s\n' "$1" "$2" > out/stages/tol.csv; paper small out doc; goal "tol picks fewer"; }

chosen()
{
	cp out/stages/tol.csv kept.csv
	local good bad few worse
	good=$(tolerances 1.5,19.91 1.4,19.91) bad=$(tolerances 1.5,19.89 1.5,20) few=$(tolerances 1.6,20 1.6,20) worse=$(tolerances 1.5,20 1.5,19.8)
	mv kept.csv out/stages/tol.csv
	echo "$good $bad $few $worse"
	[ "$good $bad $few $worse" = "yes no no no" ]
}

check "... of what --tol, chosen on the validation set, saves and loses" chosen

# ---- pieces

pieces()
{
	local d=pieces/nets/modl-r4-greedy n

	export MODL_ITER=30 PIECE=0.02
	paper small pieces table2:modl-r4-greedy 2> said || return
	grep -q "of 30 iterations are left" said && [ ! -f $d/weights.hdr ] || return
	first=$(bart show -m $d/piece1-last > /dev/null && sed -n 's/^iteration //p' $d/piece1-last.hdr)

	# one that ended before it had written anything
	head -n 2 $d/log1.csv > $d/log2.csv

	for n in $(seq 30); do

		[ ! -f $d/weights.hdr ] || break
		paper small pieces table2:modl-r4-greedy 2>> said || return
	done

	grep -q "$first of 30 iterations made" said || return
	[ 2 -lt "$n" ] && [ -f $d/weights.hdr ] || return

	# the logs of all pieces, without that of the one that was nothing
	n=$(for l in $d/log*.csv; do [ $l = $d/log2.csv ] || sed 1d $l; done | wc -l)
	echo "$n iterations"
	[ 30 = "$n" ] || return

	# the best that any piece had
	local best
	best=$(for l in $d/log*.csv; do column $l valid_nrmse; done | grep . | sort -g | head -n 1)
	awk "BEGIN { exit !(($best - $(sed -n 's/^valid-nrmse //p' $d/weights.hdr)) ^ 2 < 1e-10) }"
}

check "a training in pieces" pieces
unset PIECE
export MODL_ITER=3

# ---- stopped

runs() { grep -qs "[s]topped/nets/modl" /proc/[0-9]*/cmdline; }
waits() { for _ in $(seq 300); do "$@" && return; sleep 0.1; done; return 1; }
not() { ! "$@"; }

# whatever happens, no training of a million iterations is left
stopped_script()
{
	MODL_ITER=1000000 JOBS=1 "$S/paper.sh" small stopped table2 2> said &
	local script=$!
	trap "kill $script 2> /dev/null" EXIT

	waits test -s stopped/nets/modl-r4-end-to-end/log1.csv && runs || return

	MODL_ITER=1000000 "$S/paper.sh" small stopped table2:modl-r4-end-to-end > second 2>&1 && return 1
	grep -q "is being trained by another process (which holds stopped/nets/modl-r4-end-to-end/lock)" second || return

	kill -TERM $script
	wait $script
	[ 143 = $? ] && waits not runs && grep -q "^table2,[0-9]" stopped/times.csv || return

	# the lock is free again, and what was written is there to go on from
	PIECE=0.01 MODL_ITER=1000000 paper small stopped table2:modl-r4-end-to-end || return

	# a single training, too
	MODL_ITER=1000000 "$S/paper.sh" small stopped table2:modl-r4-greedy 2> said &
	script=$!
	trap "kill $script 2> /dev/null" EXIT
	waits test -s stopped/nets/modl-r4-greedy/log1.csv && runs || return

	kill -TERM $script
	wait $script
	[ 143 = $? ] && waits not runs
}

check "a script that is stopped: its trainings end, none is made twice, its seconds count" stopped_script

# ---- MEL that does not hold

stopped()
{
	export MODL_OPTIONS="--cg-iter 1 --max-inversion-error 1e-9" MODL_R="6 4"
	paper small mel table2:modl-r4-mel || return
	[ ! -f mel/nets/modl-r4-mel/weights.hdr ] && grep -q "stopped at iteration 1: error of the inversion" mel/nets/modl-r4-mel/stopped || return
	"$S/paper.sh" small mel doc || return
	grep -q "| MEL | stopped at iteration 1: error" mel/doc/README.md && grep -q "not measured" mel/doc/goals.csv || return

	# accelerations in any order: the paper's belong to the same ones, the pictures to the highest
	diff <(cut -d, -f 1 doc/table2.csv) <(cut -d, -f 1 mel/doc/table2.csv) && [ "$(sed 's/.*-r\([0-9]*\)-.*/\1/' mel/stage-nets | sort -u)" = 6 ]
}

check "MEL that is stopped is said to be, without numbers" stopped

finish
