// Curves in a terminal: axes, gaps, single numbers, and sizes.
// Relies on support.h, and on nothing that has a screen.

#include <algorithm>
#include <cmath>
#include <sstream>

#include "chainrule/report.h"
#include "support.h"

namespace chainrule::test {
namespace {

const std::vector<PlotCurve> straight = {{"up", {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10}}};

TEST(Plot, draws_axes_and_curves_in_ascii) {
  EXPECT_EQ("\n" + plot(straight, "height", {.width = 40, .height = 9, .unicode = false}), R"(
    height  ** up
10 +                              ******
   |                        *******
   |                  ******
 5 +            ******
   |     *******
 0 +******
   ++-------------+-----------------+---
    1             5                10
)");
}

TEST(Plot, draws_braille_where_it_may) {
  const std::string text = plot(straight, "height", {.width = 40, .height = 9});
  EXPECT_TRUE(mentions(text, {"height  ━━ up", "10 ┤", "│", "└┬", "⣀"})) << text;
}

std::vector<std::string> lines(const std::string& text) {
  std::istringstream in(text);
  std::vector<std::string> result;
  for (std::string line; std::getline(in, line);) result.push_back(line);
  return result;
}

TEST(Plot, keeps_to_its_size) {
  const std::vector<PlotCurve> curves = {{"training", {3, 1, 0.5, 0.1}}, {"test", {3, 2, 1.5, 1.1}}};
  for (const std::int64_t width : {60, 80, 133}) {
    const std::vector<std::string> rows =
        lines(plot(curves, "loss", {.width = width, .height = 20, .unicode = false}));
    EXPECT_EQ(rows.size(), 20);
    for (const std::string& row : rows) EXPECT_LE(static_cast<std::int64_t>(row.size()), width) << row;
  }
}

TEST(Plot, tells_curves_apart_and_says_when_the_axis_is_logarithmic) {
  const std::vector<PlotCurve> curves = {{"training", {3, 0.3, 0.03, 0.01}}, {"test", {3, 2, 1.5, 1.1}}};
  const std::string text = plot(curves, "loss", {.unicode = false});
  EXPECT_TRUE(mentions(text, {"loss (log scale)  ** training  oo test", "0.01 +", "***", "o"})) << text;
  EXPECT_TRUE(mentions(plot(curves, "loss", {.colours = true}), {"\x1b[38;5;32m━━\x1b[0m training"}));
  EXPECT_EQ(plot(curves, "loss", {.colours = false}).find('\x1b'), std::string::npos);
}

TEST(Plot, leaves_gaps_for_numbers_that_are_not_finite) {
  EXPECT_EQ(plot(std::vector<PlotCurve>{{"loss", {NAN, INFINITY}}}, "loss"), "");
  EXPECT_EQ(plot({}, "loss"), "");
  const std::string text =
      plot(std::vector<PlotCurve>{{"loss", {1, NAN, 1, 1}}}, "loss", {.width = 40, .unicode = false});
  EXPECT_TRUE(mentions(text, {"*", "* "})) << text;
}

TEST(Plot, of_a_single_number_shows_it) {
  const std::string text = plot(std::vector<PlotCurve>{{"loss", {0.25}}}, "loss", {.unicode = false});
  EXPECT_EQ(lines(text).size(), 20);
  EXPECT_NE(text.find("*", text.find('\n')), std::string::npos) << text;
}

}  // namespace
}  // namespace chainrule::test
