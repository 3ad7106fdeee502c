// Rows of the table for losses of elements and of classes, with references by their definitions.
// op_inputs.h draws the inputs.

#include <cmath>
#include <numbers>

#include "chainrule/losses.h"
#include "op_inputs.h"

namespace chainrule::test {
namespace {

using reference::Array;
using reference::Arrays;
using reference::Number;
using reference::Numbers;
using reference::Position;
using Loss = std::function<Tensor(const Arguments&, Reduction)>;

/// A loss of each element of its inputs.
OpCase loss_row(const std::string& operation, const Loss& loss, const reference::Scalar& scalar,
                const std::vector<Input>& inputs) {
  const auto combined = [=](const std::string& name, Reduction reduction, std::vector<Shape> shapes) {
    return Variant{name, [=](const Arguments& in) { return loss(in, reduction); },
                   [=](const Arrays& in) {
                     const Array each = reference::elementwise(scalar, in);
                     if (reduction == Reduction::none) return each;
                     return reference::reduce(
                         each, {}, false, reduction == Reduction::mean ? reference::mean : reference::sum);
                   },
                   [&] {
                     std::vector<Shapes> all;
                     for (const Shape& shape : shapes) all.push_back(Shapes(inputs.size(), shape));
                     return all;
                   }()};
  };
  const auto refused = [=](const Shape& prediction, const Shape& target) {
    return [=] {
      std::vector<Tensor> blanks(inputs.size(), blank(prediction));
      blanks[1] = blank(target);
      loss(blanks, Reduction::mean);
    };
  };
  return {.operation = operation,
          .inputs = inputs,
          .variants = {combined("mean", Reduction::mean, {{}, {2, 3}}),
                       combined("none", Reduction::none, {{3}, {0, 2}})},
          .misuses = {{"a column for a row", refused({3}, {3, 1}), {"(3,)", "(3, 1)"}},
                      {"the mean of nothing", refused({0, 3}, {0, 3}), {"nothing", "(0, 3)"}}},
          .composed = true,
          .tolerance = 1e-14,
          .float32_tolerance = 1e-5};
}

/// log-probabilities (T, C) or (T, N, C).
Input log_probabilities() {
  return {
      [](const Shape& shape, Engine& engine) { return log_softmax(random_tensor(shape, engine)).detach(); }};
}

/// Of scores of three classes.
OpCase multi_margin_row() {
  const auto of_power = [](const std::string& name, double p) {
    return Variant{
        name,
        [=](const Arguments& in) { return multi_margin_loss(in[0], in[1], p, 5, Reduction::none); },
        [=](const Arrays& in) {
          return reference::generate(in[1].shape, [&](const Position& at) {
            const auto target = static_cast<std::int64_t>(reference::at(in[1], at));
            const auto score = [&](std::int64_t i) { return reference::at(in[0], {at[0], i}); };
            Number total = 0;
            for (std::int64_t i = 0; i < 3; ++i)
              if (i != target) total += std::pow(5 - score(target) + score(i), Number(p));
            return total / 3;
          });
        },
        {{{4, 3}, {4}}, {{0, 3}, {0}}}};
  };
  const auto weighted =
      Variant{"weighted",
              [](const Arguments& in) {
                const Tensor weight = cast(tensor({0.5, 1.0, 3.0}), in[0].as_tensor().dtype());
                return multi_margin_loss(in[0], in[1], 1, 5, Reduction::none, weight);
              },
              [](const Arrays& in) {
                return reference::generate(in[1].shape, [&](const Position& at) {
                  const auto target = static_cast<std::int64_t>(reference::at(in[1], at));
                  Number total = 0;
                  for (std::int64_t i = 0; i < 3; ++i)
                    if (i != target)
                      total += 5 - reference::at(in[0], {at[0], target}) + reference::at(in[0], {at[0], i});
                  return total / 3 * (target == 0 ? Number(0.5) : target == 1 ? Number(1) : Number(3));
                });
              },
              {{{4, 3}, {4}}}};
  return {.operation = "multi_margin_loss",
          .inputs = {between(-2, 2), classes(3)},
          .variants = {of_power("of the first power", 1), of_power("of the second power", 2), weighted},
          .misuses = {{"a weight too many",
                       [] {
                         multi_margin_loss(blank({2, 3}), tensor({0, 1}), 1, 1, Reduction::mean, blank({4}));
                       },
                       {"(4,)", "(2, 3)"}},
                      {"a third power",
                       [] {
                         multi_margin_loss(blank({2, 3}), tensor({0, 1}), 3);
                       },
                       {"p is 3", "(2, 3)"}},
                      {"a class too high",
                       [] {
                         multi_margin_loss(blank({1, 3}), tensor({3}));
                       },
                       {"3", "(1, 3)"}},
                      {"a picture",
                       [] {
                         multi_margin_loss(blank({1, 3, 2}), tensor({{0, 1}}));
                       },
                       {"(1, 3, 2)"}}},
          .composed = true,
          .tolerance = 1e-14,
          .float32_tolerance = 1e-5};
}

OpCase multilabel_row() {
  return {
      .operation = "multilabel_soft_margin_loss",
      .inputs = {between(-2, 2), between(0, 1)},
      .variants =
          {{"",
            [](const Arguments& in) { return multilabel_soft_margin_loss(in[0], in[1], 2, Reduction::none); },
            [](const Arrays& in) {
              return reference::generate({in[0].shape[0]}, [&](const Position& at) {
                Number total = 0;
                for (std::int64_t i = 0; i < 3; ++i) {
                  const Number x = reference::at(in[0], {at[0], i}), t = reference::at(in[1], {at[0], i});
                  total += t * std::log1p(std::exp(-x)) + (1 - t) * std::log1p(std::exp(x));
                }
                return 2 * total / 3;
              });
            },
            {{{2, 3}, {2, 3}}, {{0, 3}, {0, 3}}}}},
      .misuses = {{"a scalar", [] { multilabel_soft_margin_loss(blank({}), blank({})); }, {"()"}}},
      .composed = true,
      .tolerance = 1e-14,
      .float32_tolerance = 1e-5};
}

OpCase nll_row() {
  const Tensor weight = tensor({0.5, 2.0, 1.0});
  return {.operation = "nll_loss",
          .inputs = {between(-2, -0.1), classes(3)},
          .variants = {{"of a picture",
                        [](const Arguments& in) { return nll_loss(in[0], in[1]); },
                        [](const Arrays& in) {
                          Number total = 0;
                          for (std::int64_t n = 0; n < 2; ++n)
                            for (std::int64_t i = 0; i < 2; ++i)
                              total -= reference::at(
                                  in[0], {n, static_cast<std::int64_t>(reference::at(in[1], {n, i})), i});
                          return Array{{}, {total / 4}};
                        },
                        {{{2, 3, 2}, {2, 2}}}},
                       {"weighted",
                        [=](const Arguments& in) {
                          return nll_loss(in[0], in[1], {.weight = Operand(weight).as(in[0].dtype())});
                        },
                        [](const Arrays& in) {
                          const Number w[] = {0.5, 2, 1};
                          Number total = 0, weights = 0;
                          for (std::size_t n = 0; n < in[1].values.size(); ++n) {
                            const auto c = static_cast<std::size_t>(in[1].values[n]);
                            total -= w[c] * in[0].values[3 * n + c];
                            weights += w[c];
                          }
                          return Array{{}, {total / weights}};
                        },
                        {{{4, 3}, {4}}}},
                       {"none",
                        [](const Arguments& in) {
                          return nll_loss(in[0], in[1], {.reduction = Reduction::none});
                        },
                        [](const Arrays& in) {
                          return reference::generate(in[1].shape, [&](const Position&) {
                            return -in[0].values[static_cast<std::size_t>(in[1].values[0])];
                          });
                        },
                        {{{3}, {}}, {{0, 3}, {0}}}}},
          .misuses = {{"a class too high",
                       [] {
                         nll_loss(blank({1, 3}), tensor({3}));
                       },
                       {"3", "(1, 3)"}},
                      {"targets of another shape",
                       [] {
                         nll_loss(blank({1, 3}), tensor({1, 2}));
                       },
                       {"(1, 3)", "(2,)"}},
                      {"weights of another shape",
                       [] {
                         nll_loss(blank({1, 3}), tensor({1}), {.weight = blank({2})});
                       },
                       {"(2,)", "(3,)"}}},
          .composed = true,
          .tolerance = 1e-14};
}

/// The sum over all alignments, one by one.
Number ctc_by_hand(const Array& log_probs, const std::vector<std::int64_t>& target) {
  const std::int64_t times = log_probs.shape[0], classes = log_probs.shape[1];
  Number total = 0;
  std::vector<std::int64_t> path(static_cast<std::size_t>(times));
  for (;;) {
    std::vector<std::int64_t> collapsed;
    Number log_p = 0;
    for (std::size_t t = 0; t < path.size(); ++t) {
      log_p += reference::at(log_probs, {static_cast<std::int64_t>(t), path[t]});
      if (path[t] != 0 && (t == 0 || path[t] != path[t - 1])) collapsed.push_back(path[t]);
    }
    if (collapsed == target) total += std::exp(log_p);
    std::size_t t = 0;
    while (t < path.size() && ++path[t] == classes) path[t++] = 0;
    if (t == path.size()) return -std::log(total);
  }
}

OpCase ctc_row() {
  const auto one = [](const std::string& name, std::vector<std::int64_t> target) {
    return Variant{name,
                   [=](const Arguments& in) {
                     const auto n = static_cast<std::int64_t>(target.size());
                     return ctc_loss(in[0], tensor(target), {in[0].as_tensor().shape()[0]}, {n},
                                     {.reduction = Reduction::sum});
                   },
                   [=](const Arrays& in) {
                     return Array{{}, {ctc_by_hand(in[0], target)}};
                   },
                   {{{1, 3}}, {{4, 3}}}};
  };
  OpCase row{.operation = "ctc_loss",
             .inputs = {log_probabilities()},
             .variants = {one("of one label", {2}), one("of nothing", {})},
             .misuses = {{"a length too great",
                          [] {
                            ctc_loss(blank({4, 3}), tensor({1}), {5}, {1});
                          },
                          {"(4, 1, 3)", "1 to T"}},
                         {"the blank as a target",
                          [] {
                            ctc_loss(blank({4, 3}), tensor({0}), {4}, {1});
                          },
                          {"0", "blank"}}},
             .composed = true,
             .tolerance = 1e-13,
             .float32_tolerance = 1e-5};
  Variant twice = one("of a label twice", {1, 1});
  twice.shapes = {{{4, 3}}};
  row.variants.push_back(twice);
  row.variants.push_back(
      {"of a batch",
       [](const Arguments& in) {
         return ctc_loss(in[0], tensor({{1, 2}, {2, 0}}), {4, 3}, {2, 1});
       },
       [](const Arrays& in) {
         const auto sample = [&](std::int64_t n, std::int64_t times) {
           return reference::generate({times, 3}, [&](const Position& at) {
             return reference::at(in[0], {at[0], n, at[1]});
           });
         };
         return Array{{}, {(ctc_by_hand(sample(0, 4), {1, 2}) / 2 + ctc_by_hand(sample(1, 3), {2})) / 2}};
       },
       {{{4, 2, 3}}}});
  return row;
}

}  // namespace

std::vector<OpCase> loss_rows() {
  const Input any = between(-2, 2), share = between(0.1, 0.9);
  return {
      loss_row(
          "l1_loss", [](const Arguments& in, Reduction by) { return l1_loss(in[0], in[1], by); },
          [](const Numbers& x) { return std::abs(x[0] - x[1]); }, {distinct(), distinct(0.05)}),
      loss_row(
          "smooth_l1_loss",
          [](const Arguments& in, Reduction by) { return smooth_l1_loss(in[0], in[1], 0.5, by); },
          [](const Numbers& x) {
            const Number d = std::abs(x[0] - x[1]);
            return d < 0.5L ? d * d : d - 0.25L;
          },
          {any, any}),
      loss_row(
          "huber_loss", [](const Arguments& in, Reduction by) { return huber_loss(in[0], in[1], 0.5, by); },
          [](const Numbers& x) {
            const Number d = std::abs(x[0] - x[1]);
            return d < 0.5L ? d * d / 2 : 0.5L * (d - 0.25L);
          },
          {any, any}),
      {.operation = "huber_of_pair",  // what these two are made of
       .inputs = {any, any},
       .variants = {{"",
                     [](const Arguments& in) { return smooth_l1_loss(in[0], in[1], 0.5, Reduction::none); },
                     [](const Arrays& in) {
                       return reference::generate(in[0].shape, [&](const Position& at) {
                         const Number d = std::abs(reference::at(in[0], at) - reference::at(in[1], at));
                         return d < 0.5L ? d * d : d - 0.25L;
                       });
                     },
                     {{{2, 3}, {2, 3}}, {{2, 3}, {}}, {{}, {}}}}}},
      loss_row(
          "binary_cross_entropy",
          [](const Arguments& in, Reduction by) { return binary_cross_entropy(in[0], in[1], by); },
          [](const Numbers& x) { return -x[1] * std::log(x[0]) - (1 - x[1]) * std::log1p(-x[0]); },
          {share, share}),
      loss_row(
          "binary_cross_entropy_with_logits",
          [](const Arguments& in, Reduction by) {
            return binary_cross_entropy_with_logits(in[0], in[1], in[2], by);
          },
          [](const Numbers& x) {
            return x[2] * x[1] * std::log1p(std::exp(-x[0])) + (1 - x[1]) * std::log1p(std::exp(x[0]));
          },
          {any, share, between(0.5, 2)}),
      {.operation = "cross_entropy_of_logit",  // what this is made of
       .inputs = {any, share, between(0.5, 2)},
       .variants = {{"",
                     [](const Arguments& in) {
                       return binary_cross_entropy_with_logits(in[0], in[1], in[2], Reduction::none);
                     },
                     [](const Arrays& in) {
                       return reference::generate(in[0].shape, [&](const Position& at) {
                         const Number x = reference::at(in[0], at), t = reference::at(in[1], at);
                         return reference::at(in[2], at) * t * std::log1p(std::exp(-x)) +
                                (1 - t) * std::log1p(std::exp(x));
                       });
                     },
                     {{{2, 3}, {2, 3}, {3}}, {{2, 3}, {}, {2, 1}}, {{}, {}, {}}}}}},
      loss_row(
          "kl_div", [](const Arguments& in, Reduction by) { return kl_div(in[0], in[1], false, by); },
          [](const Numbers& x) { return x[1] * (std::log(x[1]) - x[0]); }, {any, share}),
      loss_row(
          "poisson_nll_loss",
          [](const Arguments& in, Reduction by) {
            return poisson_nll_loss(in[0], in[1], true, true, 1e-8, by);
          },
          [](const Numbers& x) {
            const Number t = x[1];
            return std::exp(x[0]) - t * x[0] + t * std::log(t) - t +
                   std::log(2 * std::numbers::pi_v<Number> * t) / 2;
          },
          {any, between(1.1, 4)}),
      [&] {
        OpCase row = loss_row(
            "gaussian_nll_loss",
            [](const Arguments& in, Reduction by) {
              return gaussian_nll_loss(in[0], in[1], in[2], true, 1e-6, by);
            },
            [](const Numbers& x) {
              return (std::log(2 * std::numbers::pi_v<Number> * x[2]) +
                      (x[0] - x[1]) * (x[0] - x[1]) / x[2]) /
                     2;
            },
            {any, any, between(0.5, 2)});
        row.own_inputs = true;  // negative variances are refused
        return row;
      }(),
      loss_row(
          "margin_ranking_loss",
          [](const Arguments& in, Reduction by) { return margin_ranking_loss(in[0], in[1], in[2], 9, by); },
          [](const Numbers& x) { return 9 - x[2] * (x[0] - x[1]); }, {any, any, labels()}),
      loss_row(
          "hinge_embedding_loss",
          [](const Arguments& in, Reduction by) { return hinge_embedding_loss(in[0], in[1], 9, by); },
          [](const Numbers& x) { return x[1] == 1 ? x[0] : 9 - x[0]; }, {any, labels()}),
      loss_row(
          "soft_margin_loss",
          [](const Arguments& in, Reduction by) { return soft_margin_loss(in[0], in[1], by); },
          [](const Numbers& x) { return std::log1p(std::exp(-x[0] * x[1])); }, {any, labels()}),
      multi_margin_row(),
      multilabel_row(),
      nll_row(),
      ctc_row(),
  };
}

}  // namespace chainrule::test
