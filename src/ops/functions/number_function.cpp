// Functions of numbers that tables name, as operations: what is the same for all of them.

#include "ops/functions/number_function.h"

#include "graph/traced.h"

namespace chainrule::ops {

Attributes FunctionOfNumbers::attributes() const {
  if (order == 0) return {};
  return {{"order", std::int64_t{order}}};
}

Array FunctionOfNumbers::forward(Values in) const {
  if (order == 0 && function->of_tensor != nullptr && in[0]->shape().rank() > 0) {
    const NoGrad guard;
    return value_of(function->of_tensor(constant(*in[0])));
  }
  if (function->of_array != nullptr && in[0]->shape().rank() > 0)
    if (auto y = function->of_array(*in[0], order)) return *std::move(y);
  if (in.size() == 1) return each([this](double x) { return function->of_one(x, order); }, *in[0]);
  const Shape shape = broadcast(name, in[0]->shape(), in[1]->shape());
  if (function->of_arrays != nullptr && shape.rank() > 0)
    if (auto y = function->of_arrays(*in[0], *in[1], shape)) return *std::move(y);
  if (function->of_two != nullptr) return each(function->of_two, *in[0], *in[1], shape);
  if (function->pair && goes_in_pairs(shape, DType::int64))
    return by_pairs(*function->pair, *in[0], *in[1], shape);
  return each(function->of_integers, *in[0], *in[1], shape);
}

Tensor FunctionOfNumbers::batch(const Unwrapped& at) const {
  if (at.in.size() == 1) return apply(*this, {}, Argument(at.in[0]));
  (void)broadcast(name, at.shape(0), at.shape(1));  // so that an error shows these
  const Tensor a = at.aligned(0, at.most_rank()), b = at.aligned(1, at.most_rank());
  return apply(*this, {}, Argument(a), Argument(b));
}

Reads FunctionOfNumbers::reads(Wanted) const { return reads_input(0) | reads_input(1) | reads_output; }

Tensor FunctionOfNumbers::along(std::size_t input, Inputs in, const Tensor& y, const Tensor& g) const {
  const auto slope = function->slopes[input];
  if (slope == nullptr)
    throw GradError(std::string(name) + ": there is no derivative to its input " + std::to_string(input) +
                    "; detach it");
  return strong_product(g, slope(in, y, order));
}

void FunctionOfNumbers::vjp(Inputs in, const Tensor& y, const Tensor& g, Cotangents& to) const {
  for (std::size_t i = 0; i < in.size(); ++i)
    if (to.wants(i)) to[i] = sum_to(along(i, in, y, g), in[i].shape());
}

Tensor FunctionOfNumbers::jvp(Inputs in, const Tensor& y, Inputs tangents) const {
  Tensor sum;
  for (std::size_t i = 0; i < in.size(); ++i)
    if (!tangents[i].is_empty()) add_to(sum, along(i, in, y, stretched(tangents[i], y.shape())));
  return sum;
}

LocalFormula FunctionOfNumbers::local_formula(std::size_t input, std::span<const std::string> names,
                                              const std::string&) const {
  if (function->slopes[input] == nullptr) return {"0"};
  return spelled_out(formula, input, names);
}

Tensor on_numbers(const NumberFunction& f, const Operand& x, int order) {
  return apply(FunctionOfNumbers{&f, order}, x.here(), Argument(x, real_dtype(dtype_of(x))));
}

Tensor on_numbers(const NumberFunction& f, const Operand& a, const Operand& b) {
  const DType dtype = real_dtype(common_dtype(a, b));
  return apply(FunctionOfNumbers{&f}, a.here(), Argument(a, dtype), Argument(b, dtype));
}

}  // namespace chainrule::ops
