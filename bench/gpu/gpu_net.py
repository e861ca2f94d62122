"""The PyTorch peer as it is written for a GPU: what torch_net.py defines, with
data consistency in few passes over memory and the network in mixed precision.

Every function here computes on the device that its input lies on, the CPU too.
"""
import torch

from torch_net import LAYOUTS, EdgeConv, Iteration, dims


def expand(maps, x):
    """coil images maps x; [batch][coil]...[y][x][2] and [batch]...[y][x][2]"""
    m, n = maps.unbind(-1)
    a, b = x[:, None].unbind(-1)
    return torch.stack((m * a - n * b, m * b + n * a), -1)


def combine(maps, y):
    """sum of conj(maps) y over the coils"""
    m, n = maps.unbind(-1)
    a, b = y.unbind(-1)
    return torch.stack(((m * a + n * b).sum(1), (m * b - n * a).sum(1)), -1)


def cg_step(x, r, p, q, rs, mu):
    """what a CG iteration does besides A^H A, q = A^H A p; no scalar leaves the device"""
    q = torch.add(q, p, alpha=mu)
    each = tuple(range(1, p.dim()))
    alpha = rs / (p * q).sum(each, keepdim=True)
    x = torch.addcmul(x, alpha, p)
    r = torch.addcmul(r, alpha, q, value=-1)
    new = (r * r).sum(each, keepdim=True)
    return x, r, torch.addcmul(r, new / rs, p), new


def cg_start(rhs, x, q, mu):
    r = rhs - torch.add(q, x, alpha=mu)
    return r, (r * r).sum(tuple(range(1, r.dim())), keepdim=True)


class Normal(torch.autograd.Function):
    """A^H A is its own adjoint: nothing is kept for the backward pass"""

    @staticmethod
    def forward(ctx, x, A):
        ctx.A = A
        return A.apply_normal(x)

    @staticmethod
    def backward(ctx, dy):
        return ctx.A.apply_normal(dy), None


class SenseGpu:
    """A^H A without shifts (their phase cancels) and without the passes that
    scale after an FFT: the pattern holds the factor. With fused = True the
    pointwise parts are real-valued functions that torch.compile fuses."""

    def __init__(self, maps, pattern, fused=False):
        pixels = maps.shape[-1] * maps.shape[-2]
        self.maps = maps.contiguous()
        self.conj = self.maps.conj().resolve_conj()
        self.shifted = torch.fft.ifftshift(pattern * pattern, dim=(-2, -1)) / pixels
        self.fused = fused
        self.expand, self.combine, self.start, self.step = (
            torch.compile(f) if fused else f for f in (expand, combine, cg_start, cg_step))

        if fused:
            self.conj = None

    def coils(self, x):
        if self.fused:
            return torch.view_as_complex(self.expand(torch.view_as_real(self.maps), torch.view_as_real(x)))

        return self.maps * x[:, None]

    def apply_normal(self, x):
        y = torch.fft.fft2(self.coils(x), norm="backward")
        y = torch.fft.ifft2(y.mul_(self.shifted), norm="forward")

        if self.fused:
            return torch.view_as_complex(self.combine(torch.view_as_real(self.maps), torch.view_as_real(y)))

        return y.mul_(self.conj).sum(1)

    def normal(self, x):
        return Normal.apply(x, self)

    def solve(self, mu, rhs, x, iterations):
        """CG as torch_net.conjgrad, on real views; only under AdjointSolve, which differentiates"""
        real, cplx = torch.view_as_real, torch.view_as_complex
        x = real(x.contiguous())
        r, rs = self.start(real(rhs.contiguous()), x, real(self.apply_normal(cplx(x))), mu)
        p = r

        for _ in range(iterations):
            q = real(self.apply_normal(cplx(p)))
            x, r, p, rs = self.step(x, r, p, q, rs, mu)

        return cplx(x)


class GpuIteration(Iteration):
    """one unrolled iteration; conf.layout, conf.precision, conf.compile (None or a mode of torch.compile)"""

    def __init__(self, conf):
        super().__init__(conf)
        self.prox = self.prox.to(memory_format=LAYOUTS[dims(conf)][conf.layout])

        for m in self.prox.modules():
            if isinstance(m, EdgeConv) and conf.precision == "bf16":
                m.operand = torch.bfloat16

        if conf.compile is not None:
            self.prox.compile(mode=conf.compile)

    def denoise(self, x):
        c = self.conf
        h = torch.view_as_real(x).movedim(-1, 1)

        if c.layout == "nchw":
            h = h.contiguous()

        with torch.autocast(x.device.type, torch.bfloat16, enabled=c.precision == "bf16", cache_enabled=False):
            h = self.prox(h)

        # a graph of its own would write over its output the next time
        h = h.to(x.real.dtype, copy=c.compile == "reduce-overhead").movedim(1, -1)
        return torch.view_as_complex(h.contiguous())
