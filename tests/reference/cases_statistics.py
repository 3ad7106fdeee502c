"""Statistics, running sums, and what compares."""
import torch


def correlated(a, v, mode, turned):
    """As NumPy has it: by the sums at all shifts, of which some are kept."""
    n, m = len(a), len(v)
    full = [sum(a[j + k] * v[j] for j in range(max(0, -k), min(m, n - k))) for k in range(1 - m, n)]
    short, long = min(n, m), max(n, m)
    # NumPy keeps the middle of what the shorter one gives that goes over the longer one.
    first = {"full": 0, "same": (short - 1) // 2, "valid": short - 1}[mode]
    count = {"full": n + m - 1, "same": long, "valid": long - short + 1}[mode]
    if n < m and not turned:
        first = len(full) - first - count
    return torch.stack(full[first : first + count])


def gradients(y, spacing, axis, edge_order):
    """PyTorch takes a step for each axis, or places for each, and gives a list."""
    how = dict(edge_order=edge_order, **({} if axis is None else dict(dim=axis)))
    steps = [s if isinstance(s, (int, float)) else torch.as_tensor(s) for s in spacing]
    found = torch.gradient(y, spacing=steps if len(steps) > 1 or steps and torch.is_tensor(steps[0]) else (steps or [1])[0], **how)
    return found[0] if len(found) == 1 else found


def covariance(x, correction=1, fweights=None, aweights=None):
    whole = None if fweights is None else torch.tensor(fweights)
    return torch.cov(x, correction=correction, fweights=whole, aweights=None if aweights is None else torch.as_tensor(aweights))


def axes(x, axis):
    return tuple(range(x.dim())) if axis is None else axis


NAMES = dict(
    var=lambda x, axis=None, keepdims=False, correction=1: torch.var(x, axes(x, axis), correction=correction, keepdim=keepdims),
    std=lambda x, axis=None, keepdims=False, correction=1: torch.std(x, axes(x, axis), correction=correction, keepdim=keepdims),
    var_mean=lambda x, axis=None: torch.var_mean(x, axes(x, axis), correction=1),
    nansum=lambda x, axis=None: torch.nansum(x, axes(x, axis)), nanmean=lambda x, axis=None: torch.nanmean(x, axes(x, axis)),
    count_nonzero=lambda x, axis=None: torch.count_nonzero(x) if axis is None else torch.count_nonzero(x, axis),
    cumsum=torch.cumsum, cumprod=torch.cumprod, logcumsumexp=torch.logcumsumexp, cummax=torch.cummax, cummin=torch.cummin,
    quantile=lambda x, q, axis=None, interpolation="linear": torch.quantile(x, torch.tensor(q) if isinstance(q, list) else q, axis, interpolation=interpolation),
    vector_norm=lambda x, order=2, axis=None, keepdims=False: torch.linalg.vector_norm(x, order, axes(x, axis), keepdim=keepdims),
    diff=lambda x, n=1, axis=-1, **ends: torch.diff(x, n, axis, **ends), trapezoid=lambda y, x=None, dx=1.0, axis=-1: torch.trapezoid(y, dx=dx, dim=axis) if x is None else torch.trapezoid(y, x, dim=axis), cov=covariance, corrcoef=torch.corrcoef, sin=torch.sin,
    amax=lambda x, axis=None: torch.amax(x, axes(x, axis)), amin=lambda x, axis=None: torch.amin(x, axes(x, axis)),
    nanmedian=lambda x, axis=None: torch.nanmedian(x) if axis is None else torch.nanmedian(x, axis),
    nanquantile=lambda x, q, axis=None: torch.nanquantile(x, torch.tensor(q) if isinstance(q, list) else q, axis),
    cumulative_trapezoid=lambda y, x=None, dx=1.0, axis=-1: torch.cumulative_trapezoid(y, dx=dx, dim=axis) if x is None else torch.cumulative_trapezoid(y, x, dim=axis),
    isin=lambda x, y: torch.isin(x, torch.tensor(y)), unique_consecutive=lambda x, **what: torch.unique_consecutive(x, **(what or dict(return_inverse=True, return_counts=True))), unique=torch.unique,
    convolve=lambda a, v, mode="full": correlated(a, torch.flip(v, [0]), mode, True), correlate=lambda a, v, mode="valid": correlated(a, v, mode, False),
    polyval=lambda p, x: sum(c * x ** (len(p) - 1 - i) for i, c in enumerate(p)),
    gradient=lambda y, *spacing, axis=None, edge_order=1: gradients(y, spacing, axis, edge_order), renorm=torch.renorm,
    histogram=lambda x, bins=10, range=None, weights=None, density=False: torch.histogram(x.detach(), bins, range=range, weight=weights, density=density) if isinstance(bins, int) else torch.histogram(x.detach(), torch.tensor(bins), weight=weights, density=density),
    isclose=torch.isclose, bincount=lambda x, minlength=0: torch.bincount(x.long(), minlength=minlength),
)  # fmt: skip


def add(cases):
    for name in ("nanmedian(x)", "nanmedian(x, axis=0)[0]", "nanquantile(x, 0.3)", "nanquantile(x, [0.25, 0.9], axis=1)", "nanquantile(x, 0.5, axis=0)"):
        cases.add(name, x=(-2, 2, 3, 5))
    cases.add("cumulative_trapezoid(y, dx=0.5)", y=(-2, 2, 2, 4))
    cases.add("cumulative_trapezoid(y, x, axis=0)", y=(-2, 2, 3, 2), x=(-2, 2, 3, 2))
    cases.add("isin(x, [1.0, 3.0, 7.0])", first=False, x=[1.0, 2.0, 3.0, -3.0])
    for part in range(3):
        cases.add(f"unique_consecutive(x)[{part}]", first=False, x=[1.0, 1.0, 3.0, 1.0, 1.0, 1.0])
    rows = [[2.0, 1.0], [0.0, 3.0], [2.0, 1.0], [2.0, 0.0], [0.0, 3.0]]
    for axis in (0, 1):
        for part in range(3):
            for name in ("unique", "unique_consecutive"):
                cases.add(f"{name}(x, return_inverse=True, return_counts=True, dim={axis})[{part}]", first=False, x=rows)
    cases.add("unique(x, return_counts=True)[1]", first=False, x=[2.0, 1.0, 2.0, 5.0])
    cases.add("unique_consecutive(x, return_inverse=False)", first=False, x=[2.0, 2.0, 1.0, 2.0])
    for name in ("quantile(x, q)", "quantile(x, q, 0)", "nanquantile(x, q, 1)"):
        cases.add(name, x=(-2, 2, 3, 4), q=[0.21, 0.5, 0.97])
    cases.add("diff(x, n=2, axis=0, prepend=a, append=b)", x=(-2, 2, 3, 2), a=(-2, 2, 1, 2), b=(-2, 2, 2, 2))
    cases.add("trapezoid(y, x)", y=(-2, 2, 2, 3), x=(-2, 2, 1, 3))
    cases.add("cumulative_trapezoid(y, x, axis=0)", y=(-2, 2, 3, 2), x=(-2, 2, 3, 1))
    for mode in ("full", "same", "valid"):
        for n, m in ((5, 3), (5, 2), (2, 5), (3, 4), (1, 1), (4, 4)):
            cases.add(f"convolve(a, v, '{mode}')", a=(-2, 2, n), v=(-2, 2, m))
            cases.add(f"correlate(a, v, '{mode}')", a=(-2, 2, n), v=(-2, 2, m))
    cases.add("polyval(p, x)", p=(-2, 2, 4), x=(-2, 2, 2, 3), second=False)
    cases.add("trapezoid(y, dx=0.5)", y=(-2, 2, 2, 4))
    cases.add("trapezoid(y, axis=0)", y=(-2, 2, 3, 2))
    cases.add("trapezoid(y, x)", y=(-2, 2, 2, 4), x=(-2, 2, 4))
    cases.add("trapezoid(y, x, axis=0)", y=(-2, 2, 3, 2), x=(-2, 2, 3, 2))
    for axis in ("", ", axis=0", ", axis=-1", ", axis=(0, 2)", ", axis=1, keepdims=True", ", axis=1, correction=0"):
        cases.add(f"var(x{axis})", x=(-2, 2, 2, 3, 2))
        cases.add(f"std(x{axis})", x=(-2, 2, 2, 3, 2))
    cases.add("var(x)", dtype="float32", rtol=1e-5, second=False, x=(-2, 2, 5))
    cases.add("var(x)", x=[1e8, 1e8 + 1, 1e8 + 2], rtol=1e-8)
    for i in (0, 1):
        cases.add(f"var_mean(x, axis=1)[{i}]", x=(-2, 2, 2, 3))
    for name in ("nansum", "nanmean"):
        for axis in ("", ", axis=0", ", axis=-1"):
            cases.add(f"{name}(x{axis})", x=(-2, 2, 2, 3))
            cases.add(f"{name}(x{axis})", x=[[1.0, float("nan"), 2.0], [3.0, 4.0, 5.0]])
    for axis in ("", ", axis=0", ", axis=1"):
        cases.add(f"count_nonzero(x{axis})", first=False, x=[[1.0, 0.0, 2.0], [0.0, 0.0, 5.0]])
    for axis in (0, 1, -1):
        for name in ("cumsum", "cumprod", "logcumsumexp"):
            cases.add(f"{name}(x, {axis})", x=(-2, 2, 2, 3, 2), second=name != "logcumsumexp", rtol=1e-9)
        for name in ("cummax", "cummin"):
            cases.add(f"{name}(x, {axis})[0]", x=(-2, 2, 2, 3, 2))
            cases.add(f"{name}(x, {axis})[1]", first=False, x=(-2, 2, 2, 3, 2))
    cases.add("cumprod(x, 0)", x=[2.0, 0.0, 3.0, 0.0, 4.0], second=False)
    cases.add("cumprod(x, 0)", x=[2.0, 0.0, 3.0], second=False)
    cases.add("cummax(x, 0)[0]", x=[1.0, 3.0, 3.0, 2.0])
    cases.add("cummax(x, 0)[1]", first=False, x=[1.0, 3.0, 3.0, 2.0])
    cases.add("logcumsumexp(x, 0)", x=[1000.0, 1001.0, -1000.0], second=False)
    for q in (0.0, 0.25, 0.5, 0.9, 1.0):
        cases.add(f"quantile(x, {q})", x=(-2, 2, 7))
        cases.add(f"quantile(x, {q}, axis=1)", x=(-2, 2, 2, 4))
    for how in ("lower", "higher", "midpoint", "nearest"):
        cases.add(f"quantile(x, 0.4, interpolation='{how}')", x=(-2, 2, 7))
    for order in (1, 2, 3, 0.5, 1.5, "inf", "-inf"):
        for axis in ("", ", axis=0", ", axis=-1, keepdims=True"):
            cases.add(f"vector_norm(x, {order}{axis})", x=(0.3, 2, 2, 3), rtol=1e-9)
        cases.add(f"vector_norm(x, {order})", x=(-2, -0.2, 4), rtol=1e-9)
    cases.add("vector_norm(x, 0)", first=False, x=[0.0, 2.0, -3.0])
    for n in (1, 2):
        for axis in (0, -1):
            cases.add(f"sin(diff(x, {n}, {axis}))", x=(-2, 2, 3, 4))
    cases.add("cov(x)", x=(-2, 2, 3, 4))
    cases.add("corrcoef(x)", x=(-2, 2, 3, 4), rtol=1e-9)
    cases.add("cov(x, correction=0, fweights=[2, 1, 0, 3])", x=(-2, 2, 3, 4))
    cases.add("cov(x, aweights=[0.5, 1.0, 2.0, 0.25])", x=(-2, 2, 3, 4))
    cases.add("cov(x, correction=2, fweights=[2, 1, 0, 3], aweights=[0.5, 1.0, 2.0, 0.25])", x=(-2, 2, 2, 4))
    for order in (1, 2):
        cases.add(f"gradient(y, edge_order={order})", y=(-2, 2, 5))
        cases.add(f"gradient(y, 0.5, axis=0, edge_order={order})", y=(-2, 2, 4, 3))
        cases.add(f"gradient(y, [0.0, 0.5, 2.0, 2.5], edge_order={order})", y=(-2, 2, 4))
        for part in (0, 1):
            cases.add(f"gradient(y, 0.5, 2.0, edge_order={order})[{part}]", y=(-2, 2, 3, 4))
            cases.add(f"gradient(y, [0.0, 1.0, 3.0], [0.0, 0.5, 2.0, 2.5], edge_order={order})[{part}]", y=(-2, 2, 3, 4))
    for order in (1, 2, 3, "inf"):  # PyTorch adds 1e-7 to norms
        cases.add(f"renorm(x, {order}, 1, 1.5)", x=(-2, 2, 3, 4, 2), rtol=1e-6, second=False)
    for part in (0, 1):
        for how in ("", ", density=True", ", weights=[1.0, 0.5, 2.0, 0.25, 3.0]"):
            text = how.replace("[1.0, 0.5, 2.0, 0.25, 3.0]", "w")
            cases.add(f"histogram(x, 4, range=(-1.5, 1.0){text})[{part}]", first=False, x=(-2, 2, 5), w=[1.0, 0.5, 2.0, 0.25, 3.0])
            cases.add(f"histogram(x, [-1.0, 0.0, 0.25, 1.5]{text})[{part}]", first=False, x=(-2, 2, 5), w=[1.0, 0.5, 2.0, 0.25, 3.0])
    for name in ("amax", "amin"):
        cases.add(f"{name}(x, axis=1)", x=[[1.0, 2.0, 2.0], [3.0, 3.0, 3.0]])
    cases.add("isclose(a, b)", first=False, a=[1.0, 1.0, float("inf")], b=[1.0 + 1e-6, 1.1, float("inf")])
    cases.add("bincount(x)", first=False, x=[0.0, 3.0, 1.0, 3.0])
