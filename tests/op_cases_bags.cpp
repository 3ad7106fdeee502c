// Rows for bags of embeddings, and the sums of weighted rows that they and grids are made of.
// What is composed is compared with PyTorch in tests/reference.

#include "chainrule/autograd.h"
#include "chainrule/indexing.h"
#include "op_rows.h"

namespace chainrule::test {
namespace {

using reference::Array;
using reference::Arrays;
using reference::at;
using reference::Number;
using reference::Numbers;

constexpr std::int64_t rows = 4;

Tensor positions() { return tensor({{0, 2, 1}, {2, 0, 2}}); }
Tensor bags(const Operand& table, const Tensor& weights, const Operand& places) {
  return embedding_bag(table, places, {.mode = BagMode::sum, .weights = weights});
}

/// Calls f(p, k, r, c) for each product, of the row r that point p reads.
template <class F>
void for_each_product(const Array& places, std::int64_t width, const F& f) {
  for (std::int64_t p = 0; p < places.shape[0]; ++p)
    for (std::int64_t k = 0; k < places.shape[1]; ++k)
      for (std::int64_t c = 0; c < width; ++c) f(p, k, static_cast<std::int64_t>(at(places, {p, k})), c);
}
Array zero(const Shape& shape) { return {shape, Numbers(static_cast<std::size_t>(shape.size()), 0)}; }
Number& element(Array& array, std::int64_t row, std::int64_t column) {
  return array.values[static_cast<std::size_t>(row * array.shape[1] + column)];
}
/// Of two matrices, and of places, which have no gradient.
OpCase of_places(const std::string& operation, Call call, Expected expected, std::vector<Shapes> shapes) {
  OpCase row = own(operation, std::move(call), std::move(expected), std::move(shapes));
  row.inputs = {between(-1, 1), between(-1, 1), classes(rows)};
  row.optional_inputs = true;
  return row;
}

OpCase embedding_bag_row() {
  const auto of = [](const EmbeddingBagOptions& options) {
    return [options](const Arguments& in) { return embedding_bag(in[0], positions(), options); };
  };
  const auto ragged = [](EmbeddingBagOptions options) {
    options.offsets = tensor({0, 1, 1});
    return [options](const Arguments& in) { return embedding_bag(in[0], {0, 2, 1, 2}, options); };
  };
  const std::vector<Shapes> shapes = {{{3, 2}}, {{4, 17}}, {{3, 0}}};
  return composed("embedding_bag",
                  {{"mean", of({}), {}, shapes},
                   {"mean of what is no padding", of({.padding = -1}), {}, shapes},
                   {"max", of({.mode = BagMode::max}), {}, shapes},
                   {"sum of ragged bags", ragged({.mode = BagMode::sum}), {}, shapes},
                   {"max of ragged bags", ragged({.mode = BagMode::max, .padding = 1}), {}, shapes},
                   {"weighted ragged bags",
                    ragged({.mode = BagMode::sum, .weights = tensor({1.0, -2.0, 0.5, 0.25})}),
                    {},
                    shapes}},
                  {{"a position outside",
                    [] {
                      embedding_bag(blank({2, 2}), {{0, 2}});
                    },
                    {"2"}},
                   {"a list without offsets",
                    [] {
                      embedding_bag(blank({2, 2}), {0, 1});
                    },
                    {"(2, 2)", "(2,)"}},
                   {"offsets that go back",
                    [] {
                      embedding_bag(blank({2, 2}), {0, 1}, {.offsets = tensor({0, 2, 1})});
                    },
                    {"never go back"}},
                   {"offsets that begin late",
                    [] {
                      embedding_bag(blank({2, 2}), {0, 1}, {.offsets = tensor({1})});
                    },
                    {"begin with 0"}},
                   {"weights of a mean",
                    [] {
                      embedding_bag(blank({2, 2}), {{0, 1}}, {.weights = ones({1, 2})});
                    },
                    {"(1, 2)", "sum"}},
                   {"padding that is no row",
                    [] {
                      embedding_bag(blank({2, 2}), {{0, 1}}, {.padding = 2});
                    },
                    {"padding 2", "(2, 2)"}}});
}

}  // namespace

std::vector<OpCase> bag_rows() {
  return {
      embedding_bag_row(),
      of_places(
          "weighted_rows", [](const Arguments& in) { return bags(in[0], in[1].as_tensor(), in[2]); },
          [](const Arrays& in) {
            Array y = zero({in[2].shape[0], in[0].shape[1]});
            for_each_product(in[2], y.shape[1], [&](auto p, auto k, auto r, auto c) {
              element(y, p, c) += at(in[0], {r, c}) * at(in[1], {p, k});
            });
            return y;
          },
          {{{rows, 2}, {2, 3}, {2, 3}}, {{rows, 21}, {5, 1}, {5, 1}}, {{rows, 3}, {0, 2}, {0, 2}}}),
      of_places(
          "add_to_rows",
          [](const Arguments& in) {
            const Tensor g = in[0].as_tensor(), table = variable(zeros({rows, g.shape()[1]}, g.dtype()));
            return gradients(bags(table, in[1].as_tensor(), in[2]), {table},
                             {.seed = g, .create_graph = true})
                .at(table);
          },
          [](const Arrays& in) {
            Array x = zero({rows, in[0].shape[1]});
            for_each_product(in[2], x.shape[1], [&](auto p, auto k, auto r, auto c) {
              element(x, r, c) += at(in[0], {p, c}) * at(in[1], {p, k});
            });
            return x;
          },
          {{{2, 3}, {2, 3}, {2, 3}}, {{5, 37}, {5, 2}, {5, 2}}}),
      of_places(
          "dot_rows",
          [](const Arguments& in) {
            const Tensor x = in[0].as_tensor(), places = in[2].as_tensor();
            const Tensor weights = variable(zeros(places.shape(), x.dtype()));
            return gradients(bags(x, weights, places), {weights},
                             {.seed = in[1].as_tensor(), .create_graph = true})
                .at(weights);
          },
          [](const Arrays& in) {
            Array w = zero(in[2].shape);
            for_each_product(in[2], in[0].shape[1], [&](auto p, auto k, auto r, auto c) {
              element(w, p, k) += at(in[0], {r, c}) * at(in[1], {p, c});
            });
            return w;
          },
          {{{rows, 3}, {2, 3}, {2, 3}}, {{rows, 21}, {5, 21}, {5, 2}}}),
  };
}

}  // namespace chainrule::test
