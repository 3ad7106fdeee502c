// Eigenvalues and singular values of stacks of small matrices by rotations, as many matrices at once as a
// pack has lanes, for which calling LAPACK takes longer by ten times. lapack.cpp asks takes_rotations first.

#pragma once

#include <cstdint>

namespace chainrule::kernels {

/// Are matrices of so many rows and columns so small that rotations are faster? Of few lanes they are not.
bool takes_rotations(std::int64_t rows, std::int64_t columns);

/// λ, ascending, and V, unless null, from the lower halves of `count` finite matrices (n, n). Nobody looks at
/// what others give.
template <class T>
void rotated_eigh(std::int64_t n, std::int64_t count, const T* a, T* values, T* vectors);

/// S, descending, and U and Vᵀ, unless null, of `count` matrices (m, n). Where the least of S is not above
/// rounding errors, or anything is not finite, the least is 0 or NaN and the rest unspecified: that needs
/// LAPACK.
template <class T>
void rotated_svd(std::int64_t m, std::int64_t n, std::int64_t count, const T* a, T* u, T* s, T* vt);

}  // namespace chainrule::kernels
