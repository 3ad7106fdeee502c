#include "ops/elementwise.h"
#include "ops/registry.h"

namespace chainrule {
namespace ops {

struct Sqrt : Unary<Sqrt> {
  static constexpr std::string_view name = "sqrt", formula = "∂√x/∂x = 1 / (2√x)";
  static auto value(auto x) { return sqrt(x); }
  // At 0 the slope is infinite, but where nothing comes from above, nothing is passed on.
  static constexpr auto vjp_x(auto, auto y, auto g) { return g / where(y == 0, where(g == 0, 1, 0), 2 * y); }
  LocalFormula local_formula(std::size_t, std::span<const std::string>, const std::string& result) const {
    return {(Symbol("1") / (Symbol(2) * Symbol(result))).text(), true};
  }
};

struct Exp : Unary<Exp> {
  static constexpr std::string_view name = "exp", formula = "∂eˣ/∂x = eˣ";
  static auto value(auto x) { return exp(x); }
  static constexpr auto vjp_x(auto, auto y, auto g) { return g * y; }
};

struct Log : Unary<Log> {
  static constexpr std::string_view name = "log", formula = "∂log(x)/∂x = 1/x";
  static auto value(auto x) { return log(x); }
  static constexpr auto vjp_x(auto x, auto, auto g) { return g / x; }
};

struct Expm1 : Unary<Expm1> {
  static constexpr std::string_view name = "expm1", formula = "∂(eˣ − 1)/∂x = eˣ";
  static auto value(auto x) { return expm1(x); }
  // Not y + 1, which has no digits left where x is far below 0.
  static constexpr auto vjp_x(auto x, auto, auto g) { return g * exp(x); }
};

struct Log1p : Unary<Log1p> {
  static constexpr std::string_view name = "log1p", formula = "∂log(1 + x)/∂x = 1 / (1 + x)";
  static auto value(auto x) { return log1p(x); }
  static constexpr auto vjp_x(auto x, auto, auto g) { return g / (1 + x); }
};

struct Sin : Unary<Sin> {
  static constexpr std::string_view name = "sin", formula = "∂sin(x)/∂x = cos(x)";
  static auto value(auto x) { return sin(x); }
  static constexpr auto vjp_x(auto x, auto, auto g) { return g * cos(x); }
};

struct Cos : Unary<Cos> {
  static constexpr std::string_view name = "cos", formula = "∂cos(x)/∂x = −sin(x)";
  static auto value(auto x) { return cos(x); }
  static constexpr auto vjp_x(auto x, auto, auto g) { return g * -sin(x); }
};

struct Tanh : Unary<Tanh> {
  static constexpr std::string_view name = "tanh", formula = "∂tanh(x)/∂x = 1 − tanh(x)²";
  static auto value(auto x) { return tanh(x); }
  static constexpr auto vjp_x(auto, auto y, auto g) { return g * (1 - y * y); }
};

struct Sigmoid : Unary<Sigmoid> {
  static constexpr std::string_view name = "sigmoid", formula = "∂σ(x)/∂x = σ(x) · (1 − σ(x))";
  static auto value(auto x) { return sigmoid(x); }
  static constexpr auto vjp_x(auto, auto y, auto g) { return g * (y * (1 - y)); }
};

struct Softplus : Unary<Softplus> {
  static constexpr std::string_view name = "softplus", formula = "∂log(1 + eˣ)/∂x = σ(x)";
  static auto value(auto x) { return maximum(x, 0) + log1p(exp(-abs(x))); }
  static constexpr auto vjp_x(auto x, auto, auto g) { return g * sigmoid(x); }
};

struct Logaddexp : Binary<Logaddexp> {
  static constexpr std::string_view
      name = "logaddexp",
      formula = "∂log(eᵃ + eᵇ)/∂a = σ(a − b),  ∂log(eᵃ + eᵇ)/∂b = σ(b − a) (½ each at equal infinities)";
  static auto value(auto a, auto b) {
    const auto distance = a - b, larger = maximum(a, b);  // equal infinities have no distance
    return where(distance == distance, larger + log1p(exp(-abs(distance))), larger);
  }
  static constexpr auto vjp_a(auto a, auto b, auto, auto g) { return g * share(a, b); }
  static constexpr auto vjp_b(auto a, auto b, auto, auto g) { return g * share(b, a); }
  LocalFormula local_formula(std::size_t input, std::span<const std::string> names,
                             const std::string&) const {
    return {sigmoid(Symbol(names[input]) - Symbol(names[1 - input])).text(), true};
  }

 private:
  static constexpr auto share(auto a, auto b) {
    return where(a - b == a - b, sigmoid(a - b), where(a == b, 1, a - b) / 2);
  }
};

Entries transcendental_operations() {
  return entries<Sqrt, Exp, Log, Expm1, Log1p, Sin, Cos, Tanh, Sigmoid, Softplus, Logaddexp>;
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

}  // namespace chainrule
