#!/bin/bash
# BART's own tests, in its tree as it comes and in ours: what passes there passes here.
#
#	tests/bart-suite.sh [-s] [build folder, build/cpu by default] [switch ...]
#
#	-s		a part: what is near to the patches, and to what the commands call
#	switch		as given to make when the folder was built (MPI=1)
#
# `make utest` (unit tests) and `make test` (its tools), with -k. With -s the tree as it
# comes is asked for what fails here alone, so that it is not built where nothing does. JOBS
# is make's -j, for the tests. Logs are <build folder>/suite-*.log and the same of the
# other tree, which is <build folder>-pristine.
#
# The last line: N passed in both, N failed in both, N failed here alone. Status 1 where
# the last is not 0.
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

# <tree> <variable>: its words in BART's makefiles
words()
{
	$make -C "$1" "${switches[@]}" --eval='.PHONY: words
words: ; @echo words: $('"$2"')' words | sed -n 's/^words: //p' | tr ' ' '\n' | sort -u
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
	local status=0

	say "make $2 in ${1#"$root"/}: $(wc -l < "$4")"
	$make -C "$1" "${switches[@]}" -k -j"$jobs" "$2" "$3=$(tr '\n' ' ' < "$4")" > "$1/suite-$2.log" 2>&1 || status=$?

	# with -k make fails with 2, and says so of the goal at the end
	case $status in
	0) ;;
	2) grep -q "Target '$2' not remade" "$1/suite-$2.log" || die "make $2 ended early, see $1/suite-$2.log" ;;
	*) die "make $2 ended with $status, see $1/suite-$2.log" ;;
	esac

	echo $status > "$1/suite-$2.status"
}

# tests that passed have left a file, by which make would not run them again
forget() { rm -rf "$1"/tests/test-* "$1"/tests/out/*.* "$1"/tests/tmp/[0-9]*; }

# failed_tests <tree>: those of `make test` that failed, or could not be run since something else did
failed_tests()
{
	# BART's colours may come before it
	sed -nE -e 's/^.*make(\[[0-9]+\])?: \*\*\* \[[^]]*[: ]([^]: ]+)\] .*/\2/p' \
		-e "s/^.*make(\[[0-9]+\])?: Target '([^']+)' not remade.*/\2/p" "$1/suite-test.log" | sort -u
}

# a unit test that passed: "./test_fft: 5/5 passed."
passed_units() { tr -d '\r' < "$1/suite-utest.log" | sed -nE 's,^.*\./(test_[a-z0-9_]+): *([0-9]+)/ *\2 passed\..*$,\1,p' | sort -u; }

# suite <tree> <tests> <units>: leaves $tree/suite-passed
suite()
{
	forget "$1"
	run "$1" utest UTARGETS "$3"
	run "$1" test TESTS "$2"

	{
		comm -12 "$3" <(passed_units "$1")
		comm -23 "$2" <(failed_tests "$1")

	} | sort -u > "$1/suite-passed"

	# what make itself says of the two must agree with what was read from its log
	sort -u "$2" "$3" | comm -23 - "$1/suite-passed" > "$1/suite-failed"
	agrees "$1" utest "$(comm -12 "$3" "$1/suite-failed" | wc -l)"
	agrees "$1" test "$(comm -12 "$2" "$1/suite-failed" | wc -l)"
}

agrees()
{
	[ "$([ 0 -eq "$3" ] && echo 0 || echo 2)" = "$(cat "$1/suite-$2.status")" ] \
		|| die "$3 failed in $1/suite-$2.log, but make's status is $(cat "$1/suite-$2.status")"
}

# -- the two trees

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
	sort -u "$tmp/chosen-tests" > "$tmp/tests"
	sort -u "$tmp/chosen-units" > "$tmp/units"
fi

suite "$build" "$tmp/tests" "$tmp/units"

if [ -n "$part" ]; then

	comm -12 "$tmp/tests" "$build/suite-failed" > "$tmp/again"
	mv "$tmp/again" "$tmp/tests"
	comm -12 "$tmp/units" "$build/suite-failed" > "$tmp/again"
	mv "$tmp/again" "$tmp/units"
fi

: > "$tmp/passed"
: > "$tmp/failed"

if [ -s "$tmp/tests" ] || [ -s "$tmp/units" ]; then

	unpack
	build "$pristine"

	# both trees know the same tests, or what is compared is not BART's suite
	[ -n "$part" ] || { words "$pristine" TESTS | cmp - "$tmp/tests" && words "$pristine" UTARGETS | cmp - "$tmp/units" ; } \
		|| die "the two trees do not have the same tests"

	suite "$pristine" "$tmp/tests" "$tmp/units"
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
