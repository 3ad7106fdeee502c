// A parameter: the leaf that a network computes with now, which an optimiser replaces by the next. Buffers
// likewise; autograd/buffers.h is told of what is assigned.

#include "chainrule/nn/parameter.h"

#include "autograd/buffers.h"
#include "graph/node.h"
#include "ops/batching.h"

namespace chainrule {
namespace {

/// DTypeError unless float32 or float64.
Tensor leaf_of(const Tensor& value, const std::string& name) {
  if (!is_floating(value.dtype()) || is_only_stored(value.dtype()))
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

namespace {

/// Only a value of the same shape and dtype may follow another.
void require_alike(const std::string& called, const Tensor& before, const Tensor& value) {
  if (value.shape() != before.shape())
    throw ShapeError(called + " has shape " + to_string(before.shape()) + ", the new value " +
                     to_string(value.shape()) + "; it keeps its shape");
  if (value.dtype() != before.dtype())
    throw DTypeError(called + " is " + std::string(to_string(before.dtype())) + ", the new value " +
                     std::string(to_string(value.dtype())) + "; cast it first");
}

}  // namespace

void Parameter::assign(const Tensor& value) const {
  require_alike("Parameter::assign: " + name(), leaf(), value);
  slot_->leaf = leaf_of(value, name());
}

void Parameter::rename(std::string name) const {
  slot_->name = std::move(name);
  const Tensor renamed = leaf().named(slot_->name);
}

Buffer::Buffer(const Tensor& value, bool persistent)
    : slot_(std::make_shared<Slot>(Slot{value.detach(), persistent})) {}

void Buffer::assign(const Tensor& value) const {
  require_alike("Buffer::assign: a buffer", slot_->value, value);
  if (ops::is_batched(value))
    throw GradError(
        "Buffer::assign: inside vmap, the new value is another for each sample, but a buffer has one for "
        "all; evaluate the module (training = false), or let the function take and give its state");
  AssignedBuffers::note(*this);
  slot_->value = value.detach();
}

}  // namespace chainrule
