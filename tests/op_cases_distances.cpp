// Rows of the table for distances between rows and losses of them, with references by their definitions.
// op_inputs.h draws the inputs.

#include <cmath>

#include "chainrule/losses.h"
#include "op_inputs.h"

namespace chainrule::test {
namespace {

using reference::Array;
using reference::Arrays;
using reference::Number;
using reference::Position;

Number dot(const Array& a, std::int64_t i, const Array& b, std::int64_t j) {
  Number total = 0;
  for (std::int64_t k = 0; k < a.shape[1]; ++k) total += reference::at(a, {i, k}) * reference::at(b, {j, k});
  return total;
}
Number cosine(const Array& a, const Array& b, std::int64_t i) {
  return dot(a, i, b, i) / std::sqrt(dot(a, i, a, i) * dot(b, i, b, i));
}
Number distance(const Array& a, std::int64_t i, const Array& b, std::int64_t j, Number eps = 0) {
  Number total = 0;
  for (std::int64_t k = 0; k < a.shape[1]; ++k)
    total += std::pow(reference::at(a, {i, k}) - reference::at(b, {j, k}) + eps, 2.0L);
  return std::sqrt(total);
}

/// Of rows: one number for each.
OpCase of_rows(const std::string& operation, const std::function<Tensor(const Arguments&)>& call,
               const std::function<Number(const Arrays&, std::int64_t)>& row,
               const std::vector<Input>& inputs, const std::vector<Shapes>& shapes,
               std::vector<Misuse> misuses) {
  return {.operation = operation,
          .inputs = inputs,
          .variants = {{"", call,
                        [=](const Arrays& in) {
                          return reference::generate({in[0].shape[0]},
                                                     [&](const Position& at) { return row(in, at[0]); });
                        },
                        shapes}},
          .misuses = std::move(misuses),
          .composed = true,
          .tolerance = 1e-11,  // PyTorch's epsilons
          .float32_tolerance = 1e-5};
}

}  // namespace

std::vector<OpCase> distance_rows() {
  const std::vector<Input> two = {distinct(), distinct(0.05)},
                           three = {distinct(), distinct(0.03), distinct(0.06)};
  return {
      of_rows(
          "cosine_similarity", [](const Arguments& in) { return cosine_similarity(in[0], in[1]); },
          [](const Arrays& in, std::int64_t i) { return cosine(in[0], in[1], i); },
          {between(0.5, 2), between(-2, -0.5)}, {{{2, 3}, {2, 3}}, {{0, 3}, {0, 3}}},
          {{"shapes that do not broadcast",
            [] {
              cosine_similarity(blank({2, 3}), blank({2, 4}));
            },
            {"(2, 3)", "(2, 4)"}}}),
      of_rows(
          "pairwise_distance", [](const Arguments& in) { return pairwise_distance(in[0], in[1]); },
          [](const Arrays& in, std::int64_t i) { return distance(in[0], i, in[1], i, 1e-6L); }, two,
          {{{2, 3}, {2, 3}}},
          {{"shapes that do not broadcast",
            [] {
              pairwise_distance(blank({2, 3}), blank({2, 4}));
            },
            {"(2, 3)", "(2, 4)"}}}),
      {.operation = "cdist",
       .inputs = {between(0.5, 2), between(-2, -0.5)},
       .variants = {{"",
                     [](const Arguments& in) { return cdist(in[0], in[1]); },
                     [](const Arrays& in) {
                       return reference::generate({in[0].shape[0], in[1].shape[0]}, [&](const Position& at) {
                         return distance(in[0], at[0], in[1], at[1]);
                       });
                     },
                     {{{2, 3}, {3, 3}}, {{0, 3}, {2, 3}}, {{2, 0}, {3, 0}}}}},
       .misuses = {{"rows of other lengths",
                    [] {
                      cdist(blank({2, 3}), blank({2, 4}));
                    },
                    {"(2, 3)", "(2, 4)"}}},
       .composed = true,
       .tolerance = 1e-14,
       .float32_tolerance = 1e-5},
      {.operation = "pdist",
       .inputs = {distinct()},
       .variants = {{"",
                     [](const Arguments& in) { return pdist(in[0]); },
                     [](const Arrays& in) {
                       Array result;
                       for (std::int64_t i = 0; i < in[0].shape[0]; ++i)
                         for (std::int64_t j = i + 1; j < in[0].shape[0]; ++j)
                           result.values.push_back(distance(in[0], i, in[0], j));
                       result.shape = {static_cast<std::int64_t>(result.values.size())};
                       return result;
                     },
                     {{{3, 2}}, {{1, 2}}}}},
       .misuses = {{"a vector", [] { pdist(blank({3})); }, {"(3,)"}}},
       .composed = true,
       .tolerance = 1e-14,
       .float32_tolerance = 1e-5},
      of_rows(
          "triplet_margin_loss",
          [](const Arguments& in) {
            return triplet_margin_loss(in[0], in[1], in[2], {.margin = 9, .reduction = Reduction::none});
          },
          [](const Arrays& in, std::int64_t i) {
            return 9 + distance(in[0], i, in[1], i, 1e-6L) - distance(in[0], i, in[2], i, 1e-6L);
          },
          three, {{{2, 3}, {2, 3}, {2, 3}}},
          {{"shapes that differ",
            [] {
              triplet_margin_loss(blank({2, 3}), blank({2, 3}), blank({3}));
            },
            {"(2, 3)", "(3,)"}}}),
      of_rows(
          "cosine_embedding_loss",
          [](const Arguments& in) { return cosine_embedding_loss(in[0], in[1], in[2], -2, Reduction::none); },
          [](const Arrays& in, std::int64_t i) {
            const Number c = cosine(in[0], in[1], i);
            return reference::at(in[2], {i}) == 1 ? 1 - c : c + 2;
          },
          {between(0.5, 2), between(-2, -0.5), labels()}, {{{2, 3}, {2, 3}, {2}}},
          {{"targets of another shape",
            [] {
              cosine_embedding_loss(blank({2, 3}), blank({2, 3}), blank({3}));
            },
            {"(2,)", "(3,)"}}}),
  };
}

}  // namespace chainrule::test
