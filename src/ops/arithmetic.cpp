// Sums, products, quotients and powers: each operation's value and derivative are rules of detail/rules.h.
// elementwise.h makes all else of them.

#include <optional>

#include "chainrule/functions.h"
#include "kernels/diagonal.h"
#include "ops/elementwise.h"
#include "ops/registry.h"

namespace chainrule {
namespace ops {

struct Add : ElementwiseOp<Add, 2>, rules::Add {
  static constexpr bool cheap = true, for_scalars = true;
  static constexpr auto arithmetic = kernels::Arithmetic::sum;
  static constexpr Notation notation = {"+", "+"};
  static constexpr std::string_view name = "add", formula = "∂(a + b)/∂a = 1,  ∂(a + b)/∂b = 1";
  static constexpr bool integers = true;
};

struct Sub : ElementwiseOp<Sub, 2>, rules::Sub {
  static constexpr bool cheap = true, for_scalars = true;
  static constexpr auto arithmetic = kernels::Arithmetic::difference;
  static constexpr Notation notation = {"−", "-"};
  static constexpr std::string_view name = "sub", formula = "∂(a − b)/∂a = 1,  ∂(a − b)/∂b = −1";
  static constexpr bool integers = true;
};

struct Mul : ElementwiseOp<Mul, 2>, rules::Mul {
  static constexpr bool cheap = true, for_scalars = true, symmetric = true;
  static constexpr auto arithmetic = kernels::Arithmetic::product;
  static constexpr Notation notation = {"×", "·"};
  static constexpr std::string_view name = "mul", formula = "∂(a · b)/∂a = b,  ∂(a · b)/∂b = a";
  static constexpr bool integers = true;
};

struct Div : ElementwiseOp<Div, 2>, rules::Div {
  static constexpr bool cheap = true, for_scalars = true;
  static constexpr Notation notation = {"÷", "/"};
  static constexpr std::string_view name = "div", formula = "∂(a / b)/∂a = 1/b,  ∂(a / b)/∂b = −(a/b)/b";
};

struct Pow : ElementwiseOp<Pow, 2>, rules::Pow {
  static constexpr Notation notation = {"xʸ", "**"};
  static constexpr std::string_view
      name = "pow",
      formula = "∂aᵇ/∂a = b · aᵇ⁻¹ (0 if b = 0),  ∂aᵇ/∂b = aᵇ · log(a) (0 at a = 0 for b ≥ 0)";
  /// Of an exponent that is one number, what to compute is found out once, not for each pack again.
  Array forward(Values in) const {
    const Array &a = *in[0], &b = *in[1];
    if (a.size() < few || b.shape().rank() != 0) return ElementwiseOp::forward(in);
    std::optional<Array> power;
    dispatch_floating(a.dtype(), [&]<class T>() {
      simd::with_halves<4, 6, 1, -1, -2, -4>(b.item<T>(), [&](auto halves) {
        power = kernels::elementwise<Power<halves>, T, 1>(a.shape(), {&a},
                                                          {.is_cheap = halves > 0 && halves % 2 == 0});
      });
    });
    return power ? *std::move(power) : ElementwiseOp::forward(in);
  }

 private:
  static constexpr std::int64_t few = 512;  ///< take less time than finding it out
  template <int halves>
  struct Power {
    auto operator()(auto a) const { return simd::power_of_halves<halves>(a); }
  };
};

struct Neg : ElementwiseOp<Neg, 1>, rules::Neg {
  static constexpr bool cheap = true, for_scalars = true;
  static constexpr Notation notation = {"−", "-"};
  static constexpr std::string_view name = "neg", formula = "∂(−x)/∂x = −1";
  static constexpr bool integers = true;
};

struct Square : ElementwiseOp<Square, 1>, rules::Square {
  static constexpr bool cheap = true;
  static constexpr Notation notation = {"x²"};
  static constexpr std::string_view name = "square", formula = "∂x²/∂x = 2x";
  static constexpr bool integers = true;
};

struct Abs : ElementwiseOp<Abs, 1>, rules::Abs {
  static constexpr bool cheap = true;
  static constexpr std::string_view name = "abs", formula = "∂|x|/∂x = sign(x)";
  static constexpr bool integers = true;
};

struct Sign : ElementwiseOp<Sign, 1>, rules::Sign {
  static constexpr bool cheap = true;
  static constexpr std::string_view name = "sign", formula = "∂sign(x)/∂x = 0";
  static constexpr bool integers = true;
};

struct Relu : ElementwiseOp<Relu, 1>, rules::Relu {
  static constexpr bool cheap = true, for_scalars = true;
  static constexpr std::string_view name = "relu", formula = "∂relu(x)/∂x = 1 if x > 0 else 0";
  static constexpr bool integers = true;
};

struct Maximum : ElementwiseOp<Maximum, 2>, rules::Maximum {
  static constexpr bool cheap = true, symmetric = true;
  static constexpr std::string_view name = "maximum",
                                    formula = "∂max(a, b)/∂a = 1 if a > b, ½ if a = b, else 0";
  static constexpr bool integers = true;
};

struct Minimum : ElementwiseOp<Minimum, 2>, rules::Minimum {
  static constexpr bool cheap = true, symmetric = true;
  static constexpr std::string_view name = "minimum",
                                    formula = "∂min(a, b)/∂a = 1 if a < b, ½ if a = b, else 0";
  static constexpr bool integers = true;
};

// Of these, people meet only what gradients are made of that are to be differentiated again.
struct StrongProduct : ElementwiseOp<StrongProduct, 2>, rules::StrongProduct {
  static constexpr bool cheap = true, symmetric = true;
  static constexpr auto arithmetic = kernels::Arithmetic::strong_product;
  static constexpr Notation notation = {"×", "·"};
  static constexpr std::string_view name = "strong_product", formula = "as mul, but 0 · x is 0 for any x";
  Array forward(Values in) const {
    for (const std::size_t i : {0, 1})
      if (auto rows = kernels::diagonal_times(*in[i], *in[1 - i])) return *std::move(rows);
    return ElementwiseOp::forward(in);
  }
};
struct StrongQuotient : ElementwiseOp<StrongQuotient, 2>, rules::StrongQuotient {
  static constexpr std::string_view name = "strong_quotient", formula = "as div, but 0 / x is 0 for any x";
};

/// Of three inputs, so that nothing of their size is made but the value. Slopes are operations, for loops of
/// its own would take 40 kB.
struct Lerp {
  static constexpr bool integers = false;
  static constexpr std::string_view name = "lerp",
                                    formula = "∂lerp(a, b, w)/∂a = 1 − w,  ∂/∂b = w,  ∂/∂w = b − a";
  /// From the nearer end, so that both are met exactly.
  struct Value {
    auto operator()(auto a, auto b, auto w) const {
      using rules::where;
      return where(w < 0.5, a + w * (b - a), b - (1 - w) * (b - a));
    }
  };
  Array forward(Values in) const {
    const Shape shape = common_shape(name, in[0]->shape(), in[1]->shape(), in[2]->shape());
    return dispatch_floating(in[0]->dtype(), [&]<class T>() {
      return kernels::elementwise<Value, T, 3>(shape, {in[0], in[1], in[2]}, {.is_cheap = true});
    });
  }
  Tensor batch(const Unwrapped& at) const { return elementwise_again<Lerp, 3>(at); }
  Reads reads(Wanted wanted) const {
    return (wanted(0) || wanted(1) ? reads_input(2) : 0) | (wanted(2) ? reads_input(0) | reads_input(1) : 0);
  }
  void vjp(Inputs in, const Tensor&, const Tensor& g, Cotangents& to) const {
    for (std::size_t i = 0; i < 3; ++i)
      if (to.wants(i)) to[i] = sum_to(strong_product(g, slope(in, i)), in[i].shape());
  }
  Tensor jvp(Inputs in, const Tensor& out, Inputs tangents) const {
    return sum_of_tangents<0, 3>(
        out, tangents, [&]<std::size_t i>(const Tensor& t) { return strong_product(t, slope(in, i)); });
  }
  LocalFormula local_formula(std::size_t input, std::span<const std::string> names,
                             const std::string&) const {
    return {input == 0 ? "1 − " + names[2] : input == 1 ? names[2] : names[1] + " − " + names[0]};
  }

 private:
  static Tensor slope(Inputs in, std::size_t input) {
    return input == 0 ? 1 - in[2] : input == 1 ? in[2] : in[1] - in[0];
  }
};

/// With PyTorch's factor of the second one.
template <Tensor (*f)(const Operand&, const Operand&)>
static Result scaled(Arguments& a) {
  return a.given(2) ? f(a[0], mul(a[2], a[1])) : f(a[0], a[1]);
}

/// The quotient as it is, or rounded as PyTorch's rounding_mode says, of whole numbers to whole ones.
static Result divided(Arguments& a) {
  if (!a.given(2)) return div(a[0], a[1]);
  if (a.choice(2, {"floor", "trunc"}) == 0) return floor_divide(a[0], a[1]);
  if (is_floating(common_dtype(a[0], a[1]))) return trunc(div(a[0], a[1]));
  return floor_divide(sub(a[0], fmod(a[0], a[1])), a[1]);
}

Entries arithmetic_operations() {
  constexpr std::string_view scaled_inputs = "a|x1|input, b|x2|other, alpha=None";
  static constexpr Entry table[] = {
      {.name = Add::name,
       .parameters = scaled_inputs,
       .call = scaled<add>,
       .formula = Add::formula,
       .example = "[1, 2] + 3",
       .notation = Add::notation},
      {.name = Sub::name,
       .parameters = scaled_inputs,
       .call = scaled<sub>,
       .formula = Sub::formula,
       .aliases = "subtract",
       .example = "[1, 2] - 3",
       .notation = Sub::notation},
      {.name = Mul::name,
       .parameters = two_inputs,
       .call = call<mul>,
       .formula = Mul::formula,
       .aliases = "multiply",
       .example = "[1, 2] * 3",
       .notation = Mul::notation},
      {.name = Div::name,
       .parameters = "a|x1|input, b|x2|other, rounding_mode=None",
       .call = divided,
       .formula = Div::formula,
       .aliases = "divide true_divide",
       .example = "[1, 2] / 3",
       .note = "integers give floats; rounding_mode is 'floor' or 'trunc'",
       .notation = Div::notation},
      {.name = Pow::name,
       .parameters = "a|x1|input, b|x2|exponent",
       .call = call<pow>,
       .formula = Pow::formula,
       .aliases = "power",
       .example = "[1, 2] ** 3",
       .notation = Pow::notation},
      {.name = Neg::name,
       .parameters = one_input,
       .call = call<neg>,
       .formula = Neg::formula,
       .aliases = "negative",
       .example = "-[1, 2]",
       .notation = Neg::notation},
      {.name = Square::name,
       .parameters = one_input,
       .call = call<square>,
       .formula = Square::formula,
       .example = "square([1, 2])",
       .notation = Square::notation},
      {.name = Abs::name,
       .parameters = one_input,
       .call = call<chainrule::abs>,
       .formula = Abs::formula,
       .aliases = "absolute fabs",
       .example = "abs([-1, 2])",
       .note = "derivative 0 at 0"},
      {.name = Sign::name,
       .parameters = one_input,
       .call = call<sign>,
       .formula = Sign::formula,
       .aliases = "sgn",
       .example = "sign([-3, 0, 2])",
       .note = "derivative 0 everywhere"},
      {.name = Relu::name,
       .parameters = one_input,
       .call = call<relu>,
       .formula = Relu::formula,
       .example = "relu([-1, 2])",
       .note = "derivative 0 at 0"},
      {.name = Maximum::name,
       .parameters = two_inputs,
       .call = call<maximum>,
       .formula = Maximum::formula,
       .example = "maximum([1, 5], 3)",
       .note = "half of the gradient to each where equal"},
      {.name = Minimum::name,
       .parameters = two_inputs,
       .call = call<minimum>,
       .formula = Minimum::formula,
       .example = "minimum([1, 5], 3)",
       .note = "half of the gradient to each where equal"},
      {.name = Lerp::name,
       .parameters = "a|input|start, b|end, weight",
       .call = call<chainrule::lerp>,
       .formula = Lerp::formula,
       .example = "lerp(1, 3, [0, 0.5, 1])"},
  };
  return table;
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
Tensor maximum(const Operand& a, const Operand& b) {
  return ops::common_dtype(a, b) == DType::boolean ? logical_or(a, b) : ops::binary<ops::Maximum>(a, b);
}
Tensor minimum(const Operand& a, const Operand& b) {
  return ops::common_dtype(a, b) == DType::boolean ? logical_and(a, b) : ops::binary<ops::Minimum>(a, b);
}

Tensor lerp(const Operand& a, const Operand& b, const Operand& weight) {
  return ops::apply_elementwise<ops::Lerp>(a, b, weight);
}

Tensor strong_product(const Operand& a, const Operand& b) { return ops::binary<ops::StrongProduct>(a, b); }
Tensor strong_quotient(const Operand& a, const Operand& b) { return ops::binary<ops::StrongQuotient>(a, b); }

}  // namespace chainrule
