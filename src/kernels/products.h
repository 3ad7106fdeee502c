// The product of all other elements, which the derivative of a product along axes is made of. Relies on arrays
// alone.

#pragma once

#include "array/array.h"

namespace chainrule::kernels {

/// For each element of rows (m, n), floats, the product of the other elements of its row. Of products only,
/// so that zeros do no harm: those of pairs, the first half with the second, then of pairs of these and so
/// on, and back.
Array products_of_others(const Array& rows);

}  // namespace chainrule::kernels
