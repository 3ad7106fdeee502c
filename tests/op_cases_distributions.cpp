// Rows of the table for random numbers that are differentiable.
// (Gamma samples are tested by hand, in tests/ops.)

#include <cmath>

#include "chainrule/distributions.h"
#include "chainrule/shaping.h"
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
      row(
          "alpha_dropout", [](const Arguments& in, Generator& g) { return alpha_dropout(in[0], 0.25, g); },
          [](Number u, const Numbers& x) {
            const Number least = -1.7580993408473768569L, p = 0.25L;
            const Number a = 1 / std::sqrt((1 - p) * (1 + p * least * least));
            return a * (u >= p ? x[0] : least) - a * p * least;
          },
          false, {between(-2, 2)}),
      of_own_inputs(row(
          "laplace", [](const Arguments& in, Generator& g) { return laplace(in[0], in[1], g); },
          [](Number u, const Numbers& x) {
            return x[0] - x[1] * (u < 0.5L ? -1 : 1) * std::log1p(-2 * std::abs(u - 0.5L));
          },
          false, {between(-2, 2), between(1, 2)})),
      of_own_inputs(row(
          "gumbel", [](const Arguments& in, Generator& g) { return gumbel(in[0], in[1], g); },
          [](Number u, const Numbers& x) { return x[0] - x[1] * std::log(-std::log1p(-u)); }, false,
          {between(-2, 2), between(1, 2)})),
      of_own_inputs(row(
          "log_normal", [](const Arguments& in, Generator& g) { return log_normal(in[0], in[1], g); },
          [](Number z, const Numbers& x) { return std::exp(x[0] + x[1] * z); }, true,
          {between(-1, 1), between(0.5, 1)})),
      {.operation = "multivariate_normal",
       .inputs = {between(-2, 2), between(-0.5, 0.5)},
       .variants = {{"",
                     [](const Arguments& in) {
                       Generator generator(5);
                       const Tensor spread = in[1].as_tensor();
                       const Tensor one = cast(eye(3), spread.dtype());
                       return multivariate_normal(in[0], matmul(spread, swapaxes(spread, -2, -1)) + one,
                                                  generator);
                     },
                     {},
                     {{{3}, {3, 3}}, {{2, 3}, {3, 3}}, {{3}, {2, 3, 3}}, {{0, 3}, {3, 3}}}}},
       .misuses = {{"another size",
                    [] {
                      Generator generator(5);
                      multivariate_normal(blank({3}), blank({2, 2}), generator);
                    },
                    {"(3,)", "(2, 2)"}}},
       .own_inputs = true,  // of huge numbers the covariance has no factor
       .composed = true,
       .float32_tolerance = 1e-4,
       .gradient_tolerance = 1e-8},
      {.operation = "gumbel_softmax",
       .inputs = {between(-2, 2)},
       .variants = {{"soft",
                     [](const Arguments& in) {
                       Generator generator(5);
                       return gumbel_softmax(in[0], generator, 0.7);
                     },
                     {},
                     {{{2, 3}}, {{0, 3}}}}},
       .composed = true,
       .float32_tolerance = 1e-5},
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
