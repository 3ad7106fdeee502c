// Samples of the gamma distribution, and their implicit derivative, by the series and the continued fraction
// of the incomplete gamma function, each differentiated term by term, twice.

#include "ops/statistics/gamma_samples.h"

#include <cmath>

#include "ops/functions/special_numbers.h"

namespace chainrule::ops {
namespace {

/// A number and its first and second derivative to α.
struct Jet {
  double value, slope, curve = 0;
  friend Jet operator+(Jet a, Jet b) { return {a.value + b.value, a.slope + b.slope, a.curve + b.curve}; }
  friend Jet operator*(Jet a, Jet b) {
    return {a.value * b.value, a.slope * b.value + a.value * b.slope,
            a.curve * b.value + 2 * a.slope * b.slope + a.value * b.curve};
  }
  friend Jet operator/(Jet a, Jet b) {
    const double ratio = a.value / b.value, first = (a.slope - ratio * b.slope) / b.value;
    return {ratio, first, (a.curve - 2 * first * b.slope - ratio * b.curve) / b.value};
  }
};

constexpr double epsilon = 1e-17;

/// S in F(z; α) = z^α e⁻ᶻ / Γ(α) · S: 1/α + z/(α (α + 1)) + ...
Jet series(double alpha, double z) {
  Jet term = Jet{1, 0} / Jet{alpha, 1}, sum = term;
  for (double n = 1; std::abs(term.slope) > epsilon * std::abs(sum.slope) ||
                     std::abs(term.curve) > epsilon * std::abs(sum.curve);
       ++n) {
    term = term * Jet{z, 0} / Jet{alpha + n, 1};
    sum = sum + term;
  }
  return sum;
}

/// C in 1 - F(z; α) = z^α e⁻ᶻ / Γ(α) · C, by Lentz's method. Source: Numerical Recipes, section 6.2.
Jet fraction(double alpha, double z) {
  Jet b = {z + 1 - alpha, -1}, c = {1e300, 0}, d = Jet{1, 0} / b, h = d;
  for (double n = 1; n < 1e6; ++n) {
    const Jet a = {-n * (n - alpha), n};
    b.value += 2;
    d = Jet{1, 0} / (a * d + b);
    c = b + a / c;
    const Jet step = d * c;
    h = h * step;
    if (std::abs(step.value - 1) < 1e-16 && std::abs(step.slope) < 1e-16 && std::abs(step.curve) < 1e-16)
      break;
  }
  return h;
}

/// So far out the distribution is normal, and moves and widens with α.
constexpr double nearly_normal = 1e7;

}  // namespace

double gamma_slope(double alpha, double log_z) {
  const double z = std::exp(log_z);
  if (alpha > nearly_normal) return 0.5 / alpha + 0.5 / z;
  const double factor = log_z - special::digamma(alpha);
  if (z < alpha + 1) {
    const Jet s = series(alpha, z);
    return -(factor * s.value + s.slope);
  }
  const Jet c = fraction(alpha, z);
  return factor * c.value + c.slope;
}

// The slope s is -∂F/∂α over the density f = z^α e⁻ᶻ / Γ(α) of log z, and F is f S or 1 - f C, where ∂f/∂α =
// f (log z - ψ(α)). What s and -∂²F/∂α² / f have in common is left out here, as it would cost digits.
double gamma_slope_by_alpha(double alpha, double log_z) {
  const double z = std::exp(log_z);
  if (alpha > nearly_normal) {
    const double u = (z - alpha) / alpha;
    return (-1 - u + (2 * u + u * u) / 3 + (u * u - 1 / alpha) / 3) / (2 * alpha * z);
  }
  const double factor = log_z - special::digamma(alpha), trigamma = special::polygamma(1, alpha);
  if (z < alpha + 1) {
    const Jet s = series(alpha, z);
    return trigamma * s.value - factor * s.slope - s.curve;
  }
  const Jet c = fraction(alpha, z);
  return -trigamma * c.value + factor * c.slope + c.curve;
}

/// As s f = -∂F/∂α, and ∂F/∂log z = f: s' f + s f (α - z) = -∂f/∂α.
double gamma_slope_by_log(double alpha, double log_z) {
  const double z = std::exp(log_z), slope = gamma_slope(alpha, log_z);
  if (alpha > nearly_normal) return -slope + (1 - 2 * (z - alpha) / (3 * alpha)) / (2 * alpha);
  return special::digamma(alpha) - log_z - slope * (alpha - z);
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

Array gamma_slopes(double (*function)(double, double), const Array& alpha, const Array& log_z) {
  return dispatch_floating(alpha.dtype(), [&]<class T>() {
    Array out(alpha.shape(), alpha.dtype());
    const T *alphas = alpha.data<T>(), *logs = log_z.data<T>();
    T* slopes = out.mutable_data<T>();
    for (std::int64_t i = 0; i < out.size(); ++i) slopes[i] = static_cast<T>(function(alphas[i], logs[i]));
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
