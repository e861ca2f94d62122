#!/bin/sh
# The paper's tables and figures from nothing: data, trainings, compressed sensing,
# measurements, and a page of all of them. doc/paper.md.
set -eu

usage()
{
	cat >&2 <<-END
	Usage: [NAME=value ...] paper.sh <small or full> <out> [part ...]

	Parts, in order (all of them where none is given):

	data	simulated data
	train	the trainings of all tables, some at a time
	table1	PGD: end-to-end, GLEAM, compressed sensing (CS)
	table2	MoDL: end-to-end, checkpointing, MEL, GLEAM, CS
	table3	PGD, lines: end-to-end, and GLEAM three times as deep, CS
	table4	PGD, cine: as table3
	table5	MoDL, cine: as table2
	stages	figure 9: PSNR after each unrolled iteration; what --tol picks
	images	figure 8: an image after each unrolled iteration
	memory	against the number of unrolled iterations, planned and measured
	time	seconds per iteration (figure 7), of an otherwise idle machine
	doc	tables and pictures of all that is there, to DOC

	table2:modl-r4-greedy is one training, table2:cs the compressed sensing of a table.
	list prints the trainings. What is there is skipped, what was stopped goes on.

	GPU=fp32, tf32 or bf16: on the GPU, with this precision
	JOBS=n: trainings at a time, on the CPU with a thread each (number of cores, GPU: 1)
	PIECE=s: a training ends after s seconds; called again it goes on
	KNEE, BRAIN, CINE=<folder>: data of your own, <folder>/r<R>/{train,valid,test}/{ksp,pat,maps,ref}
	DOC=<folder> (<out>/doc; with make paper doc/paper/<scale>)
	All settings of scripts/paper/<scale>.conf can be given, too.
	END
	exit 1
}

[ $# -ge 2 ] || usage

. "$(dirname "$0")/common.sh"

scale=$1 out=$2
shift 2

case $scale in
small|full) ;;
*) die "the scale is '$scale', expected small or full" ;;
esac

case ${GPU:-fp32} in
fp32|tf32|bf16) ;;
*) die "GPU is '$GPU', expected fp32, tf32 or bf16, or nothing" ;;
esac

. "$here/paper/$scale.conf"
. "$here/paper/settings.sh"
. "$here/paper/nets.sh"
. "$here/paper/data.sh"
. "$here/paper/train.sh"
. "$here/paper/evaluate.sh"
. "$here/paper/measure.sh"

case $out in
"") die "the folder of results has no name" ;;
*[[:space:]%]*) die "'$out': the scripts cannot work in folders with a space or % in their names" ;;
esac

export BART PYTHON
check_settings
mkdir -p "$out"

doc()
{
	folder=${DOC:-$out/doc}
	mkdir -p "$folder"

	for t in $TABLES; do

		for n in $(nets_of "$t"); do network "$n"; echo "$t,$n,$kind,$R,$trainer,$set"; done

	done > "$out/nets.csv"

	stage_nets > "$out/stage-nets"
	python "$here/paper/report.py" "$scale" "$out" "$folder"

	if has_matplotlib; then

		python "$here/paper/plots.py" "$out" "$folder"
	else
		note "paper: no matplotlib for $PYTHON: pictures are left out"
	fi

	note "== $folder/README.md"
}

# one_training <table> <network>
one_training()
{
	if [ "$2" = cs ]; then

		for r in $(R_of "$(kind_of_table "$1")"); do cs "$(set_of "$(kind_of_table "$1")" "$r")"; done
		return
	fi

	nets_of "$1" | grep -qx -- "$2" || die "$1 has no training '$2', expected one of: cs $(nets_of "$1" | xargs)"
	train "$2"
}

part()
{
	case $1 in
	data) make_all_data ;;
	train) train_all $(for t in table4 table5 table3 table2 table1; do nets_of $t | sort -r; done) ;;	# the longest first
	table[1-5]) table "$1" ;;
	table[1-5]:*) one_training "${1%%:*}" "${1#*:}" ;;
	stages) stages_part ;;
	images) images_part ;;
	memory) memory_part ;;
	time) time_part ;;
	doc) doc ;;
	list) for t in $TABLES; do nets_of $t | sed "s/^/$t:/"; done ;;
	esac
}

[ $# -gt 0 ] || set -- data train table1 table2 table3 table4 table5 stages images memory time doc

for p in "$@"; do

	case $p in
	data|train|table[1-5]|table[1-5]:*|stages|images|memory|time|doc|list) ;;
	*) die "there is no part '$p', expected some of: data train table1 ... table5 stages images memory time doc list" ;;
	esac
done

[ "$*" = list ] || one_set

# took: seconds of the part that runs, also of one that failed or was stopped
took()
{
	case ${PAPER_INNER:-}${running:-} in
	''|1*|doc|list) return ;;
	esac

	seconds=$(($(date +%s) - begin))
	note "== part $running: $seconds s"
	[ -f "$out/times.csv" ] || echo "part,seconds" > "$out/times.csv"
	echo "$running,$seconds" >> "$out/times.csv"
	running=
}

trap 'took; rm -rf "$tmp"' EXIT

for p in "$@"; do

	begin=$(date +%s) running=$p
	part "$p"
	took
done
