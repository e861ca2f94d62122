#!/usr/bin/env python3
"""Where in k-space the errors of reconstructions lie.

	spectrum.py <reference> <pattern> <name>=<images>...

Prints a table in markdown, over all slices: for rings of k-space (radius as a part
of the way to the edge) what part is sampled, the energy of the reference in the
ring, and the energy of the error there as a part of it. 1 means that nothing of
the ring was found; where the reference is noise, nothing can be.
"""

import argparse
import sys

import numpy as np

import cfl

RINGS = [0., 0.1, 0.2, 0.3, 0.4, 0.6, 0.8, 1., 1.5]


def energy(image):
    """|unitary centered DFT|^2"""
    k = np.fft.fftshift(np.fft.fft2(np.fft.ifftshift(image.astype(np.complex128)), norm="ortho"))

    return np.abs(k) ** 2


def radius(shape):
    x, y = (np.abs(np.arange(n) - n // 2) / (n / 2) for n in shape)

    return np.hypot(x[:, None], y[None, :])


def ring_sums(images):
    """array (rings,)"""
    r = radius(images[0].shape)
    total = sum(energy(a) for a in images)

    return np.array([total[(r >= lo) & (r < hi)].sum() for lo, hi in zip(RINGS, RINGS[1:])])


def main():
    p = argparse.ArgumentParser(description="Errors by spatial frequency")
    p.add_argument("reference")
    p.add_argument("pattern")
    p.add_argument("images", nargs="+", metavar="name=images")
    args = p.parse_args()

    ref = cfl.slices(args.reference)
    pat = cfl.slices(args.pattern)

    if pat[0].shape != ref[0].shape:
        sys.exit(f"spectrum: {args.pattern} has {pat[0].shape}, expected {ref[0].shape} as in {args.reference}")

    r = radius(ref[0].shape)
    mean = sum(np.abs(a) for a in pat) / len(pat)
    sampled = [mean[(r >= lo) & (r < hi)].mean() for lo, hi in zip(RINGS, RINGS[1:])]
    signal = ring_sums(ref)

    pairs = [a.partition("=")[::2] for a in args.images]
    errors = [ring_sums([a - b for a, b in zip(cfl.slices(f or n), ref)]) for n, f in pairs]

    print("| radius | sampled | reference | " + " | ".join(n for n, _ in pairs) + " |")
    print("|" + " --- |" * (3 + len(pairs)))

    for i, (lo, hi) in enumerate(zip(RINGS, RINGS[1:])):
        print(f"| {lo:.1f}-{hi:.1f} | {sampled[i]:.2f} | {signal[i] / signal.sum():.4f} | "
              + " | ".join(f"{e[i] / signal[i]:.3f}" for e in errors) + " |")

    print("| all | " + f"{mean.mean():.2f} | 1 | " + " | ".join(f"{e.sum() / signal.sum():.4f}" for e in errors) + " |")


if __name__ == "__main__":
    main()
