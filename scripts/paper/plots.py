#!/usr/bin/env python3
"""Pictures of what report.py puts in tables: memory over N, figures 7, 8 and 9.

	plots.py <folder of paper.sh> <output folder>
"""

import os
import sys

import numpy as np

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt

import cfl
import metrics
import panel
from evaluate import stages
from results import KINDS, METHODS, Results

COLOURS = {"end-to-end": "tab:red", "checkpoint": "tab:orange", "mel": "tab:purple", "mel-all": "tab:pink", "greedy": "tab:blue"}


def whole_numbers(ax):
    ax.xaxis.set_major_locator(matplotlib.ticker.MaxNLocator(integer=True))


def finish(fig, name):
    fig.tight_layout()
    fig.savefig(name)
    plt.close(fig)


def memory(r, name):
    table = r.memory_table()

    if not table:
        return

    networks = list(dict.fromkeys(i["network"] for i in table))
    fig, axes = plt.subplots(1, len(networks), figsize=(5 * len(networks), 4), dpi=110, squeeze=False)

    for ax, network in zip(axes[0], networks):

        for trainer, colour in COLOURS.items():

            of = sorted((i["N"], i["measured_mib"], i["planned_mib"]) for i in table if (i["network"], i["trainer"]) == (network, trainer))

            if of:

                N, measured, planned = zip(*of)
                ax.plot(N, measured, "o-", color=colour, label=METHODS[trainer])
                ax.plot(N, planned, "x:", color=colour)

        ax.set_title(f"{KINDS[network]} (crosses: planned)")
        ax.set_xlabel("unrolled iterations N")
        ax.set_ylabel("peak of memory [MiB]")
        ax.set_ylim(bottom=0)
        whole_numbers(ax)
        ax.grid(alpha=0.3)
        ax.legend()

    finish(fig, name)


def times(r, name, kind="modl"):
    """figure 7"""
    t = {k: r.time(kind, k) for k in COLOURS}
    t = {k: v for k, v in t.items() if v}

    if not t:
        return

    fig, ax = plt.subplots(figsize=(7, 3.6), dpi=110)
    x = np.arange(len(t))
    forward = [v["forward"] for v in t.values()]
    backward = [v["backward"] for v in t.values()]

    ax.bar(x, forward, 0.6, label="forward", color="tab:cyan")
    ax.bar(x, backward, 0.6, bottom=forward, label="backward", color="tab:blue")
    ax.set_xticks(x)
    ax.set_xticklabels([METHODS[k] for k in t], fontsize=9)
    ax.set_ylabel("seconds per iteration")
    ax.set_title(f"{KINDS[kind]}, N = {r.settings[kind.upper() + '_N']}")
    ax.grid(alpha=0.3, axis="y")
    ax.legend()
    finish(fig, name)


def stage_curves(r, name):
    """figure 9"""
    psnr = r.stages()

    if not psnr:
        return

    fig, ax = plt.subplots(figsize=(6, 3.8), dpi=110)

    for trainer, p in psnr.items():
        ax.plot(range(1, len(p)), p[1:], "o-", color=COLOURS[trainer], label=METHODS[trainer])

    ax.set_xlabel("unrolled iterations at inference, N_inf")
    ax.set_ylabel("PSNR, all test slices [dB]")
    whole_numbers(ax)
    ax.grid(alpha=0.3)
    ax.legend()
    finish(fig, name)


def images(r, name):
    """figure 8: a row for each trainer"""
    d = f"{r.out}/images"
    rows = [t for t in ("greedy", "end-to-end") if os.path.exists(f"{d}/{t}.hdr")]

    if not rows:
        return

    ref, zf = (cfl.slices(f"{d}/{f}")[0] for f in ("ref", "zf"))
    box = panel.signal_box(np.abs(ref))
    window = np.percentile(np.abs(ref[box]), 99.7)
    h, w = np.abs(ref[box]).shape
    zoom = max(1, int(np.ceil(120 / w)))
    h, w, gap, head, left = zoom * h, zoom * w, 4, 40, 110

    of = {t: [x[:, :, 0] for x in stages(f"{d}/{t}")] for t in rows}
    columns = 2 + max(len(v) for v in of.values())
    sheet = panel.Sheet(left + columns * (w + gap), head + len(rows) * (h + head + gap))

    for y, t in enumerate(rows):

        top = head + y * (h + head + gap)
        sheet.text(METHODS[t], left / 2, top + h / 2, ha="center", va="center", size=12, weight="bold")
        shown = [("zero-filled", zf)] + [(f"N_inf = {i + 1}", x) for i, x in enumerate(of[t])] + [("reference", ref)]

        for k, (title, x) in enumerate(shown):

            sheet.text(title, left + k * (w + gap) + w / 2, top - 26, ha="center", va="center", size=9)

            if x is not ref:
                sheet.text(f"{metrics.all_of(x, ref)[0]:.2f} dB", left + k * (w + gap) + w / 2, top - 10, ha="center", va="center", size=9)

            sheet.image(np.abs(x[box]), left + k * (w + gap), top, zoom, window, "gray")

    sheet.save(name)


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)

    r = Results(sys.argv[1])

    for name, draw in (("memory", memory), ("time", times), ("stages", stage_curves), ("images", images)):
        draw(r, f"{sys.argv[2]}/{name}.png")


if __name__ == "__main__":
    main()
