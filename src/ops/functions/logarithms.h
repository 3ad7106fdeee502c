// Logarithms of float32 and of float64, on packs of numbers, in one loop, which is told which of them is
// asked for by an operand that is the same in all lanes. Errors are in units in the last place of the
// correctly rounded result; the tests hold them.

#pragma once

#include "ops/functions/wide_packs.h"

namespace chainrule::special {

/// The functions of the loop.
enum class Logarithm : std::uint8_t { of_base_2, of_base_10, of_odds, odds_slope };

/// Those to other bases than e, within 3 units: x = 2ᵉ m with m in [√½, √2), as in log, and e times the
/// logarithm of 2 in two parts. From 1 on, the error of log m counts so little that those of powers of the
/// base are exact.
template <class P>
P log_to_base(const P& x, Logarithm which) {
  using T = typename P::Element;
  using Bits = typename P::Mask;
  using Limits = std::numeric_limits<T>;
  constexpr bool single = sizeof(T) == 4;
  constexpr int mantissa = simd::detail::mantissa_bits<T>;
  const bool of_2 = which == Logarithm::of_base_2;
  const P factor(of_2 ? std::numbers::log2e : std::numbers::log10e),
      high(of_2     ? 1
           : single ? 0.30102920532
                    : 0.30102999566361177),
      low(of_2     ? 0
          : single ? 7.9034151668e-7
                   : 3.6942390771589308e-13);
  const auto subnormal = x < Limits::min();
  const Bits bits = where(subnormal, x * (single ? 0x1p25 : 0x1p54), x).bits();
  const Bits power = (bits - P(std::numbers::sqrt2 / 2).bits()).template right<mantissa>();
  const P e = power.as_numbers() - where(subnormal, P(single ? 25 : 54), P(0));
  const P log_of_m = log(P::from_bits(bits - power.template left<mantissa>()));
  const P result = e * high + (e * low + log_of_m * factor), infinity(Limits::infinity());
  const auto regular = (x > 0) & (x < infinity);
  if (!any(!regular)) [[likely]]
    return result;
  return where(regular, result, where(x == 0, -infinity, where(x > 0, x, P(Limits::quiet_NaN()))));
}

/// log(x / (1 - x)), within 4 units: around ½ as log1p has it, for what is exact there.
template <class P>
P log_of_odds(const P& x) {
  const auto middle = abs(x - 0.5) < 0.25;
  const P share = where(middle, 2 * x - 1, x) / (1 - x), odds = where(middle, 1 + share, share);
  return log(odds) + where(middle, (share - (odds - 1)) / odds, P(0));
}

template <class P>
P logarithm(const P& x, const P& operand) {
  const auto which = which_of<Logarithm>(operand);
  if (which == Logarithm::odds_slope) return 1 / (x * (1 - x));
  return which == Logarithm::of_odds ? log_of_odds(x) : log_to_base(x, which);
}

}  // namespace chainrule::special

namespace chainrule::ops {

struct LogarithmPacks {
  static constexpr bool has_float32 = true;
  static bool are_there() { return true; }
  static auto value(auto x, auto which) { return special::logarithm(x, which); }
};

}  // namespace chainrule::ops
