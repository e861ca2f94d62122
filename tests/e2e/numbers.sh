#!/bin/bash
# Numbers that are not finite, gradients that are too large, and data that change under a run:
# what is named, what is left out, what is kept.
source "$(dirname "$0")/../lib.sh"

export OMP_NUM_THREADS=1

make_data t 6 40 36 3 1
make_data v 2 40 36 3 9

small="--iterations 3 --features 4 -b 2 --pattern t-pat"
data="t-ksp t-map t-ref"

# -- a network that diverges

expect_error "a loss that is not finite names module, iteration and sample" \
	"the loss of module 1 for sample 2 is not finite at iteration 2: training stops.*No state has been saved yet.*smaller --lr, --clip-norm, --skip-nonfinite" \
	bart gleam $small --no-shuffle --lr 1e30 -n 4 --valid-every 100 w $data
expect_error "... of two samples at a time both" "the loss of module 1 for one of the samples 2, 3 is not finite" \
	bart gleam $small --no-shuffle --lr 1e30 -n 4 --micro-batch 2 --valid-every 100 w $data

# -- a disk that returns something else: a sample of NaN, while nobody notices

# spoil <file> <elements of a sample>: the fourth one
spoil()
{
	cp -p "$1.cfl" stamp
	yes "$(printf '\377\377\377')" | tr '\n' '\377' | head -c $(($2 * 8)) | dd of="$1.cfl" bs=$(($2 * 8)) seek=3 conv=notrunc 2> /dev/null
	touch -r stamp "$1.cfl"
}

# spoiled <ksp or ref> <elements> <option ...>: status in $status, what was said in said
spoiled()
{
	local pid file=bad-$1 size=$2
	shift 2

	for f in ksp ref; do cp t-$f.cfl bad-$f.cfl; cp t-$f.hdr bad-$f.hdr; done
	rm -f s.csv
	"$BART" gleam $small -n 3000 --valid-every 2 --log s.csv "$@" s bad-ksp t-map bad-ref 2> said > /dev/null &
	pid=$!
	until_lines s.csv 10 || return 1
	kill -s STOP $pid
	spoil $file "$size"
	kill -s CONT $pid
	wait $pid
	status=$?
}

spoiled ksp 4320
check "a sample of k-space that is not finite any more is named" eval '[ 1 -eq $status ] && grep -q "bad-ksp: found numbers that are not finite in the image of sample 3" said'

spoiled ref 1440
check "a reference that is not finite any more ends training" [ 1 -eq $status ]
check "... by the loss of the first module" grep -q "the loss of module 1 for sample 3 is not finite at iteration .*s.state holds the state of iteration .*--resume" said
check "... the log has the iteration" eval 'tail -n 1 s.csv | grep -qE "^[0-9]+,-?nan,"'
check "... and state and weights are as they were before" eval 'bart gleam-infer --pattern v-pat s v-ksp v-map image && bart gleam $small -n 1 --valid-every 2 --resume s t-ksp t-map t-ref'

spoiled ref 1440 --skip-nonfinite 4
check "with --skip-nonfinite 4 the fifth one ends training" eval '[ 1 -eq $status ] && [ 4 -eq "$(grep -c "sample 3 is not finite at iteration .* the update is left out (. of 4)" said)" ] && grep -q "training stops, after 4 iterations whose updates were left out" said'
check "... and the weights stay finite" bart gleam-infer --pattern v-pat s v-ksp v-map image

# -- clipping

clip() { bart gleam $small -n 1 --lr 1e-3 --weight-decay 0 "$@" $data 2> /dev/null; }

check "a gradient below --clip-norm is left alone" eval 'clip --clip-norm 1e6 far; clip none; same_bits far none'
check "... one above it is not" eval 'clip --clip-norm 1e-6 --adam epsilon=1e-3 near; ! same_bits near none'

# Adam's moments after one step are (1 - beta) times the gradient: their norm is the clipped one
check "the gradient has the norm of --clip-norm then" python3 "$ROOT/tests/e2e/gradient_norm.py" near.state 3 1e-6
check "... for several samples, end to end, too" eval 'clip --trainer end-to-end --clip-norm 1e-6 ete; python3 "$ROOT/tests/e2e/gradient_norm.py" ete.state 1 1e-6'

# -- data that change

# disturbed <command that changes bad-ksp>
disturbed()
{
	local pid

	rm -f bad-ksp.* s.csv s.state
	cp t-ksp.cfl bad-ksp.cfl; cp t-ksp.hdr bad-ksp.hdr
	"$BART" gleam $small -n 100000 --valid-every 10 --log s.csv s bad-ksp t-map t-ref 2> said > /dev/null &
	pid=$!
	until_lines s.csv 15 || return 1	# a state has been saved
	"$@"
	wait $pid
	[ 1 -eq $? ] || { cat said; return 1; }
}

other() { bart scale 1.1 t-ksp bad-ksp; }
replaced() { bart scale 1.1 t-ksp new-ksp; mv new-ksp.cfl bad-ksp.cfl; }
in_place() { head -c 1000 /dev/zero | tr '\0' '?' | dd of=bad-ksp.cfl conv=notrunc 2> /dev/null; }

check "a data file that vanishes is told" eval 'disturbed rm bad-ksp.cfl && grep -q "bad-ksp: is no longer there: training stops.*s.state holds the state" said'
check "... and its header" eval 'disturbed mv bad-ksp.hdr away.hdr && grep -q "bad-ksp: is no longer there" said'
check "a data file that is replaced is told" eval 'disturbed replaced && grep -q "bad-ksp: is another file now" said'
check "a data file that is written to is told" eval 'disturbed in_place && grep -q "bad-ksp: has other contents now" said'
check "a data file that is cut short is told" eval 'disturbed truncate -s 5000 bad-ksp.cfl && grep -qE "bad-ksp: (was cut short|is another file now, or of another size)" said'

# what was trained on other data is in no state: put back, it goes on to the bits of a run that nothing disturbed
restored()
{
	local n

	disturbed other || return 1
	cp t-ksp.cfl bad-ksp.cfl
	n=$(($(last_of s.csv iteration) + 3))

	bart gleam $small -n $n --valid-every 10 --log s.csv --resume s bad-ksp t-map t-ref > said 2>&1 || { cat said; return 1; }
	bart gleam $small -n $n --valid-every 10 --log u.csv u t-ksp t-map t-ref > said 2>&1 || { cat said; return 1; }

	cmp s.cfl u.cfl && cmp <(column s.csv loss) <(column u.csv loss)
}

check "one that is written to, put back and resumed: as if nothing had been" restored

# an .ra file is read as it is needed, too
cut_ra()
{
	local pid

	bart repmat 14 20 t-ksp cut.ra; bart repmat 14 20 t-ref cut-ref; bart repmat 14 20 t-pat cut-pat
	"$BART" gleam --iterations 2 --features 4 -b 2 --pattern cut-pat -n 100000 --valid-every 100000 --log c.csv c cut.ra t-map cut-ref 2> said > /dev/null &
	pid=$!
	until_lines c.csv 5 || return 1
	truncate -s 5000 cut.ra
	wait $pid
	[ 1 -eq $? ] && grep -qE "cut.ra: (was cut short|is another file now, or of another size)" said || { cat said; return 1; }
}

check "... of .ra, too" cut_ra

# gleam-infer, of so many samples that it takes seconds
interrupted()
{
	local pid

	bart repmat 14 200 t-ksp many-ksp; bart repmat 14 200 t-pat many-pat
	"$BART" gleam-infer --pattern many-pat none many-ksp t-map many 2> said &
	pid=$!
	sleep 0.1
	truncate -s 5000 many-ksp.cfl
	wait $pid
	[ 1 -eq $? ] || { cat said; return 1; }
}

bart zeros 2 4 4 many; cp many.cfl many-before.cfl
check "... also in reconstruction" eval 'interrupted && grep -q "many-ksp: was cut short" said'
check "... which leaves an earlier output as it was" cmp many.cfl many-before.cfl

touched()
{
	rm -f bad-ksp.* s.csv s.state
	cp t-ksp.cfl bad-ksp.cfl; cp t-ksp.hdr bad-ksp.hdr
	"$BART" gleam $small --max-time 3 --valid-every 10 --log s.csv s bad-ksp t-map t-ref 2> said > /dev/null &
	until_lines s.csv 10 && touch bad-ksp.cfl && wait $!
}

check "one that is only touched is the same" touched

finish
