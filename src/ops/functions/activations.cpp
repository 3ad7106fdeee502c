// Activations made of pieces or composed of other operations, and softsign. SiLU and Mish are in gated.cpp.

#include <numbers>
#include <stdexcept>

#include "array/number_text.h"
#include "chainrule/functions.h"
#include "ops/functions/activations.h"
#include "ops/functions/packed_loops.h"
#include "ops/registry.h"

namespace chainrule {
namespace ops {
namespace {

// From "Self-Normalizing Neural Networks" (Klambauer et al., 2017), with PyTorch's digits.
constexpr double selu_alpha = 1.6732632423543772848170429916717,
                 selu_scale = 1.0507009873554804934193349852946;

/// A loop on x, v and a number.
Array bent(Bend which, const Array& x, const Array& v, double parameter = 0) {
  return dispatch_floating(x.dtype(), [&]<class T>() {
    const Array kind(static_cast<T>(which)), number(static_cast<T>(parameter));
    return kernels::elementwise<PackedValue<BentPacks>, T, 4>(x.shape(), {&x, &v, &kind, &number});
  });
}

/// Functions made of pieces, whose values and derivatives take a pass each, or a few: one operation under
/// several names, as each of its own would cost kilobytes.
struct Piecewise : ByNumber<Piecewise> {
  enum class Kind : std::uint8_t {
    leaky_relu,   ///< x for x > 0, else a x
    hardtanh,     ///< x from a to b, with derivative 0 there
    hardsigmoid,  ///< x + 3 from 0 to 6, by 6
    hardswish,    ///< x times that
    elu,          ///< x for x > 0, else a (eˣ - 1)
    celu,         ///< x for x > 0, else a (exp(x / a) - 1)
    softsign,     ///< x by 1 + |x|
    nan_to_num,   ///< a where x is NaN, the largest numbers for infinities
    decimals,     ///< a x rounded, by a
    rsqrt         ///< 1 / √x
  };
  Kind kind;
  std::string_view name, formula;
  double a = 0, b = 0;

  Attributes attributes() const { return {{"a", a}, {"b", b}}; }
  Array forward(Values in) const {
    const NoGrad guard;
    const Array& x = *in[0];
    switch (kind) {
      case Kind::leaky_relu: return bent(Bend::leaky_relu, x, x, a);
      case Kind::hardtanh: return value_of(clamp(constant(x), a, b));
      case Kind::hardsigmoid: return bent(Bend::hardsigmoid, x, x);
      case Kind::elu: return bent(Bend::elu, x, x, a);
      case Kind::celu: return bent(Bend::celu, x, x, a);
      case Kind::softsign: return bent(Bend::softsign, x, x);
      case Kind::nan_to_num: return bent(Bend::nan_to_num, x, x, a);
      case Kind::decimals: return bent(Bend::decimals, x, x, a);
      case Kind::rsqrt: return bent(Bend::rsqrt, x, x);
      case Kind::hardswish: break;
    }
    return bent(Bend::hardswish, x, x);
  }
  void vjp(Inputs in, const Tensor& y, const Tensor& g, Cotangents& to) const {
    if (!to.in_numbers()) return ByNumber::vjp(in, y, g, to);
    if (to.wants(0)) to[0] = in_numbers(in[0], g);
  }
  Tensor slope(const Tensor& x, const Tensor&) const {
    const auto number = [&](double value) { return scalar(value, x.dtype()); };
    const auto between = [&](double low, double high, double inside) {
      return where((x <= low) | (x >= high), number(0), number(inside));
    };
    switch (kind) {
      case Kind::leaky_relu: return where(x > 0, number(1), number(a));
      case Kind::hardtanh: return between(a, b, 1);
      case Kind::hardsigmoid: return between(-3, 3, 1.0 / 6);
      case Kind::elu: return where(x > 0, number(1), a * exp(where(x > 0, number(0), x)));
      case Kind::celu: return where(x > 0, number(1), exp(where(x > 0, number(0), x) / a));
      case Kind::softsign: return square(1 / (1 + abs(x)));
      case Kind::nan_to_num: return where(isfinite(x), number(1), number(0));
      case Kind::decimals: return zeros_like(x);
      case Kind::rsqrt: return -0.5 / x / sqrt(x);
      case Kind::hardswish: break;
    }
    return where(x <= -3, 0, where(x >= 3, 1, (2 * x + 3) / 6));
  }
  LocalFormula local_formula(std::size_t, std::span<const std::string> names, const std::string&) const {
    return spelled_out(formula, 0, names);
  }

 private:
  Tensor in_numbers(const Tensor& x, const Tensor& g) const {
    const auto by = [&](Bend which, double parameter = 0) {
      return constant(bent(which, value_of(x), value_of(g), parameter));
    };
    switch (kind) {
      case Kind::leaky_relu: return by(Bend::leaky_relu, a);
      case Kind::hardtanh:
        if (a == 0) return by(Bend::from_0, b);
        return a == -b ? by(Bend::around_0, b) : strong_product(g, slope(x, x));
      case Kind::hardsigmoid: return by(Bend::hardsigmoid_slope);
      case Kind::elu: return by(Bend::elu_slope, a);
      case Kind::celu: return by(Bend::celu_slope, a);
      case Kind::softsign: return by(Bend::softsign_slope);
      case Kind::nan_to_num: return by(Bend::finite);
      case Kind::decimals: return zeros_like(g);
      case Kind::rsqrt: return by(Bend::rsqrt_slope);
      case Kind::hardswish: break;
    }
    return by(Bend::hardswish_slope);
  }
};

constexpr std::string_view elu_formula = "∂elu(x)/∂x = 1 if x > 0 else α exp(x)",
                           celu_formula = "∂celu(x)/∂x = 1 if x > 0 else exp(x/α)",
                           softsign_formula = "∂softsign(x)/∂x = 1 / (1 + |x|)²",
                           leaky_relu_formula = "∂leaky_relu(x)/∂x = 1 if x > 0 else the negative slope",
                           hardtanh_formula = "∂hardtanh(x)/∂x = 1 if low < x < high else 0",
                           hardsigmoid_formula = "∂hardsigmoid(x)/∂x = 1/6 if −3 < x < 3 else 0",
                           hardswish_formula =
                               "∂hardswish(x)/∂x = (2x + 3) / 6 if −3 < x < 3 else (1 if x ≥ 3 else 0)";

Tensor in_pieces(const Operand& x, Piecewise::Kind kind, std::string_view name, std::string_view formula,
                 double a = 0, double b = 0) {
  return apply(Piecewise{{}, kind, name, formula, a, b}, x.here(), Argument(x, real_dtype(dtype_of(x))));
}
using Kind = Piecewise::Kind;

struct Prelu : ByNumber<Prelu, 2> {
  static constexpr std::string_view name = "prelu",
                                    formula =
                                        "∂prelu(a, b)/∂a = 1 if a > 0 else b,  ∂/∂b = 0 if a > 0 else a";
  static constexpr auto pair = special::Pair::prelu, pair_slope_a = special::Pair::prelu_slope_a,
                        pair_slope_b = special::Pair::prelu_slope_b;
  static double value(double a, double b) { return a > 0 ? a : b * a; }
  static Tensor slope_a(const Tensor& a, const Tensor& b, const Tensor&) {
    return where(a > 0, scalar(1, a.dtype()), b);
  }
  static Tensor slope_b(const Tensor& a, const Tensor&, const Tensor&) {
    return where(a > 0, scalar(0, a.dtype()), a);
  }
};

}  // namespace

Tensor numbers_for_nan(const Operand& x, double nan) {
  return in_pieces(x, Kind::nan_to_num, "nan_to_num", "∂nan_to_num(x)/∂x = 1 if x is finite else 0", nan);
}
Tensor round_to_decimals(const Operand& x, double power) {
  return in_pieces(x, Kind::decimals, "round_to_decimals", "∂round(x)/∂x = 0", power);
}

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
      {.name = "softsign",
       .parameters = one_input,
       .call = call<softsign>,
       .formula = softsign_formula,
       .example = "softsign([-1, 3])"},
      {.name = "elu",
       .parameters = "x|input, alpha=1.0",
       .call = call<elu>,
       .formula = elu_formula,
       .example = "elu([-1, 1])"},
      {.name = "selu",
       .parameters = one_input,
       .call = call<selu>,
       .formula = "∂selu(x)/∂x = 1.0507… if x > 0 else 1.7580… eˣ",
       .example = "selu([-1, 1])"},
      {.name = "celu",
       .parameters = "x|input, alpha=1.0",
       .call = call<celu>,
       .formula = celu_formula,
       .example = "celu([-1, 1], 2)"},
      {.name = "leaky_relu",
       .parameters = "x|input, negative_slope=0.01",
       .call = call<leaky_relu>,
       .formula = leaky_relu_formula,
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
       .formula = hardtanh_formula,
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
       .formula = hardsigmoid_formula,
       .example = "hardsigmoid([-4, 0, 4])"},
      {.name = "hardswish",
       .parameters = one_input,
       .call = call<hardswish>,
       .formula = hardswish_formula,
       .example = "hardswish([-4, 1, 4])"},
  };
  return table;
}

}  // namespace ops

Tensor logsigmoid(const Operand& x) { return -softplus({-ops::real(x), x.here()}); }

Tensor rsqrt(const Operand& x) {
  return ops::in_pieces(x, ops::Kind::rsqrt, "rsqrt", "∂(1/√x)/∂x = −1 / (2 x √x)");
}

Tensor softsign(const Operand& x) {
  return ops::in_pieces(x, ops::Kind::softsign, "softsign", ops::softsign_formula);
}

Tensor elu(const Operand& x, double alpha) {
  return ops::in_pieces(x, ops::Kind::elu, "elu", ops::elu_formula, alpha);
}

Tensor selu(const Operand& x) { return mul(ops::selu_scale, elu(x, ops::selu_alpha)); }

Tensor celu(const Operand& x, double alpha) try {
  if (alpha == 0) throw ArgumentError("celu: alpha is 0, and x is divided by it; give another");
  return ops::in_pieces(x, ops::Kind::celu, "celu", ops::celu_formula, alpha);
} catch (...) {
  rethrow_in_call("celu", x);
}

Tensor leaky_relu(const Operand& x, double negative_slope) {
  return ops::in_pieces(x, ops::Kind::leaky_relu, "leaky_relu", ops::leaky_relu_formula, negative_slope);
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
  return apply(ops::Prelu{}, x.here(), Argument(in), Argument(slope));
} catch (...) {
  rethrow_in_call("prelu", x, weight);
}

Tensor hardtanh(const Operand& x, double low, double high) try {
  if (low > high)
    throw ArgumentError("hardtanh: low " + number_text(low) + " is above high " + number_text(high) +
                        "; exchange them");
  return ops::in_pieces(x, ops::Kind::hardtanh, "hardtanh", ops::hardtanh_formula, low, high);
} catch (...) {
  rethrow_in_call("hardtanh", x);
}

Tensor relu6(const Operand& x) {
  if (is_floating(ops::dtype_of(x)))
    return ops::in_pieces(x, ops::Kind::hardtanh, "relu6", "∂relu6(x)/∂x = 1 if 0 < x < 6 else 0", 0, 6);
  const Tensor in = x.as(ops::number_dtype(ops::dtype_of(x)));
  return where({in <= 0, x.here()}, 0, where(in >= 6, 6, in));
}

Tensor hardsigmoid(const Operand& x) {
  return ops::in_pieces(x, ops::Kind::hardsigmoid, "hardsigmoid", ops::hardsigmoid_formula);
}
Tensor hardswish(const Operand& x) {
  return ops::in_pieces(x, ops::Kind::hardswish, "hardswish", ops::hardswish_formula);
}

Tensor softplus(const Operand& x, double beta, double threshold) try {
  if (beta == 0) throw ArgumentError("softplus: beta is 0, and divides; give another");
  const Tensor in = ops::real(x), scaled = in * beta, is_line = scaled > threshold;
  return where({is_line, x.here()}, in, softplus(scaled) / beta);
} catch (...) {
  rethrow_in_call("softplus", x);
}

}  // namespace chainrule
