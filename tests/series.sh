# Sourced after lib.sh: small volumes, cine series and sets of two maps. All are
# made by BART's commands, samples along dimension 13.

# Smooth random images: <out> <seed> <X> <Y> <Z> <coils> <maps> <frames> <samples>
smooth()
{
	local low=()

	for n in "$3" "$4" "$5" "$8"; do

		low+=($((n < 3 ? n : 3)))
	done

	bart ones 14 "${low[0]}" "${low[1]}" "${low[2]}" "$6" "$7" 1 1 1 1 1 "${low[3]}" 1 1 "$9" sm-one.ra
	bart noise -s "$2" -n 1 sm-one.ra sm-noise.ra
	bart resize -c 0 "$3" 1 "$4" 2 "$5" 10 "$8" sm-noise.ra sm-large.ra
	bart fft -u 1031 sm-large.ra "$1"
}

# k-space of an image: <data set>
acquire()
{
	bart fmac -s 16 "$1-ref" "$1-map" aq-coils.ra
	bart fft -u 7 aq-coils.ra aq-full.ra
	bart noise -s 7 -n 0.0000001 aq-full.ra aq-noisy.ra
	bart fmac aq-noisy.ra "$1-pat" "$1-ksp"
	rm -f ./*.ra
}

# maps and images, the object times something smooth: <out> <samples> <X> <Y> <Z> <frames> <coils> <maps> <seed>, object.ra
make_object()
{
	smooth mo-coils.ra 5 "$3" "$4" "$5" "$7" "$8" 1 1
	bart normalize 24 mo-coils.ra "$1-map"

	smooth mo-smooth.ra "$9" "$3" "$4" "$5" 1 "$8" "$6" "$2"
	bart fmac object.ra mo-smooth.ra "$1-ref"
}

# <out> <samples> <X> <Y> <Z> <coils> <maps> <seed>: a Poisson disc in y and z for each sample
make_volumes()
{
	local i list=

	bart phantom -3 -x "$3" large.ra
	bart resize -c 1 "$4" 2 "$5" large.ra object.ra
	make_object "$1" "$2" "$3" "$4" "$5" 1 "$6" "$7" "$8"

	for i in $(seq "$2"); do

		bart poisson -Y "$4" -Z "$5" -y 1.3 -z 1.3 -C 4 -s $(($8 + i)) "pat$i.ra" > /dev/null
		list="$list pat$i.ra"
	done

	bart join 13 $list "$1-pat"
	acquire "$1"
}

# <out> <samples> <X> <Y> <frames> <coils> <maps> <seed>: a pattern for every frame, the same for all samples
make_cine()
{
	local t list=

	bart phantom -x "$3" large.ra
	bart resize -c 1 "$4" large.ra object.ra
	make_object "$1" "$2" "$3" "$4" 1 "$5" "$6" "$7" "$8"

	for t in $(seq "$5"); do

		bart poisson -Y "$3" -Z "$4" -y 1.5 -z 1.5 -C 4 -s $(($8 + t)) "pat$t.ra" > /dev/null
		list="$list pat$t.ra"
	done

	bart join 10 $list joined.ra
	bart transpose 0 1 joined.ra turned.ra
	bart transpose 1 2 turned.ra "$1-pat"
	acquire "$1"
}
