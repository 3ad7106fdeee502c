// Parameters of distributions: checks of all samples of a vmap at once, and calls by name.

#include "ops/statistics/parameters.h"

#include <algorithm>
#include <string>

#include "ops/samples.h"

namespace chainrule::ops {

void require(std::string_view name, std::string_view what, const Tensor& x, FunctionRef<bool(double)> holds,
             std::string_view rule) {
  const Tensor all = cast(elements_of_all_samples(x), DType::float64);
  if (!std::ranges::all_of(all.data<double>(), holds))
    throw ShapeError(std::string(name) + ": " + std::string(what) + ", of shape " + to_string(x.shape()) +
                     ", must be " + std::string(rule));
}

void require_not_negative(std::string_view name, std::string_view what, const Tensor& x) {
  require(
      name, what, x, [](double each) { return each >= 0; }, "0 or more");
}

void require_fit(std::string_view name, const Shape& shape, const Shape& asked) {
  if (broadcast(name, shape, asked) != asked)
    throw ShapeError(std::string(name) + ": parameters of shape " + to_string(shape) +
                     " do not broadcast to " + to_string(asked) + "; ask for a larger shape");
}

Parameters::Parameters(std::string_view name, const Operand& first, const Operand& second,
                       const Shape* asked) {
  const DType dtype = real_dtype(common_dtype(first, second));
  a = first.as(dtype);
  b = second.as(dtype);
  shape = broadcast(name, a.shape(), b.shape());
  if (asked == nullptr) return;
  require_fit(name, shape, *asked);
  shape = *asked;
}

Result call_with_shape(OfOne* f, Arguments& a) {
  const Tensor parameter = a.tensor(0);
  if (!a.given(1)) return f(parameter, nullptr, a.random());
  const Shape shape = a.shape(1);
  return f(parameter, &shape, a.random());
}

Result call_with_shape(OfTwo* f, Arguments& a) {
  const Tensor first = a.tensor(0), second = a.tensor(1);
  if (!a.given(2)) return f(first, second, nullptr, a.random());
  const Shape shape = a.shape(2);
  return f(first, second, &shape, a.random());
}

}  // namespace chainrule::ops
