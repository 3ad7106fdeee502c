// Functions that are computed on packs of float64, also where they are of float32: how exact they are, and
// what they are at zeros, infinities and NaN. CHAINRULE_ISA chooses the instruction set.

#include <gtest/gtest.h>

#include <functional>
#include <random>

#include "chainrule/autograd.h"
#include "chainrule/functions.h"
#include "chainrule/shaping.h"
#include "ops/units.h"
#include "support.h"

namespace chainrule {
namespace {

long double digamma_of(long double x) {
  if (x < 0) return digamma_of(1 - x) - pi / std::tan(pi * (x - std::round(x)));
  long double sum = 0;
  for (; x < 30; ++x) sum -= 1 / x;
  const long double w = 1 / (x * x);
  return sum + std::log(x) - 1 / (2 * x) -
         w * (1 / 12.0L - w * (1 / 120.0L - w * (1 / 252.0L - w * (1 / 240.0L - w / 132))));
}
long double trigamma_of(long double x) {
  if (x < 0) {
    const long double sine = std::sin(pi * (x - std::round(x)));
    return pi * pi / (sine * sine) - trigamma_of(1 - x);
  }
  long double sum = 0;
  for (; x < 30; ++x) sum += 1 / (x * x);
  const long double w = 1 / (x * x);
  return sum + 1 / x + w / 2 +
         w / x * (1 / 6.0L - w * (1 / 30.0L - w * (1 / 42.0L - w * (1 / 30.0L - w * 5 / 66))));
}
/// ψ⁽ⁿ⁾(x) for x > 0.
template <int n>
long double polygamma_of(long double x) {
  long double factorial = 1, sum = 0;  // of n - 1
  for (int i = 2; i < n; ++i) factorial *= i;
  for (; x < 40; ++x) sum += n * factorial / std::pow(x, n + 1);
  const long double bernoulli[] = {1, 1 / 6.0L, -1 / 30.0L, 1 / 42.0L, -1 / 30.0L, 5 / 66.0L};
  long double term = factorial / std::pow(x, n);
  sum += n * term / (2 * x);
  for (int k = 0; k < 6; ++k) {
    sum += bernoulli[k] * term;
    term *= (2 * k + n) * (2 * k + n + 1) / ((2 * k + 1) * (2 * k + 2) * x * x);
  }
  return n % 2 == 1 ? sum : -sum;
}
long double erfinv_of(long double x) {
  const long double size = std::abs(x), w = -std::log((1 - size) * (1 + size));
  long double y = w < 1 ? size * 0.886L : std::sqrt(w) * 0.9L;
  for (int step = 0; step < 40; ++step) {
    const long double above = size < 0.5L ? std::erf(y) - size : (1 - size) - std::erfc(y);
    const long double newton = above * std::sqrt(pi) / 2 * std::exp(y * y);
    y -= newton / (1 + y * newton);
  }
  return std::copysign(y, x);
}
long double erfinv_slope_of(long double x) {
  const long double y = erfinv_of(x);
  return std::sqrt(pi) / 2 * std::exp(y * y);
}

/// The slope of sin(πx) / (πx).
long double sinc_slope_of(long double x) {
  if (std::abs(x) > 0.1L) {
    const long double whole = std::round(x), sign = std::fmod(whole, 2.0L) == 0 ? 1 : -1,
                      r = pi * (x - whole);
    return sign * (std::cos(r) - std::sin(r) / (pi * x)) / x;
  }
  long double sum = 0, term = -pi * pi * x;
  for (int k = 1; k < 12; ++k) {
    sum += term / (2 * k + 1);
    term *= -pi * pi * x * x / (2 * k * (2 * k + 1));
  }
  return sum;
}

/// f within so many units, between these numbers and, where `ends` says so, at ± eˣ of x between them. Where
/// results are below `least`, in units of that.
template <class T>
void check_wide(const char* name, const std::function<Tensor(const Tensor&)>& f, Exact exact, double low,
                double high, double most, long double least = 0, bool logarithmic = false) {
  std::mt19937_64 engine(11);
  std::uniform_real_distribution<double> uniform(low, high);
  std::vector<T> x;
  for (int i = 0; i < 3000; ++i) {
    const double at = logarithmic ? std::exp(uniform(engine)) : uniform(engine);
    if (const T element = static_cast<T>(at); std::isfinite(static_cast<T>(exact(element))))
      x.push_back(element);
  }
  ASSERT_GT(x.size(), 1000) << name;
  EXPECT_LE(worst(x, f(tensor(x)), exact, least), most) << name << " of " << to_string(dtype_of<T>);
}

template <class T>
Tensor slope_of(Function f, const Tensor& at) {
  const Tensor x = variable(at.detach());
  return gradients(sum(f(x)), {x}).at(x);
}

template <class T>
void check_all_wide() {
  const Function trigamma = [](const Operand& x) { return polygamma(1, x); };
  const Function exact_gelu = [](const Operand& x) { return gelu(x); };
  const Function log_odds = [](const Operand& x) { return logit(x); };
  constexpr bool single = sizeof(T) == 4;
  constexpr double end = single ? 85 : 700;
  check_wide<T>("digamma", digamma, digamma_of, 0, 20, 8, 1);
  check_wide<T>("digamma", digamma, digamma_of, -end, end, 8, 1, true);
  check_wide<T>("digamma below 0", digamma, digamma_of, -20, 0, 8, 2);
  check_wide<T>("trigamma", trigamma, trigamma_of, 0, 20, 8);
  check_wide<T>("trigamma", trigamma, trigamma_of, -end / 2.1, end / 2.1, 8, 0, true);
  check_wide<T>("trigamma below 0", trigamma, trigamma_of, -20, 0, 8);
  const Exact log_gamma = [](long double x) { return std::lgamma(x); };
  check_wide<T>("lgamma", chainrule::lgamma, log_gamma, 0, 20, 8);
  check_wide<T>("lgamma", chainrule::lgamma, log_gamma, -end, end, 8, 0, true);
  check_wide<T>("lgamma below 0", chainrule::lgamma, log_gamma, -20, 0, 8, 0.5L);
  check_wide<T>("erfinv", erfinv, erfinv_of, -0.9999, 0.9999, 6);
  check_wide<T>("erfinv, small", erfinv, erfinv_of, -end, 0, 6, 0, true);
  check_wide<T>(
      "slope of erfinv", [](const Tensor& x) { return slope_of<T>(erfinv, x); }, erfinv_slope_of, -0.9999,
      0.9999, 6);
  // Sanitized code is hardly inlined, and so has no products and sums in one step.
  check_wide<T>(
      "erf", chainrule::erf, [](long double x) { return std::erf(x); }, -6, 6,
      single            ? 4
      : test::sanitized ? 2
                        : 1.5);
  check_wide<T>(
      "erfc", chainrule::erfc, [](long double x) { return std::erfc(x); }, -6, single ? 10 : 27, 8);
  check_wide<T>("ndtr", ndtr, normal, single ? -14 : -38.4, 9, 8);
  check_wide<T>(
      "gelu", exact_gelu, [](long double x) { return x * normal(x); }, single ? -13 : -38.4, 9, 9);
  check_wide<T>(
      "cbrt", chainrule::cbrt, [](long double x) { return std::cbrt(x); }, -end, end, 0.7, 0, true);
  check_wide<T>(
      "cbrt", chainrule::cbrt, [](long double x) { return std::cbrt(x); }, -8, 8, 0.7);
  check_wide<T>(
      "tan", chainrule::tan, [](long double x) { return std::tan(x); }, -1000, 1000, 4);
  check_wide<T>(
      "asin", chainrule::asin, [](long double x) { return std::asin(x); }, -1, 1, 4);
  check_wide<T>(
      "acos", chainrule::acos, [](long double x) { return std::acos(x); }, -1, 1, 4);
  check_wide<T>(
      "atan", chainrule::atan, [](long double x) { return std::atan(x); }, -end, end, 4, 0, true);
  check_wide<T>(
      "sinh", chainrule::sinh, [](long double x) { return std::sinh(x); }, -end, end, 4);
  check_wide<T>(
      "sinh, near 0", chainrule::sinh, [](long double x) { return std::sinh(x); }, -3, 3, 4);
  check_wide<T>(
      "cosh", chainrule::cosh, [](long double x) { return std::cosh(x); }, -end, end, 4);
  check_wide<T>(
      "exp2", chainrule::exp2, [](long double x) { return std::exp2(x); }, single ? -149 : -1074,
      single ? 128 : 1024, 4);
  check_wide<T>(
      "logit", log_odds, [](long double x) { return 2 * std::atanh(2 * x - 1); }, 0, 1, 4);
  check_wide<T>(
      "logit, small", log_odds, [](long double x) { return std::log(x) - std::log1p(-x); }, -end, 0, 4, 0,
      true);
}

template <class T>
void check_logarithms() {
  constexpr bool single = sizeof(T) == 4;
  constexpr double end = single ? 88 : 709;
  const Exact to_2 = [](long double x) { return std::log2(x); };
  const Exact to_10 = [](long double x) { return std::log10(x); };
  check_wide<T>("log2", chainrule::log2, to_2, single ? -103 : -744, end, 3, 0, true);
  check_wide<T>("log2", chainrule::log2, to_2, 0.5, 2, 3);
  check_wide<T>("log10", chainrule::log10, to_10, single ? -103 : -744, end, 3, 0, true);
  check_wide<T>("log10", chainrule::log10, to_10, 0.5, 2, 3);
  std::vector<T> powers, tens;
  for (int i = std::numeric_limits<T>::min_exponent - std::numeric_limits<T>::digits;
       i < std::numeric_limits<T>::max_exponent; ++i)
    powers.push_back(std::ldexp(T(1), i));
  for (T power = 1; power <= (single ? T(1e10) : T(1e22)); power *= 10) tens.push_back(power);
  const Tensor of_2 = chainrule::log2(tensor(powers)), of_10 = chainrule::log10(tensor(tens));
  for (std::size_t i = 0; i < powers.size(); ++i)
    ASSERT_EQ(of_2.data<T>()[i], std::log2(powers[i])) << powers[i];
  for (std::size_t i = 0; i < tens.size(); ++i) ASSERT_EQ(of_10.data<T>()[i], T(i));
}

TEST(WideFunctions, include_logarithms_that_are_exact_for_powers_of_their_base) {
  check_logarithms<double>();
  check_logarithms<float>();
}

template <class T>
void check_areas_and_sinc() {
  constexpr bool single = sizeof(T) == 4;
  constexpr double end = single ? 88 : 709;
  const Exact of_sinh = [](long double x) { return std::asinh(x); };
  const Exact of_cosh = [](long double x) { return std::acosh(x); };
  const Exact of_tanh = [](long double x) { return std::atanh(x); };
  check_wide<T>("asinh", chainrule::asinh, of_sinh, -end, end, 4, 0, true);
  check_wide<T>("asinh", chainrule::asinh, of_sinh, -3, 3, 4);
  check_wide<T>("acosh", chainrule::acosh, of_cosh, 0, end, 4, 0, true);
  check_wide<T>("acosh", chainrule::acosh, of_cosh, 1, 1.01, 4);
  check_wide<T>("acosh", chainrule::acosh, of_cosh, 1, 3, 4);
  check_wide<T>("atanh", chainrule::atanh, of_tanh, -end, 0, 4, 0, true);
  check_wide<T>("atanh", chainrule::atanh, of_tanh, -1, 1, 4);
  const Exact exact_sinc = [](long double x) {
    const long double whole = std::round(x), sign = std::fmod(whole, 2.0L) == 0 ? 1 : -1;
    return sign * std::sin(pi * (x - whole)) / (pi * x);
  };
  const auto slope = [](const Tensor& x) { return slope_of<T>(sinc, x); };
  check_wide<T>("sinc", sinc, exact_sinc, -20, 20, 5);
  check_wide<T>("sinc", sinc, exact_sinc, -end, 40, 5, 0, true);
  check_wide<T>("slope of sinc", slope, sinc_slope_of, -0.6, 0.6, 6);
  check_wide<T>("slope of sinc", slope, sinc_slope_of, -20, 20, 6, 0.5L);
  check_wide<T>("slope of sinc", slope, sinc_slope_of, -end, -1, 6, 0, true);
}

TEST(WideFunctions, include_inverses_of_hyperbolic_ones_and_sinc) {
  check_areas_and_sinc<double>();
  check_areas_and_sinc<float>();
}

template <class T>
void check_one_pass() {
  constexpr double end = sizeof(T) == 4 ? 80 : 690;
  const Function log_odds = [](const Operand& x) { return logit(x); };
  const Function half_elu = [](const Operand& x) { return elu(x, 0.5); };
  const Function celu_of_3 = [](const Operand& x) { return celu(x, 3); };
  const auto slope = [](Function f) { return [=](const Tensor& x) { return slope_of<T>(f, x); }; };
  check_wide<T>(
      "rsqrt", rsqrt, [](long double x) { return 1 / std::sqrt(x); }, -end, end, 2, 0, true);
  check_wide<T>(
      "slope of rsqrt", slope(rsqrt), [](long double x) { return -0.5L / (x * std::sqrt(x)); }, -end / 1.6,
      end, 4, 0, true);
  check_wide<T>(
      "slope of logit", slope(log_odds), [](long double x) { return 1 / (x * (1 - x)); }, 0, 1, 4);
  check_wide<T>(
      "elu", half_elu, [](long double x) { return x > 0 ? x : std::expm1(x) / 2; }, -9, 3, 4);
  check_wide<T>(
      "slope of elu", slope(half_elu), [](long double x) { return x > 0 ? 1 : std::exp(x) / 2; }, -9, 3, 4);
  check_wide<T>(
      "celu", celu_of_3, [](long double x) { return x > 0 ? x : 3 * std::expm1(x / 3); }, -9, 3, 4);
  check_wide<T>(
      "slope of celu", slope(celu_of_3), [](long double x) { return x > 0 ? 1 : std::exp(x / 3); }, -3, 3, 4);
  check_wide<T>(
      "slope of softsign", slope(softsign),
      [](long double x) { return 1 / ((1 + std::abs(x)) * (1 + std::abs(x))); }, -end / 2.1, end / 2.1, 4, 0,
      true);
}

template <class T, int n>
void check_polygamma() {
  const auto f = [](const Tensor& x) { return polygamma(n, x); };
  constexpr double end = sizeof(T) == 4 ? 80 : 700;
  check_wide<T>("polygamma", f, polygamma_of<n>, 0, 30, 8);
  check_wide<T>("polygamma", f, polygamma_of<n>, -end / (n + 1), end / n, 8, 0, true);
}

TEST(WideFunctions, that_go_number_by_number_are_within_as_many_units) {
  check_polygamma<double, 2>();
  check_polygamma<double, 3>();
  check_polygamma<double, 4>();
  check_polygamma<double, 5>();
  check_polygamma<float, 2>();
}

TEST(WideFunctions, include_those_of_one_pass_and_their_slopes) {
  check_one_pass<double>();
  check_one_pass<float>();
}

TEST(WideFunctions, are_within_a_few_units_of_the_correctly_rounded_result) {
  check_all_wide<double>();
  check_all_wide<float>();
}

TEST(WideFunctions, are_what_one_number_alone_is_at_zeros_infinities_and_nan) {
  using Limits = std::numeric_limits<double>;
  const double inf = Limits::infinity();
  const std::vector<double> special = {0.0,
                                       -0.0,
                                       1,
                                       -1,
                                       2,
                                       -2,
                                       -3.5,
                                       0.5,
                                       -0.5,
                                       1.5,
                                       2.5,
                                       -2.5,
                                       inf,
                                       -inf,
                                       Limits::quiet_NaN(),
                                       Limits::denorm_min(),
                                       -Limits::denorm_min(),
                                       Limits::min(),
                                       Limits::max(),
                                       -Limits::max(),
                                       0x1p52,
                                       -0x1p52,
                                       0x1p52 - 0.5,
                                       0.5 - 0x1p52,
                                       1e-300,
                                       -1e-300,
                                       0.49999999999999994,
                                       40,
                                       -40,
                                       711,
                                       -711};
  const Function functions[] = {
      chainrule::cbrt,
      chainrule::exp2,
      chainrule::tan,
      chainrule::asin,
      chainrule::acos,
      chainrule::atan,
      chainrule::sinh,
      chainrule::cosh,
      chainrule::asinh,
      chainrule::acosh,
      chainrule::atanh,
      chainrule::log2,
      chainrule::log10,
      sinc,
      [](const Operand& x) { return elu(x, 0.5); },
      [](const Operand& x) { return celu(x, 3); },
      chainrule::erf,
      chainrule::erfc,
      erfinv,
      ndtr,
      digamma,
      chainrule::lgamma,
      chainrule::floor,
      chainrule::ceil,
      chainrule::trunc,
      [](const Operand& x) { return round(x); },
      [](const Operand& x) { return gelu(x); },
      [](const Operand& x) { return logit(x); },
      [](const Operand& x) { return polygamma(1, x); },
      [](const Operand& x) { return slope_of<double>(erfinv, reshape(x.as_tensor(), {-1})); },
      [](const Operand& x) { return slope_of<double>(sinc, reshape(x.as_tensor(), {-1})); }};
  for (std::size_t f = 0; f < std::size(functions); ++f) {
    const std::vector<double> together = functions[f](tensor(special)).to_vector<double>();
    for (std::size_t i = 0; i < special.size(); ++i) {
      const double alone = functions[f](tensor(special[i])).to_vector<double>()[0];
      if (std::isnan(alone) || std::isinf(alone) || alone == 0) {
        const bool is_same = together[i] == alone || (std::isnan(alone) && std::isnan(together[i]));
        EXPECT_TRUE(is_same || (alone == 0 && std::abs(together[i]) <= Limits::denorm_min()))
            << f << " of " << special[i] << ": " << together[i] << " and " << alone;
        EXPECT_TRUE(alone != 0 || together[i] != 0 || std::signbit(alone) == std::signbit(together[i]))
            << f << " of " << special[i];
      } else {
        EXPECT_NEAR(together[i], alone, 2e-15 * std::max(std::abs(alone), 1e-290))
            << f << " of " << special[i];
      }
    }
  }
}

}  // namespace
}  // namespace chainrule
