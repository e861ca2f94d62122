#!/usr/bin/env python3
"""Random geometries for phantoms.sh, to be drawn by bart phantom --ELLIPSOID.

	ellipses.py <size> <seed>

One line per ellipse: centre axes angle weight. A rim and a gap around an inside
like those of a head, at any angle, and structures of all sizes in it.
"""

import math
import random
import sys


def line(x, y, a, b, angle, weight):
    """a, b: half axes, of which bart phantom wants twice"""
    print(f"{round(x)}:{round(y)}:0 {2. * a:.2f}:{2. * b:.2f}:1 {angle:.2f} {weight:.3f}")


def outline(rnd, size):
    """centre, half axes and angle of the object"""
    return (size * rnd.uniform(0.46, 0.54), size * rnd.uniform(0.46, 0.54),
            size * rnd.uniform(0.32, 0.43), size * rnd.uniform(0.28, 0.38), rnd.uniform(0., 180.))


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)

    size = int(sys.argv[1])
    rnd = random.Random(int(sys.argv[2]))

    x, y, a, b, angle = outline(rnd, size)
    rim, gap, inside = rnd.uniform(0.5, 1.), rnd.uniform(0., 0.15), rnd.uniform(0.3, 0.7)

    line(x, y, a, b, angle, rim)
    line(x, y, 0.93 * a, 0.92 * b, angle, gap - rim)
    line(x, y, 0.88 * a, 0.86 * b, angle, inside - gap)

    for _ in range(rnd.randint(12, 30)):

        r, phi = 0.75 * math.sqrt(rnd.random()), rnd.uniform(0., 2. * math.pi)
        t = math.radians(angle)
        u, v = a * r * math.cos(phi), b * r * math.sin(phi)

        # few large structures, many small ones
        s = 0.35 * min(a, b) * math.exp(rnd.uniform(-2.6, 0.))

        line(x + u * math.cos(t) - v * math.sin(t), y + u * math.sin(t) + v * math.cos(t),
             s, s * rnd.uniform(0.15, 1.), rnd.uniform(0., 180.), rnd.choice([-1., 1.]) * rnd.uniform(0.1, 0.4))


if __name__ == "__main__":
    main()
