"""Checks of the PyTorch peer, in double precision on a tiny problem: that what
is timed is the method of doc/method.md."""
import argparse

import torch

import torch_net

# sums of some 10^4 terms in double
EPS = 1e-11


def conf(**given):
    c = {"network": "pgd", "mode": "gleam", "tuned": False, "cg_gradient": "autograd", "iterations": 2, "modules": 2,
         "features": 5, "size": (12, 10), "coils": 3, "batch": 2, "mu": 0.05, "step_size": 1., "cg_iter": 10,
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
    c = conf()
    plain, x0, _ = problem(c)
    tuned = torch_net.SenseTuned(plain.maps, plain.pattern)
    x = torch.randn_like(x0)
    y = torch.randn_like(plain.maps)
    a = (plain.forward(x).conj() * y).sum()
    b = (x.conj() * plain.adjoint(y)).sum()
    return max(abs(a - b).item() / abs(a).item(), distance(tuned.normal(x), plain.normal(x)))


def check_parameters(_):
    # 2.19 million, and 8 times 5 convolutions without bias
    n = [sum(p.numel() for p in net.packed()) for net in (torch_net.Resnet(100), torch_net.Revnet(70))]
    return 0. if [8 * n[0], n[1]] == [2191216, 9 * (2 * 70 + 3 * 70 * 70 + 70 * 2)] else 1.


def check_padding(_):
    x = torch.randn(2, 3, 5, 6, dtype=torch.float64, requires_grad=True)
    w = torch.randn(4, 3, 3, 3, dtype=torch.float64, requires_grad=True)

    for relu in (False, True):
        torch.autograd.gradcheck(lambda x, w: torch_net.PadConv.apply(x, w, relu), (x, w))

    return 0.


def pair(Trainer, a, b):
    return distances(gradients(Trainer, conf(**a)), gradients(Trainer, conf(**b)))


def check_tuned(Trainer):
    worst = 0.

    for torch_net.PadConv.layout in torch_net.LAYOUTS.values():
        worst = max([worst] + [pair(Trainer, {"network": n, "tuned": True}, {"network": n}) for n in ("pgd", "modl")])

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
    return pair(Trainer, {**far, "cg_gradient": "adjoint"}, far)


def run(Trainer):
    failed = 0

    for f in (check_normal, check_parameters, check_padding, check_tuned, check_one_module, check_last_module,
              check_checkpoint, check_adjoint_solve):
        error = f(Trainer)
        good = error < EPS
        failed += not good
        print(f"{'ok  ' if good else 'FAIL'} {f.__name__[6:]:15} {error:.1e}")

    return 1 if failed else 0
