// The functions of the normal distribution, and the error functions, on packs of float64: see wide_packs.h.

#pragma once

#include <numbers>

#include "ops/functions/special_tables.h"
#include "ops/functions/wide_parts.h"

namespace chainrule::special {

/// Functions of the normal distribution, and the error functions, which are those of √2 x, within 5 units,
/// also where results are subnormal: Φ(-u) = exp(-u²/2) R(u), as in Normal.
template <class P>
P of_normal(const P& x, Special which) {
  const bool of_erf = which == Special::erf || which == Special::erfc || which == Special::gaussian,
             exponential = which == Special::gaussian || which == Special::half_gaussian,
             gelu = which == Special::gelu;
  const double end = of_erf ? 27.4 : 38.8, root = of_erf ? std::numbers::sqrt2 : 1, half = of_erf ? -1 : -0.5;
  const P size = smaller(P(end), abs(x));
  P share(1);
  if (!exponential) share = (of_erf ? 2.0 : 1.0) * balanced_quotient(size * root, normal_share);
  if (gelu) share = with_sign_of(size * share, x);
  const P upper = simd::detail::upper_half(size);
  const P tail = exp_of_sum(upper * upper * half, (size - upper) * (size + upper) * half, share);
  if (exponential) return tail;
  if (which == Special::erf)
    return where(size < 0.9, x + x * series(size * size, erf_near), with_sign_of(1 - tail, x));
  if (which == Special::erfc) return where(x < 0, 2 - tail, tail);
  const P result = where(x > 0, (gelu ? x : P(1)) - tail, tail);
  constexpr double infinity = std::numeric_limits<double>::infinity();
  return gelu ? where(x == -infinity, P(std::numeric_limits<double>::quiet_NaN()), result) : result;
}

/// exp(u²/2) Φ(-u) for any u >= 0: beyond where the quotient was made for, 1/(u √(2π)) (1 - 1/u² + 3/u⁴ -
/// ...).
template <class P>
P share_below(const P& u) {
  const P share = balanced_quotient(u, normal_share);
  const auto far = u > 38;
  if (!any(far)) [[likely]]
    return share;
  const P inverse = 1 / u;
  P sum(1);
  for (int k = 13; k > 0; k -= 2) sum = 1 - k * sum * inverse * inverse;
  return where(far, density_at_0 * sum * inverse, share);
}

/// log Φ(x), or its slope φ/Φ, within 4 units: log R(u) - u²/2 for x = -u, where R is that of of_normal, and
/// log(1 - Φ(-x)) above 0, as log1p has it.
template <class P>
P of_log_normal(const P& x, Special which) {
  const P size = abs(x), share = share_below(size), held = smaller(P(38.8), size);
  const P upper = simd::detail::upper_half(held);
  const auto above = x > 0;
  const P density =
      where(above, exp_of_sum(upper * upper * -0.5, (held - upper) * (held + upper) * -0.5), P(1));
  const P tail = density * share, below = where(above, 1 - tail, share);
  if (which == Special::log_ndtr_slope)  // where R might be subnormal it is u
    return where(x < -1e9, size, density_at_0 * density / below);
  const P lost = ((1 - below) - tail) / below;
  return log(below) + where(above, lost, -0.5 * size * size);
}

/// The inverse of erf, or its slope, within 5 units: in terms of the logarithm of 1 - x², in which both
/// change slowly, so that no digits are lost; near ±1 of the root of that of 1 - |x|.
template <class P>
P of_erfinv(const P& x, Special which) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  const bool itself = which == Special::erfinv;
  const P size = abs(x), rest = 1 - size, product = rest * (1 + size);
  const auto far = rest < 0.009;
  const P w = -log(where(far, rest, product));
  P result;
  if (itself)
    result = x * quotient(w, erfinv_near);
  else
    result = quotient(w, erfinv_slope_near, product);
  if (!any(far)) [[likely]]
    return result;
  const P t = sqrt(w) - 2;
  P tail;
  if (itself)
    tail = with_sign_of(quotient(t, erfinv_far), x);
  else
    tail = quotient(t, erfinv_slope_far, rest);
  tail = where(rest == 0, itself ? with_sign_of(P(infinity), x) : P(infinity), tail);
  return where(far, tail, result);
}

/// The inverse of Φ, or its slope, within 6 units. Wichura, Algorithm AS 241: the percentage points of the
/// normal distribution (1988), PPND16.
template <class P>
P of_ndtri(const P& x, Special which) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  const P from_half = x - 0.5, below = smaller(x, 1 - x);
  P result = from_half * quotient(0.180625 - from_half * from_half, normal_quantile_middle);
  const auto outer = !(abs(from_half) <= 0.425);
  if (any(outer)) {
    const P r = sqrt(-log(below));
    P size = quotient(r - 1.6, normal_quantile_near);
    if (const auto far = r > 5; any(far)) [[unlikely]]
      size = where(far, quotient(r - 5, normal_quantile_far), size);
    size = where(below == 0, P(infinity), size);
    result = where(outer, where(from_half < 0, -size, size), result);
  }
  if (which == Special::ndtri) return result;
  // φ is Φ by R, which is that of of_normal.
  const P slope = balanced_quotient(abs(result), normal_share) / (density_at_0 * below);
  return where(below == 0, P(infinity), slope);
}

}  // namespace chainrule::special
