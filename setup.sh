#!/bin/sh
# Prepares a bare Debian (or a derivative) machine: installs the packages that
# building, testing and the demo need, and fetches BART's source, once, to
# build/download/. Safe to repeat: what is there is left alone. No system file
# is touched except through apt.
#
#	./setup.sh			packages and source
#	BART_SRC=<folder or tarball> ./setup.sh	use a source tree that you have
#	GLEAM_SETUP_EXTRA="pkg ..." ./setup.sh	further packages
set -eu

VERSION=1.0.00
SHA256=05eb050759436cb183d8c576a88967ad9d3a987270e68dcdb78663ba4d7ef1e0

# gcc 12 or newer; BART; the CPU backend; unit tests; scripts and pictures
PACKAGES="gcc g++ make patch libc6-dev
	libfftw3-dev libopenblas-dev liblapacke-dev libpng-dev
	libdnnl-dev libcriterion-dev
	libopenmpi-dev openmpi-bin
	bc procps python3-numpy python3-matplotlib ${GLEAM_SETUP_EXTRA:-}"

# a relative BART_SRC is the caller's
case ${BART_SRC:-} in
''|/*) ;;
*) BART_SRC=$PWD/$BART_SRC ;;
esac

cd "$(dirname "$0")"

say() { printf 'setup: %s\n' "$*" >&2; }

die() { say "$*"; exit 1; }

as_root()
{
	if [ 0 = "$(id -u)" ]; then

		"$@"

	elif command -v sudo > /dev/null; then

		sudo "$@"
	else
		die "needs root or sudo to run: $*"
	fi
}

missing_packages()
{
	for p in $PACKAGES; do

		dpkg-query -W -f '${db:Status-Status}\n' "$p" 2> /dev/null | grep -qx installed || printf '%s ' "$p"
	done
}

install_packages()
{
	if ! command -v apt-get > /dev/null; then

		say "no apt-get here: install the equivalents of these Debian packages by hand:"
		say $PACKAGES
		return
	fi

	missing=$(missing_packages)

	if [ -z "$missing" ]; then

		say "packages: all there"
		return
	fi

	say "installing: $missing"

	as_root apt-get update -q > /dev/null || say "apt-get update failed; trying with the lists that are there"
	as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $missing > /dev/null \
		|| die "could not install: $missing. Is there a network? Install them by hand and run this again."
}

no_source()
{
	say "$*"
	die "BART $VERSION's source is needed. Ways out: (1) connect to a network on which apt works and
	run this again; (2) BART_SRC=<folder or tarball of BART $VERSION> ./setup.sh"
}

check_sha256()
{
	echo "$SHA256  $1" | sha256sum --check --status
}

# The archive's address is the one that apt uses on this machine. Only a private
# list (Debian's development suite, where the source package is) and a private
# folder for the downloaded lists are added.
fetch_from_archive()
{
	command -v apt-get > /dev/null || no_source "no apt-get here."

	[ -n "$(apt-get indextargets --format '$(ORIGIN)' 'Created-By: Packages')" ] || as_root apt-get update -q > /dev/null || true

	site=$(apt-get indextargets --format '$(REPO_URI) $(ORIGIN) $(CODENAME)' 'Created-By: Packages' \
		| awk '"Debian" == $2 && $3 !~ /security/ { print $1 ; exit }')

	[ -n "$site" ] || no_source "no Debian archive in apt's configuration."

	work=$(mktemp -d)
	trap 'rm -rf "$work"' EXIT
	chmod 755 "$work"
	mkdir -p "$work/lists/partial"

	for suite in sid testing; do

		echo "deb-src [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $site $suite main"

	done > "$work/src.list"

	private="-q -o Dir::Etc::sourcelist=$work/src.list -o Dir::Etc::sourceparts=/dev/null
		-o Dir::State::lists=$work/lists -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache=
		-o APT::Sandbox::User=root"

	apt-get $private update > "$work/log" 2>&1 || no_source "apt could not read the archive's list of sources: $(tail -n 1 "$work/log")"

	full=$(apt-cache $private showsrc --only-source bart 2> /dev/null \
		| awk -v v="$VERSION-" '"Version:" == $1 && 1 == index($2, v) { print $2 ; exit }')

	[ -n "$full" ] || no_source "the archive no longer has the source package bart $VERSION."

	(cd "$work" && apt-get $private source --download-only --only-source "bart=$full" > log 2>&1) \
		|| no_source "could not fetch the source package: $(tail -n 1 "$work/log")"

	mv "$work/bart_$VERSION.orig.tar.gz" "$1"
}

# A given source: a folder is used as it is, of a tarball the contents count
use_given()
{
	[ -e "$BART_SRC" ] || die "BART_SRC=$BART_SRC: no such file or folder"

	if [ -d "$BART_SRC" ]; then

		[ -f "$BART_SRC/src/bart.c" ] || die "BART_SRC=$BART_SRC: not a BART source tree (no src/bart.c in it)"
		[ "v$VERSION" = "$(cat "$BART_SRC/version.txt")" ] \
			|| say "warning: $BART_SRC is BART $(cat "$BART_SRC/version.txt"); this was made for v$VERSION"

		tar -C "$BART_SRC" --exclude=.git --exclude='*.o' --exclude='*.a' --transform "s,^\.,bart-$VERSION," -czf "$1" .
	else
		check_sha256 "$BART_SRC" || say "warning: $BART_SRC is not the tarball of BART $VERSION in Debian's archive"
		cp "$BART_SRC" "$1"
	fi
}

provide_source()
{
	tarball=build/download/bart_$VERSION.orig.tar.gz
	mkdir -p build/download

	if [ -n "${BART_SRC:-}" ]; then

		use_given "$tarball.new"
		cmp -s "$tarball.new" "$tarball" || mv "$tarball.new" "$tarball"
		rm -f "$tarball.new"
		sha256sum < "$tarball" > build/download/given
		say "BART's source: $BART_SRC"
		return
	fi

	if [ -f "$tarball" ] && check_sha256 "$tarball"; then

		say "BART's source: there"
		return
	fi

	if [ -f "$tarball" ] && sha256sum < "$tarball" | cmp -s - build/download/given; then

		say "BART's source: the one that BART_SRC gave (remove build/download for Debian's)"
		return
	fi

	fetch_from_archive "$tarball.new"
	check_sha256 "$tarball.new" || no_source "the SHA-256 of the fetched source is not the expected one ($SHA256)."
	mv "$tarball.new" "$tarball"
	say "BART's source: fetched to $tarball"
}

install_packages
provide_source
say "done"
