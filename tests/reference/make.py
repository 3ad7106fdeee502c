#!/usr/bin/python3
"""Computes with PyTorch what tests/reference_test.cpp compares chainrule with, and writes it to pytorch.json.

Each case is an expression that both sides evaluate, with its inputs: the value, the gradient of <value, seed>
with respect to each input, and the gradient of <those gradients, weights>. The numbers were made with PyTorch
1.13 (Debian's python3-torch). To add a case, add a line to one of the cases_*.py files and run this script.
"""
import importlib
import json
import math
import pathlib
import random
import sys

import torch

HERE = pathlib.Path(__file__).parent
FAMILIES = sorted(path.stem for path in HERE.glob("cases_*.py"))

torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)


class Cases:
    """Collects cases; `names` is what expressions can call."""

    def __init__(self, names):
        self.names = dict(names, pi=math.pi, inf=math.inf, nan=math.nan)
        self.list = []

    def sample(self, low, high, shape, source):
        """Three decimals, no two elements equal."""
        count = math.prod(shape)
        step = (high - low) / max(count, 1)
        numbers = [round(low + step * (i + 0.1 + 0.8 * source.random()), 3) for i in range(count)]
        source.shuffle(numbers)
        return torch.tensor(numbers).reshape(shape)

    def add(self, expression, first=True, second=True, rtol=1e-10, dtype="float64", **inputs):
        """Inputs: (low, high, *shape) to draw, or a list of numbers to take."""
        source = random.Random(expression + str(inputs))
        values = {}
        for name, given in inputs.items():
            drawn = isinstance(given, tuple)
            values[name] = self.sample(given[0], given[1], given[2:], source) if drawn else torch.tensor(given)
            values[name] = values[name].to(getattr(torch, dtype))
        leaves = {name: value.clone().requires_grad_(first) for name, value in values.items()}
        result = eval(expression, self.names, leaves)
        case = {"expression": expression, "inputs": {n: self.numbers(v) for n, v in values.items()}}
        if dtype != "float64":
            case["dtype"] = dtype
        case["value"] = self.numbers(result)
        case["rtol"] = rtol
        if first and result.requires_grad:
            seed = self.sample(-1, 1, result.shape, source).to(result.dtype)
            case["seed"] = self.numbers(seed)
            gradients = torch.autograd.grad(result, list(leaves.values()), seed, create_graph=second, allow_unused=True)
            gradients = [torch.zeros_like(v) if g is None else g for g, v in zip(gradients, leaves.values())]
            case["gradients"] = {n: self.numbers(g) for n, g in zip(leaves, gradients)}
            if second:
                try:
                    self.add_second(case, leaves, gradients, source)
                except RuntimeError as error:  # PyTorch has no second derivative of some
                    if "not implemented" not in str(error):
                        raise
        self.list.append(case)

    def add_second(self, case, leaves, gradients, source):
        weights = [self.sample(-1, 1, g.shape, source).to(g.dtype) for g in gradients]
        total = sum((g * w).sum() for g, w in zip(gradients, weights))
        twice = [None] * len(leaves)
        if total.requires_grad:
            twice = torch.autograd.grad(total, list(leaves.values()), allow_unused=True)
        twice = [torch.zeros_like(v) if g is None else g for g, v in zip(twice, leaves.values())]
        case["weights"] = {n: self.numbers(w) for n, w in zip(leaves, weights)}
        case["second"] = {n: self.numbers(g) for n, g in zip(leaves, twice)}

    @staticmethod
    def numbers(tensor):
        def plain(x):
            if isinstance(x, bool) or isinstance(x, int):
                return int(x)
            return x if math.isfinite(x) else str(x)

        tensor = torch.zeros(tensor.shape) if tensor._is_zerotensor() else tensor
        flat = tensor.detach().reshape(-1).tolist()
        return {"shape": list(tensor.shape), "data": [plain(x) for x in flat]}


def main():
    total = 0
    for family in sys.argv[1:] or FAMILIES:
        module = importlib.import_module(family)
        cases = Cases(module.NAMES)
        module.add(cases)
        with open(HERE / (family.removeprefix("cases_") + ".json"), "w") as out:
            out.write("[\n" + ",\n".join(json.dumps(c, separators=(",", ":")) for c in cases.list) + "\n]\n")
        print(f"{family}: {len(cases.list)} cases")
        total += len(cases.list)
    print(f"{total} cases")


if __name__ == "__main__":
    main()
