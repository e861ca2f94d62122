#!/bin/sh
# Runs the program of this name in bin/ with the libraries that run.sh unpacked and found.
here=$(dirname "$(readlink -f "$0")")
lib=${TMPDIR:-/tmp}/gleam-bundle.$(id -u)/$(cat "$here/lib.sum")

[ -O "$lib/path" ] || { echo "$0: the libraries are still packed: call $here/run.sh --libraries first" >&2; exit 127; }

LD_LIBRARY_PATH=$(cat "$lib/path")${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
export LD_LIBRARY_PATH

exec "$here/bin/$(basename "$0")" "$@"
