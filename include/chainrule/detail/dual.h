/// \file
/// Dual numbers over packs, by which map differentiates a formula. They follow the rules in rules.h, as
/// operations do, so that both have the same derivatives at every kink.

#pragma once

#include <array>

#include "chainrule/detail/rules.h"
#include "chainrule/simd.h"

namespace chainrule::simd {

/// A number and its slopes along K directions: arithmetic on it applies the chain rule, by the same rules as
/// that of tensors. P is a pack, or a dual number again for second derivatives.
///
/// `moves` has a bit for each direction along which the slope is not just 0. In a formula without loops the
/// compiler knows it, and leaves out what it makes superfluous.
///
/// Slopes that are not Strong are made of products as numbers have them, in which 0 times infinity is NaN.
/// They take half the time, and wherever they are not NaN they are those of strong products: NaN comes out of
/// all that it goes into.
template <class P, std::size_t K, bool Strong = true>
struct Dual {
  P value;
  std::array<P, K> slope;
  std::uint32_t moves = 0;

  Dual() = default;
  /// A constant: a C++ number, or what a P is made of.
  template <std::convertible_to<P> S>
  Dual(const S& constant) : value(constant) {  // NOLINT
    for_each_direction([&](std::size_t k) { slope[k] = P(0); });
  }
  Dual(const P& at, const std::array<P, K>& slopes)
      : value(at), slope(slopes), moves((std::uint32_t{1} << K) - 1) {}
  /// Number i of the K variables.
  static Dual variable(const P& at, std::size_t i) {
    Dual dual(at);
    dual.slope[i] = P(1);
    dual.moves = std::uint32_t{1} << i;
    return dual;
  }
  bool moves_along(std::size_t k) const { return (moves >> k & 1) != 0; }
  /// Without a loop, which g++ would not unroll at -O2, and so not know at which k the slopes are 0.
  template <class F>
  static void for_each_direction(const F& f) {
    [&]<std::size_t... I>(std::index_sequence<I...>) { (f(I), ...); }
    (std::make_index_sequence<K>());
  }

  friend Dual operator+(const Dual& a, const Dual& b) { return by<rules::Add>(a, b); }
  friend Dual operator-(const Dual& a, const Dual& b) { return by<rules::Sub>(a, b); }
  friend Dual operator*(const Dual& a, const Dual& b) { return by<rules::Mul>(a, b); }
  friend Dual operator/(const Dual& a, const Dual& b) { return by<rules::Div>(a, b); }
  friend Dual operator-(const Dual& a) { return by<rules::Neg>(a); }
  friend Dual operator+(const Dual& a) { return a; }
  Dual& operator+=(const Dual& b) { return *this = *this + b; }
  Dual& operator-=(const Dual& b) { return *this = *this - b; }
  Dual& operator*=(const Dual& b) { return *this = *this * b; }
  Dual& operator/=(const Dual& b) { return *this = *this / b; }

  friend auto operator<(const Dual& a, const Dual& b) { return a.value < b.value; }
  friend auto operator<=(const Dual& a, const Dual& b) { return a.value <= b.value; }
  friend auto operator>(const Dual& a, const Dual& b) { return a.value > b.value; }
  friend auto operator>=(const Dual& a, const Dual& b) { return a.value >= b.value; }
  friend auto operator==(const Dual& a, const Dual& b) { return a.value == b.value; }
  friend auto operator!=(const Dual& a, const Dual& b) { return a.value != b.value; }

  using Mask = decltype(std::declval<P>() < std::declval<P>());
  friend Dual where(const Mask& mask, const Dual& a, const Dual& b) {
    return each(where(mask, a.value, b.value), a.moves | b.moves,
                [&](std::size_t k) { return where(mask, a.slope[k], b.slope[k]); });
  }

  friend Dual exp(const Dual& x) { return by<rules::Exp>(x); }
  friend Dual log(const Dual& x) { return by<rules::Log>(x); }
  friend Dual expm1(const Dual& x) { return by<rules::Expm1>(x); }
  friend Dual log1p(const Dual& x) { return by<rules::Log1p>(x); }
  friend Dual sqrt(const Dual& x) { return by<rules::Sqrt>(x); }
  friend Dual sin(const Dual& x) { return by<rules::Sin>(x); }
  friend Dual cos(const Dual& x) { return by<rules::Cos>(x); }
  friend Dual tanh(const Dual& x) { return by<rules::Tanh>(x); }
  friend Dual sigmoid(const Dual& x) { return by<rules::Sigmoid>(x); }
  friend Dual softplus(const Dual& x) { return by<rules::Softplus>(x); }
  friend Dual square(const Dual& x) { return by<rules::Square>(x); }
  friend Dual relu(const Dual& x) { return by<rules::Relu>(x); }
  friend Dual abs(const Dual& x) { return by<rules::Abs>(x); }
  friend Dual sign(const Dual& x) { return by<rules::Sign>(x); }
  friend Dual maximum(const Dual& a, const Dual& b) { return by<rules::Maximum>(a, b); }
  friend Dual minimum(const Dual& a, const Dual& b) { return by<rules::Minimum>(a, b); }
  friend Dual pow(const Dual& a, const Dual& b) { return by<rules::Pow>(a, b); }
  friend Dual logaddexp(const Dual& a, const Dual& b) { return by<rules::Logaddexp>(a, b); }
  // What the rules are made of, as further derivatives need it.
  friend Dual sigmoid_slope(const Dual& x) { return by<rules::SigmoidSlope>(x); }
  friend Dual strong_product(const Dual& a, const Dual& b) {
    return by<std::conditional_t<Strong, rules::StrongProduct, rules::Mul>>(a, b);
  }
  friend Dual strong_quotient(const Dual& a, const Dual& b) {
    return by<std::conditional_t<Strong, rules::StrongQuotient, rules::Div>>(a, b);
  }

 private:
  using Tangent = rules::Cotangent<P, Strong>;
  template <class Rule>
  static Dual by(const Dual& x) {
    const P y = Rule::value(x.value);
    return each(y, x.moves,
                [&](std::size_t k) { return Rule::vjp_x(x.value, y, Tangent{x.slope[k]}).value; });
  }
  template <class Rule>
  static Dual by(const Dual& a, const Dual& b) {
    const P y = Rule::value(a.value, b.value);
    return sum(
        y, a, b, [&](std::size_t k) { return Rule::vjp_a(a.value, b.value, y, Tangent{a.slope[k]}).value; },
        [&](std::size_t k) { return Rule::vjp_b(a.value, b.value, y, Tangent{b.slope[k]}).value; });
  }
  /// With the slope at(k) along the directions k in `moves`.
  template <class Slope>
  static Dual each(const P& value, std::uint32_t moves, const Slope& at) {
    Dual dual(value);
    dual.moves = moves;
    for_each_direction([&](std::size_t k) {
      if (dual.moves_along(k)) dual.slope[k] = at(k);
    });
    return dual;
  }
  /// With slopes along_a(k) + along_b(k), where a and b move.
  template <class AlongA, class AlongB>
  static Dual sum(const P& value, const Dual& a, const Dual& b, const AlongA& along_a,
                  const AlongB& along_b) {
    return each(value, a.moves | b.moves, [&](std::size_t k) {
      return !b.moves_along(k) ? along_a(k) : !a.moves_along(k) ? along_b(k) : along_a(k) + along_b(k);
    });
  }
};

}  // namespace chainrule::simd
