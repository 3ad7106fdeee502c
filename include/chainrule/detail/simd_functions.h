/// \file
/// What a formula may call on packs.
/// Errors are in units in the last place of the correctly rounded result; the tests hold them.

#pragma once

#include "chainrule/detail/rules.h"
#include "chainrule/detail/simd_exponentials.h"
#include "chainrule/simd.h"

namespace chainrule::simd {

/// Natural logarithm, within 2 units: fdlibm's e_log.c, log(1 + f) by a series in s = f / (2 + f).
template <class T, int N>
Pack<T, N> log(const Pack<T, N>& x) {
  using P = Pack<T, N>;
  constexpr bool single = sizeof(T) == 4;
  constexpr T smallest = single ? T(1.17549435e-38) : T(2.2250738585072014e-308);
  constexpr T scale = single ? T(33554432.0) : T(18014398509481984.0);  // 2^25, 2^54
  const auto subnormal = x < smallest;
  const P normal = where(subnormal, x * scale, x);
  // x = 2ᵉ m with m in [√½, √2)
  constexpr int mantissa = detail::mantissa_bits<T>;
  constexpr auto root_half =
      single ? std::bit_cast<std::int32_t>(0.70710678F) : std::bit_cast<std::int64_t>(0.7071067811865476);
  const Integers<T, N> exponent = (normal.bits() - Integers<T, N>(root_half)).template right<mantissa>();
  const P m = P::from_bits(normal.bits() - exponent.template left<mantissa>());
  const P e = exponent.as_numbers() - where(subnormal, P(single ? T(25) : T(54)), P(0));
  const P f = m - T(1), s = f / (f + T(2)), s2 = s * s;
  P series;
  if constexpr (single)
    series = s2 * detail::polynomial(s2, {0.6666666269F, 0.4000097215F, 0.2849878669F, 0.2427907884F});
  else
    series = s2 * detail::polynomial(
                      s2, {6.666666666666735130e-01, 3.999999999940941908e-01, 2.857142874366239149e-01,
                           2.222219843214978396e-01, 1.818357216161805012e-01, 1.531383769920937332e-01,
                           1.479819860511658591e-01});
  const P half = f * f * T(0.5);
  constexpr T high = single ? T(0.693138122558593750) : T(6.93147180369123816490e-01);
  constexpr T low = single ? T(9.05800061445916e-6) : T(1.90821492927058770002e-10);
  const P result = e * high - ((half - (s * (half + series) + e * low)) - f);
  const P infinity(std::numeric_limits<T>::infinity());
  return where(
      x == P(0), -infinity,
      where((x < P(0)) | (x != x), P(std::numeric_limits<T>::quiet_NaN()), where(x == infinity, x, result)));
}

namespace detail {

/// x without the lower half of its mantissa: the product of two such numbers is exact.
template <class P>
P upper_half(const P& x) {
  using Bits = typename P::Mask;
  constexpr auto mask = sizeof(typename P::Element) == 4 ? ~0xFFFLL : ~0x7FFFFFFLL;
  return P::from_bits(x.bits() & Bits(static_cast<IntegerFor<typename P::Element>>(mask)));
}

/// log x for positive normal x as a sum whose second part has the digits that the first one has not, so that
/// a power keeps its digits: log m = 2/3 s (3 + s² + 3/5 s⁴ + ...) with s = (m - 1) / (m + 1). In the way of
/// fdlibm's e_pow.c.
template <class P>
struct LongLog {
  P high, low;
  explicit LongLog(const P& x) {
    using T = typename P::Element;
    constexpr bool single = sizeof(T) == 4;
    using I = typename P::Mask;
    constexpr int mantissa = mantissa_bits<T>;
    constexpr auto root_half =
        single ? std::bit_cast<std::int32_t>(0.70710678F) : std::bit_cast<std::int64_t>(0.7071067811865476);
    const I exponent = (x.bits() - I(static_cast<IntegerFor<T>>(root_half))).template right<mantissa>();
    const P m = P::from_bits(x.bits() - exponent.template left<mantissa>()), e = exponent.as_numbers();

    const P f = m - T(1), d = m + T(1), d_high = upper_half(d), d_low = m - (d_high - T(1));
    const P s = f / d, s_high = upper_half(s), s_low = ((f - s_high * d_high) - s_high * d_low) / d;
    const P s2 = s * s;
    P series;
    if constexpr (single)
      series = polynomial(s2, {0.6F, 0.42857143F, 0.33333334F, 0.27272728F, 0.23076923F});
    else
      series = polynomial(s2, {3. / 5, 3. / 7, 3. / 9, 3. / 11, 3. / 13, 3. / 15, 3. / 17, 3. / 19, 3. / 21,
                               3. / 23, 3. / 25});
    const P rest = s2 * s2 * series + s_low * (s_high + s), square = s_high * s_high;
    const P t_high = upper_half((square + T(3)) + rest), t_low = rest - ((t_high - T(3)) - square);
    const P u = s_high * t_high, v = s_low * t_high + t_low * s;
    const P p_high = upper_half(u + v), p_low = v - (p_high - u);
    constexpr T third_high = single ? T(0.66650390625) : T(0.66666666418313980);  // of 2/3
    constexpr T third_low = T(2.0 / 3.0L - static_cast<long double>(third_high));
    const P main = p_high * third_high, exact = e * ln2_high<T>;
    const P small = p_high * third_low + p_low * T(2.0 / 3.0) + e * ln2_low<T>;
    high = upper_half((main + small) + exact);
    low = small - ((high - exact) - main);
  }
};

}  // namespace detail

/// a to a power of so many halves, a few: within 3 units.
template <int Halves, class T, int N>
Pack<T, N> power_of_halves(const Pack<T, N>& a) {
  using P = Pack<T, N>;
  if constexpr (Halves % 2 != 0) {  // of -0 as of 0, and of -inf as of inf, unlike √a
    constexpr T infinity = std::numeric_limits<T>::infinity();
    const P base = where(a == -infinity, P(infinity), a) + T(0), root = sqrt(base);
    return Halves == 1 ? root : Halves == -1 ? T(1) / root : Halves == 3 ? base * root : T(1) / base / root;
  } else if constexpr (Halves < 0) {
    return power_of_halves<-Halves>(T(1) / a);
  } else {
    const P square = Halves > 2 ? a * a : a;
    return Halves <= 4 ? square : Halves == 6 ? square * a : square * square;
  }
}

/// x to the power y, within 3 units.
template <class T, int N>
Pack<T, N> any_power(const Pack<T, N>& x, const Pack<T, N>& y) {
  using P = Pack<T, N>;
  using I = Integers<T, N>;
  constexpr bool single = sizeof(T) == 4;
  constexpr T infinity = std::numeric_limits<T>::infinity();
  constexpr T smallest = std::numeric_limits<T>::min();
  constexpr T scale = single ? T(33554432.0) : T(18014398509481984.0);  // 2^25, 2^54
  const P size = abs(x);
  const auto subnormal = size < P(smallest);
  detail::LongLog<P> log(where(subnormal, size * scale, size));
  const P lifted = where(subnormal, P(single ? T(25) : T(54)), P(0));
  // Subnormal bases are rare, and their logarithms so large that these digits do.
  log.low = log.low - lifted * detail::ln2_low<T>;
  const P before = log.high, lower = before - lifted * detail::ln2_high<T>;
  log.high = detail::upper_half(lower);
  log.low = log.low + (lower - log.high);

  // y log x, in two parts, where eˣ is neither 0 nor infinite
  constexpr T highest = single ? T(89) : T(710);
  const P product = y * log.high, most = smaller(P(highest), larger(P(detail::exp_is_0<T>), product));
  const auto within = most == product;
  const P y_high = detail::upper_half(y);
  const P high = where(within, y_high * log.high, most);
  const P low = where(within, (y - y_high) * log.high + y * log.low, P(0));
  const P n = ((high + low) * T(1.4426950408889634) + detail::shifter<T>)-detail::shifter<T>;
  const P r = (high - n * detail::ln2_high<T>)+(low - n * detail::ln2_low<T>);
  P power = detail::scaled(P(1) + (r + r * r * detail::exp_tail(r)), n);

  const auto negative = x < P(0);
  power = where(size == P(0), where(y < P(0), P(infinity), P(0)), power);
  const P shifted = y + detail::shifter<T>;
  const auto odd = (shifted.bits() & I(1)) == I(1), whole = shifted - detail::shifter<T> == y;
  power = where(negative & (!whole), P(std::numeric_limits<T>::quiet_NaN()), power);
  const auto sign = x.bits() & I(detail::sign_bit<T>);
  power = where(odd & whole, P::from_bits(power.bits() | sign), power);
  power = where((y == P(0)) | (x == P(1)), P(1), power);
  // What is not finite, and exponents too large to tell odd from even.
  constexpr T far = single ? T(4194304) : T(2251799813685248);
  const auto finite = (size < P(infinity)) & (abs(y) < P(infinity)), near = abs(y) < P(far);
  const auto positive = P(0) < x, special = (!finite) | (!(positive | near));
  if (any(special)) [[unlikely]]
    return where(special, P::lane_by_lane([](T a, T b) { return std::pow(a, b); }, x, y), power);
  return power;
}

/// log(1 + x), within 3 units, also where x is tiny: log u for u = 1 + x as rounded, and to first order what
/// that rounding lost, as in fdlibm's s_log1p.c.
template <class T, int N>
Pack<T, N> log1p(const Pack<T, N>& x) {
  using P = Pack<T, N>;
  const P u = P(1) + x, lost = where(x < P(1), x - (u - P(1)), P(1) - (u - x));
  const auto regular = (u > P(0)) & (u < P(std::numeric_limits<T>::infinity()));
  return where(x == P(0), x, log(u) + where(regular, lost / u, P(0)));
}

namespace detail {

/// sin where `quadrant` is even, cos where it is odd, with the sign of the quadrant. The polynomials on
/// |r| <= π/4 are fdlibm's k_sin.c and k_cos.c, and their single-precision counterparts.
template <class T, int N>
Pack<T, N> sine_of_quadrant(const Pack<T, N>& r, const Integers<T, N>& quadrant) {
  using P = Pack<T, N>;
  const P z = r * r;
  P sine, cosine;
  if constexpr (sizeof(T) == 4) {
    sine = r + r * z * polynomial(z, {-1.6666654611e-1F, 8.3321608736e-3F, -1.9515295891e-4F});
    cosine = P(1) - z * T(0.5) +
             z * z * polynomial(z, {4.166664568298827e-2F, -1.388731625493765e-3F, 2.443315711809948e-5F});
  } else {
    sine = r + r * z *
                   polynomial(z, {-1.66666666666666324348e-01, 8.33333333332248946124e-03,
                                  -1.98412698298579493134e-04, 2.75573137070700676789e-06,
                                  -2.50507602534068634195e-08, 1.58969099521155010221e-10});
    const P half = z * T(0.5), one_less = P(1) - half;
    cosine = one_less + ((P(1) - one_less) - half +
                         z * z *
                             polynomial(z, {4.16666666666666019037e-02, -1.38888888888741095749e-03,
                                            2.48015872894767294178e-05, -2.75573143513906633035e-07,
                                            2.08757232129817482790e-09, -1.13596475577881948265e-11}));
  }
  using I = Integers<T, N>;
  const P value = where((quadrant & I(1)) == I(1), cosine, sine);
  return where((quadrant & I(2)) == I(2), -value, value);
}

/// sin(x + quadrant · π/2). π/2 comes in parts so short that n times each is
/// exact. Beyond that range the library of C takes over.
template <int Quadrant, class T, int N>
Pack<T, N> sine(const Pack<T, N>& x) {
  using P = Pack<T, N>;
  constexpr bool single = sizeof(T) == 4;
  const P shifted = x * T(0.6366197723675814) + shifter<T>, n = shifted - shifter<T>;
  P r;
  if constexpr (single)
    r = (((x - n * 1.5703125F) - n * 0.0004837512969970703F) - n * 7.549533620476723e-08F) -
        n * 2.56334415e-12F;
  else
    r = ((x - n * 1.5707963267341256) - n * 6.077100506303966e-11) - n * 2.0222662487959506e-21;
  P result = sine_of_quadrant(r, shifted.bits() + Integers<T, N>(Quadrant));
  if constexpr (Quadrant == 0) result = where(x == P(0), x, result);  // keeps the sign of zero
  const auto far = !(abs(x) < P(single ? T(8192) : T(1e6)));
  if (any(far)) [[unlikely]]
    return where(far,
                 P::lane_by_lane([](T lane) { return Quadrant == 0 ? std::sin(lane) : std::cos(lane); }, x),
                 result);
  return result;
}

}  // namespace detail

/// x in radians, within 2 units of 1 (as an absolute error near the zeros).
template <class T, int N>
Pack<T, N> sin(const Pack<T, N>& x) {
  return detail::sine<0>(x);
}
template <class T, int N>
Pack<T, N> cos(const Pack<T, N>& x) {
  return detail::sine<1>(x);
}

template <class T, int N>
Pack<T, N> softplus(const Pack<T, N>& x) {
  return rules::stable_softplus(x);
}
template <class T, int N>
Pack<T, N> logaddexp(const Pack<T, N>& a, const std::type_identity_t<Pack<T, N>>& b) {
  return rules::stable_logaddexp(a, Pack<T, N>(b));
}
template <Number A, class T, int N>
Pack<T, N> logaddexp(A a, const Pack<T, N>& b) {
  return logaddexp(Pack<T, N>(a), b);
}
template <class T, int N>
Pack<T, N> strong_product(const Pack<T, N>& a, const std::type_identity_t<Pack<T, N>>& b) {
  return where(a != 0, where(b != 0, a * b, Pack<T, N>(0)), Pack<T, N>(0));
}
template <class T, int N>
Pack<T, N> strong_quotient(const Pack<T, N>& a, const Pack<T, N>& b) {
  return where(a == 0, Pack<T, N>(0), a / b);
}

}  // namespace chainrule::simd
