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

/// The means of neighbours along an axis.
static Tensor means_of_neighbours(const Tensor& y, std::size_t axis) {
  const std::int64_t n = y.shape()[axis], along = static_cast<std::int64_t>(axis);
  return (narrow(y, along, 0, n - 1) + narrow(y, along, 1, n - 1)) / 2;
}

}  // namespace ops

Tensor trapezoid(const Operand& y, double dx, Integer axis) try {
  const Tensor in = ops::real(y);
  const std::size_t along = normalize_axis("trapezoid", axis, in.shape());
  if (in.shape()[along] < 2) return sum({in * 0, y.here()}, static_cast<std::int64_t>(along));
  return mul({sum(ops::means_of_neighbours(in, along), static_cast<std::int64_t>(along)), y.here()}, dx);
} catch (...) {
  rethrow_in_call("trapezoid", y);
}

Tensor trapezoid(const Operand& y, const Tensor& x, Integer axis) try {
  const DType dtype = ops::real_dtype(ops::common_dtype(y, Operand(x)));
  const Tensor in = y.as(dtype);
  Tensor at = Operand(x).as(dtype);
  const std::size_t along = normalize_axis("trapezoid", axis, in.shape());
  const std::int64_t n = in.shape()[along];
  if (at.shape() == Shape{n}) {  // beside all other axes
    std::vector<std::int64_t> sizes(in.rank(), 1);
    sizes[along] = n;
    at = reshape(at, Shape(sizes));
  } else if (at.shape() != in.shape()) {
    throw ShapeError("trapezoid: places " + to_string(at.shape()) + " do not fit y " + to_string(in.shape()) +
                     "; give as many as axis " + std::to_string(along) + " has elements, or y's shape");
  }
  if (n < 2) return sum({in * 0, y.here()}, static_cast<std::int64_t>(along));
  return sum({ops::means_of_neighbours(in, along) * diff(at, 1, static_cast<std::int64_t>(along)), y.here()},
             static_cast<std::int64_t>(along));
} catch (...) {
  rethrow_in_call("trapezoid", y, Operand(x));
}

}  // namespace chainrule
