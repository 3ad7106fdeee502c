// Elements moved without being looked at: permuted axes, rows.
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

Array zeros(const Shape& shape, DType dtype);

}  // namespace chainrule::kernels
