// Differences of neighbours along an axis.

#pragma once

#include <cstdint>

namespace chainrule::kernels {

/// yᵢ = xᵢ₊₁ - xᵢ along the middle axis of (outer, n, inner), of which one less is left; or its transpose,
/// yᵢ = xᵢ₋₁ - xᵢ with zeros beyond the ends, of which there is one more. int64 wraps around.
template <class T>
void differences(const T* x, std::int64_t outer, std::int64_t n, std::int64_t inner, bool transposed, T* out);

}  // namespace chainrule::kernels
