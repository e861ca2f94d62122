#!/bin/bash
# The scripts that make data of series: patterns, simulation, compressed sensing,
# comparison; with a moving phantom of 32 x 32 pixels and 8 frames.
. "$(dirname "$0")/../lib.sh"

S=$ROOT/scripts
export BART TMPDIR=$TMP
unset BART_DEBUG_LEVEL

if [ -z "$NUMPY" ]; then

	skip "scripts for series" "no python3 with numpy"
	finish
	exit
fi

# numpy on stdin, arguments are names of files; asserts
check_numbers() { PYTHONPATH=$S "$NUMPY" - "$@"; }

# a disc whose radius changes with time, and one at rest
moving()
{
	local t

	for t in 0 1 2 3 4 5 6 7; do

		bart phantom -x 32 -2 --ELLIPSOID --ellipsoid_center 14:17:0 --ellipsoid_axes $((8 + (t > 4 ? 8 - t : t))):$((14 - (t > 4 ? 8 - t : t))):1 "a$t" > /dev/null
		bart phantom -x 32 -2 --ELLIPSOID --ellipsoid_center 16:16:0 --ellipsoid_axes 28:26:1 b > /dev/null
		bart saxpy 1. "a$t" b "f$t"
	done

	bart join 10 f0 f1 f2 f3 f4 f5 f6 f7 "$1"
	bart scale 100 "$1" "$1"
}

pattern() { "$S/pattern-kt.sh" -C 4 -V 20 "$@" > /dev/null; }

# <pattern> <R> <readout sampled>
good_pattern()
{
	check_numbers "$@" <<-PYTHON
	import sys, cfl, numpy as np
	p = np.abs(cfl.read(sys.argv[1]))
	p = p.reshape(p.shape[0], p.shape[1], -1)
	R = p.size / p.sum()
	assert abs(R / float(sys.argv[2]) - 1.) < 0.02, "R %f" % R
	assert set(np.unique(p)) == {0., 1.}
	X, Y, T = p.shape
	centre = p[:, Y // 2 - 2:Y // 2 + 2] if "yes" == sys.argv[3] else p[X // 2 - 2:X // 2 + 2, Y // 2 - 2:Y // 2 + 2]
	assert centre.all(), "centre"
	assert "no" == sys.argv[3] or (p == p[:1]).all(), "the readout is not fully sampled"
	assert all((p[:, :, i] != p[:, :, j]).any() for i in range(T) for j in range(i)), "two frames are the same"
	PYTHON
}

# what is measured is taken from the middle more often than from the rim, and
# neighbouring frames share fewer lines than by chance
dense_and_complementary()
{
	check_numbers "$@" <<-PYTHON
	import sys, cfl, numpy as np
	p = np.abs(cfl.read(sys.argv[1]))[0].reshape(cfl.dims(sys.argv[1])[1], -1) > 0
	Y = p.shape[0]
	often = p.mean(axis=1)
	r = abs(np.arange(Y) - Y // 2)
	assert often[(r > 2) & (r < Y // 6)].mean() > 1.5 * often[r > Y // 3].mean(), "no variable density"
	o = often < 1.
	both = (p[o, 1:] & p[o, :-1]).mean()
	assert both <= (often[o] ** 2).mean(), "shared %f, by chance %f" % (both, (often[o] ** 2).mean())
	missed = (often == 0.) & (r < Y // 8)
	assert not missed.any(), "lines of the middle are in no frame"
	PYTHON
}

pattern -R 4 -s 7 32 32 8 p1
pattern -R 4 -s 7 32 32 8 p2
pattern -R 4 -s 8 32 32 8 p3
pattern -R 10 -s 7 -b 80 80 3 p4
pattern -R 10 -s 3 4 192 20 p5

check "k-t pattern: R, centre, frames" good_pattern p1 4 yes
check "k-t pattern: R = 10, 192 lines, 20 frames" good_pattern p5 10 yes
check "k-t pattern: density, neighbouring frames" dense_and_complementary p5
check "k-t pattern: both dimensions" good_pattern p4 10 no
check "k-t pattern: the same seed, the same pattern" same_bits p1 p2
expect_different() { ! same_bits "$1" "$2"; }
check "k-t pattern: another seed, another pattern" expect_different p1 p3
expect_error "k-t pattern: R that leaves less than the centre" "R = 20.*smaller centre" "$S/pattern-kt.sh" -R 20 -C 4 32 32 8 p6

moving series
"$S/simulate-cine.sh" -R 4 -C 4 -k 12 -n 100 data series series 2> log || cat log

# what was kept of k-space is where the pattern is one, and A^H A of the fully
# sampled reference, sampled again, is near it (noise, errors of the maps)
consistent()
{
	bart fmac data/ksp data/pat again
	same_bits data/ksp again || return
	bart fmac data/ref data/maps coils
	bart fft -u 3 coils full
	bart fmac full data/pat expected
	compare "$(nrmse data/ksp expected)" "<" 0.1
}

unit_maps()
{
	bart rss 8 data/maps rss
	bart ones 16 32 32 1 1 1 1 1 1 1 1 1 1 1 2 1 1 ones
	compare "$(nrmse ones rss)" "<" 1e-5
}

# the magnitudes that went in, up to noise
true_magnitude()
{
	bart cabs data/ref magnitude
	bart slice 13 0 magnitude first
	compare "$(nrmse series first)" "<" 0.05
}

sizes() { [ "$(sed -n 2p data/ksp.hdr | xargs)" = "32 32 1 8 1 1 1 1 1 1 8 1 1 2 1 1" ] && [ "$(sed -n 2p data/maps.hdr | xargs)" = "32 32 1 8 1 1 1 1 1 1 1 1 1 2 1 1" ]; }

check "simulated series: sizes" sizes
check "simulated series: k-space and reference agree" consistent
check "simulated series: maps of unit root sum of squares" unit_maps
check "simulated series: the reference has the magnitudes of the series" true_magnitude
check "simulated series: R" good_pattern data/pat 4 yes

repeated()
{
	"$S/simulate-cine.sh" -R 4 -C 4 -k 12 -n 100 data2 series series && same_bits data/ksp data2/ksp && same_bits data/ref data2/ref
}

check "simulated series: the same seed, the same data" repeated
expect_error "simulation: an image instead of a series" "one frame.*simulate.sh" "$S/simulate-cine.sh" data3 f0

"$S/zero-filled.sh" data/ksp data/maps zf
psnr() { "$NUMPY" "$S/metrics.py" --mean psnr data/ref a="$1"; }
better() { compare "$(psnr cs)" ">" "$(awk "BEGIN { print 3 + $(psnr zf) }")"; }

check "compressed sensing of series" "$S/cs-cine.sh" -l "0.002 0.001" -i 40 run data cs
check "... is better than zero-filled by 3 dB" better
expect_error "compressed sensing: one number" "expected two numbers" "$S/cs-cine.sh" -l 0.002 run data cs1

# a pattern of one frame, pattern and maps that the series share: as if they were there for each
shared()
{
	mkdir -p one all
	bart slice 13 0 data/maps one/maps
	bart slice 13 0 data/pat first
	bart slice 10 0 first one/pat
	bart repmat 13 2 one/maps all/maps
	bart repmat 13 2 one/pat first
	bart repmat 10 8 first all/pat
	bart fmac data/ksp all/pat one/ksp
	bart copy one/ksp all/ksp

	for d in one all; do

		"$S/cs-cine.sh" -l "0.002 0.001" -i 3 run $d $d/cs || return
	done

	compare "$(nrmse all/cs one/cs)" "<" 1e-5
}

check "compressed sensing: shared pattern and maps" shared

# what the experiments do: a first training, then more of it that only does harm
experiment() { TIME=4 FEATURES=4 VALID_EVERY=5 "$S/results-cine.sh" none exp pgd4; }
nrmse_of() { sed -n 's/^valid-nrmse //p' exp/pgd4/weights.hdr; }

only_better()
{
	mkdir -p exp/cine
	ln -s "$PWD/data" exp/cine/train
	ln -s "$PWD/data" exp/cine/valid
	experiment || return
	before=$(nrmse_of)
	LR=1 MORE=1 experiment || return
	echo "$before before, $(nrmse_of) after"
	[ "$before" = "$(nrmse_of)" ]
}

check "experiments: more training that is worse does not count" only_better

"$BART" gleam --modl -I 1 --features 4 --cg-iter 4 -b 1 -n 2 -s 1 --pattern data/pat weights data/ksp data/maps data/ref > /dev/null 2>&1
check "comparison of series" "$S/compare.sh" -w "small=weights" -w "again=weights" -l "0.002 0.001" -i 10 -s 1 data out
expect_error "comparison: two networks of one name" "-w small=.*twice" "$S/compare.sh" -w "small=weights" -w "small=weights" data out
lines() { [ "$(grep -cE '(time_average|zero-filled|CS|small|again)' out/table.md)" = 5 ] && [ "$(wc -l < out/metrics.csv)" = $((1 + 5 * 16)) ] && same_bits out/gleam1 out/gleam2; }
check "comparison: a line for each, metrics of each frame" lines

if "$NUMPY" -c 'import matplotlib' 2> /dev/null; then

	check "picture of series" grep -aq PNG out/panel.png
else
	skip "picture of series" "no matplotlib for $NUMPY"
fi

finish
