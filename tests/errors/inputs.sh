# Sourced by run.sh: what is right (t-*, s-* on a trajectory, w and its state), and one
# file for each thing that is wrong.

small="--iterations 2 --features 4 -b 1 -n 1"

# numbers of a copy: <in> <out> <position in bytes> <four bytes>
with() { bart copy "$1" "$2"; printf "$4" | dd of="$2.cfl" bs=1 seek="$3" conv=notrunc 2> /dev/null; }
with_bytes() { cp "$1" "$2"; printf "$4" | dd of="$2" bs=1 seek="$3" conv=notrunc 2> /dev/null; }
nan() { with "$1" "$2" "$3" '\x00\x00\xc0\x7f'; }
inf() { with "$1" "$2" "$3" '\x00\x00\x80\x7f'; }

# header of given dimensions and no data of its own
header() { printf '# Dimensions\n%s\n' "$2" > "$1.hdr"; }

make_right()
{
	make_data t 3 40 36 3 1
	gleam w t-ksp t-map t-ref 2> /dev/null
	infer w t-ksp t-map out

	# radial: 8 spokes of 40 samples for images of 40x36
	bart traj -r -x 40 -y 8 s-traj
	bart fft -u -i 3 t-ksp coils.ra
	bart nufft s-traj coils.ra s-ksp
	rm -f coils.ra
}

make_damaged_files()
{
	cp t-ksp.hdr cut.hdr; head -c 5000 t-ksp.cfl > cut.cfl
	cp t-ksp.hdr nodata.hdr
	cp t-ksp.cfl nohdr.cfl
	sed 's/^40 36/44 36/' t-ksp.hdr > size.hdr; cp t-ksp.cfl size.cfl
	sed 's/^40 36/x y/' t-ksp.hdr > junk.hdr; cp t-ksp.cfl junk.cfl
	: > empty.hdr; cp t-ksp.cfl empty.cfl
	header zerodim "40 0 1 3"; : > zerodim.cfl
	header minusdim "40 -36 1 3"; cp t-ksp.cfl minusdim.cfl
	header overflow "4294967296 4294967296 1 3"; cp t-ksp.cfl overflow.cfl
	header manydims "40 36 1 3 1 1 1 1 1 1 1 1 1 1 1 1 1 2"; cp t-ksp.cfl manydims.cfl
	mkdir folder.hdr folder.cfl
	mkfifo fifo.hdr fifo.ra; cp t-ksp.cfl fifo.cfl
	head -c 300 /dev/urandom > noise.hdr; cp t-ksp.cfl noise.cfl
	printf 'short' > short.ra
	cp t-ksp.cfl other.ra
	bart copy t-ksp good.ra
	head -c 5000 good.ra > cut.ra
	with_bytes good.ra dims.ra 48 '\x29'
	with_bytes good.ra zero.ra 48 '\x00'
	with_bytes good.ra real.ra 24 '\x04'
}

make_dimensions()
{
	bart extract 3 0 2 t-map fewcoils
	bart resize 0 44 t-map widemap
	bart transpose 2 3 t-ksp coils2; bart transpose 2 3 t-map map-coils2
	bart resize 0 20 t-ref smallref
	bart resize 0 20 t-pat smallpat
	bart extract 13 0 2 t-pat twopat
	bart extract 13 0 2 t-ref tworef
	bart repmat 13 2 t-map twomaps
	bart join 4 t-ksp t-ksp mapsksp
	bart join 4 t-map t-map map2
	bart repmat 4 4 t-map map4
	bart extract 1 0 1 t-ksp lineksp; bart extract 1 0 1 t-map linemap; bart extract 1 0 1 t-ref lineref; bart extract 1 0 1 t-pat linepat
	bart transpose 13 10 t-ksp frames-as-time
	bart repmat 5 2 t-ksp echoes
	bart repmat 3 3 t-ref refcoils
	bart repmat 2 3 t-ref volref

	# of 2^31 elements, and no blocks on the disk
	header huge "65536 32768"
	truncate -s 17179869184 huge.cfl
}

make_values()
{
	nan t-ksp nanksp 8000
	inf t-ksp infksp 40000
	nan t-map nanmap 804
	inf t-pat infpat 88
	nan t-ref nanref 12004

	bart zeros 2 40 36 nopat
	bart scale -- -1 t-pat negative
	bart scale 1e30 t-pat hugepat
	bart scale 0 t-map zeromap
	bart scale 0 t-ref zeroref
	bart scale 0 t-ksp allzero

	# measured nowhere but in the pattern, and all but that
	bart fmac t-ksp t-pat sparse-ksp
	bart ones 14 40 36 1 1 1 1 1 1 1 1 1 1 1 3 ones.ra
	bart saxpy -- -1 t-pat ones.ra rest-pat
	rm ones.ra

	# the first one has no k-space, the others no reference
	bart extract 13 0 1 allzero half0.ra; bart extract 13 1 3 t-ksp half1.ra; bart join 13 half0.ra half1.ra half-ksp
	bart extract 13 0 1 t-ref half0.ra; bart extract 13 1 3 zeroref half1.ra; bart join 13 half0.ra half1.ra half-ref
	rm half0.ra half1.ra
	bart scale 1e-40 t-ksp denormal
	bart extract 13 0 1 t-ksp firstksp
	bart resize 13 3 firstksp mostlyzero

	# what is wrong shows after the first reconstruction, when output has been made
	bart extract 13 0 1 denormal d0; bart extract 13 1 3 t-ksp d12; bart join 13 d12 d0 latedenormal
}

make_trajectories()
{
	bart scale 0.025 s-traj norm
	bart scale 0.15708 s-traj radians
	bart scale 2 s-traj wide
	bart scale 0 s-traj notraj
	bart extract 1 0 20 s-traj shorttraj
	bart extract 0 0 1 s-traj onecoord
	nan s-traj nantraj 160
	bart ones 3 1 40 8 ones
	bart scale -- -1 ones minusdcf
	bart transpose 0 1 s-ksp turned
}

# weights <new name> <sed script for the header>
weights() { cp w.cfl "$1.cfl"; sed "$2" w.hdr > "$1.hdr"; }

make_weights()
{
	weights short ''; head -c 100 w.cfl > short.cfl
	weights flip ''; printf '\x01' | dd of=flip.cfl bs=1 seek=77 conv=notrunc 2> /dev/null
	weights version 's/^\(format[^0-9]*\)[0-9][0-9]*/\1999/'
	weights other '/^# Gleam/,$d'
	weights noname '/^features/d'
	weights twice 's/^features.*/&\n&/'
	weights manyfeatures 's/^features.*/features 99999999999/'
	weights nodivisor 's/^modules.*/modules 3/'
	weights notype 's/^network.*/network abc/'
	weights nodata-w ''; rm nodata-w.cfl

	# a cycle of spatial dimensions that is not this data's
	bart zeros 3 12 10 8 v-img.ra; bart ones 4 12 10 8 2 v-map; bart fmac v-img.ra v-map v0.ra
	bart noise -n 1 v0.ra v-ksp; bart noise -s 2 -n 1 v-img.ra v-ref
	bart gleam $small v3d v-ksp v-map v-ref 2> /dev/null
	rm -f v-img.ra v0.ra
}

# state <new name> <sed script>: of its text, which ends where floats begin
state() { cp w.hdr "$1.hdr"; cp w.cfl "$1.cfl"; LC_ALL=C sed "$2" w.state > "$1.state"; }

# the last line of a state; gzip's has the same
checksum() { printf 'crc32 %s\n' "$(gzip -c < "$1" | tail -c 8 | od -An -tx4 -N4 | tr -d ' ')" >> "$1"; }

make_states()
{
	local size text


	state cutstate ''; head -c 3000 w.state > cutstate.state
	state nostate ''; printf 'nothing of the kind\n' > nostate.state
	state emptystate ''; : > emptystate.state
	state flipstate ''; printf '\x01' | dd of=flipstate.state bs=1 seek=$(($(stat -c %s w.state) - 1000)) conv=notrunc 2> /dev/null
	state newstate 's/^format .*/format 999/'
	bart scale 1.1 t-ksp other-ksp
	gleam other-w other-ksp t-map t-ref 2> /dev/null
	gleam --step-size 0.7 step-w t-ksp t-map t-ref 2> /dev/null
	: > busy.lock

	# of a training without validation, with best weights: a third more floats
	size=$(($(stat -c %s w.state) - 15))
	text=$(($(LC_ALL=C grep -abo '^end$' w.state | head -n 1 | cut -d : -f 1) + 4))
	state beststate ''; { head -c $text w.state | sed 's/^best inf/best 0.5/'; tail -c +$((text + 1)) w.state | head -c $((size - text)); tail -c +$((text + 1)) w.state | head -c $(((size - text) / 3)); } > beststate.state
	checksum beststate.state
	state farstate ''; head -c $size w.state | LC_ALL=C sed 's/^iteration .*/iteration 4611686018427387902/' > farstate.state
	checksum farstate.state

	cp w.cfl crlf.cfl; sed 's/$/\r/' w.hdr > crlf.hdr
	cp w.hdr hiddenw.hdr; cp w.cfl hiddenw.cfl; chmod 0 hiddenw.hdr
	cp w.hdr hiddendata.hdr; cp w.cfl hiddendata.cfl; chmod 0 hiddendata.cfl
	state linkedstate ''; ln -sf nowhere linkedstate.state
	state secretstate ''; chmod 0 secretstate.state

	printf 'a,b\n1,2\n' > foreign.csv

	# of a run whose state is elsewhere
	gleam -n 12 --log long.csv long t-ksp t-map t-ref 2> /dev/null; rm long.*[^v]

	cp w.hdr held.hdr; cp w.cfl held.cfl; ln -s nowhere held.lock
	mkdir folderheld.lock
	state folderstate ''; rm folderstate.state; mkdir folderstate.state
}

make_right
make_damaged_files
make_dimensions
make_values
make_trajectories
make_weights
make_states

# outputs in places where there can be none, and what may not be read
echo file > plain
mkdir -m 555 locked
mkdir -m 777 shared; seq 1000 > shared/readonly.csv; chmod 444 shared/readonly.csv
bart copy t-ksp secret; chmod 0 secret.cfl
LONG=$(printf 'x%.0s' $(seq 300))
