#!/bin/bash
# Fuzzing of what reads files and options of others (see README.md in this folder).
#
#	tests/fuzz/run.sh <target> <seconds>	builds with clang and looks for inputs that break
#						something; ends with status 1 at the first one
#	tests/fuzz/run.sh replay [<target>...]	builds with gcc and runs the inputs of corpus/ once
#	tests/fuzz/run.sh build <target>	build/fuzz/gleam_fuzz_<target> with clang alone
#	tests/fuzz/run.sh minimize <target>	corpus/<target> from what was found and what is there,
#						as few and as small files as reach as much
#
# Both are built with AddressSanitizer and UndefinedBehaviorSanitizer. Needs
# clang and libblocksruntime-dev for all but replay; CLANG=<command> names another clang.
set -eu

cd "$(dirname "$0")/../.."
root=$PWD
here=tests/fuzz

CLANG=${CLANG:-clang}

export ASAN_OPTIONS=allocator_may_return_null=1:detect_leaks=0:handle_abort=1${ASAN_OPTIONS:+:$ASAN_OPTIONS}
export UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1
export OMP_NUM_THREADS=1

# a file for each harness, and more that are no harness
targets() { for f in "$here"/*.c; do grep -q "^int LLVMFuzzerTestOneInput" "$f" && basename "$f" .c; done; }

die() { echo "run.sh: $*" >&2; exit 1; }

not_built() { grep -a "error\|\*\*\*" "$1" | head -n 20; die "could not be built"; }

is_target() { targets | grep -qx -- "$1" || die "'$1' is no target, expected one of: $(targets | paste -s -d ' ')"; }

make_tmp()
{
	tmp=$(mktemp -d /dev/shm/gleam-fuzz.XXXXXX 2> /dev/null) || tmp=$(mktemp -d)
	trap 'rm -rf "$tmp"' EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM
	export FUZZ_TMP=$tmp
}

# One thread and no OpenMP: error() leaves critical sections without opening them.
build_clang()
{
	command -v "$CLANG" > /dev/null || die "no $CLANG: apt install clang libblocksruntime-dev"

	make VARIANT=fuzz overlay > /dev/null
	scripts/clang-labels.sh build/fuzz

	# BART's arrays may have no elements where there are no dimensions
	local sanitizers="-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize=vla-bound -fno-sanitize-recover=all"

	# the C library has CMPLXF for compilers that say they are a new GCC
	export CFLAGS="-O1 -g -fno-omit-frame-pointer $sanitizers -fdouble-square-bracket-attributes -w -D'CMPLXF(x,y)=__builtin_complex(x,y)'"

	make VARIANT=fuzz CC="$CLANG" OMP=0 DNNL=0 FUZZ_LINK=-fsanitize=fuzzer "fuzz-$1" > build/fuzz/.log 2>&1 \
		|| { not_built build/fuzz/.log; }
}

# what one input may take, and what libFuzzer is told of it; stdout and stderr of the commands are closed
LIMITS="-timeout=20 -rss_limit_mb=4096 -malloc_limit_mb=1024 -close_fd_mask=3 -print_funcs=0"

fuzz()
{
	local target=$1 seconds=$2
	local found=$root/build/fuzz-found/$target

	build_clang "$target"
	make_tmp
	mkdir -p "$found/corpus"

	local dict=
	[ ! -f "$here/$target.dict" ] || dict=-dict=$root/$here/$target.dict

	# new inputs go to the first folder, and are a start for the next time
	"$root/build/fuzz/gleam_fuzz_$target" $LIMITS -max_len=8192 $dict -max_total_time="$seconds" -print_final_stats=1 \
		-artifact_prefix="$found/" "$found/corpus" "$root/$here/corpus/$target" \
		|| die "$target: an input broke something; it is in $found, the reason above"
}

# Those with names of their own stay; of the others as few as reach every branch that
# is reached. MAX_LEN: of files that are taken.
minimize()
{
	local target=$1 corpus=$root/$here/corpus/$1 found=$root/build/fuzz-found/$1/corpus

	build_clang "$target"
	make_tmp
	mkdir -p "$tmp/kept" "$tmp/others" "$found"

	# copies, since a fuzzer may be at work there
	cp "$corpus"/* "$tmp/others/"
	cp -r "$found" "$tmp/found"

	mv "$tmp"/others/seed-* "$tmp/kept/"
	mv "$tmp"/others/fixed-* "$tmp/kept/" 2> /dev/null || true

	"$root/build/fuzz/gleam_fuzz_$target" $LIMITS -set_cover_merge=1 -use_counters=0 -use_cmp=0 -max_len="${MAX_LEN:-1024}" \
		"$tmp/kept" "$tmp/others" "$tmp/found" 2>&1 | tail -n 1

	rm -f "$corpus"/*
	cp "$tmp"/kept/* "$corpus/"
	echo "$target: $(ls "$corpus" | wc -l) files, $(cat "$corpus"/* | wc -c) bytes"
}

replay()
{
	local target status=0 passed=0 failed=0

	[ $# -gt 0 ] || set -- $(targets)

	make_tmp

	for target in "$@"; do

		is_target "$target"

		make VARIANT=replay ASAN=1 UBSAN=1 DEBUG=1 OMP=0 DNNL=0 FUZZ_MAIN=replay "fuzz-$target" > "$tmp/log" 2>&1 \
			|| { not_built "$tmp/log"; }

		if "build/replay/gleam_fuzz_$target" "$root/$here/corpus/$target" > "$tmp/log" 2>&1; then

			echo "PASS  fuzz: $target: $(grep -ao '[0-9]* inputs$' "$tmp/log" | tail -n 1)"
			passed=$((passed + 1))
		else
			tail -n 60 "$tmp/log"
			echo "FAIL  fuzz: $target: $(grep -a '^== ' "$tmp/log" | tail -n 1)"
			failed=$((failed + 1))
		fi
	done

	echo "$passed passed, $failed failed, 0 skipped"
	[ 0 -eq $failed ]
}

case ${1:-} in

replay)
	shift
	replay "$@"
	;;

build|minimize)
	[ $# -eq 2 ] || die "$1 <target>"
	is_target "$2"
	[ "$1" = minimize ] || { build_clang "$2"; exit; }
	minimize "$2"
	;;

*)
	[ $# -eq 2 ] || die "<target> <seconds>, replay, build <target> or minimize <target>"
	is_target "$1"
	fuzz "$1" "$2"
	;;
esac
