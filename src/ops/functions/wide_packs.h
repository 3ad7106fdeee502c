// Special functions of float64, on packs of numbers; float32 is computed by them, too. Functions that have
// most of their work in common share a loop, which is told which of them is asked for by an operand that is
// the same in all lanes. Quotients and polynomials are nearly best approximations; errors are in units in the
// last place of the correctly rounded result, and next to roots those of a sum; the tests hold them.

#pragma once

#include <numbers>

#include "ops/functions/normal_packs.h"
#include "ops/functions/special_tables.h"
#include "ops/functions/wide_parts.h"

namespace chainrule::special {

/// sin(πx) for 0 <= x <= ½.
template <class P>
P sine_of_pi(const P& x) {
  return x * series(x * x, sine_of_pi_series);
}

/// log |Γ| or its first or second derivative, within 8 units. From 4 on by Stirling's series in z = x - ½,
/// which has even powers of 1/z only; below by quotients, in which roots are factors; in front of these by
/// Γ(x) = Γ(x + 1) / x, and below 0 by Γ(x) Γ(1 - x) = π / sin(πx).
template <class P>
P of_gamma(const P& x, Special which) {
  constexpr double infinity = std::numeric_limits<double>::infinity(), pi = std::numbers::pi;
  const bool itself = which == Special::log_gamma, second = which == Special::trigamma;
  const auto negative = x < 0;
  const P y = where(negative, itself ? -x : 1 - x, x), z = y - 0.5;
  const auto in_front = y < P(itself ? 0.6875 : 1), far = y >= 4;
  const P near = where(in_front, y + 1, y), base = where(in_front, y, z), inverse = 1 / base,
          square = inverse * inverse;
  P log_of_base;
  if (!second) log_of_base = log(base);
  P result, before;  // without what is in front
  if (itself) {
    const P rest = series(square, log_gamma_far);
    const P share = quotient(near, log_gamma_near);
    constexpr double log_root_of_2_pi = 0.9189385332046728;
    before = where(far, z * (log_of_base - 1) + (log_root_of_2_pi + inverse * rest),
                   (near - 1) * (near - 2) * share + 0);  // not -0 at 1
    result = where(in_front, before - log_of_base, before);
  } else if (second) {
    before = quotient(near, trigamma_near);
    const P series = inverse * quotient(square, trigamma_far);
    result = where(far, series, where(in_front, before + square, before));
  } else {
    const P rest = series(square, digamma_far);
    const P share = quotient(near, digamma_near);
    before = ((near - 1.4616321446374059) - 3.309564689176888e-10) * share;
    result = where(far, log_of_base + square * rest, where(in_front, before - inverse, before));
  }
  if (!any(negative)) [[likely]]
    return result;
  const P from_whole = x - nearest(x), distance = abs(from_whole), sine = sine_of_pi(distance);
  P reflected;
  if (itself) {
    reflected = -log(where(in_front, sine, y * sine) * (1 / pi)) - before;
    reflected = where(sine > 0, reflected, P(infinity));
  } else if (second) {
    const P root = pi / sine;
    reflected = root * root - result;
  } else {
    const P cotangent = pi * (sine_of_pi(0.5 - distance) / sine);
    reflected = result + where(from_whole < 0, cotangent, -cotangent);
    reflected = where(distance == 0, P(std::numeric_limits<double>::quiet_NaN()), reflected);
  }
  return where(negative, reflected, result);
}

/// ∛x, within 0.7 units: by a quotient good to 2e-6, and a step that trebles its digits, in the way of
/// fdlibm's s_cbrt.c.
template <class P>
P cube_root(const P& x) {
  using simd::detail::shifter;
  using Bits = typename P::Mask;
  constexpr int mantissa = simd::detail::mantissa_bits<double>;
  constexpr double smallest = std::numeric_limits<double>::min(),
                   infinity = std::numeric_limits<double>::infinity();
  const P size = abs(x);
  const auto subnormal = size < smallest;
  const P normal = where(subnormal, size * 0x1p54, size);
  const P exponent = (normal.bits().template right<mantissa>() - Bits(1023)).as_numbers();
  const P shifted = exponent * (1 / 3.0) + shifter<double>, third = shifted - shifter<double>;
  const Bits n = shifted.bits();
  const P m = P::from_bits(normal.bits() - (n + n + n).template left<mantissa>());  // in [½, 4)
  const P t = simd::detail::upper_half(quotient(m, cube_root_start));
  const P r = m / (t * t);
  const P root = t + t * ((r - t) / (t + t + r));
  const P result = root * simd::detail::power_of_two(third - where(subnormal, P(18), P(0)));
  return where((size > 0) & (size < infinity), with_sign_of(result, x), x);
}

/// The angle, within 4 units, by that of the smaller side of a right-angled triangle by the larger one.
template <class P>
P of_angle(const P& x, Special which) {
  const P size = abs(x);
  P up = size, right(1);
  if (which != Special::atan) right = sqrt((1 - size) * (1 + size));
  if (which == Special::acos) std::swap(up, right);
  const P high = larger(up, right), ratio = smaller(up, right) / high, z = ratio * ratio;
  const P flat = ratio + ratio * z * quotient(z, atan_rest);
  // π and its half in two parts.
  const P steep = where(up > right, (1.5707963267948966 - flat) + 6.123233995736766e-17, flat);
  P result = with_sign_of(steep, x);
  if (which == Special::acos)
    result = where(x < 0, (3.141592653589793 - steep) + 1.2246467991473532e-16, steep);
  const P both = up + right;
  return where(both == both, result, both);
}

/// Within 3 units: x less a multiple of π/2 in three parts, as for the sine, and -1/tan for odd multiples.
template <class P>
P tangent(const P& x) {
  using simd::detail::shifter;
  using Bits = typename P::Mask;
  const P shifted = x * (2 / std::numbers::pi) + shifter<double>, n = shifted - shifter<double>;
  const P r = ((x - n * 1.5707963267341256) - n * 6.077100506303966e-11) - n * 2.0222662487959506e-21;
  const P z = r * r;
  P above(tan_share[3][0]), under(tan_share[3][1]);
  for (std::size_t k = 3; k-- > 0;) {
    above = above * z + tan_share[k][0];
    under = under * z + tan_share[k][1];
  }
  above = above * r;
  const auto odd = (shifted.bits() & Bits(1)) == Bits(1);
  const P result = where(odd, -under, above) / where(odd, above, under);
  const auto far = !(abs(x) < 1e6);
  if (any(far)) [[unlikely]]
    return where(far, P::lane_by_lane([](double lane) { return std::tan(lane); }, x), result);
  return result;
}

/// cosh or sinh, within 4 units: half of eˣ does not overflow before they do.
template <class P>
P of_hyperbola(const P& x, Special which) {
  const P size = abs(x), half = exp_of_sum(smaller(P(711), size), P(0), P(0.5)), rest = 0.25 / half;
  if (which == Special::cosh) return half + rest;
  const P square = size * size;
  const P near = x + x * (square * series(square, sinh_rest));
  return where(size < 1, near, with_sign_of(half - rest, x));
}

/// The inverses of these and of tanh, within 4 units: log(1 + u), where u has the digits of small x.
template <class P>
P of_area(const P& x, Special which) {
  const bool of_tanh = which == Special::atanh, of_cosh = which == Special::acosh;
  const P size = of_cosh ? x : abs(x);
  if (of_tanh) return with_sign_of(0.5 * log1p(2 * size / (1 - size)), x);
  const auto far = size > 1e150;  // squares would overflow
  const P above = of_cosh ? x - 1 : size, square = of_cosh ? above * (above + 2) : size * size;
  const P u = above + (of_cosh ? sqrt(square) : square / (1 + sqrt(square + 1)));
  const P area = log1p(where(far, size, u)) + where(far, P(std::numbers::ln2), P(0));
  return of_cosh ? where(x < 1, P(std::numeric_limits<double>::quiet_NaN()), area) : with_sign_of(area, x);
}

/// sin(πx) / (πx) or its slope, within 5 units, next to their roots those of 1: by x less a whole number, of
/// which the sign is that of its last digit.
template <class P>
P of_sinc(const P& x, Special which) {
  const P whole = nearest(x), rest = x - whole, parity = whole - 2 * nearest(0.5 * whole),
          sign = 1 - 2 * abs(parity);
  const P ratio = where(x == 0, P(1), sign * sine_of_pi(rest) / (std::numbers::pi * x) + 0);  // not -0
  if (which == Special::sinc) return ratio;
  const P cosine = sign * sine_of_pi(0.5 - abs(rest));
  return where(abs(x) < 0.5, x * series(x * x, sinc_slope_series), (cosine - ratio) / x);
}

/// 2ˣ, within 2 units.
template <class P>
P power_of_2(const P& x) {
  const P held = smaller(P(1100), larger(P(-1100), x)), n = nearest(held);
  return simd::detail::scaled(exp_of_sum((held - n) * std::numbers::ln2, P(0)), n);
}

/// All in one loop, which is told by an operand that is the same in all lanes: each of its own would cost
/// kilobytes.
template <class P>
P special_number(const P& x, const P& operand) {
  const auto which = which_of<Special>(operand);
  switch (which) {
    case Special::log_gamma:
    case Special::digamma:
    case Special::trigamma: return of_gamma(x, which);
    case Special::erfinv:
    case Special::erfinv_slope: return of_erfinv(x, which);
    case Special::log_ndtr:
    case Special::log_ndtr_slope: return of_log_normal(x, which);
    case Special::ndtri:
    case Special::ndtri_slope: return of_ndtri(x, which);
    case Special::atan:
    case Special::asin:
    case Special::acos: return of_angle(x, which);
    case Special::cosh:
    case Special::sinh: return of_hyperbola(x, which);
    case Special::cube_root: return cube_root(x);
    case Special::exp2: return power_of_2(x);
    case Special::asinh:
    case Special::acosh:
    case Special::atanh: return of_area(x, which);
    case Special::sinc:
    case Special::sinc_slope: return of_sinc(x, which);
    case Special::tan: return tangent(x);
    default: return of_normal(x, which);
  }
}

/// How a number becomes whole.
enum class Direction : std::uint8_t { nearest, down, up, to_0 };
template <class P>
P rounded(const P& x, const P& operand) {
  const auto direction = which_of<Direction>(operand);
  if (direction == Direction::to_0) return towards_0(x);
  if (direction == Direction::nearest) return nearest(x);
  return direction == Direction::up ? -whole_below(-x) : whole_below(x);
}

}  // namespace chainrule::special

namespace chainrule::ops {

/// Of float32, too.
struct RoundingPacks {
  static constexpr bool has_float32 = true;
  static bool are_there() { return true; }
  static auto value(auto x, auto which) { return special::rounded(x, which); }
};

/// There are none for processors without AVX2: they would take longer than numbers, and 10 kB.
struct SpecialPacks {
  static constexpr bool has_float32 = false;
#ifdef __x86_64__
  static constexpr int least_lanes = 4;
#else
  static constexpr int least_lanes = 1;
#endif
  static bool are_there() {
    return least_lanes == 1 || simd::instruction_set() != simd::InstructionSet::baseline;
  }
  template <class P>
  static P value(const P& x, const P& which) {
    if constexpr (P::lanes < least_lanes)
      return x;  // is not called
    else
      return special::special_number(x, which);
  }
};

}  // namespace chainrule::ops
