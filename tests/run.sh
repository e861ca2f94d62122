#!/bin/bash
# Runs all tests of a build: unit tests (Criterion), then the end-to-end tests.
# Closes with one line: N passed, N failed, N skipped.
#
#	tests/run.sh [build folder, build/cpu by default]
set -u

cd "$(dirname "$0")/.."
build=$(cd "${1:-build/cpu}" && pwd) || exit 1

export BART=$build/bart
passed=0
failed=0
skipped=0
out=$(mktemp)
trap 'rm -f "$out"' EXIT

add() { passed=$((passed + $1)); failed=$((failed + $2)); skipped=$((skipped + $3)); }

# Criterion's closing line: Synthesis: Tested: n | Passing: n | Failing: n | Crashing: n
# a crash before it counts as one failure
count_unit()
{
	local line tested ok skips

	line=$(grep -a 'Synthesis:' "$out" | tail -n 1 | sed 's/\x1b\[[0-9;]*m//g')
	skips=$(grep -ac 'SKIP' "$out")

	if [ -z "$line" ]; then

		add 0 1 0
		return
	fi

	tested=$(echo "$line" | sed 's/.*Tested: *\([0-9]*\).*/\1/')
	ok=$(echo "$line" | sed 's/.*Passing: *\([0-9]*\).*/\1/')
	add "$ok" $((tested - ok)) "$skips"
}

echo "== unit tests"
"$build/gleam_unit" > "$out" 2>&1
status=$?
cat "$out"
count_unit
[ 0 -eq $status ] || [ 0 -ne $failed ] || failed=1

for t in tests/errors/run.sh tests/e2e/*.sh; do

	echo "== ${t#tests/}"
	bash "$t" > "$out" 2>&1
	status=$?
	cat "$out"

	line=$(grep -E '^[0-9]+ passed, [0-9]+ failed, [0-9]+ skipped$' "$out" | tail -n 1)

	if [ -n "$line" ]; then

		add $(echo "$line" | tr -dc '0-9 ')
	else
		echo "FAIL  $t ended early with status $status"
		add 0 1 0
	fi
done

echo
echo "$passed passed, $failed failed, $skipped skipped"
[ 0 -eq $failed ]
