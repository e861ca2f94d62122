"""Runs commands and measures them: seconds per iteration as they log it, and
their peak resident memory above that of an idle process."""
import csv
import os
import statistics
import struct
import subprocess
import sys
import time

MIB = 1 << 20

# glibc gives blocks of this size back at once: the peak is what was alive
LIVE = {"MALLOC_MMAP_THRESHOLD_": str(MIB)}


def note(*text):
    print(*text, file=sys.stderr, flush=True)


def table(head, rows):
    """Markdown to stdout"""
    print("\n| " + " | ".join(head) + " |")
    print("|" + " --- |" * len(head))

    for row in rows:
        print("| " + " | ".join(row) + " |")

    print(flush=True)


def peak_MiB(command, env=None):
    """Runs a command, returns its peak resident memory.

    ru_maxrss cannot be below the size of this process at the time of the
    fork, some 10 MiB: too small to matter here, but see idle_MiB.
    """
    with subprocess.Popen(command, env={**os.environ, **(env or {})}, stdout=subprocess.DEVNULL,
                          stderr=subprocess.PIPE) as p:
        text = p.stderr.read()
        _, status, usage = os.wait4(p.pid, 0)
        p.returncode = os.waitstatus_to_exitcode(status)

    if p.returncode:
        note(text.decode(errors="replace"))
        raise subprocess.CalledProcessError(p.returncode, command)

    return usage.ru_maxrss / 1024


def idle_MiB(bart):
    """resident memory of a bart that waits for its input"""
    with subprocess.Popen([bart, "show", "-"], stdin=subprocess.PIPE, stderr=subprocess.DEVNULL) as p:
        time.sleep(0.5)

        with open(f"/proc/{p.pid}/status") as f:
            rss = [line for line in f if line.startswith("VmRSS:")]

        p.kill()

    return int(rss[0].split()[1]) / 1024


def read_cfl(name):
    """dimensions and values of a small cfl file"""
    with open(name + ".hdr") as f:
        lines = f.read().split("\n")

    dims = [int(d) for d in lines[lines.index("# Dimensions") + 1].split()]

    with open(name + ".cfl", "rb") as f:
        data = f.read()

    values = struct.unpack(f"{len(data) // 4}f", data)
    return dims, [complex(*v) for v in zip(values[0::2], values[1::2])]


def logged_seconds(log):
    """s/iter of every iteration but the first"""
    with open(log) as f:
        return [float(row["seconds_per_iteration"]) for row in csv.DictReader(f)][1:]


def history_seconds(name):
    """the same, from 'reconet --train-algo export-history=': dimensions are epoch,
    batch, (is valid, value), monitor; monitor 0 is the time since the epoch began"""
    dims, v = read_cfl(name)
    return [v[e + dims[0] * dims[1]].real for e in range(1, dims[0])]


class Series:
    """what several runs of one program gave"""

    def __init__(self):
        self.seconds = []
        self.peaks = []

    def add(self, seconds, peak):
        self.seconds += seconds
        self.peaks.append(peak)

    def time(self):
        return statistics.median(self.seconds)

    def peak(self):
        return statistics.median(self.peaks)
