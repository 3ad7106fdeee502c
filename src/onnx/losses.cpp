// Losses of classes, (N, C, ...) against (N, ...), with a weight for each class, and one class that may count
// nothing. Their meaning is PyTorch's, and so ours.

#include "chainrule/losses.h"

#include <limits>

#include "onnx/call.h"
#include "onnx/operators.h"

namespace chainrule::onnx {
namespace {

NllLossOptions options_of(const Call& call) {
  constexpr Reduction reductions[] = {Reduction::mean, Reduction::sum, Reduction::none};
  // Without the attribute no class is ignored.
  return {.weight = call.maybe(2),
          .ignore_index = call.integer("ignore_index", std::numeric_limits<std::int64_t>::min()),
          .reduction = reductions[call.choice("reduction", {"mean", "sum", "none"})]};
}

Values negative_log_likelihood(const Call& call) { return one(nll_loss(call[0], call[1], options_of(call))); }

/// The loss, and the logarithms of the probabilities.
Values softmax_cross_entropy(const Call& call) {
  const Tensor logarithms = log_softmax(call[0], 1);
  return {nll_loss(logarithms, call[1], options_of(call)), logarithms};
}

constexpr Operator table[] = {
    {"NegativeLogLikelihoodLoss", negative_log_likelihood},
    {"SoftmaxCrossEntropyLoss", softmax_cross_entropy},
};

}  // namespace

std::span<const Operator> loss_operators() { return table; }

}  // namespace chainrule::onnx
