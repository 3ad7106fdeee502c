"""Arithmetic, functions, reductions, shapes and losses of the first stage."""
import torch
import torch.nn.functional as F

NAMES = dict(
    add=torch.add, sub=torch.sub, mul=torch.mul, div=torch.div, neg=torch.neg, pow=torch.pow, square=torch.square,
    sqrt=torch.sqrt, exp=torch.exp, log=torch.log, expm1=torch.expm1, log1p=torch.log1p, abs=torch.abs, sign=torch.sign,
    sin=torch.sin, cos=torch.cos, tanh=torch.tanh, sigmoid=torch.sigmoid, relu=torch.relu, softplus=lambda x: F.softplus(x, threshold=1e9),
    logaddexp=torch.logaddexp, maximum=torch.maximum, minimum=torch.minimum, where=torch.where,
    clamp=lambda x, low, high: torch.clamp(x, low, high),
    sum=lambda x, axis=None, keepdims=False: torch.sum(x, axes(x, axis), keepdim=keepdims),
    mean=lambda x, axis=None, keepdims=False: torch.mean(x, axes(x, axis), keepdim=keepdims),
    max=lambda x, axis=None, keepdims=False: torch.amax(x, axes(x, axis), keepdim=keepdims),
    min=lambda x, axis=None, keepdims=False: torch.amin(x, axes(x, axis), keepdim=keepdims),
    norm=lambda x, axis=None, keepdims=False: torch.linalg.vector_norm(x, dim=axes(x, axis), keepdim=keepdims),
    logsumexp=lambda x, axis=None, keepdims=False: torch.logsumexp(x, axes(x, axis), keepdim=keepdims),
    prod=lambda x, axis=None, keepdims=False: torch.prod(x) if axis is None else torch.prod(x, axis, keepdim=keepdims),
    matmul=torch.matmul, linear=F.linear, permute=lambda x, *order: x.permute(*order), transpose=lambda x: x.T,
    swapaxes=torch.swapaxes, reshape=lambda x, *shape: x.reshape(shape), broadcast_to=lambda x, *shape: x.broadcast_to(shape),
    concatenate=lambda x, axis=0: torch.cat(x, axis), stack=lambda x, axis=0: torch.stack(x, axis),
    take_rows=lambda x, positions: x[positions], softmax=lambda x, axis=-1: torch.softmax(x, axis),
    log_softmax=lambda x, axis=-1: torch.log_softmax(x, axis),
    cross_entropy=lambda z, t, reduction="mean": F.cross_entropy(z, torch.tensor(t) if isinstance(t, list) else t, reduction=reduction),
    mse_loss=lambda a, b, reduction="mean": F.mse_loss(a, b, reduction=reduction),
)  # fmt: skip


def axes(x, axis):
    return tuple(range(x.dim())) if axis is None else axis


def add(cases):
    shapes = [(), (4,), (2, 3), (2, 1, 3)]
    unary = dict(
        neg=(-2, 2), square=(-2, 2), sqrt=(0.1, 4), exp=(-3, 3), log=(0.1, 5), expm1=(-2, 2), log1p=(-0.8, 3), abs=(-2, 2),
        sign=(-2, 2), sin=(-5, 5), cos=(-5, 5), tanh=(-3, 3), sigmoid=(-5, 5), relu=(-2, 2), softplus=(-4, 4),
    )  # fmt: skip
    for name, (low, high) in unary.items():
        for shape in shapes:
            cases.add(f"{name}(x)", x=(low, high, *shape))
        cases.add(f"{name}(x)", dtype="float32", rtol=4e-6, second=False, x=(low, high, 5))
    # Tails and kinks. (PyTorch's own second derivatives lose the tail: only first ones here.)
    cases.add("exp(x)", x=[-700.0, -1.0, 0.0, 700.0])
    cases.add("log(x)", x=[1e-300, 1e-8, 1.0, 1e300])
    cases.add("relu(x)", x=[-1.0, 0.0, 1e-300])
    cases.add("abs(x)", x=[-1.0, 0.0, 2.0])
    cases.add("expm1(x)", x=[-1e-12, 1e-12, 30.0])
    cases.add("log1p(x)", x=[-1e-12, 1e-12, 1e15])
    cases.add("sqrt(x)", x=[1e-300, 1e300], rtol=1e-9)
    pairs = [((), ()), ((3,), (3,)), ((2, 3), (3,)), ((2, 1), (1, 3)), ((2, 3), ()), ((2, 1, 2), (3, 1)), ((), (4,))]
    binary = dict(
        add=((-2, 2), (-2, 2)), sub=((-2, 2), (-2, 2)), mul=((-2, 2), (-2, 2)), div=((-2, 2), (0.5, 3)),
        pow=((0.3, 3), (-2, 3)), maximum=((-2, 2), (-1.97, 2.03)), minimum=((-2, 2), (-1.97, 2.03)), logaddexp=((-3, 3), (-3, 3)),
    )  # fmt: skip
    for name, (first, second) in binary.items():
        for a, b in pairs:
            cases.add(f"{name}(a, b)", a=(*first, *a), b=(*second, *b))
    for rounding in ("floor", "trunc"):
        cases.add(f"div(a, b, rounding_mode='{rounding}')", first=False, a=[7.0, -7.0, 5.5, -0.5], b=[2.0, 2.0, -1.5, 3.0])
    cases.add("maximum(a, b)", a=[1.0, 2.0, 3.0], b=[1.0, 3.0, 2.0])
    cases.add("minimum(a, b)", a=[1.0, 2.0, 3.0], b=[1.0, 3.0, 2.0])
    cases.add("where(x > 0, x * 2, x ** 3)", x=(-2, 2, 2, 3))
    cases.add("clamp(x, -1, 0.5)", x=(-2, 2, 2, 4))
    cases.add("clamp(x, -1, 0.5)", x=[-1.0, 0.5, 0.0])
    for exponent in (2, 3, 0, 1, -1, 0.5, -2.5):
        cases.add(f"x ** {exponent}", x=(0.3, 2, 3))
    for name in ("sum", "mean", "max", "min", "norm", "logsumexp"):
        for axis in ("", ", axis=0", ", axis=-1", ", axis=(0, 2)", ", axis=1, keepdims=True"):
            cases.add(f"{name}(x{axis})", x=(-2, 2, 2, 3, 2))
        for axis in ("", ", axis=0", ", axis=-2, keepdims=True"):
            cases.add(f"{name}(x{axis})", x=(-2, 2, 3, 4))
            cases.add(f"{name}(x{axis})", dtype="float32", rtol=1e-5, second=False, x=(-2, 2, 3, 4))
    for axis in ("", ", axis=0", ", axis=-1", ", axis=1, keepdims=True"):
        cases.add(f"prod(x{axis})", x=(0.5, 2, 2, 3, 2))
    cases.add("prod(x, axis=1)", second=False, x=[[1.0, 0.0, 2.0], [0.0, 0.0, 3.0], [1.0, 2.0, 3.0]])
    cases.add("max(x, axis=1)", x=[[1.0, 2.0, 2.0], [3.0, 3.0, 3.0]])
    cases.add("min(x)", x=[1.0, 1.0, 2.0])
    for a, b in [((2, 3), (3, 2)), ((3,), (3,)), ((2, 3), (3,)), ((3,), (3, 2)), ((2, 2, 3), (3, 2)), ((2, 1, 2, 3), (2, 3, 2))]:
        cases.add("matmul(a, b)", a=(-1, 1, *a), b=(-1, 1, *b))
        cases.add("matmul(a, b)", dtype="float32", rtol=1e-5, second=False, a=(-1, 1, *a), b=(-1, 1, *b))
    cases.add("linear(x, w, b)", x=(-1, 1, 2, 3), w=(-1, 1, 2, 3), b=(-1, 1, 2))
    cases.add("linear(x, w)", x=(-1, 1, 2, 2, 3), w=(-1, 1, 2, 3))
    for expression in ("permute(x, 2, 0, 1)", "transpose(x[0])", "swapaxes(x, 0, -1)", "reshape(x, 3, 4)", "reshape(x, -1)",
                       "x[1]", "x[:, 1:]", "x[..., 0]", "x[0, 1:3, 1]", "stack([x, x * 2], axis=1)",
                       "concatenate([x, x * 2], axis=-1)", "take_rows(x, [1, 0, 1])", "broadcast_to(x, 2, 2, 3, 2)"):  # fmt: skip
        cases.add(f"sin({expression})", x=(-2, 2, 2, 3, 2))
    for axis in (-1, 0, 1):
        cases.add(f"softmax(x, {axis})", x=(-3, 3, 2, 3, 2))
        cases.add(f"log_softmax(x, {axis})", x=(-3, 3, 2, 3, 2))
    for reduction in ("mean", "sum", "none"):
        cases.add(f"cross_entropy(z, [0, 2], reduction='{reduction}')", z=(-3, 3, 2, 3))
        cases.add(f"cross_entropy(z, softmax(t), reduction='{reduction}')", z=(-3, 3, 2, 3), t=(-1, 1, 2, 3))
        cases.add(f"mse_loss(a, b, reduction='{reduction}')", a=(-2, 2, 2, 3), b=(-2, 2, 2, 3))
    # Compositions.
    for expression in ("tanh(x @ w) @ w.T", "sum(exp(-x ** 2))", "log(sum(exp(x), axis=1))", "x / norm(x)",
                       "sigmoid(x) * x", "mean((x @ w - 1) ** 2)", "softmax(x @ w @ w.T)", "sqrt(1 + square(x))"):  # fmt: skip
        cases.add(expression, x=(-1, 1, 2, 3), **({"w": (-1, 1, 3, 3)} if "w" in expression else {}))
