# Sourced by paper.sh: the settings of all results in a folder.

# settings: a line for each, as they are now
settings()
{
	for name in $(sed -n 's/^: "${\([A-Z_]*\):=.*/\1/p' "$here/paper/$scale.conf"); do

		eval "echo \"$name=\$$name\""
	done
}

# ... and those of one kind of network, which the file has for all
overrides()
{
	for k in PGD MODL BRAIN CINE_PGD CINE_MODL; do
		for n in LR LR_END BATCH VALID_EVERY; do

			eval "[ -z \"\${${k}_$n:-}\" ] || echo \"${k}_$n=\$${k}_$n\""
		done
	done
}

# machine: where this runs
machine()
{
	processor=$(LC_ALL=C lscpu 2> /dev/null | sed -n 's/^Model name: *//p' | head -n 1)
	echo "processor: ${processor:-unknown}, $(env -u OMP_NUM_THREADS nproc) cores"
	[ -z "${GPU:-}" ] || echo "GPU: $( (nvidia-smi --query-gpu=name --format=csv,noheader 2> /dev/null || echo unknown) | head -n 1), $GPU"
	echo "BART: $("$BART" version 2> /dev/null | head -n 1), plugin $(cd "$root" && git describe --always --dirty 2> /dev/null || echo unknown)"
	"$PYTHON" -c 'import platform, numpy; print("Python %s, numpy %s" % (platform.python_version(), numpy.__version__))'
}

# all_settings: what results depend on
all_settings()
{
	settings
	overrides
	echo "GPU=${GPU:-}"
	for f in KNEE BRAIN CINE; do eval "echo \"$f=\${$f:-}\""; done
}

check_settings()
{
	whole JOBS "$JOBS" 1
	whole TIME_ITER "$TIME_ITER" 1
	whole TIME_ROUNDS "$TIME_ROUNDS" 1
	whole STAGE_SLICE "$STAGE_SLICE" 0
	[ -z "${PIECE:-}" ] || number PIECE "$PIECE" 1e-3

	# accelerations: numbers, none twice
	for name in PGD_R MODL_R BRAIN_R CINE_R; do

		eval "list=\$$name"
		[ -n "$list" ] || die "$name is empty, expected accelerations"
		for r in $list; do number "$name" "$r" 1; done
		[ -z "$(printf '%s\n' $list | sort | uniq -d)" ] || die "$name is '$list', expected each acceleration once"
	done

	for name in $(all_settings | sed -n 's/^\([A-Z_]*_\(N\|M\|FEATURES\|ITER\|BATCH\|VALID_EVERY\|SCANS\|X\|Y\)\|BATCH\|VALID_EVERY\)=.*/\1/p' | grep -vx MEMORY_N); do

		eval "whole $name \"\$$name\" 1"
	done

	for name in $(all_settings | sed -n 's/^\([A-Z_]*LR\(_END\)\?\|[A-Z]*_SNR\)=.*/\1/p'); do eval "number $name \"\$$name\" 0"; done
	for n in $MEMORY_N; do whole MEMORY_N "$n" 1; done
	for t in $TOLS; do number TOLS "$t" 1e-9; done
	for t in ${TIME_TABLES:-}; do echo "$TABLES" | grep -qw "$t" || die "TIME_TABLES is '$TIME_TABLES', expected some of: $TABLES"; done
	whole SEED "$SEED" 0
}

# holds_results: anything that depends on settings
holds_results() { for d in data nets cs stages images memory time; do [ ! -d "$out/$d" ] || return 0; done; return 1; }

# one_set: a folder holds results of one set of settings, and says of which machine
one_set()
{
	all_settings | awk '!seen[$0]++' > "$tmp/all"

	if [ ! -f "$out/settings" ] || ! holds_results; then

		mv "$tmp/all" "$out/settings"
		machine > "$out/machine"
		return
	fi

	now=$(grep -vxFf "$out/settings" "$tmp/all" | xargs)
	then=$(grep -vxFf "$tmp/all" "$out/settings" | xargs)

	[ -z "$now$then" ] || die "$out holds results of other settings: expected '$now', found '$then'. Give those again, or another folder"
}
