// What NumPy prints for the same arrays with precision=4.
// support.h reads and compares tensors.

#include <limits>
#include <sstream>

#include "support.h"

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
  EXPECT_EQ(to_string(tensor(7.5e14F)), "750000000000000.0");
  EXPECT_EQ(to_string(tensor(-974130880.F)), "-974130900.0");
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

// Rows wrap at 75 columns, less one for each bracket that may have to close at the end.
TEST(Printing, wraps_rows_of_every_rank_and_width_where_numpy_does) {
  constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max(), least = -most - 1;
  EXPECT_EQ(to_string(concatenate({arange(0, 25, DType::float64) * 0.1, full({25}, 3.0, DType::float64)})),
            "[0.  0.1 0.2 0.3 0.4 0.5 0.6 0.7 0.8 0.9 1.  1.1 1.2 1.3 1.4 1.5 1.6 1.7\n"
            " 1.8 1.9 2.  2.1 2.2 2.3 2.4 3.  3.  3.  3.  3.  3.  3.  3.  3.  3.  3.\n"
            " 3.  3.  3.  3.  3.  3.  3.  3.  3.  3.  3.  3.  3.  3. ]");
  EXPECT_EQ(to_string(arange(0, 24).reshape({1, 24})),
            "[[ 0  1  2  3  4  5  6  7  8  9 10 11 12 13 14 15 16 17 18 19 20 21 22 23]]");
  EXPECT_EQ(to_string(arange(0, 25).reshape({1, 25})),
            "[[ 0  1  2  3  4  5  6  7  8  9 10 11 12 13 14 15 16 17 18 19 20 21 22 23\n"
            "  24]]");
  EXPECT_EQ(to_string(arange(0, 50).reshape({1, 1, 1, 50})),
            "[[[[ 0  1  2  3  4  5  6  7  8  9 10 11 12 13 14 15 16 17 18 19 20 21\n"
            "    22 23 24 25 26 27 28 29 30 31 32 33 34 35 36 37 38 39 40 41 42 43\n"
            "    44 45 46 47 48 49]]]]");
  EXPECT_EQ(to_string(tensor({1e300, -1e-300, 3.3333e100, 1e300, -1e-300, 3.3333e100})),
            "[ 1.0000e+300 -1.0000e-300  3.3333e+100  1.0000e+300 -1.0000e-300\n"
            "  3.3333e+100]");
  EXPECT_EQ(to_string(tensor({{least, most, std::int64_t{3}, std::int64_t{4}}})),
            "[[-9223372036854775808  9223372036854775807                    3\n"
            "                     4]]");
  EXPECT_EQ(to_string(tensor(std::vector<bool>(15, true))),
            "[ True  True  True  True  True  True  True  True  True  True  True  True\n"
            "  True  True  True]");
  EXPECT_EQ(to_string(tensor({{1.0 / 3 * 1e-300, 2.0 / 3, 1e300, 1.0 / 7}}), {.precision = 17}),
            "[[3.3333333333333334e-301 6.6666666666666663e-001 1.0000000000000001e+300\n"
            "  1.4285714285714285e-001]]");
  EXPECT_EQ(to_string(arange(0, 2000), {.edge_items = 12}),
            "[   0    1    2    3    4    5    6    7    8    9   10   11 ... 1988 1989\n"
            " 1990 1991 1992 1993 1994 1995 1996 1997 1998 1999]");
  EXPECT_EQ(to_string(arange(0, 2000, DType::float64).reshape({1, 2000}) / 7, {.edge_items = 12}),
            "[[0.0000e+00 1.4286e-01 2.8571e-01 4.2857e-01 5.7143e-01 7.1429e-01\n"
            "  8.5714e-01 1.0000e+00 1.1429e+00 1.2857e+00 1.4286e+00 1.5714e+00 ...\n"
            "  2.8400e+02 2.8414e+02 2.8429e+02 2.8443e+02 2.8457e+02 2.8471e+02\n"
            "  2.8486e+02 2.8500e+02 2.8514e+02 2.8529e+02 2.8543e+02 2.8557e+02]]");
  EXPECT_EQ(to_string(arange(0, 8).reshape({8, 1, 1}), {.threshold = 0}),
            "[[[0]]\n"
            "\n"
            " [[1]]\n"
            "\n"
            " [[2]]\n"
            "\n"
            " ...\n"
            "\n"
            " [[5]]\n"
            "\n"
            " [[6]]\n"
            "\n"
            " [[7]]]");
}

TEST(Printing, of_nothing_takes_no_time_whatever_the_shape) {
  EXPECT_EQ(to_string(zeros({3, 0})), "[]");
  EXPECT_EQ(to_string(zeros({2, 0, 5})), "[]");
  EXPECT_EQ(to_string(zeros({100000000, 0})), "[]");
  EXPECT_EQ(to_string(zeros({std::int64_t{1} << 62, 0})), "[]");
}

TEST(Printing, takes_any_number_of_items_at_the_edges) {
  constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max();
  EXPECT_EQ(to_string(arange(0, 5), {.threshold = 2, .edge_items = most}), "[0 1 2 3 4]");
  EXPECT_EQ(to_string(arange(0, 5), {.threshold = 2, .edge_items = most / 2 + 1}), "[0 1 2 3 4]");
  EXPECT_EQ(to_string(zeros({3, 2}), {.threshold = -1, .edge_items = 1}), "[[0. 0.]\n ...\n [0. 0.]]");
  EXPECT_EQ(to_string(tensor({1.0, 2.5}), {.precision = -3}), "[1. 2.]") << "no digits";
}

TEST(Printing, of_64_axes_nests_64_brackets) {
  const std::string text = to_string(zeros(Shape::filled(64, 1)));
  EXPECT_EQ(text, std::string(64, '[') + "0." + std::string(64, ']'));
}

TEST(Printing, leaves_no_spaces_at_the_ends_of_lines) {
  Engine engine(seed());
  PRINT_SEED_ON_FAILURE();
  for (int i = 0; i < 200; ++i) {
    const auto size = [&] { return static_cast<std::int64_t>(uniform(engine, 1, 40)); };
    Tensor x = random_tensor({size(), size()}, engine, -100, 100);
    if (i % 2 == 0) x = x * (random_tensor(x.shape(), engine) > 0) / 7;
    const std::string text = to_string(x, {.precision = i % 10, .threshold = i % 3 == 0 ? 10 : 1000});
    EXPECT_EQ(text.find(" \n"), std::string::npos) << text;
  }
}

TEST(Printing, goes_to_streams) {
  std::ostringstream out;
  out << tensor({1.0, 2.0}) << " and " << tensor(3.0);
  EXPECT_EQ(out.str(), "[1. 2.] and 3.0");
}

}  // namespace
}  // namespace chainrule::test
