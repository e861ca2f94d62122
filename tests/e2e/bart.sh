#!/bin/bash
# In BART as any tool of it: loops, pipelines, .ra files, the wrappers for Python and
# Matlab, a program that is linked with it.
source "$(dirname "$0")/../lib.sh"

make_data t 3 40 36 3 1

net="-I 3 --features 8 -b 1 --lr 2e-3 -n 12"

bart gleam $net --pattern t-pat w t-ksp t-map t-ref 2> /dev/null

infer() { bart gleam-infer --pattern t-pat "$@"; }

infer w t-ksp t-map out
infer --stages w t-ksp t-map stages


# -- loops, each slice by a call of its own

# <name> <reference> <options of bart> -- <command>: what a loop leaves in o
same_in_loop()
{
	local name=$1 ref=$2 opts=()
	shift 2

	while [ -- != "$1" ]; do

		opts+=("$1")
		shift
	done
	shift

	rm -f o.cfl o.hdr
	check "$name" bart "${opts[@]}" "$@"
	check "... the bits of one call" same_bits "$ref" o
}

tool="gleam-infer --pattern t-pat"

same_in_loop "bart -p, slices in parallel" out -p 8192 -e 3 -t 2 -- $tool w t-ksp t-map o
same_in_loop "bart -l, all stages" stages -l 8192 -e 3 -- $tool --stages w t-ksp t-map o

bart extract 13 1 3 out some
same_in_loop "bart -l from the second slice on" some -l 8192 -s 1 -e 3 -- $tool w t-ksp t-map o

for f in ksp pat; do bart reshape $((8192 + 16384 + 32768)) 1 1 3 t-$f b-$f; done

bart gleam-infer --pattern b-pat w b-ksp t-map b-out
same_in_loop "bart -l over BATCH" b-out -l 32768 -r b-ksp -- gleam-infer --pattern b-pat w b-ksp t-map o

for f in ksp pat; do

	bart circshift 0 3 t-$f two-$f.ra
	bart join 14 t-$f two-$f.ra two-$f
done

bart gleam-infer --pattern two-pat w two-ksp t-map two-out
same_in_loop "bart -l over slices and averages" two-out -l $((8192 + 16384)) -r two-ksp -- gleam-infer --pattern two-pat w two-ksp t-map o
same_in_loop "bart -p over averages, of several slices each" two-out -p 16384 -r two-ksp -t 2 -- gleam-infer --pattern two-pat w two-ksp t-map o

# a dimension that the command itself knows nothing of
for f in ksp pat out; do bart transpose 5 13 t-$f te-$f 2> /dev/null || bart transpose 5 13 $f te-$f; done

expect_error "echoes without a loop are refused" "te-ksp.*dimension 5 \(echoes\) is 3, expected 1" bart gleam-infer --pattern te-pat w te-ksp t-map o
same_in_loop "bart -l over echoes" te-out -l 32 -r te-ksp -- gleam-infer --pattern te-pat w te-ksp t-map o

bart copy t-ksp bad
printf '\377\377\377\177' | dd of=bad.cfl bs=1 seek=$((40 * 36 * 3 * 8 + 800)) conv=notrunc status=none

expect_error "bart -l over a slice that is not finite" "bad: found nan" bart -l 8192 -r bad $tool w bad t-map o
expect_error "bart -p over a slice that is not finite" "bad: found nan" bart -p 8192 -e 3 -t 2 $tool w bad t-map o


# -- pipelines and .ra files

bart fmac t-ref t-map coils

pipeline()
{
	bart fft -u 3 coils - | bart fmac - t-pat - | infer w - t-map - | bart fft -u 3 - - | bart fft -u -i 3 - piped || return 1

	bart fft -u 3 coils full && bart fmac full t-pat ksp && infer w ksp t-map one && bart fft -u 3 one o && bart fft -u -i 3 o filed \
		&& same_bits filed piped
}

check "a pipeline of five" pipeline
check "... that ends in bart nrmse" eval 'bart copy t-ksp - | infer w - t-map - | bart nrmse -t 0 -- out -'
check "... of which the number can be wrong" eval 'bart scale 2 t-ksp - | infer w - t-map - | { ! bart nrmse -t 1e-3 -- out - ; }'
check "sensitivities from a stream" eval 'bart copy t-map - | infer w t-ksp - o && same_bits out o'
check "a pattern from a stream" eval 'bart copy t-pat - | bart gleam-infer --pattern - w t-ksp t-map o && same_bits out o'
check "binary streams" eval 'bart --stream-bin-out copy t-ksp - > s && bart --stream-bin-out gleam-infer --pattern t-pat w - t-map - < s > s2 && bart copy - o < s2 && same_bits out o'
check "a stream of slices, each as it comes" eval 'bart copy --stream 8192 t-ksp - | bart -r - gleam-infer --pattern t-pat w - t-map - | bart copy - o && same_bits out o'
check "training, k-space from a stream" eval 'bart copy t-ksp - | bart gleam $net --pattern t-pat w-o - t-map t-ref && same_bits w w-o'
check "training, references from a stream" eval 'bart copy t-ref - | bart gleam $net --pattern t-pat w-o t-ksp t-map - && same_bits w w-o'
expect_error "a stream that does not come" "Reading input from -" eval 'bart copy nowhere - 2> /dev/null | timeout 60 "$BART" gleam-infer w - t-map o'
expect_error "a stream that ends too early" "Stream_sync_slice|Reading input" eval 'bart --stream-bin-out copy t-ksp - | head -c 20000 | timeout 60 "$BART" gleam-infer w - t-map o'

for f in ksp map ref pat; do bart copy t-$f r-$f.ra; done

ra() { bart gleam $net --pattern r-pat.ra --valid-data k=r-ksp.ra,c=r-map.ra,r=r-ref.ra,p=r-pat.ra --valid-every 100 w-ra r-ksp.ra r-map.ra r-ref.ra; }

check "training on .ra files" eval 'ra && same_bits w w-ra'
check "from and to .ra files" eval 'bart gleam-infer --pattern r-pat.ra w r-ksp.ra r-map.ra o.ra && bart copy o.ra o && same_bits out o'
check "slices in a loop to a .ra file" eval 'rm o.ra && bart -l 8192 -e 3 gleam-infer --pattern r-pat.ra w r-ksp.ra r-map.ra o.ra && bart copy o.ra o && same_bits out o'


# -- BART's wrapper for Python

run_python()
{
	PYTHONPATH=$BART_TOOLBOX_PATH/python "$NUMPY" - "$net"
}

in_python()
{
	run_python <<-PYTHON
	import sys
	import cfl
	from bart import bart

	ksp, maps, ref, pat = (cfl.readcfl("t-" + f) for f in ("ksp", "map", "ref", "pat"))

	bart(0, "gleam " + sys.argv[1] + " w-py", ksp, maps, ref, pattern=pat)
	assert 0 == bart.ERR and "iteration 12/12" in bart.stderr, bart.stderr

	cfl.writecfl("py", bart(1, "gleam-infer w-py", ksp, maps, pattern=pat))
	cfl.writecfl("py-stages", bart(1, "gleam-infer --stages --reference t-ref w-py", ksp, maps, pattern=pat))
	assert "zero-filled" in bart.stdout, bart.stdout
	PYTHON
}

python_error()
{
	run_python <<-PYTHON
	import cfl
	from bart import bart

	ksp, maps = (cfl.readcfl("t-" + f) for f in ("ksp", "map"))

	# one coil too few
	out = bart(1, "gleam-infer w", ksp[:, :, :, 1:], maps)
	assert out is None and 1 == bart.ERR, bart.ERR
	assert "expected" in bart.stderr, bart.stderr

	out = bart(1, "gleam-infer w", ksp, maps)
	assert out is not None and 0 == bart.ERR
	PYTHON
}

if [ -z "$NUMPY" ]; then

	skip "BART's wrapper for Python" "no python3 with numpy"

elif [ ! -f "$BART_TOOLBOX_PATH/python/bart.py" ]; then

	skip "BART's wrapper for Python" "no python/bart.py beside $BART"
else
	check "Python: trains and reconstructs" in_python
	check "... the weights of the shell" same_bits w w-py
	check "... the images of the shell" same_bits out py
	check "... and of all stages" same_bits stages py-stages
	check "Python: an error is told, and the next call is as any" python_error
fi


# -- BART's wrapper for Matlab

run_octave()
{
	octave --no-gui --norc --quiet --eval "addpath('$BART_TOOLBOX_PATH/matlab'); $1"
}

in_octave()
{
	run_octave "
		ksp = readcfl('t-ksp'); maps = readcfl('t-map'); ref = readcfl('t-ref');

		bart('gleam $net --pattern t-pat w-oct', ksp, maps, ref);
		writecfl('oct', bart('gleam-infer --pattern t-pat w-oct', ksp, maps));
		writecfl('oct-arg', bart('gleam-infer --pattern', ksp, maps, 't-pat', 'w-oct'));
	"
}

octave_error()
{
	run_octave "
		ksp = readcfl('t-ksp'); maps = readcfl('t-map');
		told = false;

		try
			out = bart('gleam-infer w', ksp(:, :, :, 2:end), maps);
		catch err
			told = ~isempty(strfind(err.message, 'exited with an error'));
		end

		out = bart('gleam-infer w', ksp, maps);
		exit(~told);
	"
}

if ! command -v octave > /dev/null; then

	skip "BART's wrapper for Matlab" "octave is not installed (GLEAM_SETUP_EXTRA=octave ./setup.sh: 225 MB with all it needs)"

elif [ ! -f "$BART_TOOLBOX_PATH/matlab/bart.m" ]; then

	skip "BART's wrapper for Matlab" "no matlab/bart.m beside $BART"
else
	check "Octave: trains and reconstructs" in_octave
	check "... the weights of the shell" same_bits w w-oct
	check "... the images of the shell" same_bits out oct
	check "... also with words as arguments" same_bits out oct-arg
	check "Octave: an error is told, and the next call is as any" octave_error
fi


# -- BART as a library: commands in one process

LIBRARY=$BART_TOOLBOX_PATH/gleam_library

# commands on stdin; what they left behind to told
library() { timeout 300 "$LIBRARY" > told 2> told.err; }

statuses() { sed -n 's/^status \([-0-9]*\),.*/\1/p' told | paste -sd ' '; }

# after every command as after the first one
as_it_was()
{
	cat told
	[ 1 -eq "$(sed -n 's/^status [-0-9]*, //p' told | sort -u | wc -l)" ] && ! grep -q 'signals [1-9]' told
}

if [ ! -x "$LIBRARY" ]; then

	skip "BART as a library" "no gleam_library beside $BART (make unit)"
	finish
	exit
fi

library <<-COMMANDS
	version -V
	gleam $net --pattern t-pat l1 t-ksp t-map t-ref
	gleam-infer --pattern t-pat l1 t-ksp t-map lo1
	gleam $net --pattern t-pat l2 t-ksp t-map t-ref
	gleam-infer --pattern t-pat -r t-ref l2 t-ksp t-map lo2
	-l 8192 -e 3 gleam-infer --pattern t-pat l2 t-ksp t-map lo3
	gleam-infer --pattern t-pat --memory l2 t-ksp t-map lo4
COMMANDS

check "a program trains and reconstructs twice" [ "0 0 0 0 0 0 0" = "$(statuses)" ]
check "... the weights of the shell" eval 'same_bits w l1 && same_bits w l2'
check "... the images of the shell" eval 'same_bits out lo1 && same_bits out lo2 && same_bits out lo3'
check "... what goes to stdout comes back to it" eval 'grep -q "^zero-filled" told && grep -q "^in all" told'
check "no open files and no signals are left behind" as_it_was

library <<-COMMANDS
	copy t-ksp k.mem
	copy t-map m.mem
	copy t-ref r.mem
	copy t-pat p.mem
	gleam $net --pattern p.mem lm k.mem m.mem r.mem
	gleam-infer --pattern p.mem lm k.mem m.mem o.mem
	copy o.mem lmo
COMMANDS

check "arrays of the program (.mem)" eval 'grep -v "^status 0" told; same_bits w lm && same_bits out lmo'

head -c 2000 l1.state > torn.state
echo "another,table" > others.csv

# weights whose images are not finite
bart gleam $net --pattern t-pat -n 1 --lr 1e30 far t-ksp t-map t-ref 2> /dev/null

library <<-COMMANDS
	version -V
	gleam --pattern t-pat -I 3 -M 2 l3 t-ksp t-map t-ref
	gleam-infer --no-such-option w t-ksp t-map le
	gleam-infer --pattern t-pat nowhere t-ksp t-map le
	gleam-infer --pattern t-pat w t-ksp nowhere le
	gleam-infer --pattern t-pat w bad t-map le
	gleam --pattern t-pat --lr 1e30 -I 3 --features 8 -b 1 -n 20 --log log.csv l3 t-ksp t-map t-ref
	gleam $net --pattern t-pat l3 t-ksp t-map t-ref
	gleam --pattern t-pat --adam beta1 l3 t-ksp t-map t-ref
	-l 8192 -e 3 gleam-infer --pattern t-pat w bad t-map le
	gleam-infer --pattern t-pat far t-ksp t-map le
	gleam-infer --pattern t-pat far t-ksp t-map le
	gleam-infer --pattern t-pat far t-ksp t-map le
	gleam $net --pattern t-pat --log log.csv l4 t-ksp t-map t-ref
	gleam $net --pattern t-pat --resume --seed 7 l4 t-ksp t-map t-ref
	gleam $net --pattern t-pat --resume torn t-ksp t-map t-ref
	gleam $net --pattern t-pat --resume torn t-ksp t-map t-ref
	gleam $net --pattern t-pat --resume --log others.csv l4 t-ksp t-map t-ref
	gleam $net --pattern t-pat --resume --log others.csv l4 t-ksp t-map t-ref
	gleam $net --pattern t-pat l4 t-ksp t-map t-ref
	gleam-infer --pattern t-pat l4 t-ksp t-map lo5
COMMANDS

check "a program goes on after errors" eval 'cat told told.err; [ "0 -1 -1 -1 -1 -1 -1 0 -1 -1 -1 -1 -1 0 -1 -1 -1 -1 -1 0 0" = "$(statuses)" ]'
check "... of images that are not finite, too" grep -q "the reconstruction of sample 0 is not finite" told.err
check "... with the bits of the shell" eval 'same_bits w l4 && same_bits out lo5'

# what an error has cut short, a log, the earlier one, a lock and a state, may be closed by the next training
few_files()
{
	cat told
	sed -n 's/.*files \([0-9]*\),.*/\1/p' told | awk 'NR == 1 { first = $1 } $1 > first + 5 { more = 1 } { last = $1 } END { exit more || last != first }'
}

check "... of which no files are left open" few_files
check "... and no signals" eval 'cat told; ! grep -q "signals [1-9]" told'

finish
