/// \file
/// Discrete Fourier transforms along an axis, of complex numbers that are pairs of real ones. FFTW 3 computes
/// them, which is loaded by the first call.

#pragma once

#include <optional>

#include "chainrule/ops.h"

/// Discrete Fourier transforms along an axis. There are no complex dtypes: a complex number is a pair along a
/// last axis of size 2, real part first, as PyTorch's view_as_real has it, and `axis` counts without that
/// axis. float32 and float64; whole numbers become the default float. Any length; O(n log n) also for primes.
/// They need FFTW 3 at run time (libfftw3-double3 and libfftw3-single3), which is loaded by the first call;
/// std::runtime_error where it is missing.
///
/// All are linear, and the derivative of each is made of another one, so that those of any order follow.
namespace CHAINRULE_API chainrule {

/// What is divided by n, or by √n: the inverse transform, both, or the forward one.
enum class FftNorm : std::uint8_t { backward, ortho, forward };

/// yₖ = Σⱼ xⱼ e^(−2πi jk/n): (..., n, ..., 2) from pairs of the same shape. Where n is given, x is cut off or
/// filled up with zeros to that length first, in all four of them. ShapeError when the last axis is not of
/// size 2, when there is no such axis, and for lengths below 1.
Tensor fft(const Operand& x, OptionalInteger n = {}, Integer axis = -1, FftNorm norm = FftNorm::backward);
/// The inverse: xⱼ = Σₖ yₖ e^(2πi jk/n) / n.
Tensor ifft(const Operand& y, OptionalInteger n = {}, Integer axis = -1, FftNorm norm = FftNorm::backward);
/// Of real x (..., n, ...), the first half of fft: (..., n / 2 + 1, ..., 2). The other half is its mirror
/// image, conjugated.
Tensor rfft(const Operand& x, OptionalInteger n = {}, Integer axis = -1, FftNorm norm = FftNorm::backward);
/// Its inverse: real (..., n, ...) from pairs (..., n / 2 + 1, ..., 2). Without n, that is 2 (m - 1) for m
/// pairs. The imaginary parts at frequency 0 and, for even n, at the highest one are not read, and have the
/// gradient 0.
Tensor irfft(const Operand& y, OptionalInteger n = {}, Integer axis = -1, FftNorm norm = FftNorm::backward);

}  // namespace chainrule
