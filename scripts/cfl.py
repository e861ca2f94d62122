"""BART's cfl files as numpy arrays, without trailing dimensions of size one."""

import numpy as np


def dims(name):
    with open(name + ".hdr") as f:
        next(f)
        d = [int(i) for i in next(f).split()]

    while len(d) > 1 and d[-1] == 1:
        d.pop()

    return d


def read(name):
    """Column-major, mapped into memory: slices are read when they are used."""
    return np.memmap(name + ".cfl", dtype=np.complex64, mode="r", shape=tuple(dims(name)), order="F")


def write(name, array):
    with open(name + ".hdr", "w") as f:
        f.write("# Dimensions\n" + " ".join(str(i) for i in array.shape) + "\n")

    array.astype(np.complex64).ravel(order="F").tofile(name + ".cfl")


def slices(name):
    """A list of 2D complex images (X, Y), enumerated by all other dimensions."""
    a = read(name)
    a = a.reshape(a.shape[0], a.shape[1], -1, order="F")

    return [a[:, :, i] for i in range(a.shape[2])]
