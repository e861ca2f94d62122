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

STEPS = 3

# fp32 rounding of sums of some hundred terms, through four iterations
LOSS_TOLERANCE = 1e-5

# Adam divides a gradient by its own size: where it is near zero rounding decides
# its sign, so that a few weights out of thousands may take the other step
STEP_TOLERANCE = 1e-2


def options():
    p = argparse.ArgumentParser()
    p.add_argument("folder")
    p.add_argument("network")
    p.add_argument("-I", dest="iterations", type=int)
    p.add_argument("-M", dest="modules", type=int)
    p.add_argument("--features", type=int)
    p.add_argument("--mu", type=float, default=0.05)
    p.set_defaults(mode="gleam", tuned=False, cg_gradient="adjoint", step_size=1., cg_iter=10, lr=1e-4,
                   weight_decay=1e-4, seed=0)
    return p.parse_args()


def header(name, section):
    with open(name + ".hdr") as f:
        lines = f.read().split("\n")

    start = lines.index(section) + 1
    end = next(i for i in range(start, len(lines)) if lines[i].startswith("#") or not lines[i])
    return [[int(n) for n in line.split()] for line in lines[start:end]]


def read_cfl(name):
    """[batch][coil][y][x]"""
    dims = header(name, "# Dimensions")[0] + 16 * [1]
    a = np.fromfile(name + ".cfl", np.complex64).reshape(dims[:16], order="F")
    a = a.reshape(dims[0], dims[1], dims[3], dims[15], order="F")
    return torch.from_numpy(np.ascontiguousarray(a.T)).to(torch.complex128)


def read_weights(name, conf):
    """[N][P]: one packed array per module, two real numbers in every complex one"""
    data = np.fromfile(name + ".cfl", np.float32).astype(np.float64)
    per = [2 * int(np.prod(d)) for d in header(name, "# MultiDimensions")]
    assert len(per) == conf.modules and sum(per) == len(data)
    parts = np.split(data, np.cumsum(per)[:-1])
    per_iteration = conf.iterations // conf.modules
    P = per[0] // per_iteration
    return np.concatenate([p[:P * per_iteration].reshape(per_iteration, P) for p in parts])


def load(net, weights):
    for it, w in zip(net, weights, strict=True):
        at = 0

        for p in it.prox.packed():
            p.data = torch.from_numpy(w[at:at + p.numel()].copy()).reshape(p.shape)
            at += p.numel()

        assert at + 1 == len(w), f"{at} parameters and a scalar expected, {len(w)} found"


def packed(net):
    return np.stack([np.concatenate([p.data.numpy().ravel() for p in it.prox.packed()]) for it in net])


def train(conf, first):
    """losses [step][module], and the weights after the last step"""
    ksp, maps, pat, ref = (read_cfl(os.path.join(conf.folder, "two-" + n)) for n in ("ksp", "maps", "pat", "ref"))
    pat = pat.real
    samples = [[a[i:i + 1] for a in (ksp, maps, pat, ref)] for i in range(len(ksp))]
    trainer = None
    losses = []

    for step in range(STEPS):
        k, m, p, r = samples[step % len(samples)]
        x0, r = scaled(k, m, p, r[:, 0])

        if trainer is None:
            trainer = Trainer(conf, Sense(m, p), x0, r)
            load(trainer.net, first)

        trainer.A, trainer.x0, trainer.ref = Sense(m, p), x0, r
        losses.append(trainer.iteration())

    return np.array(losses), packed(trainer.net)


def logged(conf):
    with open(os.path.join(conf.folder, "log.csv")) as f:
        rows = list(csv.DictReader(f))

    return np.array([[float(r[f"loss_{m + 1}"]) for m in range(conf.modules)] for r in rows])


def main():
    conf = options()
    first = read_weights(os.path.join(conf.folder, "first"), conf)
    last = read_weights(os.path.join(conf.folder, "last"), conf)[:, :-1]
    losses, weights = train(conf, first)
    ours = logged(conf)

    loss = np.abs(ours / losses - 1).max(axis=1)
    step = np.linalg.norm(last - weights) / np.linalg.norm(weights - first[:, :-1])
    good = loss.max() < LOSS_TOLERANCE and step < STEP_TOLERANCE

    print(f"{'ok  ' if good else 'FAIL'} {conf.network} N = {conf.iterations} M = {conf.modules} mu = {conf.mu:g}: losses of"
          f" step 1 to {STEPS} differ by {', '.join(f'{e:.1e}' for e in loss)}; {STEPS} steps by {step:.1e}")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
