"""What is to be reached, and whether it was: computed from the results alone."""

from results import KINDS, METHODS, TABLES

ACTIVATIONS = 1. / 7.		# of end-to-end's
FASTER = 1.05			# seconds per iteration, end-to-end's times this at most
SLOWER = 1.25			# checkpointing and MEL, GLEAM's times this at least
BEHIND = 0.3			# dB
AHEAD = 2.			# dB, of compressed sensing
FALL = 0.05			# dB, from one stage to the next
LOST = 0.1			# dB, by --tol
PLAN = 0.1			# relative deviation
FLAT = 0.03			# growth of GLEAM's peak (weights and Adam), relative to that of end-to-end's
SAVED = 0.5			# stages, by --tol
LIMIT = {"small": 90.}		# minutes, all parts
LINEAR = 0.05			# deviation from a straight line, relative to the last value


class Goals(list):
    """(what, wanted, measured, reached); reached is None where nothing was measured"""

    def add(self, what, wanted, measured, reached):
        self.append((what, wanted, measured, None if measured is None else bool(reached)))

    def ratio(self, what, wanted, a, b, good):
        """of a to b, either of which may be missing"""
        if a is None or b is None:
            self.add(what, wanted, None, False)
        else:
            self.add(what, wanted, f"{a / b:.3g}", good(a / b))

    def difference(self, what, wanted, a, b, good):
        if a is None or b is None:
            self.add(what, wanted, None, False)
        else:
            self.add(what, wanted, f"{a - b:+.2f} dB", good(a - b))


def value(d, key):
    return None if d is None else d[key]


def memory(g, r):
    for kind in ("pgd", "modl"):

        a, b = (value(r.memory(kind, t), "activations") for t in ("greedy", "end-to-end"))
        g.ratio(f"planned activations of GLEAM to end-to-end's, {KINDS[kind]}, N = {r.settings[kind.upper() + '_N']}",
                "at most 1/7 (0.143)", a, b, lambda q: q <= ACTIVATIONS)


def plans(g, r):
    table = r.memory_table()
    worst = max((abs(i["planned_mib"] / i["measured_mib"] - 1.) for i in table), default=None)
    g.add("memory: largest deviation of the plan from what was measured", "at most 10 %",
          None if worst is None else f"{100. * worst:.1f} %", worst is not None and worst <= PLAN)

    for network in ("pgd", "modl"):

        of = {t: sorted((i["N"], i["measured_mib"]) for i in table if (i["network"], i["trainer"]) == (network, t))
              for t in ("greedy", "end-to-end")}

        if any(len(v) < 2 for v in of.values()):

            g.add(f"memory over N, {KINDS[network]}: GLEAM flat, end-to-end linear", "", None, False)
            continue

        growth = {t: v[-1][1] - v[0][1] for t, v in of.items()}
        g.ratio(f"memory over N, {KINDS[network]}: GLEAM's growth to end-to-end's", "flat: at most 0.03",
                growth["greedy"], max(growth["end-to-end"], 1e-9), lambda q: q <= FLAT)
        bend = straight(of["end-to-end"])
        g.add(f"memory over N, {KINDS[network]}: end-to-end's distance from a straight line", "linear: at most 5 %",
              f"{100. * bend:.1f} %", bend <= LINEAR)


def straight(points):
    """largest distance from the line through first and last point, relative to the last"""
    (x0, y0), (x1, y1) = points[0], points[-1]

    return max(abs(y - y0 - (y1 - y0) * (x - x0) / (x1 - x0)) for x, y in points) / y1


def speed(g, r):
    for kind in ("pgd", "modl"):
        g.ratio(f"time of GLEAM to end-to-end's, {KINDS[kind]}", "at most 1.05",
                r.time_ratio(kind, "greedy", "end-to-end"), 1., lambda q: q <= FASTER)

    for trainer in ("checkpoint", "mel", "mel-all"):
        g.ratio(f"time of {METHODS[trainer]} to GLEAM's, MoDL", "at least 1.25",
                r.time_ratio("modl", trainer, "greedy"), 1., lambda q: q >= SLOWER)


def quality(g, r):
    for table in TABLES:
        for R in r.accelerations(table):

            nets = {n["trainer"]: n for n in r.of_table(table) if n["R"] == R}
            of = {t: r.mean(f"nets/{n['net']}") for t, n in nets.items()}
            where = f"table {TABLES[table]}, R = {R}"

            g.difference(f"PSNR of GLEAM over end-to-end's, {where}", "-0.3 dB or more", of["greedy"], of["end-to-end"],
                         lambda d: d >= -BEHIND)
            g.difference(f"PSNR of GLEAM over CS's, {where}", "2 dB or more", of["greedy"], r.mean(f"cs/{nets['greedy']['set']}"),
                         lambda d: d >= AHEAD)


def falls(psnr):
    """the largest fall from one stage to the next, the zero-filled image not counted"""
    return max((a - b for a, b in zip(psnr[1:], psnr[2:])), default=0.)


def stages(g, r):
    for table, R, net in r.decoupled():

        psnr = r.stages_of(net)
        fall = None if psnr is None else falls(psnr)
        g.add(f"stages of GLEAM, table {TABLES[table]}, R = {R}: largest fall of PSNR from one to the next", "at most 0.05 dB",
              None if fall is None else f"{max(fall, 0.):.3f} dB", fall is not None and fall <= FALL)

    best = picked(r)
    g.add("--tol picks fewer stages and loses little", "less than 0.1 dB",
          None if not r.tolerances() else
          "no tolerance does" if best is None else
          f"{best['lost']:.3f} dB with {best['stages']:.1f} of {r.tolerances()[0]['stages']:g} stages (tolerance {best['tol']:g}, chosen on the validation set)",
          best is not None and best["lost"] < LOST)


def lost(r):
    """tolerances, with what each loses against all stages on the validation and on the test set"""
    full, *rest = r.tolerances() or [None]

    return [dict(t, valid_lost=full["valid_psnr"] - t["valid_psnr"], lost=full["psnr"] - t["psnr"]) for t in rest]


def picked(r):
    """the tolerance that on the validation set has the fewest stages and loses less than allowed;
    None where that saves nothing"""
    stages = r.tolerances()[0]["valid_stages"] if r.tolerances() else 0
    good = [t for t in lost(r) if t["valid_lost"] < LOST and t["valid_stages"] <= stages - SAVED]

    return min(good, key=lambda t: t["valid_stages"], default=None)


def duration(g, r, scale):
    if scale in LIMIT:
        parts = r.part_times()
        minutes = sum(parts.values()) / 60.
        g.add("all parts that ended", f"at most {LIMIT[scale]:.0f} minutes", f"{minutes:.0f} minutes" if parts else None, minutes <= LIMIT[scale])


def all_of(r, scale):
    g = Goals()

    for part in (memory, speed, quality, plans, stages):
        part(g, r)

    duration(g, r, scale)

    return g
