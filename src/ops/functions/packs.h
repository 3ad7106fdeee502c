// Special functions of float32, on packs of numbers, and what those of float64 share with them. All
// polynomials are nearly best approximations, by their values at Chebyshev's points. Errors are in units in
// the last place of the correctly rounded result; the tests hold them.

#pragma once

#include <numbers>

#include "chainrule/simd.h"
#include "ops/functions/pieces.h"

namespace chainrule::special {

template <int N>
using Floats = simd::Pack<float, N>;

/// c[0] + c[1] x + c[2] x² + ..., summed in pairs: waiting for one term after the other takes most of a
/// function's time.
template <class P, std::size_t K>
P in_pairs(const P& x, const float (&c)[K]) {
  P terms[(K + 1) / 2];
  for (std::size_t i = 0; 2 * i < K; ++i) {
    terms[i] = c[2 * i];
    if (2 * i + 1 < K) terms[i] += x * c[2 * i + 1];
  }
  P power = x;
  for (std::size_t count = (K + 1) / 2; count > 1; count = (count + 1) / 2) {
    power *= power;
    for (std::size_t i = 0; 2 * i < count; ++i)
      terms[i] = 2 * i + 1 < count ? terms[2 * i] + power * terms[2 * i + 1] : terms[2 * i];
  }
  return terms[0];
}

/// factor · eˣ for x = high + low, neither infinite nor too large: where `high` is exact, so is what comes of
/// it.
template <class P>
P exp_of_sum(const P& high, const P& low, const P& factor = P(1)) {
  namespace parts = simd::detail;
  using T = typename P::Element;
  const P n = ((high + low) * T(1.4426950408889634) + parts::shifter<T>)-parts::shifter<T>;
  const P r = (high - n * parts::ln2_high<T>)+(low - n * parts::ln2_low<T>);
  P tail;  // as in exp
  if constexpr (sizeof(T) == 4)
    tail = in_pairs(r, {0.499999934F, 0.1666652F, 0.0416683962F, 0.00836879638F, 0.00138144066F});
  else
    tail = parts::exp_tail(r);
  return parts::scaled(factor * (1 + (r + r * r * tail)), n);
}

/// |x| with the sign of another.
template <class P>
P with_sign_of(const P& x, const P& other) {
  const typename P::Mask sign(simd::detail::sign_bit<typename P::Element>);
  return P::from_bits(abs(x).bits() | (other.bits() & sign));
}

/// The nearest whole number of each lane, the even one of two, with the sign of x: where there may be a
/// fraction, and no instruction, by adding and taking away what leaves no room for it.
template <class P>
P nearest(const P& x) {
  if constexpr (P::has_whole) {
    return x.template whole<0>();
  } else {
    constexpr double shift = sizeof(typename P::Element) == 4 ? 0x1p23 : 0x1p52;
    const P size = abs(x);
    return with_sign_of(where(size < shift, (size + shift) - shift, size), x);
  }
}

/// The whole number below each lane.
template <class P>
P whole_below(const P& x) {
  if constexpr (P::has_whole) {
    return x.template whole<1>();
  } else {
    const P whole = nearest(x);
    return where(whole > x, whole - 1, whole);
  }
}

/// The whole number of each lane towards 0, with the sign of x.
template <class P>
P towards_0(const P& x) {
  if constexpr (P::has_whole)
    return x.template whole<3>();
  else
    return with_sign_of(whole_below(abs(x)), x);
}

/// exp(-share · x²) for a share of 1 or ½, within 2 units; 0 beyond `end`. The square is that of the upper
/// half of x's digits, which is exact, and a rest.
template <int N>
Floats<N> gaussian(const Floats<N>& x, float share, float end) {
  const Floats<N> size = smaller(Floats<N>(end), abs(x)), upper = simd::detail::upper_half(size);
  return exp_of_sum(upper * upper * -share, (size - upper) * (size + upper) * -share);
}
/// exp(-x²).
template <int N>
Floats<N> gaussian(const Floats<N>& x) {
  return gaussian(x, 1, 10.5F);
}

/// erf(x) for |x| < 0.9, by a polynomial in x² with an absolute error of 1e-8.
template <int N>
Floats<N> erf_near_zero(const Floats<N>& x) {
  return x * in_pairs(x * x, {1.128379155F, -0.376125288F, 0.1128219409F, -0.02678071913F, 0.005014484151F,
                              -0.0006102687037F});
}

/// The normal distribution: Φ(x), within 6 units also far below 0, and exp(-x²/2), which the derivative
/// takes, too.
template <int N>
struct Normal {
  Floats<N> below, density;

  /// Φ(-u) = exp(-u²/2) R(u) for u = |x|, where R is a quotient of polynomials with a relative error of 6e-9
  /// up to where exp(-u²/2) is 0. All coefficients are positive, so no digits cancel, near 0 neither.
  explicit Normal(const Floats<N>& x) : density(gaussian(x, 0.5F, end)) {
    using simd::detail::polynomial;
    const Floats<N> u = smaller(Floats<N>(end), abs(x));
    const Floats<N> above =
        polynomial(u, {0.5F, 0.43758543F, 0.1826828539F, 0.04043929536F, 0.004085212185F});
    const Floats<N> under =
        polynomial(u, {1.0F, 1.673055705F, 1.200267105F, 0.4680056792F, 0.1013728619F, 0.0102399858F});
    const Floats<N> tail = density * (above / under);
    below = where(x < 0, tail, 1 - tail);
  }

 private:
  static constexpr float end = 14.5F;
};

/// 1/√(2π), of which the density of the normal distribution is made.
constexpr double density_at_0 = std::numbers::inv_sqrtpi * (std::numbers::sqrt2 / 2);

/// Φ(-u), and Φ(-u) - u φ(u), which is the slope of x Φ(x) at -u. From 6 on, 1 less that rounds to 1.
inline constexpr auto tail_pieces = pieces_of_gaussian_integral<6>(
    1, 0.5, -density_at_0, 195.0F / 1024, [](int n, double, const double* c) { return c[n]; });
inline constexpr auto slope_pieces = pieces_of_gaussian_integral<6>(
    1, 0.5, -density_at_0, 195.0F / 1024,
    [](int n, double x, const double* c) { return (n + 1) * (c[n] + x * c[n + 1]); });
/// erf(u) less the smaller of u and the end of a piece, so that the sum of the two is rounded once.
constexpr float erf_bound = 1.0625F;
inline constexpr auto erf_pieces = pieces_of_gaussian_integral<5>(
    2, 0, 2 * std::numbers::inv_sqrtpi, 0.125F, [](int n, double x, const double* c) {
      return n == 0 ? c[0] - (x < erf_bound ? x : erf_bound) : n == 1 && x < erf_bound ? c[1] - 1 : c[n];
    });

/// What of(x) gives far below 0, and elsewhere 1 - f(x) or f(-x), where the pieces are those of f. Which of
/// the two is taken depends on the lane alone.
template <int N, class Of>
Floats<N> by_pieces(const Pieces<6>& pieces, const Floats<N>& x, Of of) {
  if constexpr (Floats<N>::has_look_up) {
    const Floats<N> tail = pieces(smaller(Floats<N>(pieces.end()), abs(x)));
    const Floats<N> result = where(x < 0, tail, 1 - tail);
    const auto far = x < -5.5F;
    if (any(far)) [[unlikely]]
      return where(far, of(), result);
    return result;
  } else {
    return of();
  }
}
/// Φ(x), and the slope of x Φ(x).
template <int N>
Floats<N> normal_below(const Floats<N>& x) {
  return by_pieces(tail_pieces, x, [&] { return Normal(x).below; });
}
template <int N>
Floats<N> gelu_slope(const Floats<N>& x) {
  return by_pieces(slope_pieces, x, [&] {
    const Normal normal(x);  // the density comes last, as it may be subnormal
    return normal.below + strong_product(density_at_0 * x, normal.density);
  });
}

/// Within 3 units, and within 1 in pieces. Not near 0 it is 1 - exp(-p(|x|)), where p is a polynomial, with
/// an absolute error of 2e-8.
template <int N>
Floats<N> erf(const Floats<N>& x) {
  namespace parts = simd::detail;
  const auto sign = x.bits() & simd::Integers<float, N>(parts::sign_bit<float>);
  if constexpr (Floats<N>::has_look_up) {
    const Floats<N> u = smaller(Floats<N>(erf_pieces.end()), abs(x));
    return Floats<N>::from_bits((erf_pieces(u) + smaller(Floats<N>(erf_bound), u)).bits() | sign);
  }
  const Floats<N> near = erf_near_zero(x);
  const Floats<N> size = smaller(Floats<N>(4), abs(x));
  const Floats<N> p =
      in_pairs(size, {-0.0003185396624F, 1.130231055F, 0.6318239181F, 0.1100871665F, -0.02642763715F,
                      0.004762625833F, -0.0005975857702F, 4.616385863e-5F, -1.643063656e-6F});
  const Floats<N> far = 1 - exp_of_sum(-p, Floats<N>(0));
  return where(size < 0.9F, near, Floats<N>::from_bits(far.bits() | sign));
}

}  // namespace chainrule::special
