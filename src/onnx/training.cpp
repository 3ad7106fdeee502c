// Steps of optimisers, as the preview of operators for training has them. Several tensors go through one
// node: all tensors, all gradients, and all of each kind of state, in this order.

#include <cmath>

#include "onnx/call.h"
#include "onnx/operators.h"

namespace chainrule::onnx {
namespace {

/// How many tensors there are, after the rate and the count of steps, of which each has `kinds` inputs.
std::size_t tensors(const Call& call, std::size_t kinds) {
  if (call.inputs() < 2 + kinds || (call.inputs() - 2) % kinds != 0)
    Call::fail("it needs " + std::to_string(kinds) + " inputs for each tensor after the first two");
  return (call.inputs() - 2) / kinds;
}
/// The results stand kind by kind: `of` gives those of one tensor.
template <class F>
Values for_each(const Call& call, std::size_t kinds, F of) {
  const std::size_t count = tensors(call, kinds);
  std::vector<Values> results;
  for (std::size_t i = 0; i < count; ++i)
    results.push_back(of([&](std::size_t kind) -> const Tensor& { return call[2 + kind * count + i]; }));
  Values values;
  for (std::size_t kind = 0; kind < results[0].size(); ++kind)
    for (const Values& result : results) values.emplace_back(result[kind].tensor, ElementType::float32);
  return values;
}

Values adagrad(const Call& call) {
  const double decay = call.number("decay_factor", 0), epsilon = call.number("epsilon", 0);
  const double penalty = call.number("norm_coefficient", 0);
  const Tensor rate = call[0] / (1 + call.real(1) * decay);
  return for_each(call, 3, [&](auto&& in) -> Values {
    const Tensor &x = in(0), g = x * penalty + in(1), h = in(2) + square(g);
    return {x - rate * g / (sqrt(h) + epsilon), h};
  });
}

Values adam(const Call& call) {
  const double alpha = call.number("alpha", 0.9), beta = call.number("beta", 0.999),
               epsilon = call.number("epsilon", 0);
  const double penalty = call.number("norm_coefficient", 0), after = call.number("norm_coefficient_post", 0);
  const double step = call.real(1);
  const double correction = step > 0 ? std::sqrt(1 - std::pow(beta, step)) / (1 - std::pow(alpha, step)) : 1;
  return for_each(call, 4, [&](auto&& in) -> Values {
    const Tensor &x = in(0), g = x * penalty + in(1);
    const Tensor v = in(2) * alpha + g * (1 - alpha), h = in(3) * beta + square(g) * (1 - beta);
    const Tensor moved = x - call[0] * correction * v / (sqrt(h) + epsilon);
    return {moved * (1 - after), v, h};
  });
}

Values momentum(const Call& call) {
  const double alpha = call.number("alpha", 0), beta = call.number("beta", 0);
  const double penalty = call.number("norm_coefficient", 0);
  const bool nesterov = call.choice("mode", {"standard", "nesterov"}) == 1;
  const double share = call.real(1) > 0 ? beta : 1;
  return for_each(call, 3, [&](auto&& in) -> Values {
    const Tensor &x = in(0), g = x * penalty + in(1), v = in(2) * alpha + g * share;
    return {x - call[0] * (nesterov ? g + v * alpha : v), v};
  });
}

constexpr std::string_view domain = "ai.onnx.preview.training";
constexpr Operator table[] = {
    {"Adagrad", adagrad, domain}, {"Adam", adam, domain}, {"Momentum", momentum, domain}};

}  // namespace

std::span<const Operator> training_operators() { return table; }

}  // namespace chainrule::onnx
