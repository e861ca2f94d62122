#!/bin/bash
# Several ranks (mpirun): the bits of one rank, whatever their number; what they say; how
# they end when something goes wrong.
#
#	GPU=-g tests/e2e/ranks.sh	the bits alone, on a GPU that all ranks share, or on the emulated device
source "$(dirname "$0")/../lib.sh"
source "$ROOT/tests/series.sh"

if bart -M version 2>&1 | grep -q "compiled without MPI"; then

	skip "several ranks" "$BART was built without MPI (make MPI=1)"
	finish
	exit
fi

if ! command -v mpirun > /dev/null; then

	skip "several ranks" "mpirun is not installed (Debian: openmpi-bin)"
	finish
	exit
fi

export OMP_NUM_THREADS=1
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1

GPU=${GPU:-}
LIMIT=120	# seconds after which something hangs

ranks() { local n=$1; shift; timeout -k 5 $LIMIT mpirun --oversubscribe -n "$n" "$BART" "$@"; }

make_data t 6 28 24 3 1
make_data v 5 28 24 3 100

common="--features 6 --lr 2e-3 -s 7 $GPU"

# every rank wants room for the kernels of CUDA and cuDNN
export GLEAM_EMULATED_MEMORY=16384
data="t-ksp t-map t-ref"
valid="--pattern t-pat --valid-data k=v-ksp,c=v-map,r=v-ref,p=v-pat --valid-every 7"

# <out> <ranks> <options>: weights, log and table
train()
{
	local out=$1 n=$2
	shift 2

	if [ 1 = "$n" ]; then

		timeout $LIMIT "$BART" gleam $common "$@" --log "$out.csv" "$out" $data > "$out.txt" 2> "$out.err"
	else
		ranks "$n" gleam $common "$@" --log "$out.csv" "$out" $data > "$out.txt" 2> "$out.err"
	fi || { cat "$out.err"; return 1; }
}

# all columns but those of time and memory
losses_of() { awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) keep[i] = $i !~ /seconds|bytes/ } { for (i = 1; i <= NF; i++) if (keep[i]) printf "%s,", $i; print "" }' "$1"; }

# <a> <b>: weights, the last ones, losses, validation and the table of stages
same_training()
{
	same_bits "$1" "$2" || return
	[ ! -e "$1-last.cfl" ] || same_bits "$1-last" "$2-last" || return
	cmp "$1.txt" "$2.txt" && cmp <(losses_of "$1.csv") <(losses_of "$2.csv")
}

as_one() { train many "$@" && same_training one many; }

# <name> <numbers of ranks> <options>
same_for_all()
{
	local name=$1 numbers=$2 n
	shift 2

	rm -f one* many*
	check "$name, one rank" train one 1 "$@"

	for n in $numbers; do

		check "... $n ranks: same bits" as_one "$n" "$@"
	done
}

if [ -n "$GPU" ]; then

	if ! reason=$(bart gleam $common --pattern t-pat --memory w $data 2>&1); then

		skip "ranks that share a GPU" "$(echo "$reason" | sed 's/\x1b\[[0-9;]*m//g' | grep . | tail -n 1)"
		finish
		exit
	fi

	same_for_all "PGD" "2 3" $valid -I 5 -b 2 -n 5 --valid-every 3
	same_for_all "MoDL, N / M = 2, parts of a mini-batch" "2" $valid --modl -I 6 -M 3 -b 3 -n 4
	# on the emulated device only: what a CUDA-aware MPI does
	export GLEAM_EMULATED_OPEN=1
	same_for_all "device memory handed to MPI" "2" $valid -I 3 -b 2 -n 5
	unset GLEAM_EMULATED_OPEN

	same_for_all "a trained step size, passes that are timed" "2" $valid -I 2 -b 1 -n 4 --learn-dc --timing

	check "one pipeline, for replicas" train one 1 $valid -I 2 -b 2 -n 4
	check "two replicas" train replicas 2 $valid -I 2 -b 2 -n 4 --replicas 2
	check "... differ from it by rounding" compare "$(nrmse one replicas)" "<" 1e-6
	check "a plan" eval 'ranks 2 gleam $common --pattern t-pat -I 2 -b 2 --memory w $data 2> /dev/null | grep -q "^rank 1, with 1 of 2 modules"'

	finish
	exit
fi

same_for_all "PGD, M = 8, validation in the middle of a group" "2 3 8" $valid -b 2 -n 23
same_for_all "MoDL, N / M = 2, fewer modules than ranks" "2 3 5" $valid --modl -I 6 -M 3 -b 3 -n 10
same_for_all "PGD, parts of a mini-batch, trained step sizes, falling rate" "2 3" $valid -I 8 -M 4 -b 4 --micro-batch 2 -n 9 --learn-dc --lr-end 1e-4
same_for_all "no validation, M = 5" "2 3 4" --pattern t-pat -I 5 -b 1 -n 11
same_for_all "another trainer on the same modules" "2 3" $valid --modl -I 8 -M 4 --trainer checkpoint -b 2 -n 8
same_for_all "mel: errors of inversion, too" "2" $valid --modl -I 9 -M 3 --trainer mel -b 2 -n 8
same_for_all "patience ends it" "2 3" $valid -I 4 -b 2 --valid-every 1 --patience 2 --lr 0.1

check "some weights" train start 1 $valid -I 4 -b 2 -n 3
same_for_all "going on from weights" "2 3" $valid -I 4 -b 2 -n 5 --load start

bart traj -r -x 28 -y 9 traj
bart resize -c 1 28 t-map r-map
bart resize -c 1 28 t-ref r-ref
bart fmac r-ref r-map coils
bart nufft traj coils r-ksp
make_cine e 3 12 13 4 4 2 1
data="e-ksp e-map e-ref" same_for_all "series with two maps" "2 3" --pattern e-pat -I 4 -b 2 --features 4 -n 4

# a sample of zeros is left out of training, and of validation, whose images are of another size
make_data w 4 20 22 3 200
zero_sample() { bart slice 13 0 "$1" one.ra && bart scale 0 one.ra zero.ra && bart extract 13 1 "$2" "$1" rest.ra && bart join 13 zero.ra rest.ra "$3"; }
zero_sample w-ksp 4 w-some
zero_sample t-ksp 6 t-some
data="t-some t-map t-ref" same_for_all "samples of zeros, validation of another size at every iteration" "2 3" --pattern t-pat \
	--valid-data k=w-some,c=w-map,r=w-ref,p=w-pat --valid-every 1 -I 5 -b 2 -n 4

data="r-ksp r-map r-ref" same_for_all "a trajectory" "2 3" --trajectory traj -I 4 -b 2 -n 4

# of sample 1 the loss overflows, which no file shows
for i in 0 1 2; do bart extract 13 $i $((i + 1)) t-ref ref$i; done
bart scale 3e38 ref1 ref-large
bart extract 13 3 "$(bart show -d 13 t-ref)" t-ref ref-rest
bart join 13 ref0 ref-large ref2 ref-rest h-ref
data="t-ksp t-map h-ref" same_for_all "updates that are left out" "2 3" $valid -I 4 -b 2 -n 12 --skip-nonfinite 100
check "... of which there were some" grep -q "for sample 1 is not finite at iteration .*left out (2 of 100)" one.err
rm -f one-last.* many-last.*

# ---- two machines, the second of which is this one as well: mpirun reaches it by a script

cat > reach << 'END'
#!/bin/sh
shift
exec sh -c "$*"
END

chmod +x reach
mkdir elsewhere

# <folder of the second rank> <program and its arguments>
machines()
{
	local there=$1
	shift

	timeout -k 5 $LIMIT mpirun --host localhost:1,other:1 --mca plm_rsh_agent "$PWD/reach" --mca btl_tcp_if_include lo \
		-n 1 "$@" : -n 1 --wdir "$there" "$@"
}

on_machines() { rm -f two*; machines "$1" "$BART" gleam $common --pattern t-pat -I 4 -b 2 -n 5 --log two.csv two $data > two.txt 2> two.err || { cat two.err; return 1; } ; }

if machines . true > said 2>&1; then

	check "one rank" train one 1 --pattern t-pat -I 4 -b 2 -n 5
	check "two machines" on_machines "$PWD"
	check "... same bits" same_training one two
	check "... no file is sent" eval '! grep -q "not every rank sees" two.err'
	check "two machines, one of which does not see the files" on_machines "$PWD/elsewhere"
	check "... same bits" same_training one two
	check "... is said of each file" eval '[ 4 = "$(grep -c "not every rank sees this file" two.err)" ]'
	check "... and nothing is written there" eval '[ -z "$(ls elsewhere)" ]'

	bart flip 1 t-ksp elsewhere/t-ksp
	check "... another file of the same name and size" on_machines "$PWD/elsewhere"
	check "... is not taken for it: same bits" same_training one two

	check "images, slice by slice" bart -l 8192 -r t-ksp gleam-infer --pattern t-pat one t-ksp t-map near
	check "slices on two machines" machines "$PWD" "$BART" -l 8192 -r t-ksp gleam-infer --pattern t-pat one t-ksp t-map far
	check "... same bits" same_bits near far
else
	skip "two machines" "$(grep . said | head -n 1)"
fi

# ---- replicas

# sums in another order differ by rounding, which training does not amplify in a few iterations
check "one pipeline, for replicas" train one 1 $valid -I 4 -b 4 -n 6
check "two replicas of one stage" train replicas 2 $valid -I 4 -b 4 -n 6 --replicas 2
check "... differ from it by rounding" compare "$(nrmse one replicas)" "<" 1e-6
check "... and do differ" eval '! same_bits one replicas'
check "two replicas of two stages: the bits of two of one stage" eval 'train more 4 $valid -I 4 -b 4 -n 6 --replicas 2 && same_training replicas more'
check "four replicas" train four 4 $valid -I 4 -b 4 -n 6 --replicas 4
check "... differ by rounding" compare "$(nrmse one four)" "<" 1e-6
check "three replicas with micro-batches" eval 'train three 3 $valid -I 4 -b 6 --micro-batch 2 -n 4 --replicas 3 && train one6 1 $valid -I 4 -b 6 --micro-batch 2 -n 4'
check "... differ by rounding" compare "$(nrmse one6 three)" "<" 1e-6

check "end-to-end training, which is one module" train end 1 $valid -I 4 -M 1 -b 4 -n 5
check "... by replicas" train ends 2 $valid -I 4 -M 1 -b 4 -n 5 --replicas 2
check "... differs by rounding" compare "$(nrmse end ends)" "<" 1e-6

expect_error "replicas that do not divide the mini-batch" "replicas is 3, but must divide --batch-size, which is 4" ranks 3 gleam $common --replicas 3 -b 4 w $data
expect_error "more replicas than ranks" "replicas is 4, but must be .* at most the number of ranks, which is 2" ranks 2 gleam $common --replicas 4 -b 4 w $data
expect_error "replicas of one process say how to start more" "mpirun -n <ranks>" bart gleam $common --replicas 2 -b 4 w $data

# ---- what they say

one_line() { [ 1 = "$(grep -c "$1" "$2")" ] || { cat "$2"; return 1; }; }

check "ranks beyond use" train idle 3 --pattern t-pat -I 2 -b 2 -n 3
check "... are told of, once" one_line "1 of 3 ranks have nothing to do: 2 modules in 1 replica take 2" idle.err
check "... and that of one iteration once" one_line "iteration 3/3" idle.err
check "a memory plan of each rank" eval 'ranks 3 gleam $common --pattern t-pat -I 8 --memory w $data > plan 2>&1 && one_line "^in all" plan && one_line "^rank 2, with 2 of 8 modules" plan'
check "... of which the last one, with fewer modules, is smaller" compare "$(awk '/^rank 2/ { print $(NF - 1) }' plan)" "<" "$(awk '/^rank 0/ { print $(NF - 1) }' plan)"
check "--max-time ends all of them" eval 'ranks 2 gleam $common --pattern t-pat -I 4 -b 2 --max-time 2 w $data 2> said; cat said; grep -q "waiting for messages took" said'
check "the log has the time of waiting" eval 'head -n 1 many.csv | grep -q ",waiting_seconds$"'
check "a warning that all ranks have is given once" eval 'train warned 3 --pattern t-pat -I 4 -b 2 -n 3 --autotune && one_line "no effect without --gpu" warned.err'

bart scale 2 t-map large-map
bart scale 2 t-pat large-pat
loud() { ranks 3 gleam $common --pattern large-pat -I 4 -b 2 -n 1 loud t-ksp large-map t-ref > said 2>&1 && one_line "sum of squares of the sens" said && one_line "weights of the pattern" said; }
check "... and one of the data that all read" loud

# each of them has the images, one writes them, when all of them are there
images() { bart gleam-infer --pattern t-pat loud t-ksp t-map one && ranks 2 gleam-infer --pattern t-pat loud t-ksp t-map two && cmp one.cfl two.cfl; }
check "reconstruction on 2 ranks" images
bart extract 13 0 5 t-ksp most; bart extract 13 5 6 t-ksp rest; bart scale 1e-40 rest tiny; bart join 13 most tiny late
expect_error "... that fails at its last sample" "values so small" ranks 2 gleam-infer --pattern t-pat loud late t-map two
check "... leaves earlier images as they were" cmp one.cfl two.cfl

bart scale 30 t-ref big-ref
data="t-ksp t-map big-ref"
check "references in other units, one rank" train units1 1 --pattern t-pat -I 6 -b 1 -n 4
check "... on 3 ranks" train units3 3 --pattern t-pat -I 6 -b 1 -n 4
check "... are warned of as often" [ "$(grep -c "reference of sample" units1.err)" = "$(grep -c "reference of sample" units3.err)" ]
data="t-ksp t-map t-ref"

# ---- how they end

expect_error "a file that is not there" "nothing.hdr: No such file" ranks 3 gleam $common w nothing t-map t-ref
check "... is said once" eval '! ranks 3 gleam $common w nothing t-map t-ref 2> said && one_line "ERROR .Rank" said'
expect_error "a stream is refused" "a stream cannot be read by several ranks" ranks 2 gleam $common w - t-map t-ref
expect_error "weights in a folder that is not there" "none/w.state: cannot be written" ranks 3 gleam $common -I 4 -b 2 none/w $data
expect_error "a loss that is not finite" "the loss of module 1 for sample . is not finite at iteration" ranks 3 gleam $common -I 4 -b 2 -n 50 --lr 1e30 w $data
check "... is said once" eval '! ranks 3 gleam $common -I 4 -b 2 -n 50 --lr 1e30 w $data 2> said && one_line "ERROR .Rank" said'

long_training() { ranks 3 gleam $common --pattern t-pat -I 6 -b 2 -n 1000000 --valid-every 5 "$1" $data; }

# returns when weights have been written
begin()
{
	rm -rf out
	mkdir out
	long_training out/w > said 2>&1 &
	started=$!

	for i in $(seq 300); do

		[ ! -e out/w.hdr ] || return 0
		sleep 0.1
	done

	fail "training begins" "$(cat said)"
}

ranks_of() { pgrep -f "^$BART gleam .* out/w t-ksp"; }

finished() { local begin=$SECONDS; wait $started; status=$?; took=$((SECONDS - begin)); }

# all ended soon, nobody is left, and weights are as they were written last
ended()
{
	local n=0

	while [ -n "$(ranks_of)" ] && [ $n -lt 50 ]; do sleep 0.1; n=$((n + 1)); done

	cat said
	[ 0 -ne $status ] && [ $took -lt 20 ] || { echo "status $status after $took s"; return 1; }
	[ -z "$(ranks_of)" ] || { echo "still there: $(ranks_of)"; return 1; }

	bart gleam-infer --pattern t-pat out/w t-ksp t-map out/image
}

for who in 1 3; do

	begin
	kill -9 "$(ranks_of | sed -n ${who}p)"
	finished
	check "rank $((who - 1)) of 3 is killed: all end, weights are whole" ended
	check "... and it is said" grep -q "killed\|signal 9" said
done

for signal in TERM INT; do

	begin
	pkill -$signal -f "^mpirun --oversubscribe -n 3 $BART gleam .* out/w t-ksp"
	finished
	check "mpirun gets SIG$signal: all end, weights are whole" ended
done

begin
until rm -rf out 2> /dev/null; do :; done	# while files are made in it
finished
check "the folder of the weights goes away: status 1" [ 1 = $status ]
check "... is said once, by the rank that writes" eval 'cat said; grep -qE "out/w.(state|cfl|hdr): cannot be (written|replaced): No such file or directory" said && one_line "ERROR .Rank" said'
check "... nobody is left" eval '[ -z "$(ranks_of)" ]'

# a file system of its own, where that is allowed
full_disk()
{
	unshare -rm bash -c '
		mkdir -p out && mount -t tmpfs -o size=20k tmpfs out && head -c 4096 /dev/zero > out/other || exit 99
		timeout -k 5 '$LIMIT' mpirun --oversubscribe -n 2 "$0" gleam '"$common"' --pattern t-pat -I 4 -b 2 -n 100000 --valid-every 2 out/w '"$data"' 2> said
		echo $? > status; ls out > left' "$BART"
}

if ! unshare -rm mount -t tmpfs tmpfs /mnt 2> /dev/null; then

	skip "a full disk" "no file system can be mounted here (unshare, mount)"
else
	full_disk
	check "a full disk: status 1" eval 'cat said; [ 1 = "$(cat status)" ]'
	check "... is said once" eval 'cat said; grep -q "cannot be written: No space left on device" said && one_line "ERROR .Rank" said'
	check "... nothing half-written is left" eval 'cat left; grep -q other left && ! grep -q "tmp\|new" left'
fi

# ---- resumed

# <ranks> <iterations> <option ...>
part() { local n=$1 to=$2; shift 2; ranks "$n" gleam $common $valid --valid-every 4 --pattern t-pat -b 2 -n "$to" --log part.csv "$@" part $data 2> part.err > part.out; }

# resumed <ranks, in turn> <option ...>: as one rank without a stop
resumed()
{
	local list=$1 to=0 n
	shift

	rm -f part* whole*
	bart gleam $common $valid --valid-every 4 --pattern t-pat -b 2 -n 13 --log whole.csv "$@" whole $data > whole.out 2> /dev/null || return 1

	for n in $list; do

		to=$((to + 5))
		part "$n" $((to < 13 ? to : 13)) --resume "$@" || { cat part.err; return 1; }
	done

	same_bits whole part && same_bits whole-last part-last && cmp whole.out part.out
}

check "resumed on 3, 2 and 1 ranks: the bits of one rank" resumed "3 2 1" -I 6
check "... MoDL, two modules a rank and less" resumed "1 4 2" --modl -I 4 --learn-dc
check "... clipped, with two iterations a module" resumed "2 3 2" -I 6 -M 3 --clip-norm 0.02

replicated() { rm -f part* keep*; part 4 13 -I 4 --replicas 2 && for f in part.*l part.hdr; do cp $f keep${f#part}; done && rm part* && part 2 6 -I 4 --replicas 2 && part 4 13 -I 4 --replicas 2 --resume && same_bits keep part; }

check "... two replicas" replicated
expect_error "another number of replicas is told" "part.state: was saved with another --replicas: found '1', expected '2'" bart gleam $common $valid --valid-every 4 --pattern t-pat -b 2 -n 20 -I 4 --resume part $data

# as srun does: each rank gets the signal
begin
kill -TERM $(ranks_of)
finished
check "each rank gets SIGTERM: the state is saved" eval 'cat said; [ 0 -ne $status ] && grep -q "stopped by a signal after iteration .*out/w.state holds the state of iteration" said'
stopped=$(sed -n 's/.*stopped by a signal after iteration \([0-9]*\).*/\1/p' said)
check "... is said once" one_line "stopped by a signal" said
check "... and one rank goes on from there, to the same bits" eval '
	bart gleam $common --pattern t-pat -I 6 -b 2 -n $((stopped + 7)) --valid-every 5 --resume out/w $data 2> said &&
	bart gleam $common --pattern t-pat -I 6 -b 2 -n $((stopped + 7)) --valid-every 5 out/one $data 2> /dev/null && same_bits out/w out/one'

begin
rm out/w.state
pkill -USR1 -f "^mpirun --oversubscribe -n 3 $BART gleam .* out/w t-ksp"
for i in $(seq 100); do [ -e out/w.state ] && break; sleep 0.1; done
check "mpirun gets SIGUSR1: the state is saved, and training goes on" eval '[ -e out/w.state ] && [ -n "$(ranks_of)" ]'
cp t-map.cfl kept-map.cfl
head -c 1000 /dev/zero | dd of=t-map.cfl conv=notrunc 2> /dev/null
finished
mv kept-map.cfl t-map.cfl
check "a file of the data that changes: all end, after the state is saved" eval 'cat said; [ 1 = $status ] && one_line "t-map: has other contents now: training stops.*out/w.state holds the state" said && [ -z "$(ranks_of)" ]'

# ---- reconstruction

check "images, slice by slice" bart -l 8192 -r t-ksp gleam-infer --pattern t-pat start t-ksp t-map loop
check "the loop over slices on 3 ranks (bart -l)" ranks 3 -l 8192 -r t-ksp gleam-infer --pattern t-pat start t-ksp t-map loop3
check "... same bits" same_bits loop loop3
check "more ranks than slices" ranks 8 -l 8192 -r t-ksp gleam-infer --pattern t-pat start t-ksp t-map loop8
check "... same bits" same_bits loop loop8
check "without a loop" eval 'bart gleam-infer --pattern t-pat start t-ksp t-map all && ranks 2 gleam-infer --pattern t-pat -r t-ref start t-ksp t-map all2 > table && same_bits all all2 && one_line "^stage" table'

finish
