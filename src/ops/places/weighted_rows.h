// Rows of a matrix, weighted and added up at points, as a grid reads an image or a bag its embeddings.

#pragma once

#include "chainrule/ops.h"

namespace chainrule::ops {

/// Σₖ weights[p, k] rows[places[p, k]]: rows (R, C), floating, weights (P, K) and places (P, K), int64, which
/// are below R; a negative one reads nothing. (P, C). Differentiable in rows and weights, in any order.
Tensor weighted_rows(const Tensor& rows, const Tensor& weights, const Tensor& places, Here here = {});

}  // namespace chainrule::ops
