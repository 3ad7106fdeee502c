#include <limits>
#include <sstream>

#include "support.h"

// What NumPy prints for the same arrays with precision=4.
namespace chainrule::test {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double nan = std::numeric_limits<double>::quiet_NaN();

TEST(Printing, of_floats_keeps_the_trailing_point) {
  EXPECT_EQ(to_string(tensor({1.0, 2.0, 3.0})), "[1. 2. 3.]");
  EXPECT_EQ(to_string(tensor({1.0F, 2.0F, 3.0F})), "[1. 2. 3.]");
}

TEST(Printing, aligns_the_points_of_floats) {
  EXPECT_EQ(to_string(tensor({0.1, 0.25, 3.0})), "[0.1  0.25 3.  ]");
  EXPECT_EQ(to_string(tensor({-1.0, 2.5})), "[-1.   2.5]");
  EXPECT_EQ(to_string(tensor({1.0, 10.0, 100.0})), "[  1.  10. 100.]");
  EXPECT_EQ(to_string(tensor({0.0, -0.0})), "[ 0. -0.]");
}

TEST(Printing, rounds_to_the_precision_asked_for) {
  EXPECT_EQ(to_string(tensor({1.0 / 3, 1.0})), "[0.3333 1.    ]");
  EXPECT_EQ(to_string(tensor({2.0 / 3, 1.0}), {.precision = 2}), "[0.67 1.  ]");
  EXPECT_EQ(to_string(tensor({2.0 / 3}), {.precision = 8}), "[0.66666667]");
}

TEST(Printing, of_float32_shows_no_digits_that_it_does_not_have) {
  EXPECT_EQ(to_string(tensor({0.1F, 0.7F}), {.precision = 12}), "[0.1 0.7]");
}

TEST(Printing, of_whole_numbers_and_booleans_aligns_them_to_the_right) {
  EXPECT_EQ(to_string(tensor({1, 10, 100})), "[  1  10 100]");
  EXPECT_EQ(to_string(tensor({-1, 2})), "[-1  2]");
  EXPECT_EQ(to_string(tensor({true, false})), "[ True False]");
  EXPECT_EQ(to_string(tensor({true, true})), "[ True  True]");
}

TEST(Printing, of_numbers_that_are_not_finite) {
  EXPECT_EQ(to_string(tensor({1.0, nan, infinity})), "[ 1. nan inf]");
  EXPECT_EQ(to_string(tensor({1.5, nan, -infinity})), "[ 1.5  nan -inf]");
  EXPECT_EQ(to_string(tensor({nan, nan})), "[nan nan]");
}

TEST(Printing, of_very_different_sizes_uses_exponents) {
  EXPECT_EQ(to_string(tensor({1e10, 1.0})), "[1.e+10 1.e+00]");
  EXPECT_EQ(to_string(tensor({0.00001, 1.0})), "[1.e-05 1.e+00]");
  EXPECT_EQ(to_string(tensor({1000.0, 1.5, 0.001})), "[1.0e+03 1.5e+00 1.0e-03]");
  EXPECT_EQ(to_string(tensor({1e300, -1e-300})), "[ 1.e+300 -1.e-300]");
}

TEST(Printing, of_matrices_and_more_nests_the_brackets) {
  EXPECT_EQ(to_string(tensor({{1.0, 2.0}, {3.0, 4.0}})), "[[1. 2.]\n [3. 4.]]");
  EXPECT_EQ(to_string(tensor({{{1, 2}, {3, 4}}, {{5, 6}, {7, 8}}})),
            "[[[1 2]\n  [3 4]]\n\n [[5 6]\n  [7 8]]]");
  EXPECT_EQ(to_string(tensor({{1.0, 20.5}, {-3.0, 4.0}})), "[[ 1.  20.5]\n [-3.   4. ]]");
  EXPECT_EQ(to_string(arange(0, 2).reshape({2, 1, 1, 1})), "[[[[0]]]\n\n\n [[[1]]]]");
}

TEST(Printing, of_scalars_has_no_brackets) {
  EXPECT_EQ(to_string(tensor(-12.0)), "-12.0");
  EXPECT_EQ(to_string(tensor(0.5)), "0.5");
  EXPECT_EQ(to_string(tensor(7)), "7");
  EXPECT_EQ(to_string(tensor(true)), "True");
  EXPECT_EQ(to_string(tensor(nan)), "nan");
  EXPECT_EQ(to_string(tensor(-infinity)), "-inf");
}

TEST(Printing, of_nothing_is_a_pair_of_brackets) {
  EXPECT_EQ(to_string(zeros({0})), "[]");
  EXPECT_EQ(to_string(zeros({0, 3})), "[]");
}

TEST(Printing, of_many_elements_shows_the_ends) {
  EXPECT_EQ(to_string(arange(0, 2000)), "[   0    1    2 ... 1997 1998 1999]");
  EXPECT_EQ(to_string(zeros({50, 50})),
            "[[0. 0. 0. ... 0. 0. 0.]\n"
            " [0. 0. 0. ... 0. 0. 0.]\n"
            " [0. 0. 0. ... 0. 0. 0.]\n"
            " ...\n"
            " [0. 0. 0. ... 0. 0. 0.]\n"
            " [0. 0. 0. ... 0. 0. 0.]\n"
            " [0. 0. 0. ... 0. 0. 0.]]");
}

TEST(Printing, formats_only_the_elements_that_are_shown) {
  std::vector<double> numbers(2000, 1.0);
  numbers[1000] = 1e10;
  EXPECT_EQ(to_string(tensor(numbers)), "[1. 1. 1. ... 1. 1. 1.]");
}

TEST(Printing, shows_a_short_axis_whole_even_when_a_long_one_is_not) {
  EXPECT_EQ(to_string(arange(0, 2000).reshape({1000, 2})),
            "[[   0    1]\n"
            " [   2    3]\n"
            " [   4    5]\n"
            " ...\n"
            " [1994 1995]\n"
            " [1996 1997]\n"
            " [1998 1999]]");
}

TEST(Printing, can_be_told_when_and_where_to_summarise) {
  EXPECT_EQ(to_string(arange(0, 10), {.threshold = 5, .edge_items = 2}), "[0 1 ... 8 9]");
  EXPECT_EQ(to_string(arange(0, 5), {.threshold = 5, .edge_items = 1}), "[0 1 2 3 4]");
}

TEST(Printing, of_long_rows_wraps_them_at_75_columns) {
  EXPECT_EQ(to_string(arange(0, 30)),
            "[ 0  1  2  3  4  5  6  7  8  9 10 11 12 13 14 15 16 17 18 19 20 21 22 23\n"
            " 24 25 26 27 28 29]");
}

TEST(Printing, goes_to_streams) {
  std::ostringstream out;
  out << tensor({1.0, 2.0}) << " and " << tensor(3.0);
  EXPECT_EQ(out.str(), "[1. 2.] and 3.0");
}

}  // namespace
}  // namespace chainrule::test
