#!/bin/bash
# Training on a data set larger than memory: does it run at the speed of the disk?
#
#	bench/larger.sh [folder for the data, with twice SIZE free]
#
#	SIZE=2048	MiB of data
#	MEMORY=512	MiB that the process may use, its share of the system's cache included
#	RATE=		MiB/s that the disk may give (a slow disk); without a limit by default
#
# One epoch in random order over files that are in nobody's cache, against the same network on
# a few samples that are. Needs root and control groups for the limits.
source "$(dirname "$0")/lib.sh"

SIZE=${SIZE:-2048}
MEMORY=${MEMORY:-512}
RATE=${RATE:-}
FOLDER=$(mktemp -d "${1:-$WORK}/gleam-larger.XXXXXX")
trap 'rm -rf "$WORK" "$FOLDER"; leave_group' EXIT

GROUPS_AT=/sys/fs/cgroup
GROUP=gleam-larger-$$

# version 2 has one tree, version 1 one for each controller
version2() { [ -e $GROUPS_AT/cgroup.controllers ]; }
group() { version2 && echo "$GROUPS_AT/$GROUP" || echo "$GROUPS_AT/$1/$GROUP"; }

enter_group()
{
	local device
	device=$(lsblk -no MAJ:MIN "$(df --output=source "$FOLDER" | tail -n 1)" | head -n 1 | tr -d ' ')

	if version2; then

		echo "+memory +io" > $GROUPS_AT/cgroup.subtree_control
		mkdir "$(group)"
		echo $((MEMORY << 20)) > "$(group)/memory.max"
		[ -z "$RATE" ] || echo "$device rbps=$((RATE << 20))" > "$(group)/io.max"
	else
		mkdir "$(group memory)" "$(group blkio)"
		echo $((MEMORY << 20)) > "$(group memory)/memory.limit_in_bytes"
		[ -z "$RATE" ] || echo "$device $((RATE << 20))" > "$(group blkio)/blkio.throttle.read_bps_device"
	fi
}

# this shell, and what it starts
join_group() { local c; for c in memory blkio; do echo $BASHPID > "$(group $c)/cgroup.procs"; done; }

leave_group() { rmdir "$(group memory)" "$(group blkio)" 2> /dev/null || true; }

# nothing of these files stays in the cache
forget() { local f; sync; for f in "$@"; do dd of="$f" oflag=nocache conv=notrunc,fdatasync count=0 2> /dev/null; done; }

make_files()
{
	local sample

	make_data "$WORK/few" 4
	sample=$((($(stat -c %s "$WORK"/few-{ksp,maps,pat,ref}.cfl | paste -s -d +)) / 4))
	N=$(((SIZE << 20) / sample))
	BYTES=$((N * sample))

	local f

	for f in ksp maps pat ref; do

		"$BART" extract 15 0 1 "$WORK/few-$f" "$WORK/one"
		"$BART" repmat 15 "$N" "$WORK/one" "$FOLDER/many-$f"
	done
}

# train <data> <iterations> <log>: a network as small as they come, so that reading counts
train()
{
	"$BART" gleam -I 1 --features 4 --blocks 1 -b 1 -n "$2" --valid-every "$2" --log "$3" --pattern "$1-pat" "$WORK/w" \
		"$1-ksp" "$1-maps" "$1-ref" > "$WORK/said" 2>&1 || { cat "$WORK/said"; exit 1; }
}

# <log>: milliseconds of an iteration, mean of all but the first
mean() { awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == "seconds_per_iteration") c = i } NR > 2 { s += $c; n++ } END { printf "%.2f", 1000 * s / n }' "$1"; }

# milliseconds of one sample at this rate in MiB/s
at() { awk -v b="$BYTES" -v n="$N" -v r="$1" 'BEGIN { printf "%.2f", 1000 * b / n / r / 1048576 }'; }

# MiB/s of the disk without the cache, in pieces of a sample
disk()
{
	local begin end f

	begin=$(date +%s.%N)
	for f in "$FOLDER"/many-*.cfl; do dd if="$f" of=/dev/null bs=4M iflag=direct 2> /dev/null; done
	end=$(date +%s.%N)
	awk -v b="$BYTES" -v s="$begin" -v e="$end" 'BEGIN { printf "%.0f", b / 1048576 / (e - s) }'
}

make_files

train "$WORK/few" 64 "$WORK/cached.csv"
cached=$(mean "$WORK/cached.csv")

enter_group
forget "$FOLDER"/many-*.cfl
limit=$( (join_group; disk) )
forget "$FOLDER"/many-*.cfl

(join_group; exec > /dev/null; train "$FOLDER/many" "$N" "$WORK/cold.csv")
cold=$(mean "$WORK/cold.csv")
peak=$(grep -ao "peak [0-9.]* MiB above the [0-9.]* MiB" "$WORK/said")

cat << END
| | |
| --- | --- |
| data | $N samples, $((BYTES >> 20)) MiB |
| memory allowed, cache included | $MEMORY MiB |
| memory of the process | $peak before |
| disk without cache${RATE:+, limited} | $limit MiB/s, $(at "$limit") ms a sample |
| iteration, data in the cache | $cached ms |
| iteration, one epoch in random order, nothing in the cache | $cold ms |
| against the slower of disk and computing | $(awk -v c="$cold" -v d="$(at "$limit")" -v t="$cached" 'BEGIN { printf "%.2f", c / (d > t ? d : t) }') |
END
