#!/usr/bin/env python3
"""One picture: reference and reconstructions of one slice, error maps below.

	panel.py [options] <reference> <name>=<images>... <output.png>

All images share one grey window, all error maps one window of a fifth of it. A
pixel of the image is a square of whole pixels of the picture: nothing is
interpolated. Rows without signal are cropped away.
"""

import argparse

import numpy as np

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt

import cfl
import metrics

DPI = 100


def bounds(mask, margin):
    """first and last index of signal, with a margin"""
    i = np.flatnonzero(mask)

    return max(i[0] - margin, 0), min(i[-1] + 1 + margin, mask.size)


def signal_box(ref, level=0.1, margin=6):
    """where more than one in fifty of the pixels of a row or column has signal"""
    m = ref > level * np.percentile(ref, 99.5)

    x = bounds(m.mean(axis=1) > 0.02, margin)
    y = bounds(m.mean(axis=0) > 0.02, margin)

    return slice(*x), slice(*y)


class Sheet:
    """A figure whose axes lie on whole pixels; origin at the top left."""

    def __init__(self, width, height):
        self.size = width, height
        self.fig = plt.figure(figsize=(width / DPI, height / DPI), dpi=DPI, facecolor="white")

    def rect(self, x, y, w, h):
        return [x / self.size[0], 1. - (y + h) / self.size[1], w / self.size[0], h / self.size[1]]

    def image(self, a, x, y, zoom, vmax, cmap):
        a = np.kron(a, np.ones((zoom, zoom)))
        ax = self.fig.add_axes(self.rect(x, y, a.shape[1], a.shape[0]))
        ax.imshow(a, cmap=cmap, vmin=0., vmax=vmax, interpolation="none", aspect="auto")
        ax.axis("off")

    def text(self, s, x, y, **kwargs):
        self.fig.text(x / self.size[0], 1. - y / self.size[1], s, **kwargs)

    def save(self, name):
        self.fig.savefig(name, dpi=DPI)


def panel(ref, recos, output, error=5, rotate=0, title=None):
    """recos: {name: image}; complex, of the whole slice"""
    ref = np.abs(ref)
    box = signal_box(ref)

    def view(a):
        return np.rot90(a[box], rotate)

    h, w = view(ref).shape
    zoom = max(1, int(np.ceil(320 / w)))
    h, w = zoom * h, zoom * w
    gap, head = 6, 62
    top = 34 if title else 0
    n = 1 + len(recos)

    sheet = Sheet(n * w + (n + 1) * gap, top + head + 2 * h + 2 * gap)
    window = np.percentile(ref[box], 99.7)

    if title:
        sheet.text(title, sheet.size[0] / 2, 22, ha="center", va="center", size=13)

    def put_title(k, first, second):
        x = gap + k * (w + gap) + w / 2
        sheet.text(first, x, top + 20, ha="center", va="center", size=14, weight="bold")
        sheet.text(second, x, top + 44, ha="center", va="center", size=11)

    put_title(0, "reference", "PSNR / SSIM of this slice")
    sheet.image(view(ref), gap, top + head, zoom, window, "gray")
    sheet.text(f"error × {error}", gap + w / 2, top + head + gap + 1.5 * h, ha="center", va="center", size=14)

    for k, (name, x) in enumerate(recos.items(), 1):

        psnr, ssim, _ = metrics.all_of(x, ref)
        put_title(k, name, f"{psnr:.2f} dB / {ssim:.4f}")

        left = gap + k * (w + gap)
        sheet.image(view(np.abs(x)), left, top + head, zoom, window, "gray")
        sheet.image(view(np.abs(np.abs(x) - ref)), left, top + head + h + gap, zoom, window / error, "gray")

    sheet.save(output)


def main():
    p = argparse.ArgumentParser(description="Reference, reconstructions and error maps of one slice")
    p.add_argument("--slice", type=int, help="which one (the middle one)")
    p.add_argument("--error", type=int, default=5, help="factor of the error maps (5)")
    p.add_argument("--rotate", type=int, default=0, help="quarter turns, counterclockwise (0)")
    p.add_argument("--title")
    p.add_argument("reference")
    p.add_argument("images", nargs="+", metavar="name=images")
    p.add_argument("output", metavar="output.png")
    args = p.parse_args()

    ref = cfl.slices(args.reference)
    k = len(ref) // 2 if args.slice is None else args.slice

    recos = {i.partition("=")[0]: cfl.slices(i.partition("=")[2])[k] for i in args.images}

    panel(ref[k], recos, args.output, args.error, args.rotate, args.title)


if __name__ == "__main__":
    main()
