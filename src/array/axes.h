// The shape rules that operations share. Each error names the operation. Everything that takes an axis or
// broadcasts relies on this, so that all say the same of the same mistake.

#pragma once

#include <bitset>
#include <span>
#include <string_view>
#include <vector>

#include "chainrule/shape.h"

namespace chainrule {

/// NumPy's broadcasting of two shapes: aligned at the last axis, a size of 1 stretches.
Shape broadcast(std::string_view operation, const Shape& a, const Shape& b);

/// A non-negative axis below rank. ShapeError otherwise.
std::size_t normalize_axis(std::string_view operation, std::int64_t axis, const Shape& shape);

/// Axes that are marked, as those of a reduction.
using AxisMask = std::bitset<Shape::max_rank>;

/// What remains of a shape when the marked axes are reduced.
Shape reduced(const Shape& shape, const AxisMask& axes, bool keepdims);

/// Strides, in elements, with which an array of shape `from` is read as one of shape `to`: 0 along
/// stretched axes. `from` must be broadcastable to `to`.
std::vector<std::int64_t> broadcast_strides(const Shape& from, const Shape& to);

/// Row-major strides in elements.
std::vector<std::int64_t> row_major_strides(const Shape& shape);

}  // namespace chainrule
