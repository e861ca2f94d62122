# Sourced by paper.sh: seconds and bytes, apart from the trainings, one at a time.

# timed_nets: the first acceleration of each table, and MEL without checkpoints (figure 7)
timed_nets()
{
	for t in ${TIME_TABLES:-$TABLES}; do nets_of "$t" 1; done
	nets_of table2 1 | sed -n 's/-mel$/-mel-all/p'
}

# the initial weights stay: seconds do not depend on them, and MEL's error must not
# grow until it ends the measurement
STILL="--lr 1e-12 --max-inversion-error 1e30"

# measured <options> ...: a few iterations of the network; what is said goes to stderr
measured()
{
	BART_DEBUG_LEVEL=2 bart gleam $net $gpu $STILL -b "$batch" -s "$SEED" "$@" --pattern "$data/train/pat" \
		"$tmp/weights" "$data/train/ksp" "$data/train/maps" "$data/train/ref" > /dev/null
}

# time_one <network> <folder of this round>
time_one()
{
	network "$1"
	data=$(data_of "$set") batch=$(get "$kind" BATCH)
	[ -n "${GPU:-}" ] || export OMP_NUM_THREADS=$TIME_THREADS

	measured -n $((2 + TIME_ITER)) --log "$2/$1.csv" 2> "$2/$1.txt" || { tail -n 3 "$2/$1.txt" >&2; die "$1: measurement failed"; }

	# what records forward and backward passes makes a GPU wait
	[ -z "${GPU:-}" ] || measured -n $((2 + TIME_ITER)) --timing --log "$2/$1-timing.csv" 2> "$2/$1-timing.txt" \
		|| { tail -n 3 "$2/$1-timing.txt" >&2; die "$1: measurement failed"; }
}

time_part()
{
	dir=$out/time
	same_settings "$dir" "$TIME_ITER iterations, $TIME_THREADS threads, ${GPU:-the CPU}; $(for n in $(timed_nets); do network "$n"; echo "$n: $net -b $(get "$kind" BATCH); $(asked_of "$set")"; done)"

	for n in $(timed_nets); do network "$n"; echo "$set"; done | sort -u > "$tmp/sets"
	for d in $(cat "$tmp/sets"); do make_data "$d"; done

	for round in $(seq "$TIME_ROUNDS"); do

		[ ! -d "$dir/round$round" ] || continue
		note "== time: round $round of $TIME_ROUNDS"
		rm -rf "$dir/now"
		mkdir -p "$dir/now"

		# to and fro: what grows slower with time does not weigh on the last
		[ $((round % 2)) = 1 ] && nets=$(timed_nets) || nets=$(timed_nets | tac)
		for n in $nets; do time_one "$n" "$dir/now"; done

		mv "$dir/now" "$dir/round$round"
	done

	for n in $(timed_nets); do activations_of "$n"; done > "$dir/plan.csv"
}

# plan <line>: of the plan in $tmp/plan, in MiB
plan() { sed -n "s/^$1  *\([0-9.]*\) MiB.*/\1/p" "$tmp/plan" | head -n 1; }

activations_of()
{
	network "$1"
	data=$(data_of "$set") batch=$(get "$kind" BATCH)
	show_plan
	echo "$1,$(plan 'activations[a-z ]*'),$(plan 'in all')"
}

# show_plan: printed to stdout, and nothing is trained
show_plan()
{
	bart gleam $net $gpu -b "$batch" --memory --pattern "$data/train/pat" "$tmp/weights" "$data/train/ksp" "$data/train/maps" "$data/train/ref" > "$tmp/plan"
}

# memory_one <pgd or modl> <N> <trainer>: a line of the table, kept
memory_one()
{
	line=$out/memory/$1-$2-$3
	[ ! -f "$line" ] || return 0

	case $3 in
	greedy) net="-M $2" ;;
	mel) c=$MODL_CHECKPOINTS; net="--trainer mel --checkpoints $((c < $2 ? c : $2 > 1 ? $2 - 1 : 1))" ;;
	*) net="--trainer $3" ;;
	esac

	net="--$1 -I $2 $net --features $(get MEMORY "$(echo "$1" | tr a-z A-Z)_FEATURES") $(get "$1" OPTIONS)"
	data=$(data_of "$(memory_set)") batch=1
	[ -n "${GPU:-}" ] || export OMP_NUM_THREADS=$TIME_THREADS

	show_plan
	measured -n 2 2> "$tmp/log" || { tail -n 3 "$tmp/log" >&2; die "$net: measurement failed"; }
	peak=$(sed -n 's/.*memory: planned .* MiB, peak \([0-9.]*\) MiB above.*/\1/p' "$tmp/log")
	echo "$1,$3,$2,$(plan 'activations[a-z ]*'),$(plan 'in all'),$peak" > "$tmp/line"
	mv "$tmp/line" "$line"
}

memory_part()
{
	dir=$out/memory
	same_settings "$dir" "$MEMORY_PGD_FEATURES and $MEMORY_MODL_FEATURES features, $PGD_OPTIONS, $MODL_OPTIONS, $MODL_CHECKPOINTS checkpoints, ${GPU:-the CPU}, $TIME_THREADS threads; $(settings_of "$(memory_set)" train)"
	make_one "$(memory_set)" train
	note "== memory: N = $MEMORY_N"

	for n in $MEMORY_N; do

		for t in end-to-end checkpoint greedy; do memory_one pgd "$n" $t; done
		for t in end-to-end checkpoint mel greedy; do memory_one modl "$n" $t; done
	done

	{
		echo "network,trainer,N,activations_mib,planned_mib,measured_mib"
		for n in $MEMORY_N; do cat "$dir/"*-"$n"-*; done
	} > "$tmp/table.csv"

	mv "$tmp/table.csv" "$dir/table.csv"
}
