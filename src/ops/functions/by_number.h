// Functions that are computed one number after another, mostly by the C library. All share a few loops in
// double, so that each costs little code; elementwise.h has what is done in packs.

#pragma once

#include "chainrule/detail/function_ref.h"
#include "ops/elementwise.h"

/// Functions that are computed one number after another, mostly by the C library. All of them share a few
/// loops, so each costs little code. They work in double: so float32 has all its digits.
///
/// An operation gives its value, its slopes in terms of public operations, which of its inputs and output
/// these read, and a formula of which each slope can be taken to show it to people. If it also has a class
/// Packs with value and slopes on packs of float32, these are what arrays of that dtype are computed with, in
/// one pass each.
namespace chainrule::ops {

template <class Op>
concept HasPacks = requires {
  typename Op::Packs;
};

template <class Op>
struct PackedValue {
  auto operator()(auto... x) const { return Op::Packs::value(x...); }
};
template <class Op>
struct PackedRule {
  auto operator()(auto x, auto g) const { return strong_product(g, Op::Packs::slope(x)); }
};
template <class Op>
struct PackedRuleA {
  auto operator()(auto a, auto b, auto g) const { return strong_product(g, Op::Packs::slope_a(a, b)); }
};
template <class Op>
struct PackedRuleB {
  auto operator()(auto a, auto b, auto g) const { return strong_product(g, Op::Packs::slope_b(a, b)); }
};

/// Is this an array of float32? (One number alone is computed in double.)
inline bool goes_in_packs(const Shape& shape, DType dtype) {
  return dtype == DType::float32 && shape.rank() > 0;
}

Array each(FunctionRef<double(double)> f, const Array& x);
Array each(double (*f)(double, double), const Array& a, const Array& b, const Shape& shape);
Array each(std::int64_t (*f)(std::int64_t, std::int64_t), const Array& a, const Array& b, const Shape& shape);

/// What "∂f(a, b)/∂a = ...,  ∂/∂b = ..." says of an input, with these names for x, or a and b.
LocalFormula spelled_out(std::string_view formula, std::size_t input, std::span<const std::string> names);

/// y = f(x). Op gives value(x) in numbers and slope(x, y) in tensors.
template <class Op>
struct ByNumber {
  static constexpr bool integers = false;
  static constexpr Reads read = reads_input(0);

  Array forward(Values in) const {
    if constexpr (HasPacks<Op>)
      if (goes_in_packs(in[0]->shape(), in[0]->dtype()))
        return kernels::elementwise<PackedValue<Op>, float, 1>(in[0]->shape(), {in[0]});
    return each([this](double x) { return op().value(x); }, *in[0]);
  }
  Reads reads(Wanted wanted) const { return wanted(0) ? Op::read : 0; }
  void vjp(Inputs in, const Tensor& y, const Tensor& g, Cotangents& to) const {
    if (!to.wants(0)) return;
    if constexpr (HasPacks<Op>)
      if (to.in_numbers() && goes_in_packs(y.node()->shape(), y.node()->dtype())) {
        to[0] = constant(kernels::elementwise<PackedRule<Op>, float, 2>(y.node()->shape(),
                                                                        {&value_of(in[0]), &value_of(g)}));
        return;
      }
    to[0] = strong_product(g, op().slope(in[0], y));
  }
  Tensor batch(const Unwrapped& at) const { return apply(Op(op()), {}, Argument(at.in[0])); }
  Tensor jvp(Inputs in, const Tensor& y, Inputs tangents) const {
    return strong_product(tangents[0], op().slope(in[0], y));
  }
  LocalFormula local_formula(std::size_t input, std::span<const std::string> names,
                             const std::string&) const {
    return spelled_out(Op::formula, input, names);
  }

 private:
  const Op& op() const { return static_cast<const Op&>(*this); }
};

/// y = f(a, b), broadcast. Op gives value(a, b) in numbers, slope_a(a, b, y) and slope_b(a, b, y) in tensors;
/// and on_integers(a, b) where it is defined on int64, too.
template <class Op>
struct ByNumbers {
  static constexpr bool integers = false;
  static constexpr Reads read_a = reads_input(0) | reads_input(1), read_b = read_a;

  Array forward(Values in) const {
    const Shape shape = broadcast(Op::name, in[0]->shape(), in[1]->shape());
    if constexpr (Op::integers)
      if (in[0]->dtype() == DType::int64) return each(Op::on_integers, *in[0], *in[1], shape);
    if constexpr (HasPacks<Op>)
      if (goes_in_packs(shape, in[0]->dtype()))
        return kernels::elementwise<PackedValue<Op>, float, 2>(shape, {in[0], in[1]});
    return each(Op::value, *in[0], *in[1], shape);
  }
  Reads reads(Wanted wanted) const { return (wanted(0) ? Op::read_a : 0) | (wanted(1) ? Op::read_b : 0); }
  void vjp(Inputs in, const Tensor& y, const Tensor& g, Cotangents& to) const {
    if constexpr (HasPacks<Op>)
      if (to.in_numbers() && goes_in_packs(y.node()->shape(), y.node()->dtype())) {
        if (to.wants(0)) to[0] = sum_to(packed<PackedRuleA<Op>>(in, y, g), in[0].shape());
        if (to.wants(1)) to[1] = sum_to(packed<PackedRuleB<Op>>(in, y, g), in[1].shape());
        return;
      }
    if (to.wants(0)) to[0] = sum_to(strong_product(g, Op::slope_a(in[0], in[1], y)), in[0].shape());
    if (to.wants(1)) to[1] = sum_to(strong_product(g, Op::slope_b(in[0], in[1], y)), in[1].shape());
  }
  Tensor batch(const Unwrapped& at) const { return binary_again<Op>(at); }
  Tensor jvp(Inputs in, const Tensor& y, Inputs tangents) const {
    return sum_of_tangents(
        y, tangents, [&](const Tensor& t) { return strong_product(t, Op::slope_a(in[0], in[1], y)); },
        [&](const Tensor& t) { return strong_product(t, Op::slope_b(in[0], in[1], y)); });
  }
  LocalFormula local_formula(std::size_t input, std::span<const std::string> names,
                             const std::string&) const {
    return spelled_out(Op::formula, input, names);
  }

 private:
  template <class Rule>
  static Tensor packed(Inputs in, const Tensor& y, const Tensor& g) {
    return constant(kernels::elementwise<Rule, float, 3>(y.node()->shape(),
                                                         {&value_of(in[0]), &value_of(in[1]), &value_of(g)}));
  }
};

/// An operand of real numbers as a tensor, for what is composed.
inline Tensor real(const Operand& x) { return x.as(real_dtype(dtype_of(x))); }

}  // namespace chainrule::ops
