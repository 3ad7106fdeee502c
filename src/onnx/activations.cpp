// Activations of networks, element by element or along an axis.
// Constants that ONNX writes with the digits of float32 are kept so.

#include <cmath>

#include "chainrule/functions.h"
#include "chainrule/indexing.h"
#include "chainrule/shaping.h"
#include "onnx/call.h"
#include "onnx/operators.h"

namespace chainrule::onnx {
namespace {

template <Tensor (*f)(const Operand&)>
Values unary(const Call& call) {
  return one(f(call[0]));
}

Values celu_of(const Call& call) { return one(celu(call[0], call.number("alpha", 1))); }
Values elu_of(const Call& call) { return one(elu(call[0], call.number("alpha", 1))); }
Values leaky_relu_of(const Call& call) { return one(leaky_relu(call[0], call.number("alpha", 0.01))); }
Values softplus_of(const Call& call) { return one(softplus(call[0])); }

/// gamma x for x > 0, else gamma (alpha eˣ - alpha).
Values selu_of(const Call& call) {
  const double alpha = call.number("alpha", 1.67326319217681884765625);
  const double gamma = call.number("gamma", 1.05070102214813232421875);
  return one(elu(call[0], alpha) * gamma);
}

Values gelu_of(const Call& call) {
  const bool tanh = call.choice("approximate", {"none", "tanh"}) == 1;
  return one(gelu(call[0], tanh ? GeluApproximation::tanh : GeluApproximation::none));
}

/// max(0, min(1, alpha x + beta)).
Values hard_sigmoid(const Call& call) {
  return one(hardtanh(call[0] * call.number("alpha", 0.2) + call.number("beta", 0.5), 0, 1));
}

/// The slope broadcasts to x.
Values prelu_of(const Call& call) {
  const Tensor& x = call[0];
  call.require_broadcast(x, call[1]);
  return one(where(x > 0, x, call[1] * x));
}

Values swish(const Call& call) {
  const Tensor& x = call[0];
  return one(x * sigmoid(x * call.number("alpha", 1)));
}

/// The gated linear unit of a and b: b · a · sigmoid(alpha a).
Values swiglu(const Call& call) {
  const Tensor& a = call[0];
  call.require_broadcast(a, call[1]);
  return one(a * sigmoid(a * call.number("alpha", 1)) * call[1]);
}

/// Towards 0 by bias where |x| > lambd, else 0.
Values shrink(const Call& call) {
  const Tensor& x = call[0];
  const double bias = call.number("bias", 0), threshold = call.number("lambd", 0.5);
  return one(where(x < -threshold, x + bias, where(x > threshold, x - bias, zeros_like(x))));
}

Values thresholded_relu(const Call& call) {
  const Tensor& x = call[0];
  return one(where(x > call.number("alpha", 1), x, zeros_like(x)));
}

/// f along an axis; before opset 13, along all axes from that one on, taken together.
template <class F>
Tensor along_axis(const Call& call, F f) {
  const Tensor& x = call[0];
  if (call.opset() >= 13) return f(x, Call::axis(call.integer("axis", -1), x.rank()));
  const std::int64_t axis = Call::axis(call.integer("axis", 1), x.rank());
  std::int64_t rows = 1;
  for (std::int64_t i = 0; i < axis; ++i) rows *= x.shape()[static_cast<std::size_t>(i)];
  const Shape matrix{rows, rows == 0 ? 0 : x.size() / rows};
  return f(x.reshape(matrix), 1).reshape(x.shape());
}

Values softmax_of(const Call& call) {
  return one(along_axis(call, [](const Tensor& x, std::int64_t axis) { return softmax(x, axis); }));
}
Values log_softmax_of(const Call& call) {
  return one(along_axis(call, [](const Tensor& x, std::int64_t axis) { return log_softmax(x, axis); }));
}
/// 1 where the largest is, the first of equals, 0 elsewhere.
Values hardmax(const Call& call) {
  return one(along_axis(call, [](const Tensor& x, std::int64_t axis) {
    const Tensor ones_there = one_hot(argmax(x, axis), x.shape()[static_cast<std::size_t>(axis)], x.dtype());
    return movedim(ones_there, -1, axis);
  }));
}

constexpr Operator table[] = {
    {"Celu", celu_of},
    {"Elu", elu_of},
    {"Gelu", gelu_of},
    {"HardSigmoid", hard_sigmoid},
    {"HardSwish", unary<hardswish>},
    {"Hardmax", hardmax},
    {"LeakyRelu", leaky_relu_of},
    {"LogSoftmax", log_softmax_of},
    {"Mish", unary<mish>},
    {"PRelu", prelu_of},
    {"Relu", unary<relu>},
    {"Selu", selu_of},
    {"Shrink", shrink},
    {"Sigmoid", unary<sigmoid>},
    {"Softmax", softmax_of},
    {"Softplus", softplus_of},
    {"Softsign", unary<softsign>},
    {"SwiGLU", swiglu},
    {"Swish", swish},
    {"ThresholdedRelu", thresholded_relu},
};

}  // namespace

std::span<const Operator> activation_operators() { return table; }

}  // namespace chainrule::onnx
