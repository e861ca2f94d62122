"""The networks and the data consistency of this project in PyTorch: the peer
that the benchmarks measure and the oracle that torch_check.sh holds the
command against.

Images are complex, [batch][y][x]; maps, k-space [batch][coil][y][x]; the
pattern [batch][1][y][x]. A series has its frames before y: images
[batch][t][y][x], k-space [batch][coil][t][y][x], the pattern
[batch][1][t][y][x], maps [batch][coil][1][y][x]; its networks are the 3D ones.
The definitions are those of doc/method.md. "plain" is what is written first
(one module per line of the paper); "tuned" computes the same numbers with what
can be had from PyTorch by hand.
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
    """[batch]...[y][x] complex -> [batch][2]...[y][x] real; a view when tuned"""
    x = torch.view_as_real(x).movedim(-1, 1)
    return x if tuned else x.contiguous()


def image(x):
    return torch.view_as_complex(x.movedim(1, -1).contiguous())


# channels first and last, by the number of dimensions
LAYOUTS = {2: {"nchw": torch.contiguous_format, "nhwc": torch.channels_last},
           3: {"nchw": torch.contiguous_format, "nhwc": torch.channels_last_3d}}


def inside(p):
    return p[(slice(None), slice(None)) + (p.dim() - 2) * (slice(1, -1),)]


def rims(p):
    """what padding copies: (position beyond the edge, pixel that it copies), of each dimension;
    reflected in 2D, repeated in 3D"""
    n = 2 if p.dim() == 4 else 1
    return [(p.select(d, rim), p.select(d, pixel)) for d in range(2, p.dim()) for rim, pixel in ((0, n), (-1, -1 - n))]


class PadConv(torch.autograd.Function):
    """[ReLU], padding and a convolution with kernels of 3, in one of LAYOUTS. Only
    the padded activation is kept for the backward pass."""

    layout = LAYOUTS[2]["nhwc"]

    @staticmethod
    def forward(ctx, x, weight, relu):
        size = x.shape[:2] + tuple(n + 2 for n in x.shape[2:])
        p = torch.empty(size, dtype=x.dtype, device=x.device, memory_format=PadConv.layout)

        if relu:
            torch.clamp_min(x, 0, out=inside(p))
        else:
            inside(p).copy_(x)

        for rim, pixel in rims(p):
            rim.copy_(pixel)

        ctx.save_for_backward(p, weight)
        ctx.relu = relu
        return (F.conv2d if x.dim() == 4 else F.conv3d)(p, weight)

    @staticmethod
    def backward(ctx, dy):
        p, weight = ctx.saved_tensors
        need = [ctx.needs_input_grad[0], True, False]
        one, none = (dy.dim() - 2) * [1], (dy.dim() - 2) * [0]
        g, dw, _ = torch.ops.aten.convolution_backward(dy, p, weight, None, one, none, one, False, none, 1, need)

        if not need[0]:
            return None, dw, None

        for rim, pixel in reversed(rims(g)):
            pixel.add_(rim)

        g = inside(g)

        if ctx.relu:
            g = torch.ops.aten.threshold_backward(g, inside(p), 0)

        return g.contiguous(memory_format=PadConv.layout), dw, None


class ReluAdd(torch.autograd.Function):
    """ReLU(x) + s, which takes the place of x; a byte per value is kept"""

    @staticmethod
    def forward(ctx, x, s):
        ctx.save_for_backward(x > 0)
        ctx.mark_dirty(x)
        return x.clamp_min_(0).add_(s)

    @staticmethod
    def backward(ctx, dy):
        return dy * ctx.saved_tensors[0], dy


def fastest_layout(features, size=(160, 128)):
    """which of LAYOUTS is faster for a hidden layer, forward and backward: that depends on the processor"""
    seconds = {}

    for name, PadConv.layout in LAYOUTS[len(size)].items():
        x = torch.randn(1, features, *size).to(memory_format=PadConv.layout).requires_grad_()
        w = torch.randn(features, features, *(len(size) * [3])).to(memory_format=PadConv.layout).requires_grad_()
        times = []

        for _ in range(4):
            start = time.perf_counter()
            y = PadConv.apply(x, w, True)
            y.backward(y.detach())
            times.append(time.perf_counter() - start)

        seconds[name] = min(times)

    return min(seconds, key=seconds.get)


class EdgeConv(nn.Module):
    """[ReLU] and a convolution without bias, on reflected (2D) or repeated (3D) edges"""

    operand = None     # dtype that the tuned convolution takes, where it is another

    def __init__(self, cin, cout, relu, tuned, dims=2):
        super().__init__()
        self.relu = nn.ReLU() if relu else nn.Identity()
        self.pad = nn.ReflectionPad2d(1) if dims == 2 else nn.ReplicationPad3d(1)
        self.conv = (nn.Conv2d if dims == 2 else nn.Conv3d)(cin, cout, 3, bias=False)
        self.tuned = tuned

    def forward(self, x):
        if self.tuned:
            w = self.conv.weight

            if self.operand is not None:
                x, w = x.to(self.operand), w.to(self.operand)

            return PadConv.apply(x, w, isinstance(self.relu, nn.ReLU))

        return self.conv(self.pad(self.relu(x)))


class Resnet(nn.Module):
    """blocks of (ReLU, convolution) twice in 2D, of (convolution, ReLU) twice in 3D"""

    def __init__(self, features, tuned=False, blocks=2, io=2, dims=2):
        super().__init__()
        conv = nn.Conv2d if dims == 2 else nn.Conv3d
        self.body = nn.ModuleList()
        self.dims, self.tuned = dims, tuned

        for b in range(blocks):
            cin = features if b else io
            self.body.append(EdgeConv(cin, features, dims == 2, tuned, dims))
            self.body.append(EdgeConv(features, features, True, tuned, dims))

            if cin != features and b == 0:
                self.shortcut = conv(cin, features, 1)

        self.last = conv(features, io, 3, padding=1)

    def add(self, h, s):
        if self.dims == 2:
            return h + s

        return ReluAdd.apply(h, s) if self.tuned else F.relu(h) + s

    def forward(self, x):
        h = x

        for b in range(0, len(self.body), 2):
            s = self.shortcut(h) if b == 0 and hasattr(self, "shortcut") else h
            h = self.add(self.body[b + 1](self.body[b](h)), s)

        return x + self.last(h)

    def packed(self):
        """parameters in the order of a weights file"""
        w = [c.conv.weight for c in self.body]

        if hasattr(self, "shortcut"):
            w[2:2] = [self.shortcut.weight, self.shortcut.bias]

        return w + [self.last.weight, self.last.bias]


class Revnet(nn.Module):
    def __init__(self, features, tuned=False, layers=5, io=2, dims=2):
        super().__init__()
        width = [io] + (layers - 1) * [features] + [io]
        self.body = nn.ModuleList(EdgeConv(width[i], width[i + 1], 0 < i, tuned, dims) for i in range(layers))

    def forward(self, x):
        h = x

        for c in self.body:
            h = c(h)

        return x + h

    def packed(self):
        return [c.conv.weight for c in self.body]


def dot(a, b):
    """real inner product, one per sample"""
    return (a.conj() * b).real.sum(tuple(range(1, a.dim())), keepdim=True)


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


def dims(conf):
    """a series of frames is convolved over time, too"""
    return 2 if conf.frames == 1 else 3


class Iteration(nn.Module):
    """one unrolled iteration"""

    def __init__(self, conf):
        super().__init__()
        self.conf = conf
        make = Resnet if conf.network == "pgd" else Revnet
        self.prox = make(conf.features, conf.tuned, dims=dims(conf))

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
    """smooth random images, coils and a pattern of every fourth sample; for a series all of it but the coils changes with time"""
    gen = torch.Generator().manual_seed(conf.seed)
    X, Y = conf.size
    B, C = conf.batch, conf.coils

    def smooth(*n):
        k = torch.zeros(B, *n, Y, X, dtype=torch.complex128)
        s = (B, *n, 9, 9)
        k[..., Y // 2 - 4:Y // 2 + 5, X // 2 - 4:X // 2 + 5] = torch.complex(
            torch.randn(s, generator=gen, dtype=torch.float64), torch.randn(s, generator=gen, dtype=torch.float64))
        return Sense.ifft(k) * math.sqrt(X * Y)

    frames = () if conf.frames == 1 else (conf.frames,)
    maps = smooth(C, *(1 for _ in frames))
    maps = maps / maps.abs().square().sum(1, keepdim=True).sqrt()
    pattern = (torch.rand((B, 1, *frames, Y, X), generator=gen) < 0.25).double()
    ref = smooth(1, *frames)[:, 0]

    ksp = Sense(maps, pattern).forward(ref)
    cdtype = torch.complex64 if dtype == torch.float32 else torch.complex128
    return ksp.to(cdtype), maps.to(cdtype), pattern.to(dtype), ref.to(cdtype)


def scaling_image(ksp, maps, pattern):
    """what the scaling is taken from: zero-filled; of a series that of k-space averaged over time"""
    if ksp.dim() == 4:
        return Sense(maps, pattern).adjoint(ksp)

    count = pattern.square().sum(2, keepdim=True)
    mean = (pattern * ksp).sum(2, keepdim=True) / count.clamp_min(1)
    return Sense(maps, 1).adjoint(mean)


def scaled(ksp, maps, pattern, ref):
    """zero-filled image and reference, divided by the 95th percentile"""
    x0 = Sense(maps, pattern).adjoint(ksp)
    s = torch.quantile(scaling_image(ksp, maps, pattern).abs().flatten(1), 0.95, dim=1)
    s = s.reshape(-1, *((x0.dim() - 1) * [1]))
    return x0 / s, ref / s
