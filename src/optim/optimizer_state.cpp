// The state of any optimiser, saved by name and loaded.
// named_state.h says what is missing or too much.

#include <vector>

#include "chainrule/optim/optimizer.h"
#include "optim/named_state.h"
#include "optim/options.h"
#include "optim/unique_names.h"

namespace chainrule {

static std::string group_name(std::size_t group) { return "group" + std::to_string(group); }

NamedTensors Optimizer::state() const {
  NamedTensors state;
  const std::vector<std::string> names = optim::unique_names(parameters());
  for (std::size_t i = 0; i < learned_.size(); ++i) {
    const Learned& one = learned_[i];
    const std::string prefix = names[i] + ".";
    state.emplace_back(prefix + "steps", tensor(one.steps_));
    for (std::size_t k = 0; k < number_names_.size(); ++k)
      state.emplace_back(prefix + number_names_[k], full({}, one.numbers_[k], DType::float64));
    for (std::size_t k = 0; k < tensor_names_.size(); ++k)
      if (one.has_state(k)) state.emplace_back(prefix + tensor_names_[k], one.tensors_[k]);
  }
  for (std::size_t group = 0; group < group_count_; ++group) {
    state.emplace_back(group_name(group) + ".learning_rate", full({}, learning_rate(group), DType::float64));
    if (const auto share = momentum(group))
      state.emplace_back(group_name(group) + ".momentum", full({}, *share, DType::float64));
  }
  return state;
}

void Optimizer::load_state(const NamedTensors& state) {
  optim::NamedState from(name_, state);
  std::vector<Learned> loaded;
  const std::vector<std::string> names = optim::unique_names(parameters());
  for (std::size_t i = 0; i < learned_.size(); ++i) {
    const Parameter& parameter = learned_[i].parameter_;
    const std::string prefix = names[i] + ".";
    Learned one(parameter, learned_[i].group_, tensor_names_.size(), number_names_.size());
    one.steps_ = from.count(prefix + "steps");
    for (std::size_t k = 0; k < number_names_.size(); ++k)
      one.numbers_[k] = from.number(prefix + number_names_[k]);
    for (std::size_t k = 0; k < tensor_names_.size(); ++k)
      one.tensors_[k] = from.find(prefix + tensor_names_[k], parameter.shape(), parameter.dtype());
    loaded.push_back(std::move(one));
  }
  std::vector<double> rates, shares;
  for (std::size_t group = 0; group < group_count_; ++group) {
    rates.push_back(from.number(group_name(group) + ".learning_rate"));
    optim::require_not_negative(name_, "learning_rate", rates.back());
    if (!momentum(group)) continue;
    shares.push_back(from.number(group_name(group) + ".momentum"));
    optim::require_share(name_, "momentum", shares.back());
  }
  from.require_all_used();
  learned_ = std::move(loaded);
  for (std::size_t group = 0, k = 0; group < group_count_; ++group) {
    set_setting(Setting::learning_rate, group, rates[group]);
    if (momentum(group)) set_setting(Setting::momentum, group, shares[k++]);
  }
}

}  // namespace chainrule
