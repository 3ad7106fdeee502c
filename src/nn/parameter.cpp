#include "chainrule/nn.h"
#include "graph/node.h"

namespace chainrule {
namespace {

/// DTypeError unless floating.
Tensor leaf_of(const Tensor& value, const std::string& name) {
  if (!is_floating(value.dtype()))
    throw DTypeError("Parameter: '" + name + "' is " + std::string(to_string(value.dtype())) +
                     ", but only float32 and float64 are learned; cast it first");
  return parameter(value_of(value), name);
}

}  // namespace

Parameter::Parameter(const Tensor& value, std::string name)
    : slot_(std::make_shared<Slot>(Slot{leaf_of(value, name), std::move(name)})) {}

Parameter Parameter::holding(Tensor tensor, std::string name) {
  return Parameter(std::make_shared<Slot>(Slot{std::move(tensor), std::move(name)}));
}

Operand::Operand(const Parameter& parameter, Here here) : Operand(parameter.leaf(), here) {}

void Parameter::assign(const Tensor& value) const {
  if (value.shape() != leaf().shape())
    throw ShapeError("Parameter::assign: " + name() + " has shape " + to_string(shape()) +
                     ", the new value " + to_string(value.shape()) + "; a parameter keeps its shape");
  if (value.dtype() != dtype())
    throw DTypeError("Parameter::assign: " + name() + " is " + std::string(to_string(dtype())) +
                     ", the new value " + std::string(to_string(value.dtype())) + "; cast it first");
  slot_->leaf = leaf_of(value, name());
}

}  // namespace chainrule
