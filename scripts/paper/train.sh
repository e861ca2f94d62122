# Sourced by paper.sh: trainings, each in pieces that go on from one another. A folder
# $out/nets/<network> holds weights of each piece (the best, and -last), its log, and at
# the end <weights>: the best of all pieces; or <stopped>: why there are none.

# of_header <name> <weights>
of_header() { sed -n "s/^$1 //p" "$2.hdr"; }

is_trained() { exists "$out/nets/$1/weights" || [ -f "$out/nets/$1/stopped" ]; }

# pieces <folder>: counts iterations that are kept (done) and the pieces that made them
# (kept), names the piece to go on from (from), that of the lowest validation nRMSE
# (best), and the number of the next
pieces()
{
	done=0 kept=0 from= best= piece=1

	while [ -f "$1/log$piece.csv" ]; do

		if exists "$1/piece$piece-last" "$1/piece$piece"; then

			from=$1/piece$piece-last
			done=$((done + $(of_header iteration "$from")))
			kept=$((kept + 1))

			[ -n "$best" ] && awk "BEGIN { exit !($(of_header valid-nrmse "$best") <= $(of_header valid-nrmse "$1/piece$piece")) }" \
				|| best=$1/piece$piece
		fi

		piece=$((piece + 1))
	done
}

# rate <first> <last> <done> <total>: on the cosine from the first to the last
rate() { awk "BEGIN { printf \"%.6g\", $2 + ($1 - $2) * (1. + cos(3.14159265358979 * $3 / $4)) / 2. }"; }

# finish <folder>: the best weights of all pieces are the result
finish()
{
	cp "$best.cfl" "$tmp/best.cfl"
	cp "$best.hdr" "$tmp/best.hdr"
	keep "$tmp/best" "$1/weights"
	rm -f "$1"/piece*.cfl "$1"/piece*.hdr
}

# diverged <folder>: MEL's message, if that is why it ended
diverged()
{
	sed -n 's/.*inversion by --trainer mel is off by \([^ ]*\) of x^(\([0-9]*\)) at iteration \([0-9]*\),.*/\1 \2 \3/p' "$1" | head -n 1
}

# wait_for <process, or -group>: its status; a signal ends it with this script
wait_for()
{
	status=0
	trap "kill -- $1 2> /dev/null; exit 130" INT
	trap "kill -- $1 2> /dev/null; exit 143" TERM

	wait "${1#-}" || status=$?

	trap 'exit 130' INT
	trap 'exit 143' TERM

	return $status
}

# run_piece <folder>
run_piece()
{
	lr=$(get "$kind" LR) end=$(get "$kind" LR_END)
	now=$(rate "$lr" "$end" "$done" "$total")
	data=$(data_of "$set")
	threads=1
	[ -z "${GPU:-}" ] || threads=${OMP_NUM_THREADS:-$(nproc)}

	OMP_NUM_THREADS=$threads OMP_WAIT_POLICY=passive BART_DEBUG_LEVEL=2 "$BART" gleam $net $gpu -b "$(get "$kind" BATCH)" -s $((SEED + 1000 * kept)) \
		-n $((total - done)) ${PIECE:+--max-time "$PIECE"} --lr "$now" --lr-end "$end" ${from:+--load "$from"} \
		--pattern "$data/train/pat" --valid-every "$(get "$kind" VALID_EVERY)" \
		--valid-data k="$data/valid/ksp",c="$data/valid/maps",r="$data/valid/ref",p="$data/valid/pat" \
		--log "$1/log$piece.csv" "$1/piece$piece" "$data/train/ksp" "$data/train/maps" "$data/train/ref" \
		> "$1/log$piece.txt" 2>&1 &

	wait_for $!
}

# train <network>
train()
{
	network "$1"
	dir=$out/nets/$1 total=$(get "$kind" ITER)
	whole "$(echo "$kind" | tr a-z- A-Z_)_ITER" "$total" 1

	is_trained "$1" || make_data "$set"
	same_settings "$dir" "$net -b $(get "$kind" BATCH), $total iterations, learning rate $(get "$kind" LR) to $(get "$kind" LR_END), seed $SEED, on ${GPU:-the CPU}; data: $(asked_of "$set")"

	! is_trained "$1" || return 0

	# held by what trains, too, should this script be killed
	exec 9> "$dir/lock"
	flock -n 9 || die "$1 is being trained by another process (which holds $dir/lock)"

	pieces "$dir"

	if [ "$done" -lt "$total" ]; then

		note "== training $1: $net; $done of $total iterations made"

		if ! run_piece "$dir"; then

			why=$(diverged "$dir/log$piece.txt")
			[ -n "$why" ] || { tail -n 5 "$dir/log$piece.txt" >&2; die "$1: training failed, see $dir/log$piece.txt"; }

			set -- "$1" $why
			echo "stopped at iteration $((done + $4)): error of the inversion $2 at x^($3)" > "$dir/stopped"
			note "$1: $(cat "$dir/stopped")"
			return
		fi

		pieces "$dir"
	fi

	if [ "$done" -ge "$total" ]; then

		finish "$dir"
		note "== $1 is trained: validation nRMSE $(of_header valid-nrmse "$dir/weights")"
	else
		note "$1: $((total - done)) of $total iterations are left"
	fi
}

# train_all <network> ...: as many at a time as JOBS says
train_all()
{
	for n in "$@"; do

		is_trained "$n" || echo "$(table_of "$n"):$n"

	done > "$tmp/queue"

	# settings of what is there already
	for n in "$@"; do ! is_trained "$n" || train "$n"; done

	[ -s "$tmp/queue" ] || return 0

	# not by several at a time
	for n in "$@"; do network "$n"; make_data "$set"; done

	# in a group of its own, so that all of it ends with this script
	PAPER_INNER=1 setsid xargs -P "$JOBS" -I{} "$here/paper.sh" "$scale" "$out" {} < "$tmp/queue" &
	wait_for -$! || die "a training failed"
}
