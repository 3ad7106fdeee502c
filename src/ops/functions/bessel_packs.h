// The modified Bessel functions I₀ and I₁ and their slopes, on packs of float32 and of float64, in one loop,
// which is told which of them is asked for by an operand that is the same in all lanes.

#pragma once

#include "ops/functions/packs.h"

namespace chainrule::special {

/// Iₙ, or, scaled, exp(-|x|) Iₙ, or the slope of that, for an order of 1.
struct BesselFunction {
  int n, order;
  bool scaled;

  /// As a whole number.
  constexpr int code() const { return n + 2 * order + (scaled ? 4 : 0); }
  static constexpr BesselFunction of(int code) { return {code & 1, code >> 1 & 1, code > 3}; }

  constexpr bool is_odd() const { return n != order; }
  /// Does it fall by a factor of x faster than e⁻ˣ I₀?
  constexpr bool falls() const { return order == 0 ? n == 1 : scaled; }
  /// What the pieces are those of: one is a multiple of the other for functions that are scaled or not.
  constexpr int pieces() const { return order == 0 ? n : scaled ? 3 + n : 2; }
  static constexpr BesselFunction of_pieces(int pieces) {
    return pieces < 2    ? BesselFunction{pieces, 0, true}
           : pieces == 2 ? BesselFunction{1, 1, false}
                         : BesselFunction{pieces - 3, 1, true};
  }
};

/// e⁻ˣ f(x) / √v, or by v once more where f falls, for v = 4 / (x + 4): it changes slowly with 1 - v, which
/// brings all x >= 0 to an interval, and so is 32 polynomials of w = 31 (1 - v). They come to 10 kB, and so
/// are made when they are first needed, by interpolation of what special_numbers.h has. That of I₁ is by x as
/// well.
struct BesselPieces {
  explicit BesselPieces(const BesselFunction& f);
  Pieces<9, double> of_double;
  Pieces<5, float> of_float;
};
inline const BesselPieces& bessel_pieces(int which) {
  static const BesselPieces all[] = {
      BesselPieces(BesselFunction::of_pieces(0)), BesselPieces(BesselFunction::of_pieces(1)),
      BesselPieces(BesselFunction::of_pieces(2)), BesselPieces(BesselFunction::of_pieces(3)),
      BesselPieces(BesselFunction::of_pieces(4))};
  return all[which];
}

/// Within 4 units, next to the root of a slope those of what it is the difference of.
template <class P>
P bessel(const P& x, const P& operand) {
  using T = typename P::Element;
  using Limits = std::numeric_limits<T>;
  constexpr bool single = sizeof(T) == 4;
  const auto f = BesselFunction::of(static_cast<int>(operand.v[0]));
  const BesselPieces& all = bessel_pieces(f.pieces());
  const P size = abs(x), v = 4 / (size + 4), product = smaller(P(Limits::max()), size) * v,  // 4 (1 - v)
      w = product * (31.0 / 4), shifted = w + simd::detail::shifter<T>,
          distance = w - (shifted - simd::detail::shifter<T>);
  P result;
  if constexpr (single)
    result = all.of_float.at(distance, shifted.bits());
  else
    result = all.of_double.at(distance, shifted.bits());
  P root = sqrt(v);
  if (f.falls()) root = (f.order == 0 ? product : v) * root;
  result = root * result;
  if (!f.scaled) {
    const P most(single ? 100 : 720);  // beyond, it is infinite
    result = where(size > most, P(Limits::infinity()), exp_of_sum(smaller(most, size), P(0), result));
  }
  return f.is_odd() ? where(x == 0, x, where(x < 0, -result, result)) : result;
}

}  // namespace chainrule::special

namespace chainrule::ops {

struct BesselPacks {
  static constexpr bool has_float32 = true;
  static bool are_there() { return true; }
  static auto value(auto x, auto which) { return special::bessel(x, which); }
};

}  // namespace chainrule::ops
