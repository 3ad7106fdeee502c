"""Convolutions, pooling, normalisation, attention and recurrent cells."""
import torch
import torch.nn.functional as F

NAMES = dict(
    conv1d=F.conv1d, conv2d=F.conv2d, conv3d=F.conv3d, conv_transpose1d=F.conv_transpose1d, conv_transpose2d=F.conv_transpose2d,
    conv_transpose3d=F.conv_transpose3d, max_pool1d=F.max_pool1d, max_pool2d=F.max_pool2d, max_pool3d=F.max_pool3d,
    avg_pool1d=F.avg_pool1d, avg_pool2d=F.avg_pool2d, avg_pool3d=F.avg_pool3d, adaptive_avg_pool1d=F.adaptive_avg_pool1d,
    adaptive_avg_pool2d=F.adaptive_avg_pool2d, adaptive_max_pool1d=F.adaptive_max_pool1d, adaptive_max_pool2d=F.adaptive_max_pool2d,
    interpolate=F.interpolate, layer_norm=F.layer_norm, group_norm=F.group_norm, instance_norm=F.instance_norm,
    batch_norm=lambda x, mean, var, weight=None, bias=None, training=False: F.batch_norm(x, mean, var, weight, bias, training),
    local_response_norm=F.local_response_norm,
    scaled_dot_product_attention=lambda q, k, v, is_causal=False: attention(q, k, v, is_causal),
    lstm_cell=lambda x, h, c, wi, wh, bi, bh: torch._VF.lstm_cell(x, (h, c), wi, wh, bi, bh),
    gru_cell=lambda x, h, wi, wh, bi, bh: torch._VF.gru_cell(x, h, wi, wh, bi, bh),
    rnn_cell=lambda x, h, wi, wh, bi, bh: torch._VF.rnn_tanh_cell(x, h, wi, wh, bi, bh), exp=torch.exp, sin=torch.sin, detach=torch.detach,
)  # fmt: skip


def attention(q, k, v, causal):
    scores = q @ k.transpose(-1, -2) / q.shape[-1] ** 0.5
    if causal:
        scores = scores.masked_fill(torch.ones_like(scores).tril() == 0, float("-inf"))
    return torch.softmax(scores, -1) @ v


def add(cases):
    for options in ("", ", stride=2", ", padding=1", ", dilation=2", ", stride=2, padding=1"):
        cases.add(f"sin(conv1d(x, w{options}))", x=(-1, 1, 2, 2, 6), w=(-1, 1, 3, 2, 3))
        cases.add(f"sin(conv2d(x, w, b{options}))", x=(-1, 1, 1, 2, 5, 5), w=(-1, 1, 2, 2, 2, 2), b=(-1, 1, 2))
        cases.add(f"sin(conv_transpose1d(x, w{options}))", x=(-1, 1, 2, 2, 4), w=(-1, 1, 2, 3, 3))
    for options in ("", ", stride=(2, 1)", ", padding=1", ", stride=2, padding=1, output_padding=1", ", groups=2"):
        cases.add(f"sin(conv_transpose2d(x, w{options}))", x=(-1, 1, 1, 2, 3, 3), w=(-1, 1, 2, 2, 3, 2))
    for options in (", groups=2", ", groups=2, padding=1", ", stride=(1, 2), padding=(1, 0)", ", dilation=(2, 1)"):
        groups = 2 if "groups" in options else 1
        cases.add(f"sin(conv2d(x, w{options}))", x=(-1, 1, 1, 2, 4, 4), w=(-1, 1, 4, 2 // groups, 2, 2))
    cases.add("sin(conv1d(x, w, padding='same'))", x=(-1, 1, 1, 1, 5), w=(-1, 1, 1, 1, 3))
    cases.add("sin(conv1d(x, w))", x=(-1, 1, 2, 5), w=(-1, 1, 3, 2, 2))
    cases.add("sin(conv3d(x, w))", x=(-1, 1, 1, 1, 3, 3, 3), w=(-1, 1, 2, 1, 2, 2, 2))
    cases.add("sin(conv_transpose3d(x, w))", x=(-1, 1, 1, 2, 2, 2, 2), w=(-1, 1, 2, 1, 2, 2, 2))
    cases.add("conv2d(x, w)", dtype="float32", rtol=1e-5, second=False, x=(-1, 1, 1, 2, 5, 5), w=(-1, 1, 2, 2, 3, 3))
    for options in ("2", "3", "2, stride=1", "3, stride=2, padding=1"):
        cases.add(f"sin(max_pool1d(x, {options}))", x=(-2, 2, 1, 2, 7))
        cases.add(f"sin(avg_pool1d(x, {options}))", x=(-2, 2, 1, 2, 7))
        cases.add(f"sin(max_pool2d(x, {options}))", x=(-2, 2, 1, 1, 5, 6))
        cases.add(f"sin(avg_pool2d(x, {options}))", x=(-2, 2, 1, 1, 5, 6))
    cases.add("sin(max_pool2d(x, 2, ceil_mode=True))", x=(-2, 2, 1, 1, 5, 5))
    cases.add("sin(avg_pool2d(x, 2, ceil_mode=True))", x=(-2, 2, 1, 1, 5, 5))
    cases.add("sin(avg_pool2d(x, 3, padding=1, count_include_pad=False))", x=(-2, 2, 1, 1, 5, 5))
    cases.add("sin(max_pool1d(x, 2, dilation=2))", x=(-2, 2, 1, 2, 7))
    cases.add("max_pool1d(x, 2)", x=[[[1.0, 1.0, 3.0, 2.0]]])
    cases.add("sin(max_pool3d(x, 2))", x=(-2, 2, 1, 1, 2, 4, 2))
    cases.add("sin(avg_pool3d(x, 2))", x=(-2, 2, 1, 1, 2, 4, 2))
    for size in (1, 2, 3):
        cases.add(f"sin(adaptive_avg_pool1d(x, {size}))", x=(-2, 2, 1, 2, 5))
        cases.add(f"sin(adaptive_max_pool1d(x, {size}))", x=(-2, 2, 1, 2, 5))
        cases.add(f"sin(adaptive_avg_pool2d(x, ({size}, 2)))", x=(-2, 2, 1, 1, 5, 4))
        cases.add(f"sin(adaptive_max_pool2d(x, ({size}, 2)))", x=(-2, 2, 1, 1, 5, 4))
    cases.add("sin(interpolate(x, size=(4, 6)))", x=(-2, 2, 1, 1, 2, 3))
    cases.add("sin(interpolate(x, size=(5, 4), mode='bilinear'))", x=(-2, 2, 1, 1, 3, 3))
    cases.add("sin(interpolate(x, size=(5, 4), mode='bilinear', align_corners=True))", x=(-2, 2, 1, 1, 3, 3))
    cases.add("sin(interpolate(x, size=5, mode='linear'))", x=(-2, 2, 1, 2, 3))
    cases.add("sin(interpolate(x, scale_factor=2))", x=(-2, 2, 1, 2, 3))
    cases.add("layer_norm(x, (3,))", x=(-2, 2, 2, 3), rtol=1e-9)
    cases.add("layer_norm(x, (3,), w, b)", x=(-2, 2, 2, 3), w=(0.5, 1.5, 3), b=(-1, 1, 3), rtol=1e-9)
    cases.add("layer_norm(x, (2, 3), w, b)", x=(-2, 2, 2, 2, 3), w=(0.5, 1.5, 2, 3), b=(-1, 1, 2, 3), rtol=1e-9)
    cases.add("layer_norm(x, (3,), eps=0.1)", x=(-2, 2, 2, 3), rtol=1e-9)
    cases.add("layer_norm(x, (4,))", x=[[1e4, 1e4 + 1, 1e4 + 2, 1e4 + 4]], rtol=1e-7, second=False)
    cases.add("group_norm(x, 2)", x=(-2, 2, 2, 4, 3), rtol=1e-9)
    cases.add("group_norm(x, 2, w, b)", x=(-2, 2, 2, 4, 3), w=(0.5, 1.5, 4), b=(-1, 1, 4), rtol=1e-9)
    cases.add("instance_norm(x)", x=(-2, 2, 2, 2, 4), rtol=1e-9)
    cases.add("batch_norm(x, detach(m), exp(detach(v)))", x=(-2, 2, 3, 2), m=(-1, 1, 2), v=(-1, 1, 2), rtol=1e-9, second=False)
    cases.add("batch_norm(x, None, None, w, b, training=True)", x=(-2, 2, 3, 2, 2), w=(0.5, 1.5, 2), b=(-1, 1, 2), rtol=1e-9)
    for causal in (False, True):
        cases.add(f"scaled_dot_product_attention(q, k, v, is_causal={causal})", q=(-2, 2, 2, 3, 2), k=(-2, 2, 2, 3, 2), v=(-2, 2, 2, 3, 2), rtol=1e-9)
    cases.add("scaled_dot_product_attention(q, k, v)", q=(-2, 2, 1, 2, 3, 2), k=(-2, 2, 1, 2, 4, 2), v=(-2, 2, 1, 2, 4, 3), rtol=1e-9)
    cell = dict(x=(-1, 1, 2, 3), h=(-1, 1, 2, 2))
    for name, gates in [("gru_cell", 3), ("rnn_cell", 1)]:
        cases.add(f"{name}(x, h, wi, wh, bi, bh)", **cell, wi=(-1, 1, gates * 2, 3), wh=(-1, 1, gates * 2, 2), bi=(-1, 1, gates * 2), bh=(-1, 1, gates * 2), rtol=1e-9)
    for i in (0, 1):
        cases.add(f"lstm_cell(x, h, c, wi, wh, bi, bh)[{i}]", **cell, c=(-1, 1, 2, 2), wi=(-1, 1, 8, 3), wh=(-1, 1, 8, 2), bi=(-1, 1, 8), bh=(-1, 1, 8), rtol=1e-9)
