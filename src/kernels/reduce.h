// Sums, products and extrema of arrays over any axes. Accurate by pairwise summation; lines.h and
// reduce_groups.h have the ways through memory.

#pragma once

#include "array/array.h"
#include "array/axes.h"

namespace chainrule::kernels {

// Reductions over the marked axes; these remain with size 1 (the caller reshapes). Any rank and any
// axes: neighbouring axes are merged, and each group of reduced ones is a pass over (outer, axis, inner).

/// Pairwise summation (Higham, Accuracy and Stability of Numerical Algorithms, section 4.2): the error
/// grows with the logarithm of the count. int64, the floats, and bool, of which it counts how many hold.
Array sum(const Array& x, const AxisMask& axes);
/// int64 and the floats.
Array prod(const Array& x, const AxisMask& axes);
/// NaN where any element is. Every reduced axis must have elements.
Array max(const Array& x, const AxisMask& axes);
Array min(const Array& x, const AxisMask& axes);

}  // namespace chainrule::kernels
