// Functions that are computed in numbers, and for arrays in packs: these give what one number alone does,
// which special_of_numbers_test.cpp holds against mpmath. CHAINRULE_ISA chooses the instruction set.

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "chainrule/autograd.h"
#include "chainrule/functions.h"
#include "ops/units.h"
#include "support.h"

namespace chainrule {
namespace {

/// The derivative of an order of 0 or 1.
Tensor derivative(Function f, int order, const Tensor& at) {
  if (order == 0) return f(at);
  const Tensor x = variable(at);
  return gradients(sum(f(x)), {x}).at(x);
}

struct Case {
  const char* name;
  Function f;
  /// Where all is tried, and where its logarithm is, of both signs.
  double low, high, end;
  /// Where results are smaller, errors are those of what has this size.
  double least_slope = 0;
  double units = 5;
};
const Case cases[] = {{"i0", i0, -40, 40, 700},        {"i1", i1, -40, 40, 700},
                      {"i0e", i0e, -40, 40, 1e300},    {"i1e", i1e, -5, 5, 5, 0.2},
                      {"i1e", i1e, -40, -2, 1e300},    {"log_ndtr", log_ndtr, -40, 38, 1e150, 0, 6},
                      {"ndtri", ndtri, 0, 1, 1, 0, 8}, {"ndtri", ndtri, 1e-12, 1e-10, 1e-30, 0, 8}};

/// How far what packs give is from what numbers give in float64.
template <class T>
void expect_what_numbers_give(const Case& c, int order, const std::vector<T>& x) {
  const std::vector<T> got = derivative(c.f, order, tensor(x)).template to_vector<T>();
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double right = derivative(c.f, order, tensor(static_cast<double>(x[i]))).item();
    if (std::abs(right) > static_cast<double>(std::numeric_limits<T>::max()) || std::isnan(right)) {
      const auto rounded = static_cast<T>(right);
      EXPECT_TRUE(got[i] == rounded || (std::isnan(got[i]) && std::isnan(rounded)))
          << c.name << " of order " << order << " at " << x[i] << ": " << got[i] << " and " << right;
      continue;
    }
    int exponent = 0;
    std::frexp(std::max(std::abs(right), order == 1 ? c.least_slope : 0), &exponent);
    using Limits = std::numeric_limits<T>;
    const double unit = std::ldexp(1.0, std::max(exponent, Limits::min_exponent) - Limits::digits);
    EXPECT_LE(std::abs(static_cast<double>(got[i]) - right), c.units * unit)
        << c.name << " of order " << order << " at " << x[i] << ": " << got[i] << " and " << right;
  }
}

template <class T>
void check(const Case& c) {
  std::mt19937_64 engine(7);
  std::uniform_real_distribution<double> uniform(c.low, c.high),
      exponent(-30, std::log(std::min(c.end, std::numeric_limits<T>::max() / 4.0)));
  std::vector<T> x;
  for (int i = 0; i < 500; ++i) x.push_back(static_cast<T>(uniform(engine)));
  for (int i = 0; i < 300; ++i)
    x.push_back(static_cast<T>(std::exp(exponent(engine)) * (i % 2 == 0 ? 1 : -1)));
  for (int order = 0; order < 2; ++order) expect_what_numbers_give(c, order, x);
}

TEST(NumberPacks, give_what_one_number_alone_does) {
  for (const Case& c : cases) {
    check<double>(c);
    check<float>(c);
  }
}

template <class T>
void check_ends(const Case& c) {
  using Limits = std::numeric_limits<T>;
  constexpr T infinity = Limits::infinity();
  const std::vector<T> ends = {0,
                               T(-0.0),
                               1,
                               -1,
                               infinity,
                               -infinity,
                               Limits::quiet_NaN(),
                               Limits::denorm_min(),
                               -Limits::denorm_min(),
                               Limits::min(),
                               Limits::max(),
                               -Limits::max()};
  for (int order = 0; order < 2; ++order) expect_what_numbers_give(c, order, ends);
}

TEST(NumberPacks, give_what_one_number_alone_does_at_zeros_infinities_and_nan) {
  for (const Case& c : cases) {
    check_ends<double>(c);
    check_ends<float>(c);
  }
}

/// The incomplete gamma functions, and the slope of the first one in x, of arrays and of numbers.
template <class T>
void expect_what_numbers_give_of_gamma(const std::vector<T>& a, const std::vector<T>& x) {
  const auto slope = [](const Operand& of, const Operand& x_at) {
    const Tensor at = variable(x_at.as_tensor());
    return gradients(sum(gammainc(of, at)), {at}).at(at);
  };
  const std::pair<const char*, std::function<Tensor(const Operand&, const Operand&)>> functions[] = {
      {"gammainc", gammainc}, {"gammaincc", gammaincc}, {"slope of gammainc", slope}};
  for (const auto& [name, f] : functions) {
    const std::vector<T> got = f(tensor(a), tensor(x)).template to_vector<T>();
    for (std::size_t i = 0; i < a.size(); ++i) {
      const double right = f(tensor(double{a[i]}), tensor(double{x[i]})).item();
      const auto rounded = static_cast<T>(right);
      if (!std::isfinite(rounded)) {
        EXPECT_TRUE(got[i] == rounded || (std::isnan(got[i]) && std::isnan(rounded)))
            << name << ' ' << a[i] << ", " << x[i] << ": " << got[i] << " and " << right;
        continue;
      }
      const double unit =
          std::nextafter(std::abs(rounded), std::numeric_limits<T>::infinity()) - std::abs(rounded);
      EXPECT_LE(std::abs(double{got[i]} - right), 9 * unit)
          << name << ' ' << a[i] << ", " << x[i] << ": " << got[i] << " and " << right;
    }
  }
}

template <class T>
void check_gamma(std::uint64_t seed) {
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 engine(seed);
  std::uniform_real_distribution<double> share(0, 1);
  const auto of_size = [&](double low, double high) { return std::exp(low + (high - low) * share(engine)); };
  std::vector<T> a, x;
  const auto add = [&](double first, double second) {
    a.push_back(static_cast<T>(first));
    x.push_back(static_cast<T>(second));
  };
  for (int i = 0; i < 400; ++i) add(5 * share(engine), 5 * share(engine));
  for (int i = 0; i < 400; ++i) add(50 * share(engine), 80 * share(engine));
  for (int i = 0; i < 300; ++i) add(of_size(-25, 8), of_size(-25, 8));
  for (int i = 0; i < 300; ++i) {  // where neither is 0
    const double at = of_size(2, 11);
    add(at, at + std::sqrt(at) * (8 * share(engine) - 4));
  }
  expect_what_numbers_give_of_gamma(a, x);
}

TEST(NumberPacks, give_incomplete_gamma_functions_as_of_one_number) {
  check_gamma<double>(5);
  check_gamma<float>(6);
}

TEST(NumberPacks, give_incomplete_gamma_functions_at_their_ends) {
  const double infinity = std::numeric_limits<double>::infinity(),
               nan = std::numeric_limits<double>::quiet_NaN();
  const std::vector<double> ends = {0,    -0.0, 5e-324, 1e-300, 1e-280, 0.7,      1,  4,
                                    1000, 1001, 1e8,    1e9,    1e300,  infinity, -1, nan};
  std::vector<double> a, x;
  for (const double first : ends)
    for (const double second : ends) {
      if (first >= 1e9 && std::isfinite(first) && second == first) continue;  // numbers do not know it either
      a.push_back(first);
      x.push_back(second);
    }
  expect_what_numbers_give_of_gamma(a, x);
}

}  // namespace
}  // namespace chainrule
