#!/bin/bash
# Tests under tools that see what tests alone do not: accesses of memory that is not theirs,
# leaks, undefined behaviour, races of threads.
#
#	tests/sanitize.sh asan [<test> ...]		AddressSanitizer (and leaks), UndefinedBehaviorSanitizer
#	tests/sanitize.sh valgrind [<test> ...]		Valgrind's memcheck
#	tests/sanitize.sh tsan [<test> ...]		ThreadSanitizer: threads that read samples ahead (on the
#							emulated device), ranks
#	tests/sanitize.sh omp [<test> ...]		ThreadSanitizer with clang, whose OpenMP it understands:
#							loops on several threads
#
# <test>: unit, errors, or a script of tests/e2e; all that fit the tool by default. A test
# fails if it fails, or where the tool has seen anything, whatever the test made of it.
# Needs valgrind, or clang, libblocksruntime-dev and libomp-dev.
set -eu

cd "$(dirname "$0")/.."
root=$PWD
tool=${1:-}
[ $# -eq 0 ] || shift

die() { echo "sanitize.sh: $*" >&2; exit 1; }

need() { command -v "$1" > /dev/null || die "no $1: apt install $2"; }

# build <variant> <what> <make's switches>: build/<variant>/bart, perhaps gleam_unit
build()
{
	log=$reports/build
	make VARIANT="$1" $2 "${@:3}" > "$log" 2>&1 || { grep -a "error\|\*\*\*" "$log" | head -n 20; die "could not be built"; }
}

# BART's own files have some of clang's warnings, ours are to have none; both use C23
no_warnings_of_ours()
{
	local own=$reports/own

	find src tests -name '*.c' -printf '/%P:\n' > "$own"

	if grep -F -f "$own" "$log" | grep "warning:"; then

		die "clang warns of files of ours"
	fi

	rm -f "$own"
}

make_asan()
{
	build asan "all unit" DEBUG=1 ASAN=1 UBSAN=1
	bin=$root/build/asan
	export ASAN_OPTIONS=log_path=$reports/asan UBSAN_OPTIONS=print_stacktrace=1:log_path=$reports/ubsan
}

# Behind a script of the command's name, since BART looks at it. Leaks are AddressSanitizer's: where error() ends
# a process memcheck does not find the pointers of what it was about to return.
make_valgrind()
{
	need valgrind valgrind
	build cpu "all unit"

	local program
	bin=$reports/bin
	mkdir "$bin"

	for program in bart gleam_unit; do

		cat > "$bin/$program" <<-END
			#!/bin/sh
			exec valgrind -q --trace-children=yes --leak-check=no --error-exitcode=99 \\
				--suppressions=$root/tests/valgrind.supp --log-file=$reports/valgrind.%p $root/build/cpu/$program "\$@"
		END
		chmod +x "$bin/$program"
	done
}

tsan_options() { export TSAN_OPTIONS=ignore_noninstrumented_modules=1:suppressions=$root/tests/tsan.supp:log_path=$reports/tsan:exitcode=66; }

# kernels of the emulated device, which are C++, run as fibers, of which the tool is not told
make_tsan()
{
	CFLAGS="-O1 -g -fno-omit-frame-pointer -fsanitize=thread" build tsan all MPI=1 EMULATE=1 OMP=0 DNNL=0
	bin=$root/build/tsan
	tsan_options
}

make_omp()
{
	need clang "clang libblocksruntime-dev libomp-dev"
	make VARIANT=omp overlay > /dev/null
	scripts/clang-labels.sh build/omp
	CFLAGS="-O1 -g -fno-omit-frame-pointer -fsanitize=thread -fdouble-square-bracket-attributes -Wno-c2x-extensions -D'CMPLXF(x,y)=__builtin_complex(x,y)'" \
		build omp all CC=clang DNNL=0
	no_warnings_of_ours
	bin=$root/build/omp
	tsan_options
	export OMP_NUM_THREADS=4
}

# Those that measure memory or time, or test scripts alone, have nothing to look at; those that do
# something to a run at some iteration would have to wait longer under valgrind. Criterion does not
# run under ThreadSanitizer.
default_tests()
{
	case $tool in
	asan) echo unit errors train infer trainers resume numbers volumes radial bart kill scripts ;;
	valgrind) echo unit errors infer ;;
	tsan) echo ranks-g ranks ;;
	omp) echo train volumes radial ;;
	esac
}

run_test()
{
	case $1 in
	# as a library BART goes on after error(), which gives back nothing
	bart) ASAN_OPTIONS=${ASAN_OPTIONS:-}:detect_leaks=0 BART=$bin/bart bash tests/e2e/bart.sh ;;
	unit) "$bin/gleam_unit" ;;
	errors) BART=$bin/bart tests/errors/run.sh ;;
	ranks-g) GPU=-g BART=$bin/bart bash tests/e2e/ranks.sh ;;
	*) BART=$bin/bart bash "tests/e2e/$1.sh" ;;
	esac
}

# what the tool has written; of valgrind there is a file of each process, most of them empty
seen() { find "$reports" -maxdepth 1 -type f -size +0 ! -name test.log ! -name build; }

sanitize()
{
	local status=0 begin=$SECONDS

	run_test "$1" > "$reports/test.log" 2>&1 || status=$?

	if [ 0 -eq $status ] && [ -z "$(seen)" ]; then

		pass=$((pass + 1))
		echo "PASS  $tool: $1 ($((SECONDS - begin)) s): $(tail -n 1 "$reports/test.log" | sed 's/\x1b\[[0-9;]*m//g')"
	else
		fail=$((fail + 1))
		grep -A 12 "^FAIL\|FAIL\]" "$reports/test.log" | head -n 60 || true
		seen | head -n 3 | xargs -r head -n 60
		echo "FAIL  $tool: $1 ($((SECONDS - begin)) s): status $status, $(seen | wc -l) reports"
	fi

	seen | xargs -r rm -f
}

reports=$(mktemp -d)
trap 'rm -rf "$reports"' EXIT
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-1}
pass=0
fail=0

case $tool in
asan|valgrind|tsan|omp) "make_$tool" ;;
*) die "expected asan, valgrind, tsan or omp" ;;
esac

# ThreadSanitizer wants memory where a kernel with much randomness (vm.mmap_rnd_bits) has none
if "$bin/bart" version 2>&1 | grep -q "unexpected memory mapping" || cat "$reports"/tsan.* 2> /dev/null | grep -q "unexpected memory mapping"; then

	echo "SKIP  $tool: ThreadSanitizer cannot run here: lower vm.mmap_rnd_bits (sysctl) to 28"
	echo "0 passed, 0 failed, 1 skipped"
	exit 0
fi

[ $# -gt 0 ] || set -- $(default_tests)

for t in "$@"; do

	sanitize "$t"
done

echo "$pass passed, $fail failed, 0 skipped"
[ 0 -eq $fail ]
