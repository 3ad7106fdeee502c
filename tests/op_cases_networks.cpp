// Rows for normalisation, attention and recurrent cells. What is composed of other operations is compared
// with PyTorch in tests/reference.

#include <cmath>

#include "chainrule/networks.h"
#include "op_rows.h"

namespace chainrule::test {
namespace {

using reference::Array;
using reference::Arrays;
using reference::Number;
using reference::Numbers;
using reference::Position;

std::vector<OpCase> normalization_rows() {
  const auto scaled = [](const Arguments& in) {
    return NormOptions{.weight = in[1].as_tensor(), .bias = in[2].as_tensor(), .eps = 0.1};
  };
  const Misuse shape = {"another shape",
                        [] {
                          layer_norm(blank({2, 3}), {2});
                        },
                        {"(2, 3)", "(2,)"}},
               weight = {"another weight",
                         [] {
                           layer_norm(blank({2, 3}), {3}, {.weight = blank({2})});
                         },
                         {"weight", "(2,)", "(3,)"}},
               one = {"one element",
                      [] {
                        batch_norm_training(blank({1, 3}));
                      },
                      {"(1, 3)", "variance"}};
  return {
      composed(
          "layer_norm", [=](const Arguments& in) { return layer_norm(in[0], {3}, scaled(in)); },
          {{{2, 3}, {3}, {3}}, {{0, 3}, {3}, {3}}}, {shape, weight}, distinct()),
      composed(
          "rms_norm",
          [](const Arguments& in) {
            return rms_norm(in[0], {2, 2}, in[1].as_tensor(), 1e-3);
          },
          {{{2, 2, 2}, {2, 2}}}, {}, distinct()),
      composed(
          "group_norm", [=](const Arguments& in) { return group_norm(in[0], 2, scaled(in)); },
          {{{2, 4, 2}, {4}, {4}}},
          {{"groups",
            [] {
              group_norm(blank({2, 3}), 2);
            },
            {"2 groups", "3"}}},
          distinct()),
      composed(
          "instance_norm", [](const Arguments& in) { return instance_norm(in[0], {.eps = 0.1}); },
          {{{2, 2, 3}}, {{2, 3}}}, {}, distinct()),
      composed(
          "batch_norm", [](const Arguments& in) { return batch_norm(in[0], in[1], in[2]); },
          {{{2, 3}, {3}, {3}}},
          {{"a mean",
            [] {
              batch_norm(blank({2, 3}), blank({2}), blank({3}));
            },
            {"mean", "(2,)"}}},
          between(0.5, 2)),
      composed(
          "batch_norm_training",
          [](const Arguments& in) { return batch_norm_training(in[0], {.eps = 0.1}).y; },
          {{{3, 2}}, {{2, 2, 3}}}, {one}, distinct()),
      composed(
          "local_response_norm",
          [](const Arguments& in) { return local_response_norm(in[0], 2, 0.5, 0.75, 2); }, {{{1, 3, 2}}}, {},
          distinct()),
      own(
          "scale_channels",
          [](const Arguments& in) {
            return batch_norm(in[0], in[1], ones({in[1].as_tensor().size()}, in[0].as_tensor().dtype()),
                              {.weight = in[2].as_tensor(), .bias = in[3].as_tensor(), .eps = 0});
          },
          [](const Arrays& in) {
            return reference::generate(in[0].shape, [&](const Position& at) {
              const auto of_channel = [&](std::size_t i) { return reference::at(in[i], {at[1]}); };
              return (reference::at(in[0], at) - of_channel(1)) * of_channel(2) + of_channel(3);
            });
          },
          {{{2, 3, 1}, {3}, {3}, {3}},
           {{2, 3, 2}, {3}, {3}, {3}},
           {{2, 2, 37}, {2}, {2}, {2}},
           {{0, 2, 3}, {2}, {2}, {2}}}),
      own(
          "normalize_groups",
          [](const Arguments& in) {
            return layer_norm(in[0], {in[0].as_tensor().shape()[2]},
                              {.weight = in[1].as_tensor(), .bias = in[2].as_tensor(), .eps = 0.1});
          },
          [](const Arrays& in) {
            const Array mean = reference::reduce(in[0], {2}, true, reference::mean);
            const auto square = [&](const Numbers& x) {
              Number sum = 0;
              for (const Number each : x) sum += (each - reference::mean(x)) * (each - reference::mean(x));
              return sum / static_cast<Number>(x.size());
            };
            const Array variance = reference::reduce(in[0], {2}, true, square);
            return reference::elementwise(
                [](const Numbers& x) { return (x[0] - x[1]) / std::sqrt(x[2] + Number(0.1L)) * x[3] + x[4]; },
                {in[0], mean, variance, in[1], in[2]});
          },
          {{{1, 2, 3}, {3}, {3}}, {{1, 2, 37}, {37}, {37}}, {{1, 0, 3}, {3}, {3}}}, distinct())};
}

std::vector<OpCase> attention_rows() {
  const auto masked = [](const Arguments& in) {
    return scaled_dot_product_attention(in[0], in[1], in[2], {.mask = in[3].as_tensor(), .scale = 0.5});
  };
  const auto heads = [](const Arguments& in) {
    return multi_head_attention(in[0], in[1], in[1], 2,
                                {.in_weight = in[2].as_tensor(), .out_weight = in[3].as_tensor()},
                                {.causal = true});
  };
  return {composed("scaled_dot_product_attention", masked, {{{2, 2, 2}, {1, 3, 2}, {1, 3, 1}, {2, 3}}},
                   {{"other keys",
                     [] {
                       scaled_dot_product_attention(blank({2, 3}), blank({4, 3}), blank({5, 3}));
                     },
                     {"(2, 3)", "(4, 3)", "(5, 3)"}},
                    {"a mask",
                     [] {
                       scaled_dot_product_attention(blank({2, 3}), blank({4, 3}), blank({4, 3}),
                                                    {.mask = blank({3, 4})});
                     },
                     {"mask (3, 4)", "(2, 4)"}}}),
          composed("multi_head_attention", heads, {{{2, 1, 4}, {3, 1, 4}, {12, 4}, {4, 4}}},
                   {{"heads",
                     [] {
                       multi_head_attention(blank({2, 3}), blank({2, 3}), blank({2, 3}), 2,
                                            {blank({9, 3}), {}, blank({3, 3})});
                     },
                     {"2 heads", "3"}}}),
          own(
              "attention",
              [](const Arguments& in) {
                return scaled_dot_product_attention(in[0], in[1], in[2], {.causal = true, .scale = 0.5});
              },
              [](const Arrays& in) {
                const Shape &q = in[0].shape, &k = in[1].shape;
                return reference::generate({q[0], q[1], in[2].shape[2]}, [&](const Position& at) {
                  Number total = 0, sum = 0;
                  for (std::int64_t j = 0; j < k[1] && j <= at[1]; ++j) {
                    Number score = 0;
                    for (std::int64_t e = 0; e < q[2]; ++e)
                      score += reference::at(in[0], {at[0], at[1], e}) * reference::at(in[1], {at[0], j, e});
                    total += std::exp(score / 2);
                    sum += std::exp(score / 2) * reference::at(in[2], {at[0], j, at[2]});
                  }
                  return sum / total;
                });
              },
              {{{2, 3, 2}, {2, 2, 2}, {2, 2, 3}},
               {{1, 70, 1}, {1, 3, 1}, {1, 3, 1}},
               {{0, 2, 1}, {0, 2, 1}, {0, 2, 1}}})};
}

std::vector<OpCase> recurrent_rows() {
  const auto weights = [](const Arguments& in, std::size_t i) {
    return CellWeights{in[i].as_tensor(), in[i + 1].as_tensor()};
  };
  const Shapes gates_3 = {{1, 2}, {1, 1}, {3, 2}, {3, 1}};
  return {
      composed("rnn_cell", [=](const Arguments& in) { return rnn_cell(in[0], in[1], weights(in, 2)); },
               {{{2, 3}, {2, 2}, {2, 3}, {2, 2}}},
               {{"a state",
                 [] {
                   rnn_cell(blank({2, 3}), blank({1, 2}), {blank({2, 3}), blank({2, 2})});
                 },
                 {"(1, 2)", "(2, 2)"}},
                {"weights",
                 [] {
                   rnn_cell(blank({2, 3}), blank({2, 2}), {blank({2, 2}), blank({2, 2})});
                 },
                 {"input", "(2, 3)"}}}),
      composed("lstm_cell",
               [=](const Arguments& in) {
                 return lstm_cell(in[0], {in[1].as_tensor(), in[2].as_tensor()}, weights(in, 3)).h;
               },
               {{{1, 2}, {1, 1}, {1, 1}, {4, 2}, {4, 1}}},
               {{"no c",
                 [] {
                   lstm_cell(blank({1}), {blank({1}), {}}, {blank({4, 1}), blank({4, 1})});
                 },
                 {"c"}}}),
      composed("gru_cell", [=](const Arguments& in) { return gru_cell(in[0], in[1], weights(in, 2)); },
               {gates_3}),
      composed("rnn", [=](const Arguments& in) { return rnn(in[0], {}, {weights(in, 1)}, {}, false).output; },
               {{{3, 1, 2}, {2, 2}, {2, 2}}},
               {{"no steps",
                 [] {
                   rnn(blank({0, 1, 2}), {}, {{blank({2, 2}), blank({2, 2})}});
                 },
                 {"(0, 1, 2)", "steps"}},
                {"one direction",
                 [] {
                   rnn(blank({2, 1, 2}), {}, {{blank({2, 2}), blank({2, 2})}}, {.bidirectional = true});
                 },
                 {"directions"}}}),
      composed(
          "lstm",
          [=](const Arguments& in) { return lstm(in[0], {}, {weights(in, 1)}, {.batch_first = true}).c; },
          {{{1, 2, 2}, {4, 2}, {4, 1}}}),
      own(
          "lstm_steps",
          [=](const Arguments& in) {
            return lstm(in[0], {in[3].as_tensor(), in[4].as_tensor()}, {weights(in, 1)}).output;
          },
          [](const Arrays& in) {
            const std::int64_t steps = in[0].shape[0], samples = in[0].shape[1], inputs = in[0].shape[2],
                               size = in[2].shape[1];
            Array h = in[3], c = in[4],
                  all =
                      reference::generate({steps, samples, size}, [](const Position&) { return Number(0); });
            const auto sigmoid = [](Number x) { return 1 / (1 + std::exp(-x)); };
            for (std::int64_t t = 0; t < steps; ++t) {
              const Array gates = reference::generate({samples, 4 * size}, [&](const Position& at) {
                Number sum = 0;
                for (std::int64_t i = 0; i < inputs; ++i)
                  sum += reference::at(in[0], {t, at[0], i}) * reference::at(in[1], {at[1], i});
                for (std::int64_t i = 0; i < size; ++i)
                  sum += reference::at(h, {0, at[0], i}) * reference::at(in[2], {at[1], i});
                return sum;
              });
              const auto gate = [&](const Position& at, std::int64_t i) {
                return reference::at(gates, {at[1], i * size + at[2]});
              };
              c = reference::generate({1, samples, size}, [&](const Position& at) {
                return sigmoid(gate(at, 1)) * reference::at(c, at) +
                       sigmoid(gate(at, 0)) * std::tanh(gate(at, 2));
              });
              h = reference::generate({1, samples, size}, [&](const Position& at) {
                return sigmoid(gate(at, 3)) * std::tanh(reference::at(c, at));
              });
              all = reference::generate({steps, samples, size}, [&](const Position& at) {
                return at[0] == t ? reference::at(h, {0, at[1], at[2]}) : reference::at(all, at);
              });
            }
            return all;
          },
          {{{3, 2, 2}, {8, 2}, {8, 2}, {1, 2, 2}, {1, 2, 2}},
           {{2, 1, 1}, {68, 1}, {68, 17}, {1, 1, 17}, {1, 1, 17}},
           {{2, 0, 1}, {4, 1}, {4, 1}, {1, 0, 1}, {1, 0, 1}}}),
      composed("gru",
               [=](const Arguments& in) { return gru(in[0], in[1].as_tensor(), {weights(in, 2)}).output; },
               {{{2, 2}, {1, 1}, {3, 2}, {3, 1}}})};
}

}  // namespace

std::vector<OpCase> network_rows() {
  std::vector<OpCase> all = normalization_rows();
  for (const auto& rows : {attention_rows(), recurrent_rows()})
    all.insert(all.end(), rows.begin(), rows.end());
  for (OpCase& row : all) {
    row.optional_inputs = row.own_inputs = true;
    row.composed = row.composed || row.operation == "lstm_steps";  // with pieces of its result, two at once
  }
  return all;
}

}  // namespace chainrule::test
