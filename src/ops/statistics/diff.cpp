// Differences of neighbours along an axis. kernels/neighbours.h computes them.

#include "chainrule/statistics.h"
#include "kernels/neighbours.h"
#include "ops/along_axis.h"
#include "ops/data_movement.h"

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

}  // namespace chainrule
