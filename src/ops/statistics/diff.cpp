// Differences of neighbours along an axis, and what is made of them: integrals and slopes.
// kernels/neighbours.h computes them.

#include "chainrule/shaping.h"
#include "chainrule/statistics.h"
#include "kernels/neighbours.h"
#include "ops/along_axis.h"
#include "ops/data_movement.h"
#include "ops/functions/by_number.h"
#include "ops/registry.h"

namespace chainrule {
namespace ops {

/// yᵢ = xᵢ₊₁ − xᵢ, or its transpose yᵢ = xᵢ₋₁ − xᵢ, with zeros beyond the ends.
struct Diff {
  static constexpr std::string_view name = "diff", formula = "∂(xᵢ₊₁ − xᵢ)/∂xᵢ₊₁ = 1,  ∂/∂xᵢ = −1";
  std::size_t axis = 0;
  bool transposed = false;
  static constexpr bool linear = true, integers = true;

  Attributes attributes() const { return {{"axis", as_attribute(axis)}, {"transposed", transposed}}; }
  Tensor batch(const Unwrapped& at) const {
    return apply(Diff{axis + 1, transposed}, {}, Argument(at.in[0]));
  }
  Array forward(Values in) const {
    const Array& x = *in[0];
    const AlongAxis along(x.shape(), axis);
    Shape shape = x.shape();
    shape[axis] += transposed ? 1 : -1;
    Array out(shape, x.dtype());
    dispatch_among(TypeList<std::int64_t, float, double>{}, x.dtype(), [&]<class T>() {
      kernels::differences(x.data<T>(), along.outer, along.n, along.inner, transposed, out.mutable_data<T>());
    });
    return out;
  }
  Reads reads(Wanted) const { return 0; }
  void vjp(Inputs, const Tensor&, const Tensor& g, Cotangents& to) const {
    if (to.wants(0)) to[0] = apply(Diff{axis, !transposed}, Here::now(), Argument(g));
  }
  LocalFormula local_formula(std::size_t, std::span<const std::string>, const std::string&) const {
    return {transposed ? "gᵢ₊₁ − gᵢ" : "gᵢ₋₁ − gᵢ", false, true};
  }
};

/// With elements before and after, of which a number is a row of them.
static Result diff_of_joined(Arguments& a) {
  if ((!a.given(3) && !a.given(4)) || a.integer(1) == 0) return diff(a[0], a.integer(1), a.integer(2));
  const Tensor x = a.tensor(0);
  const std::size_t axis = normalize_axis("diff", a.integer(2), x.shape());
  Shape row = x.shape();
  row[axis] = 1;
  const auto end = [&](std::size_t i) {
    const Tensor given = a[i].as(x.dtype());
    return given.rank() == 0 ? broadcast_to(given, row) : given;
  };
  std::vector<Tensor> parts;
  if (a.given(3)) parts.push_back(end(3));
  parts.push_back(x);
  if (a.given(4)) parts.push_back(end(4));
  return diff(concatenate(parts, axis), a.integer(1), a.integer(2));
}

/// Along all axes, or some, over one step for all, or a step or places for each. NumPy and PyTorch give
/// several results for several axes. Of one axis a list that is none of lists has its places.
static Result gradients_along(Arguments& a) {
  const Tensor y = a[0].as_tensor();
  if (y.rank() == 0) (void)normalize_axis("gradient", 0, y.shape());  // a scalar has none
  std::vector<Tensor> over = a.tensors(1), slopes;
  const std::size_t count = a.given(2) ? a.integers(2).size() : y.rank();
  if (over.empty()) over.push_back(tensor(1));
  if (count == 1 && over.size() > 1) over = {a.tensor(1)};
  if (over.size() != count && (over.size() != 1 || over[0].rank() != 0))
    a.fail(1, "a step, or a step or places for each axis");
  for (std::size_t i = 0; i < count; ++i)
    slopes.push_back(gradient(y, over[over.size() == 1 ? 0 : i],
                              a.given(2) ? a.integers(2)[i] : static_cast<std::int64_t>(i), a.integer(3)));
  return count == 1 ? Result(slopes[0]) : slopes;
}

Entries difference_operations() {
  static constexpr Entry table[] = {
      {.name = "diff",
       .parameters = "x|a|input, n=1, axis|dim=-1, prepend=None, append=None",
       .call = diff_of_joined,
       .formula = "∂(xᵢ₊₁ − xᵢ)/∂xᵢ₊₁ = 1,  ∂/∂xᵢ = −1",
       .example = "diff([1, 4, 9])"},
      {.name = "trapezoid",
       .parameters = "y, x=None, dx=1.0, axis|dim=-1",
       .call = [](Arguments& a) -> Result {
         return a.given(1) ? trapezoid(a[0], a.tensor(1), a.integer(3))
                           : trapezoid(a[0], a.number(2), a.integer(3));
       },
       .formula = "∂Σ (yᵢ + yᵢ₊₁) (xᵢ₊₁ − xᵢ) / 2: to yᵢ: (xᵢ₊₁ − xᵢ₋₁) / 2,  to xᵢ: (yᵢ₋₁ − yᵢ₊₁) / 2",
       .aliases = "trapz",
       .example = "trapezoid([1, 4, 9], dx=0.5)"},
      {.name = "cumulative_trapezoid",
       .parameters = "y, x=None, dx=1.0, axis|dim=-1",
       .call = [](Arguments& a) -> Result {
         return a.given(1) ? cumulative_trapezoid(a[0], a.tensor(1), a.integer(3))
                           : cumulative_trapezoid(a[0], a.number(2), a.integer(3));
       },
       .formula = "the gradient summed up from the end, then as trapezoid",
       .example = "cumulative_trapezoid([1, 4, 9])"},
      {.name = "gradient",
       .parameters = "x|f|input, *spacing, axis|dim=None, edge_order=1",
       .call = gradients_along,
       .formula = "∂((xᵢ₊₁ − xᵢ₋₁) / 2)/∂xᵢ₊₁ = 1/2,  ∂/∂xᵢ₋₁ = −1/2",
       .example = "gradient([1, 4, 9], 0.5)",
       .note = "one result for each axis"},
  };
  return table;
}

}  // namespace ops

Tensor diff(const Operand& x, Integer n, Integer axis) try {
  Tensor result = x.as_tensor();
  if (result.rank() == 0)
    throw ShapeError("diff: a scalar, of shape (), has no neighbours; give it at least one axis");
  if (n < 0) throw ShapeError("diff: n must not be negative, for shape " + to_string(result.shape()));
  const std::size_t along = normalize_axis("diff", axis, result.shape());
  for (std::int64_t left_over = n; left_over > 0 && result.shape()[along] != 0; --left_over) {
    const bool is_bool = result.dtype() == DType::boolean;  // then true where neighbours differ
    const Tensor numbers = is_bool ? cast(result, DType::int64) : result;
    result = apply(ops::Diff{along}, x.here(), Argument(numbers));
    if (is_bool) result = result != 0;
  }
  return result;
} catch (...) {
  rethrow_in_call("diff", x);
}

namespace ops {

namespace {

/// Places along an axis, beside all others of y.
Tensor placed(std::string_view name, const Tensor& x, const Tensor& y, std::size_t along) {
  Tensor at = Operand(x).as(y.dtype());
  if (at.shape() == y.shape()) return at;
  const std::int64_t n = y.shape()[along];
  if (at.rank() == y.rank() && at.shape()[along] == n && broadcast(name, at.shape(), y.shape()) == y.shape())
    return at;
  if (at.shape() != Shape{n})
    throw ShapeError(std::string(name) + ": places " + to_string(at.shape()) + " do not fit y " +
                     to_string(y.shape()) + "; give as many as axis " + std::to_string(along) +
                     " has elements, or a shape that broadcasts to y's along the others");
  Shape beside = Shape::filled(y.rank(), 1);
  beside[along] = n;
  return reshape(at, beside);
}

/// The areas between neighbours, along an axis, of equal steps or over places.
struct Trapezoids {
  Tensor y, areas;
  std::int64_t axis;

  Trapezoids(std::string_view name, const Operand& of, const Tensor* x, double dx, Integer given)
      : y(of.as(real_dtype(x == nullptr ? of.dtype() : common_dtype(of, Operand(*x))))) {
    const std::size_t along = normalize_axis(name, given, y.shape());
    axis = static_cast<std::int64_t>(along);
    const std::int64_t n = y.shape()[along], last = std::max<std::int64_t>(n - 1, 0);
    const Tensor means = (narrow(y, axis, 0, last) + narrow(y, axis, n - last, last)) / 2;
    areas = x == nullptr ? means * dx : means * diff(placed(name, *x, y, along), 1, axis);
  }
};

Tensor trapezoid(const Operand& y, const Tensor* x, double dx, Integer axis) try {
  const Trapezoids of("trapezoid", y, x, dx, axis);
  return sum({of.areas, y.here()}, of.axis);
} catch (...) {
  rethrow_in_call("trapezoid", y);
}
Tensor cumulative_trapezoid(const Operand& y, const Tensor* x, double dx, Integer axis) try {
  const Trapezoids of("cumulative_trapezoid", y, x, dx, axis);
  return cumsum({of.areas, y.here()}, of.axis);
} catch (...) {
  rethrow_in_call("cumulative_trapezoid", y);
}

}  // namespace
}  // namespace ops

Tensor gradient(const Operand& y, const Operand& x, Integer axis, Integer edge_order) try {
  const Tensor places = x.as_tensor();
  const bool is_even = places.rank() == 0;  // a step, which takes the dtype of y
  const DType dtype = ops::real_dtype(is_even ? y.dtype() : ops::common_dtype(y, x));
  const Tensor in = y.as(computed_in(dtype));
  const std::size_t along = normalize_axis("gradient", axis, in.shape());
  const std::int64_t n = in.shape()[along], enough = edge_order == 2 ? 3 : 2;
  if (n < enough || edge_order < 1 || edge_order > 2)
    throw ShapeError("gradient: of edge order " + std::to_string(edge_order) + " along axis " +
                     std::to_string(along) + " of shape " + to_string(in.shape()) +
                     "; the order is 1 or 2, for " + std::to_string(enough) + " elements or more");
  const Tensor width =
      is_even ? cast(places, in.dtype()) : diff(ops::placed("gradient", places, in, along), 1, along);
  const auto part = [along](const Tensor& of, std::int64_t from, std::int64_t count) {
    return narrow(of, along, from, count);
  };
  const auto slope = [&](std::int64_t from, std::int64_t count) {  // between neighbours
    return diff(part(in, from, count + 1), 1, along) / (is_even ? width : part(width, from, count));
  };
  Tensor inside;
  if (is_even) {
    inside = (part(in, 2, n - 2) - part(in, 0, n - 2)) / (2 * width);
  } else {
    const Tensor before = part(width, 0, n - 2), after = part(width, 1, n - 2);
    inside = (slope(0, n - 2) * after + slope(1, n - 2) * before) / (before + after);
  }
  const auto end = [&](std::int64_t first, std::int64_t next) {
    const Tensor line = slope(first, 1);  // where a parabola has the mean of its slopes at both ends
    return edge_order == 1 ? line : 2 * line - part(inside, next, 1);
  };
  const std::vector<Tensor> all{end(0, 0), inside, end(n - 2, n - 3)};
  return Operand(concatenate(all, along)).as(dtype);
} catch (...) {
  rethrow_in_call("gradient", y, x);
}

Tensor trapezoid(const Operand& y, double dx, Integer axis) { return ops::trapezoid(y, nullptr, dx, axis); }
Tensor trapezoid(const Operand& y, const Tensor& x, Integer axis) { return ops::trapezoid(y, &x, 1, axis); }
Tensor cumulative_trapezoid(const Operand& y, double dx, Integer axis) {
  return ops::cumulative_trapezoid(y, nullptr, dx, axis);
}
Tensor cumulative_trapezoid(const Operand& y, const Tensor& x, Integer axis) {
  return ops::cumulative_trapezoid(y, &x, 1, axis);
}

}  // namespace chainrule
