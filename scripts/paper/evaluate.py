#!/usr/bin/env python3
"""Metrics of every slice (of series: of every frame), of all stages of a network.

	evaluate.py <reference> <images>... <metrics.csv>

Images with stages along dimension 8 count as as many; stages are numbered from 0, or,
where there is only one image, named so. Definitions: doc/method.md.
"""

import csv
import os
import sys

import numpy as np

import cfl
import metrics

STAGES = 8


def planes(a):
    """(X, Y, all other dimensions), in the order of the file"""
    return a.reshape(a.shape[0], a.shape[1], -1, order="F")


def stages(name):
    """a list of images, one for each stage"""
    a = cfl.read(name)

    if a.ndim <= STAGES or a.shape[STAGES] == 1:
        return [planes(a)]

    return [planes(np.take(a, i, axis=STAGES)) for i in range(a.shape[STAGES])]


def main():
    if len(sys.argv) < 4:
        sys.exit(__doc__)

    ref = planes(cfl.read(sys.argv[1]))
    images = [i for name in sys.argv[2:-1] for i in stages(name)]
    part = sys.argv[-1] + ".part"

    with open(part, "w", newline="") as f:

        w = csv.writer(f)
        w.writerow(["stage", "slice"] + metrics.NAMES)

        for stage, x in enumerate(images):

            if x.shape != ref.shape:
                sys.exit(f"evaluate: images of {x.shape}, expected {ref.shape} as in {sys.argv[1]}")

            for i in range(ref.shape[2]):
                w.writerow([stage, i] + [f"{v:.6g}" for v in metrics.all_of(x[:, :, i], ref[:, :, i])])

    os.replace(part, sys.argv[-1])


if __name__ == "__main__":
    main()
