// Rows of a diagonal matrix, as the directions of a Jacobian and what elementwise rules make of them. They
// hold one number for each row, and are spelled out when somebody reads them; a product with a matrix scales
// its rows instead.

#pragma once

#include <optional>

#include "array/array.h"

namespace chainrule::kernels {

/// Row i is numbers[i] at column first + i, and 0 elsewhere.
struct Diagonal {
  Array numbers;  ///< (rows,), float32 or float64
  std::int64_t first, columns;
};

/// As an array of that shape, of which the first axis is that of the rows, and all others the columns.
Array diagonal(Diagonal rows, const Shape& shape);
/// The rows, if the array is such.
std::optional<Diagonal> diagonal_part(const Array& array);

/// The array times `by`, which is the same for all rows, if it is such rows; 0 stays 0.
std::optional<Array> diagonal_times(const Array& array, const Array& by);
/// The rows as a matrix, times b (columns, n), or its transpose if b is (n, columns).
Array times_matrix(const Diagonal& rows, const Array& b, bool transpose_b);

}  // namespace chainrule::kernels
