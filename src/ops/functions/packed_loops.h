// The functions that are computed on packs of numbers, and the loops over them. Their code is made once, in
// packed_loops.cpp, so that all else of the operations can be compiled to be small.

#pragma once

#include <numbers>

#include "ops/functions/by_number.h"
#include "ops/functions/gated.h"
#include "ops/functions/logarithms.h"
#include "ops/functions/packs.h"
#include "ops/functions/pairs.h"
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

/// Functions of x made of pieces, and with v what the derivatives of some make of it, in one loop, which is
/// told by an operand that is the same in all lanes.
enum class Bend : std::uint8_t {
  hardsigmoid,
  hardsigmoid_slope,
  hardswish,
  hardswish_slope,
  leaky_relu,
  from_0,
  around_0,
  elu,
  elu_slope,
  celu,
  celu_slope,
  softsign,
  softsign_slope,
  nan_to_num,
  finite,
  decimals,
  rsqrt,
  rsqrt_slope
};
struct BentPacks {
  template <class P>
  static P value(const P& x, const P& v, const P& operand, const P& parameter) {
    constexpr double sixth = 1.0 / 6;
    const P most(std::numeric_limits<typename P::Element>::max());
    const auto share_of_6 = [&] { return smaller(P(6), larger(P(0), x + 3)) * sixth; };
    const auto below_0 = [&](const P& in) { return smaller(P(0), in); };
    switch (special::which_of<Bend>(operand)) {
      case Bend::leaky_relu:  // -0 stays
        return where((x > 0) | (v == 0), v, strong_product(v, parameter));
      case Bend::softsign: return x / (1 + abs(x));
      case Bend::softsign_slope: {
        const P share = 1 / (1 + abs(x));
        return strong_product(v, share * share);
      }
      case Bend::nan_to_num: return where(x == x, smaller(most, larger(-most, x)), parameter);
      case Bend::finite: return where(abs(x) <= most, v, P(0));
      case Bend::decimals: {  // what overflows has none
        const P scaled = x * parameter;
        return where(abs(scaled) <= most, special::nearest(scaled) / parameter, x);
      }
      case Bend::elu: return where(x > 0, x, parameter * expm1(below_0(x)));
      case Bend::celu: return where(x > 0, x, parameter * expm1(below_0(x / parameter)));
      case Bend::elu_slope: return strong_product(v, where(x > 0, P(1), parameter * exp(below_0(x))));
      case Bend::celu_slope: return strong_product(v, where(x > 0, P(1), exp(below_0(x / parameter))));
      case Bend::rsqrt: return 1 / sqrt(x);
      case Bend::rsqrt_slope: return strong_product(v, -0.5 / x / sqrt(x));
      case Bend::from_0:  // v where x is between 0 and the parameter,
        return where((x <= 0) | (parameter <= x), P(0), v);
      case Bend::around_0: return where(parameter <= abs(x), P(0), v);  // or |x| below it
      case Bend::hardswish_slope:
        return where(x <= -3, P(0), where(x >= 3, v, strong_product(v, (x + x + 3) * sixth)));
      case Bend::hardsigmoid_slope: return where(abs(x) >= 3, P(0), v * sixth);
      case Bend::hardswish: return x * share_of_6();
      case Bend::hardsigmoid: break;
    }
    return share_of_6();
  }
};

/// Of a prediction and its target: see HuberOfPair.
struct HuberPacks {
  static auto value(auto p, auto t, auto bound, auto factor) {
    const auto d = p - t, c = clamped(d, bound);
    return c * factor * (d - c * 0.5);
  }
  static auto clamped(auto d, auto bound) { return minimum(maximum(d, -bound), bound); }
};
struct HuberRule {
  auto operator()(auto p, auto t, auto bound, auto g) const {
    return strong_product(g, HuberPacks::clamped(p - t, bound));
  }
};

/// Of a logit, its target and its weight: see CrossEntropyOfLogit.
struct LogitPacks {
  static auto value(auto x, auto t, auto w) {
    const auto rest = log1p(exp(-abs(x)));
    return strong_product(t * w, maximum(-x, 0) + rest) + strong_product(1 - t, maximum(x, 0) + rest);
  }
};
struct LogitRule {
  auto operator()(auto x, auto t, auto w, auto g) const {
    const auto e = exp(-abs(x)), more = 1 / (1 + e), less = e * more;
    return strong_product(
        g, strong_product(1 - t, where(x < 0, less, more)) - strong_product(t * w, where(x < 0, more, less)));
  }
};

}  // namespace chainrule::ops

#define CHAINRULE_PACKED_LOOP(prefix, F, T, ...) \
  prefix template void chainrule::kernels::detail::loop<F, T, T, __VA_ARGS__>(const Stretch&);
#define CHAINRULE_PACKED_LOOPS_OF_ONE(prefix, Packs, T)        \
  CHAINRULE_PACKED_LOOP(prefix, ops::PackedValue<Packs>, T, T) \
  CHAINRULE_PACKED_LOOP(prefix, ops::PackedRule<Packs>, T, T, T)
#define CHAINRULE_LOOP_OF_WHICH(prefix, Packs, T) \
  CHAINRULE_PACKED_LOOP(prefix, ops::PackedValue<Packs>, T, T, T)
#define CHAINRULE_PACKED_LOOPS(prefix)                                                                     \
  CHAINRULE_PACKED_LOOPS_OF_ONE(prefix, ops::ErfPacks, float)                                              \
  CHAINRULE_PACKED_LOOPS_OF_ONE(prefix, ops::GeluPacks, float)                                             \
  CHAINRULE_PACKED_LOOPS_OF_ONE(prefix, ops::SiluPacks, float)                                             \
  CHAINRULE_PACKED_LOOPS_OF_ONE(prefix, ops::SiluPacks, double)                                            \
  CHAINRULE_PACKED_LOOPS_OF_ONE(prefix, ops::MishPacks, float)                                             \
  CHAINRULE_PACKED_LOOPS_OF_ONE(prefix, ops::MishPacks, double)                                            \
  CHAINRULE_PACKED_LOOPS_OF_ONE(prefix, ops::GeluTanhPacks, float)                                         \
  CHAINRULE_PACKED_LOOPS_OF_ONE(prefix, ops::GeluTanhPacks, double)                                        \
  CHAINRULE_PACKED_LOOP(prefix, ops::PackedValue<ops::GeluTanhCurvaturePacks>, double, double)             \
  CHAINRULE_PACKED_LOOP(prefix, ops::PackedValue<ops::BentPacks>, float, float, float, float, float)       \
  CHAINRULE_PACKED_LOOP(prefix, ops::PackedValue<ops::BentPacks>, double, double, double, double, double)  \
  CHAINRULE_PACKED_LOOP(prefix, ops::PackedValue<ops::HuberPacks>, float, float, float, float, float)      \
  CHAINRULE_PACKED_LOOP(prefix, ops::PackedValue<ops::HuberPacks>, double, double, double, double, double) \
  CHAINRULE_PACKED_LOOP(prefix, ops::HuberRule, float, float, float, float, float)                         \
  CHAINRULE_PACKED_LOOP(prefix, ops::HuberRule, double, double, double, double, double)                    \
  CHAINRULE_PACKED_LOOP(prefix, ops::PackedValue<ops::LogitPacks>, float, float, float, float)             \
  CHAINRULE_PACKED_LOOP(prefix, ops::PackedValue<ops::LogitPacks>, double, double, double, double)         \
  CHAINRULE_PACKED_LOOP(prefix, ops::LogitRule, float, float, float, float, float)                         \
  CHAINRULE_PACKED_LOOP(prefix, ops::LogitRule, double, double, double, double, double)                    \
  CHAINRULE_LOOP_OF_WHICH(prefix, ops::SpecialPacks, double)                                               \
  CHAINRULE_LOOP_OF_WHICH(prefix, ops::LogarithmPacks, float)                                              \
  CHAINRULE_LOOP_OF_WHICH(prefix, ops::LogarithmPacks, double)                                             \
  CHAINRULE_LOOP_OF_WHICH(prefix, ops::RoundingPacks, float)                                               \
  CHAINRULE_LOOP_OF_WHICH(prefix, ops::RoundingPacks, double)                                              \
  CHAINRULE_PACKED_LOOP(prefix, ops::PackedValue<ops::PairPacks>, float, float, float, float)              \
  CHAINRULE_PACKED_LOOP(prefix, ops::PackedValue<ops::PairPacks>, double, double, double, double)

namespace chainrule::kernels::detail {
CHAINRULE_PACKED_LOOPS(extern)
}  // namespace chainrule::kernels::detail
