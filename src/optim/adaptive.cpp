// RMSProp, Adagrad and Adadelta: their constants in each step, for the loops in kernels/adaptive.h. The base
// in optimizer.h calls move for each parameter.

#include "chainrule/optim/adaptive.h"

#include "kernels/adaptive.h"
#include "optim/in_place.h"
#include "optim/options.h"

namespace chainrule {

void RmsPropOptions::check() const {
  optim::require_not_negative("RmsProp", "learning_rate", learning_rate);
  optim::require_share("RmsProp", "alpha", alpha);
  optim::require_not_negative("RmsProp", "epsilon", epsilon);
  optim::require_not_negative("RmsProp", "weight_decay", weight_decay);
  optim::require_share("RmsProp", "momentum", momentum);
}

RmsProp::RmsProp(const std::vector<Parameter>& parameters, const RmsPropOptions& options)
    : OptimizerWith("RmsProp", {"mean_square", "mean", "velocity"}) {
  add_group(parameters, options);
}

void RmsProp::update(Learned& learned, const Tensor& gradient) {
  const RmsPropOptions& options = this->options(learned.group());
  dispatch_floating(gradient.dtype(), [&]<class T> {
    const kernels::RmsPropConstants<T> constants{
        kernels::Share<T>(options.alpha), static_cast<T>(options.momentum),
        static_cast<T>(options.weight_decay), static_cast<T>(options.learning_rate),
        static_cast<T>(options.epsilon)};
    T* mean = options.centered ? optim::writable<T>(learned.state(1)) : nullptr;
    T* velocity = options.momentum != 0 ? optim::writable<T>(learned.state(2)) : nullptr;
    kernels::rmsprop_step(optim::writable<T>(learned.parameter()), gradient.data<T>().data(),
                          optim::writable<T>(learned.state(0)), mean, velocity, gradient.size(), constants);
  });
}

void AdagradOptions::check() const {
  optim::require_not_negative("Adagrad", "learning_rate", learning_rate);
  optim::require_not_negative("Adagrad", "learning_rate_decay", learning_rate_decay);
  optim::require_not_negative("Adagrad", "weight_decay", weight_decay);
  optim::require_not_negative("Adagrad", "initial_sum", initial_sum);
  optim::require_not_negative("Adagrad", "epsilon", epsilon);
}

Adagrad::Adagrad(const std::vector<Parameter>& parameters, const AdagradOptions& options)
    : OptimizerWith("Adagrad", {"sum"}) {
  add_group(parameters, options);
}

void Adagrad::update(Learned& learned, const Tensor& gradient) {
  const AdagradOptions& options = this->options(learned.group());
  if (!learned.has_state(0)) learned.state(0) = full(gradient.shape(), options.initial_sum, gradient.dtype());
  const double rate =
      options.learning_rate / (1 + static_cast<double>(learned.steps() - 1) * options.learning_rate_decay);
  dispatch_floating(gradient.dtype(), [&]<class T> {
    kernels::adagrad_step(optim::writable<T>(learned.parameter()), gradient.data<T>().data(),
                          optim::writable<T>(learned.state(0)), gradient.size(),
                          static_cast<T>(options.weight_decay), static_cast<T>(rate),
                          static_cast<T>(options.epsilon));
  });
}

void AdadeltaOptions::check() const {
  optim::require_not_negative("Adadelta", "learning_rate", learning_rate);
  optim::require_share("Adadelta", "rho", rho);
  optim::require_not_negative("Adadelta", "epsilon", epsilon);
  optim::require_not_negative("Adadelta", "weight_decay", weight_decay);
}

Adadelta::Adadelta(const std::vector<Parameter>& parameters, const AdadeltaOptions& options)
    : OptimizerWith("Adadelta", {"mean_square", "mean_square_step"}) {
  add_group(parameters, options);
}

void Adadelta::update(Learned& learned, const Tensor& gradient) {
  const AdadeltaOptions& options = this->options(learned.group());
  dispatch_floating(gradient.dtype(), [&]<class T> {
    kernels::adadelta_step(optim::writable<T>(learned.parameter()), gradient.data<T>().data(),
                           optim::writable<T>(learned.state(0)), optim::writable<T>(learned.state(1)),
                           gradient.size(), kernels::Share<T>(options.rho),
                           static_cast<T>(options.weight_decay), static_cast<T>(options.learning_rate),
                           static_cast<T>(options.epsilon));
  });
}

}  // namespace chainrule
