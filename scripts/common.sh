# Sourced by the other scripts: finds BART and a Python with numpy, keeps
# temporary files in one folder that goes at the end, and names the few
# operations that BART's tools need several calls for.

here=$(cd "$(dirname "$0")" && pwd)
root=$(dirname "$here")

die()
{
	echo "${0##*/}: $*" >&2
	exit 1
}

note()
{
	echo "$*" >&2
}

# BART=... chooses the binary; else the one built here, else the installed one

if [ -z "${BART:-}" ]; then

	BART=$root/build/cpu/bart
	[ -x "$BART" ] || BART=$(command -v bart) || die "no BART: run 'make', or set BART=<binary>"
fi

[ -x "$BART" ] || die "BART=$BART is not a program"

# errors and warnings only
export BART_DEBUG_LEVEL=${BART_DEBUG_LEVEL:-1}

# Threads that wait by spinning (the default) take the processor from each other
# on a machine that is busy: small arrays then take 100 times longer.
bart()
{
	OMP_WAIT_POLICY=passive "$BART" "$@"
}

# PYTHON=... chooses; a Python first in PATH may lack numpy where Debian's has it

if [ -z "${PYTHON:-}" ]; then

	for PYTHON in python3 /usr/bin/python3 ""; do

		[ -n "$PYTHON" ] || break
		"$PYTHON" -c 'import numpy, matplotlib' 2>/dev/null && break
	done
fi

# without matplotlib there are no pictures, all else needs numpy alone
if [ -z "$PYTHON" ]; then

	for PYTHON in python3 /usr/bin/python3 ""; do

		[ -n "$PYTHON" ] || die "no python3 with numpy: apt install python3-numpy python3-matplotlib"
		"$PYTHON" -c 'import numpy' 2>/dev/null && break
	done
fi

has_matplotlib()
{
	"$PYTHON" -c 'import matplotlib' 2>/dev/null
}

python()
{
	PYTHONPATH="$here${PYTHONPATH:+:$PYTHONPATH}" "$PYTHON" "$@"
}

tmp=$(mktemp -d "${TMPDIR:-/tmp}/gleam.XXXXXX")

# lists of files are words here
case $root$tmp in
*[[:space:]%]*) die "$root, $tmp: the scripts cannot work in folders with a space or % in their names; set TMPDIR, or move them" ;;
esac

trap 'rm -rf "$tmp"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# whole <what> <value> <least>: a whole number, or no way on
whole()
{
	case $2 in
	""|*[!0-9]*|??????????*) die "$1 is '$2', expected a whole number, $3 or more" ;;
	esac

	[ "$2" -ge "$3" ] || die "$1 is $2, expected $3 or more"
}

# number <what> <value> <least>
number()
{
	echo "$2" | grep -Eqx '[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?' || die "$1 is '$2', expected a number, $3 or more"
	awk "BEGIN { exit !($2 >= $3) }" || die "$1 is $2, expected $3 or more"
}

# has_folder <file>: may it be written there?
has_folder()
{
	[ -d "$(dirname "$1")" ] || die "$1: no folder of this name, create it first (mkdir -p $(dirname "$1"))"
}

# dim <d> <file>: size of a dimension; 1 where the header ends before it
dim()
{
	[ -f "$2.hdr" ] || die "$2.hdr: no such file"
	sed -n 2p "$2.hdr" | awk -v d="$1" '{ print (d + 1 <= NF) ? $(d + 1) : 1 }'
}

exists()
{
	for f in "$@"; do

		[ -f "$f.hdr" ] && [ -f "$f.cfl" ] || return 1
	done
}

# keep <from> <to>: moves a cfl, the header last, which says that it is there
keep()
{
	mv "$1.cfl" "$2.cfl"
	mv "$1.hdr" "$2.hdr"
}

# same_settings <folder> <settings>: those of what is there already; written as a
# whole, since others may read them
same_settings()
{
	if [ -f "$1/settings" ]; then

		[ "$2" = "$(cat "$1/settings")" ] \
			|| die "$1 holds results of other settings: expected '$2', found '$(cat "$1/settings")'. Remove it, or give another folder"
		return
	fi

	mkdir -p "$1"
	echo "$2" > "$tmp/settings"
	mv "$tmp/settings" "$1/settings"
}

# parallel <first> <last> <command>: calls it with each number, as many at a time
# as there are cores; fails when one of them does
parallel()
{
	p_last=$2 p_command=$3 p_i=$1

	while [ "$p_i" -le "$p_last" ]; do

		p_jobs=

		for p_core in $(seq "$(nproc)"); do

			[ "$p_i" -le "$p_last" ] || break
			$p_command "$p_i" &
			p_jobs="$p_jobs $!"
			p_i=$((p_i + 1))
		done

		for p_job in $p_jobs; do

			wait "$p_job" || die "$p_command failed"
		done
	done
}

# smooth_field <n> <deviation> <X> <Y> <slices> <seed> <output> [<nt> <frames>]:
# real, of the n x n lowest frequencies of an image (and the nt lowest in time). The
# real part keeps half the variance of n^2 nt coefficients of variance one, which a
# unitary transform spreads over all pixels.
smooth_field()
{
	bart zeros 16 "$1" "$1" 1 1 1 1 1 1 1 1 "${8:-1}" 1 1 "$5" 1 1 "$tmp/low"
	bart noise -s "$6" -n 1 "$tmp/low" "$tmp/low"
	bart resize -c 0 "$3" 1 "$4" 10 "${9:-1}" "$tmp/low" "$tmp/field"
	bart fft -iu 1027 "$tmp/field" "$tmp/field"
	bart creal "$tmp/field" "$tmp/field"
	bart scale "$(awk "BEGIN { print $2 * sqrt(2 * $3 * $4 * ${9:-1} / ${8:-1}) / $1 }")" "$tmp/field" "$7"
}

SLICES=8192	# bitmask of dimension 13
