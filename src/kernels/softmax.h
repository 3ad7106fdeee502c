// softmax, log_softmax, logsumexp and their gradients over any axis, each in one pass over its lines.
// Relies on exponentials.h.

#pragma once

#include "array/array.h"
#include "array/axes.h"

namespace chainrule::kernels {

// Softmax and its kin along one axis, in one pass each way over lines that stay in the cache. Floats.

Array softmax(const Array& x, std::size_t axis);
Array log_softmax(const Array& x, std::size_t axis);

/// From the result y and the gradient g of its shape: y · (g - Σ g·y),
Array softmax_gradient(const Array& y, const Array& g, std::size_t axis);
/// and g - eʸ · Σ g, and
Array log_softmax_gradient(const Array& y, const Array& g, std::size_t axis);
/// g - y · Σ g.
Array balanced(const Array& y, const Array& g, std::size_t axis);

/// Of rows of n elements one after another, to where there is room for them, or, of the gradient, over g
/// itself.
template <class T>
void softmax_of_rows(std::int64_t rows, std::int64_t n, const T* x, T* to);
template <class T>
void softmax_gradient_of_rows(std::int64_t rows, std::int64_t n, const T* y, const T* g, T* to);

/// log Σ eˣ over the marked axes, which remain with size 1, shifted by the maximum.
Array logsumexp(const Array& x, const AxisMask& axes);

}  // namespace chainrule::kernels
