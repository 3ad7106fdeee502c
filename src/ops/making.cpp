// Tensors made from nothing, or changed in no element.
// Relies on kernels/steps.h for their elements.

#include <algorithm>
#include <cmath>

#include "chainrule/shaping.h"
#include "graph/apply.h"
#include "kernels/steps.h"

namespace chainrule {
namespace ops {
namespace {

template <class Number>
Tensor counted(Number start, Number step, std::int64_t count, DType dtype) {
  Array out = new_array("arange", {count}, dtype);
  // Whole numbers up to here are exact in double.
  constexpr double exact = std::is_integral_v<Number> ? 0x1p53 : std::numeric_limits<double>::infinity();
  const auto from = static_cast<double>(start), by = static_cast<double>(step);
  const bool in_double = std::abs(from) + std::abs(by) * static_cast<double>(count) <= exact;
  dispatch_stored(dtype, [&]<class T>() {
    T* const to = out.mutable_data<T>();
    if constexpr (std::is_floating_point_v<T>)
      if (in_double) return kernels::fill_steps(to, count, from, 0, by);
    for (std::int64_t i = 0; i < count; ++i) to[i] = convert<T>(start + static_cast<Number>(i) * step);
  });
  return constant(std::move(out));
}

void require_step(bool is_zero) {
  if (is_zero) throw ShapeError("arange: a step of 0 goes nowhere; give another");
}

}  // namespace
}  // namespace ops

Tensor eye(Integer n, OptionalInteger columns, DType dtype, Here here) try {
  const Shape shape = {n, columns.value_or(n)};
  Array out = new_array("eye", shape, dtype);
  dispatch_stored(dtype, [&]<class T>() {
    T* const to = out.mutable_data<T>();
    std::fill_n(to, out.size(), T(0));
    for (std::int64_t i = 0; i < std::min(shape[0], shape[1]); ++i) to[i * (shape[1] + 1)] = T(1);
  });
  return constant(std::move(out));
} catch (...) {
  rethrow_in_call(here);
}

Tensor full_like(const Tensor& x, double value, Here here) try {
  return full(x.shape(), value, x.dtype());
} catch (...) {
  rethrow_in_call("full_like", here, {&x});
}

Tensor arange(Integer first, Integer end, Integer by, DType dtype, Here here) try {
  const std::int64_t start = first, stop = end, step = by;
  ops::require_step(step == 0);
  // Without a sign, in which nothing overflows.
  const auto from = static_cast<std::uint64_t>(start), to = static_cast<std::uint64_t>(stop);
  const std::uint64_t stride =
      step > 0 ? static_cast<std::uint64_t>(step) : 0 - static_cast<std::uint64_t>(step);
  const bool any = step > 0 ? start < stop : start > stop;
  const std::uint64_t count = any ? ((step > 0 ? to - from : from - to) - 1) / stride + 1 : 0;
  if (count > std::uint64_t{1} << 62)
    throw ShapeError("arange: from " + std::to_string(start) + " to " + std::to_string(stop) +
                     " are too many elements; give a larger step");
  return ops::counted(start, step, static_cast<std::int64_t>(count), dtype);
} catch (...) {
  rethrow_in_call(here);
}

Tensor detail::arange_of_reals(double start, double stop, double step, DType dtype, Here here) try {
  ops::require_step(step == 0);
  const double count = std::ceil((stop - start) / step);
  if (!(count < 0x1p62))  // NaN, too
    throw ShapeError("arange: from " + to_string(tensor(start)) + " to " + to_string(tensor(stop)) + " by " +
                     to_string(tensor(step)) + " are too many elements; give finite numbers");
  return ops::counted(start, step, static_cast<std::int64_t>(std::max(count, 0.0)), dtype);
} catch (...) {
  rethrow_in_call(here);
}

Tensor logspace(double start, double stop, Integer count, double base, DType dtype, Here here) try {
  return cast(pow(base, linspace(start, stop, count, DType::float64)), dtype);
} catch (...) {
  rethrow_in_call("logspace", here, {});
}

namespace {

Tensor repeat(std::string_view operation, const Shape& shape, double value, DType dtype, Here here) try {
  Array out = new_array(operation, shape, dtype);
  dispatch_stored(dtype, [&]<class T>() {
    const T element = convert<T>(value);
    kernels::fill(out.mutable_raw(), out.size(), &element, sizeof element);
  });
  return constant(std::move(out));
} catch (...) {
  rethrow_in_call(here);
}

}  // namespace

Tensor full(const Shape& shape, double value, DType dtype, Here here) {
  return repeat("full", shape, value, dtype, here);
}
Tensor zeros(const Shape& shape, DType dtype, Here here) { return repeat("zeros", shape, 0, dtype, here); }
Tensor ones(const Shape& shape, DType dtype, Here here) { return repeat("ones", shape, 1, dtype, here); }

namespace {

Tensor repeat_like(std::string_view operation, const Tensor& tensor, double value, Here here) try {
  return repeat(operation, tensor.shape(), value, tensor.dtype(), here);
} catch (...) {
  rethrow_in_call(here, {&tensor});
}

}  // namespace

Tensor zeros_like(const Tensor& tensor, Here here) { return repeat_like("zeros_like", tensor, 0, here); }
Tensor ones_like(const Tensor& tensor, Here here) { return repeat_like("ones_like", tensor, 1, here); }

Tensor arange(Integer first, Integer end, DType dtype, Here here) try {
  const std::int64_t start = first, stop = end;
  std::int64_t count = 0;
  if (stop > start && __builtin_sub_overflow(stop, start, &count))
    throw ShapeError("arange: " + std::to_string(start) + " to " + std::to_string(stop) +
                     " are too many elements; their number must be below 2⁶³");
  return ops::counted<std::int64_t>(start, 1, count, dtype);
} catch (...) {
  rethrow_in_call(here);
}

Tensor linspace(double start, double stop, Integer size, DType dtype, Here here) try {
  const std::int64_t count = size;
  Array out = new_array("linspace", {count}, dtype);
  // From both ends, so that both are exact, and -x is there where x is.
  const auto steps = static_cast<double>(std::max<std::int64_t>(count - 1, 1));
  const double step = count > 1 ? (stop - start) / steps : 0;
  const std::int64_t half = (count + 1) / 2;
  dispatch_stored(dtype, [&]<class T>() {
    T* const to = out.mutable_data<T>();
    if constexpr (std::is_floating_point_v<T>) {
      kernels::fill_steps(to, half, start, 0, step);
      kernels::fill_steps(to + half, count - half, stop, static_cast<double>(half) - steps, step);
    } else {
      for (std::int64_t i = 0; i < count; ++i) {
        const auto at = static_cast<double>(i);
        to[i] = convert<T>(i < half ? start + at * step : stop + (at - steps) * step);
      }
    }
  });
  return constant(std::move(out));
} catch (...) {
  rethrow_in_call(here);
}

}  // namespace chainrule
