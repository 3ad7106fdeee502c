#pragma once

#include <span>

#include "chainrule/tensor.h"

namespace chainrule::ops {

/// Zeros of a shape, to whose rows (along axis 0) those of `rows` are added, each at its position. The
/// positions are in range. Derivative: the upstream gradient's rows at the positions.
Tensor scatter_rows(const Tensor& rows, std::span<const std::int64_t> positions, const Shape& shape);

}  // namespace chainrule::ops
