// Names of what is kept of parameters, and checks of a state that comes back from somewhere. Errors say which
// name is missing or left over.

#include "optim/named_state.h"

#include <algorithm>
#include <stdexcept>

#include "graph/node.h"

namespace chainrule::optim {
namespace {

const Tensor* look_up(const NamedTensors& state, const std::string& name) {
  const auto found =
      std::find_if(state.begin(), state.end(), [&](const auto& entry) { return entry.first == name; });
  return found != state.end() ? &found->second : nullptr;
}

}  // namespace

NamedState::NamedState(std::string owner, const NamedTensors& state)
    : owner_(std::move(owner)), state_(state) {
  std::set<std::string> names;
  for (const auto& [name, tensor] : state)
    if (!names.insert(name).second)
      throw std::invalid_argument(owner_ + "::load_state: '" + name +
                                  "' is there twice; give each name once");
}

bool NamedState::has(const std::string& name) const { return look_up(state_, name) != nullptr; }

Tensor NamedState::find(const std::string& name, const Shape& shape, DType dtype) {
  const Tensor* tensor = look_up(state_, name);
  if (tensor == nullptr) return {};
  used_.insert(name);
  const std::string what = owner_ + "::load_state: '" + name + "' is ";
  constexpr auto remedy = "; load the state of an optimiser for the same parameters";
  if (tensor->is_empty()) throw std::invalid_argument(what + "a handle to nothing" + remedy);
  if (tensor->shape() != shape)
    throw ShapeError(what + "of shape " + to_string(tensor->shape()) + ", not " + to_string(shape) + remedy);
  if (tensor->dtype() != dtype)
    throw DTypeError(what + std::string(to_string(tensor->dtype())) + ", not " +
                     std::string(to_string(dtype)) + remedy);
  return constant(value_of(*tensor));
}

Tensor NamedState::at(const std::string& name, const Shape& shape, DType dtype) {
  Tensor tensor = find(name, shape, dtype);
  if (tensor.is_empty())
    throw std::invalid_argument(owner_ + "::load_state: there is no '" + name +
                                "'; load what state() gave, of the same kind and for parameters of the same "
                                "names");
  return tensor;
}

double NamedState::number(const std::string& name) { return at(name, {}, DType::float64).item(); }

std::int64_t NamedState::count(const std::string& name) {
  const auto count = at(name, {}, DType::int64).item<std::int64_t>();
  if (count < 0)
    throw std::invalid_argument(owner_ + "::load_state: '" + name + "' is " + std::to_string(count) +
                                "; it counts from 0");
  return count;
}

void NamedState::require_all_used() const {
  for (const auto& [name, tensor] : state_)
    if (used_.count(name) == 0)
      throw std::invalid_argument(
          owner_ + "::load_state: nothing here is called '" + name +
          "'; load what state() gave, of the same kind and for parameters of the same "
          "names");
}

}  // namespace chainrule::optim
