/// \file
/// Stochastic gradient descent, with momentum as PyTorch defines it.
/// Relies on optimizer.h for groups, schedules and saved states.

#pragma once

#include "chainrule/optim/optimizer.h"

namespace CHAINRULE_API chainrule {

/// Of Sgd.
struct SgdOptions {
  /// Times the gradient.
  double learning_rate = 0.01;
  double momentum = 0;      ///< share of the last step's velocity that is kept, in [0, 1)
  double weight_decay = 0;  ///< adds weight_decay * value to the gradient: an L2 penalty of half of it
  /// Lets a step go by momentum and weight decay alone when no parameter has a gradient. Such a step is a
  /// GradError otherwise, as it nearly always comes from a mistake.
  bool allow_no_gradient = false;
  double dampening = 0;   ///< in [0, 1]: the velocity takes 1 - dampening of each gradient but the first
  bool nesterov = false;  ///< looks a step ahead; takes momentum > 0 and dampening = 0
  /// Leaves alone, with their velocity, the rows along the first axis whose gradient is zero throughout, as
  /// those of a table that a batch has not read.
  bool lazy_rows = false;
  /// std::invalid_argument that names the option and what is allowed.
  void check() const;
};

/// Stochastic gradient descent with momentum, as PyTorch's SGD:
///
///     gradient += weight_decay * value
///     velocity  = momentum * velocity + (1 - dampening) * gradient      (the first time the gradient)
///     value    -= learning_rate * velocity
///
/// and with nesterov: value -= learning_rate * (gradient + momentum * velocity).
///
/// Without momentum and weight decay, the gradient of a layer's weight for few samples is never made: the
/// product that it is goes into the weight. Keeps "velocity" of each parameter once it has momentum.
/// Source: Sutskever, Martens, Dahl and Hinton, "On the importance of initialization and momentum in deep
/// learning", 2013, in PyTorch's form.
class Sgd final : public OptimizerWith<SgdOptions> {
 public:
  /// Its first group of parameters.
  explicit Sgd(const std::vector<Parameter>& parameters, const SgdOptions& options = {});

 private:
  void update(Learned& learned, const Tensor& gradient) override;
};

}  // namespace chainrule
