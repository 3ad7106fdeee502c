/// \file
/// What takes a few instructions on packs, and the functions made of eˣ.
/// All others, and what errors are in, are in simd_functions.h.

#pragma once

#include "chainrule/simd.h"

namespace chainrule::simd {

namespace detail {
template <class T>
constexpr IntegerFor<T> sign_bit = std::numeric_limits<IntegerFor<T>>::min();
}  // namespace detail

template <class T, int N>
Pack<T, N> abs(const Pack<T, N>& x) {
  return Pack<T, N>::from_bits(x.bits() & Integers<T, N>(~detail::sign_bit<T>));
}
template <class T, int N>
Pack<T, N> sign(const Pack<T, N>& x) {
  return where(x > 0, Pack<T, N>(1), where(x < 0, Pack<T, N>(-1), x));
}
template <class T, int N>
Pack<T, N> square(const Pack<T, N>& x) {
  return x * x;
}
template <class T, int N>
Pack<T, N> relu(const Pack<T, N>& x) {
  return where(x <= 0, Pack<T, N>(0), x);  // NaN stays NaN
}
template <class T, int N>
Pack<T, N> sqrt(const Pack<T, N>& x) {
  Pack<T, N> result;
  Pack<T, N>::V::sqrt(result.v, x.v);
  return result;
}

namespace detail {

/// c[0] + x (c[1] + x (c[2] + ...)).
template <class P, std::size_t K>
P polynomial(const P& x, const typename P::Element (&c)[K]) {
  P sum(c[K - 1]);
  // Without a loop, which g++ would not unroll at -O2: nor would it see what is computed twice then.
  [&]<std::size_t... I>(std::index_sequence<I...>) { ((sum = sum * x + c[K - 2 - I]), ...); }
  (std::make_index_sequence<K - 1>());
  return sum;
}

// Added to a small whole number, this puts the integer into the low bits of the mantissa.
template <class T>
constexpr T shifter = sizeof(T) == 4 ? T(12582912.0) : T(6755399441055744.0);
template <class T>
constexpr int mantissa_bits = std::numeric_limits<T>::digits - 1;

/// 2^n for whole n in the range of normal numbers.
template <class P>
P power_of_two(const P& n) {
  using T = typename P::Element;
  constexpr T bias = std::numeric_limits<T>::max_exponent - 1;
  return P::from_bits((n + (shifter<T> + bias)).bits().template left<mantissa_bits<T>>());
}

/// x · 2^n for whole n, rounded once.
template <class P>
P scaled(const P& x, const P& n) {
  using T = typename P::Element;
  if constexpr (P::V::has_scale) {
    P result;
    P::V::scale(result.v, x.v, n.v);
    return result;
  } else {  // in two factors, as 2ⁿ alone may be subnormal or infinite where the result is not
    constexpr T bias = std::numeric_limits<T>::max_exponent - 1;
    const P shifted = n * T(0.5) + (shifter<T> + bias), rest = n - (shifted - (shifter<T> + bias));
    return x * P::from_bits(shifted.bits().template left<mantissa_bits<T>>()) * power_of_two(rest);
  }
}

/// ln 2 in two parts, the first so short that a whole number of the exponent's range times it is exact.
template <class T>
constexpr T ln2_high = sizeof(T) == 4 ? T(0.693359375) : T(0.6931471803691238);
template <class T>
constexpr T ln2_low = sizeof(T) == 4 ? T(-2.12194440054690583e-4) : T(1.9082149292705877e-10);
/// From here down, eˣ rounds to 0.
template <class T>
constexpr T exp_is_0 = sizeof(T) == 4 ? T(-104) : T(-746);

/// x = n ln 2 + r with |r| <= ln 2 / 2.
template <class P>
struct ExpReduction {
  P n, r;
  explicit ExpReduction(const P& x) {
    using T = typename P::Element;
    n = (x * T(1.4426950408889634) + shifter<T>)-shifter<T>;
    r = x - n * ln2_high<T>;
    r -= n * ln2_low<T>;
  }
};

/// (eʳ - 1 - r) / r², where the relative error of eʳ is smallest for |r| <= ln 2 / 2 (Remez's algorithm):
/// 3e-9 and 4e-18.
template <class P>
P exp_tail(const P& r) {
  if constexpr (sizeof(typename P::Element) == 4)
    return polynomial(r, {0.499999934F, 0.1666652F, 0.0416683962F, 0.00836879638F, 0.00138144066F});
  else
    return polynomial(r, {0.50000000000000111, 0.1666666666666641, 0.041666666666528962, 0.008333333333495915,
                          0.0013888888943990423, 0.00019841269504298865, 2.4801492684340413e-05,
                          2.7557587601984182e-06, 2.7630409245703582e-07, 2.499993504737149e-08});
}

/// f of all lanes, combined in pairs.
template <int Distance, class P, class F>
P folded(const P& x, F f) {
  if constexpr (Distance == 0)
    return x;
  else
    return folded<Distance / 2>(f(x, x.template exchanged<Distance>()), f);
}

}  // namespace detail

/// The sum of all lanes, pairwise.
template <class T, int N>
T sum_of_lanes(const Pack<T, N>& x) {
  return detail::folded<N / 2>(x, [](auto a, auto b) { return a + b; }).v[0];
}
/// The largest lane, of those that are numbers; if none is, any.
template <class T, int N>
T largest_lane(const Pack<T, N>& x) {
  return detail::folded<N / 2>(x, [](auto a, auto b) { return larger(a, b); }).v[0];
}

/// eˣ, within 2 units.
template <class T, int N>
Pack<T, N> exp(const Pack<T, N>& x) {
  using P = Pack<T, N>;
  constexpr T highest = sizeof(T) == 4 ? T(89) : T(710);  // there eˣ is infinite
  const detail::ExpReduction<P> reduced(smaller(P(highest), larger(P(detail::exp_is_0<T>), x)));
  const P power = P(1) + (reduced.r + reduced.r * reduced.r * detail::exp_tail(reduced.r));
  return detail::scaled(power, reduced.n);
}

/// eˣ - 1, within 3 units, also where x is tiny.
template <class T, int N>
Pack<T, N> expm1(const Pack<T, N>& x) {
  using P = Pack<T, N>;
  constexpr T half_range = sizeof(T) == 4 ? T(44) : T(354);  // beyond it, eˣ - 1 rounds to eˣ or to -1
  const detail::ExpReduction<P> reduced(smaller(P(half_range), larger(P(-half_range), x)));
  const P power = detail::power_of_two(reduced.n);
  const P near = power * (reduced.r + reduced.r * reduced.r * detail::exp_tail(reduced.r)) + (power - P(1));
  const auto far = x > P(half_range);
  const P result = where(x == P(0), x, near);  // keeps the sign of zero
  if (any(far)) [[unlikely]]
    return where(far, exp(x), result);
  return result;
}

namespace detail {

/// e²ʸ = 2ⁿ (c + h) / (c - h), where y = n ln 2 / 2 + h, |h| <= ln 2 / 4 and c = h coth h, which makes
/// tanh h = h / c: half the polynomial that eʰ needs, for functions that divide anyhow. It takes x = Factor
/// y, and gives h and c so many times.
template <class P, int Offset, int Factor>
struct TwiceExponent {
  using T = typename P::Element;
  P power;  ///< 2 to the n + Offset
  P h;
  P rest;  ///< c - Factor, as a series in h² (Remez's algorithm, absolute errors 2e-9 and 9e-19)

  explicit TwiceExponent(const P& x) {
    constexpr T shift = shifter<T> + (std::numeric_limits<T>::max_exponent - 1 + Offset);
    constexpr T once = T(1) / Factor, twice = once * once, thrice = twice * once;
    const P shifted = x * (T(2.8853900817779268) * once) + shift, n = shifted - shift;
    power = P::from_bits(shifted.bits().template left<mantissa_bits<T>>());
    h = x - n * (ln2_high<T> / 2 * Factor);
    h -= n * (ln2_low<T> / 2 * Factor);
    const P z = h * h;
    if constexpr (sizeof(T) == 4)
      rest = z * polynomial(z, {0.333332515F * once, -0.0221340277F * thrice});
    else
      rest = z * polynomial(z, {0.33333333333333204 * once, -0.02222222222161223 * thrice,
                                0.0021164020228517314 * (thrice * twice),
                                -0.00021163394816925302 * (thrice * twice * twice),
                                2.118726104138007e-05 * (thrice * twice * twice * twice)});
  }
};

/// x times 2 to the Exponent, both normal numbers: an addition, which costs less than a product.
template <int Exponent, class P>
P shifted_by(const P& x) {
  using Bits = typename P::Mask::Bits;
  return P::from_bits(x.bits() +
                      typename P::Mask(Bits(Exponent) * (Bits(1) << mantissa_bits<typename P::Element>)));
}

/// Both lines of these fractions are scaled by 2 to this, as e²ʸ may be infinite where the result is
/// subnormal.
template <class T>
constexpr int fraction_offset = sizeof(T) == 4 ? -30 : -60;

/// sigmoid(-|x|) = e⁻ᵃ / (1 + e⁻ᵃ) for a = |x|, and with it all that sigmoid and its slope are made of.
template <class P>
P sigmoid_below_0(const P& x) {
  using T = typename P::Element;
  constexpr int offset = fraction_offset<T>;
  const TwiceExponent<P, offset, 2> e(smaller(P(-exp_is_0<T>), abs(x)));
  const P c = e.rest + T(2), above = shifted_by<offset>(c - e.h);
  return above / (above + e.power * (c + e.h));
}

/// tanh a = above / below and 1 - tanh a = rest / below for a = |x|.
template <class P>
struct TanhFraction {
  using T = typename P::Element;
  P above, rest, inverse;

  explicit TanhFraction(const P& x) {
    constexpr int offset = fraction_offset<T>;
    constexpr T scale = T(1) / T(std::int64_t{1} << -offset);
    // Further out than 4 e⁻²ᵃ, the slope, rounds to 0.
    const TwiceExponent<P, offset, 1> e(smaller(P(-exp_is_0<T> / 2 + T(0.75)), abs(x)));
    const P less = e.power - scale, more = e.power + scale;
    above = (less + more * e.h) + less * e.rest;  // 2ⁿ (c + h) - (c - h)
    rest = shifted_by<offset + 1>((T(1) - e.h) + e.rest);
    inverse = P(1) / (above + rest);
  }
};

}  // namespace detail

/// Within 3 units.
template <class T, int N>
Pack<T, N> tanh(const Pack<T, N>& x) {
  using P = Pack<T, N>;
  const detail::TanhFraction<P> fraction(x);
  const P size = fraction.above * fraction.inverse;
  const P result = P::from_bits(size.bits() | (x.bits() & Integers<T, N>(detail::sign_bit<T>)));
  constexpr T tiny = sizeof(T) == 4 ? T(1e-4) : T(1e-9);  // tanh rounds to x, whose digits the scale may cost
  return where(abs(x) < P(tiny), x, result);
}

/// 1 - tanh(x)², within 5 units at both ends. What it has in common with tanh(x) is computed once where both
/// are wanted.
template <class T, int N>
Pack<T, N> tanh_slope(const Pack<T, N>& x) {
  const detail::TanhFraction<Pack<T, N>> fraction(x);
  const Pack<T, N> less = fraction.rest * fraction.inverse;
  return less * (T(2) - less);
}

/// 1 / (1 + e⁻ˣ), within 3 units at both ends.
template <class T, int N>
Pack<T, N> sigmoid(const Pack<T, N>& x) {
  const Pack<T, N> below_0 = detail::sigmoid_below_0(x);
  return where(x >= T(0), T(1) - below_0, below_0);
}

/// sigmoid(x) · sigmoid(-x), within 4 units at both ends.
template <class T, int N>
Pack<T, N> sigmoid_slope(const Pack<T, N>& x) {
  const Pack<T, N> below_0 = detail::sigmoid_below_0(x);
  return below_0 * (T(1) - below_0);
}

}  // namespace chainrule::simd
