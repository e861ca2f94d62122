#!/bin/sh
# Lays this repository's sources over a BART tree. Only files that differ are
# copied, so that make rebuilds no more than what changed; files that have gone
# from here go there too.
#
#	scripts/overlay.sh <tree> [cpu|cuda|emulated]
#
# The code for the GPU is laid only where it is compiled. For the emulated device a
# C++ compiler compiles the .cu files.
set -eu

tree=$1
gpu=${2:-cpu}
cd "$(dirname "$0")/.."

pairs_gpu()
{
	for f in src/gpu/*.c; do

		echo "$f $f"
	done

	for f in src/gpu/*.cu src/nn/*.cu src/gleam/*.cu; do

		[ ! -f "$f" ] || echo "$f $f$([ cuda = "$gpu" ] || echo .cc)"
	done

	for f in tests/unit/*.cu; do

		[ ! -f "$f" ] || echo "$f utests/gleam/${f##*/}$([ cuda = "$gpu" ] || echo .cc)"
	done

	if [ emulated = "$gpu" ]; then

		for f in tests/emulator/*.h tests/emulator/*.cc tests/emulator/include/*.h; do

			echo "$f src/emulator/${f#tests/emulator/}"
		done
	else
		for f in tests/emulator/check_values.c tests/emulator/include/*_values.h tests/emulator/include/*_functions.h; do

			echo "$f utests/gleam/${f##*/}"
		done

		for f in tests/cudnn/*.c; do

			echo "$f utests/cudnn/${f##*/}"
		done
	fi
}

pairs()
{
	for f in src/*.c src/gleam/*.[ch] src/nn/*.[ch] src/gpu/*.h; do

		[ ! -f "$f" ] || echo "$f $f"
	done

	[ cpu = "$gpu" ] || pairs_gpu

	for f in tests/unit/*.[ch]; do

		[ ! -f "$f" ] || echo "$f utests/gleam/${f##*/}"
	done

	echo "tests/e2e/library.c utests/library.c"

	for f in tests/fuzz/*.[ch]; do

		[ ! -f "$f" ] || echo "$f utests/fuzz/${f##*/}"
	done

	for f in bench/*.[ch]; do

		[ ! -f "$f" ] || echo "$f benchmarks/${f##*/}"
	done

	echo "bart/Makefile.gleam Makefiles/Makefile.gleam"
	echo "bart/gleam.mk tests/gleam.mk"
}

mkdir -p "$tree/src/gleam" "$tree/src/gpu" "$tree/utests/gleam" "$tree/utests/fuzz" "$tree/benchmarks"
[ emulated != "$gpu" ] || mkdir -p "$tree/src/emulator/include"
[ cuda != "$gpu" ] || mkdir -p "$tree/utests/cudnn"

pairs > "$tree/.overlay.new"

if [ -f "$tree/.overlay" ]; then

	cut -d ' ' -f 2 "$tree/.overlay" | while read -r old; do

		cut -d ' ' -f 2 "$tree/.overlay.new" | grep -qxF "$old" && continue

		# dependencies that name it would stop make; archives would keep its object
		rm -f "$tree/$old" "$tree/${old%.*}.o" "$tree/lib/libgleam.a" "$tree/lib/libnn.a" "$tree/lib/libgpu.a" "$tree/lib/libemulator.a"
		find "$tree/src" "$tree/utests/gleam" "$tree/utests/fuzz" -name '.*.d' -exec rm -f {} +

		# without these nothing tells which headers they were made with
		rm -f "$tree"/utests/gleam/*.o "$tree"/utests/fuzz/*.o "$tree"/benchmarks/*.o
	done
fi

while read -r from to; do

	cmp -s "$from" "$tree/$to" || cp "$from" "$tree/$to"

done < "$tree/.overlay.new"

mv "$tree/.overlay.new" "$tree/.overlay"
