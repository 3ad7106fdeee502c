// x σ(u), which SiLU, Mish and the approximation of GELU by tanh are: on packs of numbers, with all digits
// also where σ is subnormal, or where u is so large that its rounding would cost some.

#pragma once

#include "chainrule/simd.h"

namespace chainrule::ops {

/// σ(−u) = lower / (lower + upper) = below for u = high + low >= 0, of which the first is exact. The two are
/// scaled by 2 to the `offset`, so that none is subnormal; at the `limit` upper is infinite, and x σ(−u)
/// and its derivatives round to 0.
template <class P>
struct Gate {
  using T = typename P::Element;
  static constexpr bool single = sizeof(T) == 4;
  static constexpr int offset = single ? -32 : -72;
  static constexpr T limit = single ? T(111.2) : T(759.75);
  P lower, upper, below;

  Gate(const P& u, const P& high, const P& low) {
    // eᵘ = 2ⁿ (c + r) / (c − r) for r = u − n ln 2, as in TwiceExponent.
    namespace parts = simd::detail;
    constexpr T shift = parts::shifter<T> + (std::numeric_limits<T>::max_exponent - 1 + offset);
    const P shifted = u * T(1.4426950408889634) + shift, n = shifted - shift;
    const P power = P::from_bits(shifted.bits().template left<parts::mantissa_bits<T>>());
    const P r = (high - n * parts::ln2_high<T>)+(low - n * parts::ln2_low<T>), z = r * r;
    P series;
    if constexpr (single)
      series = z * parts::polynomial(z, {0.333332515F / 2, -0.0221340277F / 8});
    else
      series = z * parts::polynomial(
                       z, {0.33333333333333204 / 2, -0.02222222222161223 / 8, 0.0021164020228517314 / 32,
                           -0.00021163394816925302 / 128, 2.118726104138007e-05 / 512});
    const P c = series + T(2);
    lower = parts::shifted_by<offset>(c - r);
    upper = power * (c + r);
    below = lower / (lower + upper);
  }
};

/// x σ(x).
template <class P>
struct LinearGate : Gate<P> {
  P growth;  ///< |x| u′
  explicit LinearGate(const P& x) : LinearGate(x, smaller(P(Gate<P>::limit), abs(x))) {}

 private:
  LinearGate(const P&, const P& size) : Gate<P>(size, size, P(0)), growth(size) {}
};

/// x σ(u) for u = 2 √(2/π) (x + 0.044715 x³).
template <class P>
struct CubicGate : Gate<P> {
  P growth;  ///< |x| u′

  explicit CubicGate(const P& x) : CubicGate(Argument(x)) {}

  // 2 √(2/π) and 0.044715 times as much, in two parts each, whose first has half of the digits.
  using T = typename P::Element;
  static constexpr bool single = sizeof(T) == 4;
  static constexpr T factor = single ? T(1.595703125) : T(1.5957691073417664),
                     factor_low = single ? T(6.599660573071176e-05) : T(1.426396435433791e-08),
                     cubic = single ? T(0.07135009765625) : T(0.071354815736413),
                     cubic_low = single ? T(4.718616350248776e-06) : T(5.361872467621785e-10);

 private:
  /// |u| = |x| (factor + cubic x²), with the square in two parts and the sum, too.
  struct Argument {
    P high, low, growth;
    explicit Argument(const P& x) {
      using simd::detail::upper_half;
      const P size = smaller(P(single ? T(10.95) : T(21.6608)), abs(x));  // where u is at the limit
      const P half = upper_half(size), rest = size - half;
      const P square = size * size, square_high = upper_half(square),
              square_low = (half * half - square_high) + rest * (size + half);
      const P product = cubic * square_high, sum = product + factor, back = sum - factor;
      const P lost = (factor - (sum - back)) + (product - back);
      const P more = lost + (factor_low + (cubic * square_low + cubic_low * square));
      const P sum_half = upper_half(sum);
      high = half * sum_half;
      low = rest * (sum + more) + half * ((sum - sum_half) + more);
      growth = size * (T(3) * (sum + more) - T(2) * (factor + factor_low));
    }
  };
  explicit CubicGate(const Argument& u) : Gate<P>(u.high + u.low, u.high, u.low), growth(u.growth) {}
};

/// x tanh(log(1 + eˣ)), which is x σ(u) for u = x + log(1 + eˣ/2).
template <class P>
struct MishGate : Gate<P> {
  P growth;  ///< |x| u′
  explicit MishGate(const P& x) : MishGate(x, smaller(P(Gate<P>::limit), abs(x))) {}

 private:
  using T = typename P::Element;
  MishGate(const P& x, const P& size) : Gate<P>(size, size, P(0)) {
    // With w = e⁻ᵃ for a = |x|, lower and upper are those of w (w + 2) : 2 below 0, and of 2 w² : 1 + 2 w
    // above.
    const P w = this->lower / this->upper;
    const auto negative = x < P(0);
    growth = size * ((P(2) + T(2) * w) / where(negative, w + T(2), P(1) + T(2) * w));
    const P twice = this->lower + this->lower;
    this->upper = this->upper + where(negative, this->upper, twice);
    this->lower = where(negative, this->lower * (w + T(2)), twice * w);
    this->below = this->lower / (this->lower + this->upper);
  }
};

/// Where σ(u) is so small that digits are missing.
template <class P>
auto is_far(const P& x, const Gate<P>& gate) {
  return (x < P(0)) & (P(sizeof(typename P::Element) == 4 ? 0x1p93F : 0x1p949) < gate.upper);
}

/// x σ(u), within 4 units.
template <class OfGate, class P>
P gated(const P& x) {
  const OfGate gate(x);
  const P result = x * where(x < P(0), gate.below, P(1) - gate.below);
  const auto far = is_far(x, gate);
  if (any(far)) [[unlikely]]
    return where(far, x * gate.lower / (gate.lower + gate.upper), result);
  return result;
}

/// σ(u) (1 + x u′ σ(−u)), 0 at −∞. Near its root, the error is one of a sum.
template <class OfGate, class P>
P gated_slope(const P& x) {
  const OfGate gate(x);
  const auto negative = x < P(0);
  const P above = P(1) - gate.below, other = where(negative, above, gate.below);
  const P factor = P(1) + where(negative, -gate.growth, gate.growth) * other;
  const P result = factor * where(negative, gate.below, above);
  const auto far = is_far(x, gate);
  if (any(far)) [[unlikely]]
    return where(far, factor * gate.lower / (gate.lower + gate.upper), result);
  return result;
}

/// The slope of that with a cubic u: σ(u) σ(−u) (2 u′ + x u″ − x u′² tanh(u/2)), even in x. What is below 1
/// in it comes last.
template <class P>
P gated_curvature(const P& x) {
  using T = typename P::Element;
  using Cubic = CubicGate<P>;
  constexpr T c = Cubic::factor + Cubic::factor_low, b = 3 * (Cubic::cubic + Cubic::cubic_low);
  const Cubic gate(x);
  const P size = smaller(P(T(22)), abs(x)), square = size * size, slope = c + b * square;
  const P sum = T(2) * slope + T(2) * b * square - size * slope * slope * (P(1) - T(2) * gate.below);
  return sum * (P(1) - gate.below) * gate.lower / (gate.lower + gate.upper);
}

}  // namespace chainrule::ops
