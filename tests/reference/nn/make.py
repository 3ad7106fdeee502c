#!/usr/bin/python3
"""Computes what tests/nn/pytorch_layers_test.cpp compares layers with, and writes it to layers.json here.

PyTorch 1.13 (Debian's python3-torch), in float64. Of each layer: the names and shapes of its state, what it gives, the
gradients of the sum of squares of that, and the buffers afterwards. The numbers of states and inputs are those of
filled() below, which the test has, too.
"""
import json
import math
import pathlib

import torch
from torch import nn

HERE = pathlib.Path(__file__).parent
torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)


def filled(shape, which, size=0.6):
    count = math.prod(shape)
    return torch.tensor([size * math.sin(1 + 0.7 * i + 1.3 * which) for i in range(count)]).reshape(shape)


def state_of(layer):
    state = {}
    for which, (name, tensor) in enumerate(layer.state_dict().items()):
        if name.endswith("num_batches_tracked"):
            state[name] = torch.tensor(3)
        elif name.endswith("running_var"):
            state[name] = 1 + filled(tensor.shape, which)
        else:
            state[name] = filled(tensor.shape, which)
    return state


def numbers(tensor):
    return [float(f"{x:.14g}") for x in tensor.detach().reshape(-1).tolist()]


def case(name, layer, inputs, call=None, evaluated=False):
    state = state_of(layer)
    layer.load_state_dict(state)
    layer.train(not evaluated)
    x = [
        torch.tensor(given) if isinstance(given[0], (list, int)) and isinstance(given, list)
        else filled(given, 10 + i, 1.2).requires_grad_()
        for i, given in enumerate(inputs)
    ]  # fmt: skip
    call = call or (lambda layer, *x: layer(*x))
    y = call(layer, *x)
    (y**2).sum().backward()
    return {
        "case": name,
        "state": [[each, list(tensor.shape)] for each, tensor in state.items()],
        "inputs": [list(each.shape) for each in x],
        "shape": list(y.shape),
        "y": numbers(y),
        "gradients_of_inputs": [numbers(each.grad) for each in x if each.grad is not None],
        "gradients": {each: numbers(parameter.grad) for each, parameter in layer.named_parameters()},
        "buffers": {each: numbers(buffer) for each, buffer in layer.named_buffers()},
    }


def last(layer, x):
    """Everything that a recurrent network gives, in one vector."""
    output, states = layer(x)
    states = states if isinstance(states, tuple) else (states,)
    return torch.cat([each.reshape(-1) for each in (output, *states)])


def encoder(**options):
    return nn.TransformerEncoderLayer(4, 2, 5, dropout=0.0, **options)


def decoder(**options):
    return nn.TransformerDecoderLayer(4, 2, 5, dropout=0.0, **options)


def causal(length):
    return torch.triu(torch.ones(length, length, dtype=torch.bool), 1)


CASES = [
    case("linear", nn.Linear(3, 2), [(4, 3)]),
    case("linear without bias", nn.Linear(3, 2, bias=False), [(4, 3)]),
    case("conv1d", nn.Conv1d(2, 3, 3, padding=1), [(2, 2, 5)]),
    case("conv2d", nn.Conv2d(2, 4, (3, 2), stride=2, padding=1, groups=2), [(1, 2, 5, 4)]),
    case("conv2d without bias", nn.Conv2d(2, 1, 2, dilation=2, bias=False), [(1, 2, 4, 4)]),
    case("conv3d", nn.Conv3d(1, 2, 2), [(1, 1, 3, 2, 3)]),
    case("conv_transpose1d", nn.ConvTranspose1d(2, 3, 3, stride=2, output_padding=1), [(1, 2, 3)]),
    case("conv_transpose2d", nn.ConvTranspose2d(4, 2, (2, 3), padding=1, groups=2), [(1, 4, 3, 2)]),
    case("conv_transpose3d", nn.ConvTranspose3d(1, 1, 2, bias=False), [(1, 1, 2, 2, 1)]),
    case("max_pool2d", nn.MaxPool2d(2, stride=1, padding=1), [(1, 2, 3, 3)]),
    case("avg_pool1d", nn.AvgPool1d(2), [(1, 2, 5)]),
    case("adaptive_avg_pool2d", nn.AdaptiveAvgPool2d(2), [(1, 1, 3, 5)]),
    case("adaptive_max_pool3d", nn.AdaptiveMaxPool3d(1), [(1, 2, 2, 2, 2)]),
    case("batch_norm", nn.BatchNorm1d(3), [(4, 3)]),
    case("batch_norm evaluated", nn.BatchNorm2d(2), [(2, 2, 2, 2)], evaluated=True),
    case("batch_norm of images", nn.BatchNorm2d(2, eps=0.1, momentum=0.3), [(2, 2, 2, 2)]),
    case("batch_norm with a mean over all batches", nn.BatchNorm1d(2, momentum=None), [(3, 2)]),
    case("batch_norm without affine", nn.BatchNorm1d(2, affine=False), [(3, 2, 2)]),
    case("layer_norm", nn.LayerNorm((2, 3)), [(2, 2, 3)]),
    case("layer_norm without affine", nn.LayerNorm(3, eps=0.1, elementwise_affine=False), [(2, 3)]),
    case("group_norm", nn.GroupNorm(2, 4), [(2, 4, 3)]),
    case("embedding", nn.Embedding(4, 3, padding_idx=1), [[[0, 1, 3], [3, 3, 1]]]),
    case("rnn", nn.RNN(2, 3), [(4, 2, 2)], last),
    case("rnn with relu", nn.RNN(2, 3, nonlinearity="relu", bias=False), [(4, 1, 2)], last),
    case("lstm", nn.LSTM(2, 3, num_layers=2, bidirectional=True), [(3, 2, 2)], last),
    case("gru", nn.GRU(2, 3, num_layers=2, batch_first=True), [(2, 3, 2)], last),
    case("multihead_attention", nn.MultiheadAttention(4, 2), [(3, 2, 4), (5, 2, 4), (5, 2, 4)],
         lambda layer, q, k, v: layer(q, k, v)[0]),
    case("multihead_attention without bias", nn.MultiheadAttention(4, 2, bias=False, batch_first=True), [(2, 3, 4)],
         lambda layer, x: layer(x, x, x, attn_mask=causal(3))[0]),
    case("encoder layer", encoder(), [(3, 2, 4)]),
    case("encoder layer with norm first", encoder(norm_first=True, batch_first=True, activation="gelu"), [(2, 3, 4)],
         lambda layer, x: layer(x, src_mask=causal(3))),
    case("decoder layer", decoder(), [(3, 2, 4), (2, 2, 4)],
         lambda layer, x, memory: layer(x, memory, tgt_mask=causal(3))),
    case("decoder layer with norm first", decoder(norm_first=True), [(3, 1, 4), (2, 1, 4)]),
    case("sequential", nn.Sequential(nn.Conv2d(1, 2, 2), nn.BatchNorm2d(2), nn.ReLU(), nn.Flatten(), nn.Linear(8, 2)),
         [(2, 1, 3, 3)]),
]  # fmt: skip


if __name__ == "__main__":
    lines = ",\n".join(json.dumps(each, separators=(",", ":")) for each in CASES)
    (HERE / "layers.json").write_text("[\n" + lines + "\n]\n")
