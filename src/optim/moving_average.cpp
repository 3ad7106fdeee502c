// Averages of parameters: one pass over each in every update, in place.
// Relies on kernels/adaptive.h for the loop.

#include "chainrule/optim/moving_average.h"

#include <algorithm>
#include <stdexcept>

#include "kernels/adaptive.h"
#include "optim/in_place.h"
#include "optim/named_state.h"
#include "optim/options.h"
#include "optim/unique_names.h"

namespace chainrule {

MovingAverage::MovingAverage(const std::vector<Parameter>& parameters, double decay) {
  if (parameters.empty())
    throw std::invalid_argument("MovingAverage: no parameters; give it those of a layer or network");
  set_decay(decay);
  for (const Parameter& parameter : parameters) {
    if (std::any_of(parameters_.begin(), parameters_.end(),
                    [&](const Parameter& other) { return &other.leaf() == &parameter.leaf(); }))
      continue;
    parameters_.push_back(parameter);
    averages_.push_back(parameter.leaf().detach());
  }
}

void MovingAverage::set_decay(double decay) {
  optim::require_part("MovingAverage", "decay", decay);
  decay_ = decay;
}

void MovingAverage::update() {
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    const Tensor& value = parameters_[i].leaf();
    dispatch_floating(value.dtype(), [&]<class T> {
      kernels::average_step(optim::writable<T>(averages_[i]), value.data<T>().data(), value.size(),
                            kernels::Share<T>(decay_));
    });
  }
  ++updates_;
}

void MovingAverage::swap() {
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    Tensor value = parameters_[i].leaf().detach();
    parameters_[i].assign(averages_[i]);
    averages_[i] = std::move(value);
  }
}

void MovingAverage::assign() const {
  for (std::size_t i = 0; i < parameters_.size(); ++i) parameters_[i].assign(averages_[i]);
}

NamedTensors MovingAverage::state() const {
  NamedTensors state;
  const std::vector<std::string> names = optim::unique_names(parameters_);
  for (std::size_t i = 0; i < parameters_.size(); ++i)
    state.emplace_back(names[i] + ".average", averages_[i]);
  state.emplace_back("updates", tensor(updates_));
  return state;
}

void MovingAverage::load_state(const NamedTensors& state) {
  optim::NamedState from("MovingAverage", state);
  const std::vector<std::string> names = optim::unique_names(parameters_);
  std::vector<Tensor> averages;
  for (std::size_t i = 0; i < parameters_.size(); ++i)
    averages.push_back(from.at(names[i] + ".average", parameters_[i].shape(), parameters_[i].dtype()));
  const std::int64_t updates = from.count("updates");
  from.require_all_used();
  averages_ = std::move(averages);
  updates_ = updates;
}

}  // namespace chainrule
