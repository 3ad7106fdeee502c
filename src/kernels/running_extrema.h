// The largest or smallest up to each element of a line, and where it is.

#pragma once

#include "array/array.h"
#include "kernels/lines.h"

namespace chainrule::kernels {

/// The extremum up to each element of each line of x, int64 or floats, and its index there, int64: of equal
/// ones the last. From a NaN on it is the last NaN.
void running_extrema(const Array& x, const Lines& lines, bool largest, Array& values, Array& places);

}  // namespace chainrule::kernels
