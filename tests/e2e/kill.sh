#!/bin/bash
# Training that is killed at any instant, whose disk is full, or whose folder vanishes: the last
# good weights and state load, the next run sweeps up, and ends with the same bits.
#
#	KILLS=<number of random instants, 200>
source "$(dirname "$0")/../lib.sh"

export OMP_NUM_THREADS=1

make_data t 4 32 28 2 1
make_data v 1 32 28 2 9

options="--iterations 2 --features 4 -b 2 --lr 1e-3 --pattern t-pat --valid-data k=v-ksp,c=v-map,r=v-ref,p=v-pat --valid-every 2 --save-every 1"
data="t-ksp t-map t-ref"

gleam() { "$BART" gleam $options "$@" $data; }

# what is there loads: weights by the command that uses them, the state by resuming
loads()
{
	local w

	for w in w w-last; do

		[ ! -e $w.cfl ] || bart gleam-infer --pattern v-pat $w v-ksp v-map image > /dev/null 2> said || { cat said; return 1; }
	done

	# one that was killed before it saved anything: what is trained now would not be in its log
	[ -e w.state ] || return 0

	gleam -n 1 --resume w > /dev/null 2> said && return

	cat said
	return 1
}

# <file ...>: that were there before
there() { local f; for f in "$@"; do [ -e "$f" ] || { echo "$f is gone"; return 1; }; done; }

leftovers() { ls -- *.new 2> /dev/null; }

# <a> <b>
same_run() { cmp "$1.cfl" "$2.cfl" && cmp "$1-last.cfl" "$2-last.cfl" && cmp "$1.state" "$2.state"; }

# -- at random instants

# seconds after the start, up to which a run lives: beyond reading and checking
life() { awk -v r=$RANDOM 'BEGIN { print 0.02 + 0.28 * r / 32768 }'; }

RANDOM=1
kills=${KILLS:-200}
torn=0
bad=0
seen=

for i in $(seq "$kills"); do

	"$BART" gleam $options -n 100000 --log w.csv --resume w $data > /dev/null 2>&1 &
	pid=$!
	sleep "$(life)"
	kill -KILL $pid 2> /dev/null
	wait $pid 2> /dev/null

	[ -z "$(leftovers)" ] || torn=$((torn + 1))
	{ there $seen && loads; } > why || { bad=$((bad + 1)); cat why; }
	seen=$(ls w.cfl w.hdr w-last.cfl w-last.hdr w.state w.csv 2> /dev/null)
done

reached=$(last_of w.csv iteration)
total=$((reached + 4))

check "killed at $kills random instants, up to iteration $reached: weights and state load each time" [ 0 -eq $bad ]
check "... in the middle of writing a file in $torn of them" [ "$kills" -lt 100 -o 0 -lt $torn ]

gleam -n $total --log w.csv --resume w > /dev/null 2>&1
gleam -n $total --log one.csv one > /dev/null 2>&1
check "... and the run ends as one that nobody killed" same_run one w
check "... with a line for each iteration in the log" eval '[ "$(column w.csv iteration)" = "$(seq $total)" ]'
check "... and leaves no temporary file" [ -z "$(leftovers)" ]

# -- at every call by which files are written

faults=$TMP/faults.so

if ! cc -O2 -shared -fPIC -o "$faults" "$ROOT/tests/e2e/faults.c" -ldl; then

	skip "faults" "no compiler 'cc'"
	finish
	exit
fi

if ldd "$BART" | grep -q libasan; then

	skip "faults" "this build has the address sanitizer, which comes before what is preloaded"
	finish
	exit
fi

# from iteration 2, whose weights are kept, to 5
start() { rm -f w w-* w.* ./*.new; cp keep.cfl w.cfl; cp keep.hdr w.hdr; cp keep-last.cfl w-last.cfl; cp keep-last.hdr w-last.hdr; cp keep.state w.state; cp keep.csv w.csv; }
run_on() { gleam -n 5 --log w.csv --resume w; }

gleam -n 2 --log keep.csv keep > /dev/null 2>&1
gleam -n 5 --log five.csv five > /dev/null 2>&1
start
# <command ...>
calls_of() { LD_PRELOAD=$faults "$@" 2>&1 > /dev/null | sed -n 's/^calls: //p'; }

calls=$(calls_of run_on)
check "a run of three iterations has $calls calls that write" [ "${calls:-0}" -gt 40 ]

# after all that may come before: resumed, it ends as one that nothing happened to
ends_the_same()
{
	there w.cfl w.hdr w-last.cfl w-last.hdr w.state w.csv && loads || { echo "after call $1"; return 1; }
	run_on > /dev/null 2>&1 && same_run five w || { echo "after call $1: not the same"; return 1; }

	[ -z "$(leftovers)" ] || { echo "after call $1: $(leftovers)"; return 1; }
}

# signalled <call> <signal> <status that is expected>
signalled()
{
	local status

	start
	LD_PRELOAD=$faults FAULT_AT=$1 FAULT_SIGNAL=$2 run_on > /dev/null 2> fault.err
	status=$?

	[ "$3" -eq $status ] || { echo "call $1: status $status"; cat fault.err; return 1; }

	ends_the_same "$1"
}

# fault <call> <errno>; what an error may be: ignored (a folder cannot be flushed), or status 1 with the file and the cause
fault()
{
	local status

	start
	LD_PRELOAD=$faults FAULT_AT=$1 FAULT_ERRNO=$2 run_on > /dev/null 2> fault.err
	status=$?

	if [ 0 -ne $status ]; then

		[ 1 -eq $status ] && grep -qE "(w|w-last)\.(cfl|hdr|state|csv|lock): cannot be .*$3|w.csv: cannot .* the log: $3" fault.err \
			|| { echo "call $1: status $status"; cat fault.err; return 1; }

		ls -- *.new 2> /dev/null && ! grep -q "rename it by hand" fault.err && { echo "call $1: a temporary file is left"; return 1; }
	else
		grep -q "could not be flushed to disk: $3" fault.err || { echo "call $1: nothing is said"; cat fault.err; return 1; }
	fi

	ends_the_same "$1"
}

# every_call <command> <arguments ...>
every_call()
{
	local n

	for n in $(seq "$calls"); do

		"$1" "$n" "${@:2}" 2>&1 || return 1
	done
}

check "killed at every one of them: all loads, and the run ends the same" every_call signalled 9 137
check "the disk is full at every one of them: it is told, all loads" every_call fault 28 "No space left on device"
check "SIGTERM at every one of them, the last ones, too: status 143, and the run ends the same" every_call signalled 15 143

# a state is due at iteration 2 of 4; SIGUSR1 asks for one of another, at any instant
asked() { "$BART" gleam $options -n 4 --save-every 2 --valid-every 100 --log asked.csv asked $data; }

# lengths of what comes one after the other: calls at which a state more is written, or none more
more_saved()
{
	local once=$1 n

	for n in $(seq "$once"); do

		echo $(($(FAULT_AT=$n FAULT_SIGNAL=10 calls_of asked) - once))
	done | uniq -c | awk '{ print $2, $1 }'
}

# that of iteration 1; none where the line of iteration 2 is written; that of 3, also where it is
# asked for while that of 2 is written; none where the last one comes anyway
save_each()
{
	# files that are replaced take one call more
	asked > /dev/null 2>&1
	more_saved "$(calls_of asked)" > more

	awk '{ s[NR] = $1; n[NR] = $2 } END { exit !((4 == NR) && (8 < s[1]) && (0 == s[2]) && (1 == n[2]) && (s[1] == s[3]) && (s[1] + 1 == n[3]) && (0 == s[4])) }' more || { cat more; return 1; }
}

check "SIGUSR1 at every one of them: a state of that iteration, also while another is written" save_each

# files of others are not to be opened before their rights are those of the one that they replace
secret()
{
	local n bad=

	for n in $(seq "$calls"); do

		start
		chmod 600 w.* w-last.*
		LD_PRELOAD=$faults FAULT_AT=$n FAULT_SIGNAL=9 run_on > /dev/null 2>&1
		bad=$(find . -maxdepth 1 \( -name 'w.*' -o -name 'w-last.*' \) ! -name '*.lock' ! -perm 600)
		[ -z "$bad" ] || { echo "call $n: $bad"; ls -l w*; return 1; }
	done
}

check "files that only their owner may read are so at every one of them, and new ones, too" secret

for e in "5 Input/output error" "30 Read-only file system" "122 Disk quota exceeded"; do

	check "${e#* } when writing begins" fault $((calls / 2)) "${e%% *}" "${e#* }"
done

# -- images, where a file has a name from the beginning: another one, until it is whole

unnamed() { rm -f ./*.new; FAULT_NAMELESS=1 LD_PRELOAD=$faults "$BART" gleam-infer --pattern t-pat five "$1" t-map "$2"; }
earlier() { cp before.cfl image.cfl; cp before.hdr image.hdr; }

bart gleam-infer --pattern t-pat five t-ksp t-map whole > /dev/null
bart scale 2 whole before

# the last sample has an image that cannot be scaled
bart extract 13 0 3 t-ksp most.ra; bart extract 13 3 4 t-ksp one.ra; bart scale 1e-40 one.ra tiny.ra; bart join 13 most.ra tiny.ra late

check "images, where there are no files without a name" eval 'earlier; unnamed t-ksp image 2> /dev/null; cmp image.cfl whole.cfl && [ -z "$(leftovers)" ]'
check "... an error leaves an earlier one as it was" eval 'earlier; ! unnamed late image 2> said && grep -q "values so small" said && cmp image.cfl before.cfl && cmp image.hdr before.hdr && [ -z "$(leftovers)" ]'

# whole, or as it was before
killed_images()
{
	local n images

	earlier
	images=$(unnamed t-ksp image 2>&1 > /dev/null | sed -n 's/^calls: //p')
	[ 8 -le "$images" ] || { echo "$images calls"; return 1; }

	for n in $(seq "$images"); do

		earlier
		FAULT_AT=$n FAULT_SIGNAL=9 unnamed t-ksp image > /dev/null 2>&1
		cmp -s image.cfl before.cfl || cmp -s image.cfl whole.cfl || { echo "call $n: neither"; return 1; }
		bart gleam-infer --pattern t-pat five t-ksp t-map image && [ -z "$(leftovers)" ] || { echo "call $n: $(leftovers)"; return 1; }
	done
}

check "... killed at every call that writes: it is whole, or as it was" killed_images

# -- weights that are read while they are written

live()
{
	local pid i bad=0

	"$BART" gleam $options -n 1000000 --valid-every 1 live $data > /dev/null 2>&1 &
	pid=$!

	for i in $(seq 200); do [ -e live.hdr ] && break; sleep 0.02; done
	for i in $(seq 100); do bart gleam-infer --pattern v-pat live-last v-ksp v-map image 2> said || { bad=$((bad + 1)); cat said; }; done

	kill -s TERM $pid
	wait $pid
	[ 143 -eq $? ] && [ 0 -eq $bad ]
}

check "weights that training replaces again and again can be read" live

# -- folders

small="--iterations 2 --features 4 -b 2 --pattern $TMP/t-pat"

folder() { mkdir -p out; "$BART" gleam $small -n 100000 --valid-every 1 out/w t-ksp t-map t-ref 2> gone.err & }

gone()
{
	folder
	local pid=$!

	for i in $(seq 200); do [ -e out/w.hdr ] && break; sleep 0.02; done
	mv out away
	wait $pid
	[ 1 -eq $? ] && grep -qE "out/w.(state|cfl|hdr): cannot be written: No such file or directory.*Make the folder|out/w.hdr: cannot be replaced: No such file" gone.err
}

check "a folder that is moved away meanwhile is told" gone
check "... and what was in it loads" bart gleam-infer --pattern v-pat away/w v-ksp v-map image

removed()
{
	rm -rf out
	folder
	local pid=$!

	for i in $(seq 200); do [ -e out/w.hdr ] && break; sleep 0.02; done
	until rm -rf out 2> /dev/null; do :; done
	wait $pid
	[ 1 -eq $? ] && grep -qE "out/w.(state|cfl|hdr): cannot be written: No such file or directory.*Make the folder|out/w.hdr: cannot be replaced: No such file" gone.err
}

check "... and one that is removed" removed

limited() { (ulimit -f "$1"; bart gleam $small -n 3 full t-ksp t-map t-ref); }
expect_error "a limit on the size of files is told" "full.state: cannot be written: File too large.*Make space" limited 8

# the state is smaller than the log
logged() { (ulimit -f 24; bart gleam $small -n 2000 --valid-every 10000 --log long.csv full t-ksp t-map t-ref); }
rm -f full.*
expect_error "... also for the log, after the state has been saved" "long.csv: cannot write the log: File too large.*full.state holds the state of iteration [0-9]{3}.*--resume" logged
check "... and all but the line that found no room is in it at the end" eval '[ "$(column long.csv iteration | grep -c .)" -gt 100 ] && bart gleam $small -n 2000 --valid-every 10000 --log long.csv --resume full t-ksp t-map t-ref 2> /dev/null && [ 1999 -eq "$(column long.csv iteration | wc -l)" ]'

# -- others' files

mkdir -p links
for f in cfl hdr state csv; do echo precious > links/victim.$f; ln -s victim.$f "links/w.$f"; done
bart gleam $small -n 2 --log links/w.csv links/w t-ksp t-map t-ref > /dev/null 2>&1
check "symbolic links are replaced, not followed" eval '[ precious = "$(cat links/victim.* | sort -u)" ] && [ ! -L links/w.cfl -a ! -L links/w.hdr -a ! -L links/w.state -a ! -L links/w.csv ]'

chmod 640 links/w.cfl; chmod 600 links/w.state
bart gleam $small -n 2 --log links/w.csv links/w t-ksp t-map t-ref > /dev/null 2>&1
check "files keep their permissions" eval '[ "640 600" = "$(stat -c %a links/w.cfl links/w.state | tr "\n" " " | sed "s/ $//")" ]'
if [ 0 -eq "$(id -u)" ]; then

	chgrp 12345 links/w.cfl links/w.state
	bart gleam $small -n 2 links/w t-ksp t-map t-ref > /dev/null 2>&1
	bart copy whole group; chgrp 12345 group.cfl group.hdr
	bart gleam-infer --pattern t-pat five t-ksp t-map group > /dev/null
	check "... and their group" [ "12345 12345 12345 12345" = "$(stat -c %g links/w.cfl links/w.state group.cfl group.hdr | tr "\n" " " | sed "s/ $//")" ]

	# whose new files are not to have rights for another group
	chmod 640 group.cfl group.hdr links/w.state
	setpriv --bounding-set=-chown --inh-caps=-chown "$BART" gleam $small -n 2 links/w t-ksp t-map t-ref > /dev/null 2>&1
	setpriv --bounding-set=-chown --inh-caps=-chown "$BART" gleam-infer --pattern t-pat five t-ksp t-map group > /dev/null
	check "... or no rights for the group that they have" [ "600 600 600" = "$(stat -c %a links/w.state group.cfl group.hdr | tr "\n" " " | sed "s/ $//")" ]
else
	skip "... and their group" "only root may give a file to another one"
fi

check "new ones have those of the user's mask" eval '(umask 027; bart gleam $small -n 2 --log m.csv m t-ksp t-map t-ref > /dev/null 2>&1); [ "640 640 640 640" = "$(stat -c %a m.cfl m.hdr m.state m.csv | tr "\n" " " | sed "s/ $//")" ]'

# what somebody else has put there under such a name
ln -s ../away/w.cfl links/w.cfl.0aaaa0.new
mkdir links/w.hdr.1bbbb1.new
echo mine > links/w.cfl.backup.new
check "what is no leftover of ours is left alone" eval 'bart gleam $small -n 2 links/w t-ksp t-map t-ref > /dev/null 2>&1 && [ -L links/w.cfl.0aaaa0.new ] && [ -d links/w.hdr.1bbbb1.new ] && grep -q mine links/w.cfl.backup.new'

check "no shell, and no other program, is called" eval '! grep -rnE "\\b(system|popen|exec[lv]p?e?|posix_spawnp?) *\(" "$ROOT/src"'

finish
