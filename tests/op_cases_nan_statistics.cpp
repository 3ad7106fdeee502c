// Rows of statistics of what is not NaN, on numbers alone; tests/ops/nan_statistics_test.cpp has NaN.

#include <algorithm>
#include <cmath>

#include "chainrule/indexing.h"
#include "chainrule/statistics.h"
#include "op_rows.h"

namespace chainrule::test {
namespace {

using reference::Arrays;
using reference::Number;
using reference::Numbers;
using Reduces = std::function<Tensor(const Operand&, const Axes&, bool)>;

Number variance(const Numbers& x) {
  const Number mean = reference::mean(x);
  Number total = 0;
  for (const Number each : x) total += (each - mean) * (each - mean);
  return total / static_cast<Number>(x.size());
}
Number lower_median(Numbers x) {
  std::sort(x.begin(), x.end());
  return x[(x.size() - 1) / 2];
}
Number three_quarters(Numbers x) {
  std::sort(x.begin(), x.end());
  const Number place = 0.75L * static_cast<Number>(x.size() - 1), low = std::floor(place);
  const auto i = static_cast<std::size_t>(low);
  return x[i] + (place - low) * (x[std::min(i + 1, x.size() - 1)] - x[i]);
}

OpCase reduction(const std::string& name, const Reduces& call, const reference::Scalar& fold) {
  const auto over = [=](const std::string& text, const Axes& axes, bool keepdims,
                        std::vector<Shapes> shapes) {
    return Variant{text, [=](const Arguments& in) { return call(in[0], axes, keepdims); },
                   [=](const Arrays& in) {
                     return reference::reduce(in[0], axes.list().value_or(std::vector<std::int64_t>{}),
                                              keepdims, fold);
                   },
                   std::move(shapes)};
  };
  OpCase row = composed(name,
                        {over("over all axes", {}, false, {{{3}}, {{2, 3}}}),
                         over("over the middle axis", 1, false, {{{2, 3, 2}}}),
                         over("over the last one with keepdims", -1, true, {{{2, 4}}, {{0, 3}}})},
                        {{"an axis too high",
                          [=] {
                            call(blank({2, 3}), 2, false);
                          },
                          {"2", "(2, 3)"}}});
  row.tolerance = 1e-14;
  row.float32_tolerance = 1e-5;
  return row;
}

}  // namespace

std::vector<OpCase> nan_statistics_rows() {
  OpCase median =
      composed("nanmedian",
               {{"of all",
                 [](const Arguments& in) { return nanmedian(in[0]); },
                 [](const Arrays& in) { return reference::reduce(in[0], {}, false, lower_median); },
                 {{{4}}, {{2, 3}}}},
                {"along an axis",
                 [](const Arguments& in) { return nanmedian(in[0], 0, true).values; },
                 [](const Arrays& in) { return reference::reduce(in[0], {0}, true, lower_median); },
                 {{{4, 2}}, {{3, 0}}}}},
               {{"nothing", [] { nanmedian(blank({0})); }, {"(0,)"}}});
  return {
      reduction(
          "nanmax", [](auto& x, auto& axes, bool keep) { return nanmax(x, axes, keep); }, reference::max),
      reduction(
          "nanmin", [](auto& x, auto& axes, bool keep) { return nanmin(x, axes, keep); }, reference::min),
      reduction(
          "nanprod", [](auto& x, auto& axes, bool keep) { return nanprod(x, axes, keep); }, reference::prod),
      reduction(
          "nanvar", [](auto& x, auto& axes, bool keep) { return nanvar(x, axes, keep); }, variance),
      reduction(
          "nanstd", [](auto& x, auto& axes, bool keep) { return nanstd(x, axes, keep); },
          [](const Numbers& x) { return std::sqrt(variance(x)); }),
      reduction(
          "nanquantile", [](auto& x, auto& axes, bool keep) { return nanquantile(x, 0.75, axes, keep); },
          three_quarters),
      median,
  };
}

}  // namespace chainrule::test
