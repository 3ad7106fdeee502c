// Rows of the table for order: sort, topk, median and the like, all compositions. Their values are known to
// tests/ops/indexing_test.cpp; op_inputs.h draws the inputs.

#include "chainrule/indexing.h"
#include "op_rows.h"

namespace chainrule::test {
namespace {

OpCase sort_row() {
  const auto by = [](const std::string& name, std::int64_t axis, bool descending) {
    return Variant{name,
                   [=](const Arguments& in) { return sort(in[0], axis, descending).values; },
                   {},
                   {{{2, 3}}, {{3, 2, 2}}, {{0, 2}}}};
  };
  return composed("sort", {by("along the last axis", -1, false), by("along the first, descending", 0, true)},
                  {{"an axis of a scalar", [] { sort(blank({}), 1); }, {"()"}}});
}

OpCase chosen_row(const std::string& name, std::vector<Call> calls, std::vector<Misuse> misuses) {
  std::vector<Variant> variants;
  for (const Call& call : calls)
    variants.push_back({std::to_string(variants.size()), call, {}, {{{3, 2}}, {{3}}, {{3, 2, 2}}}});
  return composed(name, std::move(variants), std::move(misuses));
}

}  // namespace

std::vector<OpCase> order_rows() {
  using In = const Arguments&;
  return {
      sort_row(),
      chosen_row("topk",
                 {[](In in) { return topk(in[0], 2, 0).values; },
                  [](In in) { return topk(in[0], 0, 0, false).values; }},
                 {{"more than there are",
                   [] {
                     topk(blank({2, 3}), 4);
                   },
                   {"4", "(2, 3)"}}}),
      chosen_row("kthvalue",
                 {[](In in) { return kthvalue(in[0], 3, 0).values; },
                  [](In in) { return kthvalue(in[0], 1, 0, true).values; }},
                 {{"less than the first",
                   [] {
                     kthvalue(blank({2, 3}), 0);
                   },
                   {"0", "(2, 3)"}}}),
      chosen_row("median",
                 {[](In in) { return median(in[0]); }, [](In in) { return median(in[0], 0, true).values; }},
                 {{"nothing", [] { median(blank({0})); }, {"(0,)"}}}),
      chosen_row("max_with_places", {[](In in) { return max_with_places(in[0], 0).values; }},
                 {{"nothing",
                   [] {
                     max_with_places(blank({0, 2}), 0);
                   },
                   {"(0, 2)"}}}),
      chosen_row("min_with_places", {[](In in) { return min_with_places(in[0], -1, true).values; }},
                 {{"nothing",
                   [] {
                     min_with_places(blank({2, 0}), 1);
                   },
                   {"(2, 0)"}}}),
  };
}

}  // namespace chainrule::test
