/// \file
/// How good predictions are.
/// Plain numbers of tensors, as scikit-learn counts them: nothing here is differentiated.

#pragma once

#include <optional>
#include <vector>

#include "chainrule/detail/api.h"
#include "chainrule/tensor.h"

namespace CHAINRULE_API chainrule {

/// Of one class: how many of the samples that were taken for it have it, how many of those that have it were
/// found, and the harmonic mean of both. 0 where there is nothing to divide by.
struct ClassMetrics {
  double precision = 0;      ///< of those that were taken for it, how many have it
  double recall = 0;         ///< of those that have it, how many were found
  double f1 = 0;             ///< the harmonic mean of both
  std::int64_t support = 0;  ///< samples that have it
};

/// How good predicted classes are.
struct [[nodiscard]] ClassificationMetrics {
  /// The share of samples whose class was predicted.
  double accuracy = 0;
  /// Of each class, in their order.
  std::vector<ClassMetrics> classes;
  std::vector<std::vector<std::int64_t>> confusion;  ///< [true class][predicted class]: samples
  std::optional<double> auc;                         ///< for two classes, if both occur
};
/// Of scores (n, classes), floating, as predicted_classes takes them, and classes (n,), int64. Meanings are
/// those of scikit-learn. ShapeError or DTypeError when they do not fit, or for a class that has no score.
ClassificationMetrics classification_metrics(const Tensor& scores, const Tensor& y);

/// The area under the ROC curve: how often a sample of class 1 has a greater score (n,) than one of class 0,
/// where equal scores count half. Nothing unless both classes occur.
/// Source: Mann and Whitney, 1947; Fawcett, "An introduction to ROC analysis", 2006.
[[nodiscard]] std::optional<double> roc_auc(const Tensor& scores, const Tensor& y);

/// How good predicted numbers are.
struct [[nodiscard]] RegressionMetrics {
  /// 1 - Σ(y - p)² / Σ(y - mean y)²; where y never varies, 1 for p = y and else 0. NaN of a single sample.
  double r2 = 0;
  double rmse = 0;  ///< √ of the mean of (y - p)²
  double mae = 0;   ///< the mean of |y - p|
};
/// Of predictions and targets, both (n,), floating, n >= 1. ShapeError or DTypeError when they do not fit.
RegressionMetrics regression_metrics(const Tensor& predictions, const Tensor& y);

}  // namespace chainrule
