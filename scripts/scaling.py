#!/usr/bin/env python3
"""The number that each slice is divided by: the 95th percentile of the
magnitude of its zero-filled image (as bart gleam does it).

	scaling.py <zero-filled images> <output>

The output has one value per slice, along dimension 13; an image that is zero
everywhere gets 1.
"""

import sys

import numpy as np

import cfl


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)

    s = np.array([np.percentile(np.abs(x), 95) for x in cfl.slices(sys.argv[1])])
    s[s == 0.] = 1.

    cfl.write(sys.argv[2], s.reshape([1] * 13 + [-1]))


if __name__ == "__main__":
    main()
