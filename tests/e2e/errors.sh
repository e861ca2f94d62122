#!/bin/bash
# Wrong input: a message that names the file, what was found and expected, and
# status 1; nothing that exists is harmed.
source "$(dirname "$0")/../lib.sh"

make_data t 3 40 36 3 1

small="--iterations 2 --features 4 -b 1 -n 1"

gleam() { bart gleam --pattern t-pat $small "$@"; }
infer() { bart gleam-infer --pattern t-pat "$@"; }

gleam w t-ksp t-map t-ref 2> /dev/null
infer w t-ksp t-map out
cp w.cfl keep.cfl; cp w.hdr keep.hdr; cp out.cfl keepout.cfl

# every error runs twice: in training and in reconstruction
both()
{
	local name=$1 pattern=$2 ksp=$3 map=$4 pat=$5

	expect_error "training: $name" "$pattern" bart gleam --pattern $pat $small w $ksp $map t-ref
	expect_error "reconstruction: $name" "$pattern" bart gleam-infer --pattern $pat w $ksp $map out
}

# -- files

cp t-ksp.hdr cut.hdr; head -c 5000 t-ksp.cfl > cut.cfl
cp t-ksp.hdr nodata.hdr
cp t-ksp.cfl nohdr.cfl
sed 's/^40 36/44 36/' t-ksp.hdr > size.hdr; cp t-ksp.cfl size.cfl
sed 's/^40 36/x y/' t-ksp.hdr > junk.hdr; cp t-ksp.cfl junk.cfl

both "missing k-space" "none.hdr: No such file.*Expected the k-space" none t-map t-pat
both "missing maps" "none.hdr: No such file.*Expected the sensitivities" t-ksp none t-pat
both "missing pattern" "none.hdr: No such file.*Expected the pattern" t-ksp t-map none
both "truncated k-space" "cut.cfl: found 5000 bytes, expected" cut t-map t-pat
both "truncated maps" "cut.cfl: found 5000 bytes, expected" t-ksp cut t-pat
both "header without data" "nodata.cfl: No such file.*Expected" nodata t-map t-pat
both "data without header" "nohdr.hdr: No such file.*Expected" nohdr t-map t-pat
both "header and data of different size" "size.cfl: found .* bytes, expected" size t-map t-pat
both "a header that is none" "junk.cfl: found .* bytes, expected" junk t-map t-pat
expect_error "training: missing reference" "none.hdr: No such file.*Expected the reference" gleam w t-ksp t-map none
expect_error "reconstruction: missing reference" "none.hdr: No such file.*Expected the reference" infer -r none w t-ksp t-map out
expect_error "missing validation data" "none.hdr: No such file.*Expected the k-space" gleam --valid-data k=none,c=t-map,r=t-ref,p=t-pat w t-ksp t-map t-ref
expect_error "incomplete validation data" "valid-data needs k-space, maps and reference" gleam --valid-data k=t-ksp,c=t-map w t-ksp t-map t-ref

# -- dimensions

bart extract 3 0 2 t-map fewcoils
bart resize 0 44 t-map widemap
bart transpose 2 3 t-ksp coils2
bart resize 0 20 t-ref smallref
bart resize 0 20 t-pat smallpat
bart extract 13 0 2 t-pat twopat
bart extract 13 0 2 t-ref tworef
bart repmat 3 3 t-pat coilpat
bart join 4 t-ksp t-ksp mapsksp

both "k-space and maps of different coils" "(t-ksp|fewcoils).*(3|2).*(3|2)" t-ksp fewcoils t-pat
both "k-space and maps of different size" "(t-ksp|widemap).*4[04].*4[04]" t-ksp widemap t-pat
both "coils in dimension 2" "found.*expected.*coils2.*transpose 2 3" coils2 t-map t-pat
both "pattern of another size" "smallpat.*found.*expected" t-ksp t-map smallpat
both "pattern of another number of samples" "twopat.*found.*expected" t-ksp t-map twopat
both "k-space with maps dimension" "mapsksp.*found.*expected" mapsksp t-map t-pat
expect_error "training: reference of another size" "smallref.*found.*expected" gleam w t-ksp t-map smallref
expect_error "training: reference of another number of samples" "tworef.*found.*expected" gleam w t-ksp t-map tworef
expect_error "reconstruction: reference of another size" "smallref.*found.*expected" infer -r smallref w t-ksp t-map out

# -- values

bart zeros 2 40 36 nopat
nan() { bart copy "$1" "$2"; printf '\x00\x00\xc0\x7f' | dd of="$2.cfl" bs=1 seek=$3 conv=notrunc 2> /dev/null; }
inf() { bart copy "$1" "$2"; printf '\x00\x00\x80\x7f' | dd of="$2.cfl" bs=1 seek=$3 conv=notrunc 2> /dev/null; }

nan t-ksp nanksp 8000; inf t-ksp infksp 40000; nan t-map nanmap 804; inf t-pat infpat 88; nan t-ref nanref 12004
bart scale 0 t-ksp allzero
bart scale 1e-40 t-ksp denormal
bart scale 38 t-ksp notunitary
bart extract 13 0 1 t-ksp firstksp
bart resize 13 3 firstksp mostlyzero

both "pattern all zero" "nopat.*found nothing but zeros.*expected" t-ksp t-map nopat
both "NaN in k-space" "nanksp.*nan.*expected finite" nanksp t-map t-pat
both "Inf in k-space" "infksp.*inf.*expected finite" infksp t-map t-pat
both "NaN in maps" "nanmap.*nan.*expected finite" t-ksp nanmap t-pat
both "Inf in the pattern" "infpat.*inf.*expected finite" t-ksp t-map infpat
expect_error "NaN in the reference" "nanref.*nan.*expected finite" gleam w t-ksp t-map nanref
# what is wrong shows after the first reconstruction, when output has been made
bart extract 13 0 1 denormal d0; bart extract 13 1 3 t-ksp d12; bart join 13 d12 d0 latedenormal
bart copy latedenormal late2
expect_error "a sample in the middle that cannot be reconstructed" "latedenormal: found values so small" infer w latedenormal t-map out
expect_error "... in place" "late2: found values so small" infer w late2 t-map late2
check "... after which the input is as it was" cmp late2.cfl latedenormal.cfl

both "denormal k-space" "denormal: found values so small.*expected more.*bart scale" denormal t-map t-pat
expect_error "a batch of more samples than there are that are not zero" "batch-size is 2.*only 1 of the 3.*mostlyzero" gleam -b 2 w mostlyzero t-map t-ref
expect_error "every sample zero" "allzero: found nothing but zeros.*expected" gleam w allzero t-map t-ref

# a warning, as it might be meant
units() { gleam w2 notunitary t-map t-ref 2>&1 | tr '\n' ' ' | grep -q "WARN: notunitary: the reference of sample . is 0.0.* times.*expected about 1.*bart fft -u"; }
check "a reference in other units than k-space is warned of" units
check "... and one in the same is not" eval '! gleam w2 t-ksp t-map t-ref 2>&1 | grep -q WARN'

# -- weights

head -c 100 w.cfl > short.cfl; cp w.hdr short.hdr
cp w.hdr flip.hdr; cp w.cfl flip.cfl; printf '\x01' | dd of=flip.cfl bs=1 seek=77 conv=notrunc 2> /dev/null
cp w.cfl version.cfl; sed 's/^\(format[^0-9]*\)[0-9][0-9]*/\1999/' w.hdr > version.hdr
cp w.cfl other.cfl; sed '/^# Gleam/,$d' w.hdr > other.hdr
cp w.cfl noname.cfl; sed '/^features/d' w.hdr > noname.hdr
bart join 4 t-map t-map map2

expect_error "weights missing" "nowhere.hdr: No such file" infer nowhere t-ksp t-map out
expect_error "weights truncated" "short.cfl.*found.*expected" infer short t-ksp t-map out
expect_error "weights with a wrong checksum" "flip.*checksum" infer flip t-ksp t-map out
expect_error "weights of another format version" "version.*999" infer version t-ksp t-map out
expect_error "weights of another kind" "other.hdr.*Expected weights written by" infer other t-ksp t-map out
expect_error "weights whose description is incomplete" "noname.*features" infer noname t-ksp t-map out
expect_error "k-space as weights" "t-ksp.hdr.*Expected weights written by" infer t-ksp t-ksp t-map out
expect_error "weights for one map given two" "map2.*2 maps.*expected 1.*weights" infer w t-ksp map2 out
expect_error "--load of a missing file" "nowhere.hdr: No such file" gleam --load nowhere w t-ksp t-map t-ref

# -- options

expect_error "M does not divide N" "modules" gleam -M 3 -I 4 w t-ksp t-map t-ref
expect_error "no iterations" "iterations" gleam -I -1 w t-ksp t-map t-ref
expect_error "iterations zero" "iterations: found '0'" gleam -I 0 w t-ksp t-map t-ref
expect_error "modules zero" "modules: found '0'" gleam -M 0 w t-ksp t-map t-ref
expect_error "features zero" "features: found '0'" gleam --features 0 w t-ksp t-map t-ref
expect_error "blocks zero" "blocks.*found 0" gleam --blocks 0 w t-ksp t-map t-ref
expect_error "negative features" "features" gleam --features -4 w t-ksp t-map t-ref
expect_error "negative step size" "step-size" gleam --step-size -1 w t-ksp t-map t-ref
expect_error "negative mu" "mu" gleam --modl --mu -1 w t-ksp t-map t-ref
expect_error "negative CG iterations" "cg-iter" gleam --modl --cg-iter -2 w t-ksp t-map t-ref
expect_error "negative learning rate" "lr" gleam --lr -1 w t-ksp t-map t-ref
expect_error "learning rate that is no number" "lr" gleam --lr nan w t-ksp t-map t-ref
expect_error "negative last learning rate" "lr-end is -1" gleam --lr-end -1 w t-ksp t-map t-ref
expect_error "last learning rate that is no number" "lr-end is nan" gleam --lr-end nan w t-ksp t-map t-ref
expect_error "infinite learning rate" "lr is inf" gleam --lr inf w t-ksp t-map t-ref
expect_error "a time that is no number" "max-time" gleam --max-time nan w t-ksp t-map t-ref
expect_error "negative weight decay" "weight-decay" gleam --weight-decay -1 w t-ksp t-map t-ref
expect_error "a suboption without its value" "beta1.*needs a value" gleam --adam beta1 w t-ksp t-map t-ref
expect_error "a file of the validation data without its name" "k.* needs a value" gleam --valid-data k w t-ksp t-map t-ref
expect_error "beta of one" "beta" gleam --adam beta1=1 w t-ksp t-map t-ref
expect_error "batch size zero" "batch-size" gleam -b 0 w t-ksp t-map t-ref
expect_error "batch size above the number of samples" "batch-size.*3" gleam -b 4 w t-ksp t-map t-ref
expect_error "micro-batch that does not divide" "micro-batch" gleam -b 3 --micro-batch 2 w t-ksp t-map t-ref
expect_error "negative limit" "max-iter" gleam -n -1 w t-ksp t-map t-ref
expect_error "patience without validation" "valid-data" gleam --patience 2 w t-ksp t-map t-ref
expect_error "a backend of unknown name" "backend abc.*ref" gleam --backend abc w t-ksp t-map t-ref
expect_error "an unknown option" "no-such-option" gleam --no-such-option w t-ksp t-map t-ref
expect_error "both kinds of network" "pgd|modl|select" gleam --pgd --modl w t-ksp t-map t-ref
expect_error "N_inf > N" "iterations is 3.*2" infer -I 3 w t-ksp t-map out
expect_error "N_inf zero" "iterations is 0.*1 to 2" infer -I 0 w t-ksp t-map out
expect_error "negative N_inf" "iterations" infer -I -1 w t-ksp t-map out
expect_error "negative tol" "tol" infer --tol -1 w t-ksp t-map out
expect_error "metrics and data both to stdout" "stdout" infer -r t-ref w t-ksp t-map -

# -- outputs

cp t-ksp.hdr origk.hdr; cp t-ksp.cfl origk.cfl
untouched() { cmp t-ksp.cfl origk.cfl && cmp t-ksp.hdr origk.hdr; }

expect_error "the log on an input" "t-ksp.cfl: found an output .log.*expected another name" gleam --log t-ksp.cfl w t-ksp t-map t-ref
expect_error "the log on the weights" "w.cfl: found an output .log.*expected another name" gleam --log w.cfl w t-ksp t-map t-ref
expect_error "the log on weights that are not there yet" "new.hdr: found an output .log.*expected another name" gleam --log new.hdr new t-ksp t-map t-ref
expect_error "weights on an input" "t-ksp: found an output .weights.*expected another name" gleam t-ksp t-ksp t-map t-ref
expect_error "an output on an input, otherwise spelled" "./t-ksp: found an output .images.*expected another name" infer w t-ksp t-map ./t-ksp
expect_error "an output on the weights" "w: found an output .images.*expected another name" infer w t-ksp t-map w
check "... all of which are as they were" untouched
expect_error "more modules than a header can tell" "found 1024 modules.*expected at most.*--modules" gleam -I 1024 -M 1024 --features 1 --blocks 1 -n 1 big t-ksp t-map t-ref
expect_error "epochs beyond counting" "epochs" gleam -e 6148914691236517206 w t-ksp t-map t-ref
expect_error "--load of another kind of network" "w: holds another network .PGD.*expected.*MoDL" gleam --load w --modl w2 t-ksp t-map t-ref

expect_error "weights into a folder that is not there" "nodir/w" gleam nodir/w t-ksp t-map t-ref
expect_error "output into a folder that is not there" "nodir/out" infer w t-ksp t-map nodir/out
expect_error "log into a folder that is not there" "nodir/log" gleam --log nodir/log.csv w t-ksp t-map t-ref
expect_error "output beyond a limit of the shell" "big: found no room for the 34560 bytes expected: File too large" eval '(ulimit -f 16; infer w t-ksp t-map big)'

if [ 0 -eq "$(id -u)" ]; then

	skip "read-only folder" "root may write everywhere"
else
	mkdir ro; chmod 555 ro
	expect_error "weights into a read-only folder" "ro/w" gleam ro/w t-ksp t-map t-ref
fi

check "existing weights are as they were" eval 'cmp w.cfl keep.cfl && cmp w.hdr keep.hdr'
check "an existing output is as it was" cmp out.cfl keepout.cfl
check "no temporary files are left" eval '! ls -a | grep -qE "\.(new|check)"'

finish
