"""Fourier transforms; complex numbers are pairs along a last axis."""
import torch

pairs, numbers = torch.view_as_real, lambda y: torch.view_as_complex(y.contiguous())
NAMES = dict(
    fft=lambda x, n=None, axis=-1, norm="backward": pairs(torch.fft.fft(numbers(x), n, axis, norm)),
    ifft=lambda x, n=None, axis=-1, norm="backward": pairs(torch.fft.ifft(numbers(x), n, axis, norm)),
    rfft=lambda x, n=None, axis=-1, norm="backward": pairs(torch.fft.rfft(x, n, axis, norm)),
    irfft=lambda x, n=None, axis=-1, norm="backward": torch.fft.irfft(numbers(x), n, axis, norm), sin=torch.sin,
    fftn=lambda x, s=None, axes=None, norm="backward": pairs(torch.fft.fftn(numbers(x), s, axes, norm)),
    ifftn=lambda x, s=None, axes=None, norm="backward": pairs(torch.fft.ifftn(numbers(x), s, axes, norm)),
    rfftn=lambda x, s=None, axes=None, norm="backward": pairs(torch.fft.rfftn(x, s, axes, norm)),
    irfftn=lambda x, s=None, axes=None, norm="backward": torch.fft.irfftn(numbers(x), s, axes, norm),
    fft2=lambda x, s=None: pairs(torch.fft.fft2(numbers(x), s)), ifft2=lambda x: pairs(torch.fft.ifft2(numbers(x))),
    rfft2=lambda x: pairs(torch.fft.rfft2(x)), irfft2=lambda x: torch.fft.irfft2(numbers(x)),
    fftfreq=torch.fft.fftfreq, rfftfreq=torch.fft.rfftfreq, fftshift=torch.fft.fftshift, ifftshift=torch.fft.ifftshift,
    hann_window=torch.hann_window, hamming_window=torch.hamming_window, blackman_window=torch.blackman_window,
    bartlett_window=torch.bartlett_window, kaiser_window=torch.kaiser_window,
    stft=lambda x, length, hop=None, window=None, center=True, normalized=False, onesided=True: pairs(torch.stft(
        x, length, hop, None if window is None else len(window), window, center, "reflect", normalized, onesided, True)),
    istft=lambda x, length, hop=None, window=None, center=True, normalized=False, onesided=True, n=None: torch.istft(
        numbers(x), length, hop, None if window is None else len(window), window, center, normalized, onesided, n),
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
    for options in ("", ", (3, 4)", ", (2, 5), (1, 0)", ", axes=(0,)", ", norm='ortho'", ", norm='forward'", ", (6,)"):
        cases.add(f"sin(fftn(x{options}))", x=(-1, 1, 2, 4, 2))
        cases.add(f"sin(ifftn(x{options}))", x=(-1, 1, 2, 4, 2))
        cases.add(f"sin(rfftn(x{options}))", x=(-1, 1, 2, 4))
        cases.add(f"sin(irfftn(x{options}))", x=(-1, 1, 2, 4, 2))
    for name in ("fft2", "ifft2", "irfft2"):
        cases.add(f"sin({name}(x))", x=(-1, 1, 2, 3, 4, 2))
    cases.add("sin(rfft2(x))", x=(-1, 1, 2, 3, 4))
    for n in (1, 4, 5):
        cases.add(f"fftfreq({n}, 0.5)")
        cases.add(f"rfftfreq({n}, 0.5)")
        cases.add("sin(fftshift(x, 0))", x=(-1, 1, n, 2))
        cases.add("sin(ifftshift(x, (0, 1)))", x=(-1, 1, n, 3))
        cases.add(f"kaiser_window({n}, False, 5.5)", rtol=1e-9)
        for name in ("hann_window", "hamming_window", "blackman_window", "bartlett_window", "kaiser_window"):
            cases.add(f"{name}({n})")
            cases.add(f"{name}({n}, False)")
    for options in ("4", "4, 2", "5, 3, w", "4, 2, w, False", "6, 1, w, normalized=True", "4, 3, w, onesided=False"):
        window = dict(w=(0.5, 1.5, 3 if options[0] == "5" else int(options[0]))) if "w" in options.split(", ") else {}
        cases.add(f"sin(stft(x, {options}))", x=(-1, 1, 2, 9), **window)
    for options in ("4", "4, 2", "5, 3, w", "6, 1, w, normalized=True", "4, 3, w, onesided=False", "4, 2, n=9", "4, 1, n=4"):
        window = dict(w=(0.5, 1.5, int(options[0]))) if "w" in options.split(", ") else {}
        cases.add(f"sin(istft(x, {options}))", x=(-1, 1, 2, int(options[0]) // 2 + 1 if "onesided" not in options else 4, 5, 2), **window)
