"""Checks of the variants of peer.py, in double precision on a tiny problem and
the CPU: that what is timed computes what torch_net.py does."""
import torch

import torch_net
import torch_selftest
from gpu_net import SenseGpu
from torch_gleam import Trainer
from torch_selftest import EPS, FRAMES, distance, distances

# what an error must lie between; 2^-8 through ten layers; less than the lower one is no bf16
EXACT = (0., EPS)
BF16 = (1e-5, 3e-2)


def conf(**given):
    c = torch_selftest.conf(cg_gradient="adjoint", layout="nchw", precision="fp32", compile=None, graph=False)
    vars(c).update(given)
    return c


def operators(fused, frames):
    plain, x0, ref = torch_selftest.problem(conf(frames=frames))
    return plain, SenseGpu(plain.maps, plain.pattern, fused), x0, ref


def check_normal(fused, frames):
    plain, ours, x0, _ = operators(fused, frames)
    x = torch.randn_like(x0)
    return distance(ours.normal(x), plain.normal(x))


def check_solve(fused, frames):
    plain, ours, x0, ref = operators(fused, frames)
    return distance(ours.solve(0.05, ref, x0, 10), plain.solve(0.05, ref, x0, 10))


def gradients(kind, c, make):
    t = kind(c, *make())
    x = t.x0

    for m in range(len(t.modules)):
        _, x = t.gradients(m, x)

    return [p.grad for i in t.net for p in i.prox.packed()] + [x]


def check_variant(kind, configure, variant, network, mode, frames):
    given = {"network": network, "mode": mode, "modules": 2 if mode == "gleam" else 1, "frames": frames}
    c = configure(conf(**given), variant)
    plain, x0, ref = torch_selftest.problem(conf(frames=frames))
    ours = gradients(kind, c, lambda: (SenseGpu(plain.maps, plain.pattern, c.compile is not None), x0, ref))
    return distances(ours, gradients(Trainer, conf(**given), lambda: (plain, x0, ref)))


def check_bf16(kind, configure, variant):
    """the outputs only: a pixel near the kink of a ReLU changes a gradient by much"""
    c = configure(conf(precision="bf16"), variant)
    plain, x0, ref = torch_selftest.problem(conf())
    single = SenseGpu(plain.maps.to(torch.complex64), plain.pattern.float(), c.compile is not None)
    ours = gradients(kind, c, lambda: (single, x0.to(torch.complex64), ref.to(torch.complex64)))
    return distance(ours[-1], gradients(Trainer, conf(), lambda: (plain, x0, ref))[-1])


def checks(kind, configure):
    compiled = hasattr(torch, "compile")

    for fused in (False, True) if compiled else (False,):
        for frames in FRAMES:
            yield f"normal, fused = {fused}, {frames} frames", EXACT, lambda: check_normal(fused, frames)
            yield f"solve, fused = {fused}, {frames} frames", EXACT, lambda: check_solve(fused, frames)

    for variant in ("plain-nhwc", "plain-nchw", "padded-nhwc", "padded-nchw", "compile-nhwc", "compile-nchw"):
        if variant.startswith("compile") and not compiled:
            print(f"SKIP {variant}: PyTorch {torch.__version__} has no torch.compile")
            continue

        for network in ("pgd", "modl"):
            for mode in ("gleam", "end-to-end"):
                yield f"{variant} {network} {mode}", EXACT, lambda: check_variant(kind, configure, variant, network, mode, 1)

            yield f"{variant} {network} series", EXACT, lambda: check_variant(kind, configure, variant, network, "gleam", 4)

    for variant in ("plain-nhwc", "padded-nhwc") + (("compile-nhwc",) if compiled else ()):
        yield f"{variant} bf16", BF16, lambda: check_bf16(kind, configure, variant)


def run(kind, configure):
    failed = 0

    for name, (least, most), f in checks(kind, configure):
        error = f()
        good = least <= error < most
        failed += not good
        print(f"{'ok  ' if good else 'FAIL'} {name:32} {error:.1e}", flush=True)

    return 1 if failed else 0
