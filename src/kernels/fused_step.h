// One pass over a parameter, its gradient and what an optimiser keeps of it, for any rule of one element.
// Relies on simd.h for the packs and on parallel.h for threads; the rules are in adaptive.cpp and sgd.cpp.

#pragma once

#include <cstdint>
#include <utility>

#include "chainrule/simd.h"
#include "kernels/parallel.h"

namespace chainrule::kernels {

/// A rule is called with packs: rule(value, gradient, states&...) returns the new value and changes states.
/// The last elements are a pack, too, so that an element's bits do not depend on where it stands.
template <class Rule, class T>
struct FusedLoop {
  template <int Bytes, class... States>
  static void run(Rule rule, std::int64_t n, T* value, const T* gradient, States*... states) {
    using P = simd::Pack<T, Bytes / static_cast<int>(sizeof(T))>;
    std::int64_t i = 0;
    for (; i + P::lanes <= n; i += P::lanes) {
      [&](auto... packs) {
        rule(P::load(value + i), P::load(gradient + i), packs...).store(value + i);
        (packs.store(states + i), ...);
      }(P::load(states + i)...);
    }
    if (const std::int64_t rest = n - i; rest > 0) {
      [&](auto... packs) {
        rule(P::load_part(value + i, rest), P::load_part(gradient + i, rest), packs...)
            .store_part(value + i, rest);
        (packs.store_part(states + i, rest), ...);
      }(P::load_part(states + i, rest)...);
    }
  }
};

/// The arrays must not overlap; `gradient` is only read.
template <class Rule, class T, class... States>
void fused_step(const Rule& rule, std::int64_t n, T* value, const T* gradient, States*... states) {
  parallel_for(n, parallel_grain, [&](std::int64_t begin, std::int64_t end) {
    simd::vectorized<FusedLoop<Rule, T>>(rule, end - begin, value + begin, gradient + begin,
                                         (states + begin)...);
  });
}

}  // namespace chainrule::kernels
