// SiLU, Mish, and GELU as approximated by tanh: x σ(u) of three u. Loops are over packs, see gated.h.

#include "chainrule/functions.h"
#include "kernels/cast.h"
#include "ops/functions/activations.h"
#include "ops/functions/packed_loops.h"

namespace chainrule {
namespace ops {
namespace {

/// F of arrays of one shape.
template <class F, std::size_t K>
Array in_packs(const Shape& shape, const std::array<const Array*, K>& operands) {
  return dispatch_floating(operands[0]->dtype(),
                           [&]<class T>() { return kernels::elementwise<F, T, K>(shape, operands); });
}

enum class Kind : std::uint8_t { silu, mish, gelu_tanh };

/// g · f′(x) in numbers.
Tensor along(Kind kind, const Tensor& x, const Tensor& g) {
  const Shape& shape = x.node()->shape();
  const std::array<const Array*, 2> operands = {&value_of(x), &value_of(g)};
  return constant(kind == Kind::silu   ? in_packs<PackedRule<SiluPacks>, 2>(shape, operands)
                  : kind == Kind::mish ? in_packs<PackedRule<MishPacks>, 2>(shape, operands)
                                       : in_packs<PackedRule<GeluTanhPacks>, 2>(shape, operands));
}

[[gnu::cold]] Tensor silu_curvature(const Tensor& x) {
  // σ(x) σ(−x) in two factors, as it may be subnormal where the product is not. They are smooth at 0, where
  // abs() has no second derivative.
  const Tensor size = where(x < 0, -x, x), root = exp(-0.5 * size) * sigmoid(size);
  return strong_product(root, strong_product(root, 2 - x * tanh(0.5 * x)));
}

/// q σ(x) (2 + x (σ(−x) − 2 σ(x) t)) for t = tanh(s), q = 1 − t² and s = log(1 + eˣ).
[[gnu::cold]] Tensor mish_curvature(const Tensor& x) {
  const Tensor s = softplus(x), share = sigmoid(x), root = 2 * exp(-s) * sigmoid(2 * s);  // q is its square
  const Tensor sum = 2 + x * (sigmoid(-x) - 2 * share * tanh(s));
  const Tensor near = strong_product(root, strong_product(root * share, sum));
  return where(x < -40, silu_curvature(x), near);  // the same there, with all digits
}

/// That of σ(u) σ(−u) (2 u′ + x u″ − x u′² t) with t = tanh(u/2).
[[gnu::cold]] Tensor third_of_gelu_tanh(const Tensor& x) {
  using Numbers = CubicGate<simd::Pack<double, 2>>;
  constexpr double c = Numbers::factor + Numbers::factor_low, b = 3 * (Numbers::cubic + Numbers::cubic_low);
  const Tensor squared = square(x), u = x * (c + b / 3 * squared), first = c + b * squared,
               second = 2 * b * x, t = tanh(0.5 * u), s = sigmoid_slope(u);
  const Tensor sum = 2 * first + x * second - x * square(first) * t;
  const Tensor change = 3 * second + 2 * b * x - square(first) * t - 2 * x * first * second * t -
                        2 * x * square(first) * first * s;
  return strong_product(s, change - t * first * sum);
}

/// f′, and of the approximated GELU also f″, as a tensor that can be differentiated.
struct GatedDerivative {
  static constexpr std::string_view name = "gated_derivative", formula = "∂f′(x)/∂x = f″(x)";
  Kind kind;
  int order = 1;
  Attributes attributes() const {
    return {{"kind", static_cast<std::int64_t>(kind)}, {"order", std::int64_t{order}}};
  }
  Array forward(Values in) const {
    const NoGrad guard;
    const Array& x = *in[0];
    if (order == 1) return value_of(along(kind, constant(x), ones(x.shape(), x.dtype())));
    const Array wide = kernels::cast(x, DType::float64);
    return kernels::cast(
        kernels::elementwise<PackedValue<GeluTanhCurvaturePacks>, double, 1>(x.shape(), {&wide}), x.dtype());
  }
  Tensor batch(const Unwrapped& at) const { return apply(GatedDerivative(*this), {}, Argument(at.in[0])); }
  Reads reads(Wanted wanted) const { return wanted(0) ? reads_input(0) : 0; }
  void vjp(Inputs in, const Tensor&, const Tensor& g, Cotangents& to) const {
    if (to.wants(0)) to[0] = strong_product(g, slope(in[0]));
  }
  Tensor jvp(Inputs in, const Tensor&, Inputs tangents) const {
    return strong_product(tangents[0], slope(in[0]));
  }
  LocalFormula local_formula(std::size_t, std::span<const std::string> names, const std::string&) const {
    constexpr const char* texts[] = {"silu", "mish", "gelu_tanh"};
    return {texts[static_cast<std::size_t>(kind)] + std::string(order == 1 ? "″(" : "‴(") + names[0] + ")",
            true};
  }

 private:
  Tensor slope(const Tensor& x) const {
    if (kind == Kind::silu) return silu_curvature(x);
    if (kind == Kind::mish) return mish_curvature(x);
    return order == 1 ? apply(GatedDerivative{kind, 2}, Here::now(), Argument(x)) : third_of_gelu_tanh(x);
  }
};

/// y = x σ(u). Op gives its kind, and Packs.
template <class Op>
struct ByGate {
  static constexpr bool integers = false;
  Array forward(Values in) const {
    return in_packs<PackedValue<typename Op::Packs>, 1>(in[0]->shape(), {in[0]});
  }
  Tensor batch(const Unwrapped& at) const { return elementwise_again<Op, 1>(at); }
  Reads reads(Wanted wanted) const { return wanted(0) ? reads_input(0) : 0; }
  void vjp(Inputs in, const Tensor&, const Tensor& g, Cotangents& to) const {
    if (to.wants(0)) to[0] = to.in_numbers() ? along(Op::kind, in[0], g) : recorded(in[0], g);
  }
  Tensor jvp(Inputs in, const Tensor&, Inputs tangents) const {
    const Tensor& t = tangents[0];
    return may_be_in_numbers({&in[0], &t}) ? along(Op::kind, in[0], t) : recorded(in[0], t);
  }
  LocalFormula local_formula(std::size_t input, std::span<const std::string> names,
                             const std::string&) const {
    return spelled_out(Op::formula, input, names);
  }

 private:
  static Tensor recorded(const Tensor& x, const Tensor& g) {
    return strong_product(g, apply(GatedDerivative{Op::kind}, Here::now(), Argument(x)));
  }
};

struct Silu : ByGate<Silu> {
  static constexpr std::string_view name = "silu", formula = "∂x σ(x)/∂x = σ(x) + x σ(x) σ(−x)";
  static constexpr Kind kind = Kind::silu;
  using Packs = SiluPacks;
};

struct Mish : ByGate<Mish> {
  static constexpr std::string_view
      name = "mish",
      formula = "∂x tanh(s)/∂x = tanh(s) + x σ(x) (1 − tanh(s)²) with s = log(1 + eˣ)";
  static constexpr Kind kind = Kind::mish;
  using Packs = MishPacks;
};

struct GeluTanh : ByGate<GeluTanh> {
  static constexpr std::string_view
      name = "gelu_tanh",
      formula = "∂x σ(u)/∂x = σ(u) + x u′ σ(u) σ(−u) with u = 2 √(2/π) (x + 0.044715 x³)";
  static constexpr Kind kind = Kind::gelu_tanh;
  using Packs = GeluTanhPacks;
};

}  // namespace

Tensor gelu_tanh(const Operand& x) { return unary<GeluTanh>(x); }

}  // namespace ops

Tensor silu(const Operand& x) { return ops::unary<ops::Silu>(x); }
Tensor mish(const Operand& x) { return ops::unary<ops::Mish>(x); }

}  // namespace chainrule
