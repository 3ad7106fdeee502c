"""Losses and distances."""
import torch
import torch.nn.functional as F


def whole(classes):
    return torch.tensor(classes).long() if isinstance(classes, list) else classes.long()


NAMES = dict(
    sigmoid=torch.sigmoid, softmax=lambda x: torch.softmax(x, -1), log_softmax=lambda x: torch.log_softmax(x, -1), exp=torch.exp, detach=torch.detach,
    nll_loss=lambda x, t, **k: F.nll_loss(x, whole(t), **k), binary_cross_entropy=lambda p, t, weight=None, **k: F.binary_cross_entropy(p, t, weight and torch.tensor(weight), **k),
    binary_cross_entropy_with_logits=lambda x, t, weight=None, **k: F.binary_cross_entropy_with_logits(x, t, weight and torch.tensor(weight), **k), l1_loss=F.l1_loss, mse_loss=F.mse_loss,
    smooth_l1_loss=lambda a, b, beta=1.0, reduction="mean": F.smooth_l1_loss(a, b, beta=beta, reduction=reduction),
    huber_loss=lambda a, b, delta=1.0, reduction="mean": F.huber_loss(a, b, delta=delta, reduction=reduction),
    kl_div=lambda a, b, log_target=False, reduction="mean": F.kl_div(a, b, log_target=log_target, reduction=reduction),
    poisson_nll_loss=F.poisson_nll_loss, gaussian_nll_loss=F.gaussian_nll_loss, triplet_margin_loss=F.triplet_margin_loss,
    cosine_embedding_loss=lambda a, b, t, margin=0.0: F.cosine_embedding_loss(a, b, torch.tensor(t), margin=margin),
    margin_ranking_loss=lambda a, b, t, margin=0.0: F.margin_ranking_loss(a, b, torch.tensor(t), margin=margin),
    cosine_similarity=lambda a, b, axis=1: F.cosine_similarity(a, b, axis), cdist=torch.cdist, pdist=F.pdist,
    hinge_embedding_loss=lambda x, t, margin=1.0: F.hinge_embedding_loss(x, torch.tensor(t), margin=margin),
    soft_margin_loss=lambda x, t: F.soft_margin_loss(x, torch.tensor(t)),
    multi_margin_loss=lambda x, t, p=1, margin=1.0, weight=None: F.multi_margin_loss(
        x, torch.tensor(t), p=p, margin=margin, weight=None if weight is None else torch.tensor(weight)
    ),
    multilabel_soft_margin_loss=F.multilabel_soft_margin_loss,
    cross_entropy=lambda z, t, **k: F.cross_entropy(z, whole(t), **k),
    ctc_loss=lambda x, t, n, m, **k: F.ctc_loss(x, whole(t), whole(n), whole(m), **k),
)  # fmt: skip


def add(cases):
    pair = dict(a=(-2, 2, 2, 3), b=(-1.9, 2.1, 2, 3))
    for reduction in ("mean", "sum", "none"):
        r = f", reduction='{reduction}'"
        cases.add(f"l1_loss(a, b{r})", **pair)
        for width in (0.5, 1.0, 2.0):
            cases.add(f"smooth_l1_loss(a, b, beta={width}{r})", **pair)
            cases.add(f"huber_loss(a, b, delta={width}{r})", **pair)
        cases.add(f"binary_cross_entropy(sigmoid(a), sigmoid(b){r})", **pair, rtol=1e-9)
        cases.add(f"binary_cross_entropy_with_logits(a, sigmoid(b){r})", **pair)
        cases.add(f"nll_loss(log_softmax(a), [2, 0]{r})", a=(-2, 2, 2, 3))
        cases.add(f"binary_cross_entropy(sigmoid(a), sigmoid(b), weight=[0.5, 0.0, 2.0]{r})", **pair, rtol=1e-9)
        cases.add(f"binary_cross_entropy_with_logits(a, sigmoid(b), weight=[[0.5], [3.0]]{r})", **pair)
        cases.add(f"kl_div(log_softmax(a), softmax(b){r})", **pair)
        cases.add(f"kl_div(log_softmax(a), log_softmax(b), log_target=True{r})", **pair)
        cases.add(f"poisson_nll_loss(a, exp(b){r})", **pair)
        cases.add(f"gaussian_nll_loss(a, b, exp(a){r})", **pair)
        cases.add(f"triplet_margin_loss(a, b, a * b{r})", **pair, rtol=1e-8, second=False)
    for shape in [(4,), (2, 1, 2)]:
        for name in ("l1_loss(a, b)", "smooth_l1_loss(a, b)", "huber_loss(a, b)", "mse_loss(a, b)", "binary_cross_entropy_with_logits(a, sigmoid(b))"):
            cases.add(name, a=(-2, 2, *shape), b=(-1.9, 2.1, *shape))
    cases.add("binary_cross_entropy_with_logits(a, b)", a=[-800.0, 800.0, 0.0], b=[0.0, 1.0, 0.5], second=False)
    cases.add("nll_loss(a, [[0, 1, 1], [1, 0, 0]])", a=(-2, -0.1, 2, 2, 3))
    cases.add("cosine_embedding_loss(a, b, [1, -1])", **pair, rtol=1e-9)
    cases.add("cosine_embedding_loss(a, b, [1, -1], margin=0.2)", **pair, rtol=1e-9)
    cases.add("hinge_embedding_loss(x, [1, -1, -1])", x=(-2, 2, 3))
    cases.add("hinge_embedding_loss(x, [1, -1, -1], margin=0.5)", x=(-2, 2, 3))
    cases.add("soft_margin_loss(x, [1, -1, -1])", x=(-3, 3, 3))
    cases.add("multi_margin_loss(x, [2, 0])", x=(-2, 2, 2, 3), second=False)
    cases.add("multi_margin_loss(x, [2, 0], weight=[0.5, 1.0, 3.0])", x=(-2, 2, 2, 3), second=False)
    cases.add("multi_margin_loss(x, [2, 0], p=2, margin=0.5)", x=(-2, 2, 2, 3), second=False)
    cases.add("multilabel_soft_margin_loss(x, sigmoid(t))", x=(-3, 3, 2, 3), t=(-2, 2, 2, 3))
    cases.add("margin_ranking_loss(a, b, [1, -1, 1])", a=(-2, 2, 3), b=(-2, 2, 3))
    cases.add("margin_ranking_loss(a, b, [1, -1, 1], margin=0.5)", a=(-2, 2, 3), b=(-2, 2, 3))
    cases.add("cosine_similarity(a, b)", **pair, rtol=1e-9)
    cases.add("cosine_similarity(a, b, 0)", **pair, rtol=1e-9)
    for p in ("1.0", "2.0", "inf"):
        cases.add(f"cdist(a, b, {p})", a=(-2, 2, 3, 2), b=(-1.9, 2.1, 2, 2), rtol=1e-8, second=False)
        cases.add(f"cdist(a, b, {p})", a=(-2, 2, 2, 3, 2), b=(-1.9, 2.1, 2, 2, 2), rtol=1e-8, second=False)
    cases.add("pdist(a)", a=(-2, 2, 4, 2), rtol=1e-8, second=False)
    cases.add("cross_entropy(z, [2, 0], label_smoothing=0.1)", z=(-2, 2, 2, 3))
    cases.add("cross_entropy(z, [2, -100], ignore_index=-100)", z=(-2, 2, 2, 3))
    for reduction in ("mean", "sum", "none"):
        cases.add(f"cross_entropy(z, [2, 0], weight=w, reduction='{reduction}')".replace("weight=w", "weight=exp(detach(z[0]))"), z=(-2, 2, 2, 3))
        cases.add(f"ctc_loss(log_softmax(x), [[1, 2], [2, 2]], [4, 4], [2, 2], reduction='{reduction}')", x=(-2, 2, 4, 2, 3), second=False, rtol=1e-9)
    cases.add("ctc_loss(log_softmax(x), [[1, 2], [2, 1]], [4, 3], [2, 1], blank=0)", x=(-2, 2, 4, 2, 3), second=False, rtol=1e-9)
