// Rows of the table for permutations, reshapes, joins and rows: what moves elements and changes none.
// op_inputs.h draws the inputs.

#include "chainrule/autograd.h"
#include "op_inputs.h"

namespace chainrule::test {
namespace {

using reference::Array;
using reference::Arrays;

OpCase permute_row() {
  const auto by = [](const std::string& name, const std::vector<std::int64_t>& order,
                     std::vector<Shapes> shapes) {
    return Variant{name, [=](const Arguments& in) { return permute(in[0], order); },
                   [=](const Arrays& in) { return reference::permute(in[0], order); }, std::move(shapes)};
  };
  const auto exchanging = [](const std::string& name, Tensor (*call)(const Tensor&),
                             const std::vector<std::int64_t>& order, const Shape& shape) {
    return Variant{name,
                   [=](const Arguments& in) { return call(in.tensors()[0]); },
                   [=](const Arrays& in) { return reference::permute(in[0], order); },
                   {{shape}}};
  };
  return {.operation = "permute",
          .inputs = {between(-2, 2)},
          .variants = {by("of a scalar", {}, {{{}}}),
                       by("of two axes", {1, 0}, {{{2, 3}}, {{1, 3}}, {{0, 3}}, {{67, 45}}}),
                       by("of three axes", {2, 0, 1}, {{{2, 3, 4}}, {{17, 19, 23}}}),
                       by("of negative axes", {-2, -3, -1}, {{{2, 3, 4}}}),
                       by("of five axes", {4, 1, 3, 0, 2}, {{{2, 3, 1, 4, 2}}}),
                       by("that changes nothing", {0, 1}, {{{2, 3}}}),
                       exchanging("by transpose", [](const Tensor& x) { return transpose(x); }, {2, 1, 0},
                                  {2, 3, 4}),
                       exchanging("by T", [](const Tensor& x) { return x.T(); }, {1, 0}, {2, 3}),
                       exchanging("by swapaxes", [](const Tensor& x) { return swapaxes(x, 0, -1); },
                                  {2, 1, 0}, {2, 3, 4})},
          .misuses = {{"too few axes",
                       [] {
                         permute(blank({2, 3}), {0});
                       },
                       {"(2, 3)"}},
                      {"an axis twice",
                       [] {
                         permute(blank({2, 3}), {0, 0});
                       },
                       {"(2, 3)"}},
                      {"an axis too high",
                       [] {
                         permute(blank({2, 3}), {0, 2});
                       },
                       {"2", "(2, 3)"}}},
          .tolerance = 0};
}

OpCase reshape_row() {
  const auto to = [](const std::string& name, const Shape& asked, const Shape& result,
                     std::vector<Shapes> shapes) {
    return Variant{name, [=](const Arguments& in) { return reshape(in[0], asked); },
                   [=](const Arrays& in) { return reference::reshape(in[0], result); }, std::move(shapes)};
  };
  return {
      .operation = "reshape",
      .inputs = {between(-2, 2)},
      .variants = {to("to a row", {6}, {6}, {{{2, 3}}, {{6}}, {{1, 3, 2}}}),
                   to("to a matrix", {3, 2}, {3, 2}, {{{2, 3}}, {{6}}}),
                   to("with a size left out", {-1, 2}, {3, 2}, {{{2, 3}}, {{6}}}),
                   to("to five axes", {1, 2, 1, 3, 1}, {1, 2, 1, 3, 1}, {{{2, 3}}}),
                   to("to a scalar", {}, {}, {{{1, 1}}, {{}}}), to("of nothing", {3, 0}, {3, 0}, {{{0, 5}}})},
      .misuses = {{"another number of elements",
                   [] {
                     reshape(blank({2, 3}), {4, 2});
                   },
                   {"(2, 3)", "(4, 2)"}},
                  {"a size that cannot be found",
                   [] {
                     reshape(blank({2, 3}), {4, -1});
                   },
                   {"(2, 3)", "(4, -1)"}},
                  {"two sizes left out",
                   [] {
                     reshape(blank({2, 3}), {-1, -1});
                   },
                   {"(2, 3)", "(-1, -1)"}},
                  {"a negative size",
                   [] {
                     reshape(blank({2, 3}), {-2, -3});
                   },
                   {"(2, 3)", "(-2, -3)"}}},
      .tolerance = 0};
}

OpCase broadcast_to_row() {
  const auto to = [](const std::string& name, const Shape& shape, std::vector<Shapes> shapes) {
    return Variant{name, [=](const Arguments& in) { return broadcast_to(in[0], shape); },
                   [=](const Arrays& in) { return reference::broadcast_to(in[0], shape); },
                   std::move(shapes)};
  };
  return {.operation = "broadcast_to",
          .inputs = {between(-2, 2)},
          .variants = {to("a matrix", {2, 3}, {{{}}, {{3}}, {{1, 3}}, {{2, 1}}, {{2, 3}}, {{1, 1}}}),
                       to("three axes", {4, 2, 3}, {{{2, 1}}, {{4, 1, 3}}, {{1, 2, 3}}, {{4, 1, 1}}}),
                       to("a large matrix", {37, 41}, {{{41}}, {{37, 1}}}),
                       to("nothing", {0, 3}, {{{3}}, {{1, 3}}, {{1, 1}}, {{}}})},
          .misuses = {{"a size that differs",
                       [] {
                         broadcast_to(blank({3}), {2, 4});
                       },
                       {"(3,)", "(2, 4)"}},
                      {"fewer axes",
                       [] {
                         broadcast_to(blank({2, 3}), {3});
                       },
                       {"(2, 3)", "(3,)"}},
                      {"a size that shrinks",
                       [] {
                         broadcast_to(blank({2, 3}), {2, 1});
                       },
                       {"(2, 3)", "(2, 1)"}}},
          .tolerance = 0};
}

OpCase concatenate_row() {
  const auto along = [](const std::string& name, std::int64_t axis, std::vector<Shapes> shapes) {
    return Variant{name, [=](const Arguments& in) { return concatenate(in.tensors(), axis); },
                   [=](const Arrays& in) { return reference::concatenate(in, axis); }, std::move(shapes)};
  };
  return {
      .operation = "concatenate",
      .inputs = {between(-2, 2)},
      .variants = {along("along axis 0", 0,
                         {{{3}}, {{2}, {3}}, {{1, 3}, {2, 3}, {0, 3}, {1, 3}}, {{9, 7}, {31, 7}}}),
                   along("along axis 1", 1, {{{2, 1}, {2, 3}}, {{2, 1, 3}, {2, 2, 3}}, {{23, 17}, {23, 5}}}),
                   along("along the last axis", -1, {{{2}, {3}}, {{2, 2, 1}, {2, 2, 3}}})},
      .misuses = {{"sizes that differ",
                   [] {
                     concatenate({blank({2, 3}), blank({2, 4})});
                   },
                   {"(2, 3)", "(2, 4)"}},
                  {"numbers of axes that differ",
                   [] {
                     concatenate({blank({2, 3}), blank({3})});
                   },
                   {"(2, 3)", "(3,)"}},
                  {"scalars",
                   [] {
                     concatenate({blank({}), blank({})});
                   },
                   {"()"}},
                  {"an axis too high",
                   [] {
                     concatenate({blank({2}), blank({3})}, 1);
                   },
                   {"1", "(2,)"}},
                  {"no tensors", [] { concatenate(Inputs{}); }, {}}},
      .tolerance = 0};
}

OpCase stack_row() {
  const auto along = [](const std::string& name, std::int64_t axis, std::vector<Shapes> shapes) {
    return Variant{name, [=](const Arguments& in) { return stack(in.tensors(), axis); },
                   [=](const Arrays& in) { return reference::stack(in, axis); }, std::move(shapes)};
  };
  return {
      .operation = "stack",
      .inputs = {between(-2, 2)},
      .variants = {along("along axis 0", 0, {{{}, {}}, {{3}}, {{2, 3}, {2, 3}, {2, 3}}, {{0, 3}, {0, 3}}}),
                   along("along axis 1", 1, {{{3}, {3}}, {{2, 3}, {2, 3}}}),
                   along("along the last axis", -1, {{{3}, {3}}, {{2, 3}, {2, 3}}, {{19, 23}, {19, 23}}})},
      .misuses = {{"shapes that differ",
                   [] {
                     stack({blank({2, 3}), blank({3})});
                   },
                   {"(2, 3)", "(3,)"}},
                  {"a shape that already has the new axis",
                   [] {
                     stack({blank({3}), blank({1, 3})});
                   },
                   {"(3,)", "(1, 3)"}},
                  {"an axis too high",
                   [] {
                     stack({blank({2}), blank({2})}, 2);
                   },
                   {"2", "(2,)"}},
                  {"an axis too low",
                   [] {
                     stack({blank({2}), blank({2})}, -3);
                   },
                   {"-3", "(2,)"}},
                  {"no tensors", [] { stack(Inputs{}); }, {}}},
      .composed = true,
      .tolerance = 0};
}

using Positions = std::vector<std::int64_t>;

OpCase take_rows_row() {
  const auto at = [](const std::string& name, const Positions& positions, std::vector<Shapes> shapes) {
    return Variant{name, [=](const Arguments& in) { return take_rows(in[0], positions); },
                   [=](const Arrays& in) {
                     Shape shape = in[0].shape;
                     shape[0] = static_cast<std::int64_t>(positions.size());
                     return reference::generate(shape, [&](reference::Position place) {
                       place[0] = positions[static_cast<std::size_t>(place[0])];
                       return reference::at(in[0], place);
                     });
                   },
                   std::move(shapes)};
  };
  const auto looked_up = [](const std::string& name, const Shape& places, const Shape& table) {
    return Variant{name,
                   [=](const Arguments& in) {
                     return take_rows(in[0], cast(reshape(arange(0, places.size()), places), DType::int64));
                   },
                   [=](const Arrays& in) {
                     std::vector<std::int64_t> sizes(places.begin(), places.end());
                     sizes.insert(sizes.end(), table.begin() + 1, table.end());
                     return reference::reshape(in[0], Shape(sizes));
                   },
                   {{table}}};
  };
  return {.operation = "take_rows",
          .inputs = {between(-2, 2)},
          .variants = {at("in another order", {2, 0, 1}, {{{3}}, {{3, 2}}, {{3, 2, 4}}, {{3, 0}}}),
                       at("some of them repeated", {1, 1, 0, 1, 4, 4}, {{{5}}, {{5, 3}}, {{7, 17}}}),
                       at("none", {}, {{{3, 2}}, {{0, 2}}, {{0}}}), at("one", {0}, {{{1}}, {{2, 1, 3}}}),
                       looked_up("by positions of two axes", {2, 3}, {6, 2}),
                       looked_up("by one position", {}, {1, 4})},
          .misuses = {{"of a scalar", [] { take_rows(blank({}), {0}); }, {"()"}},
                      {"a position too high",
                       [] {
                         take_rows(blank({2, 3}), {0, 2});
                       },
                       {"2", "(2, 3)"}},
                      {"a negative position",
                       [] {
                         take_rows(blank({2, 3}), {-1});
                       },
                       {"-1", "(2, 3)"}}},
          .tolerance = 0};
}

/// The derivative of take_rows, an operation of its own so that it can be differentiated again.
OpCase scatter_rows_row() {
  const auto at = [](const std::string& name, const Positions& positions, const Shape& whole,
                     const Shape& part) {
    return Variant{name,
                   [=](const Arguments& in) {
                     const Tensor g = in[0].as_tensor();
                     const Tensor x = variable(zeros(whole, g.dtype()));
                     return gradients(take_rows(x, positions), {x}, {.seed = g, .create_graph = true}).at(x);
                   },
                   [=](const Arrays& in) {
                     return reference::generate(whole, [&](reference::Position place) {
                       reference::Number total = 0;
                       const std::int64_t row = place[0];
                       for (std::size_t i = 0; i < positions.size(); ++i) {
                         place[0] = static_cast<std::int64_t>(i);
                         if (positions[i] == row) total += reference::at(in[0], place);
                       }
                       return total;
                     });
                   },
                   {{part}}};
  };
  return {.operation = "scatter_rows",
          .inputs = {between(-2, 2)},
          .variants = {at("to other places", {2, 0}, {3, 2}, {2, 2}),
                       at("to one place several times", {1, 3, 1, 1}, {4}, {4}),
                       at("of nothing", {}, {3, 2}, {0, 2}), at("of empty rows", {1, 1}, {3, 0}, {2, 0})},
          .tolerance = 1e-15};
}

}  // namespace

std::vector<OpCase> shape_rows() {
  return {permute_row(), reshape_row(),   broadcast_to_row(), concatenate_row(),
          stack_row(),   take_rows_row(), scatter_rows_row()};
}

}  // namespace chainrule::test
