#include "ops/elementwise.h"
#include "ops/registry.h"

namespace chainrule {
namespace ops {

struct Add : Binary<Add> {
  static constexpr std::string_view name = "add", formula = "∂(a + b)/∂a = 1,  ∂(a + b)/∂b = 1";
  static constexpr bool is_cheap = true, integers = true;
  static auto value(auto a, auto b) { return a + b; }
  static constexpr auto vjp_a(auto, auto, auto, auto g) { return g; }
  static constexpr auto vjp_b(auto, auto, auto, auto g) { return g; }
};

struct Sub : Binary<Sub> {
  static constexpr std::string_view name = "sub", formula = "∂(a − b)/∂a = 1,  ∂(a − b)/∂b = −1";
  static constexpr bool is_cheap = true, integers = true;
  static auto value(auto a, auto b) { return a - b; }
  static constexpr auto vjp_a(auto, auto, auto, auto g) { return g; }
  static constexpr auto vjp_b(auto, auto, auto, auto g) { return -g; }
};

struct Mul : Binary<Mul> {
  static constexpr std::string_view name = "mul", formula = "∂(a · b)/∂a = b,  ∂(a · b)/∂b = a";
  static constexpr bool is_cheap = true, integers = true;
  static auto value(auto a, auto b) { return a * b; }
  static constexpr auto vjp_a(auto, auto b, auto, auto g) { return g * b; }
  static constexpr auto vjp_b(auto a, auto, auto, auto g) { return g * a; }
};

struct Div : Binary<Div> {
  static constexpr std::string_view name = "div", formula = "∂(a / b)/∂a = 1/b,  ∂(a / b)/∂b = −(a/b)/b";
  static auto value(auto a, auto b) { return a / b; }
  static constexpr auto vjp_a(auto, auto b, auto, auto g) { return g / b; }
  static constexpr auto vjp_b(auto, auto b, auto y, auto g) { return -g * y / b; }
};

struct Pow : Binary<Pow> {
  static constexpr std::string_view
      name = "pow",
      formula = "∂aᵇ/∂a = b · aᵇ⁻¹ (0 if b = 0),  ∂aᵇ/∂b = aᵇ · log(a) (0 at a = 0 for b ≥ 0)";
  static auto value(auto a, auto b) { return pow(a, b); }
  static constexpr auto vjp_a(auto a, auto b, auto, auto g) {
    return where(b == 0, 0, g * b * pow(a, b - 1));
  }
  static constexpr auto vjp_b(auto a, auto b, auto y, auto g) {
    return g * y * log(where(a == 0, where(b >= 0, 1, 0), a));
  }
};

struct Neg : Unary<Neg> {
  static constexpr std::string_view name = "neg", formula = "∂(−x)/∂x = −1";
  static constexpr bool integers = true;
  static auto value(auto x) { return -x; }
  static constexpr auto vjp_x(auto, auto, auto g) { return -g; }
};

struct Square : Unary<Square> {
  static constexpr std::string_view name = "square", formula = "∂x²/∂x = 2x";
  static constexpr bool is_cheap = true, integers = true;
  static auto value(auto x) { return x * x; }
  static constexpr auto vjp_x(auto x, auto, auto g) { return g * (2 * x); }
};

struct Abs : Unary<Abs> {
  static constexpr std::string_view name = "abs", formula = "∂|x|/∂x = sign(x)";
  static constexpr bool integers = true;
  static auto value(auto x) { return abs(x); }
  static constexpr auto vjp_x(auto x, auto, auto g) { return g * sign(x); }
};

struct Sign : Unary<Sign> {
  static constexpr std::string_view name = "sign", formula = "∂sign(x)/∂x = 0";
  static constexpr bool integers = true;
  static auto value(auto x) { return sign(x); }
  static constexpr auto vjp_x(auto, auto, auto g) { return 0 * g; }
};

struct Relu : Unary<Relu> {
  static constexpr std::string_view name = "relu", formula = "∂relu(x)/∂x = 1 if x > 0 else 0";
  static constexpr bool integers = true;
  static auto value(auto x) { return maximum(x, 0); }  // NaN stays NaN
  static constexpr auto vjp_x(auto, auto y, auto g) { return where(y > 0, g, 0); }
};

struct Maximum : Binary<Maximum> {
  static constexpr std::string_view name = "maximum",
                                    formula = "∂max(a, b)/∂a = 1 if a > b, ½ if a = b, else 0";
  static constexpr bool integers = true;
  static auto value(auto a, auto b) { return maximum(a, b); }
  static constexpr auto vjp_a(auto a, auto b, auto, auto g) {
    return where(a > b, g, where(a == b, g / 2, 0));
  }
  static constexpr auto vjp_b(auto a, auto b, auto, auto g) {
    return where(b > a, g, where(a == b, g / 2, 0));
  }
};

struct Minimum : Binary<Minimum> {
  static constexpr std::string_view name = "minimum",
                                    formula = "∂min(a, b)/∂a = 1 if a < b, ½ if a = b, else 0";
  static constexpr bool integers = true;
  static auto value(auto a, auto b) { return minimum(a, b); }
  static constexpr auto vjp_a(auto a, auto b, auto, auto g) {
    return where(a < b, g, where(a == b, g / 2, 0));
  }
  static constexpr auto vjp_b(auto a, auto b, auto, auto g) {
    return where(b < a, g, where(a == b, g / 2, 0));
  }
};

Entries arithmetic_operations() {
  return entries<Add, Sub, Mul, Div, Pow, Neg, Square, Abs, Sign, Relu, Maximum, Minimum>;
}

}  // namespace ops

Tensor add(const Operand& a, const Operand& b) { return ops::binary<ops::Add>(a, b); }
Tensor sub(const Operand& a, const Operand& b) { return ops::binary<ops::Sub>(a, b); }
Tensor mul(const Operand& a, const Operand& b) { return ops::binary<ops::Mul>(a, b); }
Tensor div(const Operand& a, const Operand& b) { return ops::binary<ops::Div>(a, b); }
Tensor pow(const Operand& a, const Operand& b) { return ops::binary<ops::Pow>(a, b); }
Tensor neg(const Operand& x) { return ops::unary<ops::Neg>(x); }
Tensor square(const Operand& x) { return ops::unary<ops::Square>(x); }
Tensor abs(const Operand& x) { return ops::unary<ops::Abs>(x); }
Tensor sign(const Operand& x) { return ops::unary<ops::Sign>(x); }
Tensor relu(const Operand& x) { return ops::unary<ops::Relu>(x); }
Tensor maximum(const Operand& a, const Operand& b) { return ops::binary<ops::Maximum>(a, b); }
Tensor minimum(const Operand& a, const Operand& b) { return ops::binary<ops::Minimum>(a, b); }

}  // namespace chainrule
