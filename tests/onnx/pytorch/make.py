#!/usr/bin/env python3
"""Models as PyTorch exports them, each with an input and what PyTorch computes from it: NAME.onnx and NAME.npz. Run
with PyTorch 1.13 (Debian: /usr/bin/python3 with python3-torch); the files are kept, and pytorch_test.cpp reads them."""
import pathlib

import numpy
import torch
from torch import nn

HERE = pathlib.Path(__file__).parent


class ResNetBlock(nn.Module):
    """The one that halves the size, and so has a convolution on its shortcut: He and others, 2016, figure 3."""

    def __init__(self, inputs, outputs):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride=2, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.downsample = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride=2, bias=False), nn.BatchNorm2d(outputs))
        self.head = nn.Linear(outputs, 5)

    def forward(self, x):
        y = torch.relu(self.bn1(self.conv1(x)))
        y = torch.relu(self.bn2(self.conv2(y)) + self.downsample(x))
        return self.head(nn.functional.adaptive_avg_pool2d(y, 1).flatten(1))


class Sequences(nn.Module):
    """Words through an LSTM in both directions, a GRU, and a normalisation."""

    def __init__(self):
        super().__init__()
        self.words = nn.Embedding(12, 5)
        self.lstm = nn.LSTM(5, 4, bidirectional=True, batch_first=True)
        self.gru = nn.GRU(8, 6)
        self.norm = nn.LayerNorm(6)

    def forward(self, x):
        y, _ = self.lstm(self.words(x))
        _, h = self.gru(y.transpose(0, 1))
        return nn.functional.gelu(self.norm(h[0]))


def mnist_cnn():
    return nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(8, 16, 3, padding=1), nn.ReLU(),
        nn.AvgPool2d(2), nn.Flatten(), nn.Dropout(0.3), nn.Linear(16 * 7 * 7, 10), nn.LogSoftmax(1))


def write(name, model, x, opset):
    with torch.no_grad():
        for buffer in model.buffers():  # statistics as training leaves them
            if buffer.is_floating_point():
                buffer.copy_(0.5 + torch.rand(buffer.shape))
        model.eval()
        y = model(x)
    torch.onnx.export(
        model, x, str(HERE / (name + ".onnx")), opset_version=opset, input_names=["x"], output_names=["y"],
        dynamic_axes={"x": {0: "n"}, "y": {0: "n"}}, training=torch.onnx.TrainingMode.PRESERVE,
        do_constant_folding=False)
    numpy.savez_compressed(HERE / (name + ".npz"), x=x.numpy(), y=y.numpy())


torch.manual_seed(1)
write("mnist_cnn", mnist_cnn(), torch.rand(3, 1, 28, 28).round(decimals=1), 13)
write("resnet_block", ResNetBlock(8, 16), torch.randn(3, 8, 9, 9), 16)
write("sequences", Sequences(), torch.randint(0, 12, (3, 7)), 15)
