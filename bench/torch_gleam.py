#!/usr/bin/env python3
"""Greedy training of an unrolled network in PyTorch, measured.

Prints one line of JSON: seconds per iteration, and the peak resident memory
above that of an idle process with PyTorch imported, under the default
allocator ("net_MiB") and with large blocks given back at once, which is about
what is alive ("live_MiB"). Each figure comes from a process of its own.
"""
import argparse
import glob
import json
import os
import statistics
import subprocess
import sys
import time


def options():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--network", choices=["pgd", "modl"], default="pgd")
    p.add_argument("--mode", choices=["gleam", "end-to-end", "checkpoint"], default="gleam")
    p.add_argument("--tuned", action="store_true",
                   help="by hand: own padding, the faster memory layout, shifts of the FFT folded, tcmalloc if installed")
    p.add_argument("--layout", choices=["auto", "nchw", "nhwc"], default="auto",
                   help="memory layout when tuned (auto: whichever is faster here)")
    p.add_argument("--cg-gradient", choices=["autograd", "adjoint"], default="autograd",
                   help="through the CG iterations, or by a second solve")
    p.add_argument("-I", "--iterations", type=int, default=8, help="unrolled iterations N")
    p.add_argument("-M", "--modules", type=int, help="modules (default: N)")
    p.add_argument("--features", type=int, help="default: 100 (pgd), 70 (modl); of a series 60, 50")
    p.add_argument("--size", type=int, nargs=2, default=(320, 256), metavar=("X", "Y"))
    p.add_argument("--frames", type=int, default=1, help="more than one: a series, and the 3D networks")
    p.add_argument("--coils", type=int, default=8)
    p.add_argument("--batch", type=int, default=1)
    p.add_argument("--mu", type=float, default=0.05)
    p.add_argument("--step-size", type=float, default=0.5)
    p.add_argument("--cg-iter", type=int, default=10)
    p.add_argument("--lr", type=float, default=1e-4)
    p.add_argument("--weight-decay", type=float, default=1e-4)
    p.add_argument("--repeat", type=int, default=3, help="timed iterations, after one of warm-up")
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--no-live", action="store_true", help="leave out the run for live_MiB")
    p.add_argument("--only-live", action="store_true", help="only live_MiB")
    p.add_argument("--selftest", action="store_true", help="check the networks and trainers against each other")
    p.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    p.add_argument("--choose-layout", action="store_true", help=argparse.SUPPRESS)
    return complete(p.parse_args())


def complete(conf):
    if conf.features is None:
        conf.features = {"pgd": (100, 60), "modl": (70, 50)}[conf.network][1 < conf.frames]

    if conf.modules is None:
        conf.modules = 1 if conf.mode != "gleam" else conf.iterations

    if conf.iterations % conf.modules:
        sys.exit(f"-M {conf.modules} does not divide -I {conf.iterations}")

    return conf


def status_MiB(field):
    """VmRSS or VmHWM (its peak) of this process"""
    with open("/proc/self/status") as f:
        for line in f:
            if line.startswith(field + ":"):
                return int(line.split()[1]) / 1024

    raise KeyError(field)


class Trainer:
    """Modules of N/M unrolled iterations, each with its own Adam and the local
    loss mean |x - ref|; M = 1 is end-to-end training."""

    def __init__(self, conf, A, x0, ref):
        import torch

        self.conf, self.A, self.x0, self.ref = conf, A, x0, ref
        torch.manual_seed(conf.seed)
        self.net = torch.nn.ModuleList(self.unrolled() for _ in range(conf.iterations)).to(ref.device, ref.real.dtype)
        per = conf.iterations // conf.modules
        self.modules = [self.net[m:m + per] for m in range(0, conf.iterations, per)]
        self.adam = [self.optimiser(m.parameters()) for m in self.modules]

    def unrolled(self):
        from torch_net import Iteration
        return Iteration(self.conf)

    def optimiser(self, parameters):
        import torch
        return torch.optim.Adam(parameters, lr=self.conf.lr, weight_decay=self.conf.weight_decay)

    def module(self, m, x):
        from torch.utils.checkpoint import checkpoint

        if self.conf.mode == "checkpoint":
            # without an input that needs a gradient nothing would be recorded
            x = x.detach().requires_grad_()

        for it in self.modules[m]:
            x = checkpoint(it, x, self.A, self.x0) if self.conf.mode == "checkpoint" else it(x, self.A, self.x0)

        return x

    def gradients(self, m, x):
        """forward, local loss, backward: (loss, detached output)"""
        self.adam[m].zero_grad(set_to_none=True)
        x = self.module(m, x)
        loss = (x - self.ref).abs().mean()
        loss.backward()
        return loss.item(), x.detach()

    def iteration(self):
        x = self.x0
        losses = []

        for m in range(len(self.modules)):
            loss, x = self.gradients(m, x)
            self.adam[m].step()
            losses.append(loss)

        return losses


def choose_layout(conf):
    import torch
    import torch_net

    torch.set_num_threads(conf.threads)
    size = (160, 128) if conf.frames == 1 else (12, 64, 64)
    print(json.dumps(torch_net.fastest_layout(conf.features, size)))


def child(conf):
    import torch
    import torch_net

    torch.set_num_threads(conf.threads)
    idle = status_MiB("VmRSS")

    if conf.tuned:
        torch.set_flush_denormal(True)
        torch_net.PadConv.layout = torch_net.LAYOUTS[torch_net.dims(conf)][conf.layout]

    ksp, maps, pattern, ref = torch_net.synthetic(conf)
    x0, ref = torch_net.scaled(ksp, maps, pattern, ref)
    A = (torch_net.SenseTuned if conf.tuned else torch_net.Sense)(maps, pattern)
    del ksp
    trainer = Trainer(conf, A, x0, ref)
    seconds = []

    for _ in range(1 + conf.repeat):
        start = time.perf_counter()
        losses = trainer.iteration()
        seconds.append(time.perf_counter() - start)

    print(json.dumps({"torch": torch.__version__, "seconds": seconds[1:], "loss": losses[-1], "idle_MiB": idle,
                      "net_MiB": status_MiB("VmHWM") - idle}))


def tcmalloc():
    found = glob.glob("/usr/lib/*/libtcmalloc_minimal.so.4") + glob.glob("/usr/lib/*/libtcmalloc.so.4")
    return found[0] if found else None


def spawn(argv, env):
    cmd = [sys.executable, os.path.abspath(__file__), "--child"] + argv
    out = subprocess.run(cmd, env={**os.environ, **env}, stdout=subprocess.PIPE, check=True)
    return json.loads(out.stdout)


def measure_default(conf, argv, env):
    malloc = tcmalloc() if conf.tuned else None
    result = spawn(argv, {**env, "LD_PRELOAD": malloc} if malloc else env)
    result["s_per_iter"] = statistics.median(result["seconds"])
    result["tcmalloc"] = malloc is not None
    result["layout"] = conf.layout
    return result


def measure(conf, argv):
    env = {"OMP_NUM_THREADS": str(conf.threads)}

    if conf.tuned and conf.layout == "auto":
        # in a process of its own, whose memory does not count
        conf.layout = spawn(argv + ["--choose-layout"], env)
        argv = argv + ["--layout", conf.layout]

    result = {} if conf.only_live else measure_default(conf, argv, env)

    if not conf.no_live:
        # glibc's allocator also when tuned: it is the one that can be told to
        env["MALLOC_MMAP_THRESHOLD_"] = str(1 << 20)
        result["live_MiB"] = spawn(argv + ["--repeat", "1"], env)["net_MiB"]

    return result


def main():
    conf = options()

    if subprocess.call([sys.executable, "-c", "import torch"], stderr=subprocess.DEVNULL):
        print(f"SKIP: no PyTorch for {sys.executable} (Debian: apt-get install python3-torch)")
        return 0

    if conf.selftest:
        import torch_selftest
        return torch_selftest.run(Trainer)

    if conf.choose_layout:
        choose_layout(conf)
    elif conf.child:
        child(conf)
    else:
        print(json.dumps(measure(conf, sys.argv[1:])))

    return 0


if __name__ == "__main__":
    sys.exit(main())
