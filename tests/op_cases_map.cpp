// Rows of the table for map: formulas of a user's, beside the same in operators.
// op_inputs.h draws the inputs.

#include <cmath>

#include "chainrule/map.h"
#include "op_inputs.h"

namespace chainrule::test {

std::vector<OpCase> map_rows() {
  using reference::Numbers;
  const auto formula = [](auto x, auto a, auto b) { return tanh(x * a + b) * exp(-x) + 2 * a; };
  const reference::Scalar scalar = [](const Numbers& in) {
    return std::tanh(in[0] * in[1] + in[2]) * std::exp(-in[0]) + 2 * in[1];
  };
  return {
      {.operation = "map",
       .inputs = {between(-1, 1), between(-1, 1), between(-1, 1)},
       .variants = {{"of three operands",
                     [=](const Arguments& in) { return map(formula, in[0], in[1], in[2]); },
                     [=](const reference::Arrays& in) { return reference::elementwise(scalar, in); },
                     {{{}, {}, {}}, {{2, 3}, {2, 3}, {2, 3}}, {{2, 1}, {3}, {}}, {{37, 29}, {29}, {37, 1}}}}},
       .misuses = {{"shapes that differ",
                    [=] { map(formula, blank({2}), blank({3}), 1.0); },
                    {"(2,)", "(3,)"}}},
       .derivative = "map_gradient",
       .tolerance = 4e-15,
       .scalar = scalar,
       .sign_of_zero = false}};
}

}  // namespace chainrule::test
