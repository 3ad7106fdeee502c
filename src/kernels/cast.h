// Arrays as other dtypes, and those that are only stored as what they are computed in.
// The one kernel that knows every dtype.

#pragma once

#include "array/array.h"

namespace chainrule::kernels {

/// The elements as another dtype: see chainrule::convert.
Array cast(const Array& x, DType dtype);
/// The same on raw memory, from one dtype in which operations compute to another one.
void cast(DType from, const void* elements, std::int64_t count, DType to, void* out);

/// The same elements in a dtype in which operations compute, without a copy where they are.
inline Array as_computed(const Array& x) {
  return is_only_stored(x.dtype()) ? cast(x, computed_in(x.dtype())) : x;
}

}  // namespace chainrule::kernels
