"""The report of compare.py: Markdown from its figures, which are kept as JSON beside it."""
import datetime
import json
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))

# (network, precision): the most that time and memory may be of PyTorch's
TARGETS = {"pgd-tf32": (0.6, 0.35), "pgd-bf16": (0.6, 0.35), "modl-tf32": (0.6, 0.4)}
TARGET_END_TO_END = 1 / 20


def number(x, form="{:.0f}"):
    return "-" if x is None else form.format(x)


def ratio(a, b, form="{:.2f}"):
    return "-" if a is None or not b else form.format(a / b)


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head)]
    return lines + ["| " + " | ".join(r) + " |" for r in rows] + [""]


def command_output(*command):
    try:
        return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout.strip()
    except OSError:
        return ""


def cpu_name():
    with open("/proc/cpuinfo") as f:
        for line in f:
            if line.startswith("model name"):
                return line.split(":")[1].strip()

    return "unknown processor"


def header(data):
    p = data["problem"]
    features = p["features"] or "100 (PGD), 70 (MoDL)"
    lines = [f"# Training on the GPU, {datetime.date.today()}", "",
             command_output(sys.executable, os.path.join(HERE, "device.py"), "--describe"),
             f"* {cpu_name()}, {os.cpu_count()} cores",
             f"* BART {command_output(os.environ['BART'], 'version')}"]
    runs = [r["torch"] for r in data["results"].values() if "torch" in r["torch"]]

    if runs:
        t = runs[0]
        lines.append(f"* PyTorch {t['torch']}, CUDA {t.get('cuda')}, cuDNN {t.get('cudnn')}, Python {t['python']}")

    said = [line for r in data["results"].values() for f in r.get("ours", {}).values() for line in f.get("said", [])]
    lines += [f"* bart gleam says: {line}" for line in dict.fromkeys(said[:4])]
    lines += [f"* {p['size'][0]} x {p['size'][1]} pixels, {p['coils']} coils, N = M = {p['iterations']}, {features} features,"
              f" batch {p['batch']}; {p['rounds']} rounds of {p['timed']} timed iterations; medians"]
    return lines + [f"* {n}" for n in data["notes"]] + [""]


def pairs(data):
    """(name, setting, our figures, PyTorch's) of greedy training"""
    for name, r in data["results"].items():
        for setting, ours in r.get("ours", {}).items():
            yield name, setting, ours, r["torch"]


def label(name, setting):
    return name + (f" ({setting})" if setting else "")


def times(data):
    rows = []

    for name, setting, ours, torch in pairs(data):
        target = TARGETS.get(name)
        spread = f"{ours['fastest']:.4f} to {ours['slowest']:.4f}" if "median" in ours else ours.get("failed", "-")
        rows.append([label(name, setting), number(ours.get("median"), "{:.4f}"), spread, number(torch.get("median"), "{:.4f}"),
                     torch.get("chosen") or "-", ratio(ours.get("median"), torch.get("median")),
                     f"at most {target[0]}" if target else "-"])

    return ["## Seconds per iteration", ""] + table(
        ["configuration", "bart gleam", "(all)", "PyTorch", "its fastest variant", "ours / theirs", "wanted"], rows)


def least(torch, key):
    """of all variants that ran"""
    found = [v[key] for v in torch.get("variants", {}).values() if key in v]
    return min(found) if found else None


def memory(data):
    rows = []

    for name, setting, ours, torch in pairs(data):
        # where our process does not say what it allocated, the device's figure (with the context) stands in: it is larger
        own, device = ours.get("allocated_MiB"), ours.get("device_MiB")
        base = own if own is not None else device
        target = TARGETS.get(name)
        rows.append([label(name, setting), number(own), number(device), number(torch.get("allocated_MiB")),
                     number(torch.get("reserved_MiB")), number(torch.get("device_MiB")), ratio(base, torch.get("allocated_MiB")),
                     ratio(base, torch.get("reserved_MiB")), ratio(device, torch.get("device_MiB")),
                     ratio(base, least(torch, "allocated_MiB")), f"at most {target[1]}" if target else "-"])

    return ["## Peak memory, MiB", "",
            "*device* is the device's own figure, the context of the process included. Ours covers the whole run, PyTorch's what",
            "it takes when it is warm (not the trials of cuDNN and of the compiler). *least* is the variant of PyTorch that",
            "allocates least, which need not be the fastest.", ""] + table(
        ["configuration", "ours, allocated", "ours, device", "PyTorch, allocated", "reserved", "device",
         "ours / allocated", "ours / reserved", "device / device", "ours / least", "wanted"], rows)


def paper(data):
    """the memory of greedy training against that of end-to-end training"""
    rows = []

    for name, setting, ours, _ in pairs(data):
        if name + "-end-to-end" not in data["results"]:
            continue

        e2e = data["results"][name + "-end-to-end"]["torch"]
        own, device = ours.get("allocated_MiB"), ours.get("device_MiB")
        base = own if own is not None else device
        rows.append([label(name, setting), number(base), e2e.get("failed") or number(e2e.get("allocated_MiB")),
                     number(e2e.get("reserved_MiB")), number(e2e.get("device_MiB")), ratio(base, e2e.get("allocated_MiB"), "{:.4f}"),
                     ratio(base, e2e.get("reserved_MiB"), "{:.4f}"), ratio(device, e2e.get("device_MiB"), "{:.4f}"),
                     ratio(base, least(e2e, "allocated_MiB"), "{:.4f}"), f"at most {TARGET_END_TO_END:g}",
                     ratio(ours.get("median"), e2e.get("median"))])

    if not rows:
        return []

    return ["## Against end-to-end training in PyTorch, MiB", ""] + table(
        ["configuration", "ours", "PyTorch, allocated", "reserved", "device", "ours / allocated", "ours / reserved",
         "device / device", "ours / least", "wanted", "time, ours / theirs"], rows)


def variants(data):
    rows = [[name, v, number(r.get("median"), "{:.4f}"), number(r.get("allocated_MiB")), number(r.get("reserved_MiB")),
             number(r.get("warm_up_reserved_MiB")), number(r.get("seconds_warm_up"), "{:.1f}"), r.get("failed", "")]
            for name, c in data["results"].items() for v, r in c["torch"].get("variants", {}).items()]
    rows += [[name, "-", "-", "-", "-", "-", "-", c["torch"]["failed"]]
             for name, c in data["results"].items() if "failed" in c["torch"]]
    return ["## All variants of PyTorch", ""] + table(
        ["configuration", "variant", "s/iter", "allocated MiB", "reserved MiB", "reserved, warm-up", "warm-up, s", "failed"],
        rows) if rows else []


def write_report(path, data):
    lines = header(data) + times(data) + memory(data) + paper(data) + variants(data)

    with open(path + ".json", "w") as f:
        json.dump(data, f, indent=1)

    with open(path, "w") as f:
        f.write("\n".join(lines))
