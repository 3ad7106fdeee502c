// Functions on a bounded interval in pieces: 32 polynomials, of which each lane looks up its own. Where the
// processor can do that (Pack::has_look_up), it costs half of what an exponential and a quotient do;
// elsewhere lanes read one after another.

#pragma once

#include "chainrule/simd.h"

namespace chainrule::special {

/// Polynomials of a degree, each about a multiple of `step` and for half a step to both sides.
template <int Degree, class T = float>
struct Pieces {
  static constexpr int count = 32;
  T step;
  T terms[Degree + 1][count];

  /// Up to here, from 0 on; a little further, 0 would be the nearest.
  constexpr T end() const { return (static_cast<T>(count) - T(0.51)) * step; }
  /// At u in this interval, or NaN.
  template <class P>
  P operator()(const P& u) const {
    constexpr T shifter = simd::detail::shifter<T>;
    const P shifted = u * (1 / step) + shifter;
    return at(u - (shifted - shifter) * step, shifted.bits());
  }
  /// The piece of an index, of which the last five bits count, at this distance from its middle.
  template <class P>
  P at(const P& distance, const typename P::Mask& index) const {
    if constexpr (P::has_look_up) {
      P sum = P::look_up(terms[Degree], index);
      [&]<std::size_t... I>(std::index_sequence<I...>) {
        ((sum = sum * distance + P::look_up(terms[Degree - 1 - I], index)), ...);
      }
      (std::make_index_sequence<Degree>());
      return sum;
    } else {
      P sum(0);
      for (int k = Degree; k >= 0; --k) {
        T found[P::lanes];
        for (int i = 0; i < P::lanes; ++i) found[i] = terms[k][index.v[i] & (count - 1)];
        sum = sum * distance + P::load(found);
      }
      return sum;
    }
  }
};

/// The solution of y″ = -m x y′ from y and y′ at 0 on, which is the integral of a Gaussian: Taylor's series
/// at each multiple of the step, which the one before it leads to, brought down to the degree by Chebyshev's
/// polynomials. `of(n, x, c)` gives term n of the function that is wanted from those of y at x.
template <int Degree, class Of>
consteval Pieces<Degree> pieces_of_gaussian_integral(double m, double y, double slope, float step, Of of) {
  constexpr int known = 26, last = known - 2;
  Pieces<Degree> pieces{.step = step, .terms = {}};
  const double half = step / 2.0;
  for (int piece = 0; piece < Pieces<Degree>::count; ++piece) {
    const double x = piece * static_cast<double>(step);
    double c[known] = {y, slope};
    for (int n = 0; n + 2 < known; ++n)
      c[n + 2] = -m * (x * (n + 1) * c[n + 1] + n * c[n]) / ((n + 2) * (n + 1));
    y = slope = 0;
    for (int n = known - 1; n >= 0; --n) {
      slope = slope * step + y;
      y = y * step + c[n];
    }
    double a[known] = {}, power = 1;
    for (int n = 0; n <= last; ++n, power *= half) a[n] = of(n, x, c) * power;
    for (int n = last; n > Degree; --n) {  // takes a[n] 2¹⁻ⁿ Tₙ away
      double term = a[n];
      for (int k = n; k >= 2; k -= 2) {
        term *= -static_cast<double>(k * (k - 1)) / ((n - k + 2) * (n + k - 2));
        a[k - 2] -= term;
      }
    }
    power = 1;
    for (int n = 0; n <= Degree; ++n, power *= half)
      pieces.terms[n][piece] = static_cast<float>(a[n] / power);
  }
  return pieces;
}

}  // namespace chainrule::special
