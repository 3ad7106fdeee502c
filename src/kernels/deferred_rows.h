// A matrix that is 0 but for a few rows, as the gradient of an embedding, which waits to be added to
// something. Relies on array/deferred.h.

#pragma once

#include "array/array.h"

namespace chainrule::kernels {

/// Zeros of a shape, to whose rows are added what `rows` has for their positions, int64: one after another
/// where several are the same. They are not added up before somebody reads them. As the gradient of a table,
/// of which few rows were looked up, they need never be: an optimiser adds them to the rows that they are
/// for, to the same bits.
Array deferred_rows(const Array& rows, const Array& positions, const Shape& shape);
/// Do the rows and their positions take less memory than the whole? They are added up in their own dtype,
/// which must be one in which operations compute.
inline bool deferring_rows_pays(const Array& rows, const Array& positions, const Shape& shape) {
  return !is_only_stored(rows.dtype()) && rows.size() + 2 * positions.size() < shape.size();
}

}  // namespace chainrule::kernels
