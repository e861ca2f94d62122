# Sourced by paper.sh: what networks and compressed sensing give on the test set.

# cs <set>: tuned on the validation set; $out/cs/<set>/{images,metrics.csv}
cs()
{
	dir=$out/cs/$1 data=$(data_of "$1")

	case $1 in
	cine/*) script=cs-cine.sh iter=$CS_CINE_ITER ;;
	*) script=cs.sh iter=$CS_ITER ;;
	esac

	same_settings "$dir" "$iter iterations; data: $(asked_of "$1")"
	[ ! -f "$dir/metrics.csv" ] || return 0

	make_data "$1"
	note "== compressed sensing: $1"
	[ -f "$dir/lambda" ] || "$here/$script" -i "$iter" tune "$data/valid" "$dir/lambda" 2> "$dir/tune.txt" || { cat "$dir/tune.txt" >&2; exit 1; }
	"$here/$script" -i "$iter" -l "$dir/lambda" run "$data/test" "$dir/images"
	python "$here/paper/evaluate.py" "$data/test/ref" "$dir/images" "$dir/metrics.csv"
}

# infer <network> <data> <output> <option> ...
infer()
{
	weights=$out/nets/$1/weights in=$2 output=$3
	shift 3

	bart gleam-infer $gpu "$@" --pattern "$in/pat" "$weights" "$in/ksp" "$in/maps" "$output"
}

# evaluate <network>: metrics of all stages; the first is the zero-filled image
evaluate()
{
	network "$1"
	dir=$out/nets/$1 data=$(data_of "$set")

	if ! exists "$dir/weights"; then

		[ -f "$dir/stopped" ] || note "$1 is not trained yet"
		return 0
	fi

	[ ! -f "$dir/metrics.csv" ] || return 0
	note "== test: $1"

	"$here/zero-filled.sh" "$data/test/ksp" "$data/test/maps" "$tmp/zf"
	infer "$1" "$data/test" "$tmp/stages" --stages
	python "$here/paper/evaluate.py" "$data/test/ref" "$tmp/zf" "$tmp/stages" "$dir/metrics.csv"
	rm -f "$tmp"/zf.* "$tmp"/stages.*
}

# table <table>: trainings, compressed sensing, test
table()
{
	train_all $(nets_of "$1")
	k=$(kind_of_table "$1")

	for r in $(R_of "$k"); do cs "$(set_of "$k" "$r")"; done
	for n in $(nets_of "$1"); do evaluate "$n"; done
}

# the pair of figures 8 and 9: Table II, at the highest of its accelerations
stage_nets()
{
	highest=$(printf '%s\n' $MODL_R | sort -g | tail -n 1)
	nets_of table2 | grep -- "-r$highest-\(greedy\|end-to-end\)$"
}

# all_trained <network> ...
all_trained()
{
	for n in "$@"; do exists "$out/nets/$n/weights" || { note "$n is not trained yet, see part table2"; return 1; }; done
}

# figure 8: every stage of one slice
images_part()
{
	all_trained $(stage_nets) || return 0
	dir=$out/images
	same_settings "$dir" "slice $STAGE_SLICE of $(for n in $(stage_nets); do cat "$out/nets/$n/settings"; done)"

	for n in $(stage_nets); do

		network "$n"
		data=$(data_of "$set")/test
		[ "$STAGE_SLICE" -lt "$(dim 13 "$data/ksp")" ] || die "STAGE_SLICE is $STAGE_SLICE, but $data has $(dim 13 "$data/ksp") slices"
		! exists "$dir/$trainer" "$dir/ref" "$dir/zf" || continue
		mkdir -p "$tmp/one"

		for f in ksp maps pat ref; do

			[ "$(dim 13 "$data/$f")" = 1 ] && s=0 || s=$STAGE_SLICE
			bart slice 13 "$s" "$data/$f" "$tmp/one/$f"
		done

		infer "$n" "$tmp/one" "$tmp/stages" --stages
		keep "$tmp/stages" "$dir/$trainer"
		"$here/zero-filled.sh" "$tmp/one/ksp" "$tmp/one/maps" "$dir/zf"
		keep "$tmp/one/ref" "$dir/ref"
	done
}

# with_tol <network> <valid or test> <tolerance>: mean of the stages that are run, PSNR;
# all of them with a tolerance of 0
with_tol()
{
	d=$data/$2 mean=$(get "$kind" N)

	if [ "$3" = 0 ]; then

		infer "$1" "$d" "$tmp/out"
	else
		BART_DEBUG_LEVEL=2 infer "$1" "$d" "$tmp/out" --tol "$3" 2> "$tmp/log" || { cat "$tmp/log" >&2; exit 1; }
		mean=$(sed -n 's/.*iterations run per sample: \([0-9.]*\) of.*/\1/p' "$tmp/log")
	fi

	psnr=$(python "$here/metrics.py" --mean psnr "$d/ref" "gleam=$tmp/out")
	echo "$mean,$psnr"
}

# how many stages --tol runs, and what that costs: the tolerance is chosen on the
# validation set; figure 9 itself comes from the tables
stages_part()
{
	greedy=$(stage_nets | grep greedy)
	all_trained "$greedy" || return 0
	evaluate "$greedy"

	network "$greedy"
	dir=$out/stages data=$(data_of "$set")
	same_settings "$dir" "tolerances $TOLS of $(cat "$out/nets/$greedy/settings")"
	[ ! -f "$dir/tol.csv" ] || return 0

	note "== stages: --tol $TOLS"
	echo "tol,valid_stages,valid_psnr,stages,psnr" > "$tmp/tol.csv"

	for tol in 0 $TOLS; do

		valid=$(with_tol "$greedy" valid "$tol")
		test=$(with_tol "$greedy" test "$tol")
		echo "$tol,$valid,$test" >> "$tmp/tol.csv"
	done

	mv "$tmp/tol.csv" "$dir/tol.csv"
}
