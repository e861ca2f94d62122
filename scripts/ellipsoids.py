#!/usr/bin/env python3
"""A random complex volume: ellipsoids of all sizes in a large one, soft edges.

	ellipsoids.py <size> <seed> <output>
"""

import sys

import numpy as np

import cfl


def ellipsoid(grid, centre, axes, turn):
    """1 inside, 0 outside, a ramp of about one pixel between; (3, n, n, n) grid of pixels"""
    d = np.tensordot(turn, grid - centre[:, None, None, None], 1)
    r = np.sqrt(((d / axes[:, None, None, None]) ** 2).sum(axis=0))

    return np.clip((1. - r) * axes.min() + 0.5, 0., 1.)


def volume(n, seed):
    rng = np.random.RandomState(seed)
    grid = np.stack(np.meshgrid(*[np.arange(n) - 0.5 * n] * 3, indexing="ij"))

    def turn():
        return np.linalg.qr(rng.standard_normal((3, 3)))[0]

    body, frame = n * rng.uniform(0.33, 0.42, 3), turn()
    x = rng.uniform(0.3, 0.6) * ellipsoid(grid, np.zeros(3), body, frame)
    inside = ellipsoid(grid, np.zeros(3), 0.92 * body, frame)

    for _ in range(rng.randint(15, 30)):

        centre = frame.T @ (body * rng.uniform(-0.6, 0.6, 3))
        axes = n * 0.2 * np.exp(rng.uniform(-2., 0.)) * rng.uniform(0.3, 1., 3)
        x += rng.choice([-1., 1.]) * rng.uniform(0.1, 0.4) * inside * ellipsoid(grid, centre, np.maximum(axes, 1.), turn())

    # two periods of phase at most
    k = 2. * np.pi / n * rng.uniform(-1., 1., 3)
    phase = np.tensordot(k, grid, 1) + np.sin(2. * np.pi / n * grid[0] + rng.uniform(0., 6.))

    return np.maximum(x, 0.) * np.exp(1.j * phase)


def main():
    if len(sys.argv) != 4:
        sys.exit(__doc__)

    cfl.write(sys.argv[3], volume(int(sys.argv[1]), int(sys.argv[2])))


if __name__ == "__main__":
    main()
