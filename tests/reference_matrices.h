// What operations on matrices, the last two axes, must compute, by the plainest methods: elimination,
// rotations, power series.

#pragma once

#include "reference.h"

namespace chainrule::reference::matrices {

/// The element in exchanged places of the last two axes.
Number exchanged(const Array& x, Position at);
Array transposed(const Array& x);
/// The matrix with one half cleared.
Array half(const Array& x, bool upper);
/// AᵀA, or A Aᵀ.
Array gram(const Array& x, bool left);

Array inverse_of(const Array& x);
Array determinant_of(const Array& x);
Array cholesky_of(const Array& x);
/// Q by Gram and Schmidt, with a positive diagonal of R.
Array orthonormal_of(const Array& x);
Array eigenvalues_of(const Array& x);
/// The squares of the elements, so that signs do not matter; singular vectors in columns, the largest first.
Array squares_of_eigenvectors(const Array& x);
Array squares_of_singular_vectors(const Array& x, bool left);
Array singular_values_of(const Array& x);
Array exponential_of(const Array& x);

}  // namespace chainrule::reference::matrices
