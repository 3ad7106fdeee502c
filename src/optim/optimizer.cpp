// Steps and groups of any optimiser; saved and loaded in optimizer_state.cpp.
// What one parameter does in a step is the derived class's.

#include "chainrule/optim/optimizer.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>

#include "chainrule/autograd.h"
#include "graph/node.h"
#include "optim/options.h"

namespace chainrule {
namespace {

bool has_gradient(const Parameter& parameter) {
  return static_cast<const Variable&>(*parameter.leaf().node()).has_gradient();
}

/// Do both share one slot?
bool is_same(const Parameter& a, const Parameter& b) { return &a.leaf() == &b.leaf(); }

[[noreturn]] void report_no_gradient(const std::string& optimizer, const std::string& first) {
  throw GradError(
      optimizer + "::step: no parameter ('" + first +
      "', ...) has received a gradient since the last step, so nothing would be learned; usually backward() "
      "was not called, or was called on a loss that these parameters are no part of: computed from a leaf "
      "kept since before the last step (Tensor w = W, outside the loop), cut off by detach() or NoGrad, made "
      "by another network, or zero_grad() came between; to step by momentum and weight decay alone, set "
      "allow_no_gradient");
}

}  // namespace

Tensor& Optimizer::Learned::state(std::size_t place) {
  Tensor& tensor = tensors_.at(place);
  if (tensor.is_empty()) tensor = zeros(parameter_.shape(), parameter_.dtype());
  return tensor;
}

Optimizer::Optimizer(std::string name, std::vector<std::string> tensor_names,
                     std::vector<std::string> number_names)
    : name_(std::move(name)),
      tensor_names_(std::move(tensor_names)),
      number_names_(std::move(number_names)) {}

Optimizer::~Optimizer() = default;

void Optimizer::add_parameters(const std::vector<Parameter>& parameters) {
  if (parameters.empty())
    throw std::invalid_argument(name_ + ": no parameters; give it those of a layer or network");
  std::vector<Learned> added;
  const auto listed = [](const std::vector<Learned>& in, const Parameter& parameter) {
    return std::any_of(in.begin(), in.end(),
                       [&](const Learned& one) { return is_same(one.parameter_, parameter); });
  };
  for (const Parameter& parameter : parameters) {
    if (listed(learned_, parameter))
      throw std::invalid_argument(name_ + "::add_group: '" + parameter.name() +
                                  "' is in an earlier group; give each parameter to one group");
    if (!listed(added, parameter))
      added.push_back(Learned(parameter, group_count_, tensor_names_.size(), number_names_.size()));
  }
  learned_.insert(learned_.end(), added.begin(), added.end());
  ++group_count_;
}

void Optimizer::report_group(std::size_t group) const {
  throw std::out_of_range(name_ + ": there is no group " + std::to_string(group) + "; there are " +
                          std::to_string(group_count_) + ", from 0, which add_group makes");
}

void Optimizer::step() {
  if (std::none_of(learned_.begin(), learned_.end(),
                   [](const Learned& one) { return has_gradient(one.parameter_); })) {
    bool allowed = false;
    for (std::size_t group = 0; group < group_count_; ++group)
      allowed = allowed || setting(Setting::allow_no_gradient, group).value_or(0) != 0;
    if (!allowed) report_no_gradient(name_, learned_.empty() ? "" : learned_.front().parameter_.name());
  }
  const NoGrad off;
  for (Learned& one : learned_) {
    const Tensor& leaf = one.parameter_.leaf();
    const Tensor gradient = leaf.grad();
    // A leaf that only this slot knows is updated in place. One that somebody still holds, a graph or a
    // handle, keeps its value and its gradient, and the slot gets a new one.
    if (leaf.node()->is_unique())
      leaf.zero_grad();
    else
      one.parameter_.assign(leaf);
    ++one.steps_;
    update(one, gradient);
  }
}

void Optimizer::zero_grad() const {
  for (const Learned& one : learned_) one.parameter_.zero_grad();
}

std::vector<Parameter> Optimizer::parameters() const {
  std::vector<Parameter> all;
  for (const Learned& one : learned_) all.push_back(one.parameter_);
  return all;
}

double Optimizer::learning_rate(std::size_t group) const {
  require_group(group);
  return setting(Setting::learning_rate, group).value();
}

void Optimizer::set_learning_rate(double learning_rate) {
  for (std::size_t group = 0; group < group_count_; ++group) set_learning_rate(learning_rate, group);
}

void Optimizer::set_learning_rate(double learning_rate, std::size_t group) {
  require_group(group);
  optim::require_not_negative(name_, "learning_rate", learning_rate);
  set_setting(Setting::learning_rate, group, learning_rate);
}

std::optional<double> Optimizer::momentum(std::size_t group) const {
  require_group(group);
  return setting(Setting::momentum, group);
}

void Optimizer::set_momentum(double momentum, std::size_t group) {
  if (!this->momentum(group))
    throw std::invalid_argument(name_ + "::set_momentum: it has no momentum; it is for Sgd, Adam and others");
  optim::require_share(name_, "momentum", momentum);
  set_setting(Setting::momentum, group, momentum);
}

}  // namespace chainrule
