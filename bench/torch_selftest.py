"""Checks of the PyTorch peer, in double precision on a tiny problem: that what
is timed is the method of doc/method.md."""
import argparse

import torch
import torch.nn.functional as F

import torch_net

# sums of some 10^4 terms in double
EPS = 1e-11

# an image, and a series of frames, for which the networks are 3D
FRAMES = (1, 4)


def conf(**given):
    c = {"network": "pgd", "mode": "gleam", "tuned": False, "cg_gradient": "autograd", "iterations": 2, "modules": 2,
         "features": 5, "size": (12, 10), "frames": 1, "coils": 3, "batch": 2, "mu": 0.05, "step_size": 1., "cg_iter": 10,
         "lr": 1e-4, "weight_decay": 1e-4, "seed": 7}
    c.update(given)
    return argparse.Namespace(**c)


def problem(c):
    ksp, maps, pattern, ref = torch_net.synthetic(c, torch.float64)
    x0, ref = torch_net.scaled(ksp, maps, pattern, ref)
    return (torch_net.SenseTuned if c.tuned else torch_net.Sense)(maps, pattern), x0, ref


def gradients(Trainer, c):
    """the gradients of all parameters, and the last output"""
    t = Trainer(c, *problem(c))
    x = t.x0

    for m in range(len(t.modules)):
        _, x = t.gradients(m, x)

    return [p.grad for i in t.net for p in i.prox.packed()] + [x]


def distance(a, b):
    d = ((a - b).norm() / b.norm()).item()
    return d if d == d else float("inf")    # max() would lose a NaN


def distances(a, b):
    return max(distance(p, q) for p, q in zip(a, b, strict=True))


def check_normal(_):
    return max(normal_error(conf(frames=f)) for f in FRAMES)


def normal_error(c):
    plain, x0, _ = problem(c)
    tuned = torch_net.SenseTuned(plain.maps, plain.pattern)
    x = torch.randn_like(x0)
    y = torch.randn_like(plain.forward(x))
    a = (plain.forward(x).conj() * y).sum()
    b = (x.conj() * plain.adjoint(y)).sum()
    return max(abs(a - b).item() / abs(a).item(), distance(tuned.normal(x), plain.normal(x)))


def check_parameters(_):
    # 2.19 million, and 8 times 5 convolutions without bias; in 3D kernels of 27
    nets = (torch_net.Resnet(100), torch_net.Revnet(70), torch_net.Resnet(60, dims=3), torch_net.Revnet(50, dims=3))
    n = [sum(p.numel() for p in net.packed()) for net in nets]
    return 0. if [8 * n[0], *n[1:]] == [2191216, 9 * (2 * 70 + 3 * 70 * 70 + 70 * 2),
                                        27 * (2 * 60 + 3 * 60 * 60 + 60 * 2) + 3 * 60 + 2,
                                        27 * (2 * 50 + 3 * 50 * 50 + 50 * 2)] else 1.


def check_padding(_):
    """by finite differences, and against PyTorch's own padding"""
    worst = 0.

    for n, mode in (((5, 6), "reflect"), ((3, 4, 5), "replicate")):
        x = torch.randn(2, 3, *n, dtype=torch.float64, requires_grad=True)
        w = torch.randn(4, 3, *(len(n) * [3]), dtype=torch.float64, requires_grad=True)
        torch_net.PadConv.layout = torch_net.LAYOUTS[len(n)]["nhwc"]

        for relu in (False, True):
            torch.autograd.gradcheck(lambda x, w: torch_net.PadConv.apply(x, w, relu), (x, w))
            p = F.pad(F.relu(x) if relu else x, 2 * len(n) * (1,), mode)
            y = (F.conv2d if len(n) == 2 else F.conv3d)(p, w)
            worst = max(worst, distance(torch_net.PadConv.apply(x, w, relu), y))

    return worst


def pair(Trainer, a, b):
    return distances(gradients(Trainer, conf(**a)), gradients(Trainer, conf(**b)))


def check_tuned(Trainer):
    worst = 0.

    for f in FRAMES:
        for torch_net.PadConv.layout in torch_net.LAYOUTS[2 if f == 1 else 3].values():
            for n in ("pgd", "modl"):
                given = {"network": n, "frames": f}
                worst = max(worst, pair(Trainer, {**given, "tuned": True}, given))

    return worst


def check_one_module(Trainer):
    """greedy training with one module: the gradient of the composition of all iterations"""
    c = conf(modules=1)
    t = Trainer(c, *problem(c))
    out = t.net[1](t.net[0](t.x0, t.A, t.x0), t.A, t.x0)
    whole = torch.autograd.grad((out - t.ref).abs().mean(), [p for i in t.net for p in i.prox.packed()])
    return distances(gradients(Trainer, c), list(whole) + [out.detach()])


def check_last_module(Trainer):
    """several modules: each gradient is that of its own iterations, from the same input"""
    c = conf(iterations=2, modules=2)
    t = Trainer(c, *problem(c))
    _, x = t.gradients(0, t.x0)
    t.gradients(1, x)
    out = t.net[1](x, t.A, t.x0)
    params = t.net[1].prox.packed()
    alone = torch.autograd.grad((out - t.ref).abs().mean(), params)
    return distances([p.grad for p in params], alone)


def check_checkpoint(Trainer):
    return max(pair(Trainer, {"network": n, "mode": "checkpoint", "modules": 1}, {"network": n, "modules": 1})
               for n in ("pgd", "modl"))


def check_adjoint_solve(Trainer):
    """the adjoint solve is the gradient once CG has converged"""
    far = {"network": "modl", "mu": 1., "cg_iter": 60, "modules": 2}
    return max(pair(Trainer, {**far, "cg_gradient": "adjoint", "frames": f}, {**far, "frames": f}) for f in FRAMES)


def run(Trainer):
    failed = 0

    for f in (check_normal, check_parameters, check_padding, check_tuned, check_one_module, check_last_module,
              check_checkpoint, check_adjoint_solve):
        error = f(Trainer)
        good = error < EPS
        failed += not good
        print(f"{'ok  ' if good else 'FAIL'} {f.__name__[6:]:15} {error:.1e}")

    return 1 if failed else 0
