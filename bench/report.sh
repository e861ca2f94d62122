# Sourced by what writes reports, after lib.sh: on what machine, with what.

cpu_name()
{
	sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1
}

package_version()
{
	dpkg-query -W -f '${Package} ${Version}\n' "$@" 2> /dev/null || true
}

isa()
{
	for f in avx2 avx512f avx512_bf16 amx_tile; do

		if grep -qw "$f" /proc/cpuinfo; then printf '%s ' "$f"; fi
	done
}

# header <title> <threads or ranks> <packages ...>
header()
{
	local title=$1 used=$2
	shift 2

	echo "# $title, $(date +%Y-%m-%d)"
	echo
	echo "* $(cpu_name), $(nproc) cores, $(isa); $used used"
	echo "* load average before the start: $(cut -d ' ' -f 1-3 /proc/loadavg) (it should be near zero)"
	echo "* BART $("$BART" version); $(package_version "$@" | paste -s -d , | sed 's/,/, /g')"
	[ 1 != "${BENCH_QUICK:-0}" ] || echo "* BENCH_QUICK: small sizes; these figures mean nothing"
	echo
}

# report_name <folder> [what]
report_name()
{
	echo "$1/$(date +%Y-%m-%d)-$(cpu_name | tr -cs 'A-Za-z0-9\n' '-' | sed 's/-$//')${2:+-$2}.md"
}
