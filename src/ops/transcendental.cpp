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

const Registered<Sqrt, Exp, Log, Sin, Cos, Tanh, Sigmoid> registered;

}  // namespace ops

Tensor sqrt(const Operand& x) { return ops::unary<ops::Sqrt>(x); }
Tensor exp(const Operand& x) { return ops::unary<ops::Exp>(x); }
Tensor log(const Operand& x) { return ops::unary<ops::Log>(x); }
Tensor sin(const Operand& x) { return ops::unary<ops::Sin>(x); }
Tensor cos(const Operand& x) { return ops::unary<ops::Cos>(x); }
Tensor tanh(const Operand& x) { return ops::unary<ops::Tanh>(x); }
Tensor sigmoid(const Operand& x) { return ops::unary<ops::Sigmoid>(x); }

}  // namespace chainrule
