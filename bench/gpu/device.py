#!/usr/bin/env python3
"""The device's own figure of its memory, sampled by a process of its own.

	device.py		prints "<used> <total> <source>" (bytes) when it is ready, then
				for each line on stdin the most that was used since the last one
	device.py --describe	name and driver as a line of Markdown
	device.py --during <command ...>
				what was used in each quarter of the command's time; exit status 1
				if the last quarter took more than the second one

Asked is NVML (which needs no context on the device) or else cudaMemGetInfo,
of the first device of CUDA_VISIBLE_DEVICES. What other programs use counts:
take differences.
"""
import ctypes
import glob
import os
import select
import subprocess
import sys
import time

INTERVAL = 0.002    # seconds


class NvmlMemory(ctypes.Structure):
    _fields_ = [("total", ctypes.c_ulonglong), ("free", ctypes.c_ulonglong), ("used", ctypes.c_ulonglong)]


def device_index():
    first = os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",")[0]
    return int(first) if first.isdigit() else 0


class Nvml:
    name = "NVML"

    def __init__(self):
        self.lib = ctypes.CDLL("libnvidia-ml.so.1")
        self.handle = ctypes.c_void_p()
        self.check(self.lib.nvmlInit_v2())
        self.check(self.lib.nvmlDeviceGetHandleByIndex_v2(ctypes.c_uint(device_index()), ctypes.byref(self.handle)))

    @staticmethod
    def check(code):
        if code:
            raise OSError(f"NVML error {code}")

    def memory(self):
        m = NvmlMemory()
        self.check(self.lib.nvmlDeviceGetMemoryInfo(self.handle, ctypes.byref(m)))
        return m.used, m.total

    def text(self, function, *args):
        buffer = ctypes.create_string_buffer(128)
        self.check(getattr(self.lib, function)(*args, buffer, ctypes.c_uint(128)))
        return buffer.value.decode()


def library_folders():
    found = glob.glob("/usr/local/cuda*/lib64") + glob.glob("/usr/local/cuda*/lib")

    for path in sys.path:
        found += glob.glob(os.path.join(path, "nvidia", "*", "lib"))

    return os.environ.get("LD_LIBRARY_PATH", "").split(":") + found


class Cudart:
    name = "cudaMemGetInfo"

    def __init__(self):
        files = [f for d in library_folders() if d for f in glob.glob(os.path.join(d, "libcudart.so.*"))]
        self.lib = ctypes.CDLL(files[0] if files else "libcudart.so")
        self.memory()

    def memory(self):
        free, total = ctypes.c_size_t(), ctypes.c_size_t()
        code = self.lib.cudaMemGetInfo(ctypes.byref(free), ctypes.byref(total))

        if code:
            raise OSError(f"CUDA error {code}")

        return total.value - free.value, total.value


def source():
    problems = []

    for kind in (Nvml, Cudart):
        try:
            return kind()
        except (OSError, AttributeError) as e:
            problems.append(f"{kind.name}: {e}")

    sys.exit("no figure of the device's memory: " + "; ".join(problems))


def poll():
    device = source()
    used, total = device.memory()
    print(used, total, device.name, flush=True)
    most = 0

    while True:
        most = max(most, device.memory()[0])

        if not select.select([sys.stdin], [], [], INTERVAL)[0]:
            continue

        if not sys.stdin.readline():
            return

        print(most, flush=True)
        most = 0


def describe():
    try:
        n = Nvml()
        _, total = n.memory()
        print(f"* {n.text('nvmlDeviceGetName', n.handle)}, {total / 2 ** 30:.1f} GiB, driver {n.text('nvmlSystemGetDriverVersion')}")
    except (OSError, AttributeError) as e:
        print(f"* no NVIDIA driver that answers ({e})")


def during(command):
    device = source()
    samples = []

    with subprocess.Popen(command) as child:
        while child.poll() is None:
            samples.append(device.memory()[0])
            time.sleep(5 * INTERVAL)

    if child.returncode or len(samples) < 8:
        print(f"status {child.returncode}, {len(samples)} samples")
        return 1

    n = len(samples) // 4
    most = [max(samples[i * n:(i + 1) * n]) / (1 << 20) for i in range(4)]
    # the last samples are from the end, when memory is given back
    print(f"device memory ({device.name}), most in each quarter, MiB:", " ".join(f"{m:.1f}" for m in most))
    return 1 if most[3] > most[1] else 0


class Watch:
    """Samples while other programs run. None for every figure where there is no device."""

    def __init__(self):
        self.child = subprocess.Popen([sys.executable, os.path.abspath(__file__)], stdin=subprocess.PIPE,
                                      stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        line = self.child.stdout.readline().split()
        self.source = line[2] if line else None
        self.problem = None if line else self.child.communicate()[1].strip()
        self.base = None

    def begin(self):
        """takes what is used now as the base"""
        self.base = self.peak()
        self.base = self.peak()    # the samples since the question before

    def peak(self):
        if self.source is None:
            return None

        self.child.stdin.write("\n")
        self.child.stdin.flush()
        return int(self.child.stdout.readline())

    def above_MiB(self):
        """the most above the base since the last question"""
        peak = self.peak()
        return None if peak is None or self.base is None else (peak - self.base) / (1 << 20)

    def close(self):
        if self.source is not None:
            self.child.communicate()


if __name__ == "__main__":
    if "--during" in sys.argv:
        sys.exit(during(sys.argv[sys.argv.index("--during") + 1:]))

    describe() if "--describe" in sys.argv else poll()
