#include <algorithm>
#include <cmath>
#include <limits>

#include "chainrule/optim.h"
#include "graph/node.h"
#include "kernels/sgd.h"

namespace chainrule {
namespace {

void check(double value, const char* name, double below) {
  if (!(value >= 0 && value < below)) {
    const std::string range =
        std::isfinite(below) ? "0 <= " + std::string(name) + " < 1" : "a finite number >= 0";
    throw std::invalid_argument("Sgd: " + std::string(name) + " is " + to_string(tensor(value)) +
                                "; it must be " + range);
  }
}

[[noreturn]] void report_no_gradient(const std::string& first) {
  throw GradError(
      "Sgd::step: no parameter ('" + first +
      "', ...) has received a gradient since the last step, so nothing would be learned; usually backward() "
      "was "
      "not called, or was called on a loss that these parameters are no part of: computed from a leaf kept "
      "since "
      "before the last step (Tensor w = W, outside the loop), cut off by detach() or NoGrad, made by another "
      "network, or zero_grad() came between; to step by momentum and weight decay alone, set "
      "allow_no_gradient");
}

}  // namespace

Sgd::Sgd(const std::vector<Parameter>& parameters, const SgdOptions& options) : options_(options) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  check(options.learning_rate, "learning_rate", infinity);
  check(options.momentum, "momentum", 1);
  check(options.weight_decay, "weight_decay", infinity);
  if (parameters.empty())
    throw std::invalid_argument("Sgd: no parameters; give it those of a layer or network");
  for (const Parameter& parameter : parameters) {
    const bool listed = std::any_of(states_.begin(), states_.end(), [&](const State& state) {
      return state.parameter.slot_ == parameter.slot_;
    });
    if (!listed) states_.push_back({parameter, {}});
  }
}

void Sgd::step() {
  const bool any = std::any_of(states_.begin(), states_.end(), [](const State& state) {
    return static_cast<const Variable&>(*state.parameter.leaf().node()).has_gradient();
  });
  if (!any && !options_.allow_no_gradient) report_no_gradient(states_.front().parameter.name());
  for (State& state : states_) {
    Tensor& leaf = state.parameter.slot_->leaf;
    const Tensor gradient = leaf.grad();
    if (options_.momentum != 0 && state.velocity.is_empty()) state.velocity = zeros_like(leaf);
    // A leaf that only this slot knows is updated in place. One that somebody still holds, a graph or a
    // handle, keeps its value, and the slot gets a new one.
    if (leaf.node()->is_unique())
      leaf.zero_grad();
    else
      leaf = parameter(leaf.node()->value(), state.parameter.name());
    Array& value = leaf.node()->mutable_value();
    // A product that nobody has asked for yet goes into the value without being made.
    if (options_.momentum == 0 && options_.weight_decay == 0 &&
        value_of(gradient).use_deferred(
            [&](const Deferred& product) { return product.add_to(value, -options_.learning_rate); }))
      continue;
    dispatch_floating(value.dtype(), [&]<class T> {
      const std::int64_t n = value.size();
      const auto rate = static_cast<T>(options_.learning_rate), decay = static_cast<T>(options_.weight_decay);
      if (options_.momentum == 0)
        return kernels::sgd_step(value.mutable_data<T>(), gradient.data<T>().data(), n, rate, decay);
      T* velocity = state.velocity.node()->mutable_value().template mutable_data<T>();
      kernels::sgd_step(value.mutable_data<T>(), gradient.data<T>().data(), velocity, n, rate,
                        static_cast<T>(options_.momentum), decay);
    });
  }
}

void Sgd::zero_grad() const {
  for (const State& state : states_) state.parameter.zero_grad();
}

void Sgd::set_learning_rate(double learning_rate) {
  check(learning_rate, "learning_rate", std::numeric_limits<double>::infinity());
  options_.learning_rate = learning_rate;
}

}  // namespace chainrule
