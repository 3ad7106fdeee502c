// Differences of neighbours along an axis. kernels/neighbours.h computes them.

#include "chainrule/shaping.h"
#include "chainrule/statistics.h"
#include "kernels/neighbours.h"
#include "ops/along_axis.h"
#include "ops/data_movement.h"
#include "ops/functions/by_number.h"

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
    areas = x == nullptr ? means * dx : means * diff(placed(name, *x, along), 1, axis);
  }

 private:
  /// Places beside all other axes.
  Tensor placed(std::string_view name, const Tensor& x, std::size_t along) const {
    const Tensor at = Operand(x).as(y.dtype());
    if (at.shape() == y.shape()) return at;
    const std::int64_t n = y.shape()[along];
    if (at.rank() == y.rank() && at.shape()[along] == n &&
        broadcast(name, at.shape(), y.shape()) == y.shape())
      return at;
    if (at.shape() != Shape{n})
      throw ShapeError(std::string(name) + ": places " + to_string(at.shape()) + " do not fit y " +
                       to_string(y.shape()) + "; give as many as axis " + std::to_string(along) +
                       " has elements, or a shape that broadcasts to y's along the others");
    Shape beside = Shape::filled(y.rank(), 1);
    beside[along] = n;
    return reshape(at, beside);
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

Tensor trapezoid(const Operand& y, double dx, Integer axis) { return ops::trapezoid(y, nullptr, dx, axis); }
Tensor trapezoid(const Operand& y, const Tensor& x, Integer axis) { return ops::trapezoid(y, &x, 1, axis); }
Tensor cumulative_trapezoid(const Operand& y, double dx, Integer axis) {
  return ops::cumulative_trapezoid(y, nullptr, dx, axis);
}
Tensor cumulative_trapezoid(const Operand& y, const Tensor& x, Integer axis) {
  return ops::cumulative_trapezoid(y, &x, 1, axis);
}

}  // namespace chainrule
