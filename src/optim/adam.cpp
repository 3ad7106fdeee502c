// Adam, AdamW and NAdam: their constants in each step, for the loops in kernels/adaptive.h. The base in
// optimizer.h calls move for each parameter.

#include "chainrule/optim/adam.h"

#include <cmath>

#include "kernels/adaptive.h"
#include "optim/in_place.h"
#include "optim/options.h"
#include "optim/rows.h"

namespace chainrule {
namespace {

template <class Options>
void check_shared(const char* optimizer, const Options& options) {
  optim::require_not_negative(optimizer, "learning_rate", options.learning_rate);
  optim::require_share(optimizer, "beta1", options.beta1);
  optim::require_share(optimizer, "beta2", options.beta2);
  optim::require_not_negative(optimizer, "epsilon", options.epsilon);
  optim::require_not_negative(optimizer, "weight_decay", options.weight_decay);
}

/// 1 - βᵗ: what a running mean that began with 0 is short of.
double correction(double beta, std::int64_t steps) { return 1 - std::pow(beta, static_cast<double>(steps)); }

template <class T, class Options>
kernels::AdamConstants<T> constants_of(const Options& options, std::int64_t steps, double decay,
                                       double shrink) {
  return {kernels::Share<T>(options.beta1),
          kernels::Share<T>(options.beta2),
          static_cast<T>(decay),
          static_cast<T>(shrink),
          static_cast<T>(options.learning_rate / correction(options.beta1, steps)),
          static_cast<T>(1 / std::sqrt(correction(options.beta2, steps))),
          static_cast<T>(options.epsilon)};
}

/// `largest` is null without amsgrad.
template <class T>
void move(const Parameter& parameter, const Tensor& gradient, Tensor& first, Tensor& second, Tensor* largest,
          const kernels::AdamConstants<T>& constants, bool lazy) {
  T* x = optim::writable<T>(parameter);
  const T* g = gradient.data<T>().data();
  T *m = optim::writable<T>(first), *v = optim::writable<T>(second);
  T* most = largest != nullptr ? optim::writable<T>(*largest) : nullptr;
  optim::for_rows(gradient, g, lazy, [&](std::int64_t i, std::int64_t end) {
    if (most == nullptr) return kernels::adam_step(x + i, g + i, m + i, v + i, end - i, constants);
    kernels::amsgrad_step(x + i, g + i, m + i, v + i, most + i, end - i, constants);
  });
}

}  // namespace

void AdamOptions::check() const { check_shared("Adam", *this); }
void AdamWOptions::check() const { check_shared("AdamW", *this); }
void NAdamOptions::check() const {
  check_shared("NAdam", *this);
  optim::require_not_negative("NAdam", "momentum_decay", momentum_decay);
}

Adam::Adam(const std::vector<Parameter>& parameters, const AdamOptions& options)
    : OptimizerWith("Adam", {"first_moment", "second_moment", "largest_second_moment"}) {
  add_group(parameters, options);
}

void Adam::update(Learned& learned, const Tensor& gradient) {
  const AdamOptions& options = this->options(learned.group());
  dispatch_floating(gradient.dtype(), [&]<class T> {
    move<T>(learned.parameter(), gradient, learned.state(0), learned.state(1),
            options.amsgrad ? &learned.state(2) : nullptr,
            constants_of<T>(options, learned.steps(), options.weight_decay, 1), options.lazy_rows);
  });
}

AdamW::AdamW(const std::vector<Parameter>& parameters, const AdamWOptions& options)
    : OptimizerWith("AdamW", {"first_moment", "second_moment", "largest_second_moment"}) {
  add_group(parameters, options);
}

void AdamW::update(Learned& learned, const Tensor& gradient) {
  const AdamWOptions& options = this->options(learned.group());
  dispatch_floating(gradient.dtype(), [&]<class T> {
    move<T>(learned.parameter(), gradient, learned.state(0), learned.state(1),
            options.amsgrad ? &learned.state(2) : nullptr,
            constants_of<T>(options, learned.steps(), 0, 1 - options.learning_rate * options.weight_decay),
            options.lazy_rows);
  });
}

NAdam::NAdam(const std::vector<Parameter>& parameters, const NAdamOptions& options)
    : OptimizerWith("NAdam", {"first_moment", "second_moment"}, {"momentum_product"}) {
  add_group(parameters, options);
}

void NAdam::update(Learned& learned, const Tensor& gradient) {
  const NAdamOptions& options = this->options(learned.group());
  const auto momentum = [&](std::int64_t step) {
    return options.beta1 * (1 - 0.5 * std::pow(0.96, static_cast<double>(step) * options.momentum_decay));
  };
  const std::int64_t t = learned.steps();
  const double present = momentum(t), next = momentum(t + 1);
  double& product = learned.number(0);
  product = t == 1 ? present : product * present;
  dispatch_floating(gradient.dtype(), [&]<class T> {
    const kernels::NAdamConstants<T> constants{
        kernels::Share<T>(options.beta1),
        kernels::Share<T>(options.beta2),
        static_cast<T>(options.weight_decay),
        static_cast<T>(options.learning_rate * (1 - present) / (1 - product)),
        static_cast<T>(options.learning_rate * next / (1 - product * next)),
        static_cast<T>(1 / std::sqrt(correction(options.beta2, t))),
        static_cast<T>(options.epsilon)};
    kernels::nadam_step(optim::writable<T>(learned.parameter()), gradient.data<T>().data(),
                        optim::writable<T>(learned.state(0)), optim::writable<T>(learned.state(1)),
                        gradient.size(), constants);
  });
}

}  // namespace chainrule
