// A product of matrices that waits, as the gradient of a weight does until an optimiser adds it to something.
// Relies on array/deferred.h.

#pragma once

#include "array/array.h"

namespace chainrule::kernels {

/// The matrix product aᵀ b of a (k, m) and b (k, n), which is not multiplied out before somebody reads it. As
/// the gradient of a weight it need never be: an optimiser adds it to the weight as it is.
Array deferred_product(const Array& a, const Array& b);
/// Do the two matrices take less memory than their product? Larger inner sizes are summed in parts, which
/// would make the bits of a step depend on whether somebody has read the gradient.
inline bool deferring_pays(const Shape& a, const Shape& b) {
  return a.size() + b.size() < a.back() * b.back() && a[0] <= 256;
}

}  // namespace chainrule::kernels
