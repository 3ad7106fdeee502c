// Rows of the table for differences, slopes and integrals along an axis, and for what looks for places among
// numbers, with references by their definitions.

#include <algorithm>
#include <cmath>

#include "chainrule/statistics.h"
#include "op_inputs.h"

namespace chainrule::test {
namespace {

using reference::Arrays;
using reference::Number;
using reference::Numbers;
using reference::Position;

OpCase diff_row() {
  return {.operation = "diff",
          .inputs = {between(-2, 2)},
          .variants = {{"once",
                        [](const Arguments& in) { return diff(in[0]); },
                        [](const Arrays& in) {
                          Shape shape = in[0].shape;
                          const std::size_t last = shape.rank() - 1;
                          shape[last] = std::max<std::int64_t>(shape[last] - 1, 0);
                          return reference::generate(shape, [&](Position at) {
                            const Number before = reference::at(in[0], at);
                            ++at[last];
                            return reference::at(in[0], at) - before;
                          });
                        },
                        {{{4}}, {{1}}, {{2, 0}}, {{2, 3}}}},
                       {"twice",
                        [](const Arguments& in) { return diff(in[0], 2, 0); },
                        [](const Arrays& in) {
                          return reference::generate({in[0].shape[0] - 2}, [&](const Position& at) {
                            const auto x = [&](std::int64_t i) {
                              return in[0].values[static_cast<std::size_t>(at[0] + i)];
                            };
                            return x(2) - 2 * x(1) + x(0);
                          });
                        },
                        {{{4}}}}},
          .misuses = {{"a scalar", [] { diff(blank({})); }, {"()"}}}};
}

/// Of 4 columns, at places that are given by each of three ways.
OpCase trapezoid_row() {
  const auto expected = [](auto place) {
    return [=](const Arrays& in) {
      return reference::generate({in[0].shape[0]}, [&](const Position& at) {
        Number total = 0;
        for (std::int64_t i = 0; i + 1 < in[0].shape[1]; ++i)
          total += (place(in, at[0], i + 1) - place(in, at[0], i)) / 2 *
                   (reference::at(in[0], {at[0], i}) + reference::at(in[0], {at[0], i + 1}));
        return total;
      });
    };
  };
  return {.operation = "trapezoid",
          .inputs = {between(-2, 2), between(-2, 2)},
          .variants = {{"of equal steps",
                        [](const Arguments& in) { return trapezoid(in[0], 0.5); },
                        expected([](const Arrays&, std::int64_t, std::int64_t i) { return Number(i) / 2; }),
                        {{{2, 4}}, {{2, 1}}, {{0, 3}}, {{2, 0}}},
                        {between(-2, 2)}},
                       {"over places for all",
                        [](const Arguments& in) { return trapezoid(in[0], in[1].as_tensor()); },
                        expected([](const Arrays& in, std::int64_t, std::int64_t i) {
                          return reference::at(in[1], {i});
                        }),
                        {{{2, 4}, {4}}, {{0, 3}, {3}}}},
                       {"over places for each",
                        [](const Arguments& in) { return trapezoid(in[0], in[1].as_tensor()); },
                        expected([](const Arrays& in, std::int64_t row, std::int64_t i) {
                          return reference::at(in[1], {row, i});
                        }),
                        {{{2, 4}, {2, 4}}}}},
          .misuses = {{"a scalar", [] { trapezoid(blank({})); }, {"()"}},
                      {"places of another shape",
                       [] {
                         trapezoid(blank({2, 3}), blank({2}));
                       },
                       {"(2,)", "(2, 3)"}}},
          .composed = true};
}

/// The integrals up to each column but the first.
OpCase cumulative_trapezoid_row() {
  const auto expected = [](auto place) {
    return [=](const Arrays& in) {
      const std::int64_t columns = std::max<std::int64_t>(in[0].shape[1] - 1, 0);
      return reference::generate({in[0].shape[0], columns}, [&](const Position& at) {
        Number total = 0;
        for (std::int64_t i = 0; i <= at[1]; ++i)
          total += (place(in, i + 1) - place(in, i)) / 2 *
                   (reference::at(in[0], {at[0], i}) + reference::at(in[0], {at[0], i + 1}));
        return total;
      });
    };
  };
  return {.operation = "cumulative_trapezoid",
          .inputs = {between(-2, 2), between(-2, 2)},
          .variants = {{"of equal steps",
                        [](const Arguments& in) { return cumulative_trapezoid(in[0], 0.5); },
                        expected([](const Arrays&, std::int64_t i) { return Number(i) / 2; }),
                        {{{2, 4}}, {{2, 1}}, {{0, 3}}, {{2, 0}}},
                        {between(-2, 2)}},
                       {"over places",
                        [](const Arguments& in) { return cumulative_trapezoid(in[0], in[1].as_tensor()); },
                        expected([](const Arrays& in, std::int64_t i) { return reference::at(in[1], {i}); }),
                        {{{2, 4}, {4}}, {{0, 3}, {3}}}}},
          .misuses = {{"places of another shape",
                       [] {
                         cumulative_trapezoid(blank({2, 3}), blank({2}));
                       },
                       {"(2,)", "(2, 3)"}}},
          .composed = true};
}

/// NumPy's formulas for the slopes along a row, of any steps.
OpCase gradient_row() {
  const auto expected = [](bool is_parabola, auto place) {
    return [=](const Arrays& in) {
      return reference::generate(in[0].shape, [&](const Position& at) {
        const std::int64_t n = in[0].shape[1], i = at[1];
        const auto y = [&](std::int64_t k) { return reference::at(in[0], {at[0], k}); };
        const auto step = [&](std::int64_t k) { return place(in, k + 1) - place(in, k); };
        const bool is_first = i == 0, is_last = i == n - 1;
        if ((is_first || is_last) && !is_parabola) {
          const std::int64_t k = is_first ? 0 : n - 2;
          return (y(k + 1) - y(k)) / step(k);
        }
        const std::int64_t k = is_first ? 0 : is_last ? n - 3 : i - 1;
        const Number a = step(k), b = step(k + 1);
        if (is_first)
          return -(2 * a + b) / (a * (a + b)) * y(0) + (a + b) / (a * b) * y(1) - a / (b * (a + b)) * y(2);
        if (is_last)
          return b / (a * (a + b)) * y(k) - (a + b) / (a * b) * y(k + 1) +
                 (2 * b + a) / (b * (a + b)) * y(k + 2);
        return -b / (a * (a + b)) * y(k) + (b - a) / (a * b) * y(k + 1) + a / (b * (a + b)) * y(k + 2);
      });
    };
  };
  const Input places = {[](const Shape& shape, Engine&) {
    const Tensor x = linspace(0.5, 2, shape[0], DType::float64);
    return x * x;
  }};
  const auto halves = [](const Arrays&, std::int64_t k) { return Number(k) / 2; };
  const auto given = [](const Arrays& in, std::int64_t k) { return reference::at(in[1], {k}); };
  return {.operation = "gradient",
          .inputs = {between(-2, 2), places},
          .variants = {{"of equal steps",
                        [](const Arguments& in) { return gradient(in[0], 0.5); },
                        expected(false, halves),
                        {{{2, 4}}, {{1, 2}}, {{0, 3}}},
                        {between(-2, 2)}},
                       {"of equal steps with parabolas at the ends",
                        [](const Arguments& in) { return gradient(in[0], 0.5, -1, 2); },
                        expected(true, halves),
                        {{{2, 4}}, {{2, 3}}},
                        {between(-2, 2)}},
                       {"over places",
                        [](const Arguments& in) { return gradient(in[0], in[1], 1); },
                        expected(false, given),
                        {{{2, 4}, {4}}, {{1, 2}, {2}}}},
                       {"over places with parabolas at the ends",
                        [](const Arguments& in) { return gradient(in[0], in[1], 1, 2); },
                        expected(true, given),
                        {{{2, 4}, {4}}, {{1, 3}, {3}}}}},
          .misuses = {{"a scalar", [] { gradient(blank({})); }, {"()"}},
                      {"too few elements",
                       [] {
                         gradient(blank({4, 2}), 1.0, -1, 2);
                       },
                       {"(4, 2)", "axis 1", "3 elements"}},
                      {"another order at the ends",
                       [] { gradient(blank({4}), 1.0, -1, 3); },
                       {"order 3", "(4,)"}},
                      {"places of another shape",
                       [] {
                         gradient(blank({2, 3}), blank({2}));
                       },
                       {"(2,)", "(2, 3)"}}},
          .own_inputs = true,
          .composed = true,
          .tolerance = 1e-14,
          .float32_tolerance = 1e-5};
}

OpCase bincount_row() {
  return {.operation = "bincount",
          .inputs = {classes(3), between(-2, 2)},
          .variants = {{"with weights",
                        [](const Arguments& in) { return bincount(in[0], in.tensors()[1], 3); },
                        [](const Arrays& in) {
                          return reference::generate({3}, [&](const Position& at) {
                            Number total = 0;
                            for (std::size_t i = 0; i < in[0].values.size(); ++i)
                              if (in[0].values[i] == static_cast<Number>(at[0])) total += in[1].values[i];
                            return total;
                          });
                        },
                        {{{0}, {0}}, {{5}, {5}}}}},
          .misuses = {{"negative numbers",
                       [] {
                         bincount(tensor({0, -1}));
                       },
                       {"-1", "(2,)"}},
                      {"two axes",
                       [] {
                         bincount(zeros({2, 2}, DType::int64));
                       },
                       {"(2, 2)"}},
                      {"weights of another shape",
                       [] {
                         bincount(tensor({0, 1}), blank({3}));
                       },
                       {"(2,)", "(3,)"}}},
          .composed = true};
}

/// In bins [-2, -0.5), [-0.5, 0.4) and [0.4, 1], outside of which there are some.
OpCase histogram_row() {
  const Tensor edges = tensor({-2.0, -0.5, 0.4, 1.0});
  return {.operation = "histogram",
          .inputs = {constant(between(-2.5, 1.5, {-2, -0.5, 0.4, 1})), between(-2, 2)},
          .variants = {{"of weights",
                        [=](const Arguments& in) { return histogram(in[0], edges, in.tensors()[1]).counts; },
                        [](const Arrays& in) {
                          return reference::generate({3}, [&](const Position& at) {
                            constexpr Number all[] = {-2, -0.5L, 0.4L, 1};
                            Number total = 0;
                            for (std::size_t i = 0; i < in[0].values.size(); ++i)
                              if (in[0].values[i] >= all[at[0]] && in[0].values[i] < all[at[0] + 1])
                                total += in[1].values[i];
                            return total;
                          });
                        },
                        {{{0}, {0}}, {{7}, {7}}, {{2, 3}, {2, 3}}}}},
          .misuses = {{"edges that fall",
                       [] {
                         (void)histogram(blank({3}), tensor({1.0, 0.0}));
                       },
                       {"(2,)", "(3,)", "ascending"}},
                      {"one edge", [] { (void)histogram(blank({3}), tensor({1.0}, {1})); }, {"(1,)"}},
                      {"weights of another shape",
                       [=] { (void)histogram(blank({3}), edges, blank({2})); },
                       {"(2,)", "(3,)"}}},
          .optional_inputs = true,
          .composed = true};
}

OpCase interp_row() {
  const auto points = [](const Shape& shape, Engine&) {
    return linspace(-1, 1, shape[0], DType::float64) + 0.013;
  };
  return {.operation = "interp",
          .inputs = {between(-1.4, 1.4, {-0.987, -0.32033, 0.34633, 1.013}), {points}, between(-2, 2)},
          .variants = {{"",
                        [](const Arguments& in) { return interp(in[0], in[1], in[2]); },
                        [](const Arrays& in) {
                          const Numbers &xp = in[1].values, &fp = in[2].values;
                          return reference::elementwise(
                              [&](const Numbers& x) {
                                std::size_t k = 0;
                                while (k + 2 < xp.size() && xp[k + 1] <= x[0]) ++k;
                                const Number t = (x[0] - xp[k]) / (xp[k + 1] - xp[k]);
                                return fp[k] + (fp[k + 1] - fp[k]) * std::clamp(t, Number{0}, Number{1});
                              },
                              {in[0]});
                        },
                        {{{}, {4}, {4}}, {{2, 3}, {4}, {4}}, {{0}, {4}, {4}}}}},
          .misuses = {{"points that decrease",
                       [] {
                         interp(0.5, {1, 0}, {1, 2});
                       },
                       {"(2,)"}},
                      {"values of another length",
                       [] {
                         interp(0.5, {0, 1}, {1, 2, 3});
                       },
                       {"(2,)", "(3,)"}}},
          .own_inputs = true,
          .composed = true,
          .tolerance = 1e-14,
          .float32_tolerance = 1e-5};
}

}  // namespace

std::vector<OpCase> difference_rows() {
  return {
      diff_row(),      trapezoid_row(), cumulative_trapezoid_row(), gradient_row(), bincount_row(),
      histogram_row(), interp_row(),
  };
}

}  // namespace chainrule::test
