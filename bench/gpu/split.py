#!/usr/bin/env python3
"""Where the time of an iteration on the GPU goes, by the device's own clock.

	split.py <data prefix> <libgleam_trace.so> <report.md> [options]
	split.py --trace <a.csv> <iterations> <b.csv> <iterations>

bart gleam runs twice, with few and with more iterations, under trace.c; the
difference of the two is that of the iterations alone, without the start. "idle"
is the time of an iteration in which the device did nothing. Shares are those of
a traced run; tracing takes some time itself, which is in idle.

A kernel belongs to the part that its source file belongs to, if it is ours
(sources are read, or kernels.txt beside this file); else to the part that its
name says. "around convolutions" are ours that prepare and finish cuDNN's (rims,
weights, bias). The largest are listed, so that the reader can check.
"""
import argparse
import collections
import csv
import glob
import os
import re
import statistics
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from measure import note    # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
PARTS = ["convolution", "around convolutions", "data consistency", "network besides", "rest", "copies"]
LIBRARY_CONVOLUTION = re.compile(r"cudnn|xmma|cutlass|winograd|fprop|dgrad|wgrad|conv|gemm|^sm\d\d|nchw|nhwc", re.I)
LIBRARY_FFT = re.compile(r"fft|radix", re.I)
LISTED = 20


def own_kernels():
    """{name: {source files}} of the kernels of this project"""
    listed = os.path.join(HERE, "kernels.txt")
    found = collections.defaultdict(set)

    if os.path.exists(listed):
        with open(listed) as f:
            for name, source in (line.split() for line in f if line.strip()):
                found[name].add(source)

        return found

    root = os.path.join(HERE, "..", "..")

    for name in sorted(glob.glob(os.path.join(root, "src", "**", "*.*"), recursive=True)):
        if not name.endswith((".cu", ".h")):
            continue

        with open(name) as f:
            for kernel in re.findall(r"__global__\s+void\s+(\w+)", f.read()):
                found[kernel].add(os.path.relpath(name, root))

    return found


def part_of_file(name):
    if "dc" in os.path.basename(name).split(".")[0].split("_"):
        return "data consistency"

    if name.startswith("src/nn/cudnn"):
        return "around convolutions"

    return "network besides" if name.startswith("src/nn/") else "rest"


def part_of_own(name, files):
    parts = {part_of_file(f) for f in files}

    if 1 < len(parts):
        note(f"the kernel {name} is in {', '.join(sorted(files))}: its time is in 'rest'")

    return parts.pop() if 1 == len(parts) else "rest"


def part_of_kernel(name, own):
    # mangled: the length of a name stands before it, maybe behind other digits
    for m in re.finditer(r"(\d+)(?=([a-zA-Z_]\w*))", name):
        for digits in (1, 2):
            word = m[2][:int(m[1][-digits:])]

            if word in own:
                return part_of_own(word, own[word])

    if LIBRARY_CONVOLUTION.search(name):
        return "convolution"

    return "data consistency" if LIBRARY_FFT.search(name) else "rest"


class Trace:
    """totals of one file of trace.c, in nanoseconds"""

    def __init__(self, name, own):
        self.kernels = collections.Counter()
        self.counts = collections.Counter()
        self.parts = collections.Counter()
        spans, known = [], {}

        with open(name) as f:
            for r in csv.DictReader(f):
                begin, end = int(r["begin"]), int(r["end"])

                if r["name"] not in known:
                    known[r["name"]] = part_of_kernel(r["name"], own) if r["kind"] == "kernel" else "copies"

                part = known[r["name"]]
                key = (part, r["name"])
                self.kernels[key] += end - begin
                self.counts[key] += 1
                self.parts[part] += end - begin
                spans.append((begin, end))

        self.busy = self.union(spans)

    @staticmethod
    def union(spans):
        busy = last = 0

        for begin, end in sorted(spans):
            busy += max(0, end - max(begin, last))
            last = max(last, end)

        return busy


class Split:
    """per iteration, in milliseconds: the difference of two traces"""

    def __init__(self, few, more, iterations):
        self.parts = {p: (more.parts[p] - few.parts[p]) / iterations / 1e6 for p in PARTS}
        self.busy = (more.busy - few.busy) / iterations / 1e6
        self.kernels = {k: (more.kernels[k] - few.kernels[k]) / iterations / 1e6 for k in more.kernels}
        self.counts = {k: (more.counts[k] - few.counts[k]) / iterations for k in more.counts}

    def row(self, name, wall_ms):
        cells = [f"{ms:.2f} ({100 * ms / wall_ms:.0f} %)" for ms in [*self.parts.values(), max(0., wall_ms - self.busy)]]
        return f"| {name} | {wall_ms:.2f} | " + " | ".join(cells) + f" | {sum(self.counts.values()):.0f} |"

    def largest(self):
        lines = ["| ms | launches | part | kernel |", "| --- | --- | --- | --- |"]

        for key in sorted(self.kernels, key=self.kernels.get, reverse=True)[:LISTED]:
            lines.append(f"| {self.kernels[key]:.3f} | {self.counts[key]:.0f} | {key[0]} | `{key[1][:120]}` |")

        return lines


def run(conf, network, precision, n):
    """(trace, seconds of the iterations of a run, the first five without)"""
    work = os.path.dirname(conf.prefix)
    trace, log = os.path.join(work, "trace.csv"), os.path.join(work, "split.csv")
    features = ["--features", str(conf.features)] if conf.features else []
    p = conf.prefix
    cmd = [os.environ["BART"], "gleam", "-g", "--precision", precision, "--" + network, *features, "-b", str(conf.batch),
           "-n", str(n), *conf.ours.split(), "--pattern", p + "-pat", "--log", log, os.path.join(work, "weights"),
           p + "-ksp", p + "-maps", p + "-ref"]
    env = {**os.environ, "CUDA_INJECTION64_PATH": os.path.abspath(conf.library), "GLEAM_TRACE": trace}

    if os.path.exists(trace):
        os.remove(trace)

    out = subprocess.run(cmd, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")

    if out.returncode or not os.path.exists(trace):
        said = [s for s in out.stdout.strip().split("\n") if s.startswith("trace:")] or out.stdout.strip().split("\n")[-2:]
        raise RuntimeError(f"no trace (status {out.returncode}): {' '.join(said)}")

    with open(log) as f:
        seconds = [float(r["seconds_per_iteration"]) for r in csv.DictReader(f)]

    return Trace(trace, own_kernels()), seconds[5:]


def options():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--trace", nargs=4, metavar=("FEW", "N", "MORE", "N"), help="of files that are there")
    p.add_argument("prefix", nargs="?")
    p.add_argument("library", nargs="?")
    p.add_argument("report", nargs="?")
    p.add_argument("--features", type=int)
    p.add_argument("--batch", type=int, default=4)
    p.add_argument("--ours", default="", help="further options of bart gleam")
    p.add_argument("--few", type=int, default=10)
    p.add_argument("--more", type=int, default=30)
    p.add_argument("--only", default="pgd-tf32,pgd-bf16,modl-tf32,modl-bf16")
    return p.parse_args()


HEAD = ["## Where the time of an iteration goes", "", "Milliseconds and share, by CUPTI's record of every kernel.", "",
        "| configuration | all | " + " | ".join(PARTS) + " | idle | launches |", "|" + " --- |" * (len(PARTS) + 4)]


def main():
    conf = options()

    if conf.trace:
        few, n, more, m = conf.trace
        split = Split(Trace(few, own_kernels()), Trace(more, own_kernels()), int(m) - int(n))
        print("\n".join(HEAD + [split.row("trace", split.busy), ""] + split.largest()))
        return 0

    rows, details = [], []

    for name in conf.only.split(","):
        try:
            few, _ = run(conf, *name.split("-"), conf.few)
            more, seconds = run(conf, *name.split("-"), conf.more)
            split = Split(few, more, conf.more - conf.few)

            if split.busy <= 0.:
                raise RuntimeError("the longer run has no more kernels than the shorter one")

            rows.append(split.row(name, 1000 * statistics.median(seconds)))
            details += ["", f"### Largest kernels, {name}", ""] + split.largest()
        except (RuntimeError, OSError) as e:
            rows.append(f"| {name} | SKIP: {e} |" + " |" * (len(PARTS) + 2))

        # each time as a whole: a run that is cut off leaves what it has
        with open(conf.report, "w") as f:
            f.write("\n".join(HEAD + rows + details) + "\n")

    return 0 if details else 1


if __name__ == "__main__":
    sys.exit(main())
