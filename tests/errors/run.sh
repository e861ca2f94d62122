#!/bin/bash
# Every wrong input of the table: status 1, a message that names the file (or option), what
# was found, what was expected and a way out, and no file harmed, made or left behind.
# With a binary that has AddressSanitizer (BART=build/asan/bart) what it reports, leaks among
# it, is a failure.
#
#	tests/errors/run.sh [<pattern>]		only cases whose name has it
source "$(dirname "$0")/../lib.sh"

HERE=$ROOT/tests/errors

# a command for whom permissions count, as they do not for root
as-user()
{
	local as=

	[ 0 -ne "$(id -u)" ] || as="setpriv --bounding-set=-dac_override,-dac_read_search --inh-caps=-dac_override,-dac_read_search"

	(bart() { $as "$BART" "$@"; }; "$@")
}

gleam() { bart gleam --pattern t-pat $small "$@"; }
infer() { bart gleam-infer --pattern t-pat "$@"; }
radial() { bart gleam --trajectory s-traj $small "$@"; }

source "$HERE/inputs.sh"

# what there is: names, kinds, modes, and contents of all but the huge file, which is of no blocks
files()
{
	find . -type f -printf '%P %m %T@\n' -o -printf '%P %y %m %l\n' | sort
	find . -type f -size -1G -print0 | sort -z | xargs -0 cksum
}

# the case: its name, commands, and what the message must have
begin()
{
	name=${1:-}
	commands=()
	what=()
	must=()
}

# one command: message, status, files
run_case()
{
	local command=$1 before=$2 out status i missing=

	out=$(eval "$command" 2>&1 > /dev/null < /dev/null)
	status=$?

	[ 1 -eq $status ] || missing="status $status, not 1"

	for i in "${!must[@]}"; do

		printf '%s' "$out" | tr '\n' ' ' | grep -qE -- "${must[i]}" || missing="${missing:+$missing; }no ${what[i]} '${must[i]}'"
	done

	case $out in
	*Sanitizer*|*"runtime error:"*) missing="${missing:+$missing; }a report of a sanitizer" ;;
	esac

	[ "$before" = "$(files)" ] || missing="${missing:+$missing; }files have changed: $(diff <(echo "$before") <(files) | tr '\n' ' ')"

	[ -z "$missing" ] && { pass "${command%% *}: $name"; return; }

	fail "${command%% *}: $name" "$command: $missing
$out"
}

# a row that demands too little would be no test
complete()
{
	case ${what[*]} in
	"file found expected mend"|"option expected"|"option found expected") ;;
	*) fail "$name" "the table asks for: ${what[*]}; wanted are file, found, expected, mend, or option, expected"; return 1 ;;
	esac
}

end()
{
	local before c

	[ 0 -lt ${#commands[@]} ] && complete || return 0

	before=$(files)

	for c in "${commands[@]}"; do

		run_case "$c" "$before"
	done
}

all()
{
	local line key

	begin

	while IFS= read -r line; do

		case $line in
		"#"*|"") ;;
		"	gleam "*|"	infer "*|"	radial "*|"	as-user "*|"	bart "*|"	("*) commands+=("${line#	}") ;;
		"	"*)
			line=${line#	}
			key=${line%% *}
			what+=("$key")
			must+=("${line#"$key" }") ;;
		*)
			end
			begin
			[[ $line != *"$1"* ]] || begin "$line" ;;
		esac

		# one that was not asked for
		[ -n "${name:-}" ] || commands=()
	done

	end
}

all "${1:-}" < "$HERE/table"
[ 0 -lt $((passed + failed)) ] || { echo "no case has '$1' in its name"; exit 1; }

# what is no error, as it might be meant
bart scale 38 t-ksp notunitary
check "a reference in other units than k-space is warned of" eval 'gleam w2 notunitary t-map t-ref 2>&1 | tr "\n" " " \
	| grep -q "WARN: notunitary: the reference of sample . is 0.0.* times.*expected about 1.*bart fft -u"'
check "... and one in the same is not" eval '! gleam w2 t-ksp t-map t-ref 2>&1 | grep -q WARN'

finish
