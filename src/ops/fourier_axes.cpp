// Fourier transforms along several axes, one after another, and what belongs to the axes of spectra.
// fourier.cpp has those along one.

#include <algorithm>

#include "array/axes.h"
#include "chainrule/shaping.h"
#include "ops/fourier.h"

namespace chainrule {
namespace ops {
namespace {

using Sizes = std::vector<std::int64_t>;

/// Axes in their order, and to which length each is brought.
struct TransformedAxes {
  std::vector<std::int64_t> axes;
  std::vector<OptionalInteger> lengths;
};

TransformedAxes transformed_axes(const std::string& name, const Operand& x, bool of_pairs, const Sizes& sizes,
                                 const Axes& axes) {
  const Shape shape = x.as_tensor().shape();
  const Shape without = shape_to_transform(name, shape, of_pairs);
  TransformedAxes all;
  if (axes.list()) {
    for (const std::int64_t axis : *axes.list())
      all.axes.push_back(static_cast<std::int64_t>(normalize_axis(name, axis, without)));
  } else {
    const std::size_t count = sizes.empty() ? without.rank() : sizes.size();
    for (std::size_t i = 0; i < count; ++i)
      all.axes.push_back(static_cast<std::int64_t>(
          normalize_axis(name, static_cast<std::int64_t>(i) - static_cast<std::int64_t>(count), without)));
  }
  std::vector<std::int64_t> sorted = all.axes;
  std::sort(sorted.begin(), sorted.end());
  if (sorted.empty() || std::adjacent_find(sorted.begin(), sorted.end()) != sorted.end())
    throw ShapeError(name + ": " + (sorted.empty() ? "no axis" : "an axis that is named twice") +
                     " of shape " + to_string(shape) + "; name each once, and one at least");
  if (!sizes.empty() && sizes.size() != all.axes.size())
    throw ShapeError(name + ": " + std::to_string(sizes.size()) + " sizes for " +
                     std::to_string(all.axes.size()) + " axes; give one for each");
  all.lengths.resize(all.axes.size());
  for (std::size_t i = 0; i < sizes.size(); ++i) all.lengths[i] = sizes[i];
  return all;
}

using Along = Tensor(const Operand&, OptionalInteger, Integer, FftNorm);

/// fft or ifft along the first `count` of them, from the last to the first.
Tensor along_each(Along& transform, const Operand& x, const TransformedAxes& all, std::size_t count,
                  FftNorm norm) {
  Tensor result = x.as_tensor();
  for (std::size_t i = count; i-- > 0;)
    result = transform({result, x.here()}, all.lengths[i], all.axes[i], norm);
  return result;
}

Tensor forward(const char* name, const Operand& x, const Sizes& sizes, const Axes& axes, FftNorm norm) try {
  const TransformedAxes all = transformed_axes(name, x, true, sizes, axes);
  return along_each(fft, x, all, all.axes.size(), norm);
} catch (...) {
  rethrow_in_call(name, x);
}
Tensor backward(const char* name, const Operand& y, const Sizes& sizes, const Axes& axes, FftNorm norm) try {
  const TransformedAxes all = transformed_axes(name, y, true, sizes, axes);
  return along_each(ifft, y, all, all.axes.size(), norm);
} catch (...) {
  rethrow_in_call(name, y);
}
Tensor real_forward(const char* name, const Operand& x, const Sizes& sizes, const Axes& axes,
                    FftNorm norm) try {
  const TransformedAxes all = transformed_axes(name, x, false, sizes, axes);
  const Tensor half = rfft(x, all.lengths.back(), all.axes.back(), norm);
  return along_each(fft, {half, x.here()}, all, all.axes.size() - 1, norm);
} catch (...) {
  rethrow_in_call(name, x);
}
Tensor real_backward(const char* name, const Operand& y, const Sizes& sizes, const Axes& axes,
                     FftNorm norm) try {
  const TransformedAxes all = transformed_axes(name, y, true, sizes, axes);
  const Tensor half = along_each(ifft, y, all, all.axes.size() - 1, norm);
  return irfft({half, y.here()}, all.lengths.back(), all.axes.back(), norm);
} catch (...) {
  rethrow_in_call(name, y);
}

using AlongAll = Tensor(const Operand&, const Sizes&, const Axes&, FftNorm);

template <AlongAll* function, bool of_two = false>
constexpr Entry entry(std::string_view name, std::string_view formula, std::string_view example) {
  return {.name = name,
          .parameters = "x|a|input, sizes|s=None, axes|axis|dim=None, norm='backward'",
          .call = [](Arguments& a) -> Result {
            std::vector<std::int64_t> sizes;
            if (a.given(1)) sizes = a.integers(1);
            double elements = 1;
            for (const std::int64_t size : sizes) elements *= std::max(1.0, static_cast<double>(size));
            if (elements > static_cast<double>(a.most_elements())) a.fail(1, "sizes that fit into memory");
            return function(a[0], sizes, of_two && !a.given(2) ? Axes{-2, -1} : a.axes(2), norm_of(a, 3));
          },
          .formula = formula,
          .example = example,
          .note = of_two ? "of the last two axes unless told; pairs along a last axis are not counted"
                         : "of all axes unless told; pairs along a last axis are not counted"};
}

/// 1 / (n d) times 0, 1, ..., `positive` numbers, and then the negative ones up to n.
Tensor frequencies(const std::string& name, std::int64_t n, double d, std::int64_t positive,
                   std::int64_t count, DType dtype) {
  if (n < 1 || !(d != 0))
    throw ShapeError(name + ": " + std::to_string(n) + " elements that are " + std::to_string(d) +
                     " apart; there must be one at least, and their distance not be 0");
  std::vector<double> all(static_cast<std::size_t>(count));
  for (std::int64_t i = 0; i < count; ++i)
    all[static_cast<std::size_t>(i)] =
        static_cast<double>(i < positive ? i : i - n) / (static_cast<double>(n) * d);
  return cast(tensor(std::move(all)), dtype);
}

Tensor shifted(const std::string& name, const Operand& x, const Axes& axes, bool back) {
  const Shape shape = x.as_tensor().shape();
  std::vector<std::int64_t> shifts;
  if (!axes.list()) throw ShapeError(name + ": no axes for shape " + to_string(shape) + "; name them");
  for (const std::int64_t axis : *axes.list()) {
    const std::int64_t n = shape[normalize_axis(name, axis, shape)];
    shifts.push_back(back ? n - n / 2 : n / 2);
  }
  return roll(x, shifts, axes);
}

}  // namespace
}  // namespace ops

#define CHAINRULE_ALONG_AXES(name, function)                                                              \
  Tensor name(const Operand& x, const std::vector<std::int64_t>& sizes, const Axes& axes, FftNorm norm) { \
    return ops::function(#name, x, sizes, axes, norm);                                                    \
  }

CHAINRULE_ALONG_AXES(fftn, forward)
CHAINRULE_ALONG_AXES(ifftn, backward)
CHAINRULE_ALONG_AXES(rfftn, real_forward)
CHAINRULE_ALONG_AXES(irfftn, real_backward)
CHAINRULE_ALONG_AXES(fft2, forward)
CHAINRULE_ALONG_AXES(ifft2, backward)
CHAINRULE_ALONG_AXES(rfft2, real_forward)
CHAINRULE_ALONG_AXES(irfft2, real_backward)

#undef CHAINRULE_ALONG_AXES

Tensor fftfreq(Integer n, double d, DType dtype) {
  return ops::frequencies("fftfreq", n, d, (n + 1) / 2, n, dtype);
}
Tensor rfftfreq(Integer n, double d, DType dtype) {
  return ops::frequencies("rfftfreq", n, d, n, n / 2 + 1, dtype);
}

Tensor fftshift(const Operand& x, const Axes& axes) try {
  return ops::shifted("fftshift", x, axes, false);
} catch (...) {
  rethrow_in_call("fftshift", x);
}
Tensor ifftshift(const Operand& x, const Axes& axes) try {
  return ops::shifted("ifftshift", x, axes, true);
} catch (...) {
  rethrow_in_call("ifftshift", x);
}

namespace ops {

Entries fourier_axis_operations() {
  constexpr std::string_view frequency = "n, d=1.0, dtype=None";
  static constexpr Entry table[] = {
      entry<fftn>("fftn", "as fft, along each axis", "fftn([[1, 0], [2, 0], [3, 0]])"),
      entry<ifftn>("ifftn", "as ifft, along each axis", "ifftn([[6, 0], [0, 0], [0, 0]])"),
      entry<rfftn>("rfftn", "as rfft along the last axis, as fft along the others",
                   "rfftn([[1, 2], [3, 4]])"),
      entry<irfftn>("irfftn", "the inverse of rfftn", "irfftn([[[10, 0], [-2, 0]], [[-4, 0], [0, 0]]])"),
      entry<fft2, true>("fft2", "as fftn", "fft2([[[1, 0], [2, 0]]])"),
      entry<ifft2, true>("ifft2", "as ifftn", "ifft2([[[3, 0], [-1, 0]]])"),
      entry<rfft2, true>("rfft2", "as rfftn", "rfft2([[1, 2], [3, 4]])"),
      entry<irfft2, true>("irfft2", "as irfftn", "irfft2([[[10, 0], [-2, 0]], [[-4, 0], [0, 0]]])"),
      {.name = "fftfreq",
       .parameters = frequency,
       .call = [](Arguments& a) -> Result {
         return fftfreq(a.shape(0).size(), a.number(1), a.dtype_of_new(2));
       },
       .formula = "no gradient",
       .example = "fftfreq(4)",
       .differentiable = false},
      {.name = "rfftfreq",
       .parameters = frequency,
       .call = [](Arguments& a) -> Result {
         return rfftfreq(a.shape(0).size(), a.number(1), a.dtype_of_new(2));
       },
       .formula = "no gradient",
       .example = "rfftfreq(4)",
       .differentiable = false},
      {.name = "fftshift",
       .parameters = "x|input, axes|axis|dim",
       .call = call<fftshift>,
       .formula = "the gradient rolled back",
       .example = "fftshift([0, 1, -2, -1], 0)",
       .note = "axes count as they are, that of pairs, too"},
      {.name = "ifftshift",
       .parameters = "x|input, axes|axis|dim",
       .call = call<ifftshift>,
       .formula = "the gradient rolled back",
       .example = "ifftshift([-2, -1, 0, 1], 0)",
       .note = "axes count as they are, that of pairs, too"},
  };
  return table;
}

}  // namespace ops
}  // namespace chainrule
