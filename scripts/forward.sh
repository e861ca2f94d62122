# Sourced by the simulations: coils, noise, and what is asked of an image.
# Wants X, Y (image size), COILS and snr.

# coils <n> <output>: BART's eight-channel head coil, on square pixels, of unit
# root sum of squares; the n-th of the eight ways to lay the square on itself,
# so that not every scan has the very same coil.
coils()
{
	side=$((X > Y ? X : Y))

	bart phantom -x "$side" -S "$COILS" "$tmp/coil"
	[ $(($1 & 4)) -eq 0 ] || bart transpose 0 1 "$tmp/coil" "$tmp/coil"
	bart flip $(($1 & 3)) "$tmp/coil" "$tmp/coil"
	bart resize -c 0 "$X" 1 "$Y" "$tmp/coil" "$tmp/coil"
	bart normalize 8 "$tmp/coil" "$2"
}

# noise_variance <image>: of complex noise, for this SNR
noise_variance()
{
	python - "$1" "$snr" <<-PYTHON
	import sys, cfl
	m = abs(cfl.read(sys.argv[1]))
	print("%.8e" % (2. * (m[m > 0.1 * m.max()].mean() / float(sys.argv[2])) ** 2))
	PYTHON
}
