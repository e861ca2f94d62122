#!/bin/bash
# The scripts that make data and experiments from nothing: volumes, sets of series,
# slabs, a choice of regularisation, the demo of cine; what they say at their limits.
. "$(dirname "$0")/../lib.sh"

S=$ROOT/scripts
export BART TMPDIR=$TMP
unset BART_DEBUG_LEVEL

if [ -z "$NUMPY" ]; then

	skip "simulation" "no python3 with numpy"
	finish
	exit
fi

beating() { PYTHONPATH=$S "$NUMPY" "$S/beating.py" "$@"; }
dims() { sed -n 2p "$1.hdr" | xargs; }

# adjoint <bits> <folder> <output>
adjoint() { "$BART" fft -iu "$1" "$2/ksp" "$TMP/c" && "$BART" fmac -C -s 8 "$TMP/c" "$2/maps" "$3"; }

# ---- volumes

"$S/simulate-volume.sh" -x 24 -C 8 -V 4 -R 3 -n 1000 2 vol 2> log || cat log

volume_dims() { [ "$(dims vol/ksp)" = "24 24 24 8 1 1 1 1 1 1 1 1 1 2 1 1" ] && [ "$(dims vol/ref)" = "24 24 24 1 1 1 1 1 1 1 1 1 1 2 1 1" ]; }

# k-space is that of the reference, where it was sampled; READ is sampled fully
volume_consistent()
{
	"$BART" fmac vol/ref vol/maps vc
	"$BART" fft -u 7 vc vf
	"$BART" fmac vf vol/pat ve
	compare "$(nrmse vol/ksp ve)" "<" 0.1 || return
	"$BART" extract 0 0 1 vol/pat first
	"$BART" repmat 0 24 first all
	same_bits all vol/pat
}

two_volumes() { "$BART" slice 13 0 vol/ref v0 && "$BART" slice 13 1 vol/ref v1 && compare "$(nrmse v0 v1)" ">" 0.3; }
volume_R() { awk '/^acceleration/ { exit !($3 > 2.9 && $3 < 3.1) }' vol/info.txt; }

check "volumes: dimensions" volume_dims
check "volumes: k-space and reference agree" volume_consistent
check "volumes: each is another one" two_volumes
check "volumes: R" volume_R
check "volumes: the same seed, the same data" eval '"$S/simulate-volume.sh" -x 24 -C 8 -V 4 -R 3 -n 1000 2 vol2 && same_bits vol/ksp vol2/ksp'
check "volumes: another seed, other data" eval '"$S/simulate-volume.sh" -x 24 -C 8 -V 4 -R 3 -n 1000 -s 2 2 vol2 && ! same_bits vol/ksp vol2/ksp'
check "volumes: a network trains on them" eval '"$BART" gleam -I 1 --features 4 -b 1 -n 1 --pattern vol/pat vw vol/ksp vol/maps vol/ref && grep -qx "spatial 3" vw.hdr'

# ---- slices, lines left out

"$S/phantoms.sh" -x 32 ellipses:3 heads
"$S/simulate.sh" -L -C 8 -R 2.5 -n 1000 lines heads 2> log || cat log

# 13 of 32 lines, the eight of the centre among them, the others not the same in all slices
random_lines()
{
	PYTHONPATH=$S "$NUMPY" - <<-PYTHON
	import cfl, numpy as np
	p = abs(cfl.read("lines/pat")).reshape(32, 32, 3)
	assert set(np.unique(p)) == {0., 1.}
	assert (p == p[:1]).all(), "READ is not fully sampled"
	lines = p[0] > 0
	assert (lines.sum(axis=0) == 13).all(), lines.sum(axis=0)
	assert lines[12:20].all(), "centre"
	assert (lines[:, 0] != lines[:, 1]).any() and (lines[:, 0] != lines[:, 2]).any(), "the same lines"
	PYTHON
}

# over many patterns every line has the same chance
evenly()
{
	PYTHONPATH=$S bash -c '
		tmp=. here=$0 X=1 Y=32 R=2.5 calib=8 lines=yes
		number() { :; }; whole() { :; }; python() { '"$NUMPY"' "$@"; }
		. "$here/sampling.sh"
		for i in $(seq 100); do random_lines $i even$i; done' "$S" || return

	PYTHONPATH=$S "$NUMPY" - <<-PYTHON
	import cfl, numpy as np
	often = np.mean([abs(cfl.read("even%d" % i)).reshape(32) for i in range(1, 101)], axis=0)
	others = np.r_[often[:12], often[20:]]
	assert (often[12:20] == 1.).all() and abs(others.mean() - 5. / 24.) < 1e-6
	assert abs(others - 5. / 24.).max() < 4.5 * np.sqrt(5. / 24. * 19. / 24. / 100.), others
	assert abs(others[:12].mean() - others[12:].mean()) < 0.05
	PYTHON
}

lines_consistent() { "$BART" fmac lines/ref lines/maps lc && "$BART" fft -u 3 lc lf && "$BART" fmac lf lines/pat le && compare "$(nrmse lines/ksp le)" "<" 0.1; }

check "lines: as many as R says, the centre, others in each slice" random_lines
check "lines: each with the same chance" evenly
check "lines: k-space and reference agree" lines_consistent
check "lines: the same seed, the same data" eval '"$S/simulate.sh" -L -C 8 -R 2.5 -n 1000 lines2 heads && same_bits lines/ksp lines2/ksp && grep -q "measured: 2.4615 .*random lines, 8 of the centre" lines2/info.txt'
check "lines: another seed, other lines" eval '"$S/simulate.sh" -L -C 8 -R 2.5 -n 1000 -s 2 lines3 heads && ! same_bits lines/pat lines3/pat'

# ---- patterns that are used in turn, a distance that is known

"$S/simulate.sh" -C 10 -R 4 -N 2 few heads 2> log || cat log
one_of() { "$BART" slice 13 "$1" few/pat "one$1"; }
in_turn() { one_of 0 && one_of 1 && one_of 2 && same_bits one0 one2 && ! same_bits one0 one1; }
known() { local d; d=$(sed -n 's/.*distance \([0-9.]*\)).*/\1/p' few/info.txt) && "$S/simulate.sh" -C 10 -R 4 -N 2 -D "$d" few2 heads && same_bits few/ksp few2/ksp && grep -q "distance $d)" few2/info.txt; }

check "patterns used in turn" in_turn
check "a distance that is known gives the same" known
expect_error "... one that is no number" "-D .distance. is 'far'" "$S/simulate.sh" -D far no heads

expect_error "lines: R that leaves less than the centre" "-R 8 leaves 4 of 32 lines.*-C asks for 8" "$S/simulate.sh" -L -C 8 -R 8 no heads
expect_error "lines: a centre too small for maps" "lines of the centre.*is 3, expected 6" "$S/simulate.sh" -L -C 3 -R 4 no heads

# ---- both dimensions are phase encodings

beating 32 6 1 both
"$S/simulate-cine.sh" -b -R 4 -C 6 -k 12 -V 5 two both 2> log || cat log
poisson_of_each_frame() { "$BART" slice 10 0 two/pat a && "$BART" slice 10 1 two/pat b && ! same_bits a b && "$BART" extract 0 0 1 a a1 && "$BART" extract 0 1 2 a a2 && ! same_bits a1 a2; }

check "series: Poisson discs of both dimensions, one for each frame" poisson_of_each_frame

# ---- a set of twelve series

mkdir series
for i in 01 02 03 04 05 06 07 08 09 10 11 12; do beating 24 5 "${i#0}" "series/series$i"; done
prepare() { "$S/prepare-cine.sh" series exp/cine "$@" -C 4 -k 12; }
prepare 3 2> log || cat log

split()
{
	for set in train:9 valid:1 test:2; do

		[ "$(dims "exp/cine/${set%:*}/ksp")" = "24 24 1 8 1 1 1 1 1 1 5 1 1 ${set#*:} 1 1" ] || return
	done

	# the test set is made of the last series: magnitudes up to noise
	"$BART" cabs exp/cine/test/ref m
	"$BART" slice 13 1 m m12
	compare "$(nrmse series/series12 m12)" "<" 0.1
}

kept() { before=$(ls -l --time-style=full-iso exp/cine/train/ksp.cfl) && prepare 3 && [ "$before" = "$(ls -l --time-style=full-iso exp/cine/train/ksp.cfl)" ]; }

check "prepare-cine: nine to train with, one to choose by, two to test" split
check "... a set that is there is kept" kept
expect_error "... but not one of another R" "other data.*-R 3" prepare 4

# ---- slabs: the same problem in parts

"$S/slabs.sh" 3 exp/cine/train slabs || fail "slabs.sh"

slab_dims() { [ "$(dims slabs/ksp)" = "8 24 1 8 1 1 1 1 1 1 5 1 1 9 3 1" ] && [ "$(dims slabs/pat)" = "1 24 1 1 1 1 1 1 1 1 5 1 1 9 1 1" ]; }
slab_adjoint() { adjoint 3 exp/cine/train whole && "$BART" reshape 16385 8 3 whole cut && adjoint 3 slabs parts && compare "$(nrmse cut parts)" "<" 1e-5; }

check "slabs: dimensions" slab_dims
check "slabs: images of parts are parts of images" slab_adjoint
expect_error "slabs: a number that does not divide" "24 points.*multiple of 5" "$S/slabs.sh" 5 exp/cine/train no
expect_error "slabs: no number" "whole number" "$S/slabs.sh" x exp/cine/train no
expect_error "slabs: a pattern that changes along READ" "changes along READ" "$S/slabs.sh" 2 two no
expect_error "slabs: of one point" "slabs is 24, which leaves 1 of 24" "$S/slabs.sh" 24 exp/cine/train no
expect_error "slabs: over the whole" "would be lost" "$S/slabs.sh" 2 exp/cine/train exp/cine/train
expect_error "slabs: of slabs" "dimension 14" "$S/slabs.sh" 2 slabs no

# ---- regularisation

"$S/cs-cine.sh" -i 12 tune exp/cine/valid exp/cine/lambda 2> log || cat log

# the pair that was chosen is the best of the table, and gives what is said there
chosen()
{
	[ "$(cut -d' ' -f1 exp/cine/lambda),$(cut -d' ' -f2 exp/cine/lambda)" = "$(sed 1d exp/cine/lambda.csv | sort -t, -k3,3gr | head -n 1 | cut -d, -f1,2)" ] || return
	[ 9 -lt "$(wc -l < exp/cine/lambda.csv)" ] || return
	"$S/cs-cine.sh" -i 12 -l exp/cine/lambda run exp/cine/valid tuned || return
	"$NUMPY" "$S/metrics.py" --mean psnr exp/cine/valid/ref a=tuned
	compare "$("$NUMPY" "$S/metrics.py" --mean psnr exp/cine/valid/ref a=tuned)" ">" "$(sed 1d exp/cine/lambda.csv | sort -t, -k3,3gr | head -n 1 | awk -F, '{ print $3 - 1e-3 }')"
}

check "compressed sensing: the best pair is chosen" chosen

# ---- experiments by iterations

experiment() { FEATURES=4 VALID_EVERY=5 "$S/results-cine.sh" none exp "$@"; }
logged() { [ 7 -eq "$(wc -l < exp/modl4/log1.csv)" ] && grep -q "lr-end 1e-05" exp/modl4/weights.hdr && grep -q "train-3/ksp" exp/modl4/weights.hdr; }

check "experiments: a number of iterations, on slabs" eval 'ITER=6 SLABS=3 experiment modl4 && logged'
check "... more of them" eval 'ITER=4 MORE=1 experiment modl4 && [ 5 -eq "$(wc -l < exp/modl4/log2.csv)" ]'
expect_error "... of a network with other settings" "other settings.*layers" eval "ITER=6 LAYERS=3 experiment modl4"
check "... table and speed of all" eval 'experiment compare speed > table 2>&1 && grep -q "MoDL 4 in 4" exp/compare/table.md && grep -q "CS (TV, wavelet)" exp/compare/table.md && grep -q "modl4 log1.csv: 6 iterations" table'
expect_error "experiments: no number of iterations" "ITER is 'many', expected a whole number" eval 'ITER=many experiment pgd4'

# ---- demo

demo() { SIZE=24 FRAMES=5 TRAIN=3 FEATURES=4 ITER=6 R=3 "$S/demo-cine.sh" demo; }
check "demo of cine" eval 'demo && grep -qx "mu 0.2.*" demo/modl4/weights.hdr && grep -q "MoDL 4 in 4" demo/compare/table.md'

expect_error "demo of cine: a folder with other settings" "other settings.*mu 0.3" eval 'MU=0.3 demo'
expect_error "demo of cine: no number of iterations" "ITER is 'x'" eval 'ITER=x "$S/demo-cine.sh" demo2'

# ---- limits

no() { expect_error "$1" "$2" "$S/$3" "${@:4}"; }

no "pattern: acceleration that is no number" "-R .acceleration. is 'x', expected a number" pattern-kt.sh -R x 24 24 4 p
no "pattern: size that is no number" "Y is 'b', expected a whole number" pattern-kt.sh 24 b 4 p
no "pattern: frames without a line" "R = 10.* leaves 0.7 of 5 lines" pattern-kt.sh -R 10 -C 0 24 5 3 p
no "pattern: a folder that is not there" "nowhere/p: no folder" pattern-kt.sh -R 4 24 24 4 nowhere/p
no "pattern: too small for Poisson discs" "8 x 8.*growth of 20" pattern-kt.sh -b -R 4 -C 3 8 8 3 p
no "series: calibration larger than the images" "-k 30.*24 x 24" simulate-cine.sh -R 3 -k 30 no series/series01
no "series: too small for maps" "ecalib fails for 8 x 8" simulate-cine.sh -x 8 -R 2 -C 2 -k 6 no series/series01
no "series: no noise is no SNR" "-n .SNR. is 0" simulate-cine.sh -n 0 no series/series01
no "volumes: none" "volumes is 0, expected 1" simulate-volume.sh 0 no
no "volumes: calibration larger than they are" "-C 30.*24" simulate-volume.sh -x 24 -C 30 1 no
no "compressed sensing: regularisation that is no number" "-l is 'a'" cs-cine.sh -l "a 1" run exp/cine/valid no
no "compressed sensing: no iteration" "iterations. is 0" cs-cine.sh -i 0 -l "0 0" run exp/cine/valid no

finish
