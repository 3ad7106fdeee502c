#!/usr/bin/python3
"""Computes what tests/optim/trajectories_test.cpp compares the optimisers with, and writes it to *.json here.

PyTorch 1.13 (Debian's python3-torch) where it has the optimiser or the schedule; the formulas of the papers in
NumPy for Lion, Levenberg-Marquardt and averages. All in float64. Options have chainrule's names.
"""
import json
import math
import pathlib
import warnings

import numpy as np
import torch

HERE = pathlib.Path(__file__).parent
warnings.simplefilter("ignore")
torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)

# The problem that all first-order optimisers are shown: parameters p (3, 2), q (4,), a scalar s and an empty e.
P = [[0.5, -1.25], [2.0, 0.125], [-0.75, 1.5]]
Q = [1.0, -2.0, 0.5, 3.0]
S = -0.625
A = [[1.0, 2.0], [-1.5, 0.5], [0.25, -1.0]]
B = [0.5, 1.0, -1.0, 2.0]
D = [1.0, 0.125, 3.0, 0.5]
RECORDED = (1, 2, 3, 10, 50, 100)


def loss_of(p, q, s, step):
    """Its minimum moves with the step."""
    a, b, d = (torch.tensor(x) for x in (A, B, D))
    return (p.sin() * a).sum() * math.cos(0.1 * step) + 0.5 * ((q - b) ** 2 * d).sum() + s * p.mean() + 0.3 * s**2


def gradient_of(p, q, s, step):
    """The same by hand."""
    a, b, d = (np.array(x) for x in (A, B, D))
    return np.cos(p) * a * math.cos(0.1 * step) + s / p.size, (q - b) * d, p.mean() + 0.6 * s


def record(p, q, s):
    return {"p": np.asarray(p).reshape(-1).tolist(), "q": np.asarray(q).tolist(), "s": float(s)}


TORCH_NAMES = dict(learning_rate="lr", epsilon="eps", learning_rate_decay="lr_decay", initial_sum="initial_accumulator_value")


def torch_options(options):
    options = {TORCH_NAMES.get(name, name): value for name, value in options.items()}
    if "beta1" in options or "beta2" in options:
        options["betas"] = (options.pop("beta1", 0.9), options.pop("beta2", 0.999))
    return options


def with_torch(name, options, group_options=None):
    p, q, s = (torch.tensor(x, requires_grad=True) for x in (P, Q, S))
    groups = [{"params": [p, q, s]}]
    if group_options:
        groups = [{"params": [p]}, {"params": [q, s], **torch_options(group_options)}]
    # Of its two implementations of NAdam, the one for single tensors has a factor μₜ twice, which a later version mended.
    more = dict(foreach=True) if name == "NAdam" else {}
    optimizer = getattr(torch.optim, name)(groups, **torch_options(options), **more)
    steps = {}
    for step in range(1, 101):
        optimizer.zero_grad()
        loss_of(p, q, s, step).backward()
        optimizer.step()
        if step in RECORDED:
            steps[step] = record(p.detach(), q.detach(), s.detach())
    return steps


def with_lion(options):
    beta1, beta2 = options.get("beta1", 0.9), options.get("beta2", 0.99)
    rate, decay = options["learning_rate"], options.get("weight_decay", 0)
    x = [np.array(v) for v in (P, Q, S)]
    means = [np.zeros_like(v) for v in x]
    steps = {}
    for step in range(1, 101):
        for i, g in enumerate(gradient_of(*x, step)):
            x[i] = x[i] - rate * (np.sign(beta1 * means[i] + (1 - beta1) * g) + decay * x[i])
            means[i] = beta2 * means[i] + (1 - beta2) * g
        if step in RECORDED:
            steps[step] = record(*x)
    return steps


OPTIMIZERS = [
    ("Sgd", "SGD", [
        dict(learning_rate=0.05),
        dict(learning_rate=0.05, momentum=0.9),
        dict(learning_rate=0.05, weight_decay=0.1),
        dict(learning_rate=0.03, momentum=0.8, weight_decay=0.05),
        dict(learning_rate=0.03, momentum=0.8, dampening=0.3, weight_decay=0.05),
        dict(learning_rate=0.03, momentum=0.9, nesterov=True),
        dict(learning_rate=0.03, momentum=0.7, nesterov=True, weight_decay=0.1),
    ]),
    ("Adam", "Adam", [
        dict(learning_rate=0.05),
        dict(learning_rate=0.1, beta1=0.8, beta2=0.95, epsilon=1e-3, weight_decay=0.1),
        dict(learning_rate=0.05, beta2=0.9, amsgrad=True),
    ]),
    ("AdamW", "AdamW", [
        dict(learning_rate=0.05),
        dict(learning_rate=0.1, beta1=0.8, beta2=0.95, epsilon=1e-3, weight_decay=0.2),
        dict(learning_rate=0.05, beta2=0.9, amsgrad=True, weight_decay=0),
    ]),
    ("NAdam", "NAdam", [
        dict(learning_rate=0.05),
        dict(learning_rate=0.05, beta1=0.8, beta2=0.95, epsilon=0.01, weight_decay=0.1, momentum_decay=0.02),
    ]),
    ("RmsProp", "RMSprop", [
        dict(learning_rate=0.02),
        dict(learning_rate=0.02, alpha=0.9, epsilon=0.05, weight_decay=0.1),
        dict(learning_rate=0.01, alpha=0.9, momentum=0.8),
        dict(learning_rate=0.01, alpha=0.9, centered=True, epsilon=1e-2),
        dict(learning_rate=0.01, alpha=0.9, centered=True, momentum=0.7, weight_decay=0.05, epsilon=1e-2),
    ]),
    ("Adagrad", "Adagrad", [
        dict(learning_rate=0.1),
        dict(learning_rate=0.2, learning_rate_decay=0.05, weight_decay=0.1, initial_sum=0.3, epsilon=1e-4),
    ]),
    ("Adadelta", "Adadelta", [
        dict(),
        dict(learning_rate=0.5, rho=0.8, epsilon=1e-3, weight_decay=0.1),
    ]),
]  # fmt: skip
LION = [dict(learning_rate=0.0137), dict(learning_rate=0.02, beta1=0.8, beta2=0.95, weight_decay=0.5)]
GROUPS = [
    ("Sgd", "SGD", dict(learning_rate=0.05, momentum=0.9), dict(learning_rate=0.01, momentum=0.5, weight_decay=0.1)),
    ("Adam", "Adam", dict(learning_rate=0.05), dict(learning_rate=0.01, beta1=0.5, beta2=0.9)),
]


def optimizers():
    cases = []
    for name, torch_name, options in OPTIMIZERS:
        cases += [{"optimizer": name, "options": o, "steps": with_torch(torch_name, o)} for o in options]
    cases += [{"optimizer": "Lion", "options": o, "steps": with_lion(o)} for o in LION]
    for name, torch_name, first, second in GROUPS:
        steps = with_torch(torch_name, first, second)
        cases.append({"optimizer": name, "options": first, "second_group": second, "steps": steps})
    return {"p": P, "q": Q, "s": S, "a": A, "b": B, "d": D, "cases": cases}


def lazy():
    """SparseAdam, of a table of which each step reads some rows. It adds epsilon before the correction: here almost 0."""
    table = torch.tensor([[0.5, -1.0, 2.0], [1.5, 0.25, -0.5], [0.125, 1.0, -2.0], [3.0, -0.75, 0.0]])
    target = torch.tensor([[1.0, 0.0, -1.0], [0.5, 0.5, 0.5], [0.0, -1.0, 1.0], [2.0, 2.0, -2.0]])
    embedding = torch.nn.Embedding.from_pretrained(table.clone(), freeze=False, sparse=True)
    options = dict(learning_rate=0.05, beta1=0.8, beta2=0.95, epsilon=1e-30)
    optimizer = torch.optim.SparseAdam(embedding.parameters(), **torch_options(options))
    rows = [[0, 1], [1, 3], [3], [0, 1, 1], [3, 0]]
    steps = []
    for step in range(40):
        read = torch.tensor(rows[step % len(rows)])
        optimizer.zero_grad()
        ((embedding(read) - target[read]) ** 2).sum().backward()
        optimizer.step()
        steps.append(embedding.weight.detach().reshape(-1).tolist())
    return {"table": table.tolist(), "target": target.tolist(), "options": options, "rows": rows, "steps": steps}


def lbfgs():
    """A chain of Rosenbrock's valleys: 100 iterations in all."""
    cases = []
    for options in [
        dict(learning_rate=1, iterations=20),
        dict(learning_rate=0.8, iterations=10, history=3),
        dict(learning_rate=0.002, iterations=20, line_search=False),
    ]:
        x = torch.tensor([-1.2, 1.0, -0.5, 0.75], requires_grad=True)
        optimizer = torch.optim.LBFGS(
            [x], lr=options["learning_rate"], max_iter=options["iterations"], max_eval=25,
            history_size=options.get("history", 100),
            line_search_fn="strong_wolfe" if options.get("line_search", True) else None)  # fmt: skip

        def closure():
            optimizer.zero_grad()
            loss = (10 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum()
            loss.backward()
            return loss

        steps = []
        for _ in range(100 // options["iterations"]):
            loss = optimizer.step(closure)
            steps.append({"loss": float(loss), "x": x.detach().tolist()})
        cases.append({"options": options, "steps": steps})
    return cases


def levenberg_marquardt():
    """y = a exp(b t) + c, from so far away that some steps are tried again."""
    t = np.linspace(0, 2, 9)
    y = 2.0 * np.exp(-1.3 * t) + 0.5 + 0.05 * np.cos(7 * t)
    x = np.array([1.0, -12.0, 0.0])
    damping, growth = 1e-3, 2.0
    half = lambda r: 0.5 * (r @ r)
    residuals = lambda x: x[0] * np.exp(x[1] * t) + x[2] - y
    steps = []
    for _ in range(10):
        r = residuals(x)
        J = np.stack([np.exp(x[1] * t), x[0] * t * np.exp(x[1] * t), np.ones_like(t)], 1)
        slope, D = J.T @ r, np.diag(J.T @ J)
        while True:
            h = np.linalg.lstsq(np.concatenate([J, np.diag(np.sqrt(damping * D))]), np.concatenate([-r, np.zeros(3)]), rcond=None)[0]
            promised = 0.5 * h @ (damping * D * h - slope)
            loss = half(residuals(x + h))
            if loss < half(r):
                gain = (half(r) - loss) / promised
                damping *= max(1 / 3, 1 - (2 * gain - 1) ** 3)
                growth = 2.0
                x = x + h
                break
            damping *= growth
            growth *= 2
        steps.append({"loss": loss, "x": x.tolist(), "damping": damping})
    return {"t": t.tolist(), "y": y.tolist(), "begin": [1.0, -12.0, 0.0], "steps": steps}


STEPS = 45
METRICS = [1.0, 0.9, 0.95, 0.95, 0.9, 0.89995, 0.5, 0.6, 0.55, 0.54, 0.53, 0.52, 0.51, 0.5, 0.49, 0.499, 0.498, 0.3, 0.31, 0.32, 0.33, 0.34]


def schedules():
    lr = torch.optim.lr_scheduler
    makers = {
        "step": lambda o: lr.StepLR(o, 7, 0.5),
        "multi_step": lambda o: lr.MultiStepLR(o, [5, 20, 21], 0.3),
        "constant": lambda o: lr.ConstantLR(o, 0.25, 6),
        "linear": lambda o: lr.LinearLR(o, 0.1, 0.9, 12),
        "linear_default": lambda o: lr.LinearLR(o),
        "exponential": lambda o: lr.ExponentialLR(o, 0.93),
        "polynomial": lambda o: lr.PolynomialLR(o, 30, 1.7),
        "cosine": lambda o: lr.CosineAnnealingLR(o, 20, 0.003),
        "cosine_with_restarts": lambda o: lr.CosineAnnealingWarmRestarts(o, 5, 2, 0.001),
        "cosine_with_equal_restarts": lambda o: lr.CosineAnnealingWarmRestarts(o, 8),
        "function": lambda o: lr.LambdaLR(o, lambda t: 1 / (1 + t)),
        "one_cycle": lambda o: lr.OneCycleLR(o, 0.4, STEPS + 1),
        "one_cycle_in_lines": lambda o: lr.OneCycleLR(
            o, 0.4, STEPS + 1, pct_start=0.25, anneal_strategy="linear", three_phase=True, base_momentum=0.7,
            max_momentum=0.9, div_factor=10, final_div_factor=100),
        "sequential": lambda o: lr.SequentialLR(
            o, [lr.LinearLR(o, 0.1, 1, 5), lr.CosineAnnealingLR(o, 20), lr.ExponentialLR(o, 0.9)], [5, 25]),
        "chained": lambda o: lr.ChainedScheduler([lr.ConstantLR(o, 0.1, 4), lr.ExponentialLR(o, 0.9), lr.StepLR(o, 10, 0.5)]),
    }  # fmt: skip
    cases = {}
    for name, make in makers.items():
        x, y = torch.zeros(1, requires_grad=True), torch.zeros(1, requires_grad=True)
        optimizer = torch.optim.SGD([{"params": [x]}, {"params": [y], "lr": 0.02}], lr=0.1, momentum=0.9)
        scheduler = make(optimizer)
        rates, momenta = [], []
        for _ in range(STEPS + 1):
            rates.append([group["lr"] for group in optimizer.param_groups])
            momenta.append(optimizer.param_groups[0]["momentum"])
            optimizer.step()
            scheduler.step()
        cases[name] = {"rates": rates, "momenta": momenta}
    plateaus = []
    for options in [
        dict(patience=2, factor=0.5),
        dict(patience=1, factor=0.1, cooldown=2, threshold=0.01, lowest=1e-3),
        dict(patience=1, factor=0.3, threshold=0.02, relative=False),
        dict(patience=3, factor=0.5, maximize=True),
    ]:
        x = torch.zeros(1, requires_grad=True)
        optimizer = torch.optim.SGD([x], lr=0.1)
        scheduler = lr.ReduceLROnPlateau(
            optimizer, mode="max" if options.get("maximize") else "min", factor=options["factor"], patience=options["patience"],
            threshold=options.get("threshold", 1e-4), threshold_mode="rel" if options.get("relative", True) else "abs",
            cooldown=options.get("cooldown", 0), min_lr=options.get("lowest", 0))  # fmt: skip
        rates = []
        for metric in METRICS:
            scheduler.step(metric)
            rates.append(optimizer.param_groups[0]["lr"])
        plateaus.append({"options": options, "rates": rates})
    return {"schedules": cases, "metrics": METRICS, "plateaus": plateaus}


def clipping():
    gradients = [[[0.5, -2.0], [3.0, 0.25]], [1.5, -0.125, -4.0]]
    cases = []
    for maximum, order in [(1.0, 2.0), (100.0, 2.0), (2.0, 1.0), (0.5, math.inf), (1.0, 3.0), (0.0, 2.0)]:
        parameters = [torch.zeros_like(torch.tensor(g), requires_grad=True) for g in gradients]
        for parameter, g in zip(parameters, gradients):
            parameter.grad = torch.tensor(g)
        norm = torch.nn.utils.clip_grad_norm_(parameters, maximum, order)
        cases.append({"max_norm": maximum, "order": str(order), "norm": float(norm), "clipped": [p.grad.tolist() for p in parameters]})
    return {"gradients": gradients, "cases": cases}


def main():
    for make in (optimizers, lazy, lbfgs, levenberg_marquardt, schedules, clipping):
        data = make()
        text = json.dumps(data, separators=(",", ":")).replace('{"optimizer"', '\n{"optimizer"').replace('{"options"', '\n{"options"')
        (HERE / f"{make.__name__}.json").write_text(text + "\n")


if __name__ == "__main__":
    main()
