// The incomplete gamma functions and the logarithm of the beta function, in numbers. Logarithms of large
// factors lose digits, and so are taken in long double, where that has more.

#include <array>
#include <cmath>
#include <iterator>
#include <limits>
#include <numbers>

#include "ops/functions/special_numbers.h"
#include "ops/functions/special_tables.h"

namespace chainrule::special {
namespace {

using Long = long double;
constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double nan = std::numeric_limits<double>::quiet_NaN();
constexpr Long epsilon = std::numeric_limits<Long>::epsilon(), pi = std::numbers::pi_v<Long>;

/// Stirling's series: what log Γ(x) has beyond (x - ½) log x - x + ½ log 2π, for x >= 12.
Long beyond_stirling(Long x) {
  constexpr Long terms[] = {1.0L / 12,        -1.0L / 360, 1.0L / 1260,       -1.0L / 1680,     1.0L / 1188,
                            -691.0L / 360360, 1.0L / 156,  -3617.0L / 122400, 43867.0L / 244188};
  Long sum = 0;
  for (std::size_t k = std::size(terms); k-- > 0;) sum = sum / (x * x) + terms[k];
  return sum / x;
}
constexpr Long least = 12;

/// log Γ(x) for x > 0.
Long log_gamma(Long x) {
  Long product = 1;
  for (; x < least; x += 1) product *= x;
  return (x - 0.5L) * std::log(x) - x + std::log(2 * pi) / 2 + beyond_stirling(x) - std::log(product);
}

/// log Γ(1 + x) for |x| <= ½, with all digits near 0: (1 - γ) x - log(1 + x) + Σ (ζ(k) - 1) (-x)ᵏ / k.
Long log_gamma_near_1(Long x) {
  constexpr int count = 34;
  static const auto zetas = [] {  // ζ(k) - 1 = Σ n⁻ᵏ: by Euler and Maclaurin from 16 on
    std::array<Long, count> all{};
    for (int k = 2; k < count; ++k) {
      const Long from = 16, power = std::pow(from, -static_cast<Long>(k));
      Long tail = power / 2 + power * from / (k - 1), term = power / from * k;
      constexpr Long bernoulli[] = {1.0L / 6, -1.0L / 30, 1.0L / 42, -1.0L / 30, 5.0L / 66, -691.0L / 2730};
      for (int j = 1; j <= 6; ++j) {  // B₂ⱼ / (2j)! k (k + 1) ... (k + 2j - 2) / 16ᵏ⁺²ʲ⁻¹
        if (j > 1) term *= static_cast<Long>(k + 2 * j - 3) * (k + 2 * j - 2) / (from * from);
        Long factorial = 1;
        for (int i = 2; i <= 2 * j; ++i) factorial *= i;
        tail += bernoulli[j - 1] / factorial * term;
      }
      for (int n = 15; n > 1; --n) tail += std::pow(static_cast<Long>(n), -static_cast<Long>(k));
      all[static_cast<std::size_t>(k)] = tail;
    }
    return all;
  }();
  constexpr Long one_less_gamma = 1 - std::numbers::egamma_v<Long>;
  Long sum = 0;
  for (int k = count - 1; k > 1; --k) sum = (zetas[static_cast<std::size_t>(k)] / k - sum) * x;
  return (one_less_gamma + sum) * x - std::log1p(x);
}

/// x - log(1 + x).
Long beyond_log1p(Long x) {
  if (std::abs(x) > 0.5L) return x - std::log1p(x);
  const Long r = x / (2 + x), square = r * r;  // log(1 + x) = 2 (r + r³/3 + ...)
  Long sum = 0;
  for (int k = 45; k > 1; k -= 2) sum = sum * square + 1.0L / k;
  return r * (x - 2 * square * sum);
}

/// xᵃ e⁻ˣ / Γ(a + 1).
Long power_of(Long a, Long x) {
  if (a < least) return std::exp(a * std::log(x) - x - log_gamma(a + 1));
  if (x < a / 2)  // where 1 + (x - a) / a would have lost digits of x
    return std::exp(a * std::log(x / a) + (a - x) - beyond_stirling(a)) / std::sqrt(2 * pi * a);
  return std::exp(-a * beyond_log1p((x - a) / a) - beyond_stirling(a)) / std::sqrt(2 * pi * a);
}

/// Σ xⁿ / ((a + 1) ... (a + n)), which times xᵃ e⁻ˣ / Γ(a + 1) is P.
Long series(Long a, Long x) {
  Long term = 1, sum = 1;
  for (Long n = 1; term > epsilon * sum; n += 1) sum += term *= x / (a + n);
  return sum;
}
/// The continued fraction which times xᵃ e⁻ˣ / Γ(a) is Q, by Lentz's method.
Long fraction(Long a, Long x) {
  Long b = x + 1 - a, c = std::numeric_limits<double>::max(), d = 1 / b, result = d;
  for (Long n = 1; n < 1e5L; n += 1) {
    const Long by = -n * (n - a);
    b += 2;
    d = 1 / (by * d + b);
    c = b + by / c;
    result *= c * d;
    if (std::abs(c * d - 1) < epsilon) break;
  }
  return result;
}

/// Temme's expansion for large a and x near it.
struct Uniform {
  Long half_erfc_above, half_erfc_below, rest;

  Uniform(Long a, Long x) {
    const Long mu = (x - a) / a, half_square = beyond_log1p(mu),
               eta = std::copysign(std::sqrt(2 * half_square), mu),
               z = std::copysign(std::sqrt(a * half_square), mu);
    half_erfc_above = std::erfc(z) / 2;
    half_erfc_below = std::erfc(-z) / 2;
    const auto polynomial = [eta](const auto& c) {
      Long sum = 0;
      for (std::size_t i = std::size(c); i-- > 0;) sum = sum * eta + c[i];
      return sum;
    };
    const Long sum = polynomial(uniform_0) +
                     (polynomial(uniform_1) +
                      (polynomial(uniform_2) + (polynomial(uniform_3) + polynomial(uniform_4) / a) / a) / a) /
                         a;
    rest = std::exp(-a * half_square) / std::sqrt(2 * pi * a) * sum;
  }
};

/// P(a, x), or 1 - P(a, x).
double incomplete_gamma(double a, double x, bool above) {
  if (!(a >= 0 && x >= 0) || (a == 0 && x == 0) || (a == infinity && x == infinity)) return nan;
  if (a == 0 || x == infinity) return above ? 0 : 1;
  if (x == 0 || a == infinity) return above ? 1 : 0;
  constexpr double large = 1000, near = 0.2;
  if (a > large && std::abs(x - a) < near * a) {
    const Uniform parts(a, x);
    return static_cast<double>(above ? parts.half_erfc_above + parts.rest
                                     : parts.half_erfc_below - parts.rest);
  }
  if (above && a < 0.5 && x < 2) {
    // With g = xᵃ / Γ(a + 1), P is g - g a Σ (-1)ⁿ⁻¹ xⁿ / ((a + n) n!).
    const Long logarithm = a * std::log(static_cast<Long>(x)) - log_gamma_near_1(a);
    Long term = 1, sum = 0;
    for (Long n = 1; std::abs(term) > epsilon * epsilon; n += 1) sum -= (term *= -x / n) / (a + n);
    return static_cast<double>(std::exp(logarithm) * a * sum - std::expm1(logarithm));
  }
  if (x < a + 1) {
    const Long below = power_of(a, x) * series(a, x);
    return static_cast<double>(above ? 1 - below : below);
  }
  const Long beyond = power_of(a, x) * a * fraction(a, x);
  return static_cast<double>(above ? beyond : 1 - beyond);
}

}  // namespace

double gammainc(double a, double x) { return incomplete_gamma(a, x, false); }
double gammaincc(double a, double x) { return incomplete_gamma(a, x, true); }

double gamma_density(double a, double x) {
  if (!(a >= 0 && x >= 0)) return nan;
  if (x == infinity || a == infinity || a == 0) return 0;
  if (x == 0) return a < 1 ? infinity : a == 1 ? 1 : 0;
  return static_cast<double>(power_of(a, x) * (a / static_cast<Long>(x)));
}

double betaln(double a, double b) {
  if (a < b) std::swap(a, b);
  if (!(b >= 0)) return nan;
  if (b == 0) return a == infinity ? nan : infinity;
  if (a == infinity) return -infinity;
  const Long x = a, y = b;
  if (x < least) return static_cast<double>(log_gamma(x) + log_gamma(y) - log_gamma(x + y));
  // log Γ(x) - log Γ(x + y) without their common part.
  const Long rest = beyond_stirling(x) - beyond_stirling(x + y) - (x - 0.5L) * std::log1p(y / x) + y;
  return static_cast<double>(log_gamma(y) - y * std::log(x + y) + rest);
}

}  // namespace chainrule::special
