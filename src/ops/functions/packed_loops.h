// The functions that are computed on packs of numbers, and the loops over them. Their code is made once, in
// packed_loops.cpp, so that all else of the operations can be compiled to be small.

#pragma once

#include <numbers>

#include "ops/functions/bessel_packs.h"
#include "ops/functions/by_number.h"
#include "ops/functions/gamma_packs.h"
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
  prefix template struct chainrule::kernels::detail::LoopOf<F, T, T, __VA_ARGS__>;
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
  CHAINRULE_PACKED_LOOP(prefix, ops::PackedValue<ops::HuberPacks>, float, float, float, float, float)      \
  CHAINRULE_PACKED_LOOP(prefix, ops::PackedValue<ops::HuberPacks>, double, double, double, double, double) \
  CHAINRULE_PACKED_LOOP(prefix, ops::HuberRule, float, float, float, float, float)                         \
  CHAINRULE_PACKED_LOOP(prefix, ops::HuberRule, double, double, double, double, double)                    \
  CHAINRULE_PACKED_LOOP(prefix, ops::PackedValue<ops::LogitPacks>, float, float, float, float)             \
  CHAINRULE_PACKED_LOOP(prefix, ops::PackedValue<ops::LogitPacks>, double, double, double, double)         \
  CHAINRULE_PACKED_LOOP(prefix, ops::LogitRule, float, float, float, float, float)                         \
  CHAINRULE_PACKED_LOOP(prefix, ops::LogitRule, double, double, double, double, double)                    \
  CHAINRULE_LOOP_OF_WHICH(prefix, ops::SpecialPacks, double)                                               \
  CHAINRULE_LOOP_OF_WHICH(prefix, ops::BesselPacks, float)                                                 \
  CHAINRULE_LOOP_OF_WHICH(prefix, ops::BesselPacks, double)                                                \
  CHAINRULE_LOOP_OF_WHICH(prefix, ops::LogarithmPacks, float)                                              \
  CHAINRULE_LOOP_OF_WHICH(prefix, ops::LogarithmPacks, double)                                             \
  CHAINRULE_LOOP_OF_WHICH(prefix, ops::RoundingPacks, float)                                               \
  CHAINRULE_LOOP_OF_WHICH(prefix, ops::RoundingPacks, double)                                              \
  CHAINRULE_PACKED_LOOP(prefix, ops::PackedValue<ops::GammaPacks>, double, double, double, double)         \
  CHAINRULE_PACKED_LOOP(prefix, ops::PackedValue<ops::PairPacks>, float, float, float, float)              \
  CHAINRULE_PACKED_LOOP(prefix, ops::PackedValue<ops::PairPacks>, double, double, double, double)

namespace chainrule::kernels::detail {
CHAINRULE_PACKED_LOOPS(extern)
}  // namespace chainrule::kernels::detail
