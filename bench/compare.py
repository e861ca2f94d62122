#!/usr/bin/env python3
"""Compares training by 'bart gleam' with other trainers: the work behind
train.sh and reconet.sh. Runs of the programs alternate, so that whatever else
the machine does meets all of them; times are medians of all iterations but the
first of each run; a ratio is theirs / ours. Tables go to stdout."""
import json
import os
import subprocess
import sys

from measure import LIVE, Series, history_seconds, idle_MiB, logged_seconds, note, peak_MiB, table

HERE = os.path.dirname(os.path.abspath(__file__))
BART = os.environ["BART"]
PYTHON = os.environ["PYTHON"]
QUICK = os.environ.get("BENCH_QUICK") == "1"

ROUNDS = 1 if QUICK else 3
TIMED = 1 if QUICK else 2
N = 2 if QUICK else 8

# of a series, for which PyTorch takes half a minute for an iteration
SERIES_ROUNDS = 1 if QUICK else 2
SERIES_TIMED = 1
SERIES_N = 2 if QUICK else 4


class Ours:
    """bart gleam"""

    def __init__(self, prefix, work):
        self.prefix, self.work = prefix, work
        self.idle = idle_MiB(BART)

    def run(self, network, features, iterations=N, batch=1, timed=TIMED, env=None):
        """(seconds of the timed iterations, net peak MiB)"""
        log = os.path.join(self.work, "log.csv")
        p = self.prefix
        cmd = [BART, "gleam", "--" + network, "-I", str(iterations), "--features", str(features), "-b", str(batch),
               "--micro-batch", "1", "-n", str(1 + timed), "--pattern", p + "-pat", "--log", log,
               os.path.join(self.work, "weights"), p + "-ksp", p + "-maps", p + "-ref"]
        peak = peak_MiB(cmd, env)
        return logged_seconds(log), peak - self.idle


class Torch:
    """the same network in PyTorch, see torch_gleam.py"""

    def __init__(self, size, coils, frames=1, iterations=N):
        self.problem = ["--size", *map(str, size), "--frames", str(frames), "--coils", str(coils), "-I", str(iterations),
                        "--threads", os.environ["OMP_NUM_THREADS"]]

    @staticmethod
    def missing():
        return 0 != subprocess.call([PYTHON, "-c", "import torch"], stderr=subprocess.DEVNULL)

    def result(self, network, features, *more):
        cmd = [PYTHON, os.path.join(HERE, "torch_gleam.py"), "--network", network, "--features", str(features),
               *self.problem, *more]
        return json.loads(subprocess.run(cmd, stdout=subprocess.PIPE, check=True).stdout)

    def run(self, network, features, *more, timed=TIMED):
        r = self.result(network, features, "--no-live", "--repeat", str(timed), *more)

        if "--tuned" in more:
            note(f"  tuned: layout {r['layout']}, {'tcmalloc' if r['tcmalloc'] else 'no tcmalloc'}")

        return r["seconds"], r["net_MiB"]

    def live(self, network, features, *more):
        return self.result(network, features, "--only-live", *more)["live_MiB"]


class Reconet:
    """bart reconet, BART's own trainer: end to end"""

    def __init__(self, prefix, work):
        self.prefix, self.work = prefix, work
        self.idle = idle_MiB(BART)

    def run(self, *more, filters=35, timed=TIMED):
        # the first epoch is the warm-up; no --adam: its suboption 's' lets reconet free a static object at the end
        p, w = self.prefix, self.work
        history = os.path.join(w, "history")
        cmd = [BART, "reconet", "--train", "--network", "modl", "-I", str(N), "-b", "1", "--no-shared-weights",
               "--resnet-block", f"F={filters},L=5,no-batch-normalization,no-bias",
               "--data-consistency", "max-cg-iter=10,fix-lambda=0.05", "--pattern", p + "-pat",
               "--train-algo", f"e={1 + timed},r=1e-4,export-history={history}", *more,
               p + "-ksp", p + "-maps", os.path.join(w, "reconet-weights"), p + "-ref"]
        peak = peak_MiB(cmd)
        return history_seconds(history), peak - self.idle


def alternate(programs, rounds=ROUNDS):
    """runs the programs {name: function} in turn: {name: Series}"""
    series = {name: Series() for name in programs}

    for r in range(rounds):
        for name, run in programs.items():
            seconds, peak = run()
            series[name].add(seconds, peak)
            note(f"  round {r + 1}/{rounds} {name}: {', '.join(f'{s:.3f}' for s in seconds)} s/iter, {peak:.0f} MiB")

    return series


def ratio_rows(series, lives):
    ours = series["bart gleam"]
    base = lives["bart gleam"]
    rows = []

    for name, s in series.items():
        live = lives.get(name)
        rows.append([name, f"{s.time():.3f}", f"{s.time() / ours.time():.2f}",
                     f"{s.peak():.0f}", f"{ours.peak() / s.peak():.2f}",
                     "-" if live is None else f"{live:.0f}", "-" if live is None else f"{base / live:.2f}"])

    return rows


# the second solve of MoDL's gradient is what bart gleam does, and less work than autograd through ten CG iterations
TUNED = ["--tuned", "--cg-gradient", "adjoint"]

HEAD = ["trainer", "s/iter", "theirs / ours", "net MiB", "ours / theirs", "live MiB", "ours / theirs"]


def compare_torch(ours, torch, network, features, iterations=N, rounds=ROUNDS, timed=TIMED):
    print(f"### {network.upper()}, N = {iterations}, {features} features")
    run = {"bart gleam": lambda: ours.run(network, features, iterations, timed=timed),
           "PyTorch": lambda: torch.run(network, features, timed=timed),
           "PyTorch, tuned by hand": lambda: torch.run(network, features, *TUNED, timed=timed)}

    if Torch.missing():
        print(f"\nSKIP: no PyTorch for {PYTHON} (Debian: apt-get install python3-torch)")
        run = {"bart gleam": run["bart gleam"]}

    series = alternate(run, rounds)
    lives = {"bart gleam": ours.run(network, features, iterations, timed=1, env=LIVE)[1]}

    if "PyTorch" in series:
        lives["PyTorch"] = torch.live(network, features)
        lives["PyTorch, tuned by hand"] = torch.live(network, features, *TUNED)

    table(HEAD, ratio_rows(series, lives))


def memory_over_depth(ours, features):
    print(f"### Peak memory over N = M: PGD, {features} features")
    depth = (1, 2, 3) if QUICK else (2, 8, 16)
    table(["N", "net MiB"], [[str(n), f"{ours.run('pgd', features, iterations=n, timed=1)[1]:.0f}"] for n in depth])


def memory_over_batch(ours, features):
    print(f"### Peak memory over the batch size at --micro-batch 1: PGD, N = 2, {features} features")
    table(["batch", "net MiB"],
          [[str(b), f"{ours.run('pgd', features, iterations=2, batch=b, timed=1)[1]:.0f}"] for b in (1, 2, 4)])


def train(work, size, coils):
    ours = Ours(os.path.join(work, "one"), work)
    torch = Torch(size, coils)

    for network, features in (("pgd", 100), ("pgd", 32), ("modl", 70)):
        compare_torch(ours, torch, network, features)

    memory_over_depth(ours, 100)
    memory_over_batch(Ours(os.path.join(work, "four"), work), 100)


def train_series(work, size, coils):
    """the 3D networks; size is X, Y and the number of frames"""
    ours = Ours(os.path.join(work, "series"), work)
    torch = Torch(size[:2], coils, size[2], SERIES_N)
    print(f"A series of {size[0]} x {size[1]} pixels, {size[2]} frames, {coils} coils.\n")

    only = os.environ.get("NETWORK")

    for network, features in (("pgd", 60), ("modl", 50)):

        if only in (None, "", network):
            compare_torch(ours, torch, network, features, SERIES_N, SERIES_ROUNDS, SERIES_TIMED)


def reconet(work, _size, _coils):
    prefix = os.path.join(work, "one")
    ours = Ours(prefix, work)
    peer = Reconet(prefix, work)
    print(f"### MoDL, N = {N}, 70 real features (bart reconet: 35 complex ones)")
    series = alternate({"bart gleam": lambda: ours.run("modl", 70),
                        "bart reconet": peer.run,
                        "bart reconet --lowmem": lambda: peer.run("--lowmem")}, min(ROUNDS, 2))
    table(HEAD, ratio_rows(series, {"bart gleam": ours.run("modl", 70, timed=1, env=LIVE)[1]}))


if __name__ == "__main__":
    what, folder, *numbers = sys.argv[1:]
    *sizes, coil_count = map(int, numbers)
    {"train": train, "series": train_series, "reconet": reconet}[what](folder, tuple(sizes), coil_count)
