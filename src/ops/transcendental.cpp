// exp, log, sin, tanh and the like: each operation's value and derivative are rules of detail/rules.h.
// elementwise.h makes all else of them.

#include <concepts>
#include <numbers>

#include "chainrule/functions.h"
#include "ops/elementwise.h"
#include "ops/registry.h"

namespace chainrule {

static Tensor tanh_slope_of(const Tensor& x);
static Tensor tanh_slope_of(const Tensor& x, const Tensor& y);
static Tensor tanh_curvature_of(const Tensor& x, const Tensor& y, const Tensor& slope);

namespace rules {
namespace {

/// sech(x)², of which the slopes of tanh and sigmoid are made where they are to be differentiated again.
struct TanhSlope {
  static auto value(auto x) { return tanh_slope(x); }
  static constexpr auto vjp_x(auto x, auto y, auto g) { return g * (y * (-2 * tanh(x))); }
};

/// The same where y = tanh(x) is known.
struct TanhSlopeBeside {
  static constexpr auto vjp_a(auto x, auto y, auto slope, auto g) {
    if constexpr (std::same_as<decltype(x), Tensor>)
      return g * tanh_curvature_of(x, y, slope);
    else
      return g * (slope * (-2 * y));
  }
};

/// The derivative of that slope, of y and the slope; and its own, as y² is 1 less the slope.
struct TanhCurvature {
  static auto value(auto y, auto slope) { return slope * (-2 * y); }
  static constexpr auto vjp_a(auto, auto, auto slope, auto, auto g) { return g * (slope * (4 - 6 * slope)); }
};

}  // namespace
}  // namespace rules

namespace ops {

struct Sqrt : ElementwiseOp<Sqrt, 1>, rules::Sqrt {
  static constexpr bool cheap = true;
  static constexpr Notation notation = {"√"};
  static constexpr std::string_view name = "sqrt", formula = "∂√x/∂x = 1 / (2√x)";
};

struct Exp : ElementwiseOp<Exp, 1>, rules::Exp {
  static constexpr bool cheap = true;
  static constexpr std::string_view name = "exp", formula = "∂eˣ/∂x = eˣ";
};

struct Log : ElementwiseOp<Log, 1>, rules::Log {
  static constexpr std::string_view name = "log", formula = "∂log(x)/∂x = 1/x";
};

struct Expm1 : ElementwiseOp<Expm1, 1>, rules::Expm1 {
  static constexpr std::string_view name = "expm1", formula = "∂(eˣ − 1)/∂x = eˣ";
};

struct Log1p : ElementwiseOp<Log1p, 1>, rules::Log1p {
  static constexpr std::string_view name = "log1p", formula = "∂log(1 + x)/∂x = 1 / (1 + x)";
};

struct Sin : ElementwiseOp<Sin, 1>, rules::Sin {
  static constexpr std::string_view name = "sin", formula = "∂sin(x)/∂x = cos(x)";
};

struct Cos : ElementwiseOp<Cos, 1>, rules::Cos {
  static constexpr std::string_view name = "cos", formula = "∂cos(x)/∂x = −sin(x)";
};

struct Tanh : ElementwiseOp<Tanh, 1>, rules::Tanh {
  static constexpr bool cheap = true;
  static constexpr std::string_view name = "tanh", formula = "∂tanh(x)/∂x = 1 − tanh(x)²";
  static constexpr auto vjp_x(auto x, auto y, auto g) {
    if constexpr (std::same_as<decltype(x), Tensor>)
      return g * tanh_slope_of(x, y);
    else
      return rules::Tanh::vjp_x(x, y, g);
  }
};

struct TanhSlope : ElementwiseOp<TanhSlope, 1>, rules::TanhSlope {
  static constexpr std::string_view name = "tanh_slope", formula = "∂sech(x)²/∂x = −2 tanh(x) sech(x)²";
  void vjp(Inputs in, const Tensor& out, const Tensor& g, Cotangents& to) const {
    if (to.wants(0)) to[0] = to.in_numbers() ? along(in[0], out, g) : recorded(in[0], out, g);
  }
  Tensor jvp(Inputs in, const Tensor& out, Inputs tangents) const {
    const Tensor& t = tangents[0];
    return may_be_in_numbers({&in[0], &out, &t}) ? along(in[0], out, t) : recorded(in[0], out, t);
  }

 private:
  static Tensor along(const Tensor& x, const Tensor& out, const Tensor& g);
  static Tensor recorded(const Tensor& x, const Tensor& out, const Tensor& g) {
    return out_of_rule(vjp_x(x, out, into_rule(g)));
  }
};

/// The same beside y = tanh(x), which is no input of its own: what its node sends to x, x has got. The
/// derivative then takes no further exponential.
struct TanhSlopeBeside : ElementwiseOp<TanhSlopeBeside, 2, 0, 1>, rules::TanhSlopeBeside {
  static constexpr std::string_view name = "tanh_slope", formula = TanhSlope::formula;
  Array forward(Values in) const { return TanhSlope().forward(in.first(1)); }
  LocalFormula local_formula(std::size_t input, std::span<const std::string> names,
                             const std::string& result) const {
    if (input == 1) return {"0", true};
    return TanhSlope().local_formula(0, names, result);
  }
};

/// In numbers, for both operations by one loop, as each takes kilobytes.
Tensor TanhSlope::along(const Tensor& x, const Tensor& out, const Tensor& g) {
  const std::array<Tensor, 2> in = {x, tanh(x)};
  return TanhSlopeBeside::fused<0>(in, out, out.node()->shape(), g);
}

/// The derivative of the slope, beside y and the slope, to which nothing is sent as x has got it: written as
/// products of these, each would be sent its share, and send it on to x.
struct TanhCurvature : ElementwiseOp<TanhCurvature, 3, 0, 1>, rules::TanhCurvature {
  static constexpr std::string_view name = "tanh_curvature",
                                    formula = "∂(−2 tanh(x) sech(x)²)/∂x = (4 − 6 sech(x)²) sech(x)²";
  Array forward(Values in) const {  // without x
    const Array &y = *in[1], &slope = *in[2];
    return dispatch_floating(y.dtype(), [&]<class T>() {
      if (y.shape().rank() == 0) return Array(static_cast<T>(value(y.item<T>(), slope.item<T>())));
      return kernels::elementwise<Value, T, 2>(y.shape(), {&y, &slope}, {.is_cheap = true});
    });
  }

 private:
  struct Value {
    auto operator()(auto y, auto slope) const { return TanhCurvature::value(y, slope); }
  };
};

struct Sigmoid : ElementwiseOp<Sigmoid, 1>, rules::Sigmoid {
  static constexpr bool cheap = true;
  static constexpr std::string_view name = "sigmoid", formula = "∂σ(x)/∂x = σ(x) · (1 − σ(x))";
};

struct Softplus : ElementwiseOp<Softplus, 1>, rules::Softplus {
  static constexpr std::string_view name = "softplus", formula = "∂log(1 + eˣ)/∂x = σ(x)";
};

struct Logaddexp : ElementwiseOp<Logaddexp, 2>, rules::Logaddexp {
  static constexpr bool symmetric = true;
  static constexpr std::string_view
      name = "logaddexp",
      formula = "∂log(eᵃ + eᵇ)/∂a = σ(a − b),  ∂log(eᵃ + eᵇ)/∂b = σ(b − a) (½ each at equal infinities)";
  LocalFormula local_formula(std::size_t input, std::span<const std::string> names,
                             const std::string&) const {
    return written(sigmoid(Symbol(names[input]) - Symbol(names[1 - input])));
  }
};

Entries transcendental_operations() {
  static constexpr Entry table[] = {
      {.name = Sqrt::name,
       .parameters = one_input,
       .call = call<chainrule::sqrt>,
       .formula = Sqrt::formula,
       .example = "sqrt([1, 4])",
       .note = "derivative +inf at 0",
       .notation = Sqrt::notation},
      {.name = Exp::name,
       .parameters = one_input,
       .call = call<chainrule::exp>,
       .formula = Exp::formula,
       .example = "exp([0, 1])"},
      {.name = Log::name,
       .parameters = one_input,
       .call = call<chainrule::log>,
       .formula = Log::formula,
       .example = "log([1, 2])"},
      {.name = Expm1::name,
       .parameters = one_input,
       .call = call<chainrule::expm1>,
       .formula = Expm1::formula,
       .example = "expm1([0, 1e-10])"},
      {.name = Log1p::name,
       .parameters = one_input,
       .call = call<chainrule::log1p>,
       .formula = Log1p::formula,
       .example = "log1p([0, 1e-10])"},
      {.name = Sin::name,
       .parameters = one_input,
       .call = call<chainrule::sin>,
       .formula = Sin::formula,
       .example = "sin([0, pi / 2])"},
      {.name = Cos::name,
       .parameters = one_input,
       .call = call<chainrule::cos>,
       .formula = Cos::formula,
       .example = "cos([0, pi])"},
      {.name = Tanh::name,
       .parameters = one_input,
       .call = call<chainrule::tanh>,
       .formula = Tanh::formula,
       .example = "tanh([0, 1])"},
      {.name = Sigmoid::name,
       .parameters = one_input,
       .call = call<sigmoid>,
       .formula = Sigmoid::formula,
       .aliases = "expit",
       .example = "sigmoid([0, 1])"},
      {.name = Softplus::name,
       .parameters = "x|input, beta=1.0, threshold=None",
       .call = [](Arguments& a) -> Result {
         if (a.number(1) == 1 && !a.given(2)) return softplus(a[0]);
         return softplus(a[0], a.number(1), a.given(2) ? a.number(2) : 20);
       },
       .formula = Softplus::formula,
       .example = "softplus([0, 1])",
       .note = "with beta or threshold, log(1 + exp(beta x)) / beta, and x where beta x > threshold (20)"},
      {.name = Logaddexp::name,
       .parameters = two_inputs,
       .call = call<logaddexp>,
       .formula = Logaddexp::formula,
       .example = "logaddexp(1000, [1000, 0])",
       .note = "half to each at equal infinities"},
      {.name = "logaddexp2",
       .parameters = two_inputs,
       .call = call<logaddexp2>,
       .formula = "∂log2(2ᵃ + 2ᵇ)/∂a = 2ᵃ / (2ᵃ + 2ᵇ),  ∂/∂b = 2ᵇ / (2ᵃ + 2ᵇ)",
       .example = "logaddexp2(1000, [1000, 0])"},
  };
  return table;
}

}  // namespace ops

Tensor sqrt(const Operand& x) { return ops::unary<ops::Sqrt>(x); }
Tensor exp(const Operand& x) { return ops::unary<ops::Exp>(x); }
Tensor log(const Operand& x) { return ops::unary<ops::Log>(x); }
Tensor expm1(const Operand& x) { return ops::unary<ops::Expm1>(x); }
Tensor log1p(const Operand& x) { return ops::unary<ops::Log1p>(x); }
Tensor sin(const Operand& x) { return ops::unary<ops::Sin>(x); }
Tensor cos(const Operand& x) { return ops::unary<ops::Cos>(x); }
Tensor tanh(const Operand& x) { return ops::unary<ops::Tanh>(x); }
Tensor sigmoid(const Operand& x) { return ops::unary<ops::Sigmoid>(x); }
Tensor softplus(const Operand& x) { return ops::unary<ops::Softplus>(x); }
Tensor logaddexp(const Operand& a, const Operand& b) { return ops::binary<ops::Logaddexp>(a, b); }
Tensor logaddexp2(const Operand& a, const Operand& b) try {
  using std::numbers::ln2;
  const DType dtype = ops::real_dtype(ops::common_dtype(a, b));
  return div({logaddexp(a.as(dtype) * ln2, b.as(dtype) * ln2), a.here()}, ln2);
} catch (...) {
  rethrow_in_call("logaddexp2", a, b);
}

static Tensor tanh_slope_of(const Tensor& x) { return ops::unary<ops::TanhSlope>(x); }

// No rule of tanh keeps y, but others may; while it is held here, it stays.
static Tensor tanh_slope_of(const Tensor& x, const Tensor& y) {
  const Tensor held = y;
  return held.node()->has_value() ? ops::binary<ops::TanhSlopeBeside>(x, held) : tanh_slope_of(x);
}
static Tensor tanh_curvature_of(const Tensor& x, const Tensor& y, const Tensor& slope) {
  if (!x.node()->has_value()) return slope * (-2 * y);  // that of y and the slope is held
  return apply(ops::TanhCurvature(), Here::now(), Argument(x), Argument(y), Argument(slope));
}
Tensor sigmoid_slope(const Operand& x) {
  return tanh_slope_of(x.as(ops::working_dtype<ops::TanhSlope>(x.dtype())) * 0.5) * 0.25;
}

}  // namespace chainrule
