// Rows of the table for boxes of tensors: slices taken out of them, and replaced in them.
// op_inputs.h draws the inputs.

#include <numeric>

#include "chainrule/autograd.h"
#include "op_inputs.h"

namespace chainrule::test {
namespace {

using reference::Array;
using reference::Arrays;

OpCase index_row() {
  const auto at = [](const std::string& name, const std::vector<Index>& where, std::vector<Shapes> shapes) {
    return Variant{name, [=](const Arguments& in) { return index(in[0], where); },
                   [=](const Arrays& in) { return reference::index(in[0], where); }, std::move(shapes)};
  };
  const auto ellipsis = Index::ellipsis();
  return {
      .operation = "index",
      .inputs = {between(-2, 2)},
      .variants = {at("at a position", {1}, {{{3}}, {{2, 3}}, {{2, 3, 4}}}),
                   at("at a negative position", {-1}, {{{3}}, {{2, 3}}}),
                   at("at every position", {1, 2}, {{{2, 3}}}), at("by nothing", {}, {{{}}, {{2, 3}}}),
                   at("by a slice", {Slice{1, 3}}, {{{4}}, {{5, 2}}, {{41, 37}}}),
                   at("by a slice of columns", {Slice{}, Slice{1, 3}}, {{{2, 4}}, {{2, 4, 3}}, {{41, 37}}}),
                   at("by a slice with negative bounds", {Slice{-3, -1}}, {{{5}}, {{4, 2}}}),
                   at("by a slice that reaches too far", {Slice{1, 99}}, {{{3}}, {{4, 2}}}),
                   at("by an empty slice", {Slice{2, 1}}, {{{4}}, {{5, 2}}}),
                   at("by a step", {Slice{.step = 2}}, {{{5}}, {{4, 3}}}),
                   at("by a negative step", {Slice{.step = -1}}, {{{5}}, {{4, 3}}}),
                   at("by a negative step with bounds", {Slice{3, 0, -2}, Slice{.stop = -4, .step = -1}},
                      {{{5, 6}}}),
                   at("by a slice and a position", {Slice{.start = 1}, 0}, {{{3, 2}}, {{3, 2, 4}}}),
                   at("by a position and an ellipsis", {0, ellipsis, Slice{.stop = 2}},
                      {{{2, 3}}, {{2, 3, 4, 5}}}),
                   at("by an ellipsis and a position", {ellipsis, 1}, {{{3}}, {{2, 3, 4}}})},
      .misuses = {{"a position too high",
                   [] {
                     index(blank({2, 3}), {2});
                   },
                   {"2", "(2, 3)"}},
                  {"a position too low",
                   [] {
                     index(blank({2, 3}), {0, -4});
                   },
                   {"-4", "(2, 3)"}},
                  {"too many positions",
                   [] {
                     index(blank({2, 3}), {0, 0, 0});
                   },
                   {"(2, 3)"}},
                  {"a position of a scalar", [] { index(blank({}), {0}); }, {"()"}},
                  {"two ellipses",
                   [=] {
                     index(blank({2, 3}), {ellipsis, ellipsis});
                   },
                   {"..."}},
                  {"a step of 0",
                   [] {
                     index(blank({2, 3}), {Slice{.step = 0}});
                   },
                   {"step"}}},
      .tolerance = 0};
}

/// The derivative of index, an operation of its own so that it can be differentiated again.
OpCase scatter_row() {
  const auto at = [](const std::string& name, const std::vector<Index>& where, const Shape& whole,
                     const Shape& part) {
    return Variant{name,
                   [=](const Arguments& in) {
                     const Tensor g = in[0].as_tensor();
                     const Tensor x = variable(zeros(whole, g.dtype()));
                     return gradients(index(x, where), {x}, {.seed = g, .create_graph = true}).at(x);
                   },
                   [=](const Arrays& in) {
                     Array places{whole, reference::Numbers(static_cast<std::size_t>(whole.size()))};
                     std::iota(places.values.begin(), places.values.end(), 0);
                     Array result{whole, reference::Numbers(places.values.size(), 0)};
                     const Array targets = reference::index(places, where);
                     for (std::size_t i = 0; i < targets.values.size(); ++i)
                       result.values[static_cast<std::size_t>(targets.values[i])] = in[0].values[i];
                     return result;
                   },
                   {{part}}};
  };
  return {.operation = "index_gradient",
          .inputs = {between(-2, 2)},
          .variants = {at("to a position", {1}, {2, 3}, {3}), at("to a slice", {Slice{1, 3}}, {5, 2}, {2, 2}),
                       at("to a negative step", {Slice{}, Slice{.step = -2}}, {2, 5}, {2, 3}),
                       at("to one element", {0, -1}, {2, 3}, {}), at("of nothing", {Slice{2, 1}}, {3}, {0})},
          .tolerance = 0};
}

OpCase slice_update_row() {
  const auto at = [](const std::string& name, const std::vector<Index>& where, std::vector<Shapes> shapes) {
    return Variant{name, [=](const Arguments& in) { return slice_update(in[0], where, in[1]); },
                   [=](const Arrays& in) {
                     Array places{in[0].shape, reference::Numbers(in[0].values.size())};
                     std::iota(places.values.begin(), places.values.end(), 0);
                     const Array part = reference::index(places, where);
                     const Array values = reference::broadcast_to(in[1], part.shape);
                     Array result = in[0];
                     for (std::size_t i = 0; i < part.values.size(); ++i)
                       result.values[static_cast<std::size_t>(part.values[i])] = values.values[i];
                     return result;
                   },
                   std::move(shapes)};
  };
  const auto ellipsis = Index::ellipsis();
  return {
      .operation = "slice_update",
      .inputs = {between(-2, 2), between(-2, 2)},
      .variants = {at("at a position", {1}, {{{3}, {}}, {{2, 3}, {3}}, {{2, 3}, {}}, {{2, 3, 4}, {3, 1}}}),
                   at("at every position", {1, -1}, {{{2, 3}, {}}}),
                   at("by nothing", {}, {{{}, {}}, {{2, 3}, {2, 3}}, {{2, 3}, {3}}}),
                   at("by a slice", {Slice{1, 3}}, {{{4}, {2}}, {{5, 2}, {1, 2}}, {{41, 37}, {2, 37}}}),
                   at("by a slice of columns", {Slice{}, Slice{1, 3}},
                      {{{2, 4}, {2, 2}}, {{2, 4, 3}, {2, 1}}}),
                   at("by an empty slice", {Slice{2, 1}}, {{{4}, {0}}, {{5, 2}, {2}}}),
                   at("by a negative step", {Slice{}, Slice{.step = -2}}, {{{2, 5}, {2, 3}}, {{2, 5}, {}}}),
                   at("by an ellipsis and a position", {ellipsis, 1}, {{{3}, {}}, {{2, 3, 4}, {2, 3}}}),
                   at("of nothing", {Slice{}}, {{{0, 3}, {3}}, {{3, 0}, {}}})},
      .misuses = {{"a position too high",
                   [] {
                     slice_update(blank({2, 3}), {2}, 0.0);
                   },
                   {"2", "(2, 3)"}},
                  {"a position too low",
                   [] {
                     slice_update(blank({2, 3}), {0, -4}, 0.0);
                   },
                   {"-4", "(2, 3)"}},
                  {"too many positions",
                   [] {
                     slice_update(blank({2}), {0, 0}, 0.0);
                   },
                   {"(2,)"}},
                  {"two ellipses",
                   [=] {
                     slice_update(blank({2, 3}), {ellipsis, ellipsis}, 0.0);
                   },
                   {"..."}},
                  {"a step of 0", [] { slice_update(blank({3}), {Slice{.step = 0}}, 0.0); }, {"step"}},
                  {"values of another size",
                   [] {
                     slice_update(blank({2, 3}), {0}, blank({2}));
                   },
                   {"(2,)", "(3,)", "(2, 3)"}},
                  {"values with more axes than the part",
                   [] {
                     slice_update(blank({2, 3}), {0}, blank({1, 3}));
                   },
                   {"(1, 3)", "(3,)", "(2, 3)"}}},
      .tolerance = 0};
}

}  // namespace

std::vector<OpCase> slice_rows() { return {index_row(), scatter_row(), slice_update_row()}; }

}  // namespace chainrule::test
