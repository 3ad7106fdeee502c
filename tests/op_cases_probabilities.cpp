// Rows of the table for softmax and cross entropies, with references by their definitions.
// op_inputs.h draws the inputs.

#include <cmath>

#include "op_inputs.h"

namespace chainrule::test {
namespace {

using reference::Array;
using reference::Arrays;
using reference::Numbers;

Array exp_of(const Array& x) {
  return reference::elementwise([](const Numbers& in) { return std::exp(in[0]); }, {x});
}

OpCase along_an_axis(const std::string& operation, Tensor (*function)(const Operand&, Integer),
                     Array (*expected)(const Array&, std::int64_t)) {
  const auto along = [=](const std::string& name, std::int64_t axis, std::vector<Shapes> shapes) {
    return Variant{name, [=](const Arguments& in) { return function(in[0], axis); },
                   [=](const Arrays& in) { return expected(in[0], axis); }, std::move(shapes)};
  };
  return {.operation = operation,
          .inputs = {between(-3, 3)},
          .variants = {along("along the last axis", -1,
                             {{{3}}, {{1}}, {{2, 3}}, {{0, 3}}, {{2, 0}}, {{2, 3, 4}}, {{33, 41}}}),
                       along("along axis 0", 0, {{{2, 3}}, {{2, 3, 4}}, {{33, 41}}}),
                       along("along the middle axis", 1, {{{2, 3, 4}}, {{5, 17, 19}}})},
          .misuses = {{"an axis too high",
                       [=] {
                         function(blank({2, 3}), 2);
                       },
                       {"2", "(2, 3)"}},
                      {"an axis too low",
                       [=] {
                         function(blank({2, 3}), -3);
                       },
                       {"-3", "(2, 3)"}}},
          .tolerance = 1e-14,
          .float32_tolerance = 5e-6};
}

/// All three ways to combine the samples.
template <class Loss, class Samples>
std::vector<Variant> reductions_of(const std::string& prefix, Loss loss, Samples samples,
                                   const std::vector<Shapes>& shapes, const std::vector<Input>& inputs = {}) {
  const auto combined = [=](const std::string& name, Reduction reduction,
                            reference::Number (*fold)(const Numbers&)) {
    return Variant{prefix + name, [=](const Arguments& in) { return loss(in[0], in[1], reduction); },
                   [=](const Arrays& in) {
                     const Array each = samples(in);
                     return fold == nullptr ? each : reference::reduce(each, {}, false, fold);
                   },
                   shapes, inputs};
  };
  return {combined("mean", Reduction::mean, reference::mean), combined("sum", Reduction::sum, reference::sum),
          combined("none", Reduction::none, nullptr)};
}

OpCase cross_entropy_row() {
  const auto loss = [](const Operand& logits, const Operand& target, Reduction reduction) {
    return cross_entropy(logits, target, reduction);
  };
  const auto samples = [](const Arrays& in) { return reference::cross_entropy(in[0], in[1]); };
  std::vector<Variant> variants =
      reductions_of("of classes, ", loss, samples,
                    {{{3}, {}}, {{4, 3}, {4}}, {{2, 4, 3}, {2, 4}}, {{1, 3}, {1}}, {{33, 41}, {33}}},
                    {between(-3, 3), classes(3)});
  for (Variant& variant :
       reductions_of("of probabilities, ", loss, samples,
                     {{{3}, {3}}, {{4, 3}, {4, 3}}, {{2, 4, 3}, {2, 4, 3}}, {{33, 41}, {33, 41}}},
                     {between(-3, 3), probabilities()}))
    variants.push_back(std::move(variant));
  const auto refused = [](const std::string& name, const Shape& logits, const Tensor& target,
                          const std::vector<std::string>& words) {
    return Misuse{name, [=] { cross_entropy(blank(logits), target); }, words};
  };
  return {.operation = "cross_entropy",
          .variants = std::move(variants),
          .misuses = {refused("a class too high", {2, 3}, tensor({0, 3}), {"3"}),
                      refused("a class too low", {2, 3}, tensor({-1, 0}), {"-1"}),
                      refused("another number of classes", {2, 3}, tensor({0, 1, 2}), {"(2, 3)", "(3,)"}),
                      refused("probabilities of another shape", {2, 3}, blank({2, 4}), {"(2, 3)", "(2, 4)"}),
                      refused("a scalar", {}, tensor(std::int64_t{0}), {"()"})},
          .tolerance = 1e-14,
          .float32_tolerance = 5e-6};
}

/// Targets have the shape of the predictions, or none.
const std::vector<Shapes> loss_shapes = {{{}, {}},     {{3}, {3}},  {{4, 3}, {4, 3}}, {{33, 41}, {33, 41}},
                                         {{2, 3}, {}}, {{2, 1}, {}}};

OpCase loss_row(const std::string& operation, Tensor (*loss)(const Operand&, const Operand&, Reduction),
                reference::Number (*scalar)(reference::Number, reference::Number), const Input& a,
                const Input& b) {
  const auto samples = [=](const Arrays& in) {
    return reference::elementwise([=](const Numbers& x) { return scalar(x[0], x[1]); }, in);
  };
  return {
      .operation = operation,
      .inputs = {a, b},
      .variants = reductions_of("", loss, samples, loss_shapes),
      .misuses = {{"shapes that differ",
                   [=] {
                     loss(blank({2, 3}), blank({2, 4}), Reduction::mean);
                   },
                   {"(2, 3)", "(2, 4)"}},
                  {"a column for a row",
                   [=] {
                     loss(blank({3}), blank({3, 1}), Reduction::mean);
                   },
                   {"(3,)", "(3, 1)", "reshape"}},
                  {"a scalar for many", [=] { loss(blank({}), blank({3}), Reduction::sum); }, {"()", "(3,)"}},
                  {"the mean of nothing",
                   [=] {
                     loss(blank({0, 3}), blank({0, 3}), Reduction::mean);
                   },
                   {"nothing", "(0, 3)"}}},
      .tolerance = 1e-14,
      .float32_tolerance = 5e-6};
}

OpCase softmin_row() {
  OpCase row = along_an_axis("softmin", softmin, [](const Array& x, std::int64_t axis) {
    return exp_of(reference::log_softmax(
        reference::elementwise([](const reference::Numbers& n) { return -n[0]; }, {x}), axis));
  });
  row.composed = true;
  return row;
}

}  // namespace

std::vector<OpCase> probability_rows() {
  using reference::Number;
  return {along_an_axis(
              "softmax", softmax,
              [](const Array& x, std::int64_t axis) { return exp_of(reference::log_softmax(x, axis)); }),
          softmin_row(),
          along_an_axis("log_softmax", log_softmax, reference::log_softmax),
          cross_entropy_row(),
          loss_row(
              "mse_loss", mse_loss, [](Number a, Number b) { return (a - b) * (a - b); }, between(-2, 2),
              between(-2, 2)),
          loss_row(
              "hinge_loss", hinge_loss,
              [](Number score, Number target) { return std::max(Number{0}, 1 - target * score); },
              between(-2, 2, {-1, 1}), labels())};
}

}  // namespace chainrule::test
