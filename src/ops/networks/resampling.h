// Sums along axes with few weights, of which means of windows and interpolation are made.
// kernels/pooling.h computes them.

#pragma once

#include "chainrule/networks.h"
#include "kernels/pooling.h"

namespace chainrule::ops {

/// x multiplied by a matrix along one axis.
Tensor sums_along(const Tensor& x, std::size_t axis, kernels::SparseMatrix matrix, Here here);

Tensor adaptive_avg_pool(const char* operation, std::size_t spatial, const Operand& x, const PerAxis& size);

}  // namespace chainrule::ops
