#!/usr/bin/env python3
"""One picture of a series: reference and reconstructions of one frame and their
errors; below, a line through the heart over time, and its errors.

	panel-cine.py [options] <reference> <name>=<images>... <output.png>

Series are X x Y, frames along dimension 10, series along 13. The line runs along Y,
the direction that is undersampled, where the series moves most; it is marked in the
frame of the reference. Grey windows and pixels as in panel.py.
"""

import argparse

import numpy as np

import cfl
import metrics
import panel


def series(name, k):
    """magnitudes (X, Y, frames) of the k-th one"""
    a = cfl.read(name)
    a = a.reshape(a.shape + (1,) * (14 - a.ndim))

    if not k < a.shape[13]:
        raise SystemExit(f"panel-cine: {name} holds {a.shape[13]} series, expected more than {k}")

    return np.abs(a[:, :, 0, 0, 0, 0, 0, 0, 0, 0, :, 0, 0, k])


def liveliest(ref):
    """the line along Y with the most motion, smoothed over a twentieth of the image"""
    n = max(1, ref.shape[0] // 20)

    return int(np.argmax(np.convolve(ref.std(axis=2).mean(axis=1), np.ones(n), "same")))


def per_frame(x, ref):
    """mean of the metrics over all frames"""
    return np.mean([metrics.all_of(x[:, :, t], ref[:, :, t]) for t in range(ref.shape[2])], axis=0)


class Columns:
    """Four rows of images, a column for each reconstruction."""

    GAP, HEAD, LEFT = 6, 62, 28

    def __init__(self, shape, columns, title):
        X, Y, T = shape
        self.zoom = max(1, int(np.ceil(300 / Y)))
        self.stretch = max(1, self.zoom * Y // T)
        self.h, self.w = self.zoom * X, self.zoom * Y
        self.profile = self.zoom * Y
        self.top = (34 if title else 0) + self.HEAD

        g = self.GAP
        self.sheet = panel.Sheet(self.LEFT + columns * (self.w + g) + g,
                                 self.top + 2 * (self.h + g) + 2 * (self.profile + g))

        if title:
            self.sheet.text(title, self.sheet.size[0] / 2, 22, ha="center", va="center", size=13)

    def left(self, k):
        return self.LEFT + self.GAP + k * (self.w + self.GAP)

    def row(self, i):
        return self.top + (i * (self.h + self.GAP) if i < 3 else 2 * (self.h + self.GAP) + self.profile + self.GAP)

    def label(self, i, text):
        height = self.h if i < 2 else self.profile
        self.sheet.text(text, self.LEFT / 2, self.row(i) + height / 2, ha="center", va="center", size=12, rotation=90)

    def titles(self, k, first, second):
        x = self.left(k) + self.w / 2
        self.sheet.text(first, x, self.top - 42, ha="center", va="center", size=14, weight="bold")
        self.sheet.text(second, x, self.top - 18, ha="center", va="center", size=11)

    def frame(self, k, i, a, vmax):
        self.sheet.image(a, self.left(k), self.row(i), self.zoom, vmax, "gray")

    def over_time(self, k, i, a, vmax):
        """a: (Y, frames); time from left to right, as wide as a frame"""
        wide = np.repeat(np.kron(a, np.ones((self.zoom, 1))), self.stretch, axis=1)
        self.sheet.image(wide, self.left(k) + (self.w - wide.shape[1]) // 2, self.row(i), 1, vmax, "gray")


def draw(ref, recos, output, frame, line, error, title):
    t = ref.shape[2] // 2 if frame is None else frame
    x = liveliest(ref) if line is None else line
    window = np.percentile(ref, 99.7)

    c = Columns(ref.shape, 1 + len(recos), title)

    for i, text in enumerate([f"frame {t + 1} of {ref.shape[2]}", f"error × {error}", "line over time", f"error × {error}"]):
        c.label(i, text)

    marked = ref[:, :, t].copy()
    marked[x, ::4] = window

    c.titles(0, "reference", "mean PSNR / SSIM of frames")
    c.frame(0, 0, marked, window)
    c.over_time(0, 2, ref[x], window)

    for k, (name, a) in enumerate(recos.items(), 1):

        psnr, ssim, _ = per_frame(a, ref)
        c.titles(k, name, f"{psnr:.2f} dB / {ssim:.4f}")

        c.frame(k, 0, a[:, :, t], window)
        c.frame(k, 1, np.abs(a - ref)[:, :, t], window / error)
        c.over_time(k, 2, a[x], window)
        c.over_time(k, 3, np.abs(a - ref)[x], window / error)

    c.sheet.save(output)


def main():
    p = argparse.ArgumentParser(description="Reference, reconstructions, error maps and a line over time of one series")
    p.add_argument("--slice", type=int, default=0, help="which series (0)")
    p.add_argument("--frame", type=int, help="which frame (the middle one)")
    p.add_argument("--line", type=int, help="where on X the line over time lies (where most moves)")
    p.add_argument("--error", type=int, default=5, help="factor of the error maps (5)")
    p.add_argument("--rotate", type=int, default=0, help="quarter turns, counterclockwise: 0 for series")
    p.add_argument("--title")
    p.add_argument("reference")
    p.add_argument("images", nargs="+", metavar="name=images")
    p.add_argument("output", metavar="output.png")
    args = p.parse_args()

    if args.rotate:
        p.error("series are not turned")

    recos = {i.partition("=")[0]: series(i.partition("=")[2], args.slice) for i in args.images}

    draw(series(args.reference, args.slice), recos, args.output, args.frame, args.line, args.error, args.title)


if __name__ == "__main__":
    main()
