// Functions of one input and up to two numbers as operations: what is the same for all of them. curve.h makes
// a Curve of each.

#include "ops/functions/curve.h"

#include "graph/traced.h"

namespace chainrule::ops {

Attributes Curved::attributes() const {
  Attributes attributes;
  for (std::size_t i = 0; i < numbers.size(); ++i)
    if (!curve->numbers[i].empty()) attributes.emplace_back(curve->numbers[i], numbers[i]);
  return attributes;
}

Array Curved::run(const std::array<const kernels::PackLoop*, 2>& loops, const Shape& shape, DType dtype,
                  const Array* x, const Array* g) const {
  const auto number = [&](std::size_t i) {
    return dtype == DType::float32 ? Array(static_cast<float>(numbers[i])) : Array(numbers[i]);
  };
  const kernels::PackLoop* const loop = loops[dtype == DType::float32 ? 0 : 1];
  const Array a = number(0), b = number(1);
  if (g == nullptr)
    return kernels::detail::elementwise<3>(loop, dtype, shape, {x, &a, &b}, {.is_cheap = curve->is_cheap});
  return kernels::detail::elementwise<4>(loop, dtype, shape, {x, &a, &b, g}, {});
}

Array Curved::forward(Values in) const {
  return run(curve->value, in[0]->shape(), in[0]->dtype(), in[0], nullptr);
}

Tensor Curved::batch(const Unwrapped& at) const { return apply(*this, {}, Argument(at.in[0])); }

Tensor Curved::rule_in_numbers(const Tensor& x, const Tensor& g) const {
  if (curve->rule[0] == nullptr) return g;
  const Array* const read = curve->rule_reads_x ? &value_of(x) : nullptr;
  return constant(run(curve->rule, g.shape(), g.dtype(), read, &value_of(g)));
}

Tensor Curved::recorded_rule(const Tensor& x, const Tensor& g) const {
  const DType dtype = g.dtype();
  return curve->recorded_rule(x, scalar(numbers[0], dtype), scalar(numbers[1], dtype), g);
}

void Curved::vjp(Inputs in, const Tensor&, const Tensor& g, Cotangents& to) const {
  if (to.wants(0)) to[0] = to.in_numbers() ? rule_in_numbers(in[0], g) : recorded_rule(in[0], g);
}

Tensor Curved::jvp(Inputs in, const Tensor& y, Inputs tangents) const {
  const Tensor& t = tangents[0];
  return may_be_in_numbers(in, y, t) ? rule_in_numbers(in[0], t) : recorded_rule(in[0], t);
}

LocalFormula Curved::local_formula(std::size_t, std::span<const std::string> names,
                                   const std::string&) const {
  return spelled_out(formula, 0, names);
}

Tensor on_curve(const Curve& curve, const Operand& x, double a, double b) {
  return apply(Curved{&curve, {a, b}}, x.here(), Argument(x, real_dtype(dtype_of(x))));
}

}  // namespace chainrule::ops
