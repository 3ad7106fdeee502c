/// \file
/// Losses beside those of ops.h, and distances. Names, defaults and formulas are PyTorch's. A loss is
/// averaged over its elements unless told otherwise. A target has the shape of the prediction, or is a number
/// for all of it; ShapeError otherwise, as broadcasting here is most often a mistake. The mean of nothing is
/// a ShapeError, too.

#pragma once

#include "chainrule/detail/api.h"
#include "chainrule/ops.h"

namespace CHAINRULE_API chainrule {

// ---- Of numbers ------------------------------------------------------------------------------------------

/// |prediction - target|; derivative 0 where they are equal.
Tensor l1_loss(const Operand& prediction, const Operand& target, Reduction reduction = Reduction::mean);
/// d² / (2 beta) for d = |prediction - target| < beta, beyond d - beta / 2. ShapeError for beta < 0.
Tensor smooth_l1_loss(const Operand& prediction, const Operand& target, double beta = 1,
                      Reduction reduction = Reduction::mean);
/// d² / 2 for d = |prediction - target| <= delta, beyond delta (d - delta / 2). ShapeError unless delta > 0.
Tensor huber_loss(const Operand& prediction, const Operand& target, double delta = 1,
                  Reduction reduction = Reduction::mean);
/// -target log(p) - (1 - target) log(1 - p), where a logarithm is at least -100, as in PyTorch; there its
/// derivative is 0. Where p = sigmoid(x), prefer the next one. Each is multiplied by its weight, which
/// broadcasts to the prediction.
Tensor binary_cross_entropy(const Operand& prediction, const Operand& target,
                            Reduction reduction = Reduction::mean, const Operand& weight = 1);
/// target softplus(-x) pos_weight + (1 - target) softplus(x), without overflow and exact in both tails.
/// pos_weight broadcasts to x, and so does the weight by which each is multiplied.
Tensor binary_cross_entropy_with_logits(const Operand& logits, const Operand& target,
                                        const Operand& pos_weight = 1, Reduction reduction = Reduction::mean,
                                        const Operand& weight = 1);
/// target (log(target) - input), where the input is log-probabilities; 0 where the target is. With
/// log_target, the target is logarithms as well. The mean is over all elements: for the divergence of
/// distributions take the sum, over the number of samples.
Tensor kl_div(const Operand& input, const Operand& target, Flag log_target = false,
              Reduction reduction = Reduction::mean);
/// exp(input) - target input; without log_input, input - target log(input + eps). `full` adds Stirling's
/// approximation of log(target!) where target > 1.
Tensor poisson_nll_loss(const Operand& input, const Operand& target, Flag log_input = true, Flag full = false,
                        double eps = 1e-8, Reduction reduction = Reduction::mean);
/// (log(v) + (prediction - target)² / v) / 2 with v = max(variance, eps); `full` adds log(2π) / 2. The
/// variance has the shape of the prediction, or size 1 in its last axis, or is a scalar.
Tensor gaussian_nll_loss(const Operand& prediction, const Operand& target, const Operand& variance,
                         Flag full = false, double eps = 1e-6, Reduction reduction = Reduction::mean);

// ---- Of classes ------------------------------------------------------------------------------------------

/// Of nll_loss().
struct NllLossOptions {
  Tensor weight = {};                ///< one for each class; none: all 1
  std::int64_t ignore_index = -100;  ///< samples of this target count nothing
  /// Over the samples.
  Reduction reduction = Reduction::mean;
};
/// -weight[target] input[target] for log-probabilities (N, C, ...), or (C,), and classes (N, ...), int64. The
/// mean divides by the sum of the samples' weights; NaN where all are ignored, as in PyTorch, but a
/// ShapeError of no samples. ShapeError for a class outside 0 .. C - 1.
Tensor nll_loss(const Operand& input, const Operand& target, const NllLossOptions& options = {});

/// Of cross_entropy() in PyTorch's form.
struct CrossEntropyOptions {
  Tensor weight = {};                ///< one for each class; none: all 1
  std::int64_t ignore_index = -100;  ///< samples of this target, if it is classes, count nothing
  double label_smoothing = 0;        ///< this share of the target is spread over all classes
  /// Over the samples.
  Reduction reduction = Reduction::mean;
};
/// PyTorch's cross_entropy: logits (N, C, ...), or (C,), with the classes in the second axis, where
/// cross_entropy without options has them in the last one. The target is classes (N, ...), int64, or
/// probabilities of the shape of the logits. Both find the classes in the other one of these axes where the
/// shape of the classes fits that alone. The mean divides by the sum of the weights of the samples'
/// classes, and for probabilities by the number of samples.
Tensor cross_entropy(const Operand& logits, const Operand& target, const CrossEntropyOptions& options);

/// log(1 + exp(-target x)) for scores x and targets 1 or -1, without overflow.
Tensor soft_margin_loss(const Operand& x, const Operand& target, Reduction reduction = Reduction::mean);
/// Σ weight[target] max(0, margin - x[target] + xᵢ)ᵖ / C over the other classes i, for scores (N, C), or
/// (C,), and classes (N,), int64; one weight for each class, none: all 1. ShapeError unless p is 1 or 2.
Tensor multi_margin_loss(const Operand& x, const Operand& target, double p = 1, double margin = 1,
                         Reduction reduction = Reduction::mean, const Tensor& weight = {});
/// The mean of binary_cross_entropy_with_logits over the classes, the last axis, of which each sample may
/// have several: targets are 0 or 1. The weight broadcasts to x.
Tensor multilabel_soft_margin_loss(const Operand& x, const Operand& target, const Operand& weight = 1,
                                   Reduction reduction = Reduction::mean);

/// Of ctc_loss().
struct CtcOptions {
  /// The class that stands for no class.
  std::int64_t blank = 0;
  /// Over the samples.
  Reduction reduction = Reduction::mean;
  bool zero_infinity = false;  ///< 0, with the derivative 0, where the target does not fit into the input
};
/// Connectionist temporal classification (Graves et al., 2006): -log of the probability of all alignments of
/// a target with the input, computed forward in logarithms. log_probs (T, N, C), targets (N, S) int64, and
/// for each sample how much of both counts; or (T, C), (S,) and one length each. The mean divides each loss
/// by its target's length (at least 1) first. ShapeError for lengths beyond T or S, and for no class.
Tensor ctc_loss(const Operand& log_probs, const Operand& targets, std::span<const std::int64_t> input_lengths,
                std::span<const std::int64_t> target_lengths, const CtcOptions& options = {});
inline Tensor ctc_loss(const Operand& log_probs, const Operand& targets,
                       std::initializer_list<std::int64_t> input_lengths,
                       std::initializer_list<std::int64_t> target_lengths, const CtcOptions& options = {}) {
  return ctc_loss(log_probs, targets, std::span(input_lengths.begin(), input_lengths.size()),
                  std::span(target_lengths.begin(), target_lengths.size()), options);
}

// ---- Distances and losses of them ------------------------------------------------------------------------

/// Σab / (max(‖a‖, eps) max(‖b‖, eps)) along an axis; the shapes broadcast. Derivative 0 to a vector of 0.
Tensor cosine_similarity(const Operand& a, const Operand& b, Integer axis = 1, double eps = 1e-8);
/// ‖a - b + eps‖ of order p along the last axis; the shapes broadcast.
Tensor pairwise_distance(const Operand& a, const Operand& b, double p = 2, double eps = 1e-6,
                         Flag keepdims = false);
/// ‖aᵢ - bⱼ‖ of order p for all rows: (..., P, M) and (..., R, M) give (..., P, R). Derivative 0 where two
/// rows are equal. Differences are taken first, so that close rows lose no digits.
Tensor cdist(const Operand& a, const Operand& b, double p = 2);
/// ‖xᵢ - xⱼ‖ for all pairs i < j of rows (N, M), as a vector: (0, 1), (0, 2), ..., (1, 2), ...
Tensor pdist(const Operand& x, double p = 2);

/// Of triplet_margin_loss().
struct TripletMarginOptions {
  /// How far apart, in the norm of which order, and what is added to differences.
  double margin = 1, p = 2, eps = 1e-6;
  bool swap = false;  ///< the negative is compared with whichever of anchor and positive is nearer
  /// Over the samples.
  Reduction reduction = Reduction::mean;
};
/// max(0, margin + d(anchor, positive) - d(anchor, negative)) with d = pairwise_distance. One shape for all.
Tensor triplet_margin_loss(const Operand& anchor, const Operand& positive, const Operand& negative,
                           const TripletMarginOptions& options = {});
/// For rows (N, M) or vectors, and targets 1 or -1, (N,) or a scalar: 1 - cos(a, b) where the target is 1,
/// max(0, cos(a, b) - margin) where it is -1.
Tensor cosine_embedding_loss(const Operand& a, const Operand& b, const Operand& target, double margin = 0,
                             Reduction reduction = Reduction::mean);
/// max(0, margin - target (a - b)): a should be larger where the target is 1, smaller where it is -1.
Tensor margin_ranking_loss(const Operand& a, const Operand& b, const Operand& target, double margin = 0,
                           Reduction reduction = Reduction::mean);
/// For distances x and targets 1 or -1: x where the target is 1, max(0, margin - x) where it is -1.
Tensor hinge_embedding_loss(const Operand& x, const Operand& target, double margin = 1,
                            Reduction reduction = Reduction::mean);

}  // namespace chainrule
