#!/usr/bin/env python3
"""All results on one page, README.md, each number beside the paper's; and as CSV files.

	report.py <scale> <folder of paper.sh> <output folder>
"""

import csv
import sys
import time

import goals
import texts
from results import KINDS, METHODS, METRICS, TABLES, Results, paper

NONE = "–"


def cell(value, form="{:.3g}"):
    return NONE if value is None else form.format(value)


def number(row, key):
    """of the paper, where it has one"""
    return float(row[key]) if row and row.get(key) else None


def markdown(head, lines):
    return "\n".join("| " + " | ".join(str(c) for c in line) + " |" for line in [head, ["---"] * len(head)] + lines)


def save(name, head, lines):
    """numbers as they are; empty where there is none"""
    with open(name, "w", newline="") as f:

        w = csv.writer(f)
        w.writerow(head)
        w.writerows([["" if c is None else f"{c:.6g}" if isinstance(c, float) else c for c in line] for line in lines])


def difference(a, b, digits):
    return NONE if a is None or b is None else f"{a - b:+.{digits}f}"


class Table:
    """one of the paper's tables I to V: a dictionary for each row"""

    PAPER = {"psnr": "psnr", "ssim": "ssim", "nrmse": "nrmse", "memory_gb": "memory_gb", "seconds": "seconds", "parameters": "parameters"}

    def __init__(self, r, table, theirs):
        self.r = r
        self.rows = []

        for i, R in enumerate(r.accelerations(table)):

            # the smaller of ours beside the smaller of the paper's
            paper_R = sorted(theirs)[min(i, len(theirs) - 1)]

            for n in [n for n in r.of_table(table) if n["R"] == R]:
                self.network(n, paper_R, theirs[paper_R].get(n["trainer"]))

            self.add({"set": n["set"], "R": R, "trainer": "cs"}, paper_R, theirs[paper_R].get("cs"), f"cs/{n['set']}")

    def add(self, n, paper_R, row, path, **more):
        m = self.r.final(path)
        line = {"R": float(n["R"]), "method": n["trainer"], "stopped": more.pop("stopped", None)}

        for i, k in enumerate(METRICS):
            line[k] = None if m is None else float(m[:, i].mean())
            line[k + "_sd"] = None if m is None else float(m[:, i].std())

        line.update({k: more.get(k) for k in ("memory_mib", "planned_mib", "activations_mib", "seconds", "parameters")})
        line["paper_R"] = paper_R
        line.update({f"paper_{k}": number(row, v) for k, v in self.PAPER.items()})
        line["paper_remark"] = row["remark"] if row else None
        self.rows.append(line)

    def network(self, n, paper_R, row):
        m, t = self.r.memory(n["kind"], n["trainer"]), self.r.time(n["kind"], n["trainer"])
        self.add(n, paper_R, row, f"nets/{n['net']}", stopped=self.r.stopped(n["net"]), parameters=self.r.parameters(n["net"]),
                 memory_mib=m and m["peak"], planned_mib=m and m["planned"], activations_mib=m and m["activations"],
                 seconds=t and t["seconds"])

    def pairs(self):
        """for each R: differences of GLEAM's to end-to-end's metrics, ours and the paper's"""
        for R in dict.fromkeys(i["R"] for i in self.rows):

            of = {i["method"]: i for i in self.rows if i["R"] == R}
            a, b = of["greedy"], of["end-to-end"]
            yield [f"{R:g} ({a['paper_R']:g})"] + [difference(a[k], b[k], digits) for m, digits in zip(METRICS, (2, 3, 3)) for k in (m, "paper_" + m)]

    def save(self, name):
        save(name, list(self.rows[0]), [list(i.values()) for i in self.rows])

    def markdown(self):
        head = ["R (paper's)", "", "PSNR [dB]", "paper", "SSIM", "paper", "nRMSE", "paper", "peak [MiB]", "activations [MiB]", "paper [GB]",
                "s/iteration", "paper", "parameters", "paper"]

        return markdown(head, [self.line(i) for i in self.rows])

    def line(self, i):
        def pair(k, digits):
            ours = cell(i[k], "{:.%df}" % digits) + ("" if i[k] is None else " ± {:.{}f}".format(i[k + "_sd"], digits))

            return [ours, cell(i["paper_" + k], "{:.%df}" % digits)]

        quality = pair("psnr", 2) + pair("ssim", 3) + pair("nrmse", 3)

        if i["stopped"]:
            quality[0] = i["stopped"]

        if i["paper_remark"]:
            quality[1] = i["paper_remark"]

        return ([f"{i['R']:g} ({i['paper_R']:g})", METHODS[i["method"]]] + quality
                + [cell(i["memory_mib"], "{:.1f}"), cell(i["activations_mib"], "{:.1f}"), cell(i["paper_memory_gb"])]
                + [cell(i["seconds"]), cell(i["paper_seconds"], "{:.2f}")]
                + [cell(i[k] and i[k] / 1e6, "{:.3g} M") for k in ("parameters", "paper_parameters")])


def time_table(r):
    """figure 7"""
    lines = []

    for kind in KINDS:

        trainers = ["end-to-end", "checkpoint", "mel", "mel-all", "greedy"]
        t = {k: r.time(kind, k) for k in trainers if r.find(kind, k.replace("-all", ""))}

        for k, v in t.items():

            if v is None:
                continue

            low, median, high = r.time_ratios(kind, k, "greedy")
            lines.append([KINDS[kind], METHODS[k], v["seconds"], v["forward"], v["backward"], median, low, high, r.time_ratio(kind, k, "end-to-end")])

    return ["network", "trainer", "s/iteration", "forward [s]", "backward [s]", "ratio to GLEAM", "lower quartile", "upper quartile",
            "ratio to end-to-end"], lines


def lost_table(r):
    """GLEAM's metrics less those of end-to-end training, and the paper's"""
    theirs = paper()
    lines = []

    for table, name in TABLES.items():
        for i in Table(r, table, theirs[name]).pairs():
            lines.append([name] + i)

    return ["table", "R (paper's)", "PSNR [dB]", "paper", "SSIM", "paper", "nRMSE", "paper"], lines


def stages_table(r):
    """of GLEAM, all networks with a module for each iteration"""
    all_of = [(TABLES[t], R, r.stages_of(net)) for t, R, net in r.decoupled()]
    count = max((len(p) for _, _, p in all_of if p), default=1)

    return (["table", "R"] + [f"{i}" for i in range(count)],
            [[t, R] + (p or []) + (count - len(p or [])) * [None] for t, R, p in all_of])


def memory_lines(r):
    """a row for each trainer, a column for each N: measured (planned)"""
    table = r.memory_table()
    Ns = sorted({i["N"] for i in table})
    lines = []

    for network, trainer in dict.fromkeys((i["network"], i["trainer"]) for i in sorted(table, key=lambda i: (i["network"], list(METHODS).index(i["trainer"])))):

        of = {i["N"]: i for i in table if (i["network"], i["trainer"]) == (network, trainer)}
        lines.append([KINDS[network], METHODS[trainer]] + [f"{of[N]['measured_mib']:.1f} ({of[N]['planned_mib']:.1f}; {of[N]['activations_mib']:.1f})" if N in of else NONE for N in Ns]
                     + ["{:.1f} %".format(100. * max(abs(i["planned_mib"] / i["measured_mib"] - 1.) for i in of.values()))])

    return ["network", "trainer"] + [f"N = {N:g}" for N in Ns] + ["largest deviation"], lines


def stage_table(r):
    psnr = r.stages()
    count = max((len(p) for p in psnr.values()), default=0)

    return ["stage"] + [METHODS[k] for k in psnr], [[i] + [p[i] if i < len(p) else None for p in psnr.values()] for i in range(count)]


def rounded(lines, digits=3):
    return [[f"{c:.{digits}g}" if isinstance(c, float) else NONE if c is None else c for c in line] for line in lines]


def goal_section(r, scale, folder):
    g = goals.all_of(r, scale)
    answer = {True: "yes", False: "no", None: "not measured"}
    lines = [[what, wanted, NONE if measured is None else measured, answer[reached]] for what, wanted, measured, reached in g]
    head = ["what", "wanted", "measured", "reached"]
    save(f"{folder}/goals.csv", head, lines)

    return ["## What is to be reached", f"{sum(i[3] is True for i in g)} of {len(g)} reached.", markdown(head, [i[:3] + [f"**{i[3]}**"] for i in lines])]


def table_sections(r, scale, folder):
    theirs = paper()

    head, lines = lost_table(r)
    save(f"{folder}/lost.csv", head, lines)
    yield from ("## What is lost", "GLEAM's metrics less those of end-to-end training (tables III and IV: with three times as many iterations).", markdown(head, lines))

    for table, name in TABLES.items():

        t = Table(r, table, theirs[name])
        t.save(f"{folder}/{table}.csv")
        yield from (f"## Table {name}: {texts.TITLES[table]}", t.markdown(), texts.differs(r, scale, table))


def tol_table(r):
    head = ["tol", "valid_stages", "valid_psnr", "valid_lost", "stages", "psnr", "lost"]

    return head, [[t[k] for k in head] for t in goals.lost(r)]


def measured_sections(r, scale, folder):
    head, lines = time_table(r)
    save(f"{folder}/time.csv", head, lines)
    yield from ("## Figure 7: time of an iteration", markdown(head, rounded(lines)), texts.time(r, scale), "![time of an iteration](time.png)")

    save(f"{folder}/memory.csv", ["network", "trainer", "N", "activations_mib", "planned_mib", "measured_mib"], [list(i.values()) for i in r.memory_table()])
    yield from ("## Memory against the number of unrolled iterations", markdown(*memory_lines(r)), texts.memory(r), "![memory over N](memory.png)")

    head, lines = stage_table(r)
    save(f"{folder}/stages.csv", head, lines)
    yield from ("## Figure 9: PSNR after each unrolled iteration", markdown(head, rounded(lines, 4)), texts.stages(r), "![PSNR over N_inf](stages.png)")

    head, lines = stages_table(r)
    save(f"{folder}/stages-greedy.csv", head, lines)
    yield from ("PSNR of GLEAM's stages, all networks with a module for each iteration:", markdown(head, rounded(lines, 4)))

    head, lines = tol_table(r)
    save(f"{folder}/tol.csv", head, lines)
    yield from ("### `gleam-infer --tol`", markdown(["tolerance", "validation: stages that were run, mean", "PSNR [dB]", "lost against all [dB]", "test: stages", "PSNR", "lost"],
                                                    [[f"{t:g}", *(form.format(v) for form, v in zip(2 * ["{:.1f}", "{:.2f}", "{:.3f}"], rest))] for t, *rest in lines]))
    yield from ("## Figure 8: images after each unrolled iteration", "![images after each stage](images.png)", texts.images(r))


def appendix(r, scale):
    parts = r.part_times()
    yield "## How it was made"
    yield f"`make paper SCALE={scale}`, {time.strftime('%Y-%m-%d')}. " + "; ".join((r.machine() or "").splitlines()) + "."
    yield markdown(["part", "seconds"], [[k, v] for k, v in parts.items()] + [["all", sum(parts.values())]])
    yield "Settings:"
    yield "```\n" + "\n".join(f"{k}={v}" for k, v in r.settings.items()) + "\n```"


def main():
    if len(sys.argv) != 4:
        sys.exit(__doc__)

    scale, out, folder = sys.argv[1:]
    r = Results(out)

    page = [f"# The paper's tables and figures, {texts.SCALES[scale]}", texts.INTRODUCTION]
    page += goal_section(r, scale, folder)
    page += table_sections(r, scale, folder)
    page += measured_sections(r, scale, folder)
    page += appendix(r, scale)

    with open(f"{folder}/README.md", "w") as f:
        f.write("\n\n".join(page) + "\n")


if __name__ == "__main__":
    main()
