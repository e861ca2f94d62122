# Sourced by paper.sh: what the tables are made of. A network is named
# <kind>-r<R>-<trainer>; kinds: pgd, modl, brain, cine-pgd, cine-modl.

TABLES="table1 table2 table3 table4 table5"

# get <kind> <NAME>: <KIND>_<NAME>, else <NAME>, of the settings
get()
{
	eval "echo \"\${$(echo "$1" | tr a-z- A-Z_)_$2:-\${$2:-}}\""
}

kind_of_table()
{
	case $1 in
	table1) echo pgd ;;
	table2) echo modl ;;
	table3) echo brain ;;
	table4) echo cine-pgd ;;
	table5) echo cine-modl ;;
	esac
}

# R_of <kind>: its accelerations
R_of()
{
	case $1 in
	pgd) echo "$PGD_R" ;;
	modl) echo "$MODL_R" ;;
	brain) echo "$BRAIN_R" ;;
	cine*) echo "$CINE_R" ;;
	esac
}

trainers_of()
{
	case $1 in
	*modl) echo "end-to-end checkpoint mel greedy" ;;
	*) echo "end-to-end greedy" ;;
	esac
}

# nets_of <table> [<how many of its accelerations>]
nets_of()
{
	k=$(kind_of_table "$1") n=0

	for r in $(R_of "$k"); do

		[ "$n" != "${2:-all}" ] || break
		n=$((n + 1))
		for t in $(trainers_of "$k"); do echo "$k-r$r-$t"; done
	done
}

# table_of <network>
table_of()
{
	for table in $TABLES; do

		! nets_of "$table" | grep -qx -- "$1" || { echo "$table"; return; }
	done
}

# set_of <kind> <R>: the name of its data
set_of()
{
	case $1 in
	pgd|modl) echo "knee/r$2" ;;
	brain) echo "brain/r$2" ;;
	cine*) echo "cine/r$2" ;;
	esac
}

# data_of <set>: its folder; KNEE, BRAIN and CINE are the user's own
data_of()
{
	case $1 in
	knee/*) echo "${KNEE:-$out/data/knee}/${1#*/}" ;;
	brain/*) echo "${BRAIN:-$out/data/brain}/${1#*/}" ;;
	cine/*) echo "${CINE:-$out/data/cine}/${1#*/}" ;;
	memory/*) echo "$out/data/memory/${1#*/}" ;;
	esac
}

# mu_of <kind> <R>: of a list of one for each acceleration
mu_of()
{
	awk -v mu="$(get "$1" MU)" -v all="$(R_of "$1")" -v R="$2" \
		'BEGIN { n = split(mu, m, " "); k = split(all, r, " "); for (i = 1; i <= k; i++) if (r[i] == R) print m[i < n ? i : n] }'
}

# shape_of <kind> <trainer>: N and M; greedy is deeper where the kind says so
shape_of()
{
	deep=$(get "$1" DEEP_N)

	case $2 in
	greedy) [ -n "$deep" ] && echo "-I $deep -M $(get "$1" DEEP_M)" || echo "-I $(get "$1" N) -M $(get "$1" N)" ;;
	mel-all) echo "-I $(get "$1" N) --trainer mel --checkpoints 1" ;;
	mel) echo "-I $(get "$1" N) --trainer mel --checkpoints $(get "$1" CHECKPOINTS)" ;;
	*) echo "-I $(get "$1" N) --trainer $2" ;;
	esac
}

# network <name>: kind, R, trainer, set, and net: its options. mel-all: mel without
# checkpoints but the output, as in figure 7
network()
{
	kind=${1%%-r[0-9]*}
	R=${1#"$kind"-r} trainer=${R#*-} R=${R%%-*}
	set=$(set_of "$kind" "$R")

	net="$(shape_of "$kind" "$trainer") --features $(get "$kind" FEATURES) $(get "$kind" OPTIONS) $OPTIONS"

	case $kind in
	*modl) net="--modl --mu $(mu_of "$kind" "$R") $net" ;;
	*) net="--pgd $net" ;;
	esac
}

# on the CPU a training has one thread, and as many run as there are cores
gpu=${GPU:+-g --precision $GPU}
[ -n "${GPU:-}" ] && : "${JOBS:=1}" || : "${JOBS:=$(env -u OMP_NUM_THREADS nproc)}"
