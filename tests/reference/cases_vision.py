"""Images read between their pixels, patches, and pools undone."""
import torch
import torch.nn.functional as F

NAMES = dict(
    grid_sample=lambda x, grid, mode="bilinear", padding_mode="zeros", align_corners=False: F.grid_sample(x, grid, mode, padding_mode, align_corners),
    affine_grid=lambda theta, size, align_corners=False: F.affine_grid(theta, size, align_corners),
    im2col=F.unfold, col2im=F.fold, channel_shuffle=lambda x, g: x.unflatten(1, (g, x.shape[1] // g)).transpose(1, 2).flatten(1, 2), sin=torch.sin,
    max_unpool1d=lambda x, places, *options, **more: F.max_unpool1d(x, torch.tensor(places), *options, **more),
    max_unpool2d=lambda x, places, *options, **more: F.max_unpool2d(x, torch.tensor(places), *options, **more),
    max_unpool3d=lambda x, places, *options, **more: F.max_unpool3d(x, torch.tensor(places), *options, **more),
)  # fmt: skip


def add(cases):
    # Drawn beyond the edges, too. PyTorch has no second derivative of it.
    for mode in ("bilinear", "nearest", "bicubic"):
        for padding in ("zeros", "border", "reflection"):
            for corners in (False, True):
                cases.add(f"grid_sample(x, grid, '{mode}', '{padding}', {corners})", x=(-2, 2, 2, 2, 3, 4), grid=(-1.6, 1.6, 2, 2, 3, 2), second=False)
    for mode in ("bilinear", "nearest"):
        cases.add(f"grid_sample(x, grid, '{mode}')", x=(-2, 2, 1, 2, 2, 3, 2), grid=(-1.3, 1.3, 1, 2, 1, 2, 3), second=False)
    cases.add("grid_sample(x, grid)", x=(-2, 2, 1, 3, 1, 1), grid=(-3, 3, 1, 2, 4, 2), second=False)
    cases.add("grid_sample(x, affine_grid(theta, (1, 2, 4, 3)))", x=(-2, 2, 1, 2, 3, 5), theta=(-0.7, 0.7, 1, 2, 3), second=False)
    for corners in (False, True):
        cases.add(f"sin(affine_grid(theta, (2, 1, 2, 3), {corners}))", theta=(-2, 2, 2, 2, 3))
        cases.add(f"sin(affine_grid(theta, (1, 1, 2, 1, 3), {corners}))", theta=(-2, 2, 1, 3, 4))
    for options in ("2", "(2, 3), padding=1", "2, 2, 1", "(2, 1), (2, 1), (1, 0), (1, 2)"):
        cases.add(f"sin(im2col(x, {options}))", x=(-1, 1, 2, 2, 4, 5))
    cases.add("sin(im2col(x, 3, stride=2))", x=(-1, 1, 2, 5, 5))
    cases.add("sin(col2im(x, (3, 4), 2))", x=(-1, 1, 2, 4, 6))
    cases.add("sin(col2im(x, (4, 5), (2, 3), padding=1, stride=(2, 1)))", x=(-1, 1, 1, 12, 15))
    cases.add("sin(col2im(x, (5, 5), 2, 2, 1, 2))", x=(-1, 1, 4, 9))
    for groups in (1, 2, 3):
        cases.add(f"sin(channel_shuffle(x, {groups}))", x=(-1, 1, 1, 6, 2))
    cases.add("sin(max_unpool1d(x, [[[1, 2], [0, 3]]], 2))", x=(-1, 1, 1, 2, 2))
    cases.add("sin(max_unpool1d(x, [[[1, 2], [0, 4]]], 2, output_size=(5,)))", x=(-1, 1, 1, 2, 2))
    cases.add("sin(max_unpool2d(x, [[[[2, 1]]]], (2, 1)))", x=(-1, 1, 1, 1, 1, 2))
    cases.add("sin(max_unpool2d(x, [[[0, 3], [6, 15]]], 3, 2, 1, output_size=(4, 4)))", x=(-1, 1, 1, 2, 2))
    cases.add("sin(max_unpool3d(x, [[[[[7]]]]], 2))", x=(-1, 1, 1, 1, 1, 1, 1))
