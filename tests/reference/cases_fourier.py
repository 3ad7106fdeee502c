"""Fourier transforms; complex numbers are pairs along a last axis."""
import torch

pairs, numbers = torch.view_as_real, lambda y: torch.view_as_complex(y.contiguous())
NAMES = dict(
    fft=lambda x, n=None, axis=-1, norm="backward": pairs(torch.fft.fft(numbers(x), n, axis, norm)),
    ifft=lambda x, n=None, axis=-1, norm="backward": pairs(torch.fft.ifft(numbers(x), n, axis, norm)),
    rfft=lambda x, n=None, axis=-1, norm="backward": pairs(torch.fft.rfft(x, n, axis, norm)),
    irfft=lambda x, n=None, axis=-1, norm="backward": torch.fft.irfft(numbers(x), n, axis, norm), sin=torch.sin,
)  # fmt: skip


def add(cases):
    for n in (1, 2, 3, 5, 6, 7, 8):
        for name in ("fft", "ifft"):
            cases.add(f"sin({name}(x))", x=(-1, 1, n, 2))
        cases.add("sin(rfft(x))", x=(-1, 1, n))
        cases.add(f"sin(irfft(x, {n}))", x=(-1, 1, n // 2 + 1, 2))
    for options in (", 3", ", 6", ", axis=0", ", 5, 0", ", norm='ortho'", ", norm='forward'"):
        cases.add(f"sin(fft(x{options}))", x=(-1, 1, 2, 4, 2))
        cases.add(f"sin(ifft(x{options}))", x=(-1, 1, 2, 4, 2))
        cases.add(f"sin(rfft(x{options}))", x=(-1, 1, 2, 4))
        cases.add(f"sin(irfft(x{options}))", x=(-1, 1, 2, 4, 2))
    cases.add("rfft(x)", dtype="float32", rtol=1e-5, second=False, x=(-1, 1, 2, 8))
