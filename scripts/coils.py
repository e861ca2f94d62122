#!/usr/bin/env python3
"""Smooth, periodic coil sensitivities of unit root sum of squares.

	coils.py <X> <Y> <coils> <seed> <output>

A ring of coils around the middle, turned by a random angle. Magnitudes are
exp(k cos d) in both directions (von Mises), phases low harmonics: images that
are cut out of a body fill the field of view, and only of periodic
sensitivities k-space holds what maps can be estimated from there.
"""

import sys

import numpy as np

import cfl

RADIUS, SHARPNESS = 0.33, 0.6


def ring(X, Y, coils, seed):
    """complex (X, Y, 1, coils)"""
    rng = np.random.RandomState(seed)

    x = (2. * np.pi * np.arange(X) / X)[:, None, None]
    y = (2. * np.pi * np.arange(Y) / Y)[None, :, None]

    angle = 2. * np.pi * (np.arange(coils) + rng.uniform(-0.15, 0.15, coils)) / coils + rng.uniform(0., 2. * np.pi)
    cx = np.pi + 2. * np.pi * RADIUS * np.cos(angle)
    cy = np.pi + 2. * np.pi * RADIUS * np.sin(angle)

    sharp = SHARPNESS * rng.uniform(0.8, 1.2, coils)
    magnitude = np.exp(sharp * (np.cos(x - cx) + np.cos(y - cy)))

    phase = rng.uniform(-np.pi, np.pi, coils) + 0.6 * np.sin(x - cx) * np.cos(angle) + 0.6 * np.sin(y - cy) * np.sin(angle)

    s = magnitude * np.exp(1.j * phase)
    s /= np.sqrt((abs(s) ** 2).sum(axis=2, keepdims=True))

    return s[:, :, None, :]


def main():
    if len(sys.argv) != 6:
        sys.exit(__doc__)

    X, Y, coils, seed = (int(i) for i in sys.argv[1:5])
    cfl.write(sys.argv[5], ring(X, Y, coils, seed))


if __name__ == "__main__":
    main()
