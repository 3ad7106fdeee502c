/// \file
/// Lion: steps of one size, by the sign of a running mean. One average is all that it keeps. Relies on
/// optimizer.h for groups, schedules and saved states.

#pragma once

#include "chainrule/optim/optimizer.h"

namespace CHAINRULE_API chainrule {

/// Of Lion.
struct LionOptions {
  double learning_rate = 1e-4;     ///< the size of a step; a third to a tenth of what Adam takes
  double beta1 = 0.9;              ///< share of the mean in the direction of a step, in [0, 1)
  double beta2 = 0.99;             ///< share that the mean keeps of itself, in [0, 1)
  double weight_decay = 0;         ///< each step takes learning_rate * weight_decay of the value away
  bool allow_no_gradient = false;  ///< see SgdOptions
  /// std::invalid_argument that names the option and what is allowed.
  void check() const;
};

///     value -= learning_rate * (sign(beta1 * mean + (1 - beta1) * gradient) + weight_decay * value)
///     mean   = beta2 * mean + (1 - beta2) * gradient
///
/// where sign(0) is 0. Keeps "mean".
/// Source: Chen et al., "Symbolic discovery of optimization algorithms", 2023, algorithm 2.
class Lion final : public OptimizerWith<LionOptions> {
 public:
  /// Its first group of parameters.
  explicit Lion(const std::vector<Parameter>& parameters, const LionOptions& options = {});

 private:
  void update(Learned& learned, const Tensor& gradient) override;
};

}  // namespace chainrule
