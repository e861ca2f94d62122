#!/usr/bin/env python3
"""Learning curves from the CSV log of bart gleam.

	plot-log.py [--cs dB] <log.csv>... <output.png>

Several logs are those of trainings that went on from one another. Above: training loss of each module, smoothed. Below: validation PSNR and nRMSE.
"""

import argparse
import csv
import sys

import numpy as np

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt


def read(name):
    """columns as arrays, NaN where a field is empty"""
    with open(name, newline="") as f:
        rows = list(csv.DictReader(f))

    if not rows:
        sys.exit(f"{name}: no lines yet")

    return {k: np.array([float(r[k]) if r[k] else np.nan for r in rows]) for k in rows[0]}


def chain(logs):
    """one log after another"""
    end = 0.

    for log in logs:
        log["iteration"] += end
        end = log["iteration"][-1]

    return {k: np.concatenate([log[k] for log in logs]) for k in logs[0]}


def smooth(y):
    """mean over a window of a hundredth of the curve, to see the trend of single mini-batches"""
    n = max(1, len(y) // 100)
    w = np.ones(n)

    return np.convolve(y, w, "same") / np.convolve(np.ones_like(y), w, "same")


def plot_losses(ax, log):
    parts = [k for k in log if k.startswith("loss_")] or ["loss"]
    colours = plt.cm.viridis(np.linspace(0., 0.9, len(parts)))

    for k, c in zip(parts, colours):

        label = "module " + k[5:] if k.startswith("loss_") else "all"
        ax.plot(log["iteration"], smooth(log[k]), color=c, lw=1.3, label=label)

    ax.set_yscale("log")
    ax.yaxis.set_major_locator(matplotlib.ticker.LogLocator(subs=(1., 2., 5.)))
    ax.yaxis.set_major_formatter(matplotlib.ticker.FormatStrFormatter("%.3g"))
    ax.yaxis.set_minor_formatter(matplotlib.ticker.NullFormatter())
    ax.set_ylabel("training loss")
    ax.grid(alpha=0.3, which="both")
    ax.legend(fontsize=8, ncol=2, loc="upper right")


def plot_validation(ax, log, cs):
    known = ~np.isnan(log["valid_psnr"])
    x = log["iteration"][known]

    psnr = ax.plot(x, log["valid_psnr"][known], ".-", color="tab:blue", label="PSNR")
    ax.set_ylabel("validation PSNR [dB]", color="tab:blue")
    ax.grid(alpha=0.3)

    if cs is not None:
        psnr.append(ax.axhline(cs, color="tab:gray", ls="--", label=f"compressed sensing {cs:.2f} dB"))

    right = ax.twinx()
    nrmse = right.plot(x, log["valid_nrmse"][known], ".-", color="tab:red", lw=1, label="nRMSE")
    right.set_ylabel("validation nRMSE", color="tab:red")

    lines = psnr + nrmse
    ax.legend(lines, [i.get_label() for i in lines], fontsize=8, loc="center right")


def main():
    p = argparse.ArgumentParser(description="Learning curves from the CSV log of bart gleam")
    p.add_argument("--cs", type=float, help="validation PSNR of compressed sensing, as a line to compare with")
    p.add_argument("log", nargs="+", metavar="log.csv")
    p.add_argument("output", metavar="output.png")
    args = p.parse_args()

    log = chain([read(i) for i in args.log])
    validated = "valid_psnr" in log and not np.isnan(log["valid_psnr"]).all()

    fig, axes = plt.subplots(1 + validated, 1, figsize=(8, 3.4 * (1 + validated)), dpi=110, sharex=True, squeeze=False)

    plot_losses(axes[0, 0], log)

    if validated:
        plot_validation(axes[1, 0], log, args.cs)

    axes[-1, 0].set_xlabel("iteration (mini-batches)")
    fig.tight_layout()
    fig.savefig(args.output)


if __name__ == "__main__":
    main()
