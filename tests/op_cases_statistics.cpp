// Rows of the table for statistics, running sums and what looks for places, with references by their
// definitions.

#include <algorithm>
#include <cmath>

#include "chainrule/statistics.h"
#include "op_inputs.h"

namespace chainrule::test {
namespace {

using reference::Array;
using reference::Arrays;
using reference::Number;
using reference::Numbers;
using reference::Position;
using Reduces = std::function<Tensor(const Operand&, const Axes&, bool)>;

/// A reduction made of other operations.
OpCase reduction(const std::string& operation, const Reduces& function, Number (*fold)(const Numbers&),
                 const Input& input = between(-2, 2)) {
  const auto over = [=](const std::string& name, const Axes& axes, bool keepdims,
                        std::vector<Shapes> shapes) {
    return Variant{name, [=](const Arguments& in) { return function(in[0], axes, keepdims); },
                   [=](const Arrays& in) {
                     return reference::reduce(in[0], axes.list().value_or(std::vector<std::int64_t>{}),
                                              keepdims, fold);
                   },
                   std::move(shapes)};
  };
  return {.operation = operation,
          .inputs = {input},
          .variants = {over("over all axes", {}, false, {{{3}}, {{2, 3}}}),
                       over("over the middle axis", 1, false, {{{2, 3, 2}}}),
                       over("over the outer axes with keepdims", {0, -1}, true, {{{2, 0, 3}}, {{2, 2, 3}}})},
          .misuses = {{"an axis too high",
                       [=] {
                         function(blank({2, 3}), 2, false);
                       },
                       {"2", "(2, 3)"}}},
          .composed = true,
          .tolerance = 1e-14,
          .float32_tolerance = 1e-5};
}

Number variance(const Numbers& x) {
  const Number mean = reference::mean(x);
  Number total = 0;
  for (const Number each : x) total += (each - mean) * (each - mean);
  return total / static_cast<Number>(x.size() - 1);
}
Number deviation(const Numbers& x) { return std::sqrt(variance(x)); }

OpCase vector_norm_row() {
  OpCase row = reduction(
      "vector_norm",
      [](const Operand& x, const Axes& axes, bool keepdims) { return vector_norm(x, 3, axes, keepdims); },
      [](const Numbers& x) {
        Number total = 0;
        for (const Number each : x) total += std::abs(each * each * each);
        return std::cbrt(total);
      },
      between(-2, 2, {0}));
  const auto of = [](const std::string& name, double order, Number (*fold)(const Numbers&)) {
    return Variant{name,
                   [=](const Arguments& in) { return vector_norm(in[0], order, -1); },
                   [=](const Arrays& in) { return reference::reduce(in[0], {-1}, false, fold); },
                   {{{2, 3}}}};
  };
  row.variants.push_back(of("of order 1", 1, [](const Numbers& x) {
    Number total = 0;
    for (const Number each : x) total += std::abs(each);
    return total;
  }));
  row.variants.push_back(of("of order inf", HUGE_VAL, [](const Numbers& x) {
    Number most = 0;
    for (const Number each : x) most = std::max(most, std::abs(each));
    return most;
  }));
  row.variants.push_back(of("of order -1.5", -1.5, [](const Numbers& x) {
    Number total = 0;
    for (const Number each : x) total += std::pow(std::abs(each), Number{-1.5});
    return std::pow(total, -1 / Number{1.5});
  }));
  return row;
}

/// Along an axis: element i of the result is made of the elements of the line up to i.
OpCase running(const std::string& operation, const std::function<Tensor(const Operand&, std::int64_t)>& call,
               Number (*fold)(const Numbers&), const Input& input, const std::string& derivative = "") {
  const auto along = [=](const std::string& name, std::int64_t axis, std::vector<Shapes> shapes) {
    return Variant{name, [=](const Arguments& in) { return call(in[0], axis); },
                   [=](const Arrays& in) {
                     const auto at = static_cast<std::size_t>(axis);
                     return reference::generate(in[0].shape, [&](const Position& position) {
                       Numbers line;
                       Position from = position;
                       for (from[at] = 0; from[at] <= position[at]; ++from[at])
                         line.push_back(reference::at(in[0], from));
                       return fold(line);
                     });
                   },
                   std::move(shapes)};
  };
  return {.operation = operation,
          .inputs = {input},
          .variants = {along("along axis 0", 0, {{{4}}, {{0, 3}}, {{3, 2}}}),
                       along("along axis 1", 1, {{{2, 1}}, {{2, 3, 2}}})},
          .misuses = {{"an axis too high",
                       [=] {
                         call(blank({2, 3}), 2);
                       },
                       {"2", "(2, 3)"}}},
          .composed = true,
          .derivative = derivative,
          .tolerance = 1e-14,
          .float32_tolerance = 1e-5};
}

OpCase average_row() {
  const auto total = [](const Arrays& in) {
    const Number weights = reference::sum(in[1].values);
    Number sum = 0;
    for (std::size_t i = 0; i < in[0].values.size(); ++i) sum += in[0].values[i] * in[1].values[i];
    return Array{{}, {sum / weights}};
  };
  return {.operation = "average",
          .inputs = {between(-2, 2), between(0.5, 2)},
          .variants = {{"of all",
                        [](const Arguments& in) { return average(in[0], in[1]); },
                        total,
                        {{{3}, {3}}, {{2, 3}, {2, 3}}}},
                       {"along an axis",
                        [](const Arguments& in) { return average(in[0], in[1], 0, true); },
                        [](const Arrays& in) {
                          return reference::generate({1, in[0].shape[1]}, [&](const Position& at) {
                            Number sum = 0;
                            for (std::int64_t i = 0; i < in[0].shape[0]; ++i)
                              sum += reference::at(in[0], {i, at[1]}) * reference::at(in[1], {i});
                            return sum / reference::sum(in[1].values);
                          });
                        },
                        {{{2, 3}, {2}}}}},
          .misuses = {{"weights of another shape",
                       [] {
                         average(blank({2, 3}), blank({2}));
                       },
                       {"(2, 3)", "(2,)"}}},
          .composed = true,
          .tolerance = 1e-14};
}

/// Of rows, of which the norm is below the bound or above.
OpCase renorm_row() {
  return {.operation = "renorm",
          .inputs = {between(-2, 2, {0})},
          .variants = {{"",
                        [](const Arguments& in) { return renorm(in[0], 3, 0, 1.5); },
                        [](const Arrays& in) {
                          return reference::generate(in[0].shape, [&](const Position& at) {
                            Number total = 0;
                            for (std::int64_t k = 0; k < in[0].shape[1]; ++k)
                              total += std::pow(std::abs(reference::at(in[0], {at[0], k})), Number{3});
                            const Number size = std::cbrt(total);
                            return reference::at(in[0], at) * std::min(Number{1}, Number{1.5} / size);
                          });
                        },
                        {{{4, 2}}, {{3, 1}}, {{0, 2}}}}},
          .misuses = {{"a negative bound",
                       [] {
                         renorm(blank({2, 3}), 2, 0, -1);
                       },
                       {"-1", "(2, 3)"}},
                      {"an axis too high",
                       [] {
                         renorm(blank({2, 3}), 2, 2, 1);
                       },
                       {"2", "(2, 3)"}}},
          .composed = true,
          .tolerance = 1e-14,
          .float32_tolerance = 1e-5,
          .gradient_tolerance = 1e-7};
}

OpCase cov_row(const std::string& operation, Tensor (*call)(const Operand&), bool unit) {
  const auto expected = [=](const Arrays& in) {
    const Array& x = in[0];
    const auto product = [&](std::int64_t i, std::int64_t j) {
      const std::int64_t n = x.shape[1];
      Number a = 0, b = 0, both = 0;
      for (std::int64_t k = 0; k < n; ++k) {
        a += reference::at(x, {i, k}) / static_cast<Number>(n);
        b += reference::at(x, {j, k}) / static_cast<Number>(n);
      }
      for (std::int64_t k = 0; k < n; ++k)
        both += (reference::at(x, {i, k}) - a) * (reference::at(x, {j, k}) - b);
      return both / static_cast<Number>(n - 1);
    };
    return reference::generate({x.shape[0], x.shape[0]}, [&](const Position& at) {
      const Number both = product(at[0], at[1]);
      return unit ? both / std::sqrt(product(at[0], at[0]) * product(at[1], at[1])) : both;
    });
  };
  return {.operation = operation,
          .inputs = {distinct()},
          .variants = {{"", [=](const Arguments& in) { return call(in[0]); }, expected, {{{2, 4}}}}},
          .misuses = {{"three axes",
                       [=] {
                         call(blank({2, 3, 4}));
                       },
                       {"(2, 3, 4)"}}},
          .composed = true,
          .tolerance = 1e-14,
          .float32_tolerance = 1e-5,
          .gradient_tolerance = 1e-7};
}

OpCase quantile_row() {
  const auto of = [](const std::string& name, const Tensor& q, const Axes& axes, QuantileMethod method,
                     const std::function<Array(const Arrays&)>& expected, std::vector<Shapes> shapes) {
    return Variant{name, [=](const Arguments& in) { return quantile(in[0], q, axes, false, method); },
                   expected, std::move(shapes)};
  };
  const auto sorted = [](Numbers x) {
    std::sort(x.begin(), x.end());
    return x;
  };
  return {.operation = "quantile",
          .inputs = {distinct()},
          .variants = {of("of all", tensor({0.25, 0.9}), {}, QuantileMethod::linear,
                          [=](const Arrays& in) {
                            const Numbers x = sorted(in[0].values);
                            const Number n = static_cast<Number>(x.size() - 1);
                            return reference::generate({2}, [&](const Position& at) {
                              const Number place = (at[0] == 0 ? 0.25L : 0.9L) * n, low = std::floor(place);
                              const auto i = static_cast<std::size_t>(low);
                              return x[i] + (place - low) * (x[std::min(i + 1, x.size() - 1)] - x[i]);
                            });
                          },
                          {{{1}}, {{4}}, {{2, 4}}}),
                       of("the higher one along an axis", 0.3, 0, QuantileMethod::higher,
                          [=](const Arrays& in) {
                            return reference::reduce(in[0], {0}, false, [=](const Numbers& x) {
                              return sorted(x)[static_cast<std::size_t>(
                                  std::ceil(0.3 * static_cast<double>(x.size() - 1)))];
                            });
                          },
                          {{{4, 2}}, {{3, 0}}})},
          .misuses = {{"nothing", [] { quantile(blank({0}), 0.5); }, {"(0,)"}},
                      {"what is no quantile", [] { quantile(blank({3}), 1.5); }, {"1.5", "(3,)"}}},
          .composed = true,
          .tolerance = 1e-14};
}

}  // namespace

std::vector<OpCase> statistics_rows() {
  const auto values = [](Cumulative (*of)(const Operand&, OptionalInteger)) {
    return [=](const Operand& x, std::int64_t axis) { return of(x, axis).values; };
  };
  OpCase cumulative_sum = running(
      "cumsum", [](const Operand& x, std::int64_t axis) { return cumsum(x, axis); }, reference::sum,
      between(-2, 2));
  OpCase cumulative_logs = running(
      "logcumsumexp", [](const Operand& x, std::int64_t axis) { return logcumsumexp(x, axis); },
      reference::logsumexp, between(-2, 2));
  OpCase cumulative_product = running(
      "cumprod", [](const Operand& x, std::int64_t axis) { return cumprod(x, axis); }, reference::prod,
      between(0.5, 1.5), "linear_recurrence");
  cumulative_sum.composed = cumulative_logs.composed = cumulative_product.composed = false;
  return {
      reduction(
          "var", [](auto& x, auto& axes, bool keep) { return var(x, axes, keep); }, variance),
      reduction(
          "std", [](auto& x, auto& axes, bool keep) { return chainrule::std(x, axes, keep); }, deviation),
      reduction(
          "var_mean",
          [](auto& x, auto& axes, bool keep) {
            const auto [v, m] = var_mean(x, axes, keep);
            return v + m;
          },
          [](const Numbers& x) { return variance(x) + reference::mean(x); }),
      reduction(
          "std_mean",
          [](auto& x, auto& axes, bool keep) {
            const auto [s, m] = std_mean(x, axes, keep);
            return s + m;
          },
          [](const Numbers& x) { return deviation(x) + reference::mean(x); }),
      reduction(
          "ptp", [](auto& x, auto& axes, bool keep) { return ptp(x, axes, keep); },
          [](const Numbers& x) { return reference::max(x) - reference::min(x); }, distinct()),
      reduction(
          "nansum", [](auto& x, auto& axes, bool keep) { return nansum(x, axes, keep); }, reference::sum),
      reduction(
          "nanmean", [](auto& x, auto& axes, bool keep) { return nanmean(x, axes, keep); }, reference::mean),
      vector_norm_row(),
      average_row(),
      renorm_row(),
      cov_row(
          "cov", [](const Operand& x) { return cov(x); }, false),
      cov_row("corrcoef", corrcoef, true),
      cumulative_sum,
      cumulative_product,
      cumulative_logs,
      running("cummax", values(cummax), reference::max, distinct()),
      running("cummin", values(cummin), reference::min, distinct()),
      quantile_row(),
  };
}

}  // namespace chainrule::test
