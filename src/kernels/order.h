// Sorting lines of arrays: by their places, so that values follow.
// Of equals the first comes first, and NaN is the largest.

#pragma once

#include "array/array.h"
#include "kernels/lines.h"

namespace chainrule::kernels {

/// The places, from 0 to n - 1, of the first `count` elements of each line in ascending order, or in
/// descending order: int64, (outer, count, inner). Of equals the first comes first; NaN is larger than all
/// numbers, and -0 equals 0.
Array places_in_order(const Array& x, const Lines& lines, std::int64_t count, bool descending);

/// The place of element k, from 0 on, of each line in that ascending order: int64, (outer, 1, inner). Where
/// told, that of the first NaN in lines that have one.
Array places_of_kth(const Array& x, const Lines& lines, std::int64_t k, bool prefer_nan);

/// The place of the largest, or smallest, element of each line, the first of equals, or of the first NaN:
/// int64, (outer, 1, inner). Lines have elements.
Array places_of_extremes(const Array& x, const Lines& lines, bool largest);

}  // namespace chainrule::kernels
