// Activations, composed of other operations but for softsign. SiLU and Mish are in gated.cpp.

#include <numbers>
#include <stdexcept>

#include "array/number_text.h"
#include "chainrule/functions.h"
#include "ops/functions/packed_loops.h"
#include "ops/registry.h"

namespace chainrule {
namespace ops {
namespace {

// From "Self-Normalizing Neural Networks" (Klambauer et al., 2017), with PyTorch's digits.
constexpr double selu_alpha = 1.6732632423543772848170429916717,
                 selu_scale = 1.0507009873554804934193349852946;

struct Softsign : ByNumber<Softsign> {
  static constexpr std::string_view name = "softsign", formula = "∂softsign(x)/∂x = 1 / (1 + |x|)²";
  using Packs = SoftsignPacks;
  static double value(double x) { return x / (1 + std::abs(x)); }
  static Tensor slope(const Tensor& x, const Tensor&) { return square(1 / (1 + abs(x))); }
};

/// x for x > 0, else what `below` makes of x; of 0, which changes nothing, for those x that do not matter.
template <class Below>
Tensor positive_or(const Tensor& x, const Below& below) {
  const Tensor is_positive = x > 0;
  return where(is_positive, x, below(where(is_positive, 0, x)));
}

/// x between the bounds, with derivative 0 at them.
Tensor held(const Tensor& x, double low, double high) {
  return where(x <= low, low, where(x >= high, high, x));
}

}  // namespace

Entries activation_operations() {
  static constexpr Entry table[] = {
      {.name = "logsigmoid",
       .parameters = one_input,
       .call = call<logsigmoid>,
       .formula = "∂log σ(x)/∂x = σ(−x)",
       .example = "logsigmoid([-100, 0])"},
      {.name = "silu",
       .parameters = one_input,
       .call = call<silu>,
       .formula = "∂x σ(x)/∂x = σ(x) + x σ(x) σ(−x)",
       .aliases = "swish",
       .example = "silu([-1, 1])"},
      {.name = "mish",
       .parameters = one_input,
       .call = call<mish>,
       .formula = "∂x tanh(s)/∂x = tanh(s) + x σ(x) (1 − tanh(s)²) with s = log(1 + eˣ)",
       .example = "mish([-1, 1])"},
      {.name = Softsign::name,
       .parameters = one_input,
       .call = call<softsign>,
       .formula = Softsign::formula,
       .example = "softsign([-1, 3])"},
      {.name = "elu",
       .parameters = "x|input, alpha=1.0",
       .call = call<elu>,
       .formula = "∂elu(x)/∂x = 1 if x > 0 else α eˣ",
       .example = "elu([-1, 1])"},
      {.name = "selu",
       .parameters = one_input,
       .call = call<selu>,
       .formula = "∂selu(x)/∂x = 1.0507… if x > 0 else 1.7580… eˣ",
       .example = "selu([-1, 1])"},
      {.name = "celu",
       .parameters = "x|input, alpha=1.0",
       .call = call<celu>,
       .formula = "∂celu(x)/∂x = 1 if x > 0 else exp(x/α)",
       .example = "celu([-1, 1], 2)"},
      {.name = "leaky_relu",
       .parameters = "x|input, negative_slope=0.01",
       .call = call<leaky_relu>,
       .formula = "∂leaky_relu(x)/∂x = 1 if x > 0 else the negative slope",
       .example = "leaky_relu([-1, 1])"},
      {.name = "prelu",
       .parameters = "x|input, weight",
       .call = call<prelu>,
       .formula = "∂prelu(x, w)/∂x = 1 if x > 0 else w,  ∂/∂w = 0 if x > 0 else x",
       .example = "prelu([[-1, -2]], [0.1, 0.2])",
       .note = "a weight for each channel belongs to axis 1"},
      {.name = "hardtanh",
       .parameters = "x|input, low|min_val=-1.0, high|max_val=1.0",
       .call = call<hardtanh>,
       .formula = "∂hardtanh(x)/∂x = 1 if low < x < high else 0",
       .example = "hardtanh([-2, 0.5])",
       .note = "derivative 0 at the bounds, unlike clamp"},
      {.name = "relu6",
       .parameters = one_input,
       .call = call<relu6>,
       .formula = "∂relu6(x)/∂x = 1 if 0 < x < 6 else 0",
       .example = "relu6([-1, 3, 7])"},
      {.name = "hardsigmoid",
       .parameters = one_input,
       .call = call<hardsigmoid>,
       .formula = "∂hardsigmoid(x)/∂x = 1/6 if −3 < x < 3 else 0",
       .example = "hardsigmoid([-4, 0, 4])"},
      {.name = "hardswish",
       .parameters = one_input,
       .call = call<hardswish>,
       .formula = "∂hardswish(x)/∂x = (2x + 3) / 6 if −3 < x < 3 else (1 if x ≥ 3 else 0)",
       .example = "hardswish([-4, 1, 4])"},
  };
  return table;
}

}  // namespace ops

Tensor logsigmoid(const Operand& x) { return -softplus({-ops::real(x), x.here()}); }

Tensor softsign(const Operand& x) { return ops::unary<ops::Softsign>(x); }

Tensor elu(const Operand& x, double alpha) {
  return ops::positive_or(ops::real(x), [=](const Tensor& in) { return alpha * expm1(in); });
}

Tensor selu(const Operand& x) { return mul(ops::selu_scale, elu(x, ops::selu_alpha)); }

Tensor celu(const Operand& x, double alpha) try {
  if (alpha == 0) throw ArgumentError("celu: alpha is 0, and x is divided by it; give another");
  return ops::positive_or(ops::real(x), [=](const Tensor& in) { return alpha * expm1(in / alpha); });
} catch (...) {
  rethrow_in_call("celu", x);
}

Tensor leaky_relu(const Operand& x, double negative_slope) {
  const Tensor in = ops::real(x);
  return mul({in, x.here()}, where(in > 0, scalar(1, in.dtype()), scalar(negative_slope, in.dtype())));
}

Tensor prelu(const Operand& x, const Operand& weight) try {
  const DType dtype = ops::real_dtype(ops::common_dtype(x, weight));
  const Tensor in = x.as(dtype);
  Tensor slope = weight.as(dtype);
  if (slope.size() == 1) {
    slope = reshape(slope, {});
  } else {
    if (slope.rank() != 1 || in.rank() < 2 || slope.size() != in.shape()[1])
      throw ShapeError("prelu: the weight, of shape " + to_string(slope.shape()) +
                       ", does not fit x of shape " + to_string(in.shape()) +
                       "; give one number, or one for each channel, which is axis 1");
    std::vector<std::int64_t> sizes(in.rank() - 1, 1);
    sizes[0] = slope.size();
    slope = reshape(slope, Shape(sizes));
  }
  return where(in > 0, in, slope * in);
} catch (...) {
  rethrow_in_call("prelu", x, weight);
}

Tensor hardtanh(const Operand& x, double low, double high) try {
  if (low > high)
    throw ArgumentError("hardtanh: low " + number_text(low) + " is above high " + number_text(high) +
                        "; exchange them");
  return ops::held(ops::real(x), low, high);
} catch (...) {
  rethrow_in_call("hardtanh", x);
}

Tensor relu6(const Operand& x) {
  const Tensor in = x.as(ops::number_dtype(ops::dtype_of(x)));
  return where({in <= 0, x.here()}, 0, where(in >= 6, 6, in));
}

Tensor hardsigmoid(const Operand& x) { return ops::held(ops::real(x) + 3, 0, 6) / 6; }

Tensor hardswish(const Operand& x) {
  const Tensor in = ops::real(x);
  return mul({in, x.here()}, ops::held(in + 3, 0, 6) / 6);
}

Tensor softplus(const Operand& x, double beta, double threshold) try {
  if (beta == 0) throw ArgumentError("softplus: beta is 0, and divides; give another");
  const Tensor in = ops::real(x), scaled = in * beta, is_line = scaled > threshold;
  return where({is_line, x.here()}, in, softplus(scaled) / beta);
} catch (...) {
  rethrow_in_call("softplus", x);
}

}  // namespace chainrule
