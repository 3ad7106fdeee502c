// What operations on matrices share: matrices are the last two axes of a tensor.
// Checks, batches, triangles and identities.

#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "chainrule/linalg.h"
#include "kernels/lapack.h"
#include "ops/elementwise.h"

namespace chainrule::ops {

using SharedLu = std::shared_ptr<const kernels::Lu>;

inline std::int64_t rows_of(const Shape& shape) { return shape[shape.rank() - 2]; }
inline std::int64_t columns_of(const Shape& shape) { return shape.back(); }
/// The axes before the matrices.
inline Shape batch_of(const Shape& shape) { return Shape(shape.sizes().first(shape.rank() - 2)); }
/// Matrices of these sizes, as many as in the batch.
inline Shape matrices(const Shape& batch, std::int64_t rows, std::int64_t columns) {
  Shape shape = Shape::filled(batch.rank() + 2, rows);
  std::copy(batch.begin(), batch.end(), &shape[0]);
  shape[batch.rank() + 1] = columns;
  return shape;
}

/// ShapeError unless it has two axes, and unless these have one size.
void require_matrix(std::string_view name, const Shape& shape);
void require_square(std::string_view name, const Shape& shape);
/// "matrix (3, 3)", and which one of a batch.
std::string describe_matrix(const Shape& shape, std::int64_t place);

inline Tensor transposed(const Tensor& x) { return swapaxes(x, -2, -1); }
/// With two more axes of size 1, to multiply matrices by numbers.
Tensor for_matrices(const Tensor& x);
/// Of x (..., n): as a row, to multiply the columns of matrices, and as a column, to multiply their rows.
inline Tensor as_row(const Tensor& x) {
  return reshape(x, matrices(Shape(x.shape().sizes().first(x.rank() - 1)), 1, x.shape().back()));
}
inline Tensor as_column(const Tensor& x) {
  return reshape(x, matrices(Shape(x.shape().sizes().first(x.rank() - 1)), x.shape().back(), 1));
}
/// (..., 1, 1): the powers of two that bring the largest number of each matrix near 1.
Tensor units_of(const Tensor& a);
/// A matrix of constants: `below`, `on` and `above` the diagonal.
Tensor banded(std::int64_t rows, std::int64_t columns, DType dtype, double below, double on, double above);
inline Tensor identity(std::int64_t n, DType dtype) { return banded(n, n, dtype, 0, 1, 0); }
/// bool: where a matrix is on its diagonal.
inline Tensor on_diagonal(std::int64_t n) { return identity(n, DType::float64) == 1; }
/// x with zeros in its other half, and on the diagonal unless told.
Tensor triangle(const Tensor& x, bool upper, bool diagonal = true);

/// op(A)⁻¹ B for an A that is triangular: op transposes where told. B has A's batch, or A is one matrix.
Tensor triangular_quotient(const Tensor& a, const Tensor& b, bool upper, bool transposed);
/// A⁻ᵀ, from a decomposition that is known of A. It may be singular in places, which are infinite or NaN.
Tensor inverse_transposed(const Tensor& a, const SharedLu& lu);

}  // namespace chainrule::ops
