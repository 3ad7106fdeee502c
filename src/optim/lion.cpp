// Lion: its constants in each step, for the loop in kernels/adaptive.h.
// The base in optimizer.h calls move for each parameter.

#include "chainrule/optim/lion.h"

#include "kernels/adaptive.h"
#include "optim/in_place.h"
#include "optim/options.h"

namespace chainrule {

void LionOptions::check() const {
  optim::require_not_negative("Lion", "learning_rate", learning_rate);
  optim::require_share("Lion", "beta1", beta1);
  optim::require_share("Lion", "beta2", beta2);
  optim::require_not_negative("Lion", "weight_decay", weight_decay);
}

Lion::Lion(const std::vector<Parameter>& parameters, const LionOptions& options)
    : OptimizerWith("Lion", {"mean"}) {
  add_group(parameters, options);
}

void Lion::update(Learned& learned, const Tensor& gradient) {
  const LionOptions& options = this->options(learned.group());
  dispatch_floating(gradient.dtype(), [&]<class T> {
    kernels::lion_step(optim::writable<T>(learned.parameter()), gradient.data<T>().data(),
                       optim::writable<T>(learned.state(0)), gradient.size(),
                       kernels::Share<T>(options.beta1), kernels::Share<T>(options.beta2),
                       static_cast<T>(1 - options.learning_rate * options.weight_decay),
                       static_cast<T>(options.learning_rate));
  });
}

}  // namespace chainrule
