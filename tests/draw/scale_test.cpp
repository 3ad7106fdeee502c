// Axes: round numbers, ends, logarithms, and numbers that are all the same.
// Relies on support.h, and on nothing that has a screen.

#include "draw/plot/scale.h"

#include <cmath>

#include "support.h"

namespace chainrule {
namespace {

std::vector<std::string> labels(const Scale& scale) {
  std::vector<std::string> result;
  for (const Scale::Tick& tick : scale.ticks()) result.push_back(tick.label);
  return result;
}
using Labels = std::vector<std::string>;

TEST(Scale, has_round_ticks_and_ends) {
  const Scale scale = Scale::linear(0.13, 0.91, 5);
  EXPECT_EQ(labels(scale), Labels({"0.0", "0.2", "0.4", "0.6", "0.8", "1.0"}));
  EXPECT_DOUBLE_EQ(scale(0), 0);
  EXPECT_DOUBLE_EQ(scale(0.25), 0.25);
  EXPECT_DOUBLE_EQ(scale(1), 1);
  EXPECT_EQ(labels(Scale::linear(-3, 7, 5)), Labels({"-4", "-2", "0", "2", "4", "6", "8"}));
}

TEST(Scale, that_is_exact_ends_where_told) {
  const Scale scale = Scale::exact(-0.5, 2.25, 5);
  EXPECT_EQ(labels(scale), Labels({"0", "1", "2"}));
  EXPECT_DOUBLE_EQ(scale(-0.5), 0);
  EXPECT_DOUBLE_EQ(scale(2.25), 1);
}

TEST(Scale, counts_from_one) {
  EXPECT_EQ(labels(Scale::counting(50, 6)), Labels({"1", "10", "20", "30", "40", "50"}));
  EXPECT_EQ(labels(Scale::counting(3, 6)), Labels({"1", "2", "3"}));
  const Scale one = Scale::counting(1, 6);
  EXPECT_EQ(labels(one), Labels({"1"}));
  EXPECT_NEAR(one(1), 0.5, 1e-12);
}

TEST(Scale, is_logarithmic_for_numbers_that_span_much) {
  const std::vector<PlotCurve> falling = {{"loss", {0.43, 0.1, 0.011}}};
  const Scale scale = Scale::fitting(falling, 6);
  EXPECT_TRUE(scale.is_logarithmic());
  EXPECT_EQ(labels(scale), Labels({"0.01", "0.02", "0.05", "0.1", "0.2", "0.5"}));
  EXPECT_NEAR(scale(0.01), 0, 1e-12);
  EXPECT_NEAR(scale(std::sqrt(0.01 * 0.5)), 0.5, 1e-12);
  EXPECT_NEAR(scale(0.5), 1, 1e-12);
}

TEST(Scale, over_many_powers_of_ten_marks_some_of_them) {
  const std::vector<PlotCurve> falling = {{"loss", {3, 2e-9}}};
  const Labels marks = labels(Scale::fitting(falling, 5));
  EXPECT_GE(marks.size(), 3);
  EXPECT_LE(marks.size(), 8);
}

TEST(Scale, copes_with_numbers_that_are_all_the_same_or_not_finite) {
  for (const double value : {0.0, 1.0, -2.5, 1e-300, 1e300}) {
    const std::vector<PlotCurve> flat = {{"", {value, NAN, value, INFINITY}}};
    const double position = Scale::fitting(flat, 5)(value);
    EXPECT_TRUE(position >= 0 && position <= 1) << value;
    EXPECT_TRUE(has_finite(flat));
  }
  EXPECT_FALSE(has_finite(std::vector<PlotCurve>{{"", {NAN, INFINITY}}, {"", {}}}));
}

}  // namespace
}  // namespace chainrule
