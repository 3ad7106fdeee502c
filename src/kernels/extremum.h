// max and min over lines, and their gradients, which ties share evenly.
// Relies on lines.h; reduce.h has the rest of the reductions.

#pragma once

#include <optional>

#include "array/axes.h"
#include "kernels/lines.h"

namespace chainrule::kernels {

/// The lines that a reduction is over, if its axes are neighbours, or only axes of size 1 lie between them.
std::optional<Lines> neighbouring(const Shape& shape, const AxisMask& axes);

/// The largest (smallest) element of each line of x, floats, and its index there: -1 if several are equal, or
/// if it is NaN, as where any element is. `values` and `places`, int64, have an element for each line.
void max(const Array& x, const Lines& lines, Array& values, Array& places);
void min(const Array& x, const Lines& lines, Array& values, Array& places);

/// What the gradient g of those values means for x: it goes to the element at its place; where that is -1, in
/// even shares to all that equal the value.
Array extremum_gradient(const Array& x, const Lines& lines, const Array& values, const Array& places,
                        const Array& g);

}  // namespace chainrule::kernels
