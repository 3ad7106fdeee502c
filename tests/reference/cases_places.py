"""Places, order and shapes."""
import torch
import torch.nn.functional as F


def whole(positions):
    return torch.tensor(positions) if isinstance(positions, (list, tuple)) else positions


def repeat(x, *counts):
    return x.repeat(*counts)


NAMES = dict(
    gather=lambda x, axis, index: torch.gather(x, axis, whole(index)), sin=torch.sin, sum=torch.sum,
    take_along_axis=lambda x, index, axis: torch.take_along_dim(x, whole(index), axis),
    index_select=lambda x, axis, index: torch.index_select(x, axis, whole(index)), take=lambda x, index: torch.take(x, whole(index)),
    scatter=lambda x, axis, index, values, **k: torch.scatter(x, axis, whole(index), values, **k),
    scatter_add=lambda x, axis, index, values: torch.scatter_add(x, axis, whole(index), values),
    index_add=lambda x, axis, index, values: torch.index_add(x, axis, whole(index), values),
    index_copy=lambda x, axis, index, values: torch.index_copy(x, axis, whole(index), values),
    masked_fill=lambda x, mask, value: torch.masked_fill(x, mask, value), masked_select=torch.masked_select,
    scatter_reduce=lambda x, axis, index, values, reduce: torch.scatter_reduce(x, axis, whole(index), values, reduce),
    one_hot=lambda x, n=-1: F.one_hot(whole(x), n), embedding=lambda w, x: F.embedding(whole(x), w),
    embedding_bag=lambda w, x, offsets=None, mode="mean", weights=None, padding=None, **k: F.embedding_bag(
        whole(x), w, None if offsets is None else whole(offsets), mode=mode, per_sample_weights=weights, padding_idx=padding, **k),
    sort=lambda x, axis=-1, descending=False: torch.sort(x, dim=axis, descending=descending, stable=True),
    argsort=lambda x, axis=-1, descending=False: torch.argsort(x, axis, descending=descending),
    topk=lambda x, k, axis=-1, largest=True: torch.topk(x, k, axis, largest), kthvalue=torch.kthvalue, mode=torch.mode, combinations=torch.combinations,
    index_fill=lambda x, axis, index, value: torch.index_fill(x, axis, whole(index), value), median=torch.median,
    argmax=torch.argmax, argmin=torch.argmin, searchsorted=lambda a, b, sorter=None, **k: torch.searchsorted(a, b, sorter=None if sorter is None else whole(sorter), **k), nonzero=torch.nonzero,
    squeeze=torch.squeeze, unsqueeze=torch.unsqueeze, flatten=torch.flatten, ravel=torch.ravel, flip=lambda x, axis: torch.flip(x, (axis,) if isinstance(axis, int) else axis), roll=torch.roll,
    rot90=lambda x, k=1: torch.rot90(x, k), repeat=repeat, tile=lambda x, *n: torch.tile(x, n), repeat_interleave=torch.repeat_interleave,
    tril=torch.tril, triu=torch.triu, diagonal=torch.diagonal, diag=torch.diag, diag_embed=torch.diag_embed, trace=torch.trace,
    movedim=torch.movedim, unfold=lambda x, axis, size, step: x.unfold(axis, size, step), narrow=torch.narrow, select=torch.select,
    hstack=torch.hstack, vstack=torch.vstack, dstack=torch.dstack, column_stack=torch.column_stack, split=torch.split, chunk=torch.chunk,
    unbind=torch.unbind, pad=lambda x, sizes, mode="constant", value=0: F.pad(x, sizes, mode=mode, **({"value": value} if mode == "constant" else {})),
    meshgrid=lambda a, b, indexing="ij": torch.meshgrid(a, b, indexing=indexing),
)  # fmt: skip


def add(cases):
    # PyTorch differentiates bags once.
    for mode in ("sum", "mean", "max"):
        cases.add(f"embedding_bag(w, [[0, 2, 1], [2, 0, 2]], mode='{mode}')", w=(-2, 2, 3, 2), second=False)
        cases.add(f"embedding_bag(w, [0, 2, 1, 2, 2], [0, 0, 3], '{mode}')", w=(-2, 2, 3, 2), second=False)
        cases.add(f"embedding_bag(w, [[0, 2, 1], [2, 2, 2]], mode='{mode}', padding=2)", w=(-2, 2, 3, 2), second=False)
    cases.add("embedding_bag(w, [[0, 2, 1], [2, 0, 2]], None, 'sum', v)", w=(-2, 2, 3, 2), v=(-1, 1, 2, 3), second=False)
    cases.add("embedding_bag(w, [0, 2, 1, 2], [0, 1], 'sum', v)", w=(-2, 2, 3, 2), v=(-1, 1, 4), second=False)
    x = (-2, 2, 2, 3)
    for axis, index in [(0, "[[0, 1, 1]]"), (1, "[[0, 2], [1, 1]]"), (-1, "[[2], [0]]")]:
        cases.add(f"sin(gather(x, {axis}, {index}))", x=x)
        cases.add(f"sin(take_along_axis(x, {index}, {axis}))", x=x)
    cases.add("sin(index_select(x, 1, [2, 0, 2]))", x=x)
    cases.add("sin(index_select(x, 0, [1]))", x=x)
    cases.add("sin(take(x, [[0, 5], [3, 3]]))", x=x)
    for axis, index, values in [(0, "[[0, 1, 0]]", (1, 3)), (1, "[[0, 2], [1, 0]]", (2, 2))]:
        cases.add(f"sin(scatter(x, {axis}, {index}, v))", x=x, v=(-1, 1, *values))
        cases.add(f"sin(scatter_add(x, {axis}, {index}, v))", x=x, v=(-1, 1, *values))
    cases.add("sin(scatter_add(x, 1, [[0, 0, 1], [2, 2, 2]], v))", x=x, v=(-1, 1, 2, 3))
    for how in ("sum", "prod", "mean", "amax", "amin"):
        cases.add(f"scatter_reduce(x, 1, [[0, 0, 1], [2, 2, 2]], v, '{how}')", x=(0.5, 2, 2, 3), v=(0.4, 1.9, 2, 3), second=how not in ("prod",))
    cases.add("sin(index_add(x, 1, [2, 0], v))", x=x, v=(-1, 1, 2, 2))
    cases.add("sin(index_copy(x, 1, [2, 0], v))", x=x, v=(-1, 1, 2, 2))
    cases.add("sin(masked_fill(x, x > 0.3, 0.5))", x=x)
    cases.add("masked_select(x, x > 0)", x=x)
    cases.add("one_hot([0, 2, 1], 4)", first=False)
    cases.add("sin(embedding(w, [[0, 2], [2, 1]]))", w=(-1, 1, 3, 2))
    for places in ("x[x > 0]", "x[[0, 1, 1]]" , "x[:, [2, 0]]", "x[None]", "x[:, None, 1:]", "x[[0, 1], [2, 0]]", "x[..., None]"):
        cases.add(f"sin({places})", x=x)
    for axis in (0, 1, -1):
        for down in (False, True):
            cases.add(f"sort(x, {axis}, descending={down})[0]", x=(-2, 2, 3, 4))
            cases.add(f"sort(x, {axis}, descending={down})[1]", first=False, x=(-2, 2, 3, 4))
            cases.add(f"argsort(x, {axis}, descending={down})", first=False, x=(-2, 2, 3, 4))
            cases.add(f"topk(x, 2, {axis}, largest={down})[0]", x=(-2, 2, 3, 4))
            cases.add(f"topk(x, 2, {axis}, largest={down})[1]", first=False, x=(-2, 2, 3, 4))
        cases.add(f"kthvalue(x, 2, {axis})[0]", x=(-2, 2, 3, 4))
        cases.add(f"median(x, {axis})[0]", x=(-2, 2, 3, 4))
        cases.add(f"argmax(x, {axis})", first=False, x=(-2, 2, 3, 4))
        cases.add(f"argmin(x, {axis})", first=False, x=(-2, 2, 3, 4))
    cases.add("median(x)", x=(-2, 2, 6))
    cases.add("argmax(x)", first=False, x=(-2, 2, 2, 3))
    cases.add("sort(x)[0]", x=[1.0, float("nan"), -1.0, float("inf")], second=False)
    cases.add("searchsorted(a, b)", first=False, a=[1.0, 2.0, 2.0, 5.0], b=[0.0, 2.0, 3.0, 9.0])
    for side in ("left", "right"):
        cases.add(f"searchsorted(a, b, side='{side}')", first=False, a=[[1.0, 2.0, 5.0], [-1.0, 0.0, 2.0]], b=[[0.0, 2.0], [2.0, -1.0]])
    cases.add("searchsorted(a, b, sorter=[1, 2, 0])", first=False, a=[5.0, 1.0, 2.0], b=[0.0, 2.0, 9.0])
    cases.add("nonzero(a, as_tuple=True)[1]", first=False, a=[[1.0, 0.0], [0.0, 3.0], [2.0, 2.0]])
    for n in ("", ", -1"):
        cases.add(f"one_hot([2, 0, 1]{n}) * a", a=(-2, 2, 3))
    for axis in (0, 1):
        for part in (0, 1):
            cases.add(f"mode(a, {axis})[{part}]", first=part == 0, a=[[2.0, 1.0, 1.0, 2.0], [3.0, 1.0, 1.0, 3.0], [2.0, 0.0, 1.0, 3.0]])
    for r in ("", ", 1", ", 3", ", 2, True", ", 3, True"):
        cases.add(f"combinations(a{r})", a=(-2, 2, 4))
    cases.add("index_fill(a, 1, [2, 0], 1.5)", a=(-2, 2, 2, 3))
    for way in ("add", "multiply"):
        cases.add(f"scatter(a, 1, [[0, 0], [2, 1]], b, reduce='{way}')", first=False, a=(-2, 2, 2, 3), b=(-2, 2, 2, 2))
    for mode in ("reflect", "replicate", "circular"):
        cases.add(f"pad(a, [-1, 1, 2, -2], '{mode}')", a=(-2, 2, 1, 2, 5, 4))
    cases.add("embedding_bag(w, [0, 2, 1, 2, 2], [0, 0, 3, 5], 'sum', include_last_offset=True)", w=(-2, 2, 3, 2), second=False)
    y = (-2, 2, 2, 1, 3)
    for expression in ("squeeze(x)", "squeeze(x, 1)", "unsqueeze(x, 0)", "unsqueeze(x, -1)", "flatten(x)", "flatten(x, 1)", "flatten(x, 0, 1)",
                       "ravel(x)", "flip(x, 0)", "flip(x, (0, 2))", "roll(x, 1)", "roll(x, 2, 2)", "roll(x, (1, -1), (0, 2))",
                       "repeat(x, 2, 1, 2)", "repeat(x, 2, 1, 1, 2)", "tile(x, 2)", "tile(x, 2, 2)", "repeat_interleave(x, 2, 2)",
                       "movedim(x, 0, 2)", "unfold(x, 2, 2, 1)", "narrow(x, 2, 1, 2)", "select(x, 2, 1)", "pad(x, (1, 2))", "pad(x, (1, 0, 0, 2), 'constant', 3)",
                       "pad(x, (1, 2), 'reflect')", "pad(x, (1, 2), 'replicate')", "pad(x, (2, 1), 'circular')", "split(x, 2, 2)[0]", "split(x, 2, 2)[1]",
                       "chunk(x, 2, 2)[1]", "unbind(x, 2)[1]", "diagonal(x, 0, 0, 2)"):  # fmt: skip
        cases.add(f"sin({expression})", x=y)
    for expression in ("tril(x)", "triu(x)", "tril(x, -1)", "triu(x, 1)", "diagonal(x)", "diagonal(x, 1)", "diag(x)", "diag(x, -1)", "rot90(x)",
                       "rot90(x, 2)", "rot90(x, -1)", "hstack([x, x * 2])", "vstack([x, x * 2])", "dstack([x, x * 2])", "column_stack([x, x * 2])"):
        cases.add(f"sin({expression})", x=(-2, 2, 3, 4))
        cases.add(f"sin({expression})", x=(-2, 2, 4, 2))
    for expression in ("diag(x)", "diag(x, 1)", "diag_embed(x)", "hstack([x, x])", "vstack([x, x])", "column_stack([x, x])", "repeat_interleave(x, 3)"):
        cases.add(f"sin({expression})", x=(-2, 2, 3))
    cases.add("sin(trace(x))", x=(-2, 2, 3, 3))
    for i in (0, 1):
        cases.add(f"sin(meshgrid(a, b)[{i}])", a=(-2, 2, 3), b=(-2, 2, 2))
        cases.add(f"sin(meshgrid(a, b, indexing='xy')[{i}])", a=(-2, 2, 3), b=(-2, 2, 2))
