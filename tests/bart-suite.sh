#!/bin/bash
# BART's own tests, in its tree as it comes and in ours: what passes there passes here.
#
#	tests/bart-suite.sh [-s] [build folder, build/cpu by default] [switch ...]
#
#	-s		a part: what is near to the patches, and to what the commands call
#	switch		as given to make when the folder was built (MPI=1)
#
# `make utest` (unit tests) and `make test` (its tools), with -k. What fails in one tree
# alone is run once more there: some of BART's tests have limits that sums in another order
# exceed. With -s the tree as it comes is asked for what fails here only, so that it is not
# built where nothing does. JOBS is make's -j, for the tests. Logs are
# <build folder>/suite-*.log and the same of the other tree, <build folder>-pristine.
#
# The last line: how many passed and failed. Status 1 where any fails here alone.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
part=

if [ -s = "${1:-}" ]; then

	part=1
	shift
fi

build=$(cd "${1:-$root/build/cpu}" && pwd)
pristine=$build-pristine
shift || true
switches=("$@")
jobs=${JOBS:-1}

# make's messages are read below
export LC_ALL=C

say() { printf 'suite: %s\n' "$*" >&2; }
die() { say "$*"; exit 2; }

# -- what belongs to the part

# Patch 0001: how commands are found, loops, streams; 0002, 0004: options; 0003: error(), so
# what is to fail. The rest: what src/gleam calls, and libnn, into which src/nn is built.
# Names are those after tests/test-, with % for anything.
part_of_tests="
	opts-% version sub% stream% io% multicfl copy% join% compress
	noise-loop% fft-multi-loop-omp pics-cart-loop% pics-cart-slice pics-eulermaruyama-loop%
	fft-% fmac-sum nrmse-scale reshape extract% slice% squeeze flatten vec% calc-%
	nufft-forward nufft-adjoint nufft-batch nufft-inverse nufft-toeplitz nufft-nudft nufft-lowmem-zero-mem
	ecalib pics-pi pics-cs pics-weights pics-noncart pics-basis-noncart nlinv nlinv-noncart nlinv-batch%
	reconet-nnmodl-train-noncart measure-%"

part_of_units="
	test_misc test_types test_memcfl test_streams test_pattern test_tree
	test_multind test_flpmath test_fft test_mdfft test_rand test_blas test_linop test_nufft test_iter
	test_nn test_nn_ops"

# choose <file of all> <word ...>: what of it they stand for
choose()
{
	local from=$1 word
	shift

	for word in "$@"; do

		grep -xE "${word//%/.*}" "$from" || die "BART has no test of the name $word"
	done
}

# <tree> <variable>: its words in BART's makefiles, in their order, since some tests use what
# others have made
words()
{
	$make -C "$1" "${switches[@]}" --eval='.PHONY: words
words: ; @echo words: $('"$2"')' words | sed -n 's/^words: //p' | tr ' ' '\n' | awk '!seen[$0]++'
}

# -- running

make="make --no-print-directory"

unpack()
{
	local tarball
	tarball=$(ls "$root"/build/download/bart_*.orig.tar.gz)

	[ ! "$pristine/.unpacked" -nt "$tarball" ] || return 0

	rm -rf "$pristine"
	mkdir -p "$pristine"
	tar -C "$pristine" --strip-components=1 -xf "$tarball"
	touch "$pristine/.unpacked"
}

build()
{
	say "building ${1#"$root"/}"
	$make -C "$1" "${switches[@]}" -j"$(nproc)" bart > "$1/suite-build.log" 2>&1 || die "see $1/suite-build.log"
}

# run <tree> <goal> <variable> <file of its words>: a goal of BART's makefiles, on these tests only
run()
{
	local status=0 log=$1/suite-$2$again.log

	say "make $2 in ${1#"$root"/}: $(wc -l < "$4")"
	$make -C "$1" "${switches[@]}" -k -j"$jobs" "$2" "$3=$(tr '\n' ' ' < "$4")" > "$log" 2>&1 || status=$?

	# with -k make fails with 2, and says so of the goal at the end
	case $status in
	0) ;;
	2) grep -q "Target '$2' not remade" "$log" || die "make $2 ended early, see $log" ;;
	*) die "make $2 ended with $status, see $log" ;;
	esac

	echo $status > "$tmp/status-$2"
}

# tests that passed have left a file, by which make would not run them again
forget() { rm -rf "$1"/tests/test-* "$1"/tests/out/*.* "$1"/tests/tmp/[0-9]*; }

# failed_tests <tree>: those of `make test` that failed, or could not be run since something else did
failed_tests()
{
	# BART's colours may come before it
	sed -nE -e 's/^.*make(\[[0-9]+\])?: \*\*\* \[[^]]*[: ]([^]: ]+)\] .*/\2/p' \
		-e "s/^.*make(\[[0-9]+\])?: Target '([^']+)' not remade.*/\2/p" "$1/suite-test$again.log" | sort -u
}

# a unit test that passed: "./test_fft: 5/5 passed."
passed_units() { tr -d '\r' < "$1/suite-utest$again.log" | sed -nE 's,^.*\./(test_[a-z0-9_]+): *([0-9]+)/ *\2 passed\..*$,\1,p' | sort -u; }

# suite <tree> <tests> <units>: leaves suite-passed and suite-failed there
suite()
{
	[ -n "$again" ] || forget "$1"
	run "$1" utest UTARGETS "$3"
	run "$1" test TESTS "$2"

	sort "$2" > "$tmp/sorted-test"
	sort "$3" > "$tmp/sorted-utest"

	{
		comm -12 "$tmp/sorted-utest" <(passed_units "$1")
		comm -23 "$tmp/sorted-test" <(failed_tests "$1")

	} | sort > "$1/suite-passed"

	sort "$2" "$3" | comm -23 - "$1/suite-passed" > "$1/suite-failed"

	agrees "$1" utest
	agrees "$1" test
}

# what make itself says must agree with what was read from its log
agrees()
{
	local failed
	failed=$(comm -12 "$tmp/sorted-$2" "$1/suite-failed" | wc -l)

	[ "$([ 0 -eq "$failed" ] && echo 0 || echo 2)" = "$(cat "$tmp/status-$2")" ] \
		|| die "$failed failed in $1/suite-$2$again.log, but make's status is $(cat "$tmp/status-$2")"
}

# once_more <tree> <tests and units>: tells which pass now, and counts them as passed
once_more()
{
	[ -s "$2" ] || return 0

	cp "$1/suite-passed" "$tmp/passed-first"
	cp "$1/suite-failed" "$tmp/failed-first"
	grep '^tests/' "$2" > "$tmp/tests" || true
	grep -v '^tests/' "$2" > "$tmp/units" || true

	again=-again
	suite "$1" "$tmp/tests" "$tmp/units"
	again=

	sed 's/$/ ('"$(basename "$1")"')/' "$1/suite-passed" >> "$tmp/unstable"
	comm -23 "$tmp/failed-first" "$1/suite-passed" > "$1/suite-failed"
	sort -o "$1/suite-passed" "$tmp/passed-first" "$1/suite-passed"
}

# -- the two trees

again=
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

build "$build"

words "$build" TESTS > "$tmp/tests"
words "$build" UTARGETS > "$tmp/units"

if [ -n "$part" ]; then

	mv "$tmp/tests" "$tmp/all-tests"
	mv "$tmp/units" "$tmp/all-units"
	choose "$tmp/all-tests" $(printf 'tests/test-%s ' $part_of_tests) > "$tmp/chosen-tests"
	choose "$tmp/all-units" $part_of_units > "$tmp/chosen-units"
	grep -xFf "$tmp/chosen-tests" "$tmp/all-tests" > "$tmp/tests"
	grep -xFf "$tmp/chosen-units" "$tmp/all-units" > "$tmp/units"
fi

suite "$build" "$tmp/tests" "$tmp/units"

# nothing is there of the other tree yet
if [ -n "$part" ]; then

	mv "$tmp/tests" "$tmp/all-tests"
	mv "$tmp/units" "$tmp/all-units"
	grep -xFf "$build/suite-failed" "$tmp/all-tests" > "$tmp/tests" || true
	grep -xFf "$build/suite-failed" "$tmp/all-units" > "$tmp/units" || true
fi

: > "$tmp/unstable"
: > "$tmp/passed"
: > "$tmp/failed"

if [ -s "$tmp/tests" ] || [ -s "$tmp/units" ]; then

	unpack
	build "$pristine"

	# both trees know the same tests, or what is compared is not BART's suite
	[ -n "$part" ] || { words "$pristine" TESTS | cmp - "$tmp/tests" && words "$pristine" UTARGETS | cmp - "$tmp/units" ; } \
		|| die "the two trees do not have the same tests"

	suite "$pristine" "$tmp/tests" "$tmp/units"

	comm -12 "$build/suite-failed" "$pristine/suite-passed" > "$tmp/here"
	comm -12 "$build/suite-passed" "$pristine/suite-failed" > "$tmp/there"
	once_more "$build" "$tmp/here"
	once_more "$pristine" "$tmp/there"

	cp "$pristine/suite-passed" "$tmp/passed"
	cp "$pristine/suite-failed" "$tmp/failed"
fi

# -- report

list()
{
	[ ! -s "$tmp/$1" ] || { echo "$2:"; sed 's/^/	/' "$tmp/$1"; }
}

count() { wc -l < "$tmp/$1"; }

comm -12 "$build/suite-passed" "$tmp/passed" > "$tmp/passed-both"
comm -12 "$build/suite-failed" "$tmp/failed" > "$tmp/failed-both"
comm -12 "$build/suite-passed" "$tmp/failed" > "$tmp/failed-there"
comm -12 "$build/suite-failed" "$tmp/passed" > "$tmp/failed-here"

list unstable "passed when run once more"
list failed-both "failed in both"
list failed-there "failed in BART as it comes alone"
list failed-here "failed here alone"

if [ -n "$part" ]; then

	echo "$(wc -l < "$build/suite-passed") passed, $(count failed-both) failed in both, $(count failed-here) failed here alone"
else
	echo "$(count passed-both) passed in both, $(count failed-both) failed in both," \
		"$(count failed-there) failed in BART as it comes alone, $(count failed-here) failed here alone"
fi

[ ! -s "$tmp/failed-here" ]
