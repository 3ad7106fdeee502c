// Special functions of one number: the error function and its inverse, gamma and zeta functions and their
// derivatives.
// In double, from published approximations, which are named where they are used.

#include "ops/functions/special_numbers.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <vector>

#include "ops/functions/special_tables.h"
#include "ops/functions/wide_parts.h"

namespace chainrule::special {
namespace {

// What is summed up is so in long double, where that has more digits.
using Long = long double;
constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double nan = std::numeric_limits<double>::quiet_NaN();
constexpr Long pi = std::numbers::pi_v<Long>;

/// sin(πx) for |x| <= 1, exact at ½ and 1, where π itself has too few digits.
Long sin_pi(Long x) {
  return std::abs(x) <= 0.5L ? std::sin(pi * x) : std::copysign(std::sin(pi * (1 - std::abs(x))), x);
}
Long cos_pi(Long x) { return std::sin(pi * (0.5L - std::abs(x))); }
/// 1 / tan(πx) for |x| <= ½.
Long cot_pi(Long x) { return cos_pi(x) / sin_pi(x); }

/// B₂ₖ for k = 1, 2, ...
constexpr Long bernoulli[] = {1.0L / 6,       -1.0L / 30, 1.0L / 42,         -1.0L / 30,    5.0L / 66,
                              -691.0L / 2730, 7.0L / 6,   -3617.0L / 510.0L, 43867.0L / 798};

/// xⁿ for n >= 0; std::pow of long double takes ten times as long.
template <class Real>
Real power(Real x, int n) {
  Real result = 1;
  for (; n > 0; n /= 2, x *= x)
    if (n % 2 == 1) result *= x;
  return result;
}

bool is_whole(double x) { return x == std::floor(x); }

}  // namespace

double gaussian(double x) {
  const double square = x * x;
  if (square > 750) return 0;
  // What the square has lost, to first order.
  return std::exp(-square) * (1 - std::fma(x, x, -square));
}

double half_gaussian(double x) {
  const double square = x * x;
  if (square > 1500) return 0;
  return std::exp(-0.5 * square) * (1 - 0.5 * std::fma(x, x, -square));
}

double normal_cdf(double x) {
  constexpr double root = 0.70710678118654757, rest = -4.8336466567264565e-17;  // √½ in two parts
  const double z = -x * root;
  if (!(x < -1 && x > -40)) return std::erfc(z) / 2;
  // Far out, erfc magnifies the rounding of z. Once more to first order.
  const double lost = std::fma(-x, root, -z) - x * rest;
  return (std::erfc(z) - 2 * std::numbers::inv_sqrtpi * std::exp(-z * z) * lost) / 2;
}

double gelu(double x) {
  if (!(x < -20) || std::isinf(x)) return x * normal_cdf(x);
  // Φ may be subnormal: x Φ(x) = -φ(x) (1 - 1/x² + 3/x⁴ - 15/x⁶ ...)
  double sum = 1;
  for (int k = 19; k > 0; k -= 2) sum = 1 - k * sum / (x * x);
  return -half_gaussian(x) * (std::numbers::inv_sqrtpi * 0.70710678118654757 * sum);
}

double hermite_gaussian(double share, int order, double x) {
  // dⁿexp(-s x²)/dxⁿ = p exp(-s x²) with p₀ = 1, pₙ₊₁ = -2s (x pₙ + n pₙ₋₁), the exponential in two factors,
  // as it may be subnormal where the product is not.
  double p = 1, before = 0;
  for (int n = 0; n < order; ++n) {
    const double next = -2 * share * (x * p + n * before);
    before = p;
    p = next;
  }
  const double factor = share == 1 ? half_gaussian(x) : gaussian(x / 2);
  return factor == 0 ? 0 : p * factor * factor;
}

namespace {

/// erfinv as a sum, of which the second part has what the first one has lost.
struct LongErfinv {
  static constexpr double slope = std::numbers::inv_sqrtpi * 2;
  double y, rest = 0;

  /// For 0 <= size < 1. Winitzki's approximation is good to 2e-3, and each of Halley's steps nearly triples
  /// the digits.
  explicit LongErfinv(double size) {
    constexpr double a = 0.147;
    const double log = size < 0.5 ? std::log1p(-size * size) : std::log((1 - size) * (1 + size)),
                 t = 2 / (std::numbers::pi * a) + log / 2;
    y = std::sqrt(-log / a / (std::sqrt(t * t - log / a) + t));
    for (int step = 0; step < 2; ++step) y -= step_at(size);
    rest = -step_at(size);
  }

 private:
  double step_at(double size) const {
    const double above = size < 0.5 ? std::erf(y) - size : (1 - size) - std::erfc(y);
    const double newton = above / (slope * gaussian(y));
    return newton / (1 + y * newton);
  }
};

}  // namespace

double erfinv(double x) {
  const double size = std::abs(x);
  if (size < 1e-8) return x / LongErfinv::slope;
  if (!(size < 1)) return size == 1 ? std::copysign(infinity, x) : nan;
  const LongErfinv inverse(size);
  return std::copysign(inverse.y + inverse.rest, x);
}

double erfinv_slope(double x) {
  const double size = std::abs(x);
  if (!(size < 1)) return size == 1 ? infinity : nan;
  if (size < 1e-8) return 1 / LongErfinv::slope;
  const LongErfinv inverse(size);
  return (1 + 2 * inverse.y * inverse.rest) / (LongErfinv::slope * gaussian(inverse.y));
}

namespace {

/// How far the normal density by the distribution function, at -z, is above z: 1/(z + 2/(z + 3/(z + ...))).
/// For z >= 3.
double beyond_mills(double z) {
  double below = z;
  for (int k = 90; k > 1; --k) below = z + k / below;
  return 1 / below;
}
constexpr double far_below = -3;

}  // namespace

double log_normal_cdf_slope(double x) {
  if (x < far_below) return beyond_mills(-x) - x;
  return density_at_0 * half_gaussian(x) / normal_cdf(x);
}

double log_normal_cdf_curve(double x) {
  const double slope = log_normal_cdf_slope(x);
  if (slope == 0) return 0;
  return x < far_below ? -slope * beyond_mills(-x) : -slope * (x + slope);
}

double log_normal_cdf(double x) {
  if (x > 0) return std::log1p(-normal_cdf(-x));
  if (x > -35) return std::log(normal_cdf(x));
  constexpr double half_log_two_pi = 0.91893853320467274;
  return -x * x / 2 - half_log_two_pi - std::log(log_normal_cdf_slope(x));
}

double normal_quantile(double x) {
  if (!(x > 0 && x < 1)) return x == 0 ? -infinity : x == 1 ? infinity : nan;
  const double q = x - 0.5;
  if (std::abs(q) <= 0.425) return q * quotient(0.180625 - q * q, normal_quantile_middle);
  const double r = std::sqrt(-std::log(q < 0 ? x : 1 - x));
  return std::copysign(
      r <= 5 ? quotient(r - 1.6, normal_quantile_near) : quotient(r - 5, normal_quantile_far), q);
}

double normal_quantile_slope(double x) {
  if (!(x > 0 && x < 1)) return x == 0 || x == 1 ? infinity : nan;
  const double below = std::min(x, 1 - x);
  return 1 / (log_normal_cdf_slope(normal_quantile(below)) * below);
}

double lgamma(double x) {
#ifdef _WIN32
  return std::lgamma(x);
#else
  int sign = 0;
  return ::lgamma_r(x, &sign);
#endif
}

double digamma(double x) {
  if (x == 0) return std::copysign(infinity, -x);
  Long at = x, result = 0;
  if (x < 0) {
    if (is_whole(x)) return nan;
    result = -pi * cot_pi(x - std::round(x));  // ψ(x) = ψ(1 - x) - π cot(πx)
    at = 1 - at;
  }
  for (; at < 12; at += 1) result -= 1 / at;  // ψ(x) = ψ(x + 1) - 1/x
  Long tail = 0, squares = 1;
  for (int k = 1; k <= 9; ++k) tail += bernoulli[k - 1] / (static_cast<Long>(2 * k) * (squares *= at * at));
  return static_cast<double>(result + std::log(at) - 1 / (2 * at) - tail);
}

namespace {

/// |ψ⁽ⁿ⁾(x)| for x > 0: by ψ⁽ⁿ⁾(x) - ψ⁽ⁿ⁾(x + 1) up to where Euler and Maclaurin's series is exact, the
/// smallest terms first.
template <class Real>
Real polygamma_size(int n, double x) {
  Real factorial = 1;  // of n - 1
  for (int i = 2; i < n; ++i) factorial *= static_cast<Real>(i);
  const Real start = x;
  const int steps = x < n + 12 ? static_cast<int>(std::ceil(n + 12 - x)) : 0;
  const Real at = start + static_cast<Real>(steps), first = factorial / power(at, n);
  // (2k + n - 1)! / ((2k)! x²ᵏ⁺ⁿ) for k = 1, 2, ...
  Real term = first, rest = 0;
  for (int k = 1; k <= 9; ++k) {
    term *= static_cast<Real>(2 * k + n - 2) * static_cast<Real>(2 * k + n - 1) /
            (static_cast<Real>(2 * k - 1) * static_cast<Real>(2 * k) * at * at);
    rest += static_cast<Real>(bernoulli[k - 1]) * term;
  }
  Real result = rest + static_cast<Real>(n) * first / (2 * at) + first;
  for (int step = steps; step-- > 0;)
    result += static_cast<Real>(n) * factorial / power(start + static_cast<Real>(step), n + 1);
  return result;
}

}  // namespace

double polygamma(int n, double x) {
  const double sign = n % 2 == 1 ? 1 : -1;  // of all derivatives for x > 0
  if (x == -infinity || x != x) return nan;
  if (x == infinity) return sign * 0.0;
  if (x <= 0 && is_whole(x)) return sign * infinity;
  if (x < 0) {
    // ψ⁽ⁿ⁾(x) = (-1)ⁿ ψ⁽ⁿ⁾(1 - x) - π dⁿcot(πx)/dxⁿ, and dp(c)/dx = -π (1 + c²) p'(c) for c = cot(πx).
    std::vector<Long> p = {0, 1};
    for (int order = 0; order < n; ++order) {
      std::vector<Long> next(p.size() + 1, 0);
      for (std::size_t i = 1; i < p.size(); ++i) {
        const Long term = -static_cast<Long>(i) * p[i] * pi;
        next[i - 1] += term;
        next[i + 1] += term;
      }
      p = std::move(next);
    }
    const Long c = cot_pi(x - std::round(x));
    Long cotangent = 0;
    for (std::size_t i = p.size(); i-- > 0;) cotangent = cotangent * c + p[i];
    return static_cast<double>(-sign * static_cast<Long>(polygamma(n, 1 - x)) - pi * cotangent);
  }
  // Long numbers take some times as long, and powers of a few factors are exact enough without.
  const bool is_short = n <= 4 && x > 1e-50 && x < 1e50;
  const Long size = is_short ? static_cast<Long>(polygamma_size<double>(n, x)) : polygamma_size<Long>(n, x);
  return static_cast<double>(sign * size);
}

double erfcx(int n, double x) {
  constexpr Long root = std::numbers::inv_sqrtpi_v<Long>;
  if (x != x) return x;
  if (x > 7) {  // Σ (-1)ᵐ (2m - 1)!! / 2ᵐ x⁻²ᵐ⁻¹ / √π, differentiated term by term
    const Long inverse = 1 / static_cast<Long>(x);
    Long term = inverse, sum = 0;
    for (int i = 1; i <= n; ++i) term *= -static_cast<Long>(i) * inverse;
    for (int m = 0; m < 60; ++m) {
      const Long before = sum;
      sum += term;
      if (sum == before) break;
      // (2m + 1) ... (2m + n) factors of the derivative become (2m + 3) ... (2m + 2 + n)
      term *= -static_cast<Long>(2 * m + 1 + n) * static_cast<Long>(2 * m + 2 + n) /
              static_cast<Long>(4 * (m + 1)) * inverse * inverse;
    }
    return static_cast<double>(root * sum);
  }
  if (x < -27) return n % 2 == 0 ? infinity : -infinity;
  const Long square = static_cast<Long>(x) * x;
  Long before = 0, w = std::exp(square) * (1 + std::fma(Long{x}, Long{x}, -square)) * std::erfc(Long{x});
  for (int k = 0; k < n; ++k) {  // w′ = 2x w - 2/√π, and w⁽ᵏ⁺¹⁾ = 2x w⁽ᵏ⁾ + 2k w⁽ᵏ⁻¹⁾
    const Long next = 2 * (x * w + static_cast<Long>(k) * before) - (k == 0 ? 2 * root : 0);
    before = w;
    w = next;
  }
  return static_cast<double>(w);
}

double zeta(double s, double q) {
  if (s != s || q != q || s < 1) return nan;
  if (s == 1) return infinity;
  if (q <= 0 && is_whole(q)) return infinity;
  if (q < 0) {
    if (!is_whole(s)) return nan;
    if (s < 30) {  // ψ⁽ⁿ⁾(q) = (-1)ⁿ⁺¹ n! ζ(n + 1, q)
      const int n = static_cast<int>(s) - 1;
      double factorial = n % 2 == 1 ? 1 : -1;
      for (int i = 2; i <= n; ++i) factorial *= i;
      return polygamma(n, q) / factorial;
    }
    // Those next to 0, as all others are too small.
    const Long first = q + std::max(0.0, std::round(-q) - 40);
    Long sum = 0;
    for (int k = 80; k >= 0; --k) sum += std::pow(first + static_cast<Long>(k), -Long{s});
    return static_cast<double>(sum);
  }
  if (q == infinity) return 0;
  // Term by term up to where Euler and Maclaurin's series is exact.
  constexpr Long epsilon = std::numeric_limits<Long>::epsilon();
  Long at = q, sum = 0;
  for (; at < s + 12; at += 1) {
    const Long term = std::pow(at, -Long{s});
    sum += term;
    if (term <= epsilon * sum / 64) return static_cast<double>(sum);
  }
  const Long first = std::pow(at, -Long{s});
  Long term = first / at, tail = 0;  // B₂ₖ / (2k)! s (s + 1) ... (s + 2k - 2) / xˢ⁺²ᵏ⁻¹
  for (int k = 1; k <= 9; ++k) {
    if (k > 1) term *= (s + static_cast<Long>(2 * k - 3)) * (s + static_cast<Long>(2 * k - 2)) / (at * at);
    term /= static_cast<Long>((2 * k - 1) * 2 * k);
    if (k == 1) term *= s;
    tail += bernoulli[k - 1] * term;
  }
  return static_cast<double>(sum + (tail + first / 2 + first * at / (Long{s} - 1)));
}

double sinc(int n, double x) {
  if (x == 0 && n == 0) return 1;
  const Long t = pi * x, r = std::remainder(x, 2.0);
  Long result = 0;  // the derivative of sin(t)/t
  if (n > 0 && std::abs(t) <= n + 1) {
    // Σ (-1)ᵏ t²ᵏ⁻ⁿ / ((2k + 1) (2k - n)!)
    const int first = (n + 1) / 2;
    Long term = (first % 2 == 0 ? 1 : -1) * (n % 2 == 0 ? 1 : t);
    for (int k = first; k < first + 20 + 2 * n; ++k) {
      result += term / static_cast<Long>(2 * k + 1);
      term *= -t * t / (static_cast<Long>(2 * k + 1 - n) * (2 * k + 2 - n));
    }
  } else {
    const Long sine = sin_pi(r), cosine = cos_pi(r);
    const Long waves[] = {sine, cosine, -sine, -cosine};
    result = sine / t;
    for (int k = 1; k <= n; ++k) result = (waves[k % 4] - k * result) / t;  // t s⁽ᵏ⁾ + k s⁽ᵏ⁻¹⁾
  }
  return static_cast<double>(result * power(pi, n)) + 0;  // not -0
}

}  // namespace chainrule::special
