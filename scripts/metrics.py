#!/usr/bin/env python3
"""PSNR, SSIM and nRMSE of magnitude images, slice by slice, and their mean and
standard deviation.

	metrics.py [--csv file.csv] <reference> <name>=<images>...

Prints a table in markdown; the CSV file gets one line per slice and method.
Definitions: doc/method.md; SSIM as scikit-image's structural_similarity with
gaussian_weights=True, sigma=1.5, use_sample_covariance=False (Wang et al., IEEE
Trans Image Process 2004;13:600-612).
"""

import argparse
import csv
import sys

import numpy as np

import cfl

NAMES = ["psnr", "ssim", "nrmse"]


def nrmse(x, ref):
    return np.linalg.norm(x - ref) / np.linalg.norm(ref)


def psnr(x, ref):
    return 20. * np.log10(ref.max() / np.sqrt(np.mean((x - ref) ** 2)))


def gauss(a, sigma=1.5, radius=5):
    """Separable Gaussian window; edges mirrored, which the cut of SSIM's border removes."""
    w = np.exp(-0.5 * (np.arange(-radius, radius + 1) / sigma) ** 2)
    w /= w.sum()

    for axis in (0, 1):

        p = np.pad(a, [(radius, radius) if i == axis else (0, 0) for i in (0, 1)], mode="symmetric")
        a = sum(w[k] * np.take(p, np.arange(k, k + a.shape[axis]), axis=axis) for k in range(w.size))

    return a


def ssim(x, ref, radius=5):
    """Mean over the image without a border of half a window; NaN for images not larger than it."""
    c1 = (0.01 * ref.max()) ** 2
    c2 = (0.03 * ref.max()) ** 2

    ux, ur = gauss(x), gauss(ref)
    vx = gauss(x * x) - ux * ux
    vr = gauss(ref * ref) - ur * ur
    vxr = gauss(x * ref) - ux * ur

    s = ((2. * ux * ur + c1) * (2. * vxr + c2)) / ((ux ** 2 + ur ** 2 + c1) * (vx + vr + c2))
    s = s[radius:-radius, radius:-radius]

    return s.mean() if s.size else float("nan")


def all_of(x, ref):
    """Complex or real images of one slice -> (psnr, ssim, nrmse)"""
    x = np.abs(x).astype(np.float64)
    ref = np.abs(ref).astype(np.float64)

    return psnr(x, ref), ssim(x, ref), nrmse(x, ref)


def of_files(images, reference):
    """array (slices, 3)"""
    x = cfl.slices(images)
    ref = cfl.slices(reference)

    if len(x) != len(ref) or x[0].shape != ref[0].shape:
        sys.exit(f"metrics: {images} holds {len(x)} slices of {x[0].shape}, expected {len(ref)} of {ref[0].shape} as in {reference}")

    return np.array([all_of(a, b) for a, b in zip(x, ref)])


def table(results):
    lines = ["| | PSNR [dB] | SSIM | nRMSE |", "| --- | --- | --- | --- |"]

    for name, r in results.items():

        m, s = r.mean(axis=0), r.std(axis=0)
        lines.append(f"| {name} | {m[0]:.2f} ± {s[0]:.2f} | {m[1]:.4f} ± {s[1]:.4f} | {m[2]:.4f} ± {s[2]:.4f} |")

    return "\n".join(lines)


def main():
    p = argparse.ArgumentParser(description="PSNR, SSIM and nRMSE of magnitude images, slice by slice")
    p.add_argument("--csv", help="one line per slice and method")
    p.add_argument("--mean", choices=NAMES, help="print only the mean of this, of the first method")
    p.add_argument("reference")
    p.add_argument("images", nargs="+", metavar="name=images")
    args = p.parse_args()

    results = {}

    for pair in args.images:

        name, _, images = pair.partition("=")
        results[name] = of_files(images or name, args.reference)

    if args.csv:

        with open(args.csv, "w", newline="") as f:

            w = csv.writer(f)
            w.writerow(["method", "slice"] + NAMES)

            for name, r in results.items():
                for i, v in enumerate(r):
                    w.writerow([name, i] + [f"{a:.6g}" for a in v])

    if args.mean:
        print(f"{next(iter(results.values())).mean(axis=0)[NAMES.index(args.mean)]:.4f}")
    else:
        print(table(results))


if __name__ == "__main__":
    main()
