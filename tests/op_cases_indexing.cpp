// Rows of the table for what takes, replaces and adds up elements at their places, with references in plain
// loops. Order has a file of its own.

#include "chainrule/autograd.h"
#include "chainrule/indexing.h"
#include "op_rows.h"

namespace chainrule::test {
namespace {

using reference::Array;
using reference::Arrays;
using reference::Position;

Tensor ints(const std::vector<std::int64_t>& numbers, const Shape& shape) { return tensor(numbers, shape); }
Tensor ints(const std::vector<std::int64_t>& numbers) { return tensor(numbers); }

/// Where the elements of an index point to along an axis.
std::function<Array(const Arrays&)> gathered(const Tensor& index, std::size_t axis) {
  return [=](const Arrays& in) {
    const auto list = index.to_vector<std::int64_t>();
    std::size_t next = 0;
    return reference::generate(index.shape(), [&](Position place) {
      place[axis] = list[next++];
      return reference::at(in[0], place);
    });
  };
}

OpCase gather_row() {
  const auto at = [](const std::string& name, const Tensor& index, std::int64_t axis, const Shape& shape) {
    return Variant{name,
                   [=](const Arguments& in) { return gather(in[0], axis, index); },
                   gathered(index, static_cast<std::size_t>(axis)),
                   {{shape}}};
  };
  return {.operation = "gather",
          .inputs = {between(-2, 2)},
          .variants = {at("along rows", ints({2, 0, 0, 1, 1, 1}, {2, 3}), 1, {2, 3}),
                       at("along columns, of a part", ints({2, 2, 0, 1}, {2, 2}), 0, {3, 4}),
                       at("along the middle of three axes", ints({1, 1, 0, 2}, {2, 2, 1}), 1, {2, 3, 2}),
                       at("of nothing", ints({}, {0, 3}), 0, {2, 3})},
          .misuses = {{"a position too high",
                       [] {
                         gather(blank({2, 5}), 1, ints({7, 0}, {2, 1}));
                       },
                       {"index 7 is outside axis 1 of size 5"}},
                      {"a negative position", [] { gather(blank({2}), 0, ints({-1})); }, {"-1", "axis 0"}},
                      {"an index longer beside the axis",
                       [] {
                         gather(blank({2, 3}), 1, ints({0, 0, 0}, {3, 1}));
                       },
                       {"(3, 1)", "(2, 3)"}},
                      {"another number of axes",
                       [] {
                         gather(blank({2, 3}), 1, ints({0}));
                       },
                       {"(1,)", "(2, 3)"}}},
          .tolerance = 0};
}

/// The derivative of gather, an operation of its own so that it can be differentiated again.
OpCase add_at_row() {
  return {.operation = "add_at",
          .inputs = {between(-2, 2)},
          .variants = {{"of rows, one of them twice",
                        [](const Arguments& in) {
                          const Tensor g = in[0].as_tensor();
                          const Tensor x = variable(zeros({2, 3}, g.dtype()));
                          const Tensor y = gather(x, 1, ints({2, 2, 0, 1}, {2, 2}));
                          return gradients(y, {x}, {.seed = g, .create_graph = true}).at(x);
                        },
                        [](const Arrays& in) {
                          const auto& g = in[0].values;
                          return Array{{2, 3}, {0, 0, g[0] + g[1], g[2], g[3], 0}};
                        },
                        {{{2, 2}}}}},
          .tolerance = 1e-15};
}

OpCase take_along_axis_row() {
  const auto at = [](const std::string& name, const Tensor& index, std::int64_t axis,
                     std::vector<Shapes> shapes) {
    return Variant{name,
                   [=](const Arguments& in) { return take_along_axis(in[0], index, axis); },
                   {},
                   std::move(shapes)};
  };
  return composed("take_along_axis",
                  {at("for every row the same", ints({-1, 0}, {1, 2}), 1, {{{2, 3}}, {{0, 3}}}),
                   at("of one row for all", ints({0, 1, 1, 2}, {2, 2}), -1, {{{1, 3}}})},
                  {{"another number of axes",
                    [] {
                      take_along_axis(blank({2, 3}), ints({0}), 1);
                    },
                    {"(1,)", "(2, 3)"}},
                   {"shapes that do not broadcast",
                    [] {
                      take_along_axis(blank({2, 3}), ints({0, 0, 0}, {3, 1}), 1);
                    },
                    {"(3, 1)"}}});
}

OpCase take_row() {
  return composed("take",
                  {{"of all",
                    [](const Arguments& in) {
                      return take(in[0], {{-1, 0}, {1, 1}});
                    },
                    {},
                    {{{2, 2}}, {{3}}}},
                   {"along an axis",
                    [](const Arguments& in) {
                      return take(in[0], ints({1, -3, 1, 1}, {2, 2}), 1);
                    },
                    {},
                    {{{2, 3}}, {{2, 3, 2}}, {{0, 3}}}}},
                  {{"a position too high",
                    [] {
                      take(blank({2, 3}), ints({6}));
                    },
                    {"6"}},
                   {"a position too low along an axis",
                    [] {
                      take(blank({2, 3}), ints({-3}), 0);
                    },
                    {"-3", "size 2"}}});
}

OpCase index_select_row() {
  return composed("index_select",
                  {{"",
                    [](const Arguments& in) {
                      return index_select(in[0], 1, {2, -1, 0});
                    },
                    {},
                    {{{2, 3}}, {{2, 3, 2}}}}},
                  {{"positions of two axes",
                    [] {
                      index_select(blank({2}), 0, ints({0}, {1, 1}));
                    },
                    {"(1, 1)"}}});
}

OpCase embedding_row() {
  return composed("embedding",
                  {{"",
                    [](const Arguments& in) {
                      return embedding(in[0], {{1, 2}, {1, 0}});
                    },
                    {},
                    {{{3, 2}}}}},
                  {{"a scalar", [] { embedding(blank({}), {0}); }, {"()"}},
                   {"a padding that is no row",
                    [] {
                      embedding(blank({2, 2}), {0}, 5);
                    },
                    {"5", "(2, 2)"}}});
}

const Tensor mask = tensor({{true, false, true}, {false, false, true}});

OpCase masked_select_row() {
  return composed(
      "masked_select",
      {{"", [](const Arguments& in) { return masked_select(in[0], mask); }, {}, {{{2, 3}}, {{3}}}}},
      {{"shapes that do not broadcast", [] { masked_select(blank({2}), mask); }, {"(2,)", "(2, 3)"}}});
}

OpCase scatter_row() {
  const Tensor index = ints({2, 0, 1, 1}, {2, 2});
  return composed("scatter",
                  {{"",
                    [=](const Arguments& in) { return scatter(in[0], 1, index, in[1]); },
                    {},
                    {{{2, 3}, {2, 2}}, {{3, 4}, {2, 3}}, {{2, 3}, {}}}},
                   {"of nothing",
                    [](const Arguments& in) { return scatter(in[0], 0, ints({}), in[1]); },
                    {},
                    {{{2}, {0}}}}},
                  {{"too few values",
                    [=] {
                      scatter(blank({2, 3}), 1, index, blank({2, 1}));
                    },
                    {"(2, 1)", "(2, 2)"}}},
                  2);
}

OpCase put_along_axis_row() {
  const Tensor index = ints({-1, 0}, {2, 1});
  return composed("put_along_axis",
                  {{"",
                    [=](const Arguments& in) { return put_along_axis(in[0], index, in[1], 1); },
                    {},
                    {{{2, 3}, {2, 1}}, {{2, 3}, {1}}, {{2, 3}, {}}}}},
                  {{"values that do not fit",
                    [=] {
                      put_along_axis(blank({2, 3}), index, blank({3}), 1);
                    },
                    {"(3,)", "(2, 1)"}}},
                  2);
}

OpCase put_row() {
  return composed("put",
                  {{"of all",
                    [](const Arguments& in) {
                      return put(in[0], {3, -1, 0}, in[1]);
                    },
                    {},
                    {{{2, 3}, {3}}, {{4}, {1}}, {{2, 2}, {}}}},
                   {"along an axis",
                    [](const Arguments& in) {
                      return put(in[0], {2, 0}, in[1], 1);
                    },
                    {},
                    {{{2, 3}, {2, 2}}, {{2, 3}, {2, 1}}, {{2, 3, 2}, {2}}}}},
                  {{"values that do not fit",
                    [] {
                      put(blank({4}), {0, 1}, blank({3}));
                    },
                    {"(3,)", "(2,)"}}},
                  2);
}

/// What put, scatter and the like are made of.
OpCase put_at_row() {
  return {.operation = "put_at",
          .inputs = {between(-2, 2), between(-2, 2)},
          .variants = {{"one place twice",
                        [](const Arguments& in) {
                          return put(in[0], {2, 0, 2}, in[1]);
                        },
                        [](const Arrays& in) {
                          const auto &x = in[0].values, &v = in[1].values;
                          return Array{{4}, {v[1], x[1], v[2], x[3]}};
                        },
                        {{{4}, {3}}}}},
          .tolerance = 0};
}

/// What scatter_reduce by the largest and the smallest is.
OpCase scatter_extreme_row() {
  const auto variant = [](const char* name, Combining how, bool with_x, std::vector<std::size_t> from) {
    return Variant{name,
                   [=](const Arguments& in) {
                     return scatter_reduce(in[0], 0, {2, 0, 2}, in[1], how, with_x);
                   },
                   [=](const Arrays& in) {
                     auto all = in[0].values;
                     all.insert(all.end(), in[1].values.begin(), in[1].values.end());
                     const auto extreme = [&](auto a, auto b) {
                       return how == Combining::amax ? std::max(a, b) : std::min(a, b);
                     };
                     Array result{{3}, {all[4], all[1], extreme(all[3], all[5])}};
                     if (with_x)
                       for (const std::size_t i : from) result.values[i] = extreme(result.values[i], all[i]);
                     return result;
                   },
                   {{{3}, {3}}},
                   {distinct(), distinct(0.03)}};
  };
  return {.operation = "scatter_extreme",
          .variants = {variant("the largest", Combining::amax, true, {0, 2}),
                       variant("the smallest without x", Combining::amin, false, {})},
          .tolerance = 0};
}

/// What scatter_reduce by products is, where nothing is 0.
OpCase scatter_product_row() {
  const auto variant = [](const char* name, bool with_x, const Input& input) {
    return Variant{
        name,
        [=](const Arguments& in) {
          return scatter_reduce(in[0], 0, {2, 0, 2, 2}, in[1], Combining::prod, with_x);
        },
        [=](const Arrays& in) {
          const auto &x = in[0].values, &v = in[1].values;
          return Array{{3}, {(with_x ? x[0] : 1) * v[1], x[1], (with_x ? x[2] : 1) * v[0] * v[2] * v[3]}};
        },
        {{{3}, {4}}},
        {input, input}};
  };
  return {.operation = "scatter_product",
          .variants = {variant("", true, between(0.5, 2)), variant("without x", false, between(-2, -0.5))}};
}

OpCase masked_fill_row() {
  return composed("masked_fill",
                  {{"",
                    [](const Arguments& in) { return masked_fill(in[0], mask, in[1]); },
                    {},
                    {{{2, 3}, {}}, {{2, 2, 3}, {3}}}}},
                  {{"a mask that is larger", [] { masked_fill(blank({3}), mask, 0); }, {"(3,)", "(2, 3)"}}},
                  2);
}

OpCase masked_scatter_row() {
  return composed("masked_scatter",
                  {{"",
                    [](const Arguments& in) { return masked_scatter(in[0], mask, in[1]); },
                    {},
                    {{{2, 3}, {3}}, {{2, 3}, {2, 2}}}}},
                  {{"too few values",
                    [] {
                      masked_scatter(blank({2, 3}), mask, blank({2}));
                    },
                    {"(2,)", "3"}}},
                  2);
}

OpCase scatter_add_row() {
  const Tensor index = ints({2, 2, 0, 1}, {2, 2});
  return composed("scatter_add",
                  {{"",
                    [=](const Arguments& in) { return scatter_add(in[0], 1, index, in[1]); },
                    {},
                    {{{2, 3}, {2, 2}}, {{3, 4}, {2, 3}}, {{2, 3}, {}}}}},
                  {{"too few values",
                    [=] {
                      scatter_add(blank({2, 3}), 1, index, blank({2}));
                    },
                    {"(2,)", "(2, 2)"}}},
                  2);
}

OpCase index_add_row() {
  return composed("index_add",
                  {{"",
                    [](const Arguments& in) {
                      return index_add(in[0], 0, {1, 1}, in[1], -2);
                    },
                    {},
                    {{{3, 2}, {2, 2}}, {{2}, {2}}, {{2}, {}}}}},
                  {{"values that do not fit",
                    [] {
                      index_add(blank({3, 2}), 0, {1, 1}, blank({3, 2}));
                    },
                    {"(3, 2)", "(2, 2)"}},
                   {"positions of two axes", [] { index_add(blank({3}), 0, {{0}}, 1); }, {"(1, 1)"}}},
                  2);
}

OpCase index_copy_row() {
  return composed("index_copy",
                  {{"",
                    [](const Arguments& in) {
                      return index_copy(in[0], 0, {-1, 0}, in[1]);
                    },
                    {},
                    {{{3, 2}, {2, 2}}, {{3}, {2}}, {{2}, {}}}}},
                  {{"values that do not fit",
                    [] {
                      index_copy(blank({3, 2}), 0, {1, 1}, blank({3, 2}));
                    },
                    {"(3, 2)", "(2, 2)"}}},
                  2);
}

OpCase scatter_reduce_row() {
  const Tensor index = ints({2, 2, 2, 0, 0, 1}, {2, 3});
  std::vector<Variant> variants;
  for (const auto& [name, how] : {std::pair("the sum", Combining::sum),
                                  {"the product", Combining::prod},
                                  {"the mean", Combining::mean},
                                  {"the largest", Combining::amax},
                                  {"the smallest", Combining::amin}})
    for (const bool with : {true, false})
      variants.push_back(
          {std::string(name) + (with ? "" : " without x"),
           [=, how = how](const Arguments& in) { return scatter_reduce(in[0], 1, index, in[1], how, with); },
           {},
           {{{2, 4}, {2, 3}}},
           {distinct(), distinct(0.03)}});
  return composed("scatter_reduce", std::move(variants),
                  {{"too few values",
                    [=] {
                      scatter_reduce(blank({2, 4}), 1, index, blank({2}), Combining::sum);
                    },
                    {"(2,)", "(2, 3)"}}},
                  2);
}

OpCase segment_sum_row() {
  return composed("segment_sum",
                  {{"",
                    [](const Arguments& in) {
                      return segment_sum(in[0], {2, 0, 2}, 4);
                    },
                    {},
                    {{{3}}, {{3, 2}}}}},
                  {{"too few segments",
                    [] {
                      segment_sum(blank({3}), {0, 1});
                    },
                    {"(2,)", "(3,)"}},
                   {"a segment too high", [] { segment_sum(blank({1}), {2}, 2); }, {"2"}}});
}

}  // namespace

std::vector<OpCase> indexing_rows() {
  return {
      gather_row(),          add_at_row(),
      take_along_axis_row(), take_row(),
      index_select_row(),    embedding_row(),
      masked_select_row(),   scatter_row(),
      put_along_axis_row(),  put_row(),
      put_at_row(),          scatter_extreme_row(),
      scatter_product_row(), masked_fill_row(),
      masked_scatter_row(),  scatter_add_row(),
      index_add_row(),       scatter_reduce_row(),
      segment_sum_row(),     index_copy_row(),
  };
}

}  // namespace chainrule::test
