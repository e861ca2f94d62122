#!/usr/bin/env python3
"""Training in PyTorch at its best on a GPU, measured.

	peer.py --select ...	tries all variants, prints one line of JSON: for each
				seconds per iteration and memory, or why it failed
	peer.py --variant V	one variant as a server: a line of JSON when it is warm,
				then for each line "<n>" on stdin one more, of n iterations
	peer.py --selftest	checks variants against torch_net.py (double precision, CPU)

Variants: how the network is written (plain; padded: ReLU and padding in one
pass into a buffer, by hand), its memory layout (nhwc, nchw), compiled or not
(compile; reduce-overhead: torch.compile with CUDA graphs of its own), and
"graph": the whole training iteration, Adam included, as one CUDA graph.

Times are of CUDA events around each iteration (a clock where there is no GPU).
The batch is on the device already; losses stay there.
"""
import argparse
import gc
import json
import os
import statistics
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

import torch    # noqa: E402

import torch_net    # noqa: E402
from gpu_net import GpuIteration, SenseGpu    # noqa: E402
from torch_gleam import Trainer, complete    # noqa: E402

# the likely ones first: time may run out
VARIANTS = ["plain-nhwc", "padded-nhwc", "compile-nhwc", "compile-nhwc-graph", "padded-nhwc-graph",
            "reduce-overhead-nhwc", "plain-nhwc-graph", "plain-nchw", "padded-nchw", "compile-nchw"]
WARM_UP = 3
START = time.perf_counter()
MIB = 1 << 20


def options():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--network", choices=["pgd", "modl"], default="pgd")
    p.add_argument("--mode", choices=["gleam", "end-to-end", "checkpoint"], default="gleam")
    p.add_argument("--precision", choices=["fp32", "tf32", "bf16"], default="tf32")
    p.add_argument("--device", default="cuda")
    p.add_argument("-I", "--iterations", type=int, default=8)
    p.add_argument("-M", "--modules", type=int)
    p.add_argument("--features", type=int)
    p.add_argument("--size", type=int, nargs=2, default=(320, 256), metavar=("X", "Y"))
    p.add_argument("--frames", type=int, default=1, help="more than one: a series, and the 3D networks")
    p.add_argument("--coils", type=int, default=8)
    p.add_argument("--batch", type=int, default=4)
    p.add_argument("--mu", type=float, default=0.05)
    p.add_argument("--step-size", type=float, default=0.5)
    p.add_argument("--cg-iter", type=int, default=10)
    p.add_argument("--lr", type=float, default=1e-4)
    p.add_argument("--weight-decay", type=float, default=1e-4)
    p.add_argument("--repeat", type=int, default=10, help="timed iterations of each variant under --select")
    p.add_argument("--seconds", type=float, default=1e9, help="--select: begin no other variant after this time")
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--select", action="store_true")
    p.add_argument("--variant")
    p.add_argument("--variants", default=",".join(VARIANTS), help="which --select tries")
    p.add_argument("--try", dest="tries", help=argparse.SUPPRESS)
    p.add_argument("--selftest", action="store_true")
    conf = complete(p.parse_args())
    conf.cg_gradient = "adjoint"
    return conf


def configure(conf, variant):
    """the options of a variant by its name"""
    parts = variant.split("-")
    conf.variant = variant
    conf.tuned = "padded" in parts
    conf.layout = "nchw" if "nchw" in parts else "nhwc"
    conf.graph = "graph" in parts
    conf.compile = "reduce-overhead" if "overhead" in parts else "default" if "compile" in parts else None
    torch_net.PadConv.layout = torch_net.LAYOUTS[torch_net.dims(conf)][conf.layout]
    tf32 = conf.precision != "fp32"
    torch.backends.cudnn.benchmark = True
    torch.backends.cudnn.allow_tf32 = tf32
    torch.backends.cuda.matmul.allow_tf32 = tf32
    return conf


class GpuTrainer(Trainer):
    """the Trainer of torch_gleam.py; nothing in an iteration waits for the device"""

    def unrolled(self):
        return GpuIteration(self.conf)

    def optimiser(self, parameters):
        cuda = self.ref.is_cuda
        more = {"fused": True, "capturable": self.conf.graph} if cuda else {}
        return torch.optim.Adam(parameters, lr=self.conf.lr, weight_decay=self.conf.weight_decay, **more)

    def gradients(self, m, x):
        self.adam[m].zero_grad(set_to_none=True)
        x = self.module(m, x)
        loss = (x - self.ref).abs().mean()
        loss.backward()
        return loss.detach(), x.detach()


def make_trainer(conf):
    ksp, maps, pattern, ref = torch_net.synthetic(conf)
    x0, ref = torch_net.scaled(ksp, maps, pattern, ref)
    x0, ref, maps, pattern = (t.to(conf.device) for t in (x0, ref, maps, pattern))
    return GpuTrainer(conf, SenseGpu(maps, pattern, conf.compile is not None), x0, ref)


class Run:
    """a trainer that is warm, and its figures"""

    def __init__(self, conf):
        self.cuda = conf.device.startswith("cuda")

        if conf.graph and not self.cuda:
            raise RuntimeError("CUDA graphs need a GPU")

        if self.cuda:
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats()

        trainer = make_trainer(conf)
        start = time.perf_counter()
        self.iteration = self.captured(trainer) if conf.graph else trainer.iteration

        for _ in range(WARM_UP):
            self.losses = self.iteration()

        self.sync()
        self.warm_up = {"seconds_warm_up": time.perf_counter() - start, **self.memory("warm_up_")}

        # what cuDNN's trials and the compiler took does not count
        if self.cuda:
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats()

    def sync(self):
        if self.cuda:
            torch.cuda.synchronize()

    def memory(self, prefix=""):
        if not self.cuda:
            return {}

        return {prefix + "allocated_MiB": torch.cuda.max_memory_allocated() / MIB,
                prefix + "reserved_MiB": torch.cuda.max_memory_reserved() / MIB}

    @staticmethod
    def captured(trainer):
        # lazily made state is made outside the capture
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())

        with torch.cuda.stream(side):
            for _ in range(WARM_UP):
                trainer.iteration()

        torch.cuda.current_stream().wait_stream(side)
        torch.cuda.empty_cache()
        graph = torch.cuda.CUDAGraph()

        with torch.cuda.graph(graph):
            losses = trainer.iteration()

        def replay():
            graph.replay()
            return losses

        return replay

    def timed(self, n):
        if not self.cuda:
            marks = [time.perf_counter()]

            for _ in range(n):
                self.losses = self.iteration()
                marks.append(time.perf_counter())

            return [b - a for a, b in zip(marks, marks[1:])]

        marks = [torch.cuda.Event(enable_timing=True) for _ in range(n + 1)]
        marks[0].record()

        for mark in marks[1:]:
            self.losses = self.iteration()
            mark.record()

        self.sync()
        return [a.elapsed_time(b) / 1000 for a, b in zip(marks, marks[1:])]

    def figures(self, n):
        seconds = self.timed(n)
        loss = torch.stack([torch.as_tensor(x) for x in self.losses]).mean().item()

        if loss != loss:
            raise RuntimeError("the loss is not a number")

        return {"seconds": seconds, "median": statistics.median(seconds), "loss": loss, **self.memory(), **self.warm_up}


def reason(e):
    text = str(e).strip().split("\n")
    return f"{type(e).__name__}: {text[0][:300]}"


def try_variant(conf, variant):
    run = None

    try:
        run = Run(configure(conf, variant))
        return run.figures(conf.repeat)
    except Exception as e:    # whatever a compiler may throw: it is reported, and the next one is tried
        return {"failed": reason(e)}
    finally:
        del run
        gc.collect()

        if hasattr(torch, "_dynamo"):
            torch._dynamo.reset()


def versions(conf):
    v = {"torch": torch.__version__, "python": sys.version.split()[0]}

    if conf.device.startswith("cuda"):
        v.update(gpu=torch.cuda.get_device_name(), cuda=torch.version.cuda, cudnn=torch.backends.cudnn.version())

    return v


def try_variants(conf):
    """a line for each; a failure may leave the device unusable, so that it is the end of this process"""
    for v in conf.tries.split(","):
        result = try_variant(conf, v)
        print(json.dumps({"variant": v, "result": result}), flush=True)

        if "failed" in result:
            return


def tried(conf, left):
    """{variant: result} of one process, in the order of the list; at least one"""
    command = [sys.executable, os.path.abspath(__file__), *sys.argv[1:], "--try", ",".join(left)]
    result = {}

    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as p:
        for line in p.stdout:
            if line.startswith("{"):
                r = json.loads(line)
                result[r["variant"]] = r["result"]
                print(r["variant"], r["result"].get("failed", r["result"].get("median")), file=sys.stderr, flush=True)

                if time.perf_counter() - START > conf.seconds:
                    p.terminate()
                    break

    return result or {left[0]: {"failed": f"status {p.returncode}"}}


def select(conf):
    result = {}
    left = conf.variants.split(",")

    while left and time.perf_counter() - START < conf.seconds:
        result.update(tried(conf, left))
        left = [v for v in left if v not in result]

    result.update({v: {"failed": "not tried: out of time"} for v in left})
    good = {v: r["median"] for v, r in result.items() if "median" in r}
    print(json.dumps({"chosen": min(good, key=good.get) if good else None, "variants": result, **versions(conf)}))


def serve(conf):
    run = Run(configure(conf, conf.variant))
    print(json.dumps({"ready": True, **versions(conf), **run.warm_up}), flush=True)

    for line in sys.stdin:
        print(json.dumps(run.figures(int(line))), flush=True)


def main():
    conf = options()

    if conf.selftest:
        import gpu_selftest
        return gpu_selftest.run(GpuTrainer, configure)

    if conf.device.startswith("cuda") and not torch.cuda.is_available():
        print("no CUDA device that this PyTorch can use", file=sys.stderr)
        return 1

    if conf.tries:
        try_variants(conf)
    elif conf.select:
        select(conf)
    elif conf.variant:
        serve(conf)

    return 0


if __name__ == "__main__":
    sys.exit(main())
