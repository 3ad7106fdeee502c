#include "chainrule/nn.h"

namespace chainrule {

Parameter::Parameter(const Tensor& value, std::string name)
    : slot_(std::make_shared<Slot>(Slot{variable(value, name), std::move(name)})) {}

void Parameter::assign(const Tensor& value) const {
  if (value.shape() != leaf().shape())
    throw ShapeError("Parameter::assign: " + name() + " has shape " + to_string(leaf().shape()) +
                     ", the new value " + to_string(value.shape()) + "; a parameter keeps its shape");
  if (value.dtype() != leaf().dtype())
    throw DTypeError("Parameter::assign: " + name() + " is " + std::string(to_string(leaf().dtype())) +
                     ", the new value " + std::string(to_string(value.dtype())) + "; cast it first");
  slot_->leaf = variable(value, name());
}

}  // namespace chainrule
