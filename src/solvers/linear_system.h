// Linear systems whose matrix is the Jacobian of a recorded function: what derivatives of solutions come down
// to.

#pragma once

#include <memory>

#include "chainrule/detail/trace.h"

namespace chainrule::solvers {

/// s with J·s = b, or with `transposed` Jᵀ·s = b, in numbers: J is the Jacobian of a run from one vector to
/// one of the same size. Up to 256 elements J is factorised; beyond, GMRES. SolverError where J is singular,
/// or GMRES does not get to ε^(3/4) in 500 steps.
Tensor solve_with_jacobian(const std::shared_ptr<const detail::Trace>& trace, const Tensor& b,
                           bool transposed);

}  // namespace chainrule::solvers
