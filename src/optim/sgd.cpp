// Stochastic gradient descent: which loop of kernels/sgd.h takes a step, or whether a product goes into the
// parameter without being made.

#include "chainrule/optim/sgd.h"

#include <stdexcept>

#include "kernels/sgd.h"
#include "optim/in_place.h"
#include "optim/options.h"
#include "optim/rows.h"

namespace chainrule {

void SgdOptions::check() const {
  optim::require_not_negative("Sgd", "learning_rate", learning_rate);
  optim::require_share("Sgd", "momentum", momentum);
  optim::require_not_negative("Sgd", "weight_decay", weight_decay);
  optim::require_part("Sgd", "dampening", dampening);
  if (nesterov && (momentum == 0 || dampening != 0))
    throw std::invalid_argument("Sgd: nesterov with momentum " + to_string(full({}, momentum)) +
                                " and dampening " + to_string(full({}, dampening)) +
                                "; it takes momentum > 0 and dampening = 0");
}

Sgd::Sgd(const std::vector<Parameter>& parameters, const SgdOptions& options)
    : OptimizerWith("Sgd", {"velocity"}) {
  add_group(parameters, options);
}

void Sgd::update(Learned& learned, const Tensor& gradient) {
  const SgdOptions& options = this->options(learned.group());
  Array& value = optim::value_to_change(learned.parameter());
  // A product that nobody has asked for yet goes into the value without being made.
  if (options.momentum == 0 && options.weight_decay == 0 &&
      value_of(gradient).use_deferred(
          [&](const Deferred& product) { return product.add_to(value, -options.learning_rate); }))
    return;
  dispatch_floating(value.dtype(), [&]<class T> {
    const auto rate = static_cast<T>(options.learning_rate), momentum = static_cast<T>(options.momentum),
               decay = static_cast<T>(options.weight_decay);
    const bool first = options.momentum != 0 && !learned.has_state(0);
    T* v = options.momentum != 0 ? optim::writable<T>(learned.state(0)) : nullptr;
    T* x = value.mutable_data<T>();
    const T* g = gradient.data<T>().data();
    optim::for_rows(gradient, g, options.lazy_rows, [&](std::int64_t i, std::int64_t end) {
      const std::int64_t n = end - i;
      if (v == nullptr) return kernels::sgd_step(x + i, g + i, n, rate, decay);
      if (options.nesterov) return kernels::nesterov_step(x + i, g + i, v + i, n, rate, momentum, decay);
      if (options.dampening != 0 && !first)
        return kernels::damped_sgd_step(x + i, g + i, v + i, n, rate, momentum, decay,
                                        static_cast<T>(1 - options.dampening));
      kernels::sgd_step(x + i, g + i, v + i, n, rate, momentum, decay);
    });
  });
}

}  // namespace chainrule
