/// \file
/// GoogleTest matchers and assertions for tests of programs that use the library. Not part of chainrule.h, as
/// it needs gmock (GTest::gmock in CMake).

#pragma once

#include <cmath>
#include <limits>
#include <ostream>
#include <sstream>
#include <string>

#include <gmock/gmock.h>

#include "chainrule/operation.h"
#include "chainrule/ops.h"

namespace chainrule {
namespace detail {

/// The place of an element in row-major order, as "[1, 2]".
inline std::string place_of(std::int64_t element, const Shape& shape) {
  std::string text;
  for (std::size_t axis = shape.rank(); axis-- > 0; element /= shape[axis])
    text.insert(0, std::to_string(element % shape[axis]) + (text.empty() ? "" : ", "));
  return "[" + text + "]";
}

class IsCloseMatcher {
 public:
  using is_gtest_matcher = void;
  IsCloseMatcher(Tensor expected, double rtol, double atol)
      : expected_(std::move(expected)), rtol_(rtol), atol_(atol) {}

  bool MatchAndExplain(const Tensor& actual, std::ostream* out) const {
    std::ostringstream ignored;
    std::ostream& explain = out != nullptr ? *out : ignored;
    if (actual.is_empty() || actual.shape() != expected_.shape()) {
      explain << (actual.is_empty() ? "which is a handle to nothing"
                                    : "which has shape " + to_string(actual.shape()));
      return false;
    }
    const auto a = actual.to_vector<double>(), b = expected_.to_vector<double>();
    std::size_t differ = 0, first = 0;
    for (std::size_t i = a.size(); i-- > 0;)
      if (!close(a[i], b[i])) {
        ++differ;
        first = i;
      }
    if (differ == 0) return true;
    explain.precision(std::numeric_limits<double>::max_digits10);
    explain << "where " << differ << " of " << a.size() << " elements differ, first at "
            << place_of(static_cast<std::int64_t>(first), actual.shape()) << ": " << a[first] << ", not "
            << b[first];
    return false;
  }
  void DescribeTo(std::ostream* out) const { describe(*out, "is"); }
  void DescribeNegationTo(std::ostream* out) const { describe(*out, "is not"); }

 private:
  bool close(double a, double b) const {
    if (std::isnan(a) || std::isnan(b)) return std::isnan(a) && std::isnan(b);
    return a == b || (std::isfinite(b) && std::abs(a - b) <= atol_ + rtol_ * std::abs(b));
  }
  void describe(std::ostream& out, const char* is) const {
    out << is << " close to a tensor of shape " << expected_.shape() << " (rtol " << rtol_ << ", atol "
        << atol_ << "):\n"
        << to_string(expected_);
  }
  Tensor expected_;
  double rtol_, atol_;
};

}  // namespace detail

/// EXPECT_THAT(y, IsClose(expected)): y has the shape of the expected tensor (or number, or braced list), and
/// each |y - expected| <= atol + rtol |expected|. NaN equals NaN. The dtype does not matter.
inline ::testing::Matcher<const Tensor&> IsClose(const Operand& expected, double rtol = 1e-9,
                                                 double atol = 0) {
  return detail::IsCloseMatcher(expected.as_tensor(), rtol, atol);
}

/// EXPECT_TRUE(IsRightOperation([](const std::vector<Tensor>& in) { return my_operation(in[0]); }, {x})): see
/// check_operation.
template <std::invocable<const std::vector<Tensor>&> F>
::testing::AssertionResult IsRightOperation(const F& f, const std::vector<Tensor>& inputs) {
  const auto check = check_operation(f, inputs);
  return check.passed ? ::testing::AssertionSuccess() : ::testing::AssertionFailure() << check.message;
}

}  // namespace chainrule
