#include "chainrule/nn.h"
#include "graph/node.h"

namespace chainrule {
namespace {

/// DTypeError unless floating.
Tensor leaf_of(const Tensor& value, const std::string& name) {
  return parameter(value_of(variable(value, name)), name);
}

}  // namespace

Parameter::Parameter(const Tensor& value, std::string name)
    : slot_(std::make_shared<Slot>(Slot{leaf_of(value, name), std::move(name)})) {}

void Parameter::assign(const Tensor& value) const {
  if (value.shape() != leaf().shape())
    throw ShapeError("Parameter::assign: " + name() + " has shape " + to_string(leaf().shape()) +
                     ", the new value " + to_string(value.shape()) + "; a parameter keeps its shape");
  if (value.dtype() != leaf().dtype())
    throw DTypeError("Parameter::assign: " + name() + " is " + std::string(to_string(leaf().dtype())) +
                     ", the new value " + std::string(to_string(value.dtype())) + "; cast it first");
  slot_->leaf = leaf_of(value, name());
}

}  // namespace chainrule
