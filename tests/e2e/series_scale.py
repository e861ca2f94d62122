#!/usr/bin/env python3
"""What the first series of a data set is divided by, by numpy: the 95th percentile of
the image from k-space averaged over time. With a reference also the mean loss of an
image against it, both divided by that.

	series_scale.py <kspace> <pattern> <maps> [<image> <reference>]
"""

import os
import sys

import numpy

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../../scripts"))

import cfl


def load(name):
    """X Y Z coils maps ... time, of the first sample"""
    x = cfl.read(name)
    x = x.reshape(x.shape + (1,) * (16 - x.ndim))

    return x[..., 0, 0, 0].reshape(x.shape[:5] + (x.shape[10],)).astype(complex)


def image(kspace):
    axes = (0, 1, 2)

    return numpy.fft.fftshift(numpy.fft.ifftn(numpy.fft.ifftshift(kspace, axes), axes=axes, norm="ortho"), axes)


def scale(kspace, pattern, maps):
    pattern = numpy.broadcast_to(pattern, pattern.shape[:-1] + kspace.shape[-1:])
    weight = (abs(pattern) ** 2).sum(-1, keepdims=True)
    total = (pattern.conj() * (pattern * kspace)).sum(-1, keepdims=True)
    mean = numpy.where(0 < weight, total / numpy.where(0 < weight, weight, 1), 0)
    combined = (maps.mean(-1, keepdims=True).conj() * image(mean)).sum(3)

    return numpy.percentile(abs(combined), 95)


def main(kspace, pattern, maps, x=None, ref=None):
    s = scale(load(kspace), load(pattern), load(maps))

    if x is None:
        print("%.8g" % s)
        return

    x, ref = load(x), load(ref)

    if x.shape[4] > ref.shape[4]:
        x, ref = numpy.sqrt((abs(x) ** 2).sum(4, keepdims=True)), abs(ref)

    print("%.8g" % (abs(x - ref).mean() / s))


main(*sys.argv[1:])
