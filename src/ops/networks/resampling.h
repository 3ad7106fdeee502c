// Sums along axes with few weights, of which means of windows and interpolation are made.
// kernels/pooling.h computes them.

#pragma once

#include "chainrule/networks.h"
#include "kernels/pooling.h"

namespace chainrule::ops {

/// Keys' kernel, with a = -0.75: the weight of an element by its distance, up to 1 and from 1 to 2.
/// Source: Keys, Cubic convolution interpolation for digital image processing, 1981.
template <class Number>
Number keys_near(const Number& d) {
  constexpr double a = -0.75;
  return ((a + 2) * d - (a + 3)) * d * d + 1;
}
template <class Number>
Number keys_far(const Number& d) {
  constexpr double a = -0.75;
  return ((a * d - 5 * a) * d + 8 * a) * d - 4 * a;
}

/// x multiplied by a matrix along one axis.
Tensor sums_along(const Tensor& x, std::size_t axis, kernels::SparseMatrix matrix, Here here);

Tensor adaptive_avg_pool(const char* operation, std::size_t spatial, const Operand& x, const PerAxis& size);

}  // namespace chainrule::ops
