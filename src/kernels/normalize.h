#pragma once

#include "array/array.h"

/// Normalisation of groups of elements to mean 0 and variance 1.
namespace chainrule::kernels {

/// The groups in an array of floats (outer, groups, inner): each has outer · inner elements.
struct Groups {
  std::int64_t outer, count, inner;
  std::int64_t elements() const { return outer * inner; }
};

/// What is known of each group: (4, groups) of the array's dtype. The mean is the first of its two parts
/// rounded, and what that lacks, so that nothing is lost where it is large; then 1/√(variance + eps), and the
/// variance.
struct GroupStatistics {
  Array numbers;
  GroupStatistics() = default;
  GroupStatistics(const Groups& groups, DType dtype) : numbers({4, groups.count}, dtype) {}
};

/// (x - mean) / √(variance + eps), or where not `centred` x / √(mean of x² + eps). Sets the statistics.
Array normalize(const Array& x, const Groups& groups, double eps, bool centred, GroupStatistics& statistics);
/// From those, for g from above: (g - mean(g) - y · mean(g · y)) / √(variance + eps), without mean(g) where
/// not centred.
Array normalize_gradient(const Array& x, const Array& g, const Groups& groups, bool centred,
                         const GroupStatistics& statistics);

}  // namespace chainrule::kernels
