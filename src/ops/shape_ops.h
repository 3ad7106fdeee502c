// Axes as other operations need them: sums to a shape, masks, axes put back.
// For rules of broadcasting and reductions.

#pragma once

#include "array/axes.h"
#include "chainrule/ops.h"

namespace chainrule::ops {

/// The gradient of broadcasting from `shape` to that of g: g summed over the axes along which `shape` was
/// stretched.
Tensor sum_to(Tensor g, const Shape& shape);

/// A tangent of an input, stretched to the shape of the result.
Tensor stretched(const Tensor& tangent, const Shape& shape);

/// Is it another tensor with its last two axes exchanged?
bool is_transpose(const Tensor& x);

/// The axes as a mask, all of them where none are given. ShapeError for one that does not exist or is
/// given twice.
AxisMask axis_mask(std::string_view operation, const Axes& axes, const Shape& shape);

/// With size 1 for each axis that a reduction of `original` over `axes` removed, ready to broadcast back. A
/// scalar is that as it is.
Tensor with_kept_axes(const Tensor& reduced, const Shape& original, const AxisMask& axes);

/// Does an array of shape `from` broadcast to exactly `to`?
inline bool stretches(const Shape& from, const Shape& to) {
  if (from.rank() > to.rank()) return false;
  const std::size_t added = to.rank() - from.rank();
  for (std::size_t axis = 0; axis < from.rank(); ++axis)
    if (from[axis] != 1 && from[axis] != to[added + axis]) return false;
  return true;
}

}  // namespace chainrule::ops
