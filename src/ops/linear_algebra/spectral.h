// The derivatives of eigenvalues and singular values, which can be differentiated again where some are equal.
// They are made of public operations on matrices, and of what LAPACK has found.

#pragma once

#include <array>
#include <memory>
#include <utility>

#include "ops/linear_algebra/matrices.h"

namespace chainrule::ops {

/// V diag(g) Vᵀ of a symmetric A = V diag(λ) Vᵀ, for a g that may depend on λ. `known` is what LAPACK has
/// found of A, or null.
Tensor eigenvalues_to_matrix(const Tensor& a, const Tensor& values, const Tensor& g,
                             const std::shared_ptr<const std::array<Array, 2>>& known);
/// U diag(g) Vᵀ of A = U diag(s) Vᵀ.
Tensor singular_values_to_matrix(const Tensor& a, const Tensor& values, const Tensor& g,
                                 const std::shared_ptr<const std::array<Array, 3>>& known);

/// The tangents of λ and of s where A moves along `tangent`. Those of equal values are those of the
/// directions in which it moves them apart, as no others have any.
Tensor eigenvalues_along(const Tensor& a, const Tensor& values, const Tensor& tangent);
Tensor singular_values_along(const Tensor& a, const Tensor& values, const Tensor& tangent);

/// V of A, and U and Vᵀ, as tensors that can be differentiated.
Tensor eigenvectors(const Tensor& a, const std::shared_ptr<const std::array<Array, 2>>& known);
std::pair<Tensor, Tensor> singular_vectors(const Tensor& a,
                                           const std::shared_ptr<const std::array<Array, 3>>& known);

}  // namespace chainrule::ops
