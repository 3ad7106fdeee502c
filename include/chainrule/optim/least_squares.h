/// \file
/// Least squares: fits of a few parameters to many measurements. Relies on derivatives of each residual,
/// which it takes itself, so that a step is given the residuals as a function.

#pragma once

#include "chainrule/detail/function_ref.h"
#include "chainrule/optim/optimizer.h"

namespace CHAINRULE_API chainrule {

/// Of LevenbergMarquardt.
struct LevenbergMarquardtOptions {
  double damping = 1e-3;       ///< to begin with; more is a shorter step, closer to the steepest descent
  std::int64_t attempts = 20;  ///< at most so many dampings are tried in one step()
  /// std::invalid_argument that names the option and what is allowed.
  void check() const;
};

/// What a step has done.
struct LeastSquaresStep {
  double loss_before = 0;  ///< Σ residual² / 2 before the step,
  double loss = 0;         ///< and after it
  bool moved = false;      ///< false where no damping made it less: at a minimum, to rounding
};

/// Minimises Σ residual² / 2 by damped Gauss-Newton steps. With J = ∂residuals/∂parameters and D = diag(JᵀJ),
/// a step h solves
///
///     (JᵀJ + damping D) h = -Jᵀ residuals,
///
/// by least squares on J with √(damping D) below it, which keeps the digits that JᵀJ would lose. A step that
/// lowers the loss is taken, and ρ, the gain in proportion to what the linear model promised, changes the
/// damping by max(1/3, 1 - (2ρ - 1)³); one that does not is tried again with 2, 4, 8, ... times the damping.
///
///     LevenbergMarquardt fit({a, b});
///     for (int i = 0; i < 50 && fit.step([&] { return a * exp(b * t) - y; }).moved; ++i) {}
///
/// J is made column by column where there are many more residuals than parameters, by as many jvp, and else
/// row by row. It takes residuals × parameters numbers.
/// Source: Marquardt, "An algorithm for least-squares estimation of nonlinear parameters", 1963; the damping:
/// Nielsen, "Damping parameter in Marquardt's method", 1999.
///
/// Threads: as an optimiser.
class LevenbergMarquardt {
 public:
  /// std::invalid_argument without parameters, DTypeError for parameters of different dtypes.
  explicit LevenbergMarquardt(const std::vector<Parameter>& parameters,
                              const LevenbergMarquardtOptions& options = {});

  /// One step. `residuals` computes them, in any shape, from the parameters' present values, and is called
  /// once and then for each damping that is tried. GradError where they are not finite to begin with or do
  /// not depend on the parameters; places where they are not finite are tried less far.
  LeastSquaresStep step(FunctionRef<Tensor()> residuals);

  /// What the next step begins with.
  [[nodiscard]] double damping() const { return damping_; }
  /// "damping" and "growth", and that again; errors as in Optimizer.
  [[nodiscard]] NamedTensors state() const;
  /// Goes on from state(). Errors as in Optimizer.
  void load_state(const NamedTensors& state);

 private:
  std::vector<Parameter> parameters_;
  LevenbergMarquardtOptions options_;
  double damping_;
  double growth_ = 2;  // what the damping is multiplied with when a step fails next
};

}  // namespace chainrule
