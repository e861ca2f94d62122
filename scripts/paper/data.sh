# Sourced by paper.sh: simulated data, $out/data/{knee,brain,cine,memory}/r<R>/{train,valid,test}.
# All accelerations of a set are made from the same images.

seed_of_set() { case $1 in train) echo 1 ;; valid) echo 2 ;; test) echo 3 ;; esac; }

# settings_of <set> <train, valid or test>: what it is made from
settings_of()
{
	case $1 in
	knee/*) echo "$KNEE_X x $KNEE_Y, $(images_of knee "$2"), -C $KNEE_C -n $KNEE_SNR -R ${1#*/r}${PATTERNS:+ -N $PATTERNS}" ;;
	brain/*) echo "$BRAIN_X x $BRAIN_Y, $(images_of brain "$2"), -L -C $BRAIN_C -n $BRAIN_SNR -R ${1#*/r}${PATTERNS:+ -N $PATTERNS}" ;;
	cine/*) echo "$CINE_X x $CINE_X x $CINE_FRAMES, $(get CINE "$(echo "$2" | tr a-z A-Z)") phantoms, -C $CINE_C -k $CINE_K -n $CINE_SNR -R ${1#*/r}" ;;
	memory/*) echo "$MEMORY_X x $MEMORY_Y, ellipses:2, -L -C 6 -R ${1#*/r}" ;;
	esac
}

# images_of <knee or brain> <set>: kinds of phantoms, scans
images_of()
{
	scans=1
	[ "$2" != train ] || scans=$(get "$1" SCANS)
	echo "$(get "$1" "$(echo "$2" | tr a-z A-Z)") in $scans"
}

# images <X> <Y> <seed> <output> <kind:count> ...: square phantoms, and for another Y
# less of their k-space along it
images()
{
	square=$(($1 > $2 ? $1 : $2)) X=$1 Y=$2 image_seed=$3 output=$4
	shift 4
	exists "$output" && return

	mkdir -p "$(dirname "$output")"
	"$here/phantoms.sh" -x "$square" -s "$image_seed" "$@" "$tmp/square"

	bart fft -u 3 "$tmp/square" "$tmp/k"
	bart resize -c 0 "$X" 1 "$Y" "$tmp/k" "$tmp/k"
	bart fft -iu 3 "$tmp/k" "$tmp/images"
	keep "$tmp/images" "$output"
}

# slices <set> <train, valid or test> <X> <Y> <kinds> <scans> <option of simulate.sh> ...
slices()
{
	set=$1 folder=$(data_of "$1")/$2 first=$(seed_of_set "$2") size="$3 $4" kinds=$5 scans=$6 list=
	shift 6

	for i in $(seq 0 $((scans - 1))); do

		s=$((first + 10 * i))
		image=$out/data/images/$(echo "$size $s $kinds" | tr ' :' '-_')
		images $size "$s" "$image" $kinds
		list="$list $image"
	done

	# found once for all three
	distance=$(sed -n 's/^acceleration.*, distance \([0-9.]*\)).*/\1/p' "$(data_of "$set")/train/info.txt" 2> /dev/null || true)

	"$here/simulate.sh" -c -s "$first" ${distance:+-D "$distance"} "$@" "$folder" $list 2> "$tmp/log" || { cat "$tmp/log" >&2; exit 1; }
	sed -n 's/^acceleration/   &/p' "$folder/info.txt" >&2
}

# series <set> <train, valid or test>: beating phantoms, others in each
series()
{
	folder=$(data_of "$1")/$2 first=$(seed_of_set "$2") count=$(get CINE "$(echo "$2" | tr a-z A-Z)") list=

	for i in $(seq "$count"); do

		python "$here/beating.py" "$CINE_X" "$CINE_FRAMES" $((10000 * first + i)) "$tmp/series$i"
		list="$list $tmp/series$i"
	done

	mkdir -p "$folder"
	"$here/simulate-cine.sh" -c -n "$CINE_SNR" -k "$CINE_K" -C "$CINE_C" -R "${1#*/r}" -s "$first" "$folder" $list 2> "$tmp/log" \
		|| { cat "$tmp/log" >&2; exit 1; }
	rm -f "$tmp"/series*
	sed -n 's/^acceleration/   &/p' "$folder/info.txt" >&2
}

# own_data <set>: the folder is the user's; all must be there
own_data()
{
	for s in train valid test; do

		f=$(data_of "$1")/$s
		exists "$f/ksp" "$f/pat" "$f/maps" "$f/ref" || die "$f: no {ksp,pat,maps,ref}.cfl in this folder, which $(echo "${1%/*}" | tr a-z A-Z) asks for"
	done
}

is_own()
{
	case $1 in
	knee/*) [ -n "${KNEE:-}" ] ;;
	brain/*) [ -n "${BRAIN:-}" ] ;;
	cine/*) [ -n "${CINE:-}" ] ;;
	*) false ;;
	esac
}

# make_one <set> <train, valid or test>
make_one()
{
	folder=$(data_of "$1")/$2
	same_settings "$folder" "$(settings_of "$1" "$2")"
	exists "$folder/ksp" && return

	note "== data: $1 $2"
	name=$(echo "${1%/*}" | tr a-z A-Z)

	case $1 in
	cine/*) series "$1" "$2" ;;
	memory/*) slices "$1" "$2" "$MEMORY_X" "$MEMORY_Y" ellipses:2 1 -L -C 6 -R "${1#*/r}" ;;
	*)
		[ "$2" = train ] && scans=$(get "$name" SCANS) || scans=1
		[ "$name" = BRAIN ] && lines=-L || lines=

		slices "$1" "$2" "$(get "$name" X)" "$(get "$name" Y)" "$(get "$name" "$(echo "$2" | tr a-z A-Z)")" "$scans" \
			$lines ${PATTERNS:+-N "$PATTERNS"} -C "$(get "$name" C)" -n "$(get "$name" SNR)" -R "${1#*/r}" ;;
	esac
}

# make_data <set>
make_data()
{
	if is_own "$1"; then

		own_data "$1"
		return
	fi

	for s in train valid test; do

		make_one "$1" "$s"
	done
}

all_sets()
{
	for k in pgd modl brain cine-pgd; do

		for r in $(R_of $k); do set_of $k "$r"; done

	done | awk '!seen[$0]++'
}

# asked_of <set>: what tells these data from others
asked_of()
{
	is_own "$1" && data_of "$1" || settings_of "$1" train
}

# data for the plot of memory over N, of another size perhaps; lines are made quickly
memory_set()
{
	[ "$MEMORY_X $MEMORY_Y${KNEE:-}" = "$KNEE_X $KNEE_Y" ] && echo "knee/r${MODL_R%% *}" || echo memory/r4
}

make_all_data()
{
	for d in $(all_sets); do make_data "$d"; done

	make_one "$(memory_set)" train
}
