// Bessel functions of order 0 and 1 and their derivatives, in numbers. The modified ones Iₙ by their power
// series, and far out by Hankel's expansion, each differentiated term by term; those of packs interpolate
// what this gives. Kₙ likewise, and between by a continued fraction. Jₙ and Yₙ are the C library's.

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numbers>

#include "ops/functions/bessel_packs.h"
#include "ops/functions/special_numbers.h"

namespace chainrule::special {
namespace {

using Long = long double;

/// n (n - 1) ... of so many factors.
Long falling(Long n, int factors) {
  Long product = 1;
  for (int i = 0; i < factors; ++i) product *= n - static_cast<Long>(i);
  return product;
}

/// The derivative of Iₙ: of Σ (x/2)²ᵏ⁺ⁿ / (k! (k + n)!), for x >= 0.
Long near(int n, int order, Long x) {
  int k = order > n ? (order - n + 1) / 2 : 0;
  Long term = std::pow(x, static_cast<Long>(2 * k + n - order)) / std::exp2(static_cast<Long>(2 * k + n));
  for (int i = 2; i <= k; ++i) term /= i;
  for (int i = 2; i <= k + n; ++i) term /= i;
  Long sum = 0;
  for (;; ++k) {
    const Long next = term * falling(2 * k + n, order);
    if (sum + next == sum) return sum;
    sum += next;
    term *= x * x / (4 * static_cast<Long>(k + 1) * static_cast<Long>(k + 1 + n));
  }
}

/// The derivative of e⁻ˣ Iₙ(x), for a sign of -1, or of eˣ Kₙ(x) / π, for large x: of Σ signᵏ aₖ / xᵏ⁺½ /
/// √(2π), with aₖ = Π (4n² - (2j - 1)²) / (k! 8ᵏ).
Long far(int n, int order, Long x, int sign = -1) {
  Long term = 1, sum = 0;
  for (int k = 0; k < 40; ++k) {
    const Long next = term * falling(-(static_cast<Long>(k) + 0.5L), order);
    if (sum + next == sum) break;
    sum += next;
    const Long odd = static_cast<Long>(2 * k + 1);
    term *= sign * (static_cast<Long>(4 * n * n) - odd * odd) / (8 * static_cast<Long>(k + 1) * x);
  }
  return sum / (std::pow(x, static_cast<Long>(order)) * std::sqrt(2 * std::numbers::pi_v<Long> * x));
}

/// Σ (order over j) sign^(order - j) of(j): the derivative of a product with e^(sign x), without that.
template <class F>
Long of_product(int order, int sign, const F& of) {
  Long choices = 1, sum = 0;
  for (int j = order; j >= 0;
       choices = choices * static_cast<Long>(j) / static_cast<Long>(order - j + 1), --j)
    sum += ((order - j) % 2 == 0 ? 1 : static_cast<Long>(sign)) * choices * of(j);
  return sum;
}

constexpr double limit = 30;  // there Hankel's expansion is exact to e⁻⁶⁰

/// What each term of a series is by the one before: 1 / (k (k + n)) in `near`, and in `far` ((2k - 1)² - 4n²)
/// / 8k, for k = 1, 2, ...
struct Ratios {
  static constexpr int count = 60;
  Long near[2][count], far[2][count];
};
constexpr Ratios ratios = [] {
  Ratios all{};
  for (int n = 0; n < 2; ++n)
    for (int i = 0; i < Ratios::count; ++i) {
      const int k = i + 1, odd = 2 * k - 1;
      all.near[n][i] = 1.0L / (k * (k + n));
      all.far[n][i] = (odd * odd - 4 * n * n) / (8.0L * k);
    }
  return all;
}();

/// 1 and what follows from it by these ratios times q.
Long sum_by(const Long* by, Long q) {
  Long term = 1, sum = 1;
  for (int k = 0; k < Ratios::count; ++k) {
    const Long before = sum;
    sum += term *= q * by[k];
    if (sum == before) break;
  }
  return sum;
}

/// Of the functions themselves, without a division for each term: e⁻ˣ Iₙ(x), by x where n is 1, for x >= 0.
Long share(int n, Long x) {
  if (x < limit) return sum_by(ratios.near[n], x * x / 4) * std::exp(-x) / (n + 1);
  return sum_by(ratios.far[n], 1 / x) / std::sqrt(2 * std::numbers::pi_v<Long> * x) / (n == 0 ? 1 : x);
}

/// e⁻ˣ times the derivative of Iₙ, or, scaled, the derivative of e⁻ˣ Iₙ(x), for x >= 0.
Long without_growth(int n, int order, bool scaled, Long x) {
  if (x >= limit)
    return scaled ? far(n, order, x) : of_product(order, 1, [&](int j) { return far(n, j, x); });
  return std::exp(-x) *
         (scaled ? of_product(order, -1, [&](int j) { return near(n, j, x); }) : near(n, order, x));
}

}  // namespace

double bessel_i(int n, int order, bool scaled, double x) {
  if (x != x) return x;
  const double size = std::abs(x);
  const bool is_odd = (n + order) % 2 != 0;
  if (x == 0 && is_odd) return x;  // also where the scaled one has a kink
  if (std::isinf(x)) return scaled ? 0 : is_odd ? x : size;
  Long result = order > 0 ? without_growth(n, order, scaled, size) : share(n, size) * (n == 0 ? 1 : size);
  if (!scaled)
    result = result * std::exp(static_cast<Long>(size) / 2) * std::exp(static_cast<Long>(size) / 2);
  return static_cast<double>(x < 0 && is_odd ? -result : result);
}

namespace {

/// eˣ K₀(x) and eˣ K₁(x) for x > 0.
std::array<Long, 2> scaled_k(Long x) {
  if (x < 2) {  // K₀ = -(log(x/2) + γ) I₀ + Σ Hₖ (x/2)²ᵏ / k!², and I₀ K₁ + I₁ K₀ = 1/x
    Long term = 1, harmonic = 0, sum = 0, zero = 1, one = 1;
    for (Long k = 1; k < 40; k += 1) {
      term *= x * x / (4 * k * k);
      harmonic += 1 / k;
      sum += term * harmonic;
      zero += term;
      one += term / (k + 1);
    }
    const Long k0 = sum - (std::log(x / 2) + std::numbers::egamma_v<Long>)*zero,
               k1 = (1 / x - x / 2 * one * k0) / zero;
    return {std::exp(x) * k0, std::exp(x) * k1};
  }
  // Temme's sum along a continued fraction, by Steed's method (Numerical Recipes in C, 2nd edition, 6.7)
  Long b = 2 * (1 + x), d = 1 / b, step = d, h = d, q1 = 0, q2 = 1, a = -0.25L, c = 0.25L, q = c,
       sum = 1 + q * step;
  for (Long i = 2; i < 1000; i += 1) {
    a -= 2 * (i - 1);
    c *= -a / i;
    const Long next = (q1 - b * q2) / a;
    q1 = q2;
    q2 = next;
    q += c * next;
    b += 2;
    d = 1 / (b + a * d);
    step *= b * d - 1;
    h += step;
    const Long before = sum;
    sum += q * step;
    if (sum == before) break;
  }
  const Long k0 = std::sqrt(std::numbers::pi_v<Long> / (2 * x)) / sum;
  return {k0, k0 * (x + 0.5L - h / 4) / x};
}

/// 2⁻ᵏ Σ (k over j) signʲ f(n - k + 2j): the derivative of order k of a Bessel function of order n.
template <class F>
Long by_neighbours(int n, int order, int sign, const F& f) {
  Long choices = 1, sum = 0;
  for (int j = 0; j <= order; ++j) {
    sum += (j % 2 == 0 ? 1 : static_cast<Long>(sign)) * choices * f(n - order + 2 * j);
    choices = choices * static_cast<Long>(order - j) / static_cast<Long>(j + 1);
  }
  return sum / std::exp2(static_cast<Long>(order));
}

/// eˣ times the derivative of Kₙ, for x < limit.
Long near_k(int n, int order, Long x) {
  const auto first = scaled_k(x);
  const auto k = [&](int m) {  // Kₘ₊₁ = Kₘ₋₁ + 2m/x Kₘ
    Long before = first[0], at = first[1];
    for (int i = 1; i < std::abs(m); ++i) {
      const Long next = before + static_cast<Long>(2 * i) / x * at;
      before = at;
      at = next;
    }
    return m == 0 ? before : at;
  };
  return (order % 2 == 0 ? 1 : -1) * by_neighbours(n, order, 1, k);
}

}  // namespace

double bessel_k(int n, int order, bool scaled, double x) {
  const double infinity = std::numeric_limits<double>::infinity();
  if (!(x >= 0)) return std::numeric_limits<double>::quiet_NaN();
  if (x == 0) return order % 2 == 0 ? infinity : -infinity;
  if (x == infinity) return 0;
  Long result = 0;
  if (x >= limit) {
    const auto of = [&](int j) { return far(n, j, x, 1); };
    result = std::numbers::pi_v<Long> * (scaled ? of(order) : of_product(order, -1, of));
  } else {
    const auto of = [&](int j) { return near_k(n, j, x); };
    result = scaled ? of_product(order, 1, of) : of(order);
  }
  return static_cast<double>(scaled ? result : result * std::exp(-static_cast<Long>(x)));
}

double bessel_jy(bool second_kind, int n, int order, double x) {
  const double infinity = std::numeric_limits<double>::infinity();
  if (x != x) return x;
  if (second_kind && x < 0) return std::numeric_limits<double>::quiet_NaN();
  if (second_kind && x == 0) return order % 2 == 0 ? -infinity : infinity;
  if (std::isinf(x)) return 0;
  return static_cast<double>(by_neighbours(n, order, -1, [&](int m) -> Long {
    const int size = std::abs(m);
#if defined(__GLIBC__)
    const Long value = second_kind ? ::ynl(size, x) : ::jnl(size, x);
#elif defined(_WIN32)
    const Long value = second_kind ? ::_yn(size, x) : ::_jn(size, x);
#else
    const Long value = second_kind ? ::yn(size, x) : ::jn(size, x);
#endif
    return m < 0 && size % 2 == 1 ? -value : value;
  }));
}

namespace {

/// What the pieces of BesselPieces approximate.
Long in_pieces(const BesselFunction& f, Long w) {
  const Long v = 1 - w / 31, x = 4 / v - 4;
  const auto slope = [&] {
    if (x >= limit) return without_growth(f.n, 1, f.scaled, x);
    const Long one = share(1, x), zero = share(0, x);  // I₀′ = I₁, and I₁′ = I₀ - I₁/x
    return (f.n == 0 ? x * one : zero - one) - (!f.scaled ? 0 : f.n == 0 ? zero : x * one);
  };
  return (f.order == 0 ? share(f.n, x) : slope()) / std::sqrt(v) / (f.falls() ? v : 1);
}

/// The polynomials through as many points as they have terms, in which those of Chebyshev's are 0.
template <int Degree, class T>
void interpolate(const BesselFunction& f, Pieces<Degree, T>& pieces) {
  constexpr int points = Degree + 1;
  pieces.step = 1;
  for (int piece = 0; piece < pieces.count; ++piece) {
    const Long begin = std::max(-0.5L, -static_cast<Long>(piece)), end = piece == pieces.count - 1 ? 0 : 0.5L;
    Long at[points], difference[points], terms[points] = {};
    for (int i = 0; i < points; ++i) {
      at[i] = (begin + end) / 2 +
              (end - begin) / 2 * std::cos(std::numbers::pi_v<Long> * (2 * i + 1) / (2 * points));
      difference[i] = in_pieces(f, static_cast<Long>(piece) + at[i]);
    }
    // Newton's divided differences, and what they make of powers
    for (int k = 1; k < points; ++k)
      for (int i = points - 1; i >= k; --i)
        difference[i] = (difference[i] - difference[i - 1]) / (at[i] - at[i - k]);
    for (int i = points - 1; i >= 0; --i) {
      for (int k = points - 1; k > 0; --k) terms[k] = terms[k - 1] - at[i] * terms[k];
      terms[0] = difference[i] - at[i] * terms[0];
    }
    for (int k = 0; k < points; ++k) pieces.terms[k][piece] = static_cast<T>(terms[k]);
  }
}

}  // namespace

BesselPieces::BesselPieces(const BesselFunction& f) {
  interpolate(f, of_double);
  interpolate(f, of_float);
}

}  // namespace chainrule::special
