// Arrays as coloured cells: numbers, signs, what is no number, and large ones. Relies on support.h, and on
// nothing that has a screen.

#include "draw/walk/heat_map.h"

#include <cmath>

#include "chainrule/ops.h"
#include "support.h"

namespace chainrule::test {
namespace {

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t number = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++number;
  return number;
}

TEST(HeatMap, has_the_numbers_of_few_elements_in_its_cells) {
  const std::string svg = HeatMap(tensor({{1.0, -2.0}, {0.0, 4.0}})).svg({0, 0});
  EXPECT_EQ(count(svg, "<text"), 4U);
  EXPECT_TRUE(mentions(svg, {">1</text>", ">-2</text>", ">0</text>", ">4</text>"}));
}

TEST(HeatMap, is_stronger_for_larger_numbers_grey_for_negative_ones_and_empty_for_zero) {
  const std::string svg = HeatMap(tensor({{1.0, -2.0}, {0.0, 4.0}})).svg({0, 0});
  EXPECT_EQ(count(svg, "class=\"heat\""), 2U) << "1 and 4";
  EXPECT_EQ(count(svg, "class=\"heat negative\""), 1U);
  EXPECT_TRUE(mentions(svg, {"class=\"heat\" fill-opacity=\"0.1\"", "class=\"heat\" fill-opacity=\"0.42\""}));
}

TEST(HeatMap, marks_what_is_no_number_and_does_not_let_infinity_pale_the_rest) {
  const std::string svg = HeatMap(tensor({1.0, std::nan(""), HUGE_VAL})).svg({0, 0});
  EXPECT_EQ(count(svg, "heat nan"), 1U);
  EXPECT_EQ(count(svg, "fill-opacity=\"0.42\""), 1U) << "one path for the two strongest";
  EXPECT_EQ(count(HeatMap(tensor({HUGE_VAL, -HUGE_VAL})).svg({0, 0}), "fill-opacity=\"0.42\""), 2U);
}

TEST(HeatMap, of_many_elements_shows_the_means_of_blocks) {
  // 1 in the upper left quarter, 0 elsewhere: the blocks are all of one or all of the other.
  const Tensor row = tensor(std::vector<double>(1000, 1)),
               half = where(arange(0, 1000) < 500, row, row * 0.0);
  const HeatMap map(reshape(half, {1000, 1}) * half);
  const std::string svg = map.svg({0, 0});
  EXPECT_EQ(map.width(), 28 * 9);
  EXPECT_EQ(map.height(), 16 * 9);
  EXPECT_EQ(count(svg, "<path"), 1U);
  EXPECT_EQ(count(svg, "M"), 14U * 8U);
  EXPECT_EQ(count(svg, "<text"), 0U);
}

TEST(HeatMap, shows_more_than_two_axes_as_rows_and_nothing_of_an_empty_array) {
  EXPECT_EQ(HeatMap(ones({2, 3, 4})).height(), 6 * 9);
  EXPECT_EQ(HeatMap(zeros({0, 3})).width(), 0);
}

}  // namespace
}  // namespace chainrule::test
