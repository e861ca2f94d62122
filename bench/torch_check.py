"""See torch_check.sh: PyTorch in double precision from the weights that bart
gleam began with, compared with its log and the weights that it ended with."""
import argparse
import csv
import os
import sys

import numpy as np
import torch

from torch_gleam import Trainer
from torch_net import Sense, scaled

# fp32 rounding of sums of some hundred terms, through four iterations
LOSS_TOLERANCE = 1e-5

# of a gradient, fp32 through forward and backward pass: of the median output
# channel, relative to the mean of its convolution. A single pixel may lie so near
# the kink of a ReLU that rounding decides its side, which some channels then
# carry (PyTorch in fp32 differs from itself in double by as much): what some
# pixels out of 1440 contribute bounds the difference as a whole.
GRADIENT_TOLERANCE = 1e-4
GRADIENT_KINK = 5e-2


SMOOTH = "epsilon=1"


def options():
    p = argparse.ArgumentParser()
    p.add_argument("folder")
    p.add_argument("data", help="prefix of the samples")
    p.add_argument("network")
    p.add_argument("-I", dest="iterations", type=int)
    p.add_argument("-M", dest="modules", type=int)
    p.add_argument("--features", type=int)
    p.add_argument("--mu", type=float, default=0.05)
    p.add_argument("--lr", type=float, default=1e-4)
    p.add_argument("--adam", default="epsilon=1e-8")
    p.set_defaults(mode="gleam", tuned=False, cg_gradient="adjoint", step_size=0.5, cg_iter=10, weight_decay=1e-4, seed=0)
    return p.parse_args()


def header(name, section):
    with open(name + ".hdr") as f:
        lines = f.read().split("\n")

    start = lines.index(section) + 1
    end = next(i for i in range(start, len(lines)) if lines[i].startswith("#") or not lines[i])
    return [[int(n) for n in line.split()] for line in lines[start:end]]


def read_cfl(name):
    """[batch][coil][t][y][x]"""
    dims = header(name, "# Dimensions")[0] + 16 * [1]
    a = np.fromfile(name + ".cfl", np.complex64).reshape([dims[i] for i in (0, 1, 3, 10, 15)], order="F")
    return torch.from_numpy(np.ascontiguousarray(a.T)).transpose(1, 2).to(torch.complex128)


def read_weights(name, conf, P):
    """[N][P]: one packed array per module, two real numbers in every complex one, a zero at an odd end"""
    data = np.fromfile(name + ".cfl", np.float32).astype(np.float64)
    per = [2 * int(np.prod(d)) for d in header(name, "# MultiDimensions")]
    length = conf.iterations // conf.modules
    assert per == conf.modules * [(length * P + 1) // 2 * 2], f"{name}: {per} numbers, not {conf.modules} x {length} x {P}"
    parts = np.split(data, np.cumsum(per)[:-1])
    return np.concatenate([p[:P * length].reshape(length, P) for p in parts])


def load(net, weights):
    for it, w in zip(net, weights, strict=True):
        at = 0

        for p in it.prox.packed():
            p.data = torch.from_numpy(w[at:at + p.numel()].copy()).reshape(p.shape)
            at += p.numel()


def packed(net):
    return np.stack([np.concatenate([p.data.numpy().ravel() for p in it.prox.packed()]) for it in net])


def gradient_errors(net, changes, expected):
    """relative error of every output channel of every convolution"""
    errors = []

    for c, e in zip(changes, expected):
        at = 0

        for p in net[0].prox.packed():
            rows = slice(at, at + p.numel()), (len(p), -1)
            d, r = (np.linalg.norm(x[rows[0]].reshape(rows[1]), axis=1) for x in (c - e, e))
            errors += list(d / np.sqrt(np.mean(r ** 2)))
            at += p.numel()

    return np.median(errors), np.linalg.norm(changes - expected) / np.linalg.norm(expected)


def samples(conf):
    ksp, maps, pat, ref = (read_cfl(conf.data + n) for n in ("-ksp", "-maps", "-pat", "-ref"))
    conf.frames = ksp.shape[2]

    if conf.frames == 1:
        ksp, maps, pat, ref = (a[:, :, 0] for a in (ksp, maps, pat, ref))

    for i in range(len(ksp)):
        k, m, p, r = (a[i:i + 1] for a in (ksp, maps, pat.real, ref))
        x0, r = scaled(k, m, p, r[:, 0])
        yield Sense(m, p), x0, r


def train(conf, trainer, data, steps):
    """losses [step][module]"""
    losses = []

    for group in (g for adam in trainer.adam for g in adam.param_groups):
        group["eps"] = float(conf.adam.removeprefix("epsilon="))

    for step in range(steps):
        trainer.A, trainer.x0, trainer.ref = data[step % len(data)]
        losses.append(trainer.iteration())

    return np.array(losses)


def logged(conf):
    with open(os.path.join(conf.folder, "log.csv")) as f:
        rows = list(csv.DictReader(f))

    return np.array([[float(r[f"loss_{m + 1}"]) for m in range(conf.modules)] for r in rows])


def main():
    conf = options()
    data = list(samples(conf))
    trainer = Trainer(conf, *data[0])
    P = packed(trainer.net).shape[1]

    # the last one is t or mu
    first, last = (read_weights(os.path.join(conf.folder, n), conf, P + 1)[:, :P] for n in ("first", "last"))
    load(trainer.net, first)
    expected = logged(conf)
    losses = train(conf, trainer, data, len(expected))
    loss = np.abs(expected / losses - 1).max()
    most, whole = gradient_errors(trainer.net, last - first, packed(trainer.net) - first)

    # Adam takes a full step however small a gradient is, in the direction that
    # rounding gives it; with a large eps the step is the gradient
    good = loss < LOSS_TOLERANCE and (conf.adam != SMOOTH or (most < GRADIENT_TOLERANCE and whole < GRADIENT_KINK))

    print(f"{'ok  ' if good else 'FAIL'} {conf.network}{', series' if 1 < conf.frames else ''} N = {conf.iterations} M = {conf.modules} mu = {conf.mu:g}"
          f" {conf.adam}: losses of {len(losses)} steps differ by {loss:.1e},"
          f" changes of the weights by {most:.1e} (median channel), {whole:.1e} (all)")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
