#!/bin/bash
# 20 000 iterations: memory and open files are flat; what an iteration takes is told.
source "$(dirname "$0")/../lib.sh"

make_data t 3 20 18 2 1
make_data v 2 20 18 2 100

ITERATIONS=${ITERATIONS:-20000}
small="--pattern t-pat --iterations 1 --features 2 --blocks 1 -b 1"
valid="--valid-data k=v-ksp,c=v-map,r=v-ref,p=v-pat --valid-every 250 --save-every 100"

# resident memory in KiB and open files, ten times a second, until the process ends
watch()
{
	local rss

	while rss=$(awk '/^VmRSS/ { print $2 }' "/proc/$1/status" 2> /dev/null) && [ -n "$rss" ]; do

		echo "$(date +%s.%N) $rss $(ls "/proc/$1/fd" 2> /dev/null | wc -l)"
		sleep 0.1
	done
}

# microseconds of an iteration that a tenth stay below, from one part of the log to another, in hundredths: what the
# machine does beside it makes seconds-long stretches slower by half, but hardly all of them
tenth() { column log.csv seconds_per_iteration | awk -v a="$1" -v b="$2" -v n="$ITERATIONS" 'NR > a * n / 100 && NR <= b * n / 100' | sort -g | awk '{ x[NR] = $1 } END { print x[int((NR + 9) / 10)] * 1e6 }'; }

# <column> <from> <to>: the most, or the least, of what was watched, in hundredths
most() { awk -v c="$1" -v a="$2" -v b="$3" '{ x[NR] = $c } END { for (i = int(a * NR / 100) + 1; i <= b * NR / 100; i++) if (x[i] > m) m = x[i]; print m }' watched; }
least() { awk -v c="$1" -v a="$2" -v b="$3" '{ x[NR] = $c } END { m = 1e9; for (i = int(a * NR / 100) + 1; i <= b * NR / 100; i++) if (x[i] < m) m = x[i]; print m }' watched; }

train()
{
	"$BART" gleam $small $valid "$@" -n "$ITERATIONS" --log log.csv w t-ksp t-map t-ref 2> said > /dev/null &
	local pid=$!

	watch $pid > watched
	wait $pid
}

# endure <name> <option ...>
endure()
{
	local name=$1 early late
	shift

	check "$name: $ITERATIONS iterations" train "$@"
	check "... each of which is in the log" [ "$ITERATIONS" -eq "$(column log.csv iteration | wc -l)" ]

	early=$(most 2 10 30)
	late=$(most 2 80 99)

	# what an allocator may keep; an iteration that lost 64 bytes would lose 900 KiB from one to the other
	check "... memory stays: $early KiB at first, $late KiB at last" compare "$late" "<" "$((early + 512))"

	# the least, as one that is being written is open for a moment, which is seen or not
	early=$(least 3 10 30)
	late=$(least 3 80 99)
	check "... open files, too: $early at first, $late at last" [ "$early" -eq "$late" ]
	echo "      microseconds of an iteration, the fastest tenth: $(tenth 0 50) in the first half, $(tenth 50 100) in the second"
}

endure "PGD"
endure "MoDL, one loss, activations recomputed" --modl --cg-iter 2 --trainer checkpoint
endure "MoDL, inverted" --modl --cg-iter 2 --trainer mel --checkpoints 1 --max-inversion-error 1e9

finish
