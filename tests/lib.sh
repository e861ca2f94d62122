# Sourced by the end-to-end tests: where things are, and what a test may say.
#
#	check <name> <command ...>		passes when the command does
#	expect_error <name> <pattern> <command ...>
#		the command must exit with status 1 and say something on stderr
#		that matches the (extended) pattern
#	skip <name> <reason>

set -u

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
BART=${BART:-$ROOT/build/cpu/bart}
export BART_TOOLBOX_PATH=$(dirname "$BART")
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-2}

TMP=$(mktemp -d "${TMPDIR:-/tmp}/gleam-test.XXXXXX")
trap 'rm -rf "$TMP"' EXIT
cd "$TMP"

passed=0
failed=0
skipped=0

pass() { passed=$((passed + 1)); echo "PASS  $1"; }

fail()
{
	failed=$((failed + 1))
	echo "FAIL  $1"
	[ -z "${2:-}" ] || echo "$2" | sed 's/^/      /'
}

skip() { skipped=$((skipped + 1)); echo "SKIP  $1: $2"; }

check()
{
	local name=$1 out
	shift

	if out=$("$@" 2>&1); then

		pass "$name"
	else
		fail "$name" "$* (status $?)
$out"
	fi
}

expect_error()
{
	local name=$1 pattern=$2 out status
	shift 2

	out=$("$@" 2>&1 > /dev/null)
	status=$?

	if [ 1 -ne $status ]; then

		fail "$name" "$*: status $status, not 1
$out"

	elif ! echo "$out" | tr '\n' ' ' | grep -qE -- "$pattern"; then

		fail "$name" "$*: no message like '$pattern' in
$out"
	else
		pass "$name"
	fi
}

finish()
{
	echo "$passed passed, $failed failed, $skipped skipped"
	[ 0 -eq $failed ]
}

bart() { "$BART" "$@"; }

# numbers: <a> <op> <b>; nothing is no number
compare() { [ -n "$1" ] && [ -n "$3" ] && awk -v a="$1" -v b="$3" "BEGIN { exit !(a $2 b) }" || { echo "not $1 $2 $3"; return 1; } ; }

nrmse() { bart nrmse "$1" "$2"; }

# largest relative distance of the losses of two CSV logs, of <iterations> at least
losses_apart()
{
	paste -d , <(cut -d , -f 2 "$1") <(cut -d , -f 2 "$2") \
		| awk -F, -v least="$3" 'NR > 1 { d = ($1 - $2) / $1; d = d < 0 ? -d : d; if (d > m) m = d; n++ } END { print (n < least) ? 9 : m + 0 }'
}

# a Python with numpy, or nothing
NUMPY=$(for p in python3 /usr/bin/python3; do "$p" -c 'import numpy' 2> /dev/null && echo "$p" && break; done)

same_bits() { cmp "$1.cfl" "$2.cfl"; }

# A small data set: <out> <samples> <X> <Y> <coils> <seed>. Ellipses of random
# intensity with a smooth phase, coils, noise, and a Poisson pattern.
make_data()
{
	local out=$1 n=$2 X=$3 Y=$4 C=$5 seed=$6 i

	bart phantom -T -x 64 -k -b "$out-basis.ra" > /dev/null
	bart phantom -S "$C" -x 64 "$out-sens.ra" > /dev/null
	bart resize -c 0 "$X" 1 "$Y" "$out-sens.ra" "$out-large.ra"
	bart normalize 8 "$out-large.ra" "$out-map1.ra"

	for i in $(seq 0 $((n - 1))); do

		bart ones 7 1 1 1 1 1 1 11 "$out-one.ra"
		bart noise -s $((seed + i)) -n 0.2 "$out-one.ra" "$out-weights.ra"
		bart fmac -s 64 "$out-basis.ra" "$out-weights.ra" "$out-pksp.ra"
		bart resize -c 0 "$X" 1 "$Y" "$out-pksp.ra" "$out-crop.ra"
		bart fft -u -i 3 "$out-crop.ra" "$out-img$i.ra"
		bart poisson -Y "$X" -Z "$Y" -y 1.6 -z 1.6 -C 8 -s $((seed + i)) "$out-p0.ra" > /dev/null
		bart reshape 7 "$X" "$Y" 1 "$out-p0.ra" "$out-pat$i.ra"
		bart copy "$out-map1.ra" "$out-map$i.ra"
	done

	local list
	list() { for i in $(seq 0 $((n - 1))); do printf '%s ' "$out-$1$i.ra"; done; }

	bart join 13 $(list img) "$out-ref"
	bart join 13 $(list pat) "$out-pat"
	bart copy "$out-map1.ra" "$out-map"
	bart fmac "$out-ref" "$out-map" "$out-coils.ra"
	bart fft -u 3 "$out-coils.ra" "$out-full.ra"
	bart noise -s "$seed" -n 0.000001 "$out-full.ra" "$out-noisy.ra"
	bart fmac "$out-noisy.ra" "$out-pat" "$out-ksp"

	rm -f "$out"-*.ra
}

# column <log> <name>: the values of a column of a CSV log; the last one
column() { awk -F, -v name="$2" 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == name) c = i } NR > 1 && $c != "" { print $c }' "$1"; }
last_of() { column "$@" | tail -n 1; }

# until_lines <log> <lines>: waits for a training in the background
until_lines() { local i; for i in $(seq 3000); do [ -e "$1" ] && [ "$(wc -l < "$1")" -ge "$2" ] && return; sleep 0.02; done; echo "no $2 lines in $1"; return 1; }

# has_backend <name>: is it in this binary?
has_backend() { ! bart gleam --backend "$1" none none none none 2>&1 | grep -q "there is none of this name"; }
