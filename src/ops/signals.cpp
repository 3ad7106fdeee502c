// Windows, and the spectra of the frames of signals.
// Relies on transforms along one axis (fourier.cpp).

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "array/number_text.h"
#include "chainrule/fft.h"
#include "chainrule/functions.h"
#include "chainrule/shaping.h"
#include "ops/elementwise.h"
#include "ops/registry.h"
#include "ops/shaping/windows.h"

namespace chainrule {
namespace ops {
namespace {

/// a₀ - a₁ cos(2πi/n) + a₂ cos(4πi/n).
Tensor window(const std::string& name, std::int64_t size, bool periodic, double a0, double a1, double a2,
              DType dtype) {
  if (size < 0) throw ShapeError(name + ": a size of " + std::to_string(size) + "; give 0 or more");
  std::vector<double> numbers(static_cast<std::size_t>(Shape{size}.size()));
  const auto n = static_cast<double>(periodic ? size : size - 1);
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    const double angle = 2 * std::numbers::pi * static_cast<double>(i) / n;
    numbers[i] = size == 1 ? 1 : a0 - a1 * std::cos(angle) + a2 * std::cos(2 * angle);
  }
  return cast(tensor(std::move(numbers)), dtype);
}

/// What the frames of both transforms have in common.
struct Frames {
  std::int64_t length, hop;
  Tensor window;  ///< as long as a frame; empty for all 1

  Frames(const std::string& name, std::int64_t frame_length, const StftOptions& options, DType dtype)
      : length(frame_length), hop(options.hop.value_or(std::max<std::int64_t>(1, frame_length / 4))) {
    if (length < 1 || hop < 1)
      throw ShapeError(name + ": frames of " + std::to_string(length) + " elements, one every " +
                       std::to_string(hop) + "; both must be at least 1");
    if (options.window.is_empty()) return;
    const Shape shape = options.window.shape();
    if (shape.rank() != 1 || shape[0] > length)
      throw ShapeError(name + ": a window of shape " + to_string(shape) + " for frames of " +
                       std::to_string(length) + " elements; give a vector that is not longer");
    const std::int64_t missing = length - shape[0], before = missing / 2;
    window = cast(options.window, dtype);
    if (missing > 0) window = pad(window, {before, missing - before});
  }
  Tensor windowed(const Tensor& frames) const { return window.is_empty() ? frames : frames * window; }
};

}  // namespace
}  // namespace ops

Tensor hann_window(Integer n, Flag periodic, DType dtype) {
  return ops::window("hann_window", n, periodic, 0.5, 0.5, 0, dtype);
}
Tensor hamming_window(Integer n, Flag periodic, DType dtype) {
  return ops::window("hamming_window", n, periodic, 0.54, 0.46, 0, dtype);
}
Tensor blackman_window(Integer n, Flag periodic, DType dtype) {
  return ops::window("blackman_window", n, periodic, 0.42, 0.5, 0.08, dtype);
}

namespace ops {

/// The n numbers from -1 towards 1, which is the last one unless it is periodic. One is 0.
static Tensor ramp(const std::string& name, std::int64_t n, bool periodic) {
  if (n < 0) throw ShapeError(name + ": a size of " + std::to_string(n) + "; give 0 or more");
  if (n == 1) return zeros({1}, DType::float64);
  return arange(n, DType::float64) * 2 / static_cast<double>(periodic ? n : n - 1) - 1;
}

}  // namespace ops

Tensor bartlett_window(Integer n, Flag periodic, DType dtype) {
  return cast(1 - abs(ops::ramp("bartlett_window", n, periodic)), dtype);
}
Tensor kaiser_window(Integer n, Flag periodic, double beta, DType dtype) {
  const Tensor at = ops::ramp("kaiser_window", n, periodic);
  if (!(std::abs(beta) < std::numeric_limits<double>::infinity()))
    throw ShapeError("kaiser_window: beta is " + number_text(beta) + "; it must be finite");
  // Of the scaled function, which does not overflow.
  const Tensor under = beta * sqrt(1 - square(at));
  return cast(i0e(under) / i0e(beta) * exp(abs(under) - std::abs(beta)), dtype);
}

Tensor stft(const Operand& x, Integer length, const StftOptions& options) try {
  const DType dtype = ops::real_dtype(ops::dtype_of(x));
  Tensor signal = x.as(dtype);
  const ops::Frames of("stft", length, options, dtype);
  const std::int64_t half = options.center ? of.length / 2 : 0;
  const bool is_short = signal.rank() > 0 && (signal.shape().back() + 2 * half < of.length ||
                                              (options.center && signal.shape().back() <= half));
  if (signal.rank() == 0 || is_short)
    throw ShapeError("stft: a signal of shape " + to_string(signal.shape()) + " for frames of " +
                     std::to_string(of.length) + " elements" +
                     (options.center ? ", half of which are mirrored at its ends" : "") +
                     "; it must be longer, or the frames shorter");
  if (half > 0) signal = pad(signal, {half, half}, PadMode::reflect);
  const Tensor frames = of.windowed(unfold(signal, -1, of.length, of.hop));
  const FftNorm norm = options.normalized ? FftNorm::ortho : FftNorm::backward;
  const Tensor spectra =
      options.onesided ? rfft(frames, {}, -1, norm) : fft(pad(unsqueeze(frames, -1), {0, 1}), {}, -1, norm);
  return swapaxes({spectra, x.here()}, -2, -3);
} catch (...) {
  rethrow_in_call("stft", x);
}

Tensor istft(const Operand& spectra, Integer length, const StftOptions& options, OptionalInteger n) try {
  const DType dtype = ops::real_dtype(ops::dtype_of(spectra));
  const Tensor in = spectra.as(dtype);
  const ops::Frames of("istft", length, options, dtype);
  const std::int64_t wanted = options.onesided ? of.length / 2 + 1 : of.length;
  const Shape& shape = in.shape();
  if (shape.rank() < 3 || shape.back() != 2 || shape[shape.rank() - 3] != wanted ||
      shape[shape.rank() - 2] < 1)
    throw ShapeError("istft: spectra of shape " + to_string(shape) + " for frames of " +
                     std::to_string(of.length) + " elements; they must be (..., " + std::to_string(wanted) +
                     ", frames, 2)");
  const FftNorm norm = options.normalized ? FftNorm::ortho : FftNorm::backward;
  const Tensor by_frame = swapaxes(in, -2, -3);
  const Tensor half_spectra = options.onesided ? by_frame : narrow(by_frame, -2, 0, of.length / 2 + 1);
  const Tensor frames = irfft(half_spectra, of.length, -1, norm);
  const std::int64_t count = shape[shape.rank() - 2];
  const auto fail_by_gaps = [&] {
    throw ShapeError("istft: windows of frames that are " + std::to_string(of.hop) +
                     " apart add up to 0 somewhere, where nothing is known of the signal; use another window "
                     "or a smaller hop");
  };
  std::int64_t whole = 0;
  if (__builtin_mul_overflow(of.hop, count - 1, &whole) || __builtin_add_overflow(whole, of.length, &whole))
    fail_by_gaps();
  const auto overlapped = [&](const Tensor& each) {  // (..., count, length) as (..., whole)
    const ops::TakeWindows frames_of{{}, each.rank() - 2, of.length, of.hop};
    return apply(ops::AddWindows{{}, frames_of, whole}, spectra.here(), Argument(each));
  };
  const Tensor squares = of.window.is_empty() ? ones({of.length}, dtype) : square(of.window);
  const std::int64_t half = options.center ? of.length / 2 : 0;
  const std::int64_t kept = std::max<std::int64_t>(0, std::min(n.value_or(whole - 2 * half), whole - half));
  const Tensor sums = narrow(overlapped(of.windowed(frames)), -1, half, kept);
  const Tensor weights = narrow(overlapped(broadcast_to(squares, {count, of.length})), -1, half, kept);
  if (kept > 0 && !(min(weights).detach().item() > 1e-11)) fail_by_gaps();
  const Tensor signal = div({sums, spectra.here()}, weights);
  return n.value_or(kept) > kept ? pad({signal, spectra.here()}, {0, *n - kept}) : signal;
} catch (...) {
  rethrow_in_call("istft", spectra);
}

namespace ops {
namespace {

using WindowOf = Tensor(Integer, Flag, DType);

template <WindowOf* function>
constexpr Entry window_entry(std::string_view name, std::string_view example) {
  return {.name = name,
          .parameters = "n|window_length|M, periodic=True, dtype=None",
          .call = [](Arguments& a) -> Result {
            return function(a.shape(0).size(), a.flag(1), a.dtype_of_new(2));
          },
          .formula = "no gradient",
          .example = example,
          .note = "periodic unless told, as PyTorch's; NumPy's are not",
          .differentiable = false};
}

/// Spectra of which it is not said whether they are of both sides have so many frequencies.
StftOptions stft_options(Arguments& a) {
  const Shape& shape = a.tensor(0).shape();
  const bool are_all = !a.given(6) && shape.rank() > 2 && shape[shape.rank() - 3] == a.integer(1);
  StftOptions options = {
      .center = a.flag(4), .normalized = a.flag(5), .onesided = a.given(6) ? a.flag(6) : !are_all};
  if (a.given(2)) options.hop = a.integer(2);
  if (a.given(3)) options.window = a.tensor(3);
  return options;
}

}  // namespace

Entries signal_operations() {
  constexpr std::string_view pairs = "complex numbers are pairs along a last axis of size 2";
  static constexpr Entry table[] = {
      window_entry<hann_window>("hann_window", "hann_window(4)"),
      window_entry<hamming_window>("hamming_window", "hamming_window(4)"),
      window_entry<blackman_window>("blackman_window", "blackman_window(4)"),
      window_entry<bartlett_window>("bartlett_window", "bartlett_window(4)"),
      {.name = "kaiser_window",
       .parameters = "n|window_length|M, periodic=True, beta=12.0, dtype=None",
       .call = [](Arguments& a) -> Result {
         return kaiser_window(a.shape(0).size(), a.flag(1), a.number(2), a.dtype_of_new(3));
       },
       .formula = "no gradient",
       .example = "kaiser_window(4)",
       .note = "periodic unless told, as PyTorch's; NumPy's is not",
       .differentiable = false},
      {.name = "stft",
       .parameters = "x|input, length|n_fft, hop|hop_length=None, window=None, center=True, "
                     "normalized=False, onesided=True",
       .call = [](Arguments& a) -> Result {
         const StftOptions options = stft_options(a);
         const double frames =
             1 + static_cast<double>(a.tensor(0).size()) /
                     static_cast<double>(std::max<std::int64_t>(1, options.hop.value_or(1)));
         if (frames * static_cast<double>(a.integer(1)) > static_cast<double>(a.most_elements()))
           a.fail(1, "smaller, or the hop larger, to fit into memory");
         return stft(a[0], a.integer(1), options);
       },
       .formula = "as rfft of the frames",
       .example = "stft([1, 2, 3, 4], 2)",
       .note = pairs},
      {.name = "istft",
       .parameters =
           "spectra|input, length|n_fft, hop|hop_length=None, window=None, center=True, normalized=False, "
           "onesided=None, n|signal_length=None",
       .call = [](Arguments& a) -> Result {
         const StftOptions options = stft_options(a);
         const double hop = static_cast<double>(options.hop.value_or(1));
         const double more = a.given(7) ? static_cast<double>(a.integer(7)) : 0;
         if (hop * static_cast<double>(a.tensor(0).size()) + more + static_cast<double>(a.integer(1)) >
             static_cast<double>(a.most_elements()))
           a.fail(1, "smaller, as the hop and the signal, to fit into memory");
         return istft(a[0], a.integer(1), options,
                      a.given(7) ? OptionalInteger(a.integer(7)) : OptionalInteger());
       },
       .formula = "as irfft of the frames, divided by the sum of the squares of the window",
       .example = "istft([[[3, 0], [5, 0]], [[-1, 0], [-1, 0]]], 2, 2, center=False)",
       .note = pairs},
  };
  return table;
}

}  // namespace ops
}  // namespace chainrule
