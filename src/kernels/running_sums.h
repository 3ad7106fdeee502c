// Sums up to each element of a line, from either end, along or across memory.
// Relies on a wider type to sum in.

#pragma once

#include <cstdint>

namespace chainrule::kernels {

/// The running sums of rows of n elements, from the beginning or from the end, summed up as `Running`: double
/// for floats, uint64 for int64, which wraps around. Every sum is that of one element after the other.
template <class Running, class T>
void running_sums(const T* x, std::int64_t rows, std::int64_t n, bool from_end, T* out);

/// The same along the middle axis of (outer, n, inner).
template <class Running, class T>
void running_sums_across(const T* x, std::int64_t outer, std::int64_t n, std::int64_t inner, bool from_end,
                         T* out);

/// The running products along the middle axis of (outer, n, inner), from the beginning. int64 wraps around.
template <class T>
void running_products(const T* x, std::int64_t outer, std::int64_t n, std::int64_t inner, T* out);

/// yᵢ = aᵢ yᵢ₋₁ + bᵢ along the middle axis of (outer, n, inner), or its transpose yᵢ = aᵢ₊₁ yᵢ₊₁ + bᵢ.
/// `strong` of gradients and tangents: 0 times infinity is 0. int64 wraps around.
template <class T>
void linear_recurrence(const T* a, const T* b, std::int64_t outer, std::int64_t n, std::int64_t inner,
                       bool transposed, bool strong, T* out);

}  // namespace chainrule::kernels
