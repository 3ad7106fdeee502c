/// \file
/// Data for classification: samples with classes, scaling, splitting, mini-batches.
///
/// Threads: all of it may run in several at once, also on the same data, Standardizer and Batches; each
/// thread needs a Generator and an iterator of its own.

#pragma once

#include "chainrule/detail/api.h"
#include "chainrule/detail/function_ref.h"
#include "chainrule/ops.h"
#include "chainrule/random.h"

namespace CHAINRULE_API chainrule {

/// Samples and their classes; or, where no classes are spoken of, the numbers that belong to them.
struct [[nodiscard]] Dataset {
  Tensor x;                  ///< (n, columns), floating
  Tensor y;                  ///< (n,), int64, each 0 .. classes - 1; of numbers (n, ...), floating
  std::int64_t classes = 0;  ///< how many there are, whether or not each occurs

  /// How many samples there are.
  std::int64_t size() const { return y.rank() == 0 ? 0 : y.shape()[0]; }
};

/// The samples at these positions, in that order. ShapeError for a position outside 0 .. size() - 1.
Dataset take_rows(const Dataset& data, std::span<const std::int64_t> positions);

/// Two parts of a dataset.
struct [[nodiscard]] Split {
  /// Each sample is in one of the two.
  Dataset train, test;
};
/// Deals the samples at random into two parts, the test part with round(test_fraction * n) of them, but at
/// least one in each. std::invalid_argument unless 0 < test_fraction < 1 and n >= 2.
Split split(const Dataset& data, double test_fraction, Generator& generator);

/// Shifts and scales each column to mean 0 and standard deviation 1 *on the data it was made from*; other
/// data, such as a test set, is moved by the same amounts. Columns may lie anywhere in the range of their
/// dtype, however close their values are.
class Standardizer {
 public:
  /// x (n, columns), floating, n >= 1: ShapeError or DTypeError otherwise; std::invalid_argument when a
  /// column has nan or an infinity, as it has no mean. The deviation divides by n, as NumPy's std. A column
  /// that never varies is only shifted, to exactly 0: its deviation counts as 1.
  explicit Standardizer(const Tensor& x);
  /// From what mean() and deviation() gave, (columns,), floating, of one dtype. ShapeError or DTypeError
  /// otherwise.
  Standardizer(const Tensor& mean, const Tensor& deviation);

  /// (x - mean) / deviation, for x (..., columns) of the same dtype. nan and infinities stay what they are.
  Tensor operator()(const Tensor& x) const;
  Dataset operator()(const Dataset& data) const { return {(*this)(data.x), data.y, data.classes}; }

  [[nodiscard]] const Tensor& mean() const& { return mean_; }  ///< (columns,)
  /// (columns,); 0 only where it is below the dtype's smallest number.
  [[nodiscard]] const Tensor& deviation() const& { return deviation_; }
  /// Those of a temporary.
  Tensor mean() && { return mean_; }
  /// Those of a temporary.
  Tensor deviation() && { return deviation_; }

 private:
  Tensor mean_, deviation_;
  // What x is moved by. In units of 2ⁿ, one for each column, nothing overflows or vanishes on the way; and
  // what rounding took from the mean is subtracted for itself.
  Tensor unit_, center_, rest_, spread_;
};

/// The samples in a new random order, `batch_size` at a time; the last batch may be smaller. A range of
/// Dataset: `for (const Dataset& batch : Batches(data, 32, generator))` is one epoch.
class Batches {
 public:
  /// Keeps a handle to the data. std::invalid_argument unless batch_size is positive.
  Batches(Dataset data, Integer batch_size, Generator& generator);

  struct End {};
  /// Goes from batch to batch.
  class Iterator {
   public:
    using value_type = Dataset;
    using difference_type = std::ptrdiff_t;
    Dataset operator*() const;
    Iterator& operator++();
    void operator++(int) { ++*this; }
    bool operator==(End) const { return first_ >= batches_->data_.size(); }

   private:
    friend class Batches;
    explicit Iterator(const Batches& batches) : batches_(&batches) {}
    const Batches* batches_;
    std::int64_t first_ = 0;
  };
  Iterator begin() const& { return Iterator(*this); }
  Iterator begin() const&& = delete;  // the batches would be gone: give them a name
  End end() const { return {}; }
  /// How many batches there are.
  std::int64_t size() const { return (data_.size() + batch_size_ - 1) / batch_size_; }

 private:
  Dataset data_;
  std::int64_t batch_size_;
  Tensor order_;
};

/// The class with the largest of the scores (n, classes), floating: (n,), int64. The first of equal ones
/// wins; NaN never does. ShapeError or DTypeError for anything else.
Tensor predicted_classes(const Tensor& scores);
/// The share of the samples whose largest score (n, classes) is that of their class y (n,), int64; 0 for no
/// samples. ShapeError or DTypeError when they do not fit.
[[nodiscard]] double accuracy(const Tensor& scores, const Tensor& y);

/// What a classifier makes of samples.
struct [[nodiscard]] Evaluation {
  double loss = 0;                      ///< mean cross-entropy; 0 for no samples
  std::int64_t correct = 0;             ///< samples whose class was predicted
  std::vector<std::int64_t> predicted;  ///< the class of each sample, by predicted_classes
  std::vector<double> confidence;       ///< the probability, softmax of the scores, given to it; 0 if NaN
};
/// Shows the samples to a network that gives scores (n, classes) for x (n, columns), some at a time, so that
/// memory does not grow with their number, and without recording a graph.
Evaluation evaluate(FunctionRef<Tensor(const Tensor&)> network, const Dataset& data);

/// Two interleaving half circles of radius 1, one per class in turn, with normal noise of this standard
/// deviation on both coordinates: the upper one centred at (0, 0), the lower one at (1, 0.5).
/// Source: scikit-learn's make_moons. std::invalid_argument when samples or noise is negative.
Dataset half_moons(Integer samples, double noise, Generator& generator, DType dtype = default_dtype());

}  // namespace chainrule
