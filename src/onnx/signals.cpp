// Fourier transforms and windows of signals, where complex numbers are pairs along the last axis, as in
// chainrule/fft.h; a last axis of size 1 is real.

#include <cmath>

#include "chainrule/fft.h"
#include "chainrule/indexing.h"
#include "chainrule/shaping.h"
#include "onnx/call.h"
#include "onnx/operators.h"

namespace chainrule::onnx {
namespace {

/// Pairs of real and imaginary parts along the last axis from real numbers, which have a last axis of size 1.
Tensor as_pairs(const Tensor& x) { return x.shape().back() == 2 ? x : pad(x, {0, 1}); }

/// The transform along an axis, of `length` elements, or cut to them; of real x only the first half if
/// onesided. The inverse of half of a spectrum is real.
Values fourier_transform(const Call& call) {
  const Tensor& x = call[0];
  if (x.rank() < 2 || x.shape().back() < 1 || x.shape().back() > 2)
    Call::fail("it needs a last axis of one or two parts, and has shape " + to_string(x.shape()));
  const bool inverse = call.flag("inverse"), onesided = call.flag("onesided");
  std::int64_t axis = call.integer("axis", call.opset() < 20 ? 1 : -2);
  if (call.has(2)) axis = call.whole(2);
  axis = Call::axis(axis, x.rank());
  if (axis + 1 == static_cast<std::int64_t>(x.rank())) Call::fail("its axis is that of the parts");
  std::optional<std::int64_t> length;
  if (call.has(1)) {
    length = call.whole(1);
    const std::int64_t size[] = {
        *length, x.size() / std::max(x.shape()[static_cast<std::size_t>(axis)], std::int64_t{1})};
    call.require_size(size);
  }
  if (inverse && onesided) return one(expand_dims(irfft(as_pairs(x), length, axis), -1));
  const Tensor spectrum = inverse ? ifft(as_pairs(x), length, axis) : fft(as_pairs(x), length, axis);
  if (!onesided) return one(spectrum);
  return one(narrow(spectrum, axis, 0, spectrum.shape()[static_cast<std::size_t>(axis)] / 2 + 1));
}

/// Transforms of frames of a signal (N, length, 1 or 2), one every so many steps, each times a window: (N,
/// frames, frequencies, 2).
Values short_time_transform(const Call& call) {
  const Tensor& x = call[0];
  const bool onesided = call.flag("onesided", true);
  const std::int64_t step = call.whole(1);
  std::int64_t length = 0;
  if (call.has(2)) length = call[2].size();
  if (call.has(3)) length = call.whole(3);
  if (x.rank() != 3 || length < 1 || step < 1 || length > x.shape()[1])
    Call::fail("frames of " + std::to_string(length) + " steps do not fit " + to_string(x.shape()));
  const std::int64_t sizes[] = {x.shape()[0], (x.shape()[1] - length) / step + 1, length, 2};
  call.require_size(sizes);
  if (x.shape().back() == 2 && onesided)
    Call::fail("a complex signal has no spectrum of one side: set 'onesided' to 0");
  Tensor frames = unfold(as_pairs(x), 1, length, step);  // (N, frames, 2, length)
  if (call.has(2)) frames = frames * call[2];
  const Tensor spectrum = fft(swapaxes(frames, 2, 3), {}, 2);
  return one(onesided ? narrow(spectrum, 2, 0, length / 2 + 1) : spectrum);
}

/// A window of so many elements by this function.
template <class F>
Values window(const Call& call, const F& of) {
  const std::int64_t size = call.whole(0);
  const ElementType type = call.element_type("output_datatype", ElementType::float32);
  const std::int64_t sizes[] = {size};
  call.require_size(sizes);
  return one(cast(of(size, call.flag("periodic", true), DType::float64), *dtype_of(type)), type);
}
Values blackman_window(const Call& call) { return window(call, chainrule::blackman_window); }
Values hann_window(const Call& call) { return window(call, chainrule::hann_window); }
/// With 25/46 and 21/46 for the usual 0.54 and 0.46.
Values hamming_window(const Call& call) {
  return window(call, [](std::int64_t size, bool periodic, DType dtype) {
    return (hann_window(size, periodic, dtype) * 42 + 4) / 46;
  });
}

/// (frequencies, bins): triangles whose corners are equally far apart in mels.
Values mel_weights(const Call& call) {
  const std::int64_t bins = call.whole(0), length = call.whole(1), rate = call.whole(2);
  const double low = call.real(3), high = call.real(4);
  const ElementType type = call.element_type("output_datatype", ElementType::float32);
  if (bins < 1 || length < 1 || rate < 1 || !(low >= 0) || !(high >= low))
    Call::fail("its numbers make no filters");
  const std::int64_t spectrum = length / 2 + 1, sizes[] = {spectrum, bins};
  call.require_size(sizes);
  const auto mel = [](double frequency) { return 2595 * std::log10(1 + frequency / 700); };
  const double first = mel(low), step = (mel(high) - first) / static_cast<double>(bins + 2);
  const auto corner = [&](std::int64_t i) {
    const double frequency = 700 * (std::pow(10, (first + static_cast<double>(i) * step) / 2595) - 1);
    return std::floor(static_cast<double>(length + 1) * frequency / static_cast<double>(rate));
  };
  std::vector<double> matrix(static_cast<std::size_t>(spectrum * bins), 0);
  for (std::int64_t bin = 0; bin < bins; ++bin) {
    const double left = corner(bin), top = corner(bin + 1), right = corner(bin + 2);
    for (std::int64_t i = 0; i < spectrum; ++i) {
      const auto at = static_cast<double>(i);
      double& weight = matrix[static_cast<std::size_t>(i * bins + bin)];
      if (at >= left && at <= top) weight = top == left ? 1 : (at - left) / (top - left);
      if (at > top && at < right) weight = (right - at) / (right - top);
    }
  }
  return one(cast(tensor(std::move(matrix), {spectrum, bins}), *dtype_of(type)), type);
}

constexpr Operator table[] = {
    {"BlackmanWindow", blackman_window}, {"DFT", fourier_transform},       {"HammingWindow", hamming_window},
    {"HannWindow", hann_window},         {"MelWeightMatrix", mel_weights}, {"STFT", short_time_transform},
};

}  // namespace

std::span<const Operator> signal_operators() { return table; }

}  // namespace chainrule::onnx
