/// \file
/// Discrete Fourier transforms along axes, of complex numbers that are pairs of real ones, and spectra of the
/// frames of signals. FFTW 3 computes them, which is loaded by the first call.

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

// ---- Along several axes ------------------------------------------------------------------------------
//
// One transform after another: along all axes, or those given, which count without that of pairs. `sizes` is
// what x is cut off or filled up to along each; without axes, along as many last ones. ShapeError for an axis
// that is named twice.

/// fft and its inverse along each of the axes.
Tensor fftn(const Operand& x, const std::vector<std::int64_t>& sizes = {}, const Axes& axes = {},
            FftNorm norm = FftNorm::backward);
Tensor ifftn(const Operand& y, const std::vector<std::int64_t>& sizes = {}, const Axes& axes = {},
             FftNorm norm = FftNorm::backward);
/// rfft of real numbers along the last of the axes, then fft along the others; and its inverse, whose last
/// size is that of the result.
Tensor rfftn(const Operand& x, const std::vector<std::int64_t>& sizes = {}, const Axes& axes = {},
             FftNorm norm = FftNorm::backward);
Tensor irfftn(const Operand& y, const std::vector<std::int64_t>& sizes = {}, const Axes& axes = {},
              FftNorm norm = FftNorm::backward);
/// The same along the last two axes, unless told.
Tensor fft2(const Operand& x, const std::vector<std::int64_t>& sizes = {}, const Axes& axes = {-2, -1},
            FftNorm norm = FftNorm::backward);
Tensor ifft2(const Operand& y, const std::vector<std::int64_t>& sizes = {}, const Axes& axes = {-2, -1},
             FftNorm norm = FftNorm::backward);
Tensor rfft2(const Operand& x, const std::vector<std::int64_t>& sizes = {}, const Axes& axes = {-2, -1},
             FftNorm norm = FftNorm::backward);
Tensor irfft2(const Operand& y, const std::vector<std::int64_t>& sizes = {}, const Axes& axes = {-2, -1},
              FftNorm norm = FftNorm::backward);

/// The frequencies of fft's n elements, of samples that are d apart, in cycles per unit of d: 0, 1, ..., and
/// then the negative ones, each divided by n d. rfftfreq: those of rfft, none of which is negative.
Tensor fftfreq(Integer n, double d = 1, DType dtype = default_dtype());
Tensor rfftfreq(Integer n, double d = 1, DType dtype = default_dtype());
/// x with frequency 0 in the middle of these axes, which count as they are: the last one of pairs, too.
/// ifftshift: back.
Tensor fftshift(const Operand& x, const Axes& axes);
Tensor ifftshift(const Operand& x, const Axes& axes);

// ---- Signals -----------------------------------------------------------------------------------------

/// (n,): 0.5 - 0.5 cos(2πi/n); hamming_window: 0.54 - 0.46 cos; blackman_window: 0.42 - 0.5 cos(2πi/n) + 0.08
/// cos(4πi/n). Not periodic: with n - 1 for n, so that both ends are equal.
Tensor hann_window(Integer n, Flag periodic = true, DType dtype = default_dtype());
Tensor hamming_window(Integer n, Flag periodic = true, DType dtype = default_dtype());
Tensor blackman_window(Integer n, Flag periodic = true, DType dtype = default_dtype());
/// With t = 2i/n - 1 the triangle 1 - |t|, and Kaiser's I₀(beta √(1 - t²)) / I₀(beta).
Tensor bartlett_window(Integer n, Flag periodic = true, DType dtype = default_dtype());
Tensor kaiser_window(Integer n, Flag periodic = true, double beta = 12, DType dtype = default_dtype());

/// Of stft() and istft(), as PyTorch's.
struct StftOptions {
  OptionalInteger hop = {};  ///< from one frame to the next; a quarter of a frame unless given
  /// What frames are multiplied with: as long as a frame, or shorter, and then in its middle. None is all 1.
  Tensor window = {};
  bool center = true;       ///< is frame i about element i · hop? The signal is mirrored at its ends then
  bool normalized = false;  ///< is each spectrum divided by the root of the length of frames?
  bool onesided = true;     ///< only the frequencies that are not negative
};
/// The spectra of frames of `length` elements of a real signal x (..., n): (..., frequencies, frames, 2).
/// ShapeError for a signal shorter than a frame, and a window longer than one.
Tensor stft(const Operand& x, Integer length, const StftOptions& options = {});
/// The signal (..., n) of such spectra: frames times the window, added up and divided by the sum of its
/// squares, which is the least-squares inverse (Griffin and Lim, 1984). Cut off or filled up to n. Of
/// spectra of both sides only the frequencies are read that are not negative. ShapeError where that sum is 0.
Tensor istft(const Operand& spectra, Integer length, const StftOptions& options = {}, OptionalInteger n = {});

}  // namespace chainrule
