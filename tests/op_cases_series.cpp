// Rows for what treats a vector as a series, and for elements that are chosen by what all are.
// Compared with PyTorch and NumPy's definitions in tests/reference.

#include "chainrule/distributions.h"
#include "chainrule/indexing.h"
#include "chainrule/linalg.h"
#include "chainrule/shaping.h"
#include "chainrule/statistics.h"
#include "op_rows.h"

namespace chainrule::test {

namespace {

Variant of(const std::string& name, Call call, std::vector<Shapes> shapes) {
  return {name, std::move(call), {}, std::move(shapes)};
}

OpCase over_vectors(const std::string& name,
                    Tensor (*function)(const Operand&, const Operand&, ConvolveMode)) {
  std::vector<Variant> variants;
  for (const auto& [word, mode] :
       {std::pair("full", ConvolveMode::full), {"same", ConvolveMode::same}, {"valid", ConvolveMode::valid}})
    variants.push_back(of(word,
                          [function, by = mode](const Arguments& in) { return function(in[0], in[1], by); },
                          {{{5}, {3}}, {{2}, {4}}, {{1}, {1}}}));
  OpCase row =
      composed(name, std::move(variants),
               {{"a matrix",
                 [=] {
                   function(blank({2, 2}), blank({2}), ConvolveMode::full);
                 },
                 {"(2, 2)"}},
                {"nothing", [=] { function(blank({2}), blank({0}), ConvolveMode::full); }, {"(0,)"}}},
               2);
  row.float32_tolerance = 2e-5;
  return row;
}

OpCase polyval_row() {
  return composed("polyval",
                  {of("", [](const Arguments& in) { return polyval(in[0], in[1]); },
                      {{{4}, {2, 3}}, {{1}, {2}}, {{3}, {}}})},
                  {{"a matrix",
                    [] {
                      polyval(blank({2, 2}), blank({2}));
                    },
                    {"(2, 2)"}}},
                  2);
}

OpCase bilinear_row() {
  OpCase row =
      composed("bilinear",
               {of("", [](const Arguments& in) { return bilinear(in[0], in[1], in[2]); },
                   {{{2, 3}, {2, 4}, {5, 3, 4}}, {{3}, {1}, {2, 3, 1}}, {{0, 2}, {0, 1}, {2, 2, 1}}})},
               {{"other samples",
                 [] {
                   bilinear(blank({2, 3}), blank({3, 4}), blank({5, 3, 4}));
                 },
                 {"(2, 3)", "(3, 4)"}},
                {"other features",
                 [] {
                   bilinear(blank({2, 3}), blank({2, 4}), blank({5, 4, 3}));
                 },
                 {"(5, 4, 3)"}}},
               3);
  row.float32_tolerance = 2e-5;
  return row;
}

OpCase mode_row() {
  return composed("mode",
                  {of("the last axis", [](const Arguments& in) { return mode(in[0]).values; },
                      {{{5}}, {{2, 3}}, {{}}, {{0, 2}}}),
                   of("another one, kept", [](const Arguments& in) { return mode(in[0], 0, true).values; },
                      {{{4, 2}}, {{1}}})},
                  {{"nothing",
                    [] {
                      mode(blank({2, 0}));
                    },
                    {"mode", "(2, 0)"}}});
}

OpCase index_fill_row() {
  return composed(
      "index_fill",
      {of("",
          [](const Arguments& in) {
            return index_fill(in[0], 0, {0, -1}, in[1]);
          },
          {{{3, 2}, {}}, {{1, 2}, {2}}, {{2}, {2}}})},
      {{"a place outside",
        [] {
          index_fill(blank({3, 2}), 1, {2}, 0);
        },
        {"index 2", "axis 1 of size 2"}},
       {"a value that does not fit", [] { index_fill(blank({2}), 0, {0}, blank({3})); }, {"(2,)", "(3,)"}}},
      2);
}

OpCase combinations_row() {
  return composed(
      "combinations",
      {of("", [](const Arguments& in) { return combinations(in[0], 2); }, {{{4}}, {{2}}, {{1}}, {{0}}}),
       of("with replacement", [](const Arguments& in) { return combinations(in[0], 3, true); },
          {{{3}}, {{1}}})},
      {{"a matrix",
        [] {
          combinations(blank({2, 2}));
        },
        {"(2, 2)"}},
       {"less than none", [] { combinations(blank({2}), -1); }, {"-1", "(2,)"}},
       {"more than fit 64 bits", [] { combinations(blank({100}), 50); }, {"50", "(100,)", "fewer"}}});
}

OpCase feature_dropout_row() {
  return composed("feature_dropout",
                  {of("",
                      [](const Arguments& in) {
                        Generator generator(3);
                        return feature_dropout(in[0], 0.5, generator);
                      },
                      {{{2, 3, 2}}, {{3, 2}}, {{0, 2, 2}}})},
                  {{"a vector",
                    [] {
                      Generator generator(3);
                      feature_dropout(blank({2}), 0.5, generator);
                    },
                    {"(2,)", "(N, C, ...)"}},
                   {"no probability",
                    [] {
                      Generator generator(3);
                      feature_dropout(blank({2, 2}), 1.5, generator);
                    },
                    {"1.5", "(2, 2)"}}});
}

}  // namespace

std::vector<OpCase> series_rows() {
  return {over_vectors("convolve", convolve),
          over_vectors("correlate", correlate),
          polyval_row(),
          bilinear_row(),
          mode_row(),
          index_fill_row(),
          combinations_row(),
          feature_dropout_row()};
}

}  // namespace chainrule::test
