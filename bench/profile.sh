#!/bin/bash
# Where the time of a training iteration goes: perf samples, shared out among the
# files of src/ that a function comes from. Needs perf (Debian: linux-perf).
. "$(dirname "$0")/lib.sh"

TREE=$(dirname "$BART")

if ! perf record -q -o "$WORK/test" true 2> /dev/null; then

	echo "SKIP: perf is not here, or may not record (Debian: apt-get install linux-perf; kernel.perf_event_paranoid at most 2)"
	exit 0
fi

# lines "<part> <function>": which part of the work the functions of a file are
parts()
{
	nm "$TREE/lib/libgleam.a" "$TREE/lib/libnn.a" 2> /dev/null | awk '
		/:$/			{ part = "rest" }
		/^(winograd|backend|tile|dnnl_conv|bias).*:$/	{ part = "convolutions" }
		/^(prox|adam).*:$/	{ part = "network" }
		/^dc.*:$/		{ part = "consistency" }
		$2 ~ /^[tT]$/		{ sub(/\..*/, "", $3); print part, $3 }'
}

# samples <sort keys>: lines "<percent>;<key>;..."
samples()
{
	perf report -i "$WORK/perf" --no-children --stdio --sort "$1" -t ';' 2> /dev/null | grep -v '^#' | tr -d ' %' | grep .
}

# profile <name> <data> <option of bart gleam> ...: one row of the table
profile()
{
	local name=$1 p=$WORK/$2
	shift 2

	perf record -q -o "$WORK/perf" "$BART" gleam -b 1 -n 6 --valid-every 1000 --pattern "$p-pat" "$@" \
		"$WORK/weights" "$p-ksp" "$p-maps" "$p-ref" 2> /dev/null

	# libraries as a whole: of FFTW each address without a symbol would be a line
	samples dso > "$WORK/libraries"
	samples dso,symbol | grep ';bart;' > "$WORK/functions"

	awk -F '[; ]' -v name="$name" '
		FILENAME ~ /parts$/ { part[$2] = $1; next }
		FILENAME ~ /functions$/ {

			f = $3
			sub(/^\[[^]]*\]/, "", f)
			sub(/\..*/, "", f)
			sum[(f in part) ? part[f] : "rest"] += $1
			next
		}
		$2 ~ /dnnl/	{ sum["convolutions"] += $1; next }
		$2 ~ /fftw/	{ sum["fft"] += $1; next }
		$2 ~ /gomp/	{ sum["waiting"] += $1; next }
		$2 ~ /libc\./	{ sum["libc"] += $1; next }
		$2 ~ /kernel/	{ sum["kernel"] += $1; next }
		"bart" != $2	{ sum["rest"] += $1 }
		END {
			printf "| %s | %.1f | %.1f | %.1f | %.1f | %.1f | %.1f | %.1f | %.1f |\n", name, sum["convolutions"], sum["fft"],
				sum["consistency"], sum["network"], sum["libc"], sum["waiting"], sum["kernel"], sum["rest"]
		}' "$WORK/parts" "$WORK/functions" "$WORK/libraries"
}

make_data "$WORK/one" 1
make_series "$WORK/series" 1
parts | sort -u > "$WORK/parts"

cat << END
Percent of the samples of six iterations, the start and the first touch of memory (kernel) with them. Copying by the C library
is part of the convolutions and of FFTW; waiting is that of threads for each other.

| | convolutions | FFTW | data consistency | network | C library | waiting | kernel | rest |
| --- | --- | --- | --- | --- | --- | --- | --- | --- |
END

profile "PGD, N = 8, 100 features" one --pgd --features 100
profile "PGD, N = 8, 32 features" one --pgd --features 32
profile "MoDL, N = 8, 70 features" one --modl --features 70
profile "3D PGD, N = 4, 60 features" series --pgd -I 4 --features 60
profile "3D MoDL, N = 4, 50 features" series --modl -I 4 --features 50
echo
