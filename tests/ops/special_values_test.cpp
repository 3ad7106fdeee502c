// NaN, infinities, zeros of both signs, and accuracy far from 1: what the elementwise operations do where the
// other tests, which stay near 1, do not look.

#include <algorithm>
#include <cmath>
#include <limits>

#include "op_cases.h"

namespace chainrule::test {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double nan = std::numeric_limits<double>::quiet_NaN();
const std::vector<double> special = {nan, infinity, -infinity, 0.0, -0.0, 1.0, -1.0, 0.5, -2.0, 3.0};

class SpecialValues : public ::testing::TestWithParam<Case> {
 protected:
  static bool same_number(double actual, double expected, bool sign_of_zero) {
    if (sign_of_zero && expected == 0 && std::signbit(actual) != std::signbit(expected)) return false;
    return agree(actual, expected, 1e-6);
  }

  /// Every combination of special values, one element each, for as many inputs as the operation has.
  /// There are enough to fill vector registers, and some are left over.
  std::vector<reference::Numbers> combinations() const {
    std::vector<reference::Numbers> all = {{}};
    for (std::size_t i = 0; i < GetParam().inputs().size(); ++i) {
      std::vector<reference::Numbers> longer;
      for (const auto& numbers : all)
        for (const double next : special) {
          longer.push_back(numbers);
          longer.back().push_back(next);
        }
      all = std::move(longer);
    }
    const std::vector<reference::Numbers> once = all;
    while (all.size() < 30) all.insert(all.end(), once.begin(), once.end());
    return all;
  }

  void expect_agreement(DType dtype) const {
    const OpCase& row = *GetParam().row;
    const auto all = combinations();
    Inputs inputs;
    for (std::size_t i = 0; i < GetParam().inputs().size(); ++i) {
      std::vector<double> numbers;
      for (const auto& one : all) numbers.push_back(static_cast<double>(one[i]));
      inputs.push_back(tensor(numbers));
    }
    if (row.operation == "where") inputs[0] = not_equal(inputs[0], 0.0);
    const auto result = values(GetParam().variant->call(converted(inputs, dtype)));
    for (std::size_t i = 0; i < all.size(); ++i) {
      const auto expected = static_cast<double>(row.scalar(all[i]));
      EXPECT_TRUE(same_number(result[i], expected, row.sign_of_zero))
          << row.operation << " of " << ::testing::PrintToString(all[i]) << " is " << result[i]
          << " instead of " << expected;
    }
  }
};

TEST_P(SpecialValues, give_what_numpy_gives_in_float64) { expect_agreement(DType::float64); }
TEST_P(SpecialValues, give_what_numpy_gives_in_float32) { expect_agreement(DType::float32); }

INSTANTIATE_TEST_SUITE_P(Table, SpecialValues, ::testing::ValuesIn(elementwise_cases()), case_name);

std::vector<Case> unary_cases() {
  std::vector<Case> some;
  for (const Case& one : elementwise_cases())
    if (one.inputs().size() == 1) some.push_back(one);
  return some;
}

/// The distance from one number to the next at this size.
template <class T>
double spacing(double number) {
  const T size = std::max(std::abs(static_cast<T>(number)), std::numeric_limits<T>::min());
  return static_cast<double>(std::nextafter(size, std::numeric_limits<T>::infinity()) - size);
}

class Accuracy : public ::testing::TestWithParam<Case> {
 protected:
  /// Numbers of every magnitude between the row's bounds.
  template <class T>
  std::vector<T> numbers(Engine& engine) const {
    const auto limit = [](double bound) { return std::clamp(bound, -1e30, 1e30); };
    double lowest = GetParam().row->lowest;
    double highest = GetParam().row->highest;
    if constexpr (std::is_same_v<T, float>) {
      lowest = std::max(limit(lowest), GetParam().row->operation == "exp" || lowest <= -700 ? -80.0 : -1e30);
      highest = std::min(limit(highest), GetParam().row->operation == "exp" ? 80.0 : 1e18);
      if (GetParam().row->lowest > 0) lowest = 1e-30;
    }
    std::vector<T> result;
    while (result.size() < 2000) {
      const double bound = uniform(engine, 0, 1) < 0.5 ? lowest : highest;
      const double smallest = lowest > 0 ? lowest : std::abs(bound) * 1e-12;
      const double number =
          bound == 0 ? 0
                     : std::copysign(std::exp(uniform(engine, std::log(smallest), std::log(std::abs(bound)))),
                                     bound);
      if (number >= lowest && number <= highest) result.push_back(static_cast<T>(number));
    }
    return result;
  }

  template <class T>
  void expect_accuracy(double units) const {
    PRINT_SEED_ON_FAILURE();
    Engine engine(seed());
    const auto at = numbers<T>(engine);
    const auto result = values(GetParam().variant->call(Inputs{tensor(at)}));
    double worst = 0;
    T worst_at = 0;
    for (std::size_t i = 0; i < at.size(); ++i) {
      const auto exact = GetParam().row->scalar({at[i]});
      const double error = static_cast<double>(std::abs(static_cast<reference::Number>(result[i]) - exact)) /
                           spacing<T>(static_cast<double>(exact));
      if (!(error > worst)) continue;
      worst = error;
      worst_at = at[i];
    }
    EXPECT_LE(worst, units) << "units in the last place, at " << std::setprecision(17) << worst_at;
  }
};

TEST_P(Accuracy, is_within_four_units_in_the_last_place_in_float64) {
  // Special functions have eight. These are products of an exponential and a quotient of polynomials.
  const std::string& operation = GetParam().row->operation;
  expect_accuracy<double>(operation == "erfc" || operation == "ndtr" ? 8 : 4);
}
TEST_P(Accuracy, is_within_four_units_in_the_last_place_in_float32) { expect_accuracy<float>(4); }

INSTANTIATE_TEST_SUITE_P(Table, Accuracy, ::testing::ValuesIn(unary_cases()), case_name);

}  // namespace
}  // namespace chainrule::test
