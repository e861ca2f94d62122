#!/usr/bin/env python3
"""A random beating phantom: a body, and rings in it whose radii change over time, as
those of the chambers of a heart; all of it moves to and fro with the breath.

	beating.py <size> <frames> <seed> <output>

Magnitudes, frames along dimension 10, drawn on a grid of three times the size and
averaged, so that all moves by parts of a pixel. The body is shaded and has a fine
texture, as tissue has: without, it would be a gift to compressed sensing.
"""

import sys

import numpy as np

import cfl

FINE = 3


class Plane:
    def __init__(self, n, rng):
        self.x, self.y = np.meshgrid(*[(np.arange(FINE * n) + 0.5) / (FINE * n) - 0.5] * 2, indexing="ij")
        self.rng = rng

    def inside(self, centre, axes, angle):
        c, s = np.cos(angle), np.sin(angle)
        x, y = self.x - centre[0], self.y - centre[1]

        return ((c * x + s * y) / axes[0]) ** 2 + ((c * y - s * x) / axes[1]) ** 2 < 1.

    def smooth(self, n, deviation):
        """a field of the n x n lowest frequencies"""
        k = np.zeros(self.x.shape, complex)
        k[:n, :n] = self.rng.standard_normal((n, n)) + 1.j * self.rng.standard_normal((n, n))
        field = np.fft.ifft2(np.roll(k, (-(n // 2), -(n // 2)), (0, 1))).real

        return deviation * field / field.std()

    def body(self):
        """structures over the whole field of view"""
        r = self.rng
        a = np.full(self.x.shape, r.uniform(0.1, 0.3))

        for _ in range(r.randint(25, 40)):
            size = 0.25 * np.exp(r.uniform(-2.5, 0.))
            a[self.inside(r.uniform(-0.5, 0.5, 2), size * r.uniform(0.3, 1., 2), r.uniform(0., np.pi))] = r.uniform(0.05, 0.9)

        n = self.x.shape[0] // FINE

        return a * np.maximum(0.3, 1. + self.smooth(5, 0.15) + self.smooth(n // 2, 0.06))


def series(n, frames, seed):
    rng = np.random.RandomState(seed)
    p = Plane(n, rng)
    body = p.body()

    chambers = [(rng.uniform(-0.2, 0.2, 2), rng.uniform(0.1, 0.2, 2), rng.uniform(0., np.pi), rng.uniform(0.3, 0.5),
                 rng.uniform(0.15, 0.4), rng.uniform(0.7, 1.), rng.uniform(0., 1.)) for _ in range(2)]
    out = np.empty((n, n, frames))

    # pixels, in any direction; a quarter to one breath in a series
    breath = rng.uniform(1., 3.) * np.exp(2.j * np.pi * rng.uniform())
    pace, begin = rng.uniform(0.25, 1.), rng.uniform()

    for t in range(frames):

        a = body.copy()

        for centre, axes, angle, depth, wall, blood, start in chambers:

            squeeze = 1. - depth * np.sin(np.pi * ((t / frames + start) % 1.)) ** 2
            a[p.inside(centre, axes * (0.5 + 0.5 * squeeze) + 0.04, angle)] = wall
            a[p.inside(centre, axes * squeeze, angle)] = blood

        shift = FINE * breath * np.sin(2. * np.pi * (begin + pace * t / frames))
        a = np.roll(a, (int(round(shift.real)), int(round(shift.imag))), (0, 1))

        out[:, :, t] = a.reshape(n, FINE, n, FINE).mean(axis=(1, 3))

    return out


def main():
    if len(sys.argv) != 5:
        sys.exit(__doc__)

    if not all(i.isdigit() for i in sys.argv[1:4]) or int(sys.argv[1]) < 8 or int(sys.argv[2]) < 1:
        sys.exit(f"beating: found '{' '.join(sys.argv[1:4])}', expected a size of 8 or more, a number of frames, and a seed")

    n, frames, seed = (int(i) for i in sys.argv[1:4])
    cfl.write(sys.argv[4], series(n, frames, seed).reshape([n, n] + [1] * 8 + [frames]))


if __name__ == "__main__":
    main()
