// Normalisation of groups of elements to mean 0 and variance 1, and then by a weight and a bias. What groups
// are, layers and channels alike, is told by their sizes; src/ops/networks says which.

#pragma once

#include "array/array.h"

namespace chainrule::kernels {

/// The groups in an array of floats (outer, groups, inner): each has outer · inner elements. Weight and bias
/// have elements for `period` groups one after another, of which each has some for its inner elements: one
/// for so many neighbours as `plane` says.
struct Groups {
  std::int64_t outer, count, inner;
  std::int64_t period = 1, plane = 1;
  std::int64_t elements() const { return outer * inner; }
  std::int64_t weights_of_group() const { return plane == 0 ? 0 : inner / plane; }
  std::int64_t weights() const { return period * weights_of_group(); }
};

/// What is known of each group: (4, groups) of the array's dtype. The mean is the first of its two parts
/// rounded, and what that lacks, so that nothing is lost where it is large; then 1/√(variance + eps), and the
/// variance.
struct GroupStatistics {
  Array numbers;
  GroupStatistics() = default;
  GroupStatistics(const Groups& groups, DType dtype) : numbers({4, groups.count}, dtype) {}
};

/// y = (x - mean) / √(variance + eps), or where not `centred` x / √(mean of x² + eps); y · weight + bias, of
/// which both or the bias may be null. Sets the statistics.
Array normalize(const Array& x, const Array* weight, const Array* bias, const Groups& groups, double eps,
                bool centred, GroupStatistics& statistics);

/// (x - mean) · weight + bias for x (outer, channels, inner), by numbers of each channel.
Array normalize_by(const Array& x, const Array& mean, const Array& weight, const Array& bias);

/// From statistics, for g from above and h = g · weight: (h - mean(h) - y · mean(h · y)) / √(variance + eps),
/// without mean(h) where not centred. Where they are not null, adds Σ g · y to zeros in `to_weight` and Σ g
/// in `to_bias`.
Array normalize_gradient(const Array& x, const Array* weight, const Array& g, const Groups& groups,
                         bool centred, const GroupStatistics& statistics, Array* to_weight, Array* to_bias);

}  // namespace chainrule::kernels
