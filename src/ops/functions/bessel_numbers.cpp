// The modified Bessel functions I₀ and I₁ and their derivatives, in numbers: by their power series, and far
// out by Hankel's expansion, each differentiated term by term.

#include <cmath>
#include <numbers>

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

/// The derivative of Iₙ: of Σ (x/2)²ᵏ⁺ⁿ / (k! (k + n)!), for x > 0.
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

/// The derivative of e⁻ˣ Iₙ(x) for large x: of Σ (-1)ᵏ aₖ / xᵏ⁺½ / √(2π), with aₖ = Π (4n² - (2j - 1)²) / (k!
/// 8ᵏ).
Long far(int n, int order, Long x) {
  Long term = 1, sum = 0;
  for (int k = 0; k < 40; ++k) {
    const Long next = term * falling(-(static_cast<Long>(k) + 0.5L), order);
    if (sum + next == sum) break;
    sum += next;
    const Long odd = static_cast<Long>(2 * k + 1);
    term *= (odd * odd - static_cast<Long>(4 * n * n)) / (8 * static_cast<Long>(k + 1) * x);
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

constexpr double limit = 20;  // there Hankel's expansion is exact to e⁻⁴⁰

/// What each term of a series is by the one before: 1 / (k (k + n)) in `near`, and in `far` ((2k - 1)² - 4n²)
/// / 8k, for k = 1, 2, ...
struct Ratios {
  static constexpr int count = 48;
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

/// The functions themselves, for x > 0, without a division for each term.
double value(int n, bool scaled, double x) {
  Long result = 0;
  if (x < limit) {
    result = sum_by(ratios.near[n], static_cast<Long>(x) * x / 4);
    if (n == 1) result *= x / 2;
    if (scaled) result *= std::exp(-x);
  } else {
    result = sum_by(ratios.far[n], 1 / static_cast<Long>(x)) / std::sqrt(2 * std::numbers::pi * x);
    if (!scaled) result = result * std::exp(x / 2) * std::exp(x / 2);
  }
  return static_cast<double>(result);
}

}  // namespace

double bessel_i(int n, int order, bool scaled, double x) {
  const double size = std::abs(x);
  const bool is_odd = (n + order) % 2 != 0;
  if (x == 0) {
    if (is_odd) return 0;  // also where the scaled one has a kink
    const auto at_0 = [n](int j) { return (j + n) % 2 == 0 ? near(n, j, 0) : Long(0); };
    return static_cast<double>(scaled ? of_product(order, -1, at_0) : at_0(order));
  }
  if (x != x) return x;
  Long result = 0;
  if (std::isinf(size)) {
    result = scaled ? 0 : size;
  } else if (order == 0) {
    result = value(n, scaled, size);
  } else if (size < limit) {
    result = scaled ? std::exp(-static_cast<Long>(size)) *
                          of_product(order, -1, [&](int j) { return near(n, j, size); })
                    : near(n, order, size);
  } else if (scaled) {
    result = far(n, order, size);
  } else {
    result = std::exp(static_cast<Long>(size)) * of_product(order, 1, [&](int j) { return far(n, j, size); });
  }
  return static_cast<double>(x < 0 && is_odd ? -result : result);
}

}  // namespace chainrule::special
