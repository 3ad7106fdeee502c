// What the derivatives of det and slogdet are made of.

#pragma once

#include <vector>

#include "ops/linear_algebra/matrices.h"

namespace chainrule::ops {

/// ∂det(A)/∂A, right also where A is singular, or its determinant out of range. `lu` is null for what is
/// traced by a transform.
Tensor cofactors(const Tensor& a, const Tensor& determinant, const SharedLu& lu, bool in_numbers);
/// The same of matrices that are singular, for numbers alone, and to be differentiated again.
Tensor cofactors_in_numbers(const Tensor& a);
Tensor cofactors_as_polynomials(const Tensor& a);

/// bool (..., 1, 1): which matrices these are.
Tensor mask_of(const std::vector<bool>& which, const Shape& shape);
/// bool (..., 1, 1): which matrices are singular, or nearly so, where they may be traced by a transform.
Tensor which_matrices(const Tensor& a, bool singular);

}  // namespace chainrule::ops
