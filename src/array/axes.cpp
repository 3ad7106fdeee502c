// What broadcasts with what, which axes are meant, and what reductions leave of a shape. All in terms of
// shapes; no element is touched.

#include "array/axes.h"

#include <algorithm>
#include <string>

#include "chainrule/error.h"

namespace chainrule {

Shape broadcast(std::string_view operation, const Shape& a, const Shape& b) {
  if (a == b) return a;
  const Shape& longer = a.rank() >= b.rank() ? a : b;
  const Shape& shorter = a.rank() >= b.rank() ? b : a;
  Shape result = longer;
  const std::size_t offset = longer.rank() - shorter.rank();
  for (std::size_t axis = 0; axis < shorter.rank(); ++axis) {
    std::int64_t& size = result[axis + offset];
    if (size == shorter[axis] || shorter[axis] == 1) continue;
    if (size != 1)
      throw ShapeError(std::string(operation) + ": shapes do not broadcast: " + to_string(a) + " and " +
                       to_string(b) + "; sizes must agree from the last axis on, or be 1");
    size = shorter[axis];
  }
  return result;
}

std::size_t normalize_axis(std::string_view operation, std::int64_t axis, const Shape& shape) {
  const auto rank = static_cast<std::int64_t>(shape.rank());
  if (axis < -rank || axis >= rank) {
    const std::string range =
        rank == 0 ? "a scalar has no axes"
                  : "give one from " + std::to_string(-rank) + " to " + std::to_string(rank - 1);
    throw ShapeError(std::string(operation) + ": axis " + std::to_string(axis) + " does not exist: shape " +
                     to_string(shape) + "; " + range);
  }
  return static_cast<std::size_t>(axis < 0 ? axis + rank : axis);
}

Shape reduced(const Shape& shape, const AxisMask& axes, bool keepdims) {
  std::size_t rank = 0;
  for (std::size_t axis = 0; axis < shape.rank(); ++axis) rank += keepdims || !axes[axis] ? 1 : 0;
  Shape result = Shape::filled(rank, 1);
  for (std::size_t axis = 0, at = 0; axis < shape.rank(); ++axis)
    if (!axes[axis])
      result[at++] = shape[axis];
    else if (keepdims)
      ++at;
  return result;
}

std::vector<std::int64_t> row_major_strides(const Shape& shape) {
  std::vector<std::int64_t> strides(shape.rank());
  std::int64_t stride = 1;
  for (std::size_t axis = shape.rank(); axis-- > 0; stride *= shape[axis]) strides[axis] = stride;
  return strides;
}

std::vector<std::int64_t> broadcast_strides(const Shape& from, const Shape& to) {
  std::vector<std::int64_t> strides(to.rank(), 0);
  const auto own = row_major_strides(from);
  const std::size_t offset = to.rank() - from.rank();
  for (std::size_t axis = 0; axis < from.rank(); ++axis)
    strides[axis + offset] = from[axis] == 1 && to[axis + offset] != 1 ? 0 : own[axis];
  return strides;
}

}  // namespace chainrule
