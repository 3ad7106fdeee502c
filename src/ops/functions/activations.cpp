// Activations with exponentials and the like, or composed of other operations. SiLU and Mish are in
// gated.cpp, what consists of straight lines in piecewise.cpp.

#include <numbers>
#include <stdexcept>

#include "chainrule/functions.h"
#include "chainrule/shaping.h"
#include "ops/functions/curve.h"
#include "ops/registry.h"

namespace chainrule {
namespace ops {
namespace {

// From "Self-Normalizing Neural Networks" (Klambauer et al., 2017), with PyTorch's digits.
constexpr double selu_alpha = 1.6732632423543772848170429916717,
                 selu_scale = 1.0507009873554804934193349852946;

struct Softsign {
  static constexpr bool cheap = true;
  static constexpr std::string_view name = "softsign", formula = "∂softsign(x)/∂x = 1 / (1 + |x|)²";
  static auto value(auto x) { return x / (1 + abs(x)); }
  static constexpr auto vjp_x(auto x, auto g) {
    const auto share = 1 / (1 + abs(x));
    return g * (share * share);
  }
};

struct Elu {
  static constexpr std::string_view name = "elu", formula = "∂elu(x)/∂x = 1 if x > 0 else α exp(x)";
  static constexpr std::array<std::string_view, 1> numbers = {"alpha"};
  static auto value(auto x, auto alpha) { return where(x > 0, x, alpha * expm1(x)); }
  static constexpr auto vjp_x(auto x, auto alpha, auto g) { return g * where(x > 0, 1, alpha * exp(x)); }
};

struct Celu {
  static constexpr std::string_view name = "celu", formula = "∂celu(x)/∂x = 1 if x > 0 else exp(x/α)";
  static constexpr std::array<std::string_view, 1> numbers = {"alpha"};
  static auto value(auto x, auto alpha) { return where(x > 0, x, alpha * expm1(x / alpha)); }
  static constexpr auto vjp_x(auto x, auto alpha, auto g) { return g * where(x > 0, 1, exp(x / alpha)); }
};

struct Tanhshrink {
  static constexpr std::string_view name = "tanhshrink", formula = "∂(x − tanh(x))/∂x = tanh(x)²";
  /// Where the difference loses digits, of tanh(x) = x / (1 + t) with t = x² / (3 + x² / (5 + x² / (7 +
  /// ...))), the whole fraction over one line.
  static auto value(auto x) {
    constexpr int last = 21;
    const auto square = x * x;
    auto above = square, below = decltype(x)(last);
    for (int odd = last - 2; odd >= 3; odd -= 2) {
      const auto lower = odd * below + above;
      above = square * below;
      below = lower;
    }
    return where(abs(x) < 1.25, x * (above / (below + above)), x - tanh(x));
  }
  static constexpr auto vjp_x(auto x, auto g) { return g * (tanh(x) * tanh(x)); }
};

}  // namespace

Entries activation_operations() {
  static constexpr Entry table[] = {
      {.name = "logsigmoid",
       .parameters = one_input,
       .call = call<logsigmoid>,
       .formula = "∂log σ(x)/∂x = σ(−x)",
       .aliases = "log_expit",
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
      {.name = "softsign",
       .parameters = one_input,
       .call = call<softsign>,
       .formula = Softsign::formula,
       .example = "softsign([-1, 3])"},
      {.name = "elu",
       .parameters = "x|input, alpha=1.0",
       .call = call<elu>,
       .formula = Elu::formula,
       .example = "elu([-1, 1])"},
      {.name = "selu",
       .parameters = one_input,
       .call = call<selu>,
       .formula = "∂selu(x)/∂x = 1.0507… if x > 0 else 1.7580… eˣ",
       .example = "selu([-1, 1])"},
      {.name = "celu",
       .parameters = "x|input, alpha=1.0",
       .call = call<celu>,
       .formula = Celu::formula,
       .example = "celu([-1, 1], 2)"},
      {.name = Tanhshrink::name,
       .parameters = one_input,
       .call = call<tanhshrink>,
       .formula = Tanhshrink::formula,
       .example = "tanhshrink([-1, 2])"},
      {.name = "glu",
       .parameters = "x|input, axis|dim=-1",
       .call = call<glu>,
       .formula = "∂(a σ(b))/∂a = σ(b),  ∂/∂b = a σ(b) σ(−b)",
       .example = "glu([1, 2, 0, 100])",
       .note = "a and b are the halves of x along the axis"},
  };
  return table;
}

}  // namespace ops

Tensor logsigmoid(const Operand& x) { return -softplus({-ops::real(x), x.here()}); }

Tensor softsign(const Operand& x) { return ops::curve<ops::Softsign>(x); }

Tensor elu(const Operand& x, double alpha) { return ops::curve<ops::Elu>(x, alpha); }

Tensor selu(const Operand& x) { return mul(ops::selu_scale, elu(x, ops::selu_alpha)); }

Tensor celu(const Operand& x, double alpha) try {
  if (alpha == 0) throw ArgumentError("celu: alpha is 0, and x is divided by it; give another");
  return ops::curve<ops::Celu>(x, alpha);
} catch (...) {
  rethrow_in_call("celu", x);
}

Tensor tanhshrink(const Operand& x) { return ops::curve<ops::Tanhshrink>(x); }

Tensor glu(const Operand& x, Integer axis) try {
  const Tensor in = ops::real(x);
  const std::vector<Tensor> halves = chunk(in, 2, axis);
  if (halves.size() != 2 || halves[0].shape() != halves[1].shape())
    throw ShapeError("glu: axis " + std::to_string(std::int64_t{axis}) + " of shape " +
                     to_string(in.shape()) + " has no two halves; give one of even size");
  return mul({halves[0], x.here()}, sigmoid(halves[1]));
} catch (...) {
  rethrow_in_call("glu", x);
}

Tensor softplus(const Operand& x, double beta, double threshold) try {
  if (beta == 0) throw ArgumentError("softplus: beta is 0, and divides; give another");
  const Tensor in = ops::real(x), scaled = in * beta, is_line = scaled > threshold;
  return where({is_line, x.here()}, in, softplus(scaled) / beta);
} catch (...) {
  rethrow_in_call("softplus", x);
}

}  // namespace chainrule
