/// \file
/// Columns brought to a common range, and gaps filled, by what a training part tells: beside Standardizer,
/// which is in data.h. Each is made from the training part, and then takes any data of the same columns.
///
/// Threads: any number may use one at once.

#pragma once

#include "chainrule/tensor.h"

namespace CHAINRULE_API chainrule {

/// Moves each column to the range from `low` to `high`, as scikit-learn's MinMaxScaler: the smallest value of
/// the data that it was made from becomes low, the largest high. Other data may go beyond. A column that
/// never varies becomes low.
class MinMaxScaler {
 public:
  /// x (n, columns), floating, n >= 1. ShapeError or DTypeError otherwise; std::invalid_argument for nan and
  /// infinities, and unless low < high.
  explicit MinMaxScaler(const Tensor& x, double low = 0, double high = 1);

  /// x (..., columns). ShapeError for another number of columns.
  Tensor operator()(const Tensor& x) const;
  /// Back to what x was.
  [[nodiscard]] Tensor inverse(const Tensor& scaled) const;

 private:
  Tensor smallest_, range_;  // of each column, a range of 1 where it never varies
  double low_, high_;
};

/// What gaps, which are nan, are filled with.
enum class Fill : std::uint8_t { mean, median };

/// Fills each nan with its column's mean or median, as scikit-learn's SimpleImputer.
class Imputer {
 public:
  /// x (n, columns), floating. ShapeError or DTypeError otherwise; std::invalid_argument for a column that
  /// has no number at all.
  explicit Imputer(const Tensor& x, Fill fill = Fill::median);

  /// x (..., columns). ShapeError for another number of columns.
  Tensor operator()(const Tensor& x) const;
  /// (columns,)
  [[nodiscard]] const Tensor& values() const& { return values_; }

 private:
  Tensor values_;
};

/// n / (classes · how often it occurs) for each class 0 .. classes - 1 in y (n,), int64, as scikit-learn's
/// "balanced", and 0 for one that does not occur: (classes,), for CrossEntropyOptions::weight. ShapeError or
/// DTypeError for another y, or a class that is not one of these.
Tensor class_weights(const Tensor& y, Integer classes, DType dtype = default_dtype());

}  // namespace chainrule
