// What special functions on packs of float64 share: which of them is asked for, polynomials and quotients of
// such.

#pragma once

#include "ops/functions/packs.h"

namespace chainrule::special {

/// The functions of one loop.
enum class Special : std::uint8_t {
  erf,
  erfc,
  gaussian,  ///< exp(-x²)
  ndtr,
  gelu,
  half_gaussian,  ///< exp(-x²/2)
  log_ndtr,
  log_ndtr_slope,
  ndtri,
  ndtri_slope,
  log_gamma,
  digamma,
  trigamma,
  erfinv,
  erfinv_slope,
  atan,
  asin,
  acos,
  cube_root,
  cosh,
  sinh,
  exp2,
  tan,
  asinh,
  acosh,
  atanh,
  sinc,
  sinc_slope
};

/// A polynomial. Loops go over the coefficients, as functions written out would be some times as large.
template <class P, std::size_t K>
P series(const P& x, const double (&c)[K]) {
  P sum(c[K - 1]);
  for (std::size_t k = K - 1; k-- > 0;) sum = sum * x + c[k];
  return sum;
}

/// A quotient of polynomials, of which the second may have a factor.
template <class P, std::size_t K>
P quotient(const P& x, const double (&c)[K][2], const P& factor = P(1)) {
  P above(c[K - 1][0]), under(c[K - 1][1]);
  for (std::size_t k = K - 1; k-- > 0;) {
    above = above * x + c[k][0];
    under = under * x + c[k][1];
  }
  return above / (under * factor);
}

/// The same for x >= 0 where all coefficients are positive: where x > 1 by 1/x, so that the largest terms are
/// added last, and what was rounded before counts for less.
template <class P, std::size_t K>
P balanced_quotient(const P& x, const double (&c)[K][2]) {
  const auto far = x > 1;
  const P smaller_one = where(far, 1 / x, x);
  P sums[2];
  for (std::size_t i = 0; i < 2; ++i) {
    sums[i] = where(far, P(c[0][i]), P(c[K - 1][i]));
    for (std::size_t k = 1; k < K; ++k)
      sums[i] = sums[i] * smaller_one + where(far, P(c[k][i]), P(c[K - 1 - k][i]));
  }
  return sums[0] / sums[1];
}

/// Which of several functions a loop is to compute, of an operand that is the same in all lanes.
template <class Which, class P>
Which which_of(const P& operand) {
  return static_cast<Which>(static_cast<int>(operand.v[0]));
}

}  // namespace chainrule::special
