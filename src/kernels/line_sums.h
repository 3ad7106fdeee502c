// Sums over a line of elements, and filling one, from terms that are written once for packs and for single
// elements.

#pragma once

#include <algorithm>
#include <cstdint>
#include <utility>

#include "chainrule/simd.h"

namespace chainrule::kernels {

/// A place in a line: a pack of elements, or one.
template <class P>
struct PackAt {
  std::int64_t i;
  P operator()(const typename P::Element* x) const { return P::load(x + i); }
  void store(typename P::Element* to, const P& pack) const { pack.store(to + i); }
};
template <class P>
struct OneAt {
  std::int64_t i;
  typename P::Element operator()(const typename P::Element* x) const { return x[i]; }
  void store(typename P::Element* to, typename P::Element number) const { to[i] = number; }
};

/// The sum of the lanes, in double; in pairs, as each sum that waits for another one takes as long as a pack.
template <class P>
double sum_of_lanes(const P& pack) {
  constexpr int half = P::lanes / 2;
  typename P::Element lanes[std::size_t{P::lanes}];
  pack.store(lanes);
  double pairs[half];
  for (int i = 0; i < half; ++i)
    pairs[i] = static_cast<double>(lanes[i]) + static_cast<double>(lanes[i + half]);
#pragma GCC unroll 8
  for (int count = half / 2; count > 0; count /= 2)
#pragma GCC unroll 8
    for (int i = 0; i < count; ++i) pairs[i] += pairs[i + count];
  return pairs[0];
}

/// Σ term(place) over a line, with running sums for each lane, and a double for what these make of every
/// stretch.
template <class P, class Term>
double sum_of(std::int64_t n, const Term& term) {
  using T = typename P::Element;
  double total = 0;
  std::int64_t i = 0;
  while (i + P::lanes <= n) {
    const std::int64_t end = std::min(n - 4 * P::lanes, i + 64 * P::lanes);
    P sums[4] = {T(0), T(0), T(0), T(0)};
    for (; i <= end; i += 4 * P::lanes) {
      sums[0] += term(PackAt<P>{i});
      sums[1] += term(PackAt<P>{i + P::lanes});
      sums[2] += term(PackAt<P>{i + 2 * P::lanes});
      sums[3] += term(PackAt<P>{i + 3 * P::lanes});
    }
    if (i + 4 * P::lanes > n)
      for (; i + P::lanes <= n; i += P::lanes) sums[0] += term(PackAt<P>{i});
    total += sum_of_lanes((sums[0] + sums[1]) + (sums[2] + sums[3]));
  }
  for (; i < n; ++i) total += static_cast<double>(term(OneAt<P>{i}));
  return total;
}

/// The same for two terms at once, as what they share is computed once: terms(place, add) calls add(first,
/// second). (g++ 12 passes a pair of packs through memory, in pieces that the processor has to wait for.)
template <class P, class Terms>
std::pair<double, double> sums_of(std::int64_t n, const Terms& terms) {
  using T = typename P::Element;
  double first = 0, second = 0;
  std::int64_t i = 0;
  while (i + P::lanes <= n) {
    const std::int64_t end = std::min(n - 2 * P::lanes, i + 64 * P::lanes);
    P first_even(T(0)), first_odd(T(0)), second_even(T(0)), second_odd(T(0));
    for (; i <= end; i += 2 * P::lanes) {
      terms(PackAt<P>{i}, [&](const P& a, const P& b) { first_even += a, second_even += b; });
      terms(PackAt<P>{i + P::lanes}, [&](const P& a, const P& b) { first_odd += a, second_odd += b; });
    }
    if (i + P::lanes <= n && i + 2 * P::lanes > n) {
      terms(PackAt<P>{i}, [&](const P& a, const P& b) { first_even += a, second_even += b; });
      i += P::lanes;
    }
    first += sum_of_lanes(first_even + first_odd);
    second += sum_of_lanes(second_even + second_odd);
  }
  for (; i < n; ++i)
    terms(OneAt<P>{i}, [&](T a, T b) { first += static_cast<double>(a), second += static_cast<double>(b); });
  return {first, second};
}

/// to[place] = value(place) along a line.
template <class P, class Value>
void fill(std::int64_t n, typename P::Element* to, const Value& value) {
  std::int64_t i = 0;
  for (; i + P::lanes <= n; i += P::lanes) value(PackAt<P>{i}).store(to + i);
  for (; i < n; ++i) to[i] = value(OneAt<P>{i});
}

}  // namespace chainrule::kernels
