#pragma once

#include "chainrule/detail/api.h"
#include "chainrule/nn.h"

/// Optimisers: how parameters move along their gradients.
///
/// Threads: one at a time may use an optimiser, and while it steps no other may use its parameters, nor run a
/// backward() that reaches them. Threads that share the work of one step call backward() each, and one of
/// them steps when all are done.
namespace CHAINRULE_API chainrule {

struct SgdOptions {
  double learning_rate = 0.01;
  double momentum = 0;      ///< share of the last step's velocity that is kept, in [0, 1)
  double weight_decay = 0;  ///< adds weight_decay * value to the gradient: an L2 penalty of half of it
  /// Lets a step go by momentum and weight decay alone when no parameter has a gradient. Such a step is a
  /// GradError otherwise, as it nearly always comes from a mistake.
  bool allow_no_gradient = false;
};

/// Stochastic gradient descent with momentum, as PyTorch's SGD:
///
///     gradient += weight_decay * value
///     velocity  = momentum * velocity + gradient      (velocity starts at zero)
///     value    -= learning_rate * velocity
class Sgd {
 public:
  /// std::invalid_argument for a negative or infinite option, momentum >= 1, or no parameters. A parameter
  /// that is listed twice is stepped once.
  explicit Sgd(const std::vector<Parameter>& parameters, const SgdOptions& options = {});

  /// Moves every parameter once and leaves it without a gradient. A parameter that nothing has reached since
  /// the last step counts as having gradient zero: momentum and weight decay still move it. Without both, the
  /// gradient of a layer's weight for few samples is never made: the product that it is goes into the weight.
  /// GradError, and nothing moves, when no parameter at all has received a gradient since the last step; see
  /// SgdOptions::allow_no_gradient.
  void step();
  /// Forgets the gradients gathered since the last step. Not needed after step(): new leaves have none.
  void zero_grad() const;

  double learning_rate() const { return options_.learning_rate; }
  /// For schedules. std::invalid_argument when negative or infinite.
  void set_learning_rate(double learning_rate);

 private:
  struct State {
    Parameter parameter;
    Tensor velocity;  ///< empty until the first step with momentum
  };
  SgdOptions options_;
  std::vector<State> states_;
};

}  // namespace chainrule
