// Samples of the gamma distribution, and their implicit derivative, by the series and the continued fraction
// of the incomplete gamma function, each differentiated term by term.

#include "ops/statistics/gamma_samples.h"

#include <cmath>

#include "ops/functions/special_numbers.h"

namespace chainrule::ops {
namespace {

/// A number and its derivative to α.
struct Dual {
  double value, slope;
  friend Dual operator+(Dual a, Dual b) { return {a.value + b.value, a.slope + b.slope}; }
  friend Dual operator*(Dual a, Dual b) { return {a.value * b.value, a.slope * b.value + a.value * b.slope}; }
  friend Dual operator/(Dual a, Dual b) {
    const double ratio = a.value / b.value;
    return {ratio, (a.slope - ratio * b.slope) / b.value};
  }
};

constexpr double epsilon = 1e-17;

/// S in F(z; α) = z^α e⁻ᶻ / Γ(α) · S: 1/α + z/(α (α + 1)) + ...
Dual series(double alpha, double z) {
  Dual term = {1 / alpha, -1 / (alpha * alpha)}, sum = term;
  for (double n = 1; std::abs(term.slope) > epsilon * std::abs(sum.slope); ++n) {
    term = term * Dual{z, 0} / Dual{alpha + n, 1};
    sum = sum + term;
  }
  return sum;
}

/// C in 1 - F(z; α) = z^α e⁻ᶻ / Γ(α) · C, by Lentz's method. Source: Numerical Recipes, section 6.2.
Dual fraction(double alpha, double z) {
  Dual b = {z + 1 - alpha, -1}, c = {1e300, 0}, d = Dual{1, 0} / b, h = d;
  for (double n = 1; n < 1e6; ++n) {
    const Dual a = {-n * (n - alpha), n};
    b.value += 2;
    d = Dual{1, 0} / (a * d + b);
    c = b + a / c;
    const Dual step = d * c;
    h = h * step;
    if (std::abs(step.value - 1) < 1e-16 && std::abs(step.slope) < 1e-16) break;
  }
  return h;
}

}  // namespace

double gamma_slope(double alpha, double log_z) {
  const double z = std::exp(log_z);
  // So far out the distribution is normal, and moves and widens with α.
  if (alpha > 1e7) return 0.5 / alpha + 0.5 / z;
  const double factor = log_z - special::digamma(alpha);
  if (z < alpha + 1) {
    const Dual s = series(alpha, z);
    return -(factor * s.value + s.slope);
  }
  const Dual c = fraction(alpha, z);
  return factor * c.value + c.slope;
}

namespace {

double log_gamma_draw(double alpha, Generator& generator) {
  if (alpha < 1) return log_gamma_draw(alpha + 1, generator) + std::log(1 - generator.uniform()) / alpha;
  const double d = alpha - 1.0 / 3, c = 1 / std::sqrt(9 * d);
  for (;;) {
    const double x = generator.normal(), root = 1 + c * x, v = root * root * root;
    if (v > 0 && std::log(1 - generator.uniform()) < x * x / 2 + d - d * v + d * std::log(v))
      return std::log(d) + std::log(v);
  }
}

}  // namespace

Array gamma_slopes(const Array& alpha, const Array& log_z) {
  return dispatch_floating(alpha.dtype(), [&]<class T>() {
    Array out(alpha.shape(), alpha.dtype());
    const T *alphas = alpha.data<T>(), *logs = log_z.data<T>();
    T* slopes = out.mutable_data<T>();
    for (std::int64_t i = 0; i < out.size(); ++i) slopes[i] = static_cast<T>(gamma_slope(alphas[i], logs[i]));
    return out;
  });
}

Array log_gamma_draws(const Array& alpha, Generator& generator) {
  return dispatch_floating(alpha.dtype(), [&]<class T>() {
    Array out(alpha.shape(), alpha.dtype());
    const T* alphas = alpha.data<T>();
    T* logs = out.mutable_data<T>();
    for (std::int64_t i = 0; i < out.size(); ++i)
      logs[i] = static_cast<T>(log_gamma_draw(alphas[i], generator));
    return out;
  });
}

}  // namespace chainrule::ops
