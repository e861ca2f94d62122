#!/bin/sh
# Lays this repository's sources over a BART tree. Only files that differ are
# copied, so that make rebuilds no more than what changed; files that have gone
# from here go there too.
set -eu

tree=$1
cd "$(dirname "$0")/.."

pairs()
{
	for f in src/*.c src/gleam/*.[ch] src/gleam/*.cu src/nn/*.[ch] src/nn/*.cu; do

		[ ! -f "$f" ] || echo "$f $f"
	done

	for f in tests/unit/*.[ch]; do

		[ ! -f "$f" ] || echo "$f utests/gleam/${f##*/}"
	done

	for f in bench/*.[ch]; do

		[ ! -f "$f" ] || echo "$f benchmarks/${f##*/}"
	done

	echo "bart/Makefile.gleam Makefiles/Makefile.gleam"
	echo "bart/gleam.mk tests/gleam.mk"
}

mkdir -p "$tree/src/gleam" "$tree/utests/gleam" "$tree/benchmarks"

pairs > "$tree/.overlay.new"

if [ -f "$tree/.overlay" ]; then

	cut -d ' ' -f 2 "$tree/.overlay" | while read -r old; do

		cut -d ' ' -f 2 "$tree/.overlay.new" | grep -qxF "$old" && continue

		# dependencies that name it would stop make; archives would keep its object
		rm -f "$tree/$old" "$tree/${old%.*}.o" "$tree/lib/libgleam.a" "$tree/lib/libnn.a"
		find "$tree/src" "$tree/utests/gleam" -name '.*.d' -exec rm -f {} +
	done
fi

while read -r from to; do

	cmp -s "$from" "$tree/$to" || cp "$from" "$tree/$to"

done < "$tree/.overlay.new"

mv "$tree/.overlay.new" "$tree/.overlay"
