// Axes as other operations need them: sums to a shape, masks, axes put back. For rules of broadcasting and
// reductions.

#pragma once

#include "array/axes.h"
#include "chainrule/ops.h"

namespace chainrule::ops {

/// The gradient of broadcasting from `shape` to that of g: g summed over the axes along which `shape` was
/// stretched.
Tensor sum_to(Tensor g, const Shape& shape);

/// The axes as a mask, all of them where none are given. ShapeError for one that does not exist or is
/// given twice.
AxisMask axis_mask(std::string_view operation, const Axes& axes, const Shape& shape);

/// With size 1 for each axis that a reduction of `original` over `axes` removed, ready to broadcast back. A
/// scalar is that as it is.
Tensor with_kept_axes(const Tensor& reduced, const Shape& original, const AxisMask& axes);

}  // namespace chainrule::ops
