"""The networks and the data consistency of this project in PyTorch: the peer
that the benchmarks measure and the oracle that torch_check.sh holds the
command against.

Images are complex, [batch][y][x]; maps, k-space [batch][coil][y][x]; the
pattern [batch][1][y][x]. The definitions are those of doc/method.md. "plain"
is what is written first (one module per line of the paper); "tuned" computes
the same numbers with what can be had from PyTorch by hand.
"""
import math
import time

import torch
import torch.nn.functional as F
from torch import nn


class Sense:
    """A^H A of cartesian multi-coil data, with centered unitary FFTs."""

    def __init__(self, maps, pattern):
        self.maps = maps
        self.pattern = pattern

    @staticmethod
    def fft(x):
        x = torch.fft.ifftshift(x, dim=(-2, -1))
        return torch.fft.fftshift(torch.fft.fft2(x, norm="ortho"), dim=(-2, -1))

    @staticmethod
    def ifft(y):
        y = torch.fft.ifftshift(y, dim=(-2, -1))
        return torch.fft.fftshift(torch.fft.ifft2(y, norm="ortho"), dim=(-2, -1))

    def forward(self, x):
        return self.pattern * self.fft(self.maps * x[:, None])

    def adjoint(self, y):
        return (self.maps.conj() * self.ifft(self.pattern * y)).sum(1)

    def normal(self, x):
        return self.adjoint(self.forward(x))

    def solve(self, mu, rhs, x, iterations):
        return conjgrad(self, mu, rhs, x, iterations)


class SenseTuned(Sense):
    """The shifts of the image are a phase in k-space that commutes with the
    pattern and cancels; those of k-space are in a shifted pattern."""

    def __init__(self, maps, pattern):
        super().__init__(maps, pattern)
        self.shifted = torch.fft.ifftshift(pattern * pattern, dim=(-2, -1))
        self.conj = maps.conj().resolve_conj()

    def normal(self, x):
        y = torch.fft.fft2(self.maps * x[:, None], norm="ortho")
        y = torch.fft.ifft2(y * self.shifted, norm="ortho")
        return (self.conj * y).sum(1)


def channels(x, tuned):
    """[batch][y][x] complex -> [batch][2][y][x] real; a view when tuned"""
    x = torch.view_as_real(x).permute(0, 3, 1, 2)
    return x if tuned else x.contiguous()


def image(x):
    return torch.view_as_complex(x.permute(0, 2, 3, 1).contiguous())


LAYOUTS = {"nchw": torch.contiguous_format, "nhwc": torch.channels_last}


class PadConv(torch.autograd.Function):
    """[ReLU], reflecting pad and 3x3 convolution, in one of LAYOUTS. Only the
    padded activation is kept for the backward pass."""

    layout = LAYOUTS["nhwc"]

    @staticmethod
    def forward(ctx, x, weight, relu):
        B, C, H, W = x.shape
        p = torch.empty((B, C, H + 2, W + 2), dtype=x.dtype, device=x.device, memory_format=PadConv.layout)
        inside = p[:, :, 1:-1, 1:-1]

        if relu:
            torch.clamp_min(x, 0, out=inside)
        else:
            inside.copy_(x)

        p[:, :, 0] = p[:, :, 2]
        p[:, :, -1] = p[:, :, -3]
        p[:, :, :, 0] = p[:, :, :, 2]
        p[:, :, :, -1] = p[:, :, :, -3]

        ctx.save_for_backward(p, weight)
        ctx.relu = relu
        return F.conv2d(p, weight)

    @staticmethod
    def backward(ctx, dy):
        p, weight = ctx.saved_tensors
        need = [ctx.needs_input_grad[0], True, False]
        g, dw, _ = torch.ops.aten.convolution_backward(dy, p, weight, None, [1, 1], [0, 0], [1, 1],
                                                       False, [0, 0], 1, need)
        if not need[0]:
            return None, dw, None

        g[:, :, :, 2] += g[:, :, :, 0]
        g[:, :, :, -3] += g[:, :, :, -1]
        g[:, :, 2] += g[:, :, 0]
        g[:, :, -3] += g[:, :, -1]
        g = g[:, :, 1:-1, 1:-1]

        if ctx.relu:
            g = torch.ops.aten.threshold_backward(g, p[:, :, 1:-1, 1:-1], 0)

        return g.contiguous(memory_format=PadConv.layout), dw, None


def fastest_layout(features, size=(160, 128)):
    """which of LAYOUTS is faster for a hidden layer, forward and backward: that depends on the processor"""
    seconds = {}

    for name, PadConv.layout in LAYOUTS.items():
        x = torch.randn(1, features, *size).to(memory_format=PadConv.layout).requires_grad_()
        w = torch.randn(features, features, 3, 3).to(memory_format=PadConv.layout).requires_grad_()
        times = []

        for _ in range(4):
            start = time.perf_counter()
            y = PadConv.apply(x, w, True)
            y.backward(y.detach())
            times.append(time.perf_counter() - start)

        seconds[name] = min(times)

    return min(seconds, key=seconds.get)


class ReflectConv(nn.Module):
    """[ReLU] and a 3x3 convolution without bias on reflected edges"""

    operand = None     # dtype that the tuned convolution takes, where it is another

    def __init__(self, cin, cout, relu, tuned):
        super().__init__()
        self.relu = nn.ReLU() if relu else nn.Identity()
        self.pad = nn.ReflectionPad2d(1)
        self.conv = nn.Conv2d(cin, cout, 3, bias=False)
        self.tuned = tuned

    def forward(self, x):
        if self.tuned:
            w = self.conv.weight

            if self.operand is not None:
                x, w = x.to(self.operand), w.to(self.operand)

            return PadConv.apply(x, w, isinstance(self.relu, nn.ReLU))

        return self.conv(self.pad(self.relu(x)))


class Resnet(nn.Module):
    def __init__(self, features, tuned=False, blocks=2, io=2):
        super().__init__()
        self.body = nn.ModuleList()

        for b in range(blocks):
            cin = features if b else io
            self.body.append(ReflectConv(cin, features, True, tuned))
            self.body.append(ReflectConv(features, features, True, tuned))

            if cin != features and b == 0:
                self.shortcut = nn.Conv2d(cin, features, 1)

        self.last = nn.Conv2d(features, io, 3, padding=1)

    def forward(self, x):
        h = x

        for b in range(0, len(self.body), 2):
            s = self.shortcut(h) if b == 0 and hasattr(self, "shortcut") else h
            h = self.body[b + 1](self.body[b](h)) + s

        return x + self.last(h)

    def packed(self):
        """parameters in the order of a weights file"""
        w = [c.conv.weight for c in self.body]

        if hasattr(self, "shortcut"):
            w[2:2] = [self.shortcut.weight, self.shortcut.bias]

        return w + [self.last.weight, self.last.bias]


class Revnet(nn.Module):
    def __init__(self, features, tuned=False, layers=5, io=2):
        super().__init__()
        width = [io] + (layers - 1) * [features] + [io]
        self.body = nn.ModuleList(ReflectConv(width[i], width[i + 1], 0 < i, tuned) for i in range(layers))

    def forward(self, x):
        h = x

        for c in self.body:
            h = c(h)

        return x + h

    def packed(self):
        return [c.conv.weight for c in self.body]


def dot(a, b):
    """real inner product, one per sample"""
    return (a.conj() * b).real.sum((-2, -1), keepdim=True)


def conjgrad(A, mu, rhs, x, iterations):
    """(A^H A + mu) x = rhs, one step size per sample"""
    r = rhs - (A.normal(x) + mu * x)
    p = r
    rs = dot(r, r)

    for _ in range(iterations):
        q = A.normal(p) + mu * p
        alpha = rs / dot(p, q)
        x = x + alpha * p
        r = r - alpha * q
        new = dot(r, r)
        p = r + (new / rs) * p
        rs = new

    return x


class AdjointSolve(torch.autograd.Function):
    """z -> (A^H A + mu)^-1 (x0 + mu z), whose gradient is one more solve"""

    @staticmethod
    def forward(ctx, z, x, A, x0, mu, iterations):
        ctx.rest = (A, mu, iterations)
        return A.solve(mu, x0 + mu * z, x, iterations)

    @staticmethod
    def backward(ctx, du):
        A, mu, iterations = ctx.rest
        dz = mu * A.solve(mu, du, torch.zeros_like(du), iterations)
        return dz, None, None, None, None, None


class Iteration(nn.Module):
    """one unrolled iteration"""

    def __init__(self, conf):
        super().__init__()
        self.conf = conf
        make = Resnet if conf.network == "pgd" else Revnet
        self.prox = make(conf.features, conf.tuned)

        if conf.tuned:
            self.prox = self.prox.to(memory_format=PadConv.layout)

    def denoise(self, x):
        return image(self.prox(channels(x, self.conf.tuned)))

    def forward(self, x, A, x0):
        c = self.conf

        if c.network == "pgd":
            return self.denoise(x - 2 * c.step_size * (A.normal(x) - x0))

        z = self.denoise(x)

        if c.cg_gradient == "adjoint":
            # the initial value does not count: the solution does not depend on it
            return AdjointSolve.apply(z, x.detach(), A, x0, c.mu, c.cg_iter)

        return A.solve(c.mu, x0 + c.mu * z, x, c.cg_iter)


def synthetic(conf, dtype=torch.float32):
    """smooth random images, coils and a pattern of every fourth sample"""
    gen = torch.Generator().manual_seed(conf.seed)
    X, Y = conf.size
    B, C = conf.batch, conf.coils

    def smooth(n):
        k = torch.zeros(B, n, Y, X, dtype=torch.complex128)
        s = (B, n, 9, 9)
        k[:, :, Y // 2 - 4:Y // 2 + 5, X // 2 - 4:X // 2 + 5] = torch.complex(
            torch.randn(s, generator=gen, dtype=torch.float64), torch.randn(s, generator=gen, dtype=torch.float64))
        return Sense.ifft(k) * math.sqrt(X * Y)

    maps = smooth(C)
    maps = maps / maps.abs().square().sum(1, keepdim=True).sqrt()
    pattern = (torch.rand((B, 1, Y, X), generator=gen) < 0.25).double()
    ref = smooth(1)[:, 0]

    ksp = Sense(maps, pattern).forward(ref)
    cdtype = torch.complex64 if dtype == torch.float32 else torch.complex128
    return ksp.to(cdtype), maps.to(cdtype), pattern.to(dtype), ref.to(cdtype)


def scaled(ksp, maps, pattern, ref):
    """zero-filled image and reference, divided by the 95th percentile"""
    A = Sense(maps, pattern)
    x0 = A.adjoint(ksp)
    s = torch.quantile(x0.abs().flatten(1), 0.95, dim=1)[:, None, None]
    return x0 / s, ref / s
