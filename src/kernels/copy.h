// Elements moved without being looked at: permuted axes, boxes, rows.
// For arrays of any dtype; gradients of these are each other.

#pragma once

#include "array/array.h"

namespace chainrule::kernels {

/// The axes of x in another order: axis i of the result is axis order[i] of x.
Array permute(const Array& x, std::span<const std::size_t> order);
/// The same, to where the elements are to be.
void permute(const Array& x, std::span<const std::size_t> order, void* elements);

/// A box of an array: element i along an axis is element start + i * step of the array.
struct Box {
  std::vector<std::int64_t> starts, steps;
  Shape shape;
};
Array gather(const Array& x, const Box& box);
/// Copies `part` into the box of `into`, or adds it, floating, to that.
void scatter(const Array& part, const Box& box, Array& into);
void add(const Array& part, const Box& box, Array& into);
/// Zeros of a shape but for `part` in a box, which are written where somebody reads them; where several such
/// gradients meet, each is added to its box only.
Array deferred_box(const Array& part, const Box& box, const Shape& shape);

/// The rows (along axis 0) of x at these positions, which are there.
Array take_rows(const Array& x, std::span<const std::int64_t> positions);
/// Adds the rows, floating and one after another, each to that row of `into` whose position it has.
void add_rows(const Array& rows, std::span<const std::int64_t> positions, Array& into);

Array zeros(const Shape& shape, DType dtype);

}  // namespace chainrule::kernels
