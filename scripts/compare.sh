#!/bin/sh
# Zero-filled, compressed sensing and GLEAM on the same data: a table, a line per
# slice in a CSV file, and a picture.
set -eu

usage()
{
	cat >&2 <<-END
	Usage: compare.sh [options] <data> <out>

	<data> holds {ksp,pat,maps,ref}: slices, or series with frames along dimension 10.
	Writes <out>/{zf,cs,gleam,stages} (images), <out>/table.md, <out>/stages.md,
	<out>/metrics.csv (each slice or frame) and <out>/panel.png. Images that are there
	already, from the same data and settings, are not computed again.

	-w f	weights of bart gleam; without them GLEAM is left out. As name=f, and as often
		as wanted: networks to be compared (gleam1, gleam2, ..., no stages)
	-l l	regularisation of compressed sensing, or the file that cs.sh tune (series:
		cs-cine.sh tune) wrote
	-i n	iterations of compressed sensing
	-g p	GLEAM on the GPU, with this precision
	-s n	slice or series that the picture shows (the middle one)
	-f n	frame that it shows (that of the middle)
	-r n	quarter turns of the picture, counterclockwise (0)
	-t text	title of the picture
	END
	exit 1
}

weights='' named='' lambda='' iter='' gpu='' slice='' frame='' rotate=0 title=''

while getopts w:l:i:g:s:f:r:t: opt; do

	case $opt in
	w)
		case $OPTARG in
		*=*) named="$named$OPTARG
" ;;
		*) weights=$OPTARG ;;
		esac ;;
	l) lambda=$OPTARG ;;
	i) iter=$OPTARG ;;
	g) gpu="-g --precision $OPTARG" ;;
	s) slice=$OPTARG ;;
	f) frame=$OPTARG ;;
	r) rotate=$OPTARG ;;
	t) title=$OPTARG ;;
	*) usage ;;
	esac
done

shift $((OPTIND - 1))
[ $# -eq 2 ] || usage

. "$(dirname "$0")/common.sh"
. "$here/kt.sh"

export BART PYTHON

data=$1 out=$2

exists "$data/ksp" "$data/pat" "$data/maps" "$data/ref" || die "$data: no {ksp,pat,maps,ref}.cfl in this folder"
mkdir -p "$out"

# the same things for slices and for series
if [ "$(dim 10 "$data/ksp")" -gt 1 ]; then

	cs=cs-cine.sh panel=panel-cine.py cs_name="CS (TV, wavelet)"
else
	cs=cs.sh panel=panel.py cs_name="CS (l1-wavelet)" frame=
fi

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

# images of another precision are others
of_gpu="${gpu:+ $gpu}"

once "$out/zf" "$of_data" "$here/zero-filled.sh" "$data/ksp" "$data/maps" "$out/zf"
set -- "zero-filled=$out/zf"

# for information: what does not move is sharp in it
still()
{
	time_average "$data/ksp" "$data/pat" "$tmp/mean"
	"$here/zero-filled.sh" "$tmp/mean" "$data/maps" "$tmp/mean-image"
	bart repmat 10 "$(dim 10 "$data/ksp")" "$tmp/mean-image" "$out/mean"
}

still=

if [ "$(dim 10 "$data/ksp")" -gt 1 ]; then

	once "$out/mean" "$of_data" still
	still="time_average=$out/mean"
fi

if [ -n "$lambda" ]; then

	[ ! -f "$lambda" ] || lambda=$(cat "$lambda")
	once "$out/cs" "$of_data lambda $lambda iterations ${iter:-as usual}" "$here/$cs" -l "$lambda" ${iter:+-i "$iter"} run "$data" "$out/cs"
	set -- "$@" "$cs_name=$out/cs"
fi

# every stage is a reconstruction; the last one is the result
gleam()
{
	bart gleam-infer $gpu --stages --pattern "$data/pat" "$weights" "$data/ksp" "$data/maps" "$tmp/stages" >&2
	keep "$tmp/stages" "$out/stages"
}

# network <weights> <images>: the result alone
network()
{
	bart gleam-infer $gpu --pattern "$data/pat" "$1" "$data/ksp" "$data/maps" "$tmp/network" >&2
	keep "$tmp/network" "$2"
}

if [ -n "$weights" ]; then

	once "$out/stages" "$of_data $(stamp "$weights.cfl" "$weights.hdr")$of_gpu" gleam
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

printf '%s' "$named" > "$tmp/named"
twice=$(cut -d= -f1 "$tmp/named" | sort | uniq -d | head -n 1)
[ -z "$twice" ] || die "-w $twice=...: found twice, expected a name of its own for each network"
k=1

while read -r line; do

	once "$out/gleam$k" "$of_data $(stamp "${line#*=}.cfl" "${line#*=}.hdr")$of_gpu" network "${line#*=}" "$out/gleam$k"
	set -- "$@" "${line%%=*}=$out/gleam$k"
	k=$((k + 1))

done < "$tmp/named"

python "$here/metrics.py" --csv "$out/metrics.csv" "$data/ref" $still "$@" > "$out/table.md"

if has_matplotlib; then

	python "$here/$panel" --rotate "$rotate" ${slice:+--slice "$slice"} ${frame:+--frame "$frame"} ${title:+--title "$title"} "$data/ref" "$@" "$out/panel.png"
else
	note "compare: no matplotlib for $PYTHON: $out/panel.png is left out"
fi

cat "$out/table.md"
