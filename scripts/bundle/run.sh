#!/bin/bash
# Tests and benchmarks on a machine with a GPU, from this folder alone.
#
#	run.sh <output folder> [--only part,part...] [--skip part,...] [--limit seconds]
#	run.sh --libraries		only unpacks the libraries (to TMPDIR), so that ./bart and the others run
#	run.sh --list			the parts
#
# Writes <output folder>/report.md, figures (*.json) and logs.tar.gz. Each part has a limit of its own,
# all of them together --limit (570); what is not begun by then is a SKIP, and another call with --only does
# it. Exit status 1 where a part failed. PYTHON is an interpreter with PyTorch (python3).
set -u

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
self=$here/$(basename "${BASH_SOURCE[0]}")

export LC_ALL=C
export PATH=${PATH:-/usr/local/bin:/usr/bin:/bin}
export HOME=${HOME:-${TMPDIR:-/tmp}}	# compilers keep caches there
export BART=$here/bart
export BART_TOOLBOX_PATH=$here
export PYTHON=${PYTHON:-$(command -v python3 || echo /usr/bin/python3)}

# see wrap.sh
lib=${TMPDIR:-/tmp}/gleam-bundle.$(id -u)/$(cat "$here/lib.sum")

# part, limit in seconds, what it is; the important ones come first
PARTS="check 60 device and libraries
unit 180 unit tests
small 90 training on the GPU against what the CPU gave when this bundle was made
train 400 bart gleam against PyTorch
conv 60 convolutions: TFLOP/s and share of the measured peak
split 90 where the time of an iteration goes
programs 60 other benchmarks
series 60 3D networks on a series of images: seconds per iteration in all precisions
leak 60 memory of the device over 1000 iterations
e2e 200 end-to-end tests
memcheck 200 compute-sanitizer --tool memcheck
racecheck 200 compute-sanitizer --tool racecheck
initcheck 200 compute-sanitizer --tool initcheck"

# of the unit tests those that touch the device; the others only take time under compute-sanitizer
DEVICE_SUITES='@(adam|backend|batch|cudnn*|device|gpu*|loss|prox_net)/*'

skip() { echo "SKIP: $*"; exit 77; }

die() { echo "$*" >&2; exit 1; }

# --- libraries

first_of() { for f in "$@"; do [ ! -e "$f" ] || { echo "$f"; return; }; done; }

# where CUDA's and cuDNN's libraries usually are, one folder a line
usual_folders()
{
	echo "${LD_LIBRARY_PATH:-}" | tr : '\n'
	ls -d /usr/local/cuda*/lib64 /usr/local/cuda*/lib /usr/local/cuda*/targets/x86_64-linux/lib 2> /dev/null
	"$PYTHON" -c 'import glob, os, sys
for p in sys.path:
	print("\n".join(glob.glob(os.path.join(p, "nvidia", "*", "lib"))))' 2> /dev/null
	ls -d /opt/*/.venv/lib/python3*/site-packages/nvidia/*/lib /usr/lib/x86_64-linux-gnu/nvidia/current \
		/usr/local/lib/python3*/*-packages/nvidia/*/lib /usr/lib/python3*/*-packages/nvidia/*/lib 2> /dev/null
}

known_to_loader() { { ldconfig -p || /sbin/ldconfig -p; } 2> /dev/null | grep -q "[[:space:]]$1 .*x86-64"; }

# needed.txt, and what CUDA's libraries load while they run
wanted_libraries()
{
	cat "$here/needed.txt"
	echo libnvrtc.so.$(sed -n 's/libcudart\.so\.//p' "$here/needed.txt" | head -n 1)
}

# into a folder that only this user can write
unpack_libraries()
{
	[ ! -d "$lib" ] || return 0

	local new=$lib.$$
	mkdir -p -m 700 "$(dirname "$lib")" && [ -O "$(dirname "$lib")" ] && mkdir "$new" &&
		tar -C "$new" --no-same-owner -xzf "$here/lib.tar.gz" && mv "$new" "$lib"
}

# $lib/path: ours, then the folders of what the loader does not find by itself
find_libraries()
{
	local folders path=$lib name f found

	unpack_libraries || return
	folders=$(usual_folders | grep . | awk '!seen[$0]++')

	for name in $(wanted_libraries); do

		known_to_loader "$name" && continue

		found=

		for f in $folders; do

			[ ! -e "$f/$name" ] || { found=$f; break; }
		done

		case ":$path:" in *":$found:"*) ;; *) [ -z "$found" ] || path=$path:$found ;; esac
	done

	echo "$path" > "$lib/path"
	echo "${folders:-the usual folders, of which none exists}" | paste -s -d ' ' > "$lib/searched"
}

# how the loader resolves the libraries of a program (as ldd asks it)
resolved()
{
	local path
	path=$(cat "$lib/path")
	LD_TRACE_LOADED_OBJECTS=1 LD_LIBRARY_PATH=$path /lib64/ld-linux-x86-64.so.2 "$here/bin/$1" 2>&1
}

# why a program cannot run here; nothing if it can
problem()
{
	local missing
	missing=$(resolved "$1" | sed -n 's/^[[:space:]]*\(.*\) => not found.*/\1/p; s/.*version .\(GLIBC[^ ]*\). not found.*/\1 (see BUNDLE.md)/p' \
		| sort -u | paste -s -d , | sed 's/,/, /g')

	# libcuda.so.1 is the driver; libcupti only belongs to the time split
	[ -z "$missing" ] || echo "$missing: not found by the loader nor in: $(cat "$lib/searched")"
}

have_gpu() { ls /dev/nvidia[0-9]* > /dev/null 2>&1 || nvidia-smi -L > /dev/null 2>&1; }

need_program()
{
	local p
	[ -x "$here/bin/$1" ] || skip "$1 is not in this bundle"
	p=$(problem "$1")
	[ -z "$p" ] || skip "$p"
}

need_gpu() { have_gpu || skip "no NVIDIA device here (no /dev/nvidia0, and nvidia-smi shows none)"; }

need_python() { "$PYTHON" -c "import sys; assert sys.version_info >= (3, 8)" 2> /dev/null || skip "no python3 (PYTHON=$PYTHON)"; }

# --- parts: exit status 0, 77 for SKIP, else failed. What they write to $out/logs/<part>.md goes into the report, or
# what digest_<part> makes of the log, which is there also where time ran out

part_check()
{
	sed -n '2,$p' "$here/BUNDLE.md"
	echo
	nvidia-smi -L 2> /dev/null || echo "nvidia-smi: not here"
	nvidia-smi --query-gpu=name,driver_version,memory.total,clocks.max.sm,clocks.max.mem,power.limit --format=csv 2> /dev/null
	grep -m 1 'model name' /proc/cpuinfo
	nproc
	need_program bart
	resolved bart | grep -E 'lib(cu|nv|c\.so|stdc)'
	"$BART" version || exit 1
	"$PYTHON" -c 'import torch; print("PyTorch", torch.__version__, "GPU:", torch.cuda.is_available())' 2>&1 | tail -n 1
	need_gpu
}

part_unit()
{
	need_program gleam_unit
	"$here/gleam_unit"
}

digest_unit()
{
	echo '```'
	grep -a 'Synthesis:\|FAIL\|CRASH\|Failed\|Crashed' "$out/logs/unit.log" | sed 's/\x1b\[[0-9;]*m//g' | tail -n 40
	echo "$(grep -ac SKIP "$out/logs/unit.log") SKIP lines:"
	grep -a SKIP "$out/logs/unit.log" | sed 's/\x1b\[[0-9;]*m//g; s/^.* on backend/... on backend/' | sort | uniq -c | sort -rn | head -n 10
	echo '```'
}

# largest relative difference of the losses of all iterations in two logs
log_difference()
{
	awk -F , 'FNR == 1 { next } NR == FNR { a[$1] = $2; next }
		!($1 in a) { bad = 1; next }
		$2 !~ /^[0-9]/ { bad = 1; next }
		{ n++; d = ($2 - a[$1]) / a[$1]; if (d < 0) d = -d; if (d > most) most = d }
		END { if (bad || !n) print "nan"; else print most + 0 }' "$1" "$2"
}

# check <what> <value> <limit>: one line of the table, and whether it holds
check()
{
	local good=FAILED
	awk -v a="$2" -v b="$3" 'BEGIN { exit !(a == a + 0 && a <= b) }' && good=ok
	echo "| $1 | $2 | $3 | $good |" >> "$out/logs/small.md"
	[ ok = $good ] || failed=1
}

train_small()
{
	local net=$1 precision=$2 name=$3
	"$BART" gleam -g --precision "$precision" --$net -I 3 --features 16 -b 2 -n 50 -s 1 --log "$tmp/$name.csv" \
		--pattern "$data-pat" "$tmp/$name" "$data-ksp" "$data-map" "$data-ref"
}

part_small()
{
	need_program bart
	need_gpu
	data=$here/data/small
	tmp=$(mktemp -d)
	failed=0

	printf '%s\n' "| | found | at most | |" "| --- | --- | --- | --- |" > "$out/logs/small.md"

	for net in pgd modl; do

		# rounding of the operands, over 50 iterations: what is wanted is of fp32 only
		for precision in fp32:1e-3 tf32:2e-2 bf16:1e-1; do

			p=${precision%:*}
			train_small $net $p $net-$p || { echo "| $net $p | training failed | | FAILED |" >> "$out/logs/small.md"; failed=1; continue; }
			check "$net $p: losses of 50 iterations against the CPU's" "$(log_difference "$data-$net.csv" "$tmp/$net-$p.csv")" "${precision#*:}"
		done

		train_small $net fp32 $net-again && cmp "$tmp/$net-fp32.cfl" "$tmp/$net-again.cfl"
		check "$net fp32: the same run twice: different files" $? 0

		"$BART" gleam-infer -g --pattern "$data-pat" "$tmp/$net-fp32" "$data-ksp" "$data-map" "$tmp/gpu" &&
			"$BART" gleam-infer --pattern "$data-pat" "$tmp/$net-fp32" "$data-ksp" "$data-map" "$tmp/cpu"
		check "$net: gleam-infer -g against the CPU, nRMSE" "$("$BART" nrmse "$tmp/cpu" "$tmp/gpu")" 1e-4
	done

	rm -rf "$tmp"
	return $failed
}

part_train()
{
	need_program bart
	need_gpu
	need_python
	"$here/bench/gpu/gpu.sh" "$out" --seconds $((SECONDS_LEFT - 60)) ${TRAIN_OPTIONS:-}
}

digest_train()
{
	[ -f "$out/training.md" ] || return 0
	grep -v '^# ' "$out/training.md" | sed 's/^## /### /'
	rm "$out/training.md"
}

part_conv()
{
	need_program gleam_bench_conv
	need_gpu
	local batch

	for batch in 1 4; do

		"$here/gleam_bench_conv" -b $batch cudnn-tf32 cudnn-bf16 cudnn || exit 1

	done | tee "$out/logs/conv.txt"

	[ 0 = "${PIPESTATUS[0]}" ] || exit 1
	grep -q '^cudnn' "$out/logs/conv.txt" || skip "nothing was measured: $(grep -m 1 SKIP "$out/logs/conv.txt" || echo 'no backend cudnn in this binary')"
}

part_split()
{
	need_program bart
	need_program libgleam_trace.so
	need_gpu
	need_python
	BENCH_SPLIT=$here/bin/libgleam_trace.so "$here/bench/gpu/split.sh" "$out/logs/split.txt" ${SPLIT_OPTIONS:-}
}

digest_split() { [ ! -f "$out/logs/split.txt" ] || sed '/^## /d' "$out/logs/split.txt"; }

part_programs()
{
	local p any=
	need_gpu

	for p in "$here"/bin/gleam_bench_gpu*; do

		[ -x "$p" ] || continue
		any=1
		echo "== $(basename "$p")"
		"$here/$(basename "$p")" || exit 1
	done

	[ -n "$any" ] || skip "none in this bundle"
}

part_series()
{
	need_program bart
	need_gpu
	"$here/bench/gpu/series.sh" | tee "$out/logs/series.md"
	return "${PIPESTATUS[0]}"
}

part_leak()
{
	need_program bart
	need_gpu
	need_python
	local tmp
	tmp=$(mktemp -d)
	"$PYTHON" "$here/bench/gpu/device.py" --during "$BART" gleam -g --pgd -I 3 --features 16 -b 2 -n 1000 \
		--pattern "$here/data/small-pat" "$tmp/w" "$here/data/small-ksp" "$here/data/small-map" "$here/data/small-ref"
	local status=$?
	rm -rf "$tmp"
	return $status
}

part_e2e()
{
	local t status failed=0
	need_program bart

	# those of the GPU first
	for t in $(ls "$here"/tests/e2e/*.sh | awk '{ print !/gpu/, $0 }' | sort | cut -d ' ' -f 2); do

		echo "== $(basename "$t")"
		bash "$t" || failed=1
	done

	return $failed
}

digest_e2e()
{
	echo '```'
	grep -E '^(== |FAIL|SKIP|[0-9]+ passed)' "$out/logs/e2e.log"
	echo '```'
}

sanitizer()
{
	local tool=$1 found dir status=0
	need_program gleam_unit
	need_gpu
	found=$(command -v compute-sanitizer || first_of /usr/local/cuda*/bin/compute-sanitizer \
		/usr/local/cuda*/extras/compute-sanitizer/compute-sanitizer /usr/local/cuda*/compute-sanitizer/compute-sanitizer)
	[ -n "$found" ] || skip "no compute-sanitizer on the PATH or in /usr/local/cuda*"

	dir=$out/logs/$tool
	mkdir -p "$dir"
	tmp=$(mktemp -d)

	# one process each, and all precisions; then the list of tests, each in a process of its own
	for precision in fp32 tf32 bf16; do
		for net in pgd modl; do

			watched "$found" "$tool" "$dir/train-$net-$precision-%p" "$here/bin/bart" gleam -g --precision $precision --$net -I 2 --features 16 \
				-b 2 -n 2 --pattern "$here/data/small-pat" "$tmp/w" "$here/data/small-ksp" "$here/data/small-map" "$here/data/small-ref" || status=1
		done
	done

	watched "$found" "$tool" "$dir/unit-%p" "$here/bin/gleam_unit" --filter "${SANITIZE_FILTER:-$DEVICE_SUITES}" || status=1
	rm -rf "$tmp"

	cat "$dir"/* | grep -q SUMMARY || { echo "no summary of $tool: it did not run"; return 1; }
	! cat "$dir"/* | grep SUMMARY | grep -qv 'SUMMARY: 0 ' || return 1
	return $status
}

digest_sanitizer()
{
	cat "$out/logs/$1"/* > "$out/logs/$1.txt" 2> /dev/null || return 0
	rm -rf "${out:?}/logs/$1"
	echo '```'
	grep -h '^========= \(Invalid\|Uninit\|Error\|Warning\|Race\|Program hit\|Internal\|Target\)' "$out/logs/$1.txt" \
		| sed 's/0x[0-9a-f]*/0x.../g' | sort | uniq -c | sort -rn | head -n 20
	grep -h SUMMARY "$out/logs/$1.txt" | sort | uniq -c
	echo '```'
}

watched()
{
	local program=$1 tool=$2 log=$3
	shift 3
	echo "== $tool: $*"
	LD_LIBRARY_PATH=$(cat "$lib/path") "$program" --tool "$tool" --target-processes all --log-file "$log" "$@"
}

part_memcheck() { sanitizer memcheck; }
part_racecheck() { sanitizer racecheck; }
part_initcheck() { sanitizer initcheck; }

digest_memcheck() { digest_sanitizer memcheck; }
digest_racecheck() { digest_sanitizer racecheck; }
digest_initcheck() { digest_sanitizer initcheck; }

# --- running them

names() { echo "$PARTS" | cut -d ' ' -f 1; }

limit_of() { echo "$PARTS" | awk -v n="$1" '$1 == n { print $2 }'; }

title_of() { echo "$PARTS" | sed -n "s/^$1 [0-9]* //p"; }

listed() { case ",$1," in *",$2,"*) ;; *) return 1 ;; esac; }

# run_part <name> <seconds at most>: sets status and took
run_part()
{
	local begin=$SECONDS
	SECONDS_LEFT=$2 timeout -k 10 "$2" bash "$self" "$out" --part "$1" > "$out/logs/$1.log" 2>&1 < /dev/null
	status=$?
	took=$((SECONDS - begin))
	[ 77 = $status ] || ! declare -F "digest_$1" > /dev/null || "digest_$1" > "$out/logs/$1.md"
}

verdict()
{
	case $status in
	0) echo "ok" ;;
	77) echo "SKIP" ;;
	124|137) echo "OUT OF TIME" ;;
	*) echo "FAILED (status $status)" ;;
	esac
}

# what the report says of a part: its own Markdown, or the end of its log
section()
{
	echo "## $1: $(title_of "$1")"
	echo
	echo "$(verdict), $took s"
	echo

	if [ 77 = $status ] && [ check != "$1" ]; then

		grep -a '^SKIP' "$out/logs/$1.log" | tail -n 1

	elif [ -s "$out/logs/$1.md" ] && [ 0 = $status ]; then

		cat "$out/logs/$1.md"
	else
		[ ! -s "$out/logs/$1.md" ] || { cat "$out/logs/$1.md"; echo; }
		echo '```'
		tail -n 100 "$out/logs/$1.log" | tr -d '\033'
		echo '```'
	fi

	echo
}

summary()
{
	echo "# Report of the bundle, $(date '+%Y-%m-%d %H:%M')"
	echo
	echo "| part | result | seconds |"
	echo "| --- | --- | --- |"
	cat "$out/logs/summary"
	echo
}

# a report that is there already, and all that belongs to it, becomes run-1, run-2, ...
keep_earlier()
{
	local n=1 f

	[ -e "$out/report.md" ] || [ -e "$out/logs" ] || return 0

	while [ -e "$out/run-$n" ]; do n=$((n + 1)); done

	mkdir "$out/run-$n" || die "$out/run-$n cannot be made"

	for f in "$out"/*; do

		case $f in "$out"/run-*) ;; *) mv "$f" "$out/run-$n/" ;; esac
	done
}

run_all()
{
	local end=$((SECONDS + limit)) failed=0 name left most

	mkdir -p "$out" || die "$out cannot be made"
	keep_earlier
	mkdir -p "$out/logs" || die "$out cannot be made"
	find_libraries || die "the libraries could not be unpacked"
	touch "$out/logs/summary" "$out/logs/sections"

	for name in $(names); do

		[ -z "$only" ] || listed "$only" "$name" || continue
		! listed "$leave_out" "$name" || continue

		left=$((end - SECONDS))
		most=$(limit_of "$name")
		[ "$most" -le "$left" ] || most=$left

		if [ "$most" -lt 10 ]; then

			echo "SKIP: out of time; run.sh <output folder> --only $name does it" > "$out/logs/$name.log"
			status=77
			took=0
		else
			run_part "$name" "$most"
		fi

		case $status in 0|77) ;; *) failed=1 ;; esac

		printf '%-10s %-20s %4d s  %s\n' "$name" "$(verdict)" "$took" "$([ 77 != $status ] || grep -a '^SKIP' "$out/logs/$name.log" | tail -n 1)"
		echo "| $name | $(verdict) | $took |" >> "$out/logs/summary"
		section "$name" >> "$out/logs/sections"

		# as a whole each time: a run that is cut off leaves what it has
		{ summary; cat "$out/logs/sections"; } > "$out/report.md"
	done

	rm -f "$out/logs/summary" "$out/logs/sections"
	tar -C "$out" -czf "$out/logs.tar.gz" logs && rm -rf "$out/logs"
	echo "report: $out/report.md"
	return $failed
}

only=
leave_out=
limit=570
part=
out=

while [ 0 -lt $# ]; do

	case $1 in
	--only) only=$2; shift ;;
	--skip) leave_out=$2; shift ;;
	--limit) limit=$2; shift ;;
	--part) part=$2; shift ;;
	--list) echo "$PARTS"; exit 0 ;;
	--libraries) find_libraries; cat "$lib/path"; exit 0 ;;
	-*) die "$1: no such option; the beginning of $self says which there are" ;;
	*) out=$1 ;;
	esac

	shift
done

[ -n "$out" ] || die "run.sh <output folder>"

for name in $(echo "$only,$leave_out" | tr , ' '); do

	names | grep -qx "$name" || die "$name: no such part; --list shows them"
done

if [ -n "$part" ]; then

	"part_$part"
	exit $?
fi

mkdir -p "$out"
out=$(cd "$out" && pwd)

run_all
