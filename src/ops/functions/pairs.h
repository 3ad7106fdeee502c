// Functions of two numbers, on packs of float32 and of float64, in one loop, which is told which of them is
// asked for by an operand that is the same in all lanes. Errors are in units in the last place of the
// correctly rounded result; the tests hold them.

#pragma once

#include "ops/functions/wide_packs.h"

namespace chainrule::special {

/// The functions of the loop.
enum class Pair : std::uint8_t {
  fmod,          ///< what is left of a / b, with the sign of a
  remainder,     ///< the same with the sign of b
  floor_divide,  ///< the whole number below a / b
  fmod_of_int64,
  remainder_of_int64,
  floor_divide_of_int64,
  bit_and,  ///< and the next two of int64
  bit_or,
  bit_xor,
  shift_left,  ///< and the next one of int64
  shift_right,
  copysign,
  heaviside,  ///< b for a = 0, else 0 or 1
  hypot,
  hypot_slope_a,
  hypot_slope_b,
  asin,  ///< and the next two of a alone, that is for float32
  acos,
  atan,
  atan2,
  atan2_slope_a,
  atan2_slope_b
};

/// a = n b + left for a whole number n, with |left| < |b| and the sign of a, without an error: where the
/// numbers are finite and a / b is so, and that is where it is `regular`.
template <class P>
struct Division {
  P left;
  typename P::Mask regular;

  Division(const P& a, const P& b) {
    using T = typename P::Element;
    // Products of half of b's digits and a whole number that has no more are exact, and so is what they
    // leave.
    constexpr T exact = sizeof(T) == 4 ? T(0x1p12) : T(0x1p26),
                less = 1 - 4 * std::numeric_limits<T>::epsilon(), most = std::numeric_limits<T>::max();
    const P by = abs(b), upper = simd::detail::upper_half(by), lower = by - upper;
    P rest = abs(a), ratio = rest / by;
    regular = (ratio <= most) & (by <= most);
    for (;;) {
      const auto far = regular & (ratio >= exact);
      const P n = where(far, simd::detail::upper_half(ratio * less), whole_below(ratio));
      rest = (rest - n * upper) - n * lower;
      if (!any(far)) [[likely]]
        break;
      ratio = rest / by;
    }
    rest = where(rest < 0, rest + by, rest);
    left = with_sign_of(where(rest < by, rest, rest - by), a);
  }
};

/// By numbers, of which the last one tells.
double quotient_of(double a, double b, double which);
std::int64_t whole_quotient_of(std::int64_t a, std::int64_t b, double which);

template <class P>
P of_quotient(const P& a, const P& b, const P& operand) {
  using T = typename P::Element;
  const auto which = which_of<Pair>(operand);
  const Division<P> division(a, b);
  const P left = division.left;
  const auto same_sign = (left < 0) == (b < 0);
  auto regular = division.regular;
  P result = left;
  if (which == Pair::remainder) {
    result = where(left == 0, with_sign_of(P(0), b), where(same_sign, left, left + b));
  } else if (which == Pair::floor_divide) {
    const P whole = nearest((a - left) / b - where((left == 0) | same_sign, P(0), P(1)));
    result = where(whole == 0, with_sign_of(P(0), a / b), whole);
    // Numbers are divided in float64.
    if constexpr (sizeof(T) == 4) regular = regular & (abs(whole) < 0x1p20);
  }
  if (!any(!regular)) [[likely]]
    return result;
  const auto by_numbers = [](T x, T y, T kind) { return static_cast<T>(quotient_of(x, y, kind)); };
  return where(regular, result, P::lane_by_lane(by_numbers, a, b, operand));
}

/// The same of int64, whose bits are those of the lanes: of numbers of at most 51 bits by way of float64,
/// where a quotient that is no whole number is never rounded to one.
template <class P>
P of_whole_quotient(const P& a, const P& b, const P& operand) {
  using Bits = typename P::Mask;
  const auto which = which_of<Pair>(operand);
  const P shifter(simd::detail::shifter<double>);
  const Bits shift = shifter.bits(), u = a.bits(), v = b.bits(), half(std::int64_t{1} << 51);
  const auto is_short = [&](const Bits& x) { return (x + half).template right<52>() == Bits(0); };
  const auto regular = is_short(u) & is_short(v) & !(v == Bits(0));
  const P from = P::from_bits(u + shift) - shifter, by = P::from_bits(v + shift) - shifter, ratio = from / by,
          whole = which == Pair::fmod_of_int64 ? with_sign_of(whole_below(abs(ratio)), ratio)
                                               : whole_below(ratio),
          result = which == Pair::floor_divide_of_int64 ? whole : from - whole * by;
  const P fast = P::from_bits((result + shifter).bits() - shift);
  if (!any(!regular)) [[likely]]
    return fast;
  const auto by_numbers = [](double x, double y, double kind) {
    return std::bit_cast<double>(
        whole_quotient_of(std::bit_cast<std::int64_t>(x), std::bit_cast<std::int64_t>(y), kind));
  };
  return where(regular, fast, P::lane_by_lane(by_numbers, a, b, operand));
}

/// The bits of int64 moved by the whole numbers of b: bit by bit of these.
template <class P>
P shifted(const P& a, const P& b, bool to_left) {
  using Bits = typename P::Mask;
  const auto is_outside = !((b.bits() & Bits(-64)) == Bits(0));
  const Bits by = where(is_outside, P::from_bits(Bits(63)), b).bits();
  P result = a;
  const auto move = [&]<int bit>(std::integral_constant<int, bit>) {
    const Bits bits = result.bits();
    const P moved = P::from_bits(to_left ? bits.template left<bit>() : bits.template right<bit>());
    result = where((by & Bits(bit)) == Bits(bit), moved, result);
  };
  [&]<int... power>(std::integer_sequence<int, power...>) {
    (move(std::integral_constant<int, 1 << power>()), ...);
  }
  (std::make_integer_sequence<int, 6>());
  return to_left ? where(is_outside, P(0), result) : result;
}

/// Within 2 units.
template <class P>
P hypot(const P& a, const P& b) {
  using T = typename P::Element;
  constexpr T least = sizeof(T) == 4 ? T(1e-25) : T(1e-280), most = sizeof(T) == 4 ? T(1e35) : T(1e300);
  const P square = a * a + b * b, root = sqrt(square);
  const auto regular = ((square > least) & (square < most)) | ((a == 0) & (b == 0));
  if (!any(!regular)) [[likely]]
    return root;
  return where(regular, root, P::lane_by_lane([](T x, T y) { return std::hypot(x, y); }, a, b));
}

/// a by the hypotenuse; 0 at the origin, and of infinite sides equal shares. Within 3 units.
template <class P>
P hypot_slope(const P& a, const P& b) {
  constexpr auto infinity = std::numeric_limits<typename P::Element>::infinity();
  const P distance = hypot(a, b), slope = a / distance;
  const auto regular = (distance != 0) & (distance != infinity);
  if (!any(!regular)) [[likely]]
    return slope;
  const P share = where(abs(b) == infinity, P(std::numbers::sqrt2 / 2), P(1));
  return where(regular, slope, where(abs(a) == infinity, with_sign_of(share, a), P(0)));
}

/// The angle of the point (x, y), within 4 units, with signs of zeros and at infinities as std::atan2 has it:
/// from that of the smaller side by the larger one. The polynomial of float32 has an absolute error of 2e-8.
template <class P>
P atan2(const P& y, const P& x) {
  using T = typename P::Element;
  using Bits = typename P::Mask;
  const P up = abs(y), right = abs(x);
  const P low = smaller(up, right), high = larger(up, right);
  P ratio = where(low == high, P(1), low / high);  // of infinities, too
  ratio = where(high == 0, P(0), ratio);
  const P z = ratio * ratio;
  P rest;
  if constexpr (sizeof(T) == 4)
    rest = simd::detail::polynomial(
        z, {-0.3333333173F, 0.1999973933F, -0.1427856875F, 0.1103376412F, -0.0865688043F, 0.06250169445F,
            -0.03587153898F, 0.01350777143F, -0.002386997317F});
  else
    rest = quotient(z, atan_rest);
  const P near = ratio + ratio * z * rest;
  // π and its half in two parts.
  constexpr T pi = std::numbers::pi_v<T>;
  constexpr T lost = T(sizeof(T) == 4 ? -8.74227766e-8 : 1.2246467991473532e-16);
  const P steep = where(up > right, (pi / 2 - near) + lost / 2, near);
  const Bits sign(simd::detail::sign_bit<T>), left = (x.bits() & sign) == sign;
  const P angle = where(left, (pi - steep) + lost, steep);
  const P result = P::from_bits(angle.bits() | (y.bits() & sign));
  return where((x == x) & (y == y), result, x + y);
}

/// side / (side² + other²); 0 at the origin and where one of them is infinite. Within 3 units.
template <class P>
P atan2_slope(const P& side, const P& other) {
  using T = typename P::Element;
  constexpr T least = sizeof(T) == 4 ? T(1e-20) : T(1e-280), most = sizeof(T) == 4 ? T(1e30) : T(1e290),
              infinity = std::numeric_limits<T>::infinity();
  const P square = side * side + other * other, slope = side / square;
  const auto regular = (square > least) & (square < most);
  if (!any(!regular)) [[likely]]
    return slope;
  // Squares that over- or underflow: all is scaled by the longer side first.
  const P u = abs(side), v = abs(other), longer = maximum(u, v), a = side / longer, b = other / longer;
  const auto nowhere = (longer == 0) | (u == infinity) | (v == infinity);
  return where(regular, slope, where(nowhere, P(0), a / (a * a + b * b) / longer));
}

}  // namespace chainrule::special

namespace chainrule::ops {

/// There are none of float64 for processors without AVX2, as in SpecialPacks.
struct PairPacks {
  template <class P>
  static P value(const P& a, const P& b, const P& operand) {
    using special::Pair;
    if constexpr (sizeof(typename P::Element) == 8 && P::lanes < SpecialPacks::least_lanes) {
      return a;  // is not called
    } else {
      const auto which = special::which_of<Pair>(operand);
      switch (which) {
        case Pair::copysign: return special::with_sign_of(a, b);
        case Pair::heaviside: return where(a == 0, b, where(a < 0, P(0), where(a > 0, P(1), a)));
        case Pair::hypot: return special::hypot(a, b);
        case Pair::hypot_slope_a:
        case Pair::hypot_slope_b: {
          const bool of_a = which == Pair::hypot_slope_a;
          return special::hypot_slope(of_a ? a : b, of_a ? b : a);
        }
        case Pair::asin:
        case Pair::acos:
        case Pair::atan:
        case Pair::atan2: {
          P up = a, right = b;
          if (which == Pair::atan) right = P(1);
          if (which == Pair::asin || which == Pair::acos) right = sqrt((1 - a) * (1 + a));
          if (which == Pair::acos) std::swap(up, right);
          return special::atan2(up, right);
        }
        case Pair::atan2_slope_a:
        case Pair::atan2_slope_b: {
          const bool of_a = which == Pair::atan2_slope_a;
          return special::atan2_slope(of_a ? b : -a, of_a ? a : b);
        }
        case Pair::fmod:
        case Pair::remainder:
        case Pair::floor_divide: return special::of_quotient(a, b, operand);
        case Pair::bit_and: return P::from_bits(a.bits() & b.bits());
        case Pair::bit_or: return P::from_bits(a.bits() | b.bits());
        case Pair::bit_xor: return P::from_bits((a.bits() | b.bits()) - (a.bits() & b.bits()));
        default: break;
      }
      if constexpr (sizeof(typename P::Element) == 8)
        return which == Pair::shift_left || which == Pair::shift_right
                   ? special::shifted(a, b, which == Pair::shift_left)
                   : special::of_whole_quotient(a, b, operand);
      return a;
    }
  }
};

}  // namespace chainrule::ops
