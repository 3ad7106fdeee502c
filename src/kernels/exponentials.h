#pragma once

#include <limits>

#include "kernels/lines.h"

/// What softmax and its kin compute of a line. See kernels/lines.h.
namespace chainrule::kernels {

/// What to subtract before exp: the maximum, but 0 where that is infinite, as inf - inf is NaN. (Where an
/// element is NaN, any number may come out: the total will be NaN.)
template <class Line>
typename Line::Pack shift_of(const Line& line, const typename Line::Pack::Element* x) {
  using P = typename Line::Pack;
  constexpr auto infinity = std::numeric_limits<typename P::Element>::infinity();
  P most[4] = {-infinity, -infinity, -infinity, -infinity};
  line.for_each([&](auto pack, int k) { most[k] = larger(most[k], pack.load(x, P(-infinity))); });
  const auto greater = [](const P& a, const P& b) { return larger(a, b); };
  const P largest = line.combined(larger(larger(most[0], most[1]), larger(most[2], most[3])), greater);
  return where(abs(largest) == P(infinity), P(0), largest);
}

/// Σ exp(x - shift).
template <class Line>
typename Line::Pack total_of(const Line& line, const typename Line::Pack::Element* x,
                             const typename Line::Pack& shift) {
  using P = typename Line::Pack;
  const P nothing(-std::numeric_limits<typename P::Element>::infinity());
  return sum_of_line(line, [&](auto pack) { return exp(pack.load(x, nothing) - shift); });
}

/// The same, and writes each power to `to`.
template <class Line>
typename Line::Pack powers_of(const Line& line, const typename Line::Pack::Element* x,
                              const typename Line::Pack& shift, typename Line::Pack::Element* to) {
  using P = typename Line::Pack;
  const P nothing(-std::numeric_limits<typename P::Element>::infinity());
  return sum_of_line(line, [&](auto pack) {
    const P power = exp(pack.load(x, nothing) - shift);
    pack.store(to, power);
    return power;
  });
}

/// What to multiply powers with so that they add up to `mass`; 0 where all of them are.
template <class P>
P share_of(const P& mass, const P& total) {
  return where(total == P(0), P(0), mass / total);
}

}  // namespace chainrule::kernels
