// The incomplete gamma functions on packs of float64, in one loop, which is told which of them is asked for
// by an operand that is the same in all lanes.

#pragma once

#include "ops/functions/special_numbers.h"
#include "ops/functions/special_tables.h"
#include "ops/functions/wide_packs.h"

namespace chainrule::special {

/// The functions of the loop, and what is added where float32 is all that is wanted.
enum class OfGamma : std::uint8_t { below, above, density, of_float32 = 4 };

/// a + b, and what that has lost.
template <class P>
struct LongSum {
  P sum, rest;
  LongSum(const P& a, const P& b) : sum(a + b) {
    const P from_b = sum - a;
    rest = (a - (sum - from_b)) + (b - from_b);
  }
};

/// What log Γ(a + 1) has beyond (a + ½) log a - a + ½ log 2π, for a >= 30.
template <class P>
P beyond_stirling(const P& a) {
  const P inverse = 1 / a;
  return inverse * series(inverse * inverse, stirling_rest);
}

/// factor · xᵃ e⁻ˣ / Γ(a + 1), within 5 units: with s = a + 3, Γ(a + 1) is s^(a + ½) e⁻ˢ times what changes
/// slowly, in the way of Lanczos, and for large a with s = a, by Stirling's formula. The exponent a log(x/s)
/// + s - x is a sum of two numbers, as in any_power.
template <class P>
P gamma_power(const P& a, const P& x, const P& factor) {
  using simd::detail::upper_half;
  const auto large = a >= 30;
  const LongSum<P> s(a, where(large, P(0), P(3)));
  const P ratio = x / s.sum, upper = upper_half(ratio), upper_s = upper_half(s.sum);
  const P rest = (((x - upper * upper_s) - (ratio - upper) * upper_s) - upper * (s.sum - upper_s)) -
                 (ratio - upper) * (s.sum - upper_s);
  const simd::detail::LongLog<P> log(ratio);
  const P upper_a = upper_half(a), log_rest = log.low + (rest - ratio * s.rest) / x;
  const LongSum<P> below(s.sum, -x), exponent(upper_a * log.high, below.sum);
  const P rests = (below.rest + s.rest + exponent.rest) - where(large, beyond_stirling(a), P(0));
  const P low = (a - upper_a) * log.high + a * log_rest + rests;
  // Where the factor is large, as for a density, the power may be far below what is 0.
  const P held = larger(P(-1400), exponent.sum);
  const P share = where(large, P(1 / density_at_0), balanced_quotient(a, gamma_share));
  return exp_of_sum(held, where(held == exponent.sum, low, P(0)), factor / (sqrt(s.sum) * share));
}

/// Both below are sums of as many terms as take them to the last digit, which was tried on a grid, from the
/// last one on, so that errors die out; as numerators and denominators, of which the latter are 1 again after
/// some terms.
constexpr int gamma_terms = 6;
template <class P>
int groups_of_terms(const P& terms) {
  return static_cast<int>(largest_lane(terms)) / gamma_terms + 1;
}

/// 1 + x / (a + 1) (1 + x / (a + 2) (...)), which times xᵃ e⁻ˣ / Γ(a + 1) is P(a, x), for x up to a + 1 or 4.
template <class P>
P gamma_series(const P& a, const P& x, bool single) {
  const P size = smaller(P(4), x) * (single ? 4.2 : 5.6),
          below = larger(P(0), a - x) * (single ? 0.26 : 0.23);
  const int groups = groups_of_terms((single ? 8 : 12) + size + (single ? 6.8 : 9.0) * a / (sqrt(a) + below));
  P n(groups * gamma_terms), above(1);
  for (int group = 0; group < groups; ++group) {
    P under(1);
    for (int i = 0; i < gamma_terms; ++i) {
      under *= a + n;
      above = under + x * above;
      n -= 1;
    }
    above = above / under;
  }
  return above;
}

/// The continued fraction which times xᵃ e⁻ˣ / Γ(a) is 1 - P(a, x), for x >= a and x >= 0.7.
template <class P>
P gamma_fraction(const P& a, const P& x, bool single) {
  const int groups =
      groups_of_terms((single ? 6 : 12) + (single ? 45.0 : 110.0) / x + 7.3 * a / (2.2 * sqrt(a) + (x - a)));
  const P last = x - a - 1;
  P n(groups * gamma_terms), above = last + 2 * (n + 1);
  for (int group = 0; group < groups; ++group) {
    P under(1);
    for (int i = 0; i < gamma_terms; ++i) {
      const P next = (last + 2 * n) * above + n * (a - n) * under;
      under = above;
      above = next;
      n -= 1;
    }
    above = above / under;
  }
  return 1 / above;
}

/// 1 - P(a, x) for a and x below 0.7, where P may be so close to 1 that digits are lost: with g = xᵃ / Γ(a +
/// 1), it is 1 - g + g a Σ (-1)ⁿ⁻¹ xⁿ / ((a + n) n!).
template <class P>
P gamma_above_of_small(const P& a, const P& x) {
  const P logarithm = a * (log(x) - (a - 1) * quotient(1 + a, log_gamma_near));
  P term(-1), sum(0), n(0);
  for (int i = 0; i < 16; ++i) {
    n += 1;
    term *= -x / n;
    sum += term / (a + n);
  }
  const P less = expm1(logarithm);
  return (1 + less) * a * sum - less;
}

/// What makes the smaller one of P and 1 - P of xᵃ e⁻ˣ / Γ(a + 1), for a > 1000 and x within a fifth of it:
/// Temme's expansion, as in numbers, where erfc is that power and a function that changes slowly.
template <class P>
P gamma_uniform(const P& a, const P& x) {
  const P mu = (x - a) / a, r = mu / (2 + mu), square = r * r;
  const P half_square = r * (mu - 2 * square * series(square, log1p_rest));  // μ - log(1 + μ)
  const P size = sqrt(2 * half_square), eta = where(mu < 0, -size, size), inverse = 1 / a;
  const P terms =
      series(eta, uniform_0) +
      inverse * (series(eta, uniform_1) +
                 inverse * (series(eta, uniform_2) +
                            inverse * (series(eta, uniform_3) + inverse * series(eta, uniform_4))));
  const P beyond = beyond_stirling(a);  // which the power has
  constexpr double root_of_2_pi = 1 / density_at_0;
  const P erfc = root_of_2_pi * sqrt(a) * share_below(sqrt(a) * size);
  return (1 + beyond * (1 + beyond * (0.5 + beyond / 6))) * (erfc + where(mu < 0, -terms, terms));
}

/// By numbers, of which the last one tells.
inline double incomplete_gamma_of(double a, double x, double which) {
  const auto f = static_cast<OfGamma>(static_cast<int>(which) & 3);
  return f == OfGamma::density ? gamma_density(a, x) : f == OfGamma::below ? gammainc(a, x) : gammaincc(a, x);
}

/// What is times xᵃ e⁻ˣ / Γ(a + 1) P(a, x) where `is_below`, and 1 - P(a, x) elsewhere.
template <class P>
P gamma_factor(const P& a, const P& x, const typename P::Mask& uniform, const typename P::Mask& is_below,
               bool single) {
  const auto in_series = is_below & !uniform, in_fraction = (!is_below) & !uniform;
  P factor(1);
  if (any(in_series)) factor = gamma_series(where(in_series, a, P(1)), where(in_series, x, P(0)), single);
  if (any(in_fraction))
    factor =
        where(in_fraction,
              a * gamma_fraction(where(in_fraction, a, P(1)), where(in_fraction, x, P(100)), single), factor);
  if (any(uniform))
    factor = where(uniform, gamma_uniform(where(uniform, a, P(2000)), where(uniform, x, P(2000))), factor);
  return factor;
}

/// Within 8 units. Where a or x is out of all proportion, by numbers.
template <class P>
P incomplete_gamma(const P& a, const P& x, const P& operand) {
  const int code = static_cast<int>(operand.v[0]);
  const bool single = code >= static_cast<int>(OfGamma::of_float32);
  const auto which = static_cast<OfGamma>(code & 3);
  const bool is_above = which == OfGamma::above, is_density = which == OfGamma::density;
  const auto regular = (a > 1e-280) & (a < 1e8) & (x > 1e-280) & (x < 1e9);
  const P some_a = where(regular, a, P(1)), some_x = where(regular, x, P(1));
  const auto uniform = (some_a > 1000) & (abs(some_x - some_a) < 0.2 * some_a);
  const auto is_below =
      some_x < (is_above ? larger(P(0.7), some_a) : where(uniform, some_a, larger(P(4), some_a + 1)));
  P factor = some_a / some_x;
  if (!is_density) factor = gamma_factor(some_a, some_x, uniform, is_below, single);
  P result = gamma_power(some_a, some_x, factor);
  if (!is_density) result = where(is_above ? is_below : !is_below, 1 - result, result);
  if (is_above) {
    const auto small = (some_a < 0.7) & (some_x < 0.7);
    if (any(small)) result = where(small, gamma_above_of_small(some_a, some_x), result);
  }
  if (!any(!regular)) [[likely]]
    return result;
  return where(regular, result, P::lane_by_lane(incomplete_gamma_of, a, x, operand));
}

}  // namespace chainrule::special

namespace chainrule::ops {

struct GammaPacks {
  template <class P>
  static P value(const P& a, const P& x, const P& which) {
    if constexpr (P::lanes < SpecialPacks::least_lanes)
      return a;  // is not called
    else
      return special::incomplete_gamma(a, x, which);
  }
};

}  // namespace chainrule::ops
