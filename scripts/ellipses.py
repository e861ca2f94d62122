#!/usr/bin/env python3
"""Random geometries for phantoms.sh, to be drawn by bart phantom --ELLIPSOID.

	ellipses.py [-m] <size> <seed>

One line per ellipse: centre axes angle weight. A rim and a gap around an inside
like those of a head, at any angle, and structures of all sizes in it; with -m
one large ellipse in the middle instead.
"""

import math
import random
import sys


def line(x, y, a, b, angle, weight):
    """a, b: half axes, of which bart phantom wants twice"""
    print(f"{round(x)}:{round(y)}:0 {2. * a:.2f}:{2. * b:.2f}:1 {angle:.2f} {weight:.3f}")


def outline(rnd, size):
    """centre, half axes and angle of an object that stays inside the field of view"""
    a, b = size * rnd.uniform(0.33, 0.485), size * rnd.uniform(0.31, 0.46)
    room = 0.49 * size - max(a, b)

    return (0.5 * size + rnd.uniform(-1., 1.) * room, 0.5 * size + rnd.uniform(-1., 1.) * room,
            a, b, rnd.uniform(0., 180.))


def main():
    middle = "-m" in sys.argv[1:]

    if len(sys.argv) != 3 + middle:
        sys.exit(__doc__)

    size = int(sys.argv[-2])
    rnd = random.Random(int(sys.argv[-1]))

    x, y, a, b, angle = outline(rnd, size)
    rim, gap, inside = rnd.uniform(0.3, 1.2), rnd.uniform(0., 0.15), rnd.uniform(0.1, 0.9)

    line(x, y, a, b, angle, rim)
    outer, inner = rnd.uniform(0.006, 0.05) * size, rnd.uniform(0.006, 0.04) * size
    line(x, y, a - outer, b - outer, angle, gap - rim)
    line(x, y, a - outer - inner, b - outer - inner, angle, inside - gap)

    if middle:
        line(x, y, a * rnd.uniform(0.2, 0.75), b * rnd.uniform(0.2, 0.75), angle, rnd.uniform(-0.3, 0.3))
        return

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
