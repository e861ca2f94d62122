#!/usr/bin/env python3
"""Lines of k-space to be measured in each frame of a series.

	kt.py <lines> <frames> <R> <centre> <growth> <seed> <output>

Writes a pattern, 1 x lines, frames along dimension 10. The middle <centre> lines
are in every frame; the distance between the others grows by 1 + growth r^2 with
the distance r from the middle of k-space (in units of all lines), as with bart
poisson -V. All frames together have lines x frames / R of them, and no frame
more than one more than another.

A frame takes the lines at which the sum of the density, plus an offset, passes
a whole number: as evenly spaced as the density allows. The offset moves by a
fixed step from frame to frame, near the golden section, and comes by all
multiples of 1 / frames. A line whose density is p is taken where the offset falls
into an interval of length p: where all frames have equally many lines, every line with
p >= 1 / frames is measured, as often as it should be, and none with p below the step
(7/20 for 20 frames) twice in a row. Where some have one line more than others the
intervals move a little between the two kinds, and a few lines are exceptions.
The density of each line is a random factor away from its nominal one, drawn
once for a series: gaps of one size would make aliases of one distance.
"""

import math
import sys

import numpy as np

import cfl


def density(nominal, sum_of):
    """nominal times a factor, at most one, with this sum: found by bisection"""
    lo, hi = 0., 1. / nominal.min()

    for _ in range(60):

        mid = 0.5 * (lo + hi)
        p = np.minimum(1., mid * nominal)
        lo, hi = (mid, hi) if p.sum() < sum_of else (lo, mid)

    return p


def counts(total, frames):
    """as even as can be"""
    edges = np.floor(np.arange(frames + 1) * total / frames + 0.5).astype(int)

    return np.diff(edges)


def step(frames):
    """near 0.38 frames, without a common divisor"""
    coprime = [m for m in range(1, frames + 1) if math.gcd(m, frames) == 1]

    return min(coprime, key=lambda m: abs(m - 0.382 * frames))


def series(lines, frames, R, centre, growth, seed):
    """bool (lines, frames)"""
    rng = np.random.RandomState(seed)

    middle = lines // 2 - centre // 2 + np.arange(centre)
    outside = np.setdiff1d(np.arange(lines), middle)

    total = int(round(lines * frames / R))
    n = counts(total, frames) - centre

    if n.min() + centre < 1 or n.min() < 0 or n.max() > outside.size:
        sys.exit(f"kt: R = {R} leaves {total / frames:.1f} of {lines} lines to a frame, expected at least {max(centre, 1)}, "
                 f"those of the centre, and at most all; choose another R, or a smaller centre")

    nominal = 1. / (1. + growth * (outside / lines - 0.5) ** 2) * np.exp(0.25 * rng.standard_normal(outside.size))
    offset = rng.uniform()

    taken = np.zeros((lines, frames), bool)
    taken[middle] = True

    for t in range(frames):

        if n[t] == 0:
            continue

        # rounding must not cost the last line
        edges = np.concatenate([[0.], np.cumsum(density(nominal, n[t]))])
        edges *= n[t] / edges[-1]
        edges[-1] = n[t]

        passed = np.floor(edges + (offset + t * step(frames) / frames) % 1.)
        taken[outside[np.diff(passed) > 0], t] = True

    return taken


def main():
    if len(sys.argv) != 8:
        sys.exit(__doc__)

    lines, frames, centre, seed = (int(sys.argv[i]) for i in (1, 2, 4, 6))
    R, growth = float(sys.argv[3]), float(sys.argv[5])

    taken = series(lines, frames, R, centre, growth, seed)
    cfl.write(sys.argv[7], taken.reshape([1, lines] + [1] * 8 + [frames]))


if __name__ == "__main__":
    main()
