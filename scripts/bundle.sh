#!/bin/bash
# Makes a folder that is carried to a machine with a GPU, which needs no compiler
# there: programs, tests, benchmarks, small data, and the shared libraries that a
# machine with only the driver and CUDA's and cuDNN's libraries lacks.
#
#	scripts/bundle.sh <build folder> <bundle folder>	(make CUDA=1 CUDNN=1 bundle)
#
# There: <bundle folder>/run.sh <output folder>. The libraries are packed, because
# they are most of it; run.sh unpacks them.
set -eu

LIMIT_MIB=60

cd "$(dirname "$0")/.."
build=$1
out=$2
cuda=${CUDA_BASE:-/usr/local/cuda}

# what belongs to the system or to the machine's CUDA
NOT_OURS='^(ld-linux.*|linux-vdso.*|libc|libm|libdl|libpthread|librt|libresolv|libutil|libanl|libnss_.*)\.so|^lib(cu|nv|cudnn|nccl).*\.so'

die() { echo "bundle: $*" >&2; exit 1; }

# of BLAS and LAPACK the reference implementation will do, and is a tenth of OpenBLAS
small_blas() { printf '%s:' /usr/lib/*/blas /usr/lib/*/lapack; }

copy_programs()
{
	mkdir -p "$out/bin"

	for p in bart gleam_unit gleam_bench_conv $(cd "$build" && ls gleam_bench_gpu* 2> /dev/null); do

		[ -x "$build/$p" ] || die "$build/$p is not here: make CUDA=1 CUDNN=1 bundle builds it"
		strip -o "$out/bin/$p" "$build/$p"
		install -m 755 scripts/bundle/wrap.sh "$out/$p"
	done
}

# only where CUPTI is installed: the time split is left out on the other side otherwise
copy_trace()
{
	if [ ! -f "$cuda/include/cupti.h" ]; then

		echo "bundle: no CUPTI in $cuda: the time of an iteration will not be split" >&2
		return
	fi

	${CC:-cc} -O2 -Wall -Wextra -shared -fPIC -I"$cuda/include" -o "$out/bin/libgleam_trace.so" bench/gpu/trace.c \
		-L"$cuda/lib64" -L"$cuda/lib" -lcupti
	strip "$out/bin/libgleam_trace.so"
}

copy_scripts()
{
	mkdir -p "$out/tests/e2e" "$out/bench/gpu" "$out/scripts"
	cp tests/lib.sh tests/series.sh tests/run.sh "$out/tests/"
	cp tests/e2e/* "$out/tests/e2e/"
	cp bench/*.py bench/*.sh "$out/bench/"
	cp bench/gpu/*.py bench/gpu/*.sh "$out/bench/gpu/"
	cp scripts/*.py "$out/scripts/"
	cp LICENSE "$out/"
	install -m 755 scripts/bundle/run.sh "$out/run.sh"

	python3 -c 'import sys
sys.path.insert(0, "bench/gpu")
import split
print("\n".join(f"{k} {f}" for k, files in split.own_kernels().items() for f in sorted(files)))' > "$out/bench/gpu/kernels.txt"
}

# lines "<name> <file>": the libraries that the programs load here
libraries()
{
	for p in "$out"/bin/*; do

		LD_LIBRARY_PATH=$(small_blas) ldd "$p"

	done | awk '"=>" == $2 && $3 ~ /^\// { print $1, $3 }' | sort -u
}

# the newest glibc that these files ask for
glibc_of() { for f in "$@"; do objdump -T "$f"; done | grep -o 'GLIBC_[0-9.]*' | sed 's/GLIBC_//' | sort -uV | tail -n 1; }

copy_libraries()
{
	local stage
	stage=$(mktemp -d)

	libraries | grep -Ev "$NOT_OURS" | while read -r name file; do

		strip --strip-unneeded -o "$stage/$name" "$file"
	done

	tar -C "$stage" --owner=0 --group=0 --sort=name --mtime=@0 -cf - . | gzip -9n > "$out/lib.tar.gz"
	sha256sum < "$out/lib.tar.gz" | cut -c 1-16 > "$out/lib.sum"
	(cd "$stage" && ls -s --block-size=1K) > "$out/lib.txt"
	glibc_of "$out"/bin/* "$stage"/* > "$out/glibc.txt"
	rm -rf "$stage"
}

# what must come from the machine itself: one name a line
needed()
{
	for p in "$out"/bin/*; do

		readelf -d "$p" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p'

	done | sed -n '/^lib\(cu\|nv\)/p' | sort -u
}

# A small data set, and what the CPU gave for it: for a comparison on the other side
make_data()
{
	mkdir -p "$out/data"
	(
		export BART=$PWD/$build/bart
		TMPDIR=$PWD/$out
		. tests/lib.sh
		make_data "$TMP/small" 4 40 36 4 1

		for net in pgd modl; do

			"$BART" gleam --$net -I 3 --features 16 -b 2 -n 50 -s 1 --log "$TMP/small-$net.csv" \
				--pattern small-pat w-$net small-ksp small-map small-ref 2> /dev/null
		done

		rm -f w-*
		mv "$TMP"/small-* "$TMP/../data/"
	)
}

describe()
{
	echo "# Bundle of $(date +%Y-%m-%d)"
	echo
	echo "* commit $(git rev-parse --short HEAD 2> /dev/null || echo unknown)$(git diff --quiet HEAD 2> /dev/null || echo ', with changes')"
	echo "* built with $(${CC:-cc} --version | head -n 1), CUDA $("$cuda/bin/nvcc" --version 2> /dev/null | sed -n 's/.*release \([0-9.]*\).*/\1/p')"
	echo "* needs glibc $(cat "$out/glibc.txt") or newer, and from CUDA and cuDNN: $(needed | paste -s -d , | sed 's/,/, /g')"
}


[ -x "$build/bart" ] || die "$build/bart is not here: make CUDA=1 CUDNN=1 first"

rm -rf "$out"
mkdir -p "$out"

copy_programs
copy_trace
copy_scripts
copy_libraries
make_data
needed > "$out/needed.txt"
[ -s "$out/needed.txt" ] || echo "bundle: $build was built without CUDA" >&2
describe > "$out/BUNDLE.md"

kib=$(du -sk --apparent-size "$out" | cut -f 1)
[ "$kib" -lt $((LIMIT_MIB * 1024)) ] || die "$out takes $((kib / 1024)) MiB, more than the $LIMIT_MIB that may be carried: $(du -sk "$out"/* | sort -n | tail -n 4 | paste -s -d ' ')"

echo "$out: $((kib / 1024)) MiB. On the machine with the GPU: $(basename "$out")/run.sh <output folder>"
