#!/bin/bash
# The trainers: the same network, data and optimiser, whatever stays in memory.
source "$(dirname "$0")/../lib.sh"

make_data t 4 40 36 3 1
make_data v 2 40 36 3 100

data="t-ksp t-map t-ref"
valid="--valid-data k=v-ksp,c=v-map,r=v-ref,p=v-pat"

train() { bart gleam --pattern t-pat -b 2 --lr 2e-3 -s 7 --features 8 -I 4 "$@" $data; }	# <options> <weights>
pgd() { train --pgd --learn-dc -n 5 "$@"; }
modl() { train --modl --mu 1 --learn-dc -n 5 "$@"; }

# same <options> <a's> <b's>: the same weights, the same losses
same()
{
	local network=$1 a=$2 b=$3

	$network $a --log a.csv a && $network $b --log b.csv b && same_bits a b && [ "$(column a.csv loss)" = "$(column b.csv loss)" ]
}

for network in pgd modl; do

	check "$network: end-to-end is greedy with one module" same $network "--trainer end-to-end" "-M 1"
	check "$network: checkpoint has the bits of end-to-end" same $network "--trainer end-to-end" "--trainer checkpoint"
	check "... with both samples at once" same $network "--trainer end-to-end --micro-batch 2" "--trainer checkpoint --micro-batch 2"
	check "... and within modules those of greedy" same $network "-M 2" "--trainer checkpoint -M 2"
	check "... whatever the number of threads" eval "OMP_NUM_THREADS=1 $network --trainer checkpoint one && $network --trainer checkpoint two && same_bits one two"
	check "$network: greedy is the default, with as many modules as iterations" same $network "" "--trainer greedy -M 4"
	check "... and not end-to-end" eval "$network g && $network --trainer end-to-end e && ! same_bits g e"
done

check "mel with all images kept has the bits of end-to-end" same modl "--trainer end-to-end" "--trainer mel --checkpoints 4"
check "mel: same seed, same bits, whatever the number of threads" eval 'modl --trainer mel --checkpoints 1 one && OMP_NUM_THREADS=1 modl --trainer mel --checkpoints 1 two && same_bits one two'

# it follows end-to-end training as far as its error says
modl --trainer end-to-end -n 20 --log e.csv e 2> /dev/null

for n in 1 2 3; do

	check "mel with $n checkpoints trains" modl --trainer mel --checkpoints $n -n 20 --log m$n.csv m$n
	check "... and follows the losses of end-to-end training" compare "$(losses_apart m$n.csv e.csv 20)" "<" 2e-3
done

check "mel logs an error for each restart" eval 'head -n 1 m2.csv | grep -q ",inversion_error_2,inversion_error_0$" && head -n 1 m1.csv | grep -q "seconds,inversion_error_0$"'
check "... which is small here" eval '[ 20 -eq $(column m1.csv inversion_error_0 | awk "0 < \$1 && 1e-2 > \$1" | wc -l) ]'
check "... in each module" eval 'modl -M 2 --trainer mel --log mm.csv mm && head -n 1 mm.csv | grep -q ",inversion_error_0,inversion_error_2$"'
check "fewer fixed-point iterations invert less well" eval 'modl --trainer mel --checkpoints 1 --fixed-point 1 --log f.csv f && compare "$(column f.csv inversion_error_0 | head -n 1)" ">" "$(awk -v e="$(column m1.csv inversion_error_0 | head -n 1)" "BEGIN { print 5 * e }")"'
check "micro-batches of 1 and 2 are inverted alike" eval 'modl --trainer mel --checkpoints 1 --micro-batch 2 --log u.csv u && modl --trainer mel --checkpoints 1 --log o.csv o && compare "$(losses_apart u.csv o.csv 5)" "<" 1e-3'
check "forward and backward passes are timed" eval '[ 20 -eq $(column m1.csv forward_seconds | awk "0 < \$1" | wc -l) ] && [ 20 -eq $(column m1.csv backward_seconds | awk "0 < \$1" | wc -l) ]'

# a solve that is far from exact cannot be inverted
modl -n 1 -s 3 kept > /dev/null 2>&1
cp kept.cfl w.cfl; cp kept.hdr w.hdr
expect_error "mel stops where its inversion fails" "off by [0-9.e+]* of x\^\(0\) at iteration 1, at most 0.1 .*more --checkpoints \(1 now, up to 4\), a larger --mu" \
	modl --mu 0.001 --cg-iter 1 --trainer mel --checkpoints 1 w
check "... which the log has" eval 'modl --mu 0.001 --cg-iter 1 --trainer mel --checkpoints 1 --log stop.csv w 2> /dev/null; compare "$(column stop.csv inversion_error_0)" ">" 0.1'
check "... and leaves the weights that were there" same_bits w kept
expect_error "... with another bound" "at most 1e-07" modl --trainer mel --checkpoints 1 --max-inversion-error 1e-7 w
check "... but goes on below it" modl --mu 0.001 --cg-iter 1 --trainer mel --checkpoints 1 --max-inversion-error 1e99 w

check "weights of any trainer reconstruct" eval 'modl --trainer checkpoint cp && for w in g e m1 cp; do bart gleam-infer --pattern v-pat -r v-ref $w v-ksp v-map out > table && grep -q "^4 " table || exit 1; done'
told() { bart gleam-infer --pattern v-pat "$@" v-ksp v-map out 2>&1 | grep -q "only behind each of them is there an image"; }
check "an image within a module is told to be none" eval 'told -I 2 e && told --tol 0.1 e && bart gleam-infer --pattern v-pat e v-ksp v-map out && ! told e && modl -M 2 two && told -I 3 two && ! told -I 2 two'
check "... and are validated" modl --trainer mel $valid --valid-every 2 w
check "end-to-end training goes on from greedy weights" eval 'modl --trainer greedy g && modl --trainer end-to-end --load g w'

expect_error "--trainer of another name" "expected greedy, end-to-end, checkpoint or mel" train --trainer fast w
expect_error "mel with PGD" "no inverse.*--trainer checkpoint" pgd --trainer mel w
expect_error "end-to-end in modules" "Leave --modules out" pgd --trainer end-to-end -M 2 w
expect_error "no checkpoint" "between 1 .* and 4" modl --trainer mel --checkpoints 0 w
expect_error "more checkpoints than iterations" "between 1 .* and 4" modl --trainer mel --checkpoints 5 w
expect_error "more than there are in a module" "between 1 .* and 2" modl -M 2 --trainer mel --checkpoints 3 w
expect_error "no fixed-point iteration" "between 1 and 1000" modl --trainer mel --fixed-point 0 w
expect_error "a bound that is no number" "must be positive" modl --trainer mel --max-inversion-error nan w
expect_error "... nor one below all numbers" "must be positive" modl --trainer mel --max-inversion-error -inf w
check "--checkpoints elsewhere is told to have no effect" eval 'for o in "--checkpoints 2" "--fixed-point 0" "--max-inversion-error -3"; do pgd $o w 2>&1 | grep -q "no effect without --trainer mel" || exit 1; done'

# memory: what the plan says of activations
planned() { modl --features 128 --memory "$@" w | sed -n "s/^$what  *\([0-9.]*\) MiB/\1/p"; }

what="activations[a-z ]*"
greedy=$(planned)
check "activations: end-to-end those of all iterations" compare "$(awk -v g="$greedy" -v e="$(planned --trainer end-to-end)" 'BEGIN { print sqrt((e / g - 4)^2) }')" "<" 0.1
check "... checkpoint and mel those of one" eval 'compare "$(planned --trainer checkpoint)" == $greedy && compare "$(planned --trainer mel)" == $greedy'

finish
