#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <type_traits>

#include "chainrule/dtype.h"

/// One small SIMD type, for the library's own loops and for `map`. It is made of the compiler's vector
/// extensions, so that one generic formula becomes code for every instruction set: see vectorized(). Packs
/// are only ever passed to functions that are inlined, so g++'s notes on how they are passed (-Wpsabi) do not
/// apply.

namespace chainrule::simd {

template <class T>
using IntegerFor = std::conditional_t<sizeof(T) == 4, std::int32_t, std::int64_t>;

#define CHAINRULE_TARGET_AVX2 "avx2,fma"
#define CHAINRULE_TARGET_AVX512 "avx512f,avx512dq,avx512bw,avx512vl,avx2,fma"

namespace detail {

/// The operations on vectors of a number of bytes.
template <class T, int Bytes>
struct Vectors;

#define CHAINRULE_SIMD_BYTES 16
#define CHAINRULE_SIMD_TARGET
#include "chainrule/detail/simd_vectors.h"
#if defined(__x86_64__)
#define CHAINRULE_SIMD_BYTES 32
#define CHAINRULE_SIMD_TARGET [[gnu::target(CHAINRULE_TARGET_AVX2)]]
#include "chainrule/detail/simd_vectors.h"
#define CHAINRULE_SIMD_BYTES 64
#define CHAINRULE_SIMD_TARGET [[gnu::target(CHAINRULE_TARGET_AVX512)]]
#include "chainrule/detail/simd_vectors.h"
#endif

}  // namespace detail

template <class T, int N>
struct Pack;

/// One integer per lane, as wide as T: the bits of its numbers, and truth values (all bits set or none).
template <class T, int N>
struct Integers {
  using V = detail::Vectors<T, N* static_cast<int>(sizeof(T))>;
  using Bits = IntegerFor<T>;
  typename V::BitVector v;

  Integers() = default;
  Integers(Bits number) { V::spread(v, number); }  // NOLINT

  friend Integers operator+(const Integers& a, const Integers& b) { return of(V::add, a, b); }
  friend Integers operator-(const Integers& a, const Integers& b) { return of(V::sub, a, b); }
  friend Integers operator&(const Integers& a, const Integers& b) { return of(V::both, a, b); }
  friend Integers operator|(const Integers& a, const Integers& b) { return of(V::either, a, b); }
  friend Integers operator==(const Integers& a, const Integers& b) { return of(V::equal, a, b); }
  friend Integers operator!(const Integers& a) {
    Integers result;
    V::invert(result.v, a.v);
    return result;
  }
  template <int Count>
  Integers left() const {
    Integers result;
    V::template left<Count>(result.v, v);
    return result;
  }
  template <int Count>
  Integers right() const {
    Integers result;
    V::template right<Count>(result.v, v);
    return result;
  }
  Pack<T, N> as_numbers() const {
    Pack<T, N> result;
    V::number_of(result.v, v);
    return result;
  }
  friend bool any(const Integers& a) { return V::any(a.v); }
  /// Lane by lane, a where the mask holds, else b.
  friend Pack<T, N> where(const Integers& mask, const Pack<T, N>& a, const Pack<T, N>& b) {
    Pack<T, N> result;
    V::select(result.v, mask.v, a.v, b.v);
    return result;
  }

 private:
  using Operation = void(typename V::BitVector&, const typename V::BitVector&, const typename V::BitVector&);
  static Integers of(Operation operation, const Integers& a, const Integers& b) {
    Integers result;
    operation(result.v, a.v, b.v);
    return result;
  }
};

/// N numbers of type float or double.
template <class T, int N>
struct Pack {
  using Element = T;
  using V = detail::Vectors<T, N* static_cast<int>(sizeof(T))>;
  using Mask = Integers<T, N>;
  static constexpr int lanes = N;
  typename V::Vector v;

  Pack() = default;
  template <Number S>
  Pack(S number) {  // NOLINT: as C++ numbers mix with floats
    V::spread(v, static_cast<T>(number));
  }

  static Pack load(const T* from) {
    Pack pack;
    V::load(pack.v, from);
    return pack;
  }
  void store(T* to) const { V::store(v, to); }
  /// The first `count` lanes; the others repeat the first element, on which any function is defined.
  static Pack load_part(const T* from, std::int64_t count) {
    T elements[N];
    for (int i = 0; i < N; ++i) elements[i] = from[i < count ? i : 0];
    return load(elements);
  }
  void store_part(T* to, std::int64_t count) const {
    T elements[N];
    store(elements);
    for (std::int64_t i = 0; i < count; ++i) to[i] = elements[i];
  }

  Mask bits() const {
    Mask result;
    V::bits_of(result.v, v);
    return result;
  }
  static Pack from_bits(const Mask& bits) {
    Pack result;
    V::from_bits(result.v, bits.v);
    return result;
  }

  friend Pack operator+(const Pack& a, const Pack& b) { return of(V::add, a, b); }
  friend Pack operator-(const Pack& a, const Pack& b) { return of(V::sub, a, b); }
  friend Pack operator*(const Pack& a, const Pack& b) { return of(V::mul, a, b); }
  friend Pack operator/(const Pack& a, const Pack& b) { return of(V::div, a, b); }
  friend Pack operator-(const Pack& a) {
    Pack result;
    V::neg(result.v, a.v);
    return result;
  }
  friend Pack operator+(const Pack& a) { return a; }
  Pack& operator+=(const Pack& b) { return *this = *this + b; }
  Pack& operator-=(const Pack& b) { return *this = *this - b; }
  Pack& operator*=(const Pack& b) { return *this = *this * b; }
  Pack& operator/=(const Pack& b) { return *this = *this / b; }

  friend Mask operator<(const Pack& a, const Pack& b) { return of(V::less, a, b); }
  friend Mask operator<=(const Pack& a, const Pack& b) { return of(V::less_equal, a, b); }
  friend Mask operator>(const Pack& a, const Pack& b) { return b < a; }
  friend Mask operator>=(const Pack& a, const Pack& b) { return b <= a; }
  friend Mask operator==(const Pack& a, const Pack& b) { return of(V::equal, a, b); }
  friend Mask operator!=(const Pack& a, const Pack& b) { return !(a == b); }

  // Friends, so that a literal may be one of the two. NaN if either is.
  friend Pack maximum(const Pack& a, const Pack& b) { return where((a > b) | (a != a), a, b); }
  friend Pack minimum(const Pack& a, const Pack& b) { return where((a < b) | (a != a), a, b); }
  /// a to the power b. The exponents that people write most cost multiplications.
  friend Pack pow(const Pack& a, const Pack& b) {
    if (!any(b != Pack(2))) return a * a;
    if (!any(b != Pack(3))) return a * a * a;
    if (!any(b != Pack(1))) return a;
    return lane_by_lane([](T x, T y) { return std::pow(x, y); }, a, b);
  }
  /// For what has no formula of its own.
  template <class F, class... P>
  static Pack lane_by_lane(F f, const P&... packs) {
    T elements[N];
    for (int i = 0; i < N; ++i) elements[i] = f(packs.v[i]...);
    return load(elements);
  }

 private:
  using Vector = typename V::Vector;
  static Pack of(void operation(Vector&, const Vector&, const Vector&), const Pack& a, const Pack& b) {
    Pack result;
    operation(result.v, a.v, b.v);
    return result;
  }
  static Mask of(void operation(typename V::BitVector&, const Vector&, const Vector&), const Pack& a,
                 const Pack& b) {
    Mask result;
    operation(result.v, a.v, b.v);
    return result;
  }
};

// ---- What a formula may call -------------------------------------------------------------------------
//
// Errors are in units in the last place of the correctly rounded result; the tests hold them.

template <class T, int N>
Pack<T, N> abs(const Pack<T, N>& x) {
  constexpr auto magnitude = static_cast<IntegerFor<T>>(~(std::uint64_t{1} << (8 * sizeof(T) - 1)));
  return Pack<T, N>::from_bits(x.bits() & Integers<T, N>(magnitude));
}
template <class T, int N>
Pack<T, N> copysign(const Pack<T, N>& magnitude, const Pack<T, N>& sign) {
  constexpr auto mask = static_cast<IntegerFor<T>>(~(std::uint64_t{1} << (8 * sizeof(T) - 1)));
  return Pack<T, N>::from_bits((magnitude.bits() & Integers<T, N>(mask)) |
                               (sign.bits() & Integers<T, N>(~mask)));
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
  return where((x > 0) | (x != x), x, Pack<T, N>(0));
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
  for (std::size_t i = K - 1; i-- > 0;) sum = sum * x + c[i];
  return sum;
}

/// 2^n for whole n in the range of normal numbers.
template <class P>
P power_of_two(const P& n) {
  using T = typename P::Element;
  constexpr int mantissa = sizeof(T) == 4 ? 23 : 52;
  // Adding this puts the integer into the low bits of the mantissa.
  constexpr T shifter = sizeof(T) == 4 ? T(12582912.0) : T(6755399441055744.0);
  constexpr IntegerFor<T> bias = sizeof(T) == 4 ? 127 : 1023;
  const auto integer = (n + shifter).bits() - P(shifter).bits();
  return P::from_bits((integer + typename P::Mask(bias)).template left<mantissa>());
}

/// x = n ln 2 + r with |r| <= ln 2 / 2; ln 2 in two parts, the first so short that n times it is exact.
template <class P>
struct ExpReduction {
  P n, r;
  explicit ExpReduction(const P& x) {
    using T = typename P::Element;
    constexpr T shifter = sizeof(T) == 4 ? T(12582912.0) : T(6755399441055744.0);
    constexpr T high = sizeof(T) == 4 ? T(0.693359375) : T(0.6931471803691238);
    constexpr T low = sizeof(T) == 4 ? T(-2.12194440054690583e-4) : T(1.9082149292705877e-10);
    n = (x * T(1.4426950408889634) + shifter) - shifter;
    r = (x - n * high) - n * low;
  }
};

/// (eʳ - 1 - r) / r², from the Taylor series: the next term is below half a unit for |r| <= ln 2 / 2.
template <class P>
P exp_tail(const P& r) {
  if constexpr (sizeof(typename P::Element) == 4) {
    return polynomial(r, {1.F / 2, 1.F / 6, 1.F / 24, 1.F / 120, 1.F / 720, 1.F / 5040});
  } else {
    return polynomial(r, {1. / 2, 1. / 6, 1. / 24, 1. / 120, 1. / 720, 1. / 5040, 1. / 40320, 1. / 362880,
                          1. / 3628800, 1. / 39916800, 1. / 479001600, 1. / 6227020800});
  }
}

}  // namespace detail

/// eˣ, within 2 units.
template <class T, int N>
Pack<T, N> exp(const Pack<T, N>& x) {
  using P = Pack<T, N>;
  constexpr T lowest = sizeof(T) == 4 ? T(-104) : T(-746), highest = sizeof(T) == 4 ? T(89) : T(710);
  const P inside = minimum(maximum(x, P(lowest)), P(highest));
  const detail::ExpReduction<P> reduced(inside);
  const P power = P(1) + (reduced.r + reduced.r * reduced.r * detail::exp_tail(reduced.r));
  // In two factors, as 2ⁿ alone may be subnormal or infinite where the result is not.
  const P half = (reduced.n * T(0.5) + (sizeof(T) == 4 ? T(12582912.0) : T(6755399441055744.0))) -
                 (sizeof(T) == 4 ? T(12582912.0) : T(6755399441055744.0));
  return power * detail::power_of_two(half) * detail::power_of_two(reduced.n - half);
}

/// eˣ - 1, within 3 units, also where x is tiny. For |x| up to half the range of exp.
template <class T, int N>
Pack<T, N> expm1(const Pack<T, N>& x) {
  using P = Pack<T, N>;
  const detail::ExpReduction<P> reduced(x);
  const P power = detail::power_of_two(reduced.n);
  return power * (reduced.r + reduced.r * reduced.r * detail::exp_tail(reduced.r)) + (power - P(1));
}

/// Within 4 units.
template <class T, int N>
Pack<T, N> tanh(const Pack<T, N>& x) {
  using P = Pack<T, N>;
  const P twice = minimum(abs(x) * T(2), P(sizeof(T) == 4 ? T(20) : T(42)));  // there tanh rounds to 1
  const P e = expm1(twice);
  return where(x != x, x, copysign(e / (e + T(2)), x));
}

/// 1 / (1 + e⁻ˣ), within 4 units at both ends.
template <class T, int N>
Pack<T, N> sigmoid(const Pack<T, N>& x) {
  using P = Pack<T, N>;
  const P e = exp(-abs(x));
  return where(x >= T(0), P(1), e) / (P(1) + e);
}

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
  constexpr int mantissa = single ? 23 : 52;
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
  constexpr T shifter = single ? T(12582912.0) : T(6755399441055744.0);
  const P shifted = x * T(0.6366197723675814) + shifter, n = shifted - shifter;
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

// ---- Choosing the instruction set ----------------------------------------------------------------------

enum class InstructionSet : std::uint8_t { baseline, avx2, avx512 };
/// The best one of this machine, unless the environment variable CHAINRULE_ISA says baseline, avx2 or
/// avx512. Read once.
InstructionSet instruction_set();

namespace detail {

// Everything that Loop calls is inlined into these ("flatten"), and so compiled for their target.
#if defined(__x86_64__)
template <class Loop, class... Arguments>
[[gnu::target(CHAINRULE_TARGET_AVX512), gnu::flatten]] void with_avx512(Arguments... arguments) {
  Loop::template run<64>(arguments...);
}
template <class Loop, class... Arguments>
[[gnu::target(CHAINRULE_TARGET_AVX2), gnu::flatten]] void with_avx2(Arguments... arguments) {
  Loop::template run<32>(arguments...);
}
#endif
template <class Loop, class... Arguments>
[[gnu::flatten]] void with_baseline(Arguments... arguments) {
  Loop::template run<16>(arguments...);
}

}  // namespace detail

/// Loop::run<Bytes>(arguments...), compiled for packs of 64, 32 and 16 bytes with the instructions for
/// them, whatever the flags of the program; the machine decides which one runs.
template <class Loop, class... Arguments>
void vectorized(Arguments... arguments) {
#if defined(__x86_64__)
  switch (instruction_set()) {
    case InstructionSet::avx512: return detail::with_avx512<Loop>(arguments...);
    case InstructionSet::avx2: return detail::with_avx2<Loop>(arguments...);
    case InstructionSet::baseline: break;
  }
#endif
  detail::with_baseline<Loop>(arguments...);
}

}  // namespace chainrule::simd
