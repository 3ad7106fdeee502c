"""Elementwise functions beyond the basics."""
import torch
import torch.nn.functional as F

ONE = dict(
    reciprocal=(0.3, 3), rsqrt=(0.3, 3), exp2=(-3, 3), log2=(0.2, 5), log10=(0.2, 5), tan=(-1.3, 1.3),
    asin=(-0.9, 0.9), acos=(-0.9, 0.9), atan=(-4, 4), sinh=(-3, 3), cosh=(-3, 3), asinh=(-3, 3), acosh=(1.2, 4),
    atanh=(-0.9, 0.9), sinc=(0.2, 2.8), erf=(-2.5, 2.5), erfc=(-2.5, 4), erfinv=(-0.95, 0.95), lgamma=(0.3, 6), digamma=(0.3, 6),
    floor=(-3, 3), ceil=(-3, 3), round=(-3, 3), trunc=(-3, 3), deg2rad=(-200, 200), rad2deg=(-4, 4), logit=(0.05, 0.95),
    logsigmoid=(-5, 5), silu=(-5, 5), mish=(-5, 5), elu=(-3, 3), selu=(-3, 3), celu=(-3, 3), leaky_relu=(-3, 3), relu6=(-3, 9),
    hardtanh=(-2, 2), hardsigmoid=(-4, 4), hardswish=(-4, 4), softsign=(-4, 4), gelu=(-4, 4), nan_to_num=(-3, 3),
    i0=(-3, 3), i1=(-3, 3), i0e=(0.2, 4), i1e=(0.2, 4), ndtri=(0.05, 0.95), log_ndtr=(-4, 3), entr=(0.1, 2),
    frac=(-3, 3), hardshrink=(-2, 2), softshrink=(-2, 2), tanhshrink=(-3, 3),
)  # fmt: skip
TWO = dict(
    atan2=((-3, 3), (-2.9, 3.1)), xlogy=((-2, 2), (0.2, 3)), xlog1py=((-2, 2), (-0.7, 3)), hypot=((-2, 2), (-2.1, 1.9)), remainder=((-5, 5), (0.7, 2)),
    logaddexp2=((-3, 3), (-2.9, 3.1)), fmax=((-2, 2), (-1.9, 2.1)), fmin=((-2, 2), (-1.9, 2.1)),
    fmod=((-5, 5), (0.7, 2)), floor_divide=((-5, 5), (0.7, 2)), copysign=((0.3, 2), (-2, 2)),
)  # fmt: skip


def find(name):
    for module in (torch, F, torch.special):
        if hasattr(module, name):
            return getattr(module, name)
    raise AttributeError(name)


NAMES = {name: find(name) for name in [*ONE, *TWO]}
NAMES.update(
    cbrt=lambda x: torch.sign(x) * torch.abs(x) ** (1 / 3), lerp=torch.lerp, isnan=torch.isnan, isinf=torch.isinf,
    isfinite=torch.isfinite, heaviside=torch.heaviside, prelu=lambda x, a: torch.where(x > 0, x, a * x), softplus=F.softplus,
    logsigmoid=F.logsigmoid, glu=lambda x, axis=-1: F.glu(x, axis), threshold=F.threshold, isposinf=torch.isposinf,
    isneginf=torch.isneginf, signbit=torch.signbit, gammainc=lambda a, x: torch.special.gammainc(torch.tensor(a), x),
    gammaincc=lambda a, x: torch.special.gammaincc(torch.tensor(a), x), gcd=lambda a, b: torch.gcd(a.long(), torch.tensor(b)),
    lcm=lambda a, b: torch.lcm(a.long(), torch.tensor(b)), bitwise_and=lambda a, b: torch.bitwise_and(a.long(), b),
    bitwise_or=lambda a, b: torch.bitwise_or(a.long(), b), bitwise_xor=lambda a, b: torch.bitwise_xor(a.long(), b),
    bitwise_not=lambda a: torch.bitwise_not(a.long()), left_shift=lambda a, b: torch.bitwise_left_shift(a.long(), torch.tensor(b)),
    right_shift=lambda a, b: torch.bitwise_right_shift(a.long(), torch.tensor(b)),
)  # fmt: skip


def add(cases):
    # Their second derivatives in PyTorch are wrong, or have lost the digits.
    first_only = ("sinc", "erfc")
    for name, (low, high) in ONE.items():
        for shape in [(), (1,), (5,), (2, 3), (2, 1, 2)]:
            cases.add(f"{name}(x)", x=(low, high, *shape), rtol=1e-9, second=name not in first_only)
        cases.add(f"{name}(x)", dtype="float32", rtol=1e-5, second=False, x=(low, high, 4))
    cases.add("cbrt(x)", x=(0.2, 4, 5))
    cases.add("cbrt(x)", x=(-4, -0.2, 2, 2))
    for name, (first, second) in TWO.items():
        for a, b in [((4,), (4,)), ((2, 3), (3,)), ((2, 1), ()), ((), (3,)), ((2, 1, 2), (3, 1))]:
            cases.add(f"{name}(a, b)", a=(*first, *a), b=(*second, *b), rtol=1e-9, first=name != "floor_divide")
    for a in (0.3, 2.5, 40.0):
        cases.add(f"gammainc({a}, x)", x=(0.2, 50, 6), rtol=1e-9)
        cases.add(f"gammaincc({a}, x)", x=(0.2, 50, 6), rtol=1e-9)
    for name, other in [("bitwise_and", 6), ("bitwise_or", 6), ("bitwise_xor", 6), ("left_shift", 3), ("right_shift", 1), ("gcd", 12), ("lcm", 12)]:
        cases.add(f"{name}(a, {other})", first=False, a=[0.0, 1.0, -1.0, 8.0, -9.0, 42.0, 1024.0])
    cases.add("bitwise_not(a)", first=False, a=[0.0, 1.0, -1.0, 8.0, -9.0])
    cases.add("gelu(x, approximate='tanh')", x=(-4, 4, 2, 4))
    cases.add("elu(x, 0.7)", x=(-3, 3, 6))
    cases.add("celu(x, 0.7)", x=(-3, 3, 6), rtol=1e-8, second=False)  # PyTorch has 1 / 0.7 in float32
    cases.add("leaky_relu(x, 0.2)", x=(-3, 3, 6))
    cases.add("threshold(x, 0.5, 2)", x=(-3, 3, 6))
    cases.add("softshrink(x, 1.5)", x=(-3, 3, 6))
    for axis in ("", ", 0", ", 1"):
        cases.add(f"glu(x{axis})", x=(-3, 3, 2, 4))
    cases.add("softplus(x, 2, 3)", x=(-3, 3, 6))
    cases.add("prelu(x, a)", x=(-3, 3, 2, 3), a=(0.1, 0.3, 3))
    cases.add("lerp(a, b, w)", a=(-2, 2, 2, 3), b=(-2, 2, 2, 3), w=(0, 1, 3))
    cases.add("lerp(a, b, 0.25)", a=(-2, 2, 3), b=(-2, 2, 3))
    cases.add("logit(x)", x=[1e-12, 0.5, 1 - 1e-9], rtol=1e-7, second=False)
    cases.add("silu(x)", x=[-40.0, -700.0, 30.0])
    cases.add("gelu(x)", x=[-9.0, -5.5, 0.0, 8.0], second=False)
    cases.add("logsigmoid(x)", x=[-700.0, 0.0, 40.0])
    cases.add("erf(x)", x=[-6.0, 1e-10, 0.0, 6.0], second=False)
    cases.add("erfc(x)", x=[-6.0, 1e-10, 10.0, 26.0], second=False, rtol=1e-12)
    cases.add("lgamma(x)", x=[1e-3, 1.0, 2.0, 30.5, 1e5], rtol=1e-9)
    cases.add("lgamma(x)", x=[-0.5, -1.7, -2.3], rtol=1e-9, second=False)
    cases.add("digamma(x)", x=[1e-3, 1.0, 30.5, 1e5, -0.5, -1.7], rtol=1e-9)
    cases.add("round(x)", x=[0.5, 1.5, 2.5, -0.5, -1.5])
    cases.add("atan2(a, b)", a=[1.0, -1.0, 1.0], b=[-1.0, -1.0, 1e-3])
    cases.add("hypot(a, b)", a=[3e200, 3e-200], b=[4e200, 4e-200], first=False)
    cases.add("xlog1py(a, b)", a=[0.0, 0.0, 1.0], b=[-1.0, 2.0, 1e-300], first=False)
    cases.add("xlogy(a, b)", a=[0.0, 0.0, 1.0], b=[0.0, 2.0, 2.0], first=False)
    cases.add("relu6(x)", x=[-1.0, 3.0, 7.0])
    cases.add("isnan(x)", first=False, x=[1.0, float("nan"), float("inf")])
    cases.add("isinf(x)", first=False, x=[1.0, float("nan"), float("-inf")])
    cases.add("isfinite(x)", first=False, x=[1.0, float("nan"), float("inf")])
    cases.add("nan_to_num(x, 5, 6, 7)", first=False, x=[1.0, float("nan"), float("inf"), float("-inf")])
    cases.add("heaviside(a, b)", first=False, a=[-1.0, 0.0, 2.0], b=[0.5, 0.5, 0.5])
