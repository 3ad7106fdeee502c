// What softmax and its kin compute of a line: the largest element, powers beside it, totals and shares.
// Relies on kernels/lines.h for how lines lie.

#pragma once

#include <limits>

#include "kernels/lines.h"

namespace chainrule::kernels {

/// The largest of what term(pack) gives for the packs of a line, of that which is a number.
template <class Line, class Term>
typename Line::Pack largest_of_line(const Line& line, const Term& term) {
  using P = typename Line::Pack;
  constexpr auto infinity = std::numeric_limits<typename P::Element>::infinity();
  P most[4] = {-infinity, -infinity, -infinity, -infinity};
  line.for_each([&](auto pack, int k) { most[k] = larger(most[k], term(pack)); });
  const auto greater = [](const P& a, const P& b) { return larger(a, b); };
  return line.combined(larger(larger(most[0], most[1]), larger(most[2], most[3])), greater);
}

/// What is subtracted before exp: the maximum, but 0 where that is -inf. Where it is +inf, those that equal
/// it are at 0 and all others at -inf, which is the limit, and not NaN. (Where an element is NaN, any maximum
/// may be found: the total will be NaN.)
template <class P>
class Shift {
 public:
  static constexpr auto infinity = std::numeric_limits<typename P::Element>::infinity();
  explicit Shift(const P& largest)
      : number_(where(largest == P(-infinity), P(0), largest)), is_infinite_(any(largest == P(infinity))) {}
  const P& number() const { return number_; }
  P of(const P& x) const {
    if (is_infinite_) [[unlikely]]
      return where(x == number_, P(0), x - number_);
    return x - number_;
  }

 private:
  P number_;
  bool is_infinite_;  // in any lane
};

template <class Line>
Shift<typename Line::Pack> shift_of(const Line& line, const typename Line::Pack::Element* x) {
  using P = typename Line::Pack;
  const P nothing(-Shift<P>::infinity);
  return Shift<P>(largest_of_line(line, [&](auto pack) { return pack.load(x, nothing); }));
}

/// Σ exp(x - shift).
template <class Line>
typename Line::Pack total_of(const Line& line, const typename Line::Pack::Element* x,
                             const Shift<typename Line::Pack>& shift) {
  using P = typename Line::Pack;
  const P nothing(-std::numeric_limits<typename P::Element>::infinity());
  return sum_of_line(line, [&](auto pack) { return exp(shift.of(pack.load(x, nothing))); });
}

/// The same, and writes each power to `to`.
template <class Line>
typename Line::Pack powers_of(const Line& line, const typename Line::Pack::Element* x,
                              const Shift<typename Line::Pack>& shift, typename Line::Pack::Element* to) {
  using P = typename Line::Pack;
  const P nothing(-std::numeric_limits<typename P::Element>::infinity());
  return sum_of_line(line, [&](auto pack) {
    const P power = exp(shift.of(pack.load(x, nothing)));
    pack.store(to, power);
    return power;
  });
}

/// What to multiply powers with so that they add up to `mass`; 0 where all of them are.
template <class P>
P share_of(const P& mass, const P& total) {
  return where(total == P(0), P(0), mass / total);
}

/// log of a total of powers; of no power it is that of 1, as the result is then infinite anyhow, and not NaN.
template <class P>
P log_of_total(const P& total) {
  return where(total == P(0), P(0), log(total));
}

/// to = g - y · Σ g, for the probabilities and gradients that y(pack) and g(pack) give. A probability near 1
/// has lost the digits of the others, so what is left of its g is made of these: Σ others y · Σ g - Σ others
/// g. Where Σ g is 0, y, which may be NaN, is not asked.
template <class Line, class Y, class G>
void balance(const Line& line, const Y& y, const G& g, typename Line::Pack::Element* to) {
  using P = typename Line::Pack;
  const P zero(0), half(0.5),
      total = sum_of_line(line, g),
      others_y = sum_of_line(line,
                             [&](auto pack) {
                               const P share = y(pack);
                               return where(share > half, zero, share);
                             }),
      others_g = sum_of_line(line, [&](auto pack) { return where(y(pack) > half, zero, g(pack)); }),
      left = others_y * total - others_g;
  const auto unasked = total == zero;
  line.template for_each<1>([&](auto pack, int) {
    const P share = y(pack);
    pack.store(to, where(share > half, left, g(pack) - where(unasked, zero, share * total)));
  });
}

}  // namespace chainrule::kernels
