// Rows of the table for sums, means, extrema and questions, over every choice of axes.
// op_inputs.h draws the inputs.

#include <algorithm>

#include "op_inputs.h"

namespace chainrule::test {
namespace {

using reference::Arrays;
using reference::Number;
using reference::Numbers;

OpCase reduction(const std::string& operation, Tensor (*function)(const Operand&, const Axes&, Flag),
                 Number (*fold)(const Numbers&), const Input& input, bool defined_on_nothing) {
  const auto over = [=](const std::string& name, const Axes& axes, bool keepdims,
                        std::vector<Shapes> shapes) {
    return Variant{name, [=](const Arguments& in) { return function(in[0], axes, keepdims); },
                   [=](const Arrays& in) {
                     return reference::reduce(in[0], axes.list().value_or(std::vector<std::int64_t>{}),
                                              keepdims, fold);
                   },
                   std::move(shapes)};
  };
  OpCase row{
      .operation = operation,
      .inputs = {input},
      .variants = {over("over all axes", {}, false, {{{}}, {{1}}, {{3}}, {{2, 3}}, {{2, 3, 4}}, {{53, 31}}}),
                   over("over all axes with keepdims", {}, true, {{{}}, {{3}}, {{2, 3, 4}}}),
                   over("over axis 0", 0, false, {{{3}}, {{2, 3}}, {{3, 0}}, {{2, 3, 4}}, {{53, 31}}}),
                   over("over axis 0 with keepdims", 0, true, {{{3}}, {{2, 3}}, {{53, 31}}}),
                   over("over the last axis", -1, false,
                        {{{3}}, {{2, 1}}, {{0, 3}}, {{2, 3, 4}}, {{31, 53}}}),
                   over("over the last axis with keepdims", -1, true, {{{2, 3}}, {{31, 53}}}),
                   over("over the middle axis", 1, false, {{{2, 3, 4}}, {{5, 17, 19}}}),
                   over("over the outer axes", {0, -1}, false, {{{2, 3, 4}}, {{5, 17, 19}}}),
                   over("over the inner axes with keepdims", {2, 1}, true, {{{2, 3, 4}}, {{5, 17, 19}}})},
      .misuses = {{"an axis too high", [=] { function(blank({2, 3}), 2, false); }, {"2", "(2, 3)"}},
                  {"an axis too low", [=] { function(blank({2, 3}), -3, false); }, {"-3", "(2, 3)"}},
                  {"an axis of a scalar", [=] { function(blank({}), 1, false); }, {"()"}},
                  {"an axis twice", [=] { function(blank({2, 3}), {1, -1}, false); }, {"(2, 3)"}}},
      .tolerance = 1e-14,
      .float32_tolerance = 1e-5};
  if (defined_on_nothing)
    row.variants.push_back(over("of nothing", 0, false, {{{0}}, {{0, 3}}}));
  else
    row.misuses.push_back({"nothing", [=] { function(blank({0, 3}), 0, false); }, {"(0, 3)"}});
  return row;
}

/// Of bool.
OpCase question(const std::string& operation, Tensor (*function)(const Operand&, const Axes&, Flag),
                Number (*fold)(const Numbers&)) {
  OpCase row = reduction(operation, function, fold, booleans(), true);
  row.composed = true;
  row.differentiable = false;
  return row;
}

}  // namespace

std::vector<OpCase> reduction_rows() {
  return {
      reduction("sum", sum, reference::sum, between(-2, 2), true),
      reduction("prod", prod, reference::prod, between(0.9, 1.1), true),
      reduction("norm", norm, reference::norm, between(0.5, 2), true),
      reduction("mean", mean, reference::mean, between(-2, 2), false),
      reduction("max", max, reference::max, distinct(), false),
      reduction("min", min, reference::min, distinct(), false),
      reduction("logsumexp", logsumexp, reference::logsumexp, between(-2, 2), false),
      question("all", all, [](const Numbers& x) -> Number { return std::count(x.begin(), x.end(), 0) == 0; }),
      question("any", any, [](const Numbers& x) -> Number { return std::count(x.begin(), x.end(), 1) > 0; }),
  };
}

}  // namespace chainrule::test
