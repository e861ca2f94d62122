#!/usr/bin/env python3
"""Expected values of tests/unit/test_metrics.c, printed as a C table.

The images are rational functions of integers, so that C and Python compute the
same bits; the metrics are those of scikit-image, in double. Run with Debian's
python3-skimage; the versions are printed into the table.
"""

import numpy as np
import scipy
import skimage
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

CASES = [(32, 24, 1), (11, 11, 2), (13, 40, 3), (64, 48, 4), (11, 25, 5)]


def images(X, Y, seed):
    """Complex images in single precision: x, and ref, the nearer the smaller seed."""
    y, x = np.mgrid[0:Y, 0:X].astype(np.int64)

    smooth = ((x * (X - x) * y * (Y - y)) % 4093) / 4096.
    texture = ((x * x * 7 + y * y * 13 + x * y * 5 + seed * 11) % 101) / 128.
    noise = ((x * 31 + y * 17 + x * y * y * 3 + seed * 7) % 89 - 44) * 2**seed / 2048.

    ref = (smooth + texture) * (0.6 + 0.8j)
    img = (smooth + texture + noise) * (-0.8 + 0.6j)

    return img.astype(np.complex64), ref.astype(np.complex64)


def metrics(img, ref):
    a = np.abs(img.astype(np.complex128))
    b = np.abs(ref.astype(np.complex128))

    psnr = peak_signal_noise_ratio(b, a, data_range=b.max())
    ssim = structural_similarity(b, a, gaussian_weights=True, sigma=1.5,
                                 use_sample_covariance=False, data_range=b.max())

    return psnr, ssim, np.linalg.norm(a - b) / np.linalg.norm(b)


print(f"// by make_metrics_expected.py with scikit-image {skimage.__version__},"
      f" scipy {scipy.__version__}, numpy {np.__version__}")

for X, Y, seed in CASES:

    psnr, ssim, nrmse = metrics(*images(X, Y, seed))

    print(f"\t{{ {X}, {Y}, {seed}, {{ {psnr:.15g}, {ssim:.15g}, {nrmse:.15g} }} }},")
