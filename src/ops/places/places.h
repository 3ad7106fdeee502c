// Moving elements by their places, which is what indexing and order are made of. Plain loops over arrays;
// operations and their derivatives are in the files beside it.

#pragma once

#include <functional>

#include "array/array.h"
#include "array/axes.h"
#include "chainrule/indexing.h"
#include "graph/attributes.h"

namespace chainrule::ops {

/// A tensor seen as (outer, size, inner), and places along its middle.
struct Places {
  std::int64_t outer = 1, size = 1, inner = 1;
  Array list;         ///< int64, each from 0 to size - 1
  bool each = false;  ///< the list is (outer, count, inner): each line has places of its own
};
/// With the shape of what they are taken from or added to.
Attributes attributes_of(const Places& places, const Shape& shape);

/// The places along an axis.
Places along(const Shape& shape, std::size_t axis, Array list);
/// Those of an index that fits: along the axis its elements, along the others their own positions.
Places along_each(const Shape& shape, std::size_t axis, Array index);

/// What is at the places, in this shape; its derivative adds up there.
Tensor gather_at(const Operand& x, Places places, const Shape& shape);
/// Zeros of this shape, to which are added what comes for the places.
Tensor add_at(const Operand& x, Places places, const Shape& shape);
struct OfAxis;
/// The element of each line in order that is at one place of it.
Ordered one_of(const Ordered& order, const OfAxis& of, const Tensor& place, bool keepdims);
/// At the places of an index along an axis; the result has its shape.
Tensor gather_each(const Operand& x, std::size_t axis, const Array& index);
/// At places in row-major order; the result has the shape of the list.
Tensor gather_flat(const Operand& x, const Array& list);
Tensor add_flat(const Operand& x, const Array& list, const Shape& shape);
/// The same places of each in a stack of so many.
Places of_all(Places places, std::int64_t size);
/// The same of places in row-major order, of `all` elements together.
Array places_in_each(const Array& list, std::int64_t count, std::int64_t all);
/// x with values, one for each, at places in row-major order; or one number for all.
Tensor put_flat(const Tensor& x, const Array& list, const Tensor& values);

/// The products of x's elements and of the values for their places, in row-major order; without
/// `include_self`, elements that have values do not count. Of floats,
Tensor scatter_product(const Tensor& x, const Array& list, const Tensor& values, bool include_self,
                       Here here);
/// and of anything, as products of groups.
Tensor products_of_groups(const Tensor& x, const Tensor& values, const Array& list, bool include_self);

/// The positions, int64, each counted from 0; negative ones are counted from the end or refused.
/// `what` is "axis 1 of size 5", say.
Array checked_positions(std::string_view operation, const Operand& positions, std::int64_t size,
                        const std::string& what, bool negative);
/// The same along an axis.
Array checked_positions(std::string_view operation, const Operand& positions, const Shape& shape,
                        std::size_t axis, bool negative);
/// The positions of gather(x, axis, index), which fit.
Array fitting_index(std::string_view operation, const Shape& shape, std::size_t axis, const Operand& index);
/// The places in row-major order that it takes.
Array gathered_places(std::string_view operation, const Shape& shape, std::size_t axis, const Operand& index);
/// The places of an index that fits: its element along the axis, its own position along the others.
Array flat_places(const Array& index, std::size_t axis, const Shape& shape);

/// The row of a table that stands for nothing, counted from 0. ShapeError where there is no such row.
std::int64_t padding_row(std::string_view operation, std::int64_t padding, const Shape& table);

// Of positions that may be others for each sample of a vmap, and so are tensors.

/// gather(x, axis, index).
Tensor gather_along(std::string_view operation, const Tensor& x, std::size_t axis, const Tensor& index);
/// The positions, checked in all samples, as checked_positions() does.
Tensor counted_positions(std::string_view operation, const Operand& positions, std::int64_t size,
                         const std::string& what, bool negative);
Tensor counted_positions(std::string_view operation, const Operand& positions, const Shape& shape,
                         std::size_t axis, bool negative);
/// The places in row-major order that gather(x, axis, index) takes, and that take(x, positions, axis) does.
Tensor places_along_axis(std::string_view operation, const Shape& shape, std::size_t axis,
                         const Tensor& index);
Tensor places_of_slices(const Shape& shape, std::size_t axis, const Tensor& positions);
/// Those of gather(x, axis, index), of an index that is another for each sample of a vmap.
Tensor batched_places(std::string_view operation, const Shape& shape, std::size_t axis, const Operand& index);
/// f of rows, which are along the last axis: f takes any axes before it, and so those of all samples. What it
/// gives has no gradient.
Tensor numbers_of_rows(const Tensor& rows, const std::function<Array(const Array&)>& f);
/// Zeros of this shape, to which is added what comes for the places in row-major order.
Tensor add_places(const Tensor& values, const Tensor& places, const Shape& shape);
/// x with values, one for each place in row-major order, or one number for all; of equal places the last.
Tensor put_places(const Tensor& x, const Tensor& places, const Tensor& values);

/// The values for an index of PyTorch's: a number, or the part of them that has the index's shape.
Tensor values_for(std::string_view operation, const Tensor& values, const Shape& shape);
/// x's shape with the axes of `inserted` instead of an axis.
Shape with_axis_replaced(const Shape& shape, std::size_t axis, const Shape& inserted);
/// Stretched to a shape. ShapeError in the name of the operation.
Tensor stretched(std::string_view operation, const Tensor& x, const Shape& shape, const char* what);
/// bool. DTypeError otherwise.
Tensor checked_mask(std::string_view operation, const Operand& mask);

}  // namespace chainrule::ops
