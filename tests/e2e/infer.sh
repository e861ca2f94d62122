#!/bin/bash
# Reconstruction: stages, early exit, units, BART's loops and streams.
source "$(dirname "$0")/../lib.sh"

make_data t 3 40 36 3 1

bart gleam --pattern t-pat -I 3 --features 8 -b 1 --lr 2e-3 -n 30 w t-ksp t-map t-ref 2> /dev/null

infer() { bart gleam-infer --pattern t-pat "$@"; }

check "reconstructs" infer w t-ksp t-map out
check "the dimensions are those of the reference" eval '[ "$(bart show -m out | tail -n +2)" = "$(bart show -m t-ref | tail -n +2)" ]'
check "the same under its C name" eval 'bart gleam_infer --pattern t-pat w t-ksp t-map out_ && same_bits out out_'

check "--stages puts every stage along dimension 8" eval 'infer --stages w t-ksp t-map st && [ 3 -eq $(bart show -d 8 st) ]'

for n in 1 2 3; do

	check "-I $n is stage $n" eval "infer -I $n w t-ksp t-map i$n && bart slice 8 $((n - 1)) st s$n && same_bits i$n s$n"
done

check "all stages are the default" same_bits i3 out
check "--tol 0 runs all" eval 'infer --tol 0 w t-ksp t-map tol0 && same_bits tol0 out'
check "a large --tol stops after the first" eval 'infer --tol 10 w t-ksp t-map tol1 && same_bits tol1 i1'
# the change of the second stage decides whether it is the last one
bart extract 13 0 1 t-ksp k1; bart extract 13 0 1 t-pat p1
one() { bart gleam-infer --pattern p1 "$@"; }
one --stages w k1 t-map o > /dev/null 2>&1
for n in 1 2 3; do bart slice 8 $((n - 1)) o o$n; done
part_of_change() { awk -v c="$(nrmse o2 o1)" "BEGIN { print $1 * c }"; }

check "--tol above the change of a stage stops there" eval 'one --tol $(part_of_change 1.01) w k1 t-map otol && same_bits otol o2'
check "--tol below it does not" eval 'one --tol $(part_of_change 0.99) w k1 t-map otol && same_bits otol o3'
check "--reference prints a line per stage" eval 'infer -r t-ref w t-ksp t-map r > table && [ 5 -eq $(wc -l < table) ] && grep -q "^zero-filled" table'

# the last line of metrics.py: | x | PSNR ± dev | SSIM ± dev | nRMSE ± dev |
same_metrics()
{
	local a b
	a=$(tail -n 1 table | awk '{ print $2, $5, $8 }')
	b=$("$NUMPY" "$ROOT/scripts/metrics.py" t-ref x=r | tail -n 1 | awk '{ print $4, $8, $12 }')
	echo "$a, $b"

	# as many digits as are printed, the last one rounded this way or that
	echo "$a $b" | awk 'function d(x, y) { return x < y ? y - x : x - y } { exit !(6 == NF && d($1, $4) < 0.011 && d($2, $5) < 0.00011 && d($3, $6) < 0.00011) }'
}

if [ -n "$NUMPY" ]; then

	check "the scripts' metrics are those of the command" same_metrics
else
	skip "the scripts' metrics are those of the command" "no python3 with numpy"
fi

check "output has the units of the input" eval 'bart scale 1000 t-ksp big && infer w big t-map big-out && bart scale 1000 out ref-out && compare $(nrmse ref-out big-out) "<" 1e-5'
for b in dnnl winograd; do

	has_backend $b || { skip "backends ref and $b agree" "this binary was built without it"; continue; }
	check "backends ref and $b agree" eval 'infer --backend ref w t-ksp t-map ref && infer --backend $b w t-ksp t-map $b && compare $(nrmse ref $b) "<" 1e-5'
done


bart extract 13 0 1 t-pat p0 > /dev/null 2>&1
check "bart -l over samples gives the same" eval 'bart -l 8192 -r t-ksp gleam-infer --pattern t-pat w t-ksp t-map loop && same_bits loop out'
linked() { mkdir -p far && bart copy out far/l && ln -sf far/l.cfl l.cfl && ln -sf far/l.hdr l.hdr && bart scale 2 l l2 && bart copy l2 far/l && infer w t-ksp t-map l && [ -L l.cfl ] && same_bits far/l out; }
check "output through a link" linked
in_place() { bart copy t-ksp place && infer w place t-map place && same_bits place out; }
check "output in the place of the input" in_place
linked_in_place() { bart copy t-ksp far/k && ln -sf far/k.cfl k.cfl && ln -sf far/k.hdr k.hdr && infer w k t-map k && same_bits k out; }
check "... also through a link" linked_in_place
private() { infer w t-ksp t-map priv && chmod 600 priv.cfl priv.hdr && infer w t-ksp t-map priv && [ 600,600 = "$(stat -c %a priv.cfl priv.hdr | paste -sd,)" ]; }
check "permissions of an earlier output are kept" private
check "output to a stream" eval 'infer w t-ksp t-map - > stream 2> /dev/null; cat stream | bart copy - piped && same_bits piped out'
# valgrind, in front of which sanitize.sh puts a script, opens files where streams are closed
if head -c 200 "$BART" | grep -aq "exec valgrind"; then

	skip "... that is closed" "valgrind gives it another file"
else
	expect_error "... that is closed" "^.*ERROR: -: found stdout closed, expected a pipe or a file.*Give the output a file name" eval 'infer w t-ksp t-map - >&-'
fi

check "k-space from a stream" eval 'bart copy t-ksp - | bart gleam-infer --pattern t-pat w - t-map fromstream && same_bits fromstream out'
check ".ra files" eval 'bart copy t-ksp k.ra && bart copy t-map m.ra && infer w k.ra m.ra o.ra && bart copy o.ra o && same_bits o out'
check "a sample that is all zero is reconstructed as zero" eval 'bart scale 0 t-ksp zero && bart gleam-infer --pattern t-pat w zero t-map z && compare $(bart show z | tr -dc 1-9 | wc -c) "==" 0'
check "--memory prints the plan and writes nothing" eval 'infer --memory w t-ksp t-map plan > plan.txt && grep -q "in all" plan.txt && [ ! -e plan.cfl ]'

# no two dimensions of it could be exchanged to any effect
bart repmat 11 2 t-map extra-map
expect_error "a dimension that is too many" "extra-map: found .*" infer w t-ksp extra-map out2
check "... is not mended by exchanging two of one" eval '! infer w t-ksp extra-map out2 2> said && ! grep -q "transpose [0-9]* [0-9]* t-ksp" said'

for c in gleam gleam-infer; do

	check "$c -h" eval "bart $c -h | grep -q 'Usage: $c'"
	check "$c --interface" eval "bart $c --interface > /dev/null"
done

for f in map ref pat; do

	bart copy t-$f mine-$f
done

onto() { bart gleam-infer --pattern mine-pat -r mine-ref w t-ksp mine-map "$1"; }

for f in map ref pat; do

	expect_error "images onto another input (mine-$f) are refused" "mine-$f: found an output \(images\) on a file of the input" onto mine-$f
	check "... which stays" same_bits t-$f mine-$f
done

# of one that was killed between giving two names
echo torn > swept.cfl.0aaaa0.new; echo torn > swept.hdr.1bbbb1.new; echo mine > swept.cfl.backup.new
check "what a killed one has left is swept up, and nothing else" eval 'bart gleam-infer --pattern t-pat w t-ksp t-map swept && [ "swept.cfl swept.cfl.backup.new swept.hdr" = "$(ls swept.* | tr "\n" " " | sed "s/ $//")" ]'

finish
