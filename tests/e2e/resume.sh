#!/bin/bash
# A run that is stopped anywhere and resumed ends with the bits of one that was not: weights,
# state and losses; and what may change in between.
source "$(dirname "$0")/../lib.sh"
source "$ROOT/tests/series.sh"

export OMP_NUM_THREADS=1

make_data t 6 40 36 3 1
make_data v 2 40 36 3 9
make_cine c 3 32 28 4 3 1 1

valid="--valid-data k=v-ksp,c=v-map,r=v-ref,p=v-pat"
small="--iterations 4 --features 4 -b 2 --lr 1e-3 --valid-every 4 --pattern t-pat"
data="t-ksp t-map t-ref"

# losses and validations: all of a log but times and memory
losses() { cut -d , -f "1-$(head -n 1 "$1" | tr , '\n' | grep -n valid_ssim | cut -d : -f 1)" "$1"; }

same_run()
{
	local f

	for f in "$1" "$1-last"; do

		[ ! -e "$f.cfl" ] || cmp "$f.cfl" "${f/$1/$2}.cfl" || return 1
	done

	cmp "$1.state" "$2.state" && cmp <(losses "$1.csv") <(losses "$2.csv")
}

# in_pieces <total> "<stops>" <option ...>: at the end as in one piece
in_pieces()
{
	local total=$1 stops=$2 n
	shift 2

	rm -f whole* part*

	bart gleam $small "$@" -n "$total" --log whole.csv whole $data > whole.out 2> /dev/null || return 1

	for n in $stops $total; do

		bart gleam $small "$@" -n "$n" --log part.csv --resume part $data > part.out 2> part.err || { cat part.err; return 1; }
	done

	same_run whole part && cmp whole.out part.out
}

check "PGD in pieces" in_pieces 13 "3 4 9" $valid
check "... without validation" in_pieces 9 "3 5"
check "... whose iterations are two a module, clipped" in_pieces 9 "5" $valid -M 2 --clip-norm 0.01
check "... with its step sizes, one sample at a time" in_pieces 9 "2 7" $valid --learn-dc --micro-batch 1
check "... two samples at a time" in_pieces 9 "5" $valid --micro-batch 2
check "... in the order of the file" in_pieces 8 "3" --no-shuffle
check "MoDL in pieces" in_pieces 9 "2 6" $valid --modl --learn-dc

bart gleam $small --modl --mu 0.3 -n 2 start $data 2> /dev/null
check "... from other weights, which bring their mu" in_pieces 9 "5" $valid --modl --load start

# weights that training replaces are others when it goes on
own()
{
	for w in a b; do for f in cfl hdr; do cp start.$f "own$w.$f"; cp start.$f "own$w-last.$f"; done; done

	bart gleam $small $valid --modl --load owna$1 -n 9 owna $data > /dev/null 2>&1
	bart gleam $small $valid --modl --load ownb$1 -n 5 ownb $data > /dev/null 2>&1
	bart gleam $small $valid --modl --load ownb$1 -n 9 --resume ownb $data > said 2>&1 || { cat said; return 1; }

	cmp owna.cfl ownb.cfl && cmp owna-last.cfl ownb-last.cfl
}

check "... from those that training replaces" own ""
check "... also the last ones" own -last

for trainer in end-to-end checkpoint "mel --checkpoints 2"; do

	check "--trainer $trainer in pieces" in_pieces 9 "5" $valid --modl --trainer $trainer
done

small_before=$small data_before=$data
small="--iterations 2 --features 4 -b 1 --lr 1e-3 --valid-every 2 --pattern c-pat" data="c-ksp c-map c-ref"
check "series in pieces" in_pieces 5 "2 3"
small=$small_before data=$data_before

# -- patience, which is part of the state

patience() { bart gleam $small $valid --valid-every 1 --lr 3e-2 --patience 4 -n "$1" --log "$2.csv" ${3:-} "$2" $data > /dev/null 2>&1; }

patience 60 whole; patience 2 part; patience 5 part --resume; patience 60 part --resume
check "patience goes on counting" same_run whole part
check "... and is over before the end" [ "$(last_of whole.csv iteration)" -lt 60 ]

# -- signals

long="-n 400 --lr-end 1e-5"

background() { "$BART" gleam $small $valid $long --log part.csv --resume part $data > part.out 2> part.err & }

rm -f part*
bart gleam $small $valid $long --log whole.csv whole $data > whole.out 2> /dev/null

# by_signal <signal> <lines> <status>
by_signal()
{
	background
	until_lines part.csv "$2" && kill -s "$1" $! && wait $!
	local status=$?

	[ "$3" -eq $status ] || { echo "status $status"; cat part.err; return 1; }
}

# in an interactive shell, as here, processes in the background listen to SIGINT
set -m

check "SIGHUP, of a terminal that is closed, ends training with 129" by_signal HUP 10 129
check "SIGTERM ends training with 143" by_signal TERM 20 143
check "... and says what is kept" grep -q "stopped by a signal after iteration .*part.state holds the state of iteration .*--resume" part.err
# a shell that was started with it ignored cannot give it back to what it starts
ignored=$(trap -p INT)

if [ -z "$ignored" ]; then

	check "SIGINT ends training with 130" by_signal INT 60 130
else
	skip "SIGINT ends training with 130" "SIGINT is ignored where this was started (nohup, or in the background)"
fi

usr1()
{
	background
	local pid=$!

	until_lines part.csv 90 || return 1
	rm part.state
	kill -s USR1 $pid
	for i in $(seq 100); do [ -e part.state ] && break; sleep 0.02; done
	[ -e part.state ] && kill -0 $pid && kill -s TERM $pid
	wait $pid
	[ 143 -eq $? ]
}

small="$small --valid-every 1000"
rm -f part*
bart gleam $small $valid $long --log whole.csv whole $data > whole.out 2> /dev/null
check "SIGUSR1 saves and goes on" usr1

twice()
{
	background
	local pid=$!

	until_lines part.csv 120 || return 1
	kill -s STOP $pid
	kill -s INT $pid
	kill -s CONT $pid
	sleep 0.01
	kill -s INT $pid
	wait $pid
	local status=$?

	# by the signal, or with its number
	[ 130 -eq $status ]
}

if [ -z "$ignored" ]; then

	check "a second SIGINT ends at once" twice
else
	skip "a second SIGINT ends at once" "SIGINT is ignored here"
fi

bart gleam $small $valid $long --log part.csv --resume part $data > part.out 2> /dev/null
check "after all these the run is the one that nothing stopped" same_run whole part
check "... and its table, too" cmp whole.out part.out

# nearly all of whose time is validation
broken_off()
{
	local pid

	"$BART" gleam $small $many --valid-every 1 -n 3 --log part.csv part $data > part.out 2> part.err &
	pid=$!
	until_lines part.csv 2 || return 1
	sleep 0.3
	kill -s TERM $pid
	wait $pid
	[ 143 -eq $? ] && tail -n 1 part.csv | grep -q ",,,"
}

validation() { paste -d , <(column "$1" iteration) <(column "$1" valid_nrmse) <(column "$1" valid_psnr) <(column "$1" valid_ssim); }

small=$small_before
many="--valid-data k=many-ksp,c=v-map,r=many-ref,p=many-pat"
for f in ksp ref pat; do bart repmat 14 150 v-$f many-$f; done
rm -f part* whole*
bart gleam $small $many --valid-every 1 -n 3 --log whole.csv whole $data > whole.out 2> /dev/null
check "a validation is broken off by a signal" broken_off
check "... and done again, as if nothing had been" eval 'bart gleam $small $many --valid-every 1 -n 3 --log part.csv --resume part $data > part.out 2> /dev/null; same_run whole part && cmp whole.out part.out'
check "... in the log, too" eval '[ 3 -eq "$(column whole.csv valid_nrmse | grep -c 0)" ] && cmp <(validation whole.csv) <(validation part.csv)'
rm -f many-*

# -- two at once

second()
{
	local pid other status

	"$BART" gleam $small $valid -n 100000 --log part.csv part $data > /dev/null 2> part.err &
	pid=$!
	until_lines part.csv 4 || return 1
	bart gleam $small $valid -n 2 part $data > /dev/null 2> other
	status=$?
	kill -s TERM $pid
	wait $pid
	[ 143 -eq $? ] && [ 1 -eq $status ] && grep -q "part.lock: another process holds it.*another name" other && [ ! -e part.lock ]
}

rm -f part*
check "a second training of the same weights is refused, the first goes on" second

# the last weights of one are those that the other trains
last()
{
	local pid status

	"$BART" gleam $small $valid -n 100000 --log part.csv part $data > /dev/null 2> part.err &
	pid=$!
	until_lines part.csv 4 || return 1
	bart gleam $small $valid -n 2 part-last $data > /dev/null 2> other
	status=$?
	kill -s TERM $pid
	wait $pid
	[ 1 -eq $status ] && grep -q "part-last.lock: another process holds it" other && [ ! -e part-last.lock ]
}

rm -f part*
check "... and one of its last weights" last

# -- a signal to save while there is nothing to save yet, and nothing any more

early()
{
	local pid

	rm -f part*
	"$BART" gleam $small $many --valid-every 100 -n 4 part $data > part.out 2> part.err &
	pid=$!

	# until it listens (bit 9 of the signals that are caught)
	until [ $((0x$(awk '/^SigCgt/ { print $2 }' /proc/$pid/status) & 512)) -ne 0 ]; do sleep 0.01; done

	while kill -s USR1 $pid 2> /dev/null; do sleep 0.02; done
	wait $pid
}

for f in ksp ref pat; do bart repmat 14 150 v-$f many-$f; done
check "SIGUSR1 before, during and after training: it ends as ever" eval 'early && grep -q "^4 " part.out && [ -e part-last.cfl ]'
rm -f many-*

# -- what may change

rm -f part*
cp t-ksp.cfl moved.cfl; cp t-ksp.hdr moved.hdr
bart gleam $small $valid -n 9 --log whole.csv whole $data > /dev/null 2>&1
bart gleam $small $valid -n 4 --log part.csv part $data > /dev/null 2>&1
OMP_NUM_THREADS=2 bart gleam $small $valid -e 3 --patience 50 --max-time 1000 --save-every 1 --skip-nonfinite 2 --log other.csv --resume part moved t-map t-ref > /dev/null 2>&1
check "limits, --save-every, names and threads may change" eval 'cmp whole.cfl part.cfl && cmp whole.state part.state'
check "... also that of the log, which has the rest" [ "5" = "$(column other.csv iteration | head -n 1)" ]

check "without a state training begins anew" eval 'bart gleam $small $valid -n 9 --resume anew $data 2> said > /dev/null; grep -q "anew.state: there is no state to resume from" said && cmp anew.cfl whole.cfl'
begun() { bart gleam $small $valid --load begin --log "$2.csv" -n "$1" "${@:3}" "$2" $data > /dev/null 2> said; }
gone() { bart gleam $small -n 2 begin $data 2> /dev/null && begun 9 b1 && begun 4 b2 && mv begin.cfl b.cfl && rm begin.hdr && begun 9 b2 --resume || { cat said; return 1; }; cmp b1.cfl b2.cfl && cmp b1.state b2.state; }
check "weights to start from are not needed any more" gone

check "what has ended ends again" eval 'cp part.cfl before.cfl; bart gleam $small $valid -n 9 --resume part $data > said 2>&1 && cmp before.cfl part.cfl && grep -q "^4 " said'
check "weights that were lost come back from the state" eval 'rm part.cfl part.hdr part-last.*; bart gleam $small $valid -n 9 --resume part $data > /dev/null 2>&1 && cmp before.cfl part.cfl && [ -e part-last.cfl ]'

# a log that is longer than the state, with half a line at its end, and a new one
cp whole.state cut.state; cp whole.csv cut.csv; printf '10,0.1,0.1\n11,0.' >> cut.csv
check "the log goes on after the state's iteration" eval 'bart gleam $small $valid -n 10 --log cut.csv --resume cut $data > /dev/null 2>&1; [ "$(column cut.csv iteration | tr "\n" " ")" = "1 2 3 4 5 6 7 8 9 10 " ] && grep -q "^10,.*,0\." cut.csv'

# another one's loss is another in its second digit
awk -F, -v OFS=, 'NR == 10 { $2 = $2 * 1.1 } { print }' whole.csv > another.csv; cp another.csv kept.csv; cp whole.state another.state
check "the log of another run is not gone on with" eval '! bart gleam $small $valid -n 10 --log another.csv --resume another $data > said 2>&1 && grep -q "another.csv: found the log of another run: its line of iteration 9 .*Give the name" said && cmp another.csv kept.csv'

shared_log()
{
	"$BART" gleam $small -n 100000 --log shared.csv first $data > /dev/null 2>&1 &
	local pid=$! status=0

	until_lines shared.csv 20 && ! bart gleam $small -n 2 --log shared.csv second $data > said 2>&1 || status=1
	kill $pid; wait $pid

	[ 0 -eq $status ] && grep -q "shared.csv: another training writes this log. Give another name" said && [ "$(column shared.csv iteration | wc -l)" -ge 19 ] && [ ! -e second.cfl ]
}

check "two trainings do not write the same log" shared_log
check "... the second one may when the first has ended" eval 'bart gleam $small -n 2 --log shared.csv second $data > /dev/null 2>&1 && [ "$(column shared.csv iteration | wc -l)" -eq 2 ]'

cp whole.state shorter.state; head -n 6 whole.csv > shorter.csv
check "a log that ends before the state is gone on with, and told" eval 'bart gleam $small $valid -n 10 --log shorter.csv --resume shorter $data > said 2>&1; grep -q "WARN: shorter.csv: found no line of iteration 9" said && [ "$(column shorter.csv iteration | tr "\n" " ")" = "1 2 3 4 5 10 " ]'

together()
{
	local i a b status

	for i in $(seq 10); do

		"$BART" gleam $small -n 100000 --log both.csv "together1" $data > /dev/null 2> one.err & a=$!
		"$BART" gleam $small -n 100000 --log both.csv "together2" $data > /dev/null 2> two.err & b=$!

		# the one that is refused ends
		wait -n $a $b
		status=$?
		kill $a $b 2> /dev/null
		wait $a $b

		[ 1 -eq $status ] && [ 1 -eq "$(cat one.err two.err | grep -c "both.csv: another training writes this log")" ] || { echo "pass $i: status $status"; cat one.err two.err; return 1; }
		[ "$(column both.csv iteration)" = "$(seq "$(last_of both.csv iteration)")" ] || { echo "pass $i: lines are missing"; return 1; }
	done
}

check "... also of two that start at once" together

# its reader takes one line
unread()
{
	rm -f pipe; mkfifo pipe
	head -n 1 pipe > /dev/null &
	bart gleam $small -n 2000 --log pipe piped $data > said 2>&1
	[ 1 -eq $? ] && grep -q "pipe: cannot write the log: Broken pipe. piped.state holds the state of iteration [0-9]*, from which --resume goes on" said && [ -e piped.state ] && [ ! -e piped.lock ]
}

check "a log into a pipe that nobody reads any more: the state is saved first" unread
check "... progress into one harms nothing" eval '{ "$BART" gleam $small -n 200 piped $data 2>&1 > /dev/null; echo $? > status; } | head -n 1 > /dev/null; [ 0 -eq "$(cat status)" ]'

# -- what may not

changed() { expect_error "$1 is told" "part.state: was saved with another $2: found .*, expected .*only --max-iter.*--load" bart gleam $small $valid -n 20 --resume "${@:3}"; }

cp part.state kept.state

bart scale 1.0001 t-ksp scaled; bart scale 1.0001 v-ref scaledref
bart extract 13 0 5 t-ksp fewer; bart extract 13 0 5 t-ref fewerref; bart extract 13 0 5 t-pat fewerpat
bart join 4 t-map t-map twomaps; bart scale 0.7 twomaps twomaps

changed "another k-space" "training k-space" part scaled t-map t-ref
changed "another number of samples" "training k-space" --pattern fewerpat part fewer t-map fewerref
changed "another number of maps" "training sensitivities" --valid-data k=v-ksp,c=twomaps,r=v-ref,p=v-pat part t-ksp twomaps t-ref
changed "other validation data" "validation reference" --valid-data k=v-ksp,c=v-map,r=scaledref,p=v-pat part $data
changed "another network" "network features" --features 5 part $data
changed "another number of iterations" "network iterations" --iterations 2 part $data
changed "another number of modules" "network modules" -M 2 part $data
changed "another type of network" "network network" --modl part $data
changed "another step size" "network step-size" --step-size 0.3 part $data

for o in "lr 1e-4" "lr-end 1e-5" "batch-size 3" "micro-batch 2" "seed 3" "weight-decay 0" "clip-norm 1" "valid-every 5" "no-shuffle" "backend ref" "trainer checkpoint"; do

	changed "--$o" "--${o%% *}" --$o part $data
done

changed "--adam" "--adam" --adam beta1=0.8 part $data
check "the state is left as it was" cmp part.state kept.state

finish
