// The functions that are computed on packs of numbers, and the loops over them. Their code is made once, in
// packed_loops.cpp, so that all else of the operations can be compiled to be small.

#pragma once

#include <numbers>

#include "ops/functions/by_number.h"
#include "ops/functions/gated.h"
#include "ops/functions/packs.h"
#include "ops/functions/wide_packs.h"

namespace chainrule::ops {

struct ErfPacks {
  static auto value(auto x) { return special::erf(x); }
  static auto slope(auto x) { return 2 * std::numbers::inv_sqrtpi * special::gaussian(x); }
};

using special::density_at_0;

struct GeluPacks {
  static auto value(auto x) { return x * special::normal_below(x); }
  static auto slope(auto x) { return special::gelu_slope(x); }
};

struct Atan2Packs {
  static auto value(auto a, auto b) { return special::atan2(a, b); }
  static auto slope_a(auto a, auto b) { return special::atan2_slope(b, a); }
  static auto slope_b(auto a, auto b) { return -special::atan2_slope(a, b); }
};
using Atan2RuleA = PackedRule<Atan2Packs, 0>;
using Atan2RuleB = PackedRule<Atan2Packs, 1>;

template <template <class> class OfGate>
struct GatePacks {
  template <class P>
  static P value(const P& x) {
    return gated<OfGate<P>>(x);
  }
  template <class P>
  static P slope(const P& x) {
    return gated_slope<OfGate<P>>(x);
  }
};
using SiluPacks = GatePacks<LinearGate>;
using MishPacks = GatePacks<MishGate>;
using GeluTanhPacks = GatePacks<CubicGate>;

struct GeluTanhCurvaturePacks {
  static auto value(auto x) { return gated_curvature(x); }
};

using special::nearest;

struct RoundPacks {
  static auto value(auto x) { return nearest(x); }
};
struct FloorPacks {
  static auto value(auto x) {
    const auto whole = nearest(x);
    return where(whole > x, whole - 1, whole);
  }
};
struct CeilPacks {
  static auto value(auto x) { return -FloorPacks::value(-x); }
};
struct TruncPacks {
  static auto value(auto x) { return where(x < 0, CeilPacks::value(x), FloorPacks::value(x)); }
};

struct CopysignPacks {
  static auto value(auto a, auto b) { return special::with_sign_of(a, b); }
};

/// a = n b + left for a whole number n, with |left| < |b| and the sign of a, without an error: of numbers
/// that are not too far apart, and that is where it is `regular`.
template <int N>
struct Division {
  using P = simd::Pack<float, N>;
  P left;
  typename P::Mask regular;

  Division(const P& a, const P& b) {
    // Products with half of b's digits are exact.
    const P from = abs(a), by = abs(b), upper = simd::detail::upper_half(by), ratio = from / by,
            whole = nearest(ratio), n = where(whole > ratio, whole - 1, whole);
    const P most = from - n * upper;
    P rest = most - n * (by - upper);
    rest = where(rest < 0, rest + by, rest);
    rest = where(rest < by, rest, rest - by);
    regular = (ratio < 4096) & (abs(most) < by);
    left = CopysignPacks::value(rest, a);
  }
};
/// What a function of packs gives, but where it is not regular that of numbers.
template <class P, class Number>
P where_regular(const typename P::Mask& regular, const P& fast, Number number, const P& a, const P& b) {
  if (!any(!regular)) [[likely]]
    return fast;
  return where(regular, fast, P::lane_by_lane(number, a, b));
}
/// In numbers, of which the last one tells.
float quotient_of(float a, float b, float which);

/// What is left of a / b: its sign that of a, or that of b; or the whole number below a / b. In one loop,
/// which is told by an operand that is the same in all lanes.
enum class Quotient : std::uint8_t { fmod, remainder, floor_divide };
struct DivisionPacks {
  template <int N>
  static simd::Pack<float, N> value(const simd::Pack<float, N>& a, const simd::Pack<float, N>& b,
                                    const simd::Pack<float, N>& which) {
    using P = simd::Pack<float, N>;
    const auto wanted = special::which_of<Quotient>(which);
    const Division division(a, b);
    const P left = division.left;
    const auto same_sign = (left < 0) == (b < 0);
    P fast = left;
    if (wanted == Quotient::remainder) {
      fast = where(left == 0, CopysignPacks::value(P(0.0F), b), where(same_sign, left, left + b));
    } else if (wanted == Quotient::floor_divide) {
      const P whole = nearest((a - left) / b - where((left == 0) | same_sign, P(0), P(1)));
      fast = where(whole == 0, CopysignPacks::value(P(0.0F), a / b), whole);
    }
    if (!any(!division.regular)) [[likely]]
      return fast;
    return where(division.regular, fast, P::lane_by_lane(quotient_of, a, b, which));
  }
};
struct HypotPacks {
  template <int N>
  static simd::Pack<float, N> value(const simd::Pack<float, N>& a, const simd::Pack<float, N>& b) {
    const auto square = a * a + b * b;
    const auto regular = ((square > 1e-25F) & (square < 1e35F)) | ((a == 0) & (b == 0));
    return where_regular(
        regular, sqrt(square), [](float x, float y) { return std::hypot(x, y); }, a, b);
  }
};
struct SoftsignPacks {
  static auto value(auto x) { return x / (1 + abs(x)); }
  static auto slope(auto x) {
    const auto share = 1 / (1 + abs(x));
    return share * share;
  }
};

/// Functions of x made of pieces, and with v what the derivatives of some make of it, in one loop, which is
/// told by an operand that is the same in all lanes.
enum class Bend : std::uint8_t { hardsigmoid, hardswish, hardswish_slope, leaky_relu, from_0, around_0 };
struct BentPacks {
  template <class P>
  static P value(const P& x, const P& v, const P& operand, const P& parameter) {
    const auto which = special::which_of<Bend>(operand);
    if (which == Bend::leaky_relu)  // -0 stays
      return where((x > 0) | (v == 0), v, strong_product(v, parameter));
    // v where x is between 0 and the parameter, or |x| below it.
    if (which == Bend::from_0) return where((x <= 0) | (parameter <= x), P(0), v);
    if (which == Bend::around_0) return where(parameter <= abs(x), P(0), v);
    constexpr double sixth = 1.0 / 6;
    if (which == Bend::hardswish_slope)
      return where(x <= -3, P(0), where(x >= 3, v, strong_product(v, (x + x + 3) * sixth)));
    const P share = minimum(maximum(x + 3, P(0)), P(6)) * sixth;
    return which == Bend::hardswish ? x * share : share;
  }
};

struct HuberPacks {
  static auto value(auto d, auto bound, auto factor) {
    const auto c = minimum(maximum(d, -bound), bound);
    return c * factor * (d - c * 0.5);
  }
};

}  // namespace chainrule::ops

#define CHAINRULE_PACKED_LOOP(prefix, F, T, ...) \
  prefix template void chainrule::kernels::detail::loop<F, T, T, __VA_ARGS__>(const Stretch&);
#define CHAINRULE_PACKED_LOOPS_OF_ONE(prefix, Packs, T)        \
  CHAINRULE_PACKED_LOOP(prefix, ops::PackedValue<Packs>, T, T) \
  CHAINRULE_PACKED_LOOP(prefix, ops::PackedRule<Packs>, T, T, T)
#define CHAINRULE_WIDE_LOOP(prefix, Packs) \
  CHAINRULE_PACKED_LOOP(prefix, ops::PackedValue<Packs>, double, double, double)
#define CHAINRULE_PACKED_LOOPS(prefix)                                                                    \
  CHAINRULE_PACKED_LOOP(prefix, ops::PackedValue<ops::RoundPacks>, float, float)                          \
  CHAINRULE_PACKED_LOOP(prefix, ops::PackedValue<ops::FloorPacks>, float, float)                          \
  CHAINRULE_PACKED_LOOP(prefix, ops::PackedValue<ops::CeilPacks>, float, float)                           \
  CHAINRULE_PACKED_LOOP(prefix, ops::PackedValue<ops::TruncPacks>, float, float)                          \
  CHAINRULE_PACKED_LOOPS_OF_ONE(prefix, ops::ErfPacks, float)                                             \
  CHAINRULE_PACKED_LOOPS_OF_ONE(prefix, ops::GeluPacks, float)                                            \
  CHAINRULE_PACKED_LOOPS_OF_ONE(prefix, ops::SiluPacks, float)                                            \
  CHAINRULE_PACKED_LOOPS_OF_ONE(prefix, ops::SiluPacks, double)                                           \
  CHAINRULE_PACKED_LOOPS_OF_ONE(prefix, ops::MishPacks, float)                                            \
  CHAINRULE_PACKED_LOOPS_OF_ONE(prefix, ops::MishPacks, double)                                           \
  CHAINRULE_PACKED_LOOPS_OF_ONE(prefix, ops::GeluTanhPacks, float)                                        \
  CHAINRULE_PACKED_LOOPS_OF_ONE(prefix, ops::GeluTanhPacks, double)                                       \
  CHAINRULE_PACKED_LOOP(prefix, ops::PackedValue<ops::GeluTanhCurvaturePacks>, double, double)            \
  CHAINRULE_PACKED_LOOPS_OF_ONE(prefix, ops::SoftsignPacks, float)                                        \
  CHAINRULE_PACKED_LOOP(prefix, ops::PackedValue<ops::DivisionPacks>, float, float, float, float)         \
  CHAINRULE_PACKED_LOOP(prefix, ops::PackedValue<ops::CopysignPacks>, float, float, float)                \
  CHAINRULE_PACKED_LOOP(prefix, ops::PackedValue<ops::HypotPacks>, float, float, float)                   \
  CHAINRULE_PACKED_LOOP(prefix, ops::PackedValue<ops::BentPacks>, float, float, float, float, float)      \
  CHAINRULE_PACKED_LOOP(prefix, ops::PackedValue<ops::BentPacks>, double, double, double, double, double) \
  CHAINRULE_PACKED_LOOP(prefix, ops::PackedValue<ops::HuberPacks>, float, float, float, float)            \
  CHAINRULE_PACKED_LOOP(prefix, ops::PackedValue<ops::HuberPacks>, double, double, double, double)        \
  CHAINRULE_PACKED_LOOP(prefix, ops::PackedValue<ops::Atan2Packs>, float, float, float)                   \
  CHAINRULE_WIDE_LOOP(prefix, ops::SpecialPacks)                                                          \
  CHAINRULE_WIDE_LOOP(prefix, ops::RoundingPacks)                                                         \
  CHAINRULE_PACKED_LOOP(prefix, ops::Atan2RuleA, float, float, float, float)                              \
  CHAINRULE_PACKED_LOOP(prefix, ops::Atan2RuleB, float, float, float, float)

namespace chainrule::kernels::detail {
CHAINRULE_PACKED_LOOPS(extern)
}  // namespace chainrule::kernels::detail
