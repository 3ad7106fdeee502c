// Decompositions of matrices by LAPACK, of float32 or float64: the last two axes are matrices, each one by
// itself. Matrices of size 0 need none. LinAlgError, in the name of the operation, where LAPACK is not
// there. NaN leads to NaN.

#pragma once

#include <array>
#include <string_view>
#include <vector>

#include "array/array.h"

namespace chainrule::kernels {

/// P A = L U of matrices that have no more columns than rows.
struct Lu {
  Shape shape;                ///< of A
  Array factors;              ///< L below the diagonal, U on and above it, column by column
  std::vector<int> pivots;    ///< each row's exchange, as many as columns for each matrix
  std::vector<int> singular;  ///< for each matrix: where U has its first 0 on the diagonal, from 1 on, or 0
};
Lu lu(std::string_view operation, const Array& a);
/// Pᵀ (m, m), L (m, n) and U (n, n).
std::array<Array, 3> unpacked(const Lu& lu);
/// A⁻¹ B, or A⁻ᵀ B, of square matrices, for B (..., n, k) with A's batch or, where A is one matrix, any.
Array solve(std::string_view operation, const Lu& lu, bool transposed, const Array& b);
/// Sign and logarithm of the size of each determinant, and the determinants themselves.
std::array<Array, 3> determinants(const Lu& lu);
/// Whether each matrix is as near to a singular one as rounding errors reach, or `half` as many digits do. If
/// not half, also which small ones are so near that derivatives of the inverse lose more digits than
/// polynomials.
std::vector<bool> nearly_singular(const Lu& lu, bool half);

/// op(A)⁻¹ B for a triangular A; op transposes where told. The other half is not read.
Array solve_triangular(std::string_view operation, const Array& a, const Array& b, bool upper,
                       bool transposed, bool unit_diagonal);

/// L with A = L Lᵀ, from the lower half of A. `failed` has for each matrix the size of its first leading part
/// that is not positive definite, or 0.
Array cholesky(std::string_view operation, const Array& a, std::vector<int>& failed);
/// Q and R, of matrices that have no more columns than rows.
std::array<Array, 2> qr(std::string_view operation, const Array& a);
/// λ and V, from the lower half of A. V is empty where it is not wanted.
std::array<Array, 2> eigh(std::string_view operation, const Array& a, bool vectors);
/// U, S and Vᵀ. U and Vᵀ are empty where they are not wanted.
std::array<Array, 3> svd(std::string_view operation, const Array& a, bool vectors);

}  // namespace chainrule::kernels
