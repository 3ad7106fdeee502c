// Elements moved without being looked at: permuted axes, rows, windows.
// For arrays of any dtype; gradients of these are each other.

#pragma once

#include "array/array.h"

namespace chainrule::kernels {

/// The axes of x in another order: axis i of the result is axis order[i] of x.
Array permute(const Array& x, std::span<const std::size_t> order);
/// The same, to where the elements are to be.
void permute(const Array& x, std::span<const std::size_t> order, void* elements);

/// The rows (along axis 0) of x at these positions, which are there.
Array take_rows(const Array& x, std::span<const std::int64_t> positions);
/// Adds the rows, floating and one after another, each to that row of `into` whose position it has.
void add_rows(const Array& rows, std::span<const std::int64_t> positions, Array& into);

/// Windows along the middle of (outer, n, inner): `count` of them, of `size` neighbours, one every `step`.
struct WindowsAlong {
  std::int64_t outer, n, inner, count, size, step;
};
/// The elements of all windows, (outer, count, size, inner), in this shape.
Array take_windows(const Array& x, const WindowsAlong& windows, const Shape& shape);
/// Floating elements of all windows added up where they come from, (outer, n, inner), in this shape.
Array add_windows(const Array& elements, const WindowsAlong& windows, const Shape& shape);

Array zeros(const Shape& shape, DType dtype);

}  // namespace chainrule::kernels
