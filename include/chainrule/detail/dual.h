#pragma once

#include <array>

#include "chainrule/simd.h"

namespace chainrule::simd {

/// A number and its slopes along K directions: arithmetic on it applies the chain rule. P is a pack, or a
/// dual number again for second derivatives.
///
/// `moves` has a bit for each direction along which the slope is not just 0. In a formula without loops the
/// compiler knows it, and leaves out what it makes superfluous.
template <class P, std::size_t K>
struct Dual {
  P value;
  std::array<P, K> slope;
  std::uint32_t moves = 0;

  Dual() = default;
  Dual(const P& constant) : value(constant) {  // NOLINT
    for_each_direction([&](std::size_t k) { slope[k] = P(0); });
  }
  Dual(const P& at, const std::array<P, K>& slopes)
      : value(at), slope(slopes), moves((std::uint32_t{1} << K) - 1) {}
  template <Number S>
  Dual(S number) : Dual(P(number)) {}  // NOLINT: as C++ numbers mix with floats
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

  /// f(x), given f(x.value) and f'(x.value).
  static Dual chain(const Dual& x, const P& value, const P& derivative) {
    return each(value, x.moves, [&](std::size_t k) { return derivative * x.slope[k]; });
  }

  friend Dual operator+(const Dual& a, const Dual& b) {
    return sum(
        a.value + b.value, a, b, [&](std::size_t k) { return a.slope[k]; },
        [&](std::size_t k) { return b.slope[k]; });
  }
  friend Dual operator-(const Dual& a, const Dual& b) {
    return sum(
        a.value - b.value, a, b, [&](std::size_t k) { return a.slope[k]; },
        [&](std::size_t k) { return -b.slope[k]; });
  }
  friend Dual operator*(const Dual& a, const Dual& b) {
    return sum(
        a.value * b.value, a, b, [&](std::size_t k) { return a.slope[k] * b.value; },
        [&](std::size_t k) { return a.value * b.slope[k]; });
  }
  friend Dual operator/(const Dual& a, const Dual& b) {
    const P quotient = a.value / b.value;
    const Dual above = sum(
        quotient, a, b, [&](std::size_t k) { return a.slope[k]; },
        [&](std::size_t k) { return -(quotient * b.slope[k]); });
    return each(quotient, above.moves, [&](std::size_t k) { return above.slope[k] / b.value; });
  }
  friend Dual operator-(const Dual& a) {
    return each(-a.value, a.moves, [&](std::size_t k) { return -a.slope[k]; });
  }
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

  // The same choices at kinks as the operations of ops.h make.
  friend Dual exp(const Dual& x) {
    const P y = exp(x.value);
    return chain(x, y, y);
  }
  friend Dual log(const Dual& x) { return chain(x, log(x.value), P(1) / x.value); }
  friend Dual expm1(const Dual& x) { return chain(x, expm1(x.value), exp(x.value)); }
  friend Dual log1p(const Dual& x) { return chain(x, log1p(x.value), P(1) / (P(1) + x.value)); }
  friend Dual sqrt(const Dual& x) {
    const P y = sqrt(x.value);
    return chain(x, y, P(1) / (y + y));
  }
  friend Dual sin(const Dual& x) { return chain(x, sin(x.value), cos(x.value)); }
  friend Dual cos(const Dual& x) { return chain(x, cos(x.value), -sin(x.value)); }
  friend Dual tanh(const Dual& x) {
    const P y = tanh(x.value);
    return chain(x, y, P(1) - y * y);
  }
  friend Dual sigmoid(const Dual& x) {
    const P y = sigmoid(x.value);
    return chain(x, y, y * (P(1) - y));
  }
  friend Dual square(const Dual& x) { return x * x; }
  friend Dual relu(const Dual& x) { return chain(x, relu(x.value), where(x.value > P(0), P(1), P(0))); }
  friend Dual abs(const Dual& x) { return chain(x, abs(x.value), sign(x.value)); }
  friend Dual sign(const Dual& x) { return Dual(sign(x.value)); }
  friend Dual maximum(const Dual& a, const Dual& b) {
    const P share = where(a.value > b.value, P(1), where(a.value == b.value, P(0.5), P(0)));
    return sum(
        maximum(a.value, b.value), a, b, [&](std::size_t k) { return share * a.slope[k]; },
        [&](std::size_t k) { return (P(1) - share) * b.slope[k]; });
  }
  friend Dual minimum(const Dual& a, const Dual& b) { return -maximum(-a, -b); }
  friend Dual pow(const Dual& a, const Dual& b) {
    const P y = pow(a.value, b.value), zero(0);
    const P along_a = where(b.value == zero, zero, b.value * pow(a.value, b.value - P(1)));
    const P along_b = y * log(where(a.value == zero, where(b.value >= zero, P(1), zero), a.value));
    return sum(
        y, a, b, [&](std::size_t k) { return along_a * a.slope[k]; },
        [&](std::size_t k) {
          // An exponent that does not move must not turn log of a negative base into NaN.
          return where(b.slope[k] == zero, zero, along_b * b.slope[k]);
        });
  }

 private:
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
