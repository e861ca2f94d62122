"""What the parts of paper.sh left in their folder, read back."""

import csv
import os
import re
import statistics

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))

TABLES = {"table1": "I", "table2": "II", "table3": "III", "table4": "IV", "table5": "V"}
METHODS = {"end-to-end": "end-to-end", "checkpoint": "checkpointing", "mel": "MEL", "mel-all": "MEL, all inverted",
           "greedy": "GLEAM", "cs": "CS"}
KINDS = {"pgd": "PGD", "modl": "MoDL", "brain": "PGD, lines", "cine-pgd": "PGD, cine", "cine-modl": "MoDL, cine"}
METRICS = ["psnr", "ssim", "nrmse"]


def rows(name):
    with open(name, newline="") as f:
        return list(csv.DictReader(line for line in f if not line.startswith("#")))


def paper():
    """the paper's rows: {table: {R: {method: row}}}"""
    p = {}

    for r in rows(os.path.join(HERE, "paper.csv")):
        p.setdefault(r["table"], {}).setdefault(float(r["R"]), {})[r["method"]] = r

    return p


def text(name):
    if not os.path.exists(name):
        return None

    with open(name) as f:
        return f.read().strip()


class Results:
    def __init__(self, out):
        self.out = out
        self.nets = [dict(zip(["table", "net", "kind", "R", "trainer", "set"], line.split(",")))
                     for line in text(f"{out}/nets.csv").splitlines()]
        self.settings = dict(line.partition("=")[::2] for line in text(f"{out}/settings").splitlines())

    def of_table(self, table):
        return [n for n in self.nets if n["table"] == table]

    def accelerations(self, table):
        return sorted({n["R"] for n in self.of_table(table)}, key=float)

    def metrics(self, path):
        """[stage] (slices, 3), or None"""
        name = f"{self.out}/{path}/metrics.csv"

        if not os.path.exists(name):
            return None

        stages = {}

        for r in rows(name):
            stages.setdefault(int(r["stage"]), []).append([float(r[k]) for k in METRICS])

        return [np.array(stages[i]) for i in sorted(stages)]

    def final(self, path):
        """(slices, 3) of the last stage"""
        m = self.metrics(path)

        return None if m is None else m[-1]

    def mean(self, path, which="psnr"):
        m = self.final(path)

        return None if m is None else m.mean(axis=0)[METRICS.index(which)]

    def find(self, kind, trainer, R=None):
        """name of a network"""
        return next((n["net"] for n in self.nets if n["kind"] == kind and n["trainer"] == trainer and R in (None, n["R"])), None)

    def stopped(self, net):
        return text(f"{self.out}/nets/{net}/stopped")

    def parameters(self, net):
        header = text(f"{self.out}/nets/{net}/weights.hdr")

        return None if header is None else 2 * int(header.splitlines()[1].split()[0])

    def machine(self):
        return text(f"{self.out}/machine") or "unknown"

    # ---- measurements

    def rounds(self):
        d = f"{self.out}/time"

        return [f"{d}/{r}" for r in sorted(os.listdir(d)) if re.fullmatch("round[0-9]+", r)] if os.path.isdir(d) else []

    def of_round(self, folder, net, name, suffix=""):
        """all iterations but the first two"""
        log = f"{folder}/{net}{suffix}.csv"

        return [float(i[name]) for i in rows(log)[2:] if i.get(name)] if os.path.exists(log) else []

    def column(self, net, name, suffix=""):
        """of all rounds"""
        return [v for r in self.rounds() for v in self.of_round(r, net, name, suffix)]

    def timed(self, kind, trainer):
        """the name of its measurements"""
        return f"{self.find(kind, 'mel')}-all" if trainer == "mel-all" else self.find(kind, trainer)

    def time(self, kind, trainer):
        """medians in seconds: whole iteration, forward, backward; None where not measured"""
        net = self.timed(kind, trainer)
        apart = "-timing" if self.settings.get("GPU") else ""

        t = {"seconds": self.column(net, "seconds_per_iteration"),
             "forward": self.column(net, "forward_seconds", apart),
             "backward": self.column(net, "backward_seconds", apart)}

        return {k: statistics.median(v) for k, v in t.items()} if all(t.values()) else None

    def time_ratios(self, kind, a, b):
        """lower quartile, median and upper quartile over rounds: a machine that is slower for a while is so for both"""
        q = []

        for r in self.rounds():

            s, t = (self.of_round(r, self.timed(kind, k), "seconds_per_iteration") for k in (a, b))

            if s and t:
                q.append(statistics.median(s) / statistics.median(t))

        return [float(v) for v in np.quantile(q, [0.25, 0.5, 0.75])] if q else 3 * [None]

    def time_ratio(self, kind, a, b):
        return self.time_ratios(kind, a, b)[1]

    def memory(self, kind, trainer):
        """MiB of a training without validation: planned, activations of the plan, peak"""
        net = self.find(kind, trainer)
        plan = text(f"{self.out}/time/plan.csv")
        m = {}

        for line in (plan or "").splitlines():

            name, activations, planned = line.split(",")

            if name == net:
                m = {"activations": float(activations), "planned": float(planned)}

        for r in self.rounds()[:1]:

            said = re.search(r"peak ([0-9.]+) MiB above", text(f"{r}/{net}.txt") or "")

            if said:
                m["peak"] = float(said.group(1))

        return m if len(m) == 3 else None

    def memory_table(self):
        """[{network, trainer, N, activations_mib, planned_mib, measured_mib}]"""
        name = f"{self.out}/memory/table.csv"

        if not os.path.exists(name):
            return []

        return [{k: v if k in ("network", "trainer") else float(v) for k, v in r.items()} for r in rows(name)]

    def tolerances(self):
        name = f"{self.out}/stages/tol.csv"

        return [{k: float(v) for k, v in r.items()} for r in rows(name)] if os.path.exists(name) else []

    def stages(self):
        """{trainer: [mean PSNR of zero-filled, stage 1, ...]} of the pair of figures 8 and 9"""
        s = {}

        for net in text(f"{self.out}/stage-nets").splitlines():

            trainer = next(n["trainer"] for n in self.nets if n["net"] == net)
            psnr = self.stages_of(net)

            if psnr is not None:
                s[trainer] = psnr

        return s

    def stages_of(self, net):
        """mean PSNR of zero-filled, stage 1, ..., or None"""
        m = self.metrics(f"nets/{net}")

        return None if m is None else [float(i[:, 0].mean()) for i in m]

    def decoupled(self):
        """[(table, R, net)] of GLEAM with a module for each iteration: all stages are images"""
        return [(t, n["R"], n["net"]) for t in TABLES for n in self.of_table(t)
                if n["trainer"] == "greedy" and not self.settings.get(f"{n['kind'].replace('-', '_').upper()}_DEEP_N")]

    def part_times(self):
        """{part: seconds}, all calls together"""
        t = {}

        for r in rows(f"{self.out}/times.csv") if os.path.exists(f"{self.out}/times.csv") else []:
            t[r["part"]] = t.get(r["part"], 0) + int(r["seconds"])

        return t
