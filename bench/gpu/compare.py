#!/usr/bin/env python3
"""bart gleam against PyTorch on one GPU, in one run: gpu.sh calls it.

	compare.py <data prefix> <report.md> [options]

Of PyTorch every variant of peer.py is tried; the fastest then alternates with
bart gleam: ours, theirs, ours, theirs. Times are medians over all timed
iterations of all rounds. The report is written anew after each configuration, so
that a run which is cut off leaves what it has; all figures are beside it
as JSON. What cannot run is said in the report and the rest goes on.
"""
import argparse
import csv
import json
import os
import statistics
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from device import Watch    # noqa: E402
from gpu_report import write_report    # noqa: E402
from measure import note    # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
BART = os.environ["BART"]
PYTHON = os.environ["PYTHON"]

# in the order of importance: (network, precision)
CONFIGURATIONS = [("pgd", "tf32"), ("pgd", "bf16"), ("modl", "tf32"), ("modl", "bf16"), ("pgd", "fp32"), ("modl", "fp32")]
END_TO_END = "tf32"    # the paper's ratio is taken at this precision
# of end-to-end training the memory counts: those that differ in it
END_TO_END_VARIANTS = "plain-nhwc,padded-nhwc,compile-nhwc"
WARM_UP = 5
MIN_TRIALS = 60.    # seconds


def options():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("prefix")
    p.add_argument("report")
    p.add_argument("--size", type=int, nargs=2, default=(320, 256))
    p.add_argument("--coils", type=int, default=8)
    p.add_argument("--batch", type=int, default=4)
    p.add_argument("-I", "--iterations", type=int, default=8)
    p.add_argument("--features", type=int, help="of both networks (default: 100 and 70)")
    p.add_argument("--only", default="", help="such as pgd-tf32,modl-bf16")
    p.add_argument("--ours", action="append", default=[],
                   help="further options of bart gleam; once for each setting to be measured")
    p.add_argument("--gpu", default="-g", help="the option that takes the GPU ('' for tests without one)")
    p.add_argument("--device", default="cuda", help="PyTorch's")
    p.add_argument("--variants", help="of peer.py (default: all)")
    p.add_argument("--rounds", type=int, default=3)
    p.add_argument("--timed", type=int, default=20, help="timed iterations in a round")
    p.add_argument("--seconds", type=float, default=1e9, help="begin nothing more after this time")
    return p.parse_args()


class Clock:
    def __init__(self, seconds):
        self.end = time.monotonic() + seconds

    def left(self):
        return self.end - time.monotonic()


# the second is its counterpart of PyTorch's benchmark mode, the third the whole batch at once, as PyTorch does
SETTINGS = ["", "--autotune", "--micro-batch 4"]


class Ours:
    """bart gleam"""

    def __init__(self, conf, work):
        self.conf, self.work = conf, work

    def run(self, network, precision, more, timed):
        c = self.conf
        log = os.path.join(self.work, "log.csv")
        features = ["--features", str(c.features)] if c.features else []
        cmd = [BART, "gleam", *c.gpu.split(), *(["--precision", precision] if c.gpu else []), "--" + network,
               "-I", str(c.iterations), *features, "-b", str(c.batch), "-n", str(WARM_UP + timed), *more.split(),
               "--pattern", c.prefix + "-pat", "--log", log, os.path.join(self.work, "weights"),
               c.prefix + "-ksp", c.prefix + "-maps", c.prefix + "-ref"]
        p = subprocess.run(cmd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")

        if p.returncode:
            raise RuntimeError(f"status {p.returncode}: {' '.join(p.stdout.strip().split(chr(10))[-2:])}")

        with open(log) as f:
            rows = list(csv.DictReader(f))

        return {"seconds": [float(r["seconds_per_iteration"]) for r in rows[WARM_UP:]], "loss": float(rows[-1]["loss"]),
                # on the GPU what it has allocated there at most
                "allocated_MiB": max(int(r["peak_bytes"]) for r in rows) / (1 << 20) if c.gpu else None,
                "said": [s for s in p.stdout.split("\n") if s.startswith("GPU")]}


class Torch:
    """peer.py: select once, then a server that stays warm between the rounds"""

    def __init__(self, conf):
        self.problem = ["--size", *map(str, conf.size), "--coils", str(conf.coils), "-I", str(conf.iterations),
                        "--batch", str(conf.batch), "--device", conf.device]

        if conf.features:
            self.problem += ["--features", str(conf.features)]

        self.variants = ["--variants", conf.variants] if conf.variants else []

    def command(self, network, precision, mode, *more):
        return [PYTHON, os.path.join(HERE, "peer.py"), "--network", network, "--precision", precision, "--mode", mode,
                *self.problem, *more]

    def missing(self, device):
        test = "import torch; assert torch.cuda.is_available(), 'PyTorch finds no GPU'" if "cuda" == device else "import torch"
        p = subprocess.run([PYTHON, "-c", test], stderr=subprocess.PIPE, text=True)
        return p.stderr.strip().split("\n")[-1] if p.returncode else None

    def select(self, network, precision, mode, seconds):
        variants = ["--variants", END_TO_END_VARIANTS] if "end-to-end" == mode else []
        p = subprocess.run(self.command(network, precision, mode, "--select", "--seconds", str(seconds), *variants, *self.variants),
                           stdout=subprocess.PIPE, check=True, text=True)
        return json.loads(p.stdout.strip().split("\n")[-1])


class Server:
    def __init__(self, command):
        self.p = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.first = self.read()

    def read(self):
        for line in self.p.stdout:
            if line.startswith("{"):
                return json.loads(line)

        raise RuntimeError(f"PyTorch ended with status {self.p.wait()}")

    def run(self, n):
        self.p.stdin.write(f"{n}\n")
        self.p.stdin.flush()
        return self.read()

    def close(self):
        self.p.stdin.close()
        self.p.stdout.read()
        self.p.wait()


class Figures:
    """what the rounds of one program gave"""

    def __init__(self):
        self.seconds, self.last, self.device = [], {}, []

    def add(self, result, device_MiB):
        self.seconds += result["seconds"]
        self.last = result
        self.device += [] if device_MiB is None else [device_MiB]

    def json(self):
        s = sorted(self.seconds)
        return {**self.last, "seconds": self.seconds, "median": statistics.median(s), "fastest": s[0], "slowest": s[-1],
                "device_MiB": max(self.device) if self.device else None}


def serve(torch, result, watch, config, mode):
    """a warm server of the fastest variant, and the device memory that it takes, now and while it warmed up"""
    if result["chosen"] is None:
        raise RuntimeError("no variant ran")

    watch.begin()
    server = Server(torch.command(*config, mode, "--variant", result["chosen"]))
    result["device_warm_up_MiB"] = watch.above_MiB()
    server.run(2)
    return server, watch.above_MiB()


def measure_ours(ours, conf, config, settings, watch, figures, failed):
    for s in settings:
        if s in failed:
            continue

        watch.begin()

        try:
            r = ours.run(*config, s, conf.timed)
            figures.setdefault(s, Figures()).add(r, watch.above_MiB())
            note(f"  bart gleam {s}: {statistics.median(r['seconds']):.4f} s/iter")
        except (RuntimeError, OSError, KeyError, IndexError) as e:
            failed[s] = str(e)
            note(f"  bart gleam {s}: {e}")


def compare(conf, config, ours, torch, watch, clock, seconds):
    """{"ours": {setting: figures or failed}, "torch": ..., "variants": ...} of one configuration"""
    settings = conf.ours or SETTINGS
    result, figures, failed, peer, server = {}, {}, {}, Figures(), None

    if torch is not None:
        try:
            result = torch.select(*config, "gleam", seconds)
            server, device_MiB = serve(torch, result, watch, config, "gleam")
        except (RuntimeError, OSError, ValueError, subprocess.CalledProcessError) as e:
            result = {**result, "failed": str(e)}

    for r in range(conf.rounds):
        if r and clock.left() < 0:
            break

        measure_ours(ours, conf, config, settings, watch, figures, failed)

        if server is not None:
            try:
                t = server.run(conf.timed)
                peer.add(t, device_MiB)
                note(f"  PyTorch {result['chosen']}: {t['median']:.4f} s/iter")
            except (RuntimeError, OSError, ValueError, KeyError) as e:
                result["failed"] = f"in round {r + 1}: {e}"
                note(f"  PyTorch {result['chosen']}: {e}")
                server.close()
                server = None

    if server is not None:
        server.close()
        result.update(peer.json())

    return {"ours": {**{s: f.json() for s, f in figures.items()}, **{s: {"failed": f} for s, f in failed.items()}},
            "torch": result}


def end_to_end(conf, config, torch, watch, seconds):
    """one round: its memory is what counts"""
    result = {}

    try:
        result = torch.select(*config, "end-to-end", seconds)
        server, device_MiB = serve(torch, result, watch, config, "end-to-end")
        peer = Figures()
        peer.add(server.run(conf.timed), device_MiB)
        server.close()
        result.update(peer.json())
    except (RuntimeError, OSError, ValueError, subprocess.CalledProcessError) as e:
        result["failed"] = str(e)

    return result


def steps(conf):
    """(network, precision, mode) in the order of importance"""
    configurations = [c for c in CONFIGURATIONS if not conf.only or "-".join(c) in conf.only.split(",")]
    first = [c + ("gleam",) for c in configurations[:3]]
    paper = [c + ("end-to-end",) for c in configurations if c[1] == END_TO_END]
    return first + paper + [c + ("gleam",) for c in configurations[3:]]


def main():
    conf = options()
    clock = Clock(conf.seconds)
    watch = Watch()
    ours, torch = Ours(conf, os.path.dirname(conf.prefix)), Torch(conf)
    missing = torch.missing(conf.device)
    all_of_it = {"problem": vars(conf), "results": {}, "notes": []}

    if missing:
        torch = None
        all_of_it["notes"].append(f"SKIP PyTorch ({PYTHON}): {missing}")

    all_of_it["notes"].append(f"device memory: {watch.source}" if watch.source else f"SKIP device memory: {watch.problem}")

    configurations = steps(conf)

    for i, (*config, mode) in enumerate(configurations):
        name = "-".join(config) + ("" if "gleam" == mode else "-end-to-end")

        if clock.left() < 0:
            all_of_it["notes"].append(f"SKIP {name}: out of time")
            continue

        note(name)
        # what the trials may take, so that something is left for those that follow
        seconds = max(MIN_TRIALS, clock.left() / (len(configurations) - i))

        if "gleam" == mode:
            all_of_it["results"][name] = compare(conf, config, ours, torch, watch, clock, seconds)
        elif torch is not None:
            all_of_it["results"][name] = {"torch": end_to_end(conf, config, torch, watch, seconds)}

        write_report(conf.report, all_of_it)

    write_report(conf.report, all_of_it)
    watch.close()
    # a report without a single figure is no success
    good = any("median" in f for r in all_of_it["results"].values() for f in [*r.get("ours", {}).values(), r["torch"]])
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
