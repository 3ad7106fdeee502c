// Elements moved as runs of neighbours, to where others surround them: rolled along axes, and put into a box.
// For arrays of any dtype.

#pragma once

#include "kernels/boxes.h"

namespace chainrule::kernels {

/// Element i along an axis moves to i + shift, and from the end on to the beginning. One shift for each axis,
/// from 0 to its size - 1, or 0.
Array roll(const Array& x, std::span<const std::int64_t> shifts);

/// The part in a box whose steps are 1, and around it the one element of `number`.
Array surrounded(const Array& part, const Box& box, const Array& number, const Shape& shape);

}  // namespace chainrule::kernels
