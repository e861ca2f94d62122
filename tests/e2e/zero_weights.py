#!/usr/bin/env python3
"""A copy of a network with all its convolutions zero: what is left is data consistency.

	zero_weights.py <weights> <new>
"""

import array
import sys
import zlib


def values(header, name):
    return [int(line.split()[1]) for line in header if line.startswith(name + " ")]


def zero_module(floats, iterations):
    # a module's last parameter may be followed by a zero that fills up a complex number
    params = len(floats) // iterations

    if 0 == floats[params * iterations - 1]:
        params = (len(floats) - 1) // iterations

    return [f if params - 1 == i % params else 0. for i, f in enumerate(floats)]


def main(old, new):
    header = open(old + ".hdr").read().split("\n")
    data = array.array("f")
    data.frombytes(open(old + ".cfl", "rb").read())

    modules = values(header, "modules")[0]
    length = values(header, "iterations")[0] // modules
    size = len(data) // modules
    out = array.array("f")

    for m in range(modules):
        out.extend(zero_module(data[m * size:(m + 1) * size], length))

    crc = "crc32 %08x" % zlib.crc32(out.tobytes())

    open(new + ".cfl", "wb").write(out.tobytes())
    open(new + ".hdr", "w").write("\n".join(crc if line.startswith("crc32 ") else line for line in header))


main(*sys.argv[1:])
