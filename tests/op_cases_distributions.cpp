// Rows of the table for random numbers that are differentiable.
// (Gamma samples are tested by hand, in tests/ops.)

#include <cmath>

#include "chainrule/distributions.h"
#include "op_inputs.h"

namespace chainrule::test {

using reference::Arrays;
using reference::Number;
using reference::Numbers;
using reference::Position;

/// Drawn with one seed, so that what is random is a constant.
std::vector<OpCase> distribution_rows() {
  const auto row = [](const std::string& operation,
                      const std::function<Tensor(const Arguments&, Generator&)>& call,
                      const std::function<Number(Number, const Numbers&)>& of_uniform, bool normals,
                      std::vector<Input> inputs) {
    return OpCase{.operation = operation,
                  .inputs = inputs,
                  .variants = {{"",
                                [=](const Arguments& in) {
                                  Generator generator(5);
                                  return call(in, generator);
                                },
                                [=](const Arrays& in) {
                                  Generator generator(5);
                                  const auto draw = [&]() -> Number {
                                    return normals ? generator.normal() : generator.uniform();
                                  };
                                  return reference::elementwise(
                                      [&](const Numbers& x) { return of_uniform(draw(), x); }, in);
                                },
                                {Shapes(inputs.size(), {2, 3}), Shapes(inputs.size(), {0, 2})}}},
                  .composed = true,
                  .tolerance = 1e-14,
                  .float32_tolerance = 1e-5};
  };
  // Others are no parameters.
  const auto of_own_inputs = [](OpCase one) {
    one.own_inputs = true;
    return one;
  };
  return {
      of_own_inputs(row(
          "normal", [](const Arguments& in, Generator& g) { return normal(in[0], in[1], g); },
          [](Number z, const Numbers& x) { return x[0] + x[1] * z; }, true, {between(-2, 2), between(1, 2)})),
      row(
          "uniform", [](const Arguments& in, Generator& g) { return uniform(in[0], in[1], g); },
          [](Number u, const Numbers& x) { return x[0] + (x[1] - x[0]) * u; }, false,
          {between(-2, -1), between(1, 2)}),
      of_own_inputs(row(
          "exponential", [](const Arguments& in, Generator& g) { return exponential(in[0], g); },
          [](Number u, const Numbers& x) { return -std::log1p(-u) / x[0]; }, false, {between(1, 2)})),
      row(
          "dropout", [](const Arguments& in, Generator& g) { return dropout(in[0], 0.25, g); },
          [](Number u, const Numbers& x) { return u >= 0.25 ? x[0] / 0.75 : 0; }, false, {between(-2, 2)}),
      {.operation = "permutation",
       .inputs = {between(-2, 2)},
       .variants = {{"",
                     [](const Arguments& in) {
                       Generator generator(5);
                       return permutation(in[0], generator);
                     },
                     [](const Arrays& in) {
                       Generator generator(5);
                       const auto order = randperm(in[0].shape[0], generator).to_vector<std::int64_t>();
                       return reference::generate(in[0].shape, [&](Position at) {
                         at[0] = order[static_cast<std::size_t>(at[0])];
                         return reference::at(in[0], at);
                       });
                     },
                     {{{4, 2}}, {{0}}}}},
       .composed = true},
  };
}

}  // namespace chainrule::test
