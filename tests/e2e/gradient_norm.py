#!/usr/bin/env python3
"""Does the gradient of each module have this norm? From the state after one step without
decay and validation: Adam's first moment is (1 - 0.9) times the gradient then.

	gradient_norm.py <state> <modules> <norm>
"""

import array
import math
import sys

END = b"\nend\n"


def main(state, modules, norm):
    data = open(state, "rb").read()
    floats = array.array("f")
    floats.frombytes(data[data.index(END) + len(END):-15])

    size = len(floats) // 3
    moments = floats[size:2 * size]
    size //= int(modules)

    for m in range(int(modules)):
        found = 10. * math.sqrt(sum(f * f for f in moments[m * size:(m + 1) * size]))

        if abs(found - float(norm)) > 1e-4 * float(norm):
            sys.exit("module %d: found a norm of %g, expected %s" % (m + 1, found, norm))


main(*sys.argv[1:])
