#!/bin/sh
# Zero-filled, compressed sensing and GLEAM on the same data: a table, a line per
# slice in a CSV file, and a picture.
set -eu

usage()
{
	cat >&2 <<-END
	Usage: compare.sh [options] <data> <out>

	<data> holds {ksp,pat,maps,ref}; writes <out>/{zf,cs,gleam,stages} (images),
	<out>/table.md, <out>/stages.md, <out>/metrics.csv and <out>/panel.png. Images that
	are there already, from the same data and settings, are not computed again.

	-w f	weights of bart gleam; without them GLEAM is left out
	-l l	regularisation of compressed sensing, or the file that cs.sh tune wrote
	-i n	iterations of compressed sensing
	-s n	slice that the picture shows (the middle one)
	-r n	quarter turns of the picture, counterclockwise (0)
	-t text	title of the picture
	END
	exit 1
}

weights='' lambda='' iter='' slice='' rotate=0 title=''

while getopts w:l:i:s:r:t: opt; do

	case $opt in
	w) weights=$OPTARG ;;
	l) lambda=$OPTARG ;;
	i) iter=$OPTARG ;;
	s) slice=$OPTARG ;;
	r) rotate=$OPTARG ;;
	t) title=$OPTARG ;;
	*) usage ;;
	esac
done

shift $((OPTIND - 1))
[ $# -eq 2 ] || usage

. "$(dirname "$0")/common.sh"

export BART PYTHON

data=$1 out=$2

exists "$data/ksp" "$data/pat" "$data/maps" "$data/ref" || die "$data: no {ksp,pat,maps,ref}.cfl in this folder"
mkdir -p "$out"

# changes when the data or the weights do
stamp()
{
	ls -l --time-style=full-iso "$@" | awk '{ printf "%s %s %s ", $5, $6, $7 }'
}

# once <images> <what they depend on> <command> ...: that writes them
once()
{
	images=$1 from=$2
	shift 2

	exists "$images" && [ "$from" = "$(cat "$images.from" 2> /dev/null)" ] && return

	note "compare: $images"
	rm -f "$images.from"
	"$@"
	echo "$from" > "$images.from"
}

of_data="$data $(stamp "$data/ksp.cfl" "$data/maps.cfl" "$data/pat.cfl")"

once "$out/zf" "$of_data" "$here/zero-filled.sh" "$data/ksp" "$data/maps" "$out/zf"
set -- "zero-filled=$out/zf"

if [ -n "$lambda" ]; then

	[ ! -f "$lambda" ] || lambda=$(cat "$lambda")
	once "$out/cs" "$of_data lambda $lambda iterations ${iter:-as usual}" "$here/cs.sh" -l "$lambda" ${iter:+-i "$iter"} run "$data" "$out/cs"
	set -- "$@" "CS (l1-wavelet)=$out/cs"
fi

# every stage is a reconstruction; the last one is the result
gleam()
{
	bart gleam-infer --stages --pattern "$data/pat" "$weights" "$data/ksp" "$data/maps" "$tmp/stages" >&2
	keep "$tmp/stages" "$out/stages"
}

if [ -n "$weights" ]; then

	once "$out/stages" "$of_data $(stamp "$weights.cfl")" gleam
	N=$(dim 8 "$out/stages")
	stages="zero-filled=$out/zf"

	for m in $(seq "$N"); do

		bart slice 8 $((m - 1)) "$out/stages" "$tmp/stage$m"
		stages="$stages stage_$m=$tmp/stage$m"
	done

	bart copy "$tmp/stage$N" "$out/gleam"
	set -- "$@" "GLEAM=$out/gleam"

	python "$here/metrics.py" "$data/ref" $stages > "$out/stages.md"
fi

python "$here/metrics.py" --csv "$out/metrics.csv" "$data/ref" "$@" > "$out/table.md"
python "$here/panel.py" --rotate "$rotate" ${slice:+--slice "$slice"} ${title:+--title "$title"} "$data/ref" "$@" "$out/panel.png"

cat "$out/table.md"
