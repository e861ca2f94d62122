#!/usr/bin/env python3
"""Training on several ranks ('mpirun bart gleam') against one rank, and against the
model of pipeline_model.py: the work behind pipeline.sh. Runs alternate; a ratio is
one rank's time / theirs in the same round, given as the median, the least and the most of all
rounds. Tables go to stdout.

Time is that of training by the log: the sum of its seconds_per_iteration. Of one
rank that is from the load of the first mini-batch to the end of the last; of several, whose
log has a group's time divided by its mini-batches, from the first load to the last
result, fill and drain among it. Start-up, writing the weights and MPI's end are not in it."""
import csv
import os
import re
import resource
import shlex
import statistics
import subprocess
import sys
import time
from dataclasses import replace

import pipeline_predict
from measure import note, table
from pipeline_model import alike, links, simulate

BART = os.environ["BART"]
MPIRUN = shlex.split(os.environ.get("MPIRUN", "mpirun"))
QUICK = os.environ.get("BENCH_QUICK") == "1"

ROUNDS = 1 if QUICK else 3
BATCHES = int(os.environ.get("BENCH_BATCHES", 6 if QUICK else 24))  # of one sample each
SHORT = 3 if QUICK else 4       # of what is there for comparison only
N = 4 if QUICK else 8
STAGES = 2
FEATURES = {"pgd": 16, "modl": 16} if QUICK else {"pgd": 100, "modl": 70}
WANTED = 1.85

# between ranks of one machine; not measured, and too small to matter
LATENCY = 1e-5
BANDWIDTH = 2e9


class Others:
    """what other processes, and other virtual machines, take of the processors"""

    def __init__(self):
        self.start = self.count()

    @staticmethod
    def count():
        """seconds: of the clock, stolen, of processes, of ours"""
        with open("/proc/stat") as f:
            ticks = [int(x) / os.sysconf("SC_CLK_TCK") for x in f.readline().split()[1:9]]

        user, nice, system, _, _, irq, softirq, stolen = ticks
        ours = sum(sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
        return time.monotonic(), stolen, user + nice + system + irq + softirq, ours

    def tell(self):
        wall, stolen, busy, ours = (b - a for a, b in zip(self.start, self.count()))
        print(f"Meanwhile other processes took {100 * max(0., busy - ours) / wall:.1f} % of a processor, and what else runs "
              f"on the host {100 * stolen / wall:.1f} %.\n")


class Run:
    """what a run has logged and said"""

    def __init__(self, log, said, group, samples):
        with open(log) as f:
            rows = list(csv.DictReader(f))

        def column(name):
            return [float(row.get(name) or 0.) for row in rows]

        self.each = column("seconds_per_iteration")
        self.total = sum(self.each)
        self.iteration = self.total / len(rows)
        self.sample = self.iteration / samples
        self.samples = samples
        self.group = group

        # of an iteration; what the first ones have to do once is not of interest
        forward, backward = column("forward_seconds"), column("backward_seconds")
        self.forward, self.backward = (statistics.median(x[group:]) for x in (forward, backward))
        self.rest = statistics.median([s - f - b for s, f, b in zip(self.each, forward, backward)][group:])
        self.waiting = sum(column("waiting_seconds")) / self.total
        self.range = [float(x) for x in re.findall(r"took ([\d.]+) % to ([\d.]+) %", said)[0]] if "waiting" in said else None

    def steady(self):
        """of an iteration, without the first group and the last"""
        return statistics.median(self.each[self.group:-self.group])


def command(prefix, work, network, name, ranks=1, iterations=N, batch=1, batches=BATCHES, replicas=1):
    start = MPIRUN + ["-n", str(ranks)] if 1 < ranks else []
    return start + [BART, "gleam", "--" + network, "-I", str(iterations), "--features", str(FEATURES[network]), "-b", str(batch),
                    "--micro-batch", "1", "-n", str(batches), "--valid-every", "1000000", "--replicas", str(replicas),
                    "--pattern", prefix + "-pat", "--log", os.path.join(work, name + ".csv"),
                    os.path.join(work, name + "-weights"), prefix + "-ksp", prefix + "-maps", prefix + "-ref"]


def train(prefix, work, network, ranks=1, threads=1, batch=1, replicas=1, at_once=1, **more):
    """at_once: so many trainings that know nothing of each other; of the longest one"""
    env = {**os.environ, "OMP_NUM_THREADS": str(threads)}
    names = [f"log{i}" for i in range(at_once)]
    runs = [subprocess.Popen(command(prefix, work, network, name, ranks=ranks, batch=batch, replicas=replicas, **more), env=env,
                             stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) for name in names]
    said = [run.communicate()[1] for run in runs]

    for run, text in zip(runs, said):
        if run.returncode:
            note(text)
            raise subprocess.CalledProcessError(run.returncode, run.args)

    group = 2 if 1 < ranks // replicas else 1
    return max((Run(os.path.join(work, name + ".csv"), text, group, batch * at_once) for name, text in zip(names, said)),
               key=lambda run: run.total)


ONE = "one rank, one thread"
TWO = "2 ranks, one thread each"
THREADS = "one rank, two threads"
REPLICAS = "2 replicas of one rank each, batch 2"
APART = "2 trainings at once, one thread each"


def alternate(prefix, work, network):
    """{name: runs}, one for each round"""
    how = {ONE: {}, TWO: {"ranks": STAGES}, APART: {"at_once": 2, "batches": SHORT}, THREADS: {"threads": 2, "batches": SHORT},
           REPLICAS: {"ranks": 2, "replicas": 2, "batch": 2, "batches": SHORT}}
    runs = {name: [] for name in how}

    for r in range(ROUNDS):
        for name, options in how.items():
            run = train(prefix, work, network, **options)
            runs[name].append(run)
            note(f"  round {r + 1}/{ROUNDS} {network}, {name}: {run.total:.3f} s, {run.sample:.4f} s/sample")

    return runs


def median_of(runs, what):
    return statistics.median(what(run) for run in runs)


def ratios(one, other, what):
    return sorted(what(a) / what(b) for a, b in zip(one, other))


def spread(values, form=".3f"):
    middle = statistics.median(values)
    return f"{middle:{form}}" if 1 == len(values) else f"{middle:{form}} ({min(values):{form}} to {max(values):{form}})"


def said(runs):
    """how long ranks have waited"""
    if runs[0].range is None:
        return "-"

    least, most = (median_of(runs, lambda run, i=i: run.range[i]) for i in range(2))
    return f"{least:.1f} to {most:.1f} %"


def measured_table(runs):
    rows = []

    for name, theirs in runs.items():
        cells = [name]

        for what in (lambda r: r.sample, lambda r: r.steady() / r.samples):
            cells += [f"{median_of(theirs, what):.4f}", spread(ratios(runs[ONE], theirs, what))]

        waits = theirs[0].range is not None
        rows.append(cells + [f"{100 * median_of(theirs, lambda r: r.waiting):.1f} %" if waits else "-", said(theirs)])

    table(["", "s/sample", "one rank's / its", "without fill and drain", "one rank's / its", "waiting in the log",
           "waiting of the ranks"], rows)


def verdict(runs):
    ratio = statistics.median(ratios(runs[ONE], runs[TWO], lambda r: r.sample))
    apart = statistics.median(ratios(runs[APART], runs[TWO], lambda r: r.sample))
    print(f"Wanted: {WANTED} times as fast on 2 ranks. {'Reached' if WANTED <= ratio else 'Not reached'}: {ratio:.3f}. "
          f"Of what two trainings get through that know nothing of each other it is {100 * apart:.1f} %.\n")


class Costs:
    """of a module and of a mini-batch, from runs of one rank: what is not in passes is load + M updates; with two parts,
    whose operators are set anew for each module, 2 loads + M updates + 2 M selects"""

    def __init__(self, runs, prefix, work, network):
        self.forward, self.backward = passes(runs)

        short = train(prefix, work, network, iterations=2)
        parts = train(prefix, work, network, iterations=2, batch=2)
        rest = median_of(runs, lambda r: r.rest)

        # differences of small numbers: never below zero
        self.update = max(0., (rest - short.rest) / (N - 2))
        self.load = max(0., short.rest - 2 * self.update)
        self.select = max(0., (parts.rest - 2 * self.load - 2 * self.update) / 4)

    def pipeline(self, size, forward=None, backward=None):
        return alike(N, forward or self.forward, backward or self.backward, stages=STAGES, batches=BATCHES, progress=False,
                     update=self.update, select=self.select, load=self.load, **links(STAGES, LATENCY, BANDWIDTH, size))

    def tell(self, measured):
        parts = (("forward", self.forward), ("backward", self.backward), ("update", self.update), ("select", self.select))
        together = self.load + N * (self.forward + self.backward + self.update)
        print("One rank's times: of a module " + ", ".join(f"{what} {1000 * s:.2f} ms" for what, s in parts)
              + f"; load of a mini-batch {1000 * self.load:.2f} ms.\nTogether, without select, which one rank does not do "
              + f"for each module: {together:.4f} s/iteration, {100 * (together / measured - 1):+.1f} % from what was measured.")


def passes(runs):
    """of a module"""
    return [median_of(runs, what) / N for what in (lambda r: r.forward, lambda r: r.backward)]


def model_table(runs, costs, size):
    """what the model says, and what was measured"""
    own = passes(runs[TWO])
    longer, apart = (sum(x) / sum(passes(runs[ONE])) for x in (own, passes(runs[APART])))
    print(f"Passes of two ranks take {longer:.3f} times as long as those of one, of two trainings at once {apart:.3f} times.")

    measured = median_of(runs[TWO], lambda r: r.iteration)
    ratio = statistics.median(ratios(runs[ONE], runs[TWO], lambda r: r.iteration))
    rows = []

    for name, p in (("predicted", costs.pipeline(size)),
                    ("predicted from the two ranks' own passes", costs.pipeline(size, *own))):
        o = simulate(p)
        rows.append([name, f"{o.iteration:.4f}", f"{100 * (o.iteration / measured - 1):+.1f} %", f"{o.speed_up:.3f}",
                     f"{o.fill:.3f}", f"{o.drain:.3f}", f"{o.slowest:.4f}", f"{o.efficiency:.3f}",
                     f"{100 * min(o.waiting):.1f} to {100 * max(o.waiting):.1f} %"])

    rows.append(["measured", f"{measured:.4f}", "-", f"{ratio:.3f}", "-", "-", "-", f"{ratio / STAGES:.3f}", said(runs[TWO])])
    table(["2 ranks", "s/iteration", "against measured", "one rank's / its", "fill [s]", "drain [s]",
           "slowest stage [s/iteration]", "efficiency", "waiting of the ranks"], rows)


def scatter_table(costs, size):
    print("By the model, where tasks do not all take the same time, which a rank passes on to its neighbours (mean of 20 trials):")
    rows = []

    for scatter in (0., 0.05, 0.1, 0.2):
        outcomes = [simulate(replace(costs.pipeline(size), scatter=scatter, seed=seed)) for seed in range(20)]
        rows.append([f"{100 * scatter:g} %", f"{statistics.mean(o.speed_up for o in outcomes):.3f}",
                     f"{100 * statistics.mean(o.mean_waiting() for o in outcomes):.1f} %"])

    table(["standard deviation of a task", "one rank's / its", "waiting"], rows)


def measure(prefix, work, size, coils):
    print(f"{size[0]} x {size[1]} pixels, {coils} coils, N = M = {N}, batch 1, {BATCHES} mini-batches without validation "
          f"({SHORT} in the last three rows), "
          f"{ROUNDS} round{'s' if 1 < ROUNDS else ''}: medians, of ratios with the least and the most.\n")
    shares = {}

    for network, features in FEATURES.items():
        print(f"### {network.upper()}, {features} features")
        others = Others()
        runs = alternate(prefix, work, network)
        measured_table(runs)
        others.tell()
        verdict(runs)

        costs = Costs(runs[ONE], prefix, work, network)
        costs.tell(median_of(runs[ONE], lambda r: r.iteration))
        model_table(runs, costs, 8 * size[0] * size[1])
        scatter_table(costs, 8 * size[0] * size[1])
        shares[network] = costs.forward / (costs.forward + costs.backward)

    return shares


if __name__ == "__main__":
    data, folder, *numbers = sys.argv[1:]
    *image, coil_count = map(int, numbers)
    pipeline_predict.report(measure(data, folder, tuple(image), coil_count), "as measured above on the CPU")
