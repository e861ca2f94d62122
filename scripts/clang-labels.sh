#!/bin/sh
# Until version 18 clang does not take a label in front of a declaration or at the
# end of a block, which C23 allows and BART uses: a statement is put behind each.
#
#	scripts/clang-labels.sh <build folder>
set -eu

cd "$1"

[ ! -f .labels ] || exit 0

label='^([ 	]*(case [^:]+|default|[a-z]+)):$'

# our own have none
grep -rlE --include=*.c "$label" src | grep -v '^src/gleam/' | xargs sed -i -E "s/$label/\\1: ;/"
touch .labels
