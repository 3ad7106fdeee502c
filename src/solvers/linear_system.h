// Linear systems whose matrix is the Jacobian of a recorded function: what derivatives of solutions come down
// to.

#pragma once

#include <memory>

#include "chainrule/detail/trace.h"

namespace chainrule::solvers {

/// Linear systems with J, the Jacobian of a run from one vector to one of the same size.
class JacobianSystem {
 public:
  explicit JacobianSystem(std::shared_ptr<const detail::Trace> trace) : trace_(std::move(trace)) {}
  /// s with J·s = b, or with `transposed` Jᵀ·s = b, in numbers. Up to 256 elements J is factorised; beyond,
  /// GMRES. SolverError where J is singular, or GMRES does not get to ε^(3/4) in 500 steps.
  Tensor solve(const Tensor& b, bool transposed);

 private:
  std::shared_ptr<const detail::Trace> trace_;
  Tensor jacobian_;  // once it was needed
};

}  // namespace chainrule::solvers
