// Rows of a matrix, weighted and added up at points, as a grid reads an image or a bag its embeddings.

#pragma once

#include "chainrule/ops.h"

namespace chainrule::ops {

/// Σₖ weights[p, k] rows[places[p, k]]: rows (R, C), floating, weights (P, K) and places (P, K), int64, which
/// are below R; a negative one reads nothing. (P, C). Differentiable in rows and weights, in any order.
Tensor weighted_rows(const Tensor& rows, const Tensor& weights, const Tensor& places, Here here = {});
/// Its adjoint by the rows, of which there are `count`: adds weights[p, k] values[p] to row places[p, k].
Tensor add_to_rows(const Tensor& values, const Tensor& weights, const Tensor& places, std::int64_t count);
/// Its adjoint by the weights: rows[places[p, k]] · values[p], 0 where nothing is read. (P, K).
Tensor dot_rows(const Tensor& rows, const Tensor& values, const Tensor& places);

}  // namespace chainrule::ops
