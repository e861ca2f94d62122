#!/usr/bin/env python3
"""What the model (pipeline_model.py) predicts for more ranks than there are here: the
paper's 2D networks and the 3D networks that were measured on an H200, on GPUs within a
node and on two nodes. Nothing here is a measurement of several GPUs.

	pipeline_predict.py [share]	the forward pass's share of a module's time (a third)
"""
import os
import re
import sys
from dataclasses import dataclass, replace

from measure import table
from pipeline_model import alike, block_by_block, one_rank, simulate

H200 = os.path.join(os.path.dirname(os.path.abspath(__file__)), "results", "2026-11-28-NVIDIA-H200.md")

GIGA = 1e9
MICRO = 1e-6


@dataclass(frozen=True)
class Kind:
    """of a link between two ranks"""
    name: str
    latency: float
    bandwidth: float

    def seconds(self, size):
        return self.latency + size / self.bandwidth


# 450 GB/s each way by NVIDIA's figures (fourth generation, 18 links); 376 are measured by p2pBandwidthLatencyTest on an H100
# (github.com/NVIDIA/nccl/issues/1264), and less by MPI for a few MB
NVLINK = Kind("NVLink", 20 * MICRO, 300 * GIGA)

# 12.5 GB/s on the wire; RAPIDS' documentation of UCX wants to see more than 10 between GPUs (docs.rapids.ai/api/ucxx), and
# 4 MB between GPUs of two nodes are said to take 250 to 425 us (github.com/openucx/ucx/issues/5893)
NETWORK = Kind("100 Gb/s", 20 * MICRO, 10 * GIGA)

# PCIe of the fifth generation, 16 lanes: 63 GB/s on the wire
PCIE = 50 * GIGA


@dataclass(frozen=True)
class Case:
    name: str
    network: str
    modules: int
    seconds: float      # of an iteration on one GPU
    parts: int          # of a mini-batch
    size: tuple         # X, Y, frames
    coils: int = 8

    def image(self):
        """bytes of a part's images"""
        return 8 * self.size[0] * self.size[1] * self.size[2]

    def sample(self):
        """bytes that a sample takes to the device (src/gleam/gpu_stage.c): maps, k-space, pattern, reference"""
        pixels = self.size[0] * self.size[1]
        return 8 * pixels * (self.coils + self.size[2] * (self.coils + 1 + 1))

    def pipeline(self, share, stages, kinds, **more):
        part = self.seconds / self.modules / self.parts
        return alike(self.modules, share * part, (1 - share) * part, stages=stages, parts=self.parts, batches=24,
                     latency=tuple(k.latency for k in kinds), transfer=tuple(self.image() / k.bandwidth for k in kinds), **more)


# tables I and II, a Titan Xp
PAPER = [Case("PGD 2D, 100 features", "pgd", 8, 1.38, 4, (320, 256, 1)),
         Case("MoDL 2D, 70 features", "modl", 8, 2.08, 4, (320, 256, 1))]


def measured_on_gpu():
    """the 3D networks in the report: its table names a network in its first row only"""
    cases = []
    name = None

    with open(H200) as f:
        for line in f:
            cells = [c.strip() for c in line.strip().strip("|").split("|")]

            if 4 != len(cells) or cells[1] not in ("fp32", "tf32", "bf16"):
                continue

            name = cells[0] or name
            modules = re.search(r"M = (\d+)", name)

            if modules and 1 < int(modules[1]):
                network, rest = name.split(",", 1)
                cases.append(Case(f"{network} 3D,{rest}, {cells[1]}", network.lower(), int(modules[1]), float(cells[2]), 1,
                                  (128, 128, 20)))

    return cases


def one_node(stages):
    return [NVLINK] * stages


def two_nodes(stages):
    """the first half of the ranks on one of them"""
    half = (stages + 1) // 2
    return [NVLINK if s // half == (s + 1) % stages // half else NETWORK for s in range(stages)]


def steady(p):
    """one rank's time / that of the pipeline, far from its ends"""
    more = replace(p, batches=p.batches + 48)
    return 48 / p.batches * one_rank(p) / (simulate(more).seconds - simulate(p).seconds)


def stages_of(case):
    return [d for d in (2, 3, 4, 6, 8) if d <= case.modules]


def speed_ups(cases, shares):
    rows = []

    for case in cases:
        for d in stages_of(case):
            share = shares[case.network]
            near, far = case.pipeline(share, d, one_node(d)), case.pipeline(share, d, two_nodes(d))
            most = case.modules / -(-case.modules // d)
            rows.append([case.name, f"{case.seconds:.4g}", str(d), f"{most:.2f}", f"{steady(near):.2f}", f"{steady(far):.2f}",
                         f"{steady(replace(far, progress=False)):.2f}",
                         f"{steady(replace(near, whole=True)):.2f}", f"{one_rank(near) / block_by_block(near):.2f}"])

    table(["network", "one GPU, s/iteration", "D", "at most", "one node", "two nodes", "messages wait", "one by one",
           "Algorithm 2"], rows)


def messages(cases, shares):
    rows = []

    for case in cases:
        back = (1 - shares[case.network]) * case.seconds / case.modules / case.parts
        cells = [case.name, f"{case.image() / 1e6:.2f}", f"{1000 * back:.2f}"]

        for kind in (NVLINK, NETWORK):
            seconds = kind.seconds(case.image())
            cells += [f"{1000 * seconds:.3f}", f"{100 * seconds / back:.1f} %"]

        rows.append(cells)

    table(["network", "MB for a part", "its backward pass [ms]", "NVLink [ms]", "of it", "100 Gb/s [ms]", "of it"], rows)


def loading(case, share, shares_of_iteration):
    rows = []

    for load in shares_of_iteration:
        cells = [f"{100 * load:g} %"]

        for d in (2, 4, 8):
            p = replace(case, seconds=(1 - load) * case.seconds).pipeline(share, d, one_node(d), load=load * case.seconds)
            cells.append(f"{steady(p):.2f}")

        rows.append(cells)

    table(["load, of one rank's iteration", "D = 2", "D = 4", "D = 8"], rows)


def copies(cases):
    rows = []

    for case in cases:
        size = case.parts * case.sample()
        seconds = size / PCIE
        rows.append([case.name, f"{size / 1e6:.1f}", f"{1000 * seconds:.2f}", f"{100 * seconds / case.seconds:.2f} %"])

    table(["network", "MB of a mini-batch", "ms", "of an iteration on one GPU"], rows)


def validation(case, share):
    """fill and drain"""
    rows = []

    for d in (2, 4, 8):
        cells = [str(d)]

        for batches in (10, 100, 1120):
            cells.append(f"{simulate(replace(case.pipeline(share, d, one_node(d)), batches=batches)).speed_up:.2f}")

        rows.append(cells)

    table(["D", "10 mini-batches", "100", "1120 (the paper's epoch)"], rows)


def report(shares, source):
    """shares: of the forward pass in a module's time, and where they are from"""
    gpu = measured_on_gpu()
    percent = {network: f"{100 * share:.0f} %" for network, share in shares.items()}

    print(f"""## What the model predicts for more ranks

Nothing here is a measurement of several GPUs. What goes in:

* 2D: the paper's seconds per iteration on one Titan Xp (tables I and II, whose column "iter/sec" is seconds per iteration),
  batch 4 in 4 parts, 320 x 256 pixels. Nobody has measured these networks on a newer GPU here: there the messages are
  the same, and the modules shorter.
* 3D: seconds per iteration on one H200 (results/{os.path.basename(H200)}), batch 1, 128 x 128 pixels, 20 frames.
* A module takes an M-th of that, its forward pass {percent['pgd']} (PGD) and {percent['modl']} (MoDL) of it, {source}.
  Loading takes nothing at first (below).
* Links, assumed: {NVLINK.name} {NVLINK.bandwidth / GIGA:.0f} GB/s, a network of {NETWORK.name}
  {NETWORK.bandwidth / GIGA:.0f} GB/s, {NVLINK.latency / MICRO:.0f} us for each message on both; pipeline_predict.py names what that is taken from.

### Speed-up over one GPU, far from validations

* *At most*: M / ceil(M / D), which is D where D divides M. More GPUs than modules are of use as replicas only: with
  M = 4, eight are two pipelines of four.
* *Two nodes*: two of the links are the network's.
* *Messages wait*: two nodes and an MPI that lets messages set out only when their receiver calls it, which is between passes.
* *One by one*: one node, every rank as early as it can, but no mini-batch before the last one has left the network.
* *Algorithm 2*: one node, as the paper writes it: block by block, all forward passes one after another, then all backward
  passes at once. The paper measured 1.6 on two GPUs with MoDL, which this gives where a backward pass takes as long as
  three forward ones.""")

    speed_ups(PAPER + [c for c in gpu if "tf32" not in c.name], shares)

    print("""### Where messages begin to matter

A message is on its way during the backward pass of the module that has sent it. What takes less than that costs nothing but fill.""")
    messages(PAPER + gpu, shares)

    print("""### What loading costs

Every rank loads every mini-batch, and what that takes is not divided. PGD 2D:""")
    loading(PAPER[0], shares["pgd"], (0., 0.01, 0.02, 0.05, 0.1))

    print(f"""The copy to a GPU goes on beside the computation, which it must not outlast. At {PCIE / GIGA:.0f} GB/s, of the 63 of PCIe's
fifth generation, it takes""")
    copies(PAPER + gpu)

    print("""### Fill and drain

Speed-up where validation, which empties the pipeline, comes after so many mini-batches (its own time left out), PGD 2D:""")
    validation(PAPER[0], shares["pgd"])


if __name__ == "__main__":
    forward_share = float(sys.argv[1]) if 1 < len(sys.argv) else 1 / 3
    report({"pgd": forward_share, "modl": forward_share}, "assumed")
