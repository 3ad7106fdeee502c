"""Convolutions, pooling, normalisation, attention and recurrent cells."""
import torch
import torch.nn.functional as F

NAMES = dict(
    conv1d=F.conv1d, conv2d=F.conv2d, conv3d=F.conv3d, conv_transpose1d=F.conv_transpose1d, conv_transpose2d=F.conv_transpose2d,
    conv_transpose3d=F.conv_transpose3d, max_pool1d=F.max_pool1d, max_pool2d=F.max_pool2d, max_pool3d=F.max_pool3d,
    avg_pool1d=F.avg_pool1d, avg_pool2d=F.avg_pool2d, avg_pool3d=F.avg_pool3d, adaptive_avg_pool1d=F.adaptive_avg_pool1d,
    adaptive_avg_pool2d=F.adaptive_avg_pool2d, adaptive_max_pool1d=F.adaptive_max_pool1d, adaptive_max_pool2d=F.adaptive_max_pool2d,
    bilinear=F.bilinear, interpolate=F.interpolate, pixel_shuffle=F.pixel_shuffle, pixel_unshuffle=F.pixel_unshuffle,
    normalize=lambda x, p=2, axis=1: F.normalize(x, p, axis), layer_norm=F.layer_norm, group_norm=F.group_norm, instance_norm=F.instance_norm,
    batch_norm=lambda x, mean, var, weight=None, bias=None, training=False: F.batch_norm(x, mean, var, weight, bias, training),
    local_response_norm=F.local_response_norm, adaptive_avg_pool3d=F.adaptive_avg_pool3d, adaptive_max_pool3d=F.adaptive_max_pool3d,
    rms_norm=lambda x, shape, w, eps: x * torch.rsqrt((x * x).mean(-1, keepdim=True) + eps) * w,
    scaled_dot_product_attention=lambda q, k, v, mask=None, is_causal=False: attention(q, k, v, mask, is_causal),
    multi_head_attention=lambda q, k, v, heads, wi, bi, wo, bo, mask=None, key_padding_mask=None: F.multi_head_attention_forward(
        q, k, v, q.shape[-1], heads, wi, bi, None, None, False, 0.0, wo, bo, need_weights=False, attn_mask=mask,
        key_padding_mask=key_padding_mask)[0],
    rnn=lambda x, h, weights: torch._VF.rnn_tanh(x, h, weights, True, len(weights) // 4, 0.0, False, False, False),
    gru=lambda x, h, weights, bidirectional: torch._VF.gru(x, h, weights, True, len(weights) // 8, 0.0, False, bidirectional, False),
    lstm=lambda x, h, c, weights, batch_first: torch._VF.lstm(x, (h, c), weights, True, len(weights) // 4, 0.0, False, False, batch_first),
    lstm_cell=lambda x, h, c, wi, wh, bi, bh: torch._VF.lstm_cell(x, (h, c), wi, wh, bi, bh),
    gru_cell=lambda x, h, wi, wh, bi, bh: torch._VF.gru_cell(x, h, wi, wh, bi, bh),
    rnn_cell=lambda x, h, wi, wh, bi, bh: torch._VF.rnn_tanh_cell(x, h, wi, wh, bi, bh), exp=torch.exp, sin=torch.sin, detach=torch.detach,
)  # fmt: skip


def attention(q, k, v, mask, causal):
    scores = q @ k.transpose(-1, -2) / q.shape[-1] ** 0.5
    if mask is not None:
        scores = scores + mask
    if causal:
        scores = scores.masked_fill(torch.ones_like(scores).tril() == 0, float("-inf"))
    return torch.softmax(scores, -1) @ v


def add(cases):
    for shape in [(4, 2, 3), (2, 8, 1, 2)]:
        cases.add("sin(pixel_shuffle(x, 2))", x=(-1, 1, *shape))
    cases.add("bilinear(x, y, w)", x=(-1, 1, 2, 3), y=(-1, 1, 2, 2), w=(-1, 1, 4, 3, 2), second=False)
    cases.add("bilinear(x, y, w, b)", x=(-1, 1, 3), y=(-1, 1, 2), w=(-1, 1, 4, 3, 2), b=(-1, 1, 4), second=False)
    cases.add("sin(pixel_unshuffle(x, 2))", x=(-1, 1, 2, 2, 4, 2))
    for options in ("", ", 1", ", 3, 0"):
        cases.add(f"normalize(x{options})", x=(-2, 2, 2, 3))
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
    # More of the same, in further shapes and ways.
    cases.add("sin(conv1d(x, w, b, padding='same', dilation=3, groups=2))", x=(-1, 1, 2, 2, 7), w=(-1, 1, 4, 1, 2), b=(-1, 1, 4))
    cases.add("sin(conv2d(x, w, None, 1, 'same'))", x=(-1, 1, 1, 1, 4, 3), w=(-1, 1, 1, 1, 2, 4))
    cases.add("sin(conv2d(x, w, b, 2, 1, 2, 3))", x=(-1, 1, 3, 5, 6), w=(-1, 1, 3, 1, 2, 3), b=(-1, 1, 3))
    cases.add("sin(conv3d(x, w, b, (2, 1, 1), (0, 1, 2), (1, 1, 2), 2))", x=(-1, 1, 2, 2, 3, 2, 3), w=(-1, 1, 2, 1, 2, 2, 2), b=(-1, 1, 2))
    cases.add("sin(conv_transpose2d(x, w, b, (2, 3), (1, 2), (1, 0), 2, (1, 2)))", x=(-1, 1, 2, 2, 3, 2), w=(-1, 1, 2, 2, 2, 3), b=(-1, 1, 4))
    cases.add("sin(max_pool2d(x, (3, 2), (2, 1), (1, 1), (2, 1), True))", x=(-2, 2, 2, 6, 5))
    cases.add("sin(avg_pool2d(x, (3, 2), (2, 3), (1, 1), True, True))", x=(-2, 2, 2, 6, 5))
    cases.add("sin(avg_pool2d(x, (3, 2), (2, 3), 1, True, False))", x=(-2, 2, 2, 6, 5))
    cases.add("sin(avg_pool2d(x, 2, divisor_override=3))", x=(-2, 2, 1, 4, 4))
    cases.add("sin(adaptive_avg_pool3d(x, (2, 1, 3)))", x=(-2, 2, 1, 3, 2, 4))
    cases.add("sin(adaptive_max_pool3d(x, (2, 1, 3)))", x=(-2, 2, 1, 3, 2, 4))
    for mode in ("bicubic", "area", "nearest", "nearest-exact"):
        cases.add(f"sin(interpolate(x, size=(5, 3), mode='{mode}'))", x=(-2, 2, 1, 1, 3, 4))
    cases.add("sin(interpolate(x, size=(5, 3), mode='bicubic', align_corners=True))", x=(-2, 2, 1, 1, 3, 4))
    cases.add("sin(interpolate(x, scale_factor=1.7, mode='bilinear'))", x=(-2, 2, 1, 1, 3, 4))
    cases.add("sin(interpolate(x, scale_factor=0.6, mode='nearest'))", x=(-2, 2, 1, 1, 6))
    cases.add("sin(interpolate(x, size=(2, 3, 1), mode='trilinear'))", x=(-2, 2, 1, 1, 3, 2, 2))
    cases.add("instance_norm(x, weight=w, bias=b)", x=(-2, 2, 2, 2, 2, 2), w=(0.5, 1.5, 2), b=(-1, 1, 2), rtol=1e-9)
    cases.add("batch_norm(x, None, None, training=True)", x=(-2, 2, 5, 3), rtol=1e-9)
    cases.add("batch_norm(x, None, None, w, b, training=True)", x=(-2, 2, 5, 3), w=(0.5, 1.5, 3), b=(-1, 1, 3), rtol=1e-9)
    cases.add("group_norm(x, 2, w)", x=(-2, 2, 3, 4), w=(0.5, 1.5, 4), rtol=1e-9)
    cases.add("rms_norm(x, 3, w, 0.01)", x=(-2, 2, 2, 3), w=(0.5, 1.5, 3), rtol=1e-9)
    cases.add("local_response_norm(x, 2)", x=(-2, 2, 2, 3, 2), rtol=1e-9)
    cases.add("local_response_norm(x, 3, 0.5, 0.6, 2)", x=(-2, 2, 1, 4, 2), rtol=1e-9)
    qkv = dict(q=(-2, 2, 2, 3, 2), k=(-2, 2, 2, 4, 2), v=(-2, 2, 2, 4, 3))
    cases.add("scaled_dot_product_attention(q, k, v, m)", **qkv, m=(-2, 2, 3, 4), rtol=1e-9)
    cases.add("scaled_dot_product_attention(q, k, v, detach(m), True)", **qkv, m=(-2, 2, 2, 1, 4), rtol=1e-9)
    cases.add("multi_head_attention(x, y, y, 2, wi, bi, wo, bo)", x=(-1, 1, 3, 2, 4), y=(-1, 1, 2, 2, 4), wi=(-1, 1, 12, 4), bi=(-1, 1, 12), wo=(-1, 1, 4, 4), bo=(-1, 1, 4), rtol=1e-9)
    cases.add("multi_head_attention(x, y, y, 2, wi, bi, wo, bo, detach(m) > 0, detach(p) > 0)", x=(-1, 1, 3, 2, 4), y=(-1, 1, 2, 2, 4), m=[[-1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]], p=[[-1.0, -1.0], [-1.0, 1.0]], wi=(-1, 1, 12, 4), bi=(-1, 1, 12), wo=(-1, 1, 4, 4), bo=(-1, 1, 4), rtol=1e-9)
    def cells(gates, inputs, size, count):
        for i in range(count):
            yield from {f"wi{i}": (-1, 1, gates * size, inputs[i]), f"wh{i}": (-1, 1, gates * size, size), f"bi{i}": (-1, 1, gates * size), f"bh{i}": (-1, 1, gates * size)}.items()
    def weights(count):
        return "[" + ", ".join(f"wi{i}, wh{i}, bi{i}, bh{i}" for i in range(count)) + "]"
    cases.add(f"rnn(x, h, {weights(2)})[0]", x=(-1, 1, 3, 1, 2), h=(-1, 1, 2, 1, 2), **dict(cells(1, (2, 2), 2, 2)), rtol=1e-9)
    cases.add(f"gru(x, h, {weights(4)}, bidirectional=True)[0]", x=(-1, 1, 3, 1, 1), h=(-1, 1, 4, 1, 1), **dict(cells(3, (1, 1, 2, 2), 1, 4)), rtol=1e-9)
    cases.add(f"gru(x, h, {weights(2)}, bidirectional=True)[1]", x=(-1, 1, 2, 1, 1), h=(-1, 1, 2, 1, 1), **dict(cells(3, (1, 1), 1, 2)), rtol=1e-9)
    for i in (0, 1, 2):
        cases.add(f"lstm(x, h, c, {weights(1)}, batch_first=True)[{i}]", x=(-1, 1, 1, 3, 2), h=(-1, 1, 1, 1, 1), c=(-1, 1, 1, 1, 1), **dict(cells(4, (2,), 1, 1)), rtol=1e-9)
