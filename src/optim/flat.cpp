// All parameters of a problem as one vector: reading them, setting them, and their gradient.
// The order is that of the list.

#include "optim/flat.h"

#include "chainrule/autograd.h"
#include "graph/node.h"

namespace chainrule::optim {

Flat::Flat(const std::string& owner, const std::vector<Parameter>& parameters)
    : owner_(owner), parameters_(parameters), dtype_(parameters.front().dtype()) {
  for (const Parameter& parameter : parameters) {
    if (parameter.dtype() != dtype_)
      throw DTypeError(owner + ": '" + parameters.front().name() + "' is " + std::string(to_string(dtype_)) +
                       ", but '" + parameter.name() + "' " + std::string(to_string(parameter.dtype())) +
                       "; give it parameters of one dtype");
    size_ += parameter.leaf().size();
  }
}

Tensor Flat::values() const {
  const NoGrad off;
  std::vector<Tensor> parts;
  for (const Parameter& parameter : parameters_) parts.push_back(reshape(parameter.leaf().detach(), {-1}));
  return concatenate(parts);
}

std::vector<Tensor> Flat::split(const Tensor& vector) const {
  const NoGrad off;
  std::vector<Tensor> parts;
  std::int64_t begin = 0;
  for (const Parameter& parameter : parameters_) {
    const std::int64_t end = begin + parameter.leaf().size();
    parts.push_back(reshape(vector[{Slice{begin, end}}], parameter.shape()));
    begin = end;
  }
  return parts;
}

void Flat::assign(const Tensor& values) const {
  const std::vector<Tensor> parts = split(values);
  for (std::size_t i = 0; i < parts.size(); ++i) parameters_[i].assign(parts[i]);
}

Tensor Flat::take_gradient() const {
  const NoGrad off;
  std::vector<Tensor> parts;
  bool any = false;
  for (const Parameter& parameter : parameters_) {
    any = any || static_cast<const Variable&>(*parameter.leaf().node()).has_gradient();
    parts.push_back(reshape(parameter.grad(), {-1}));
    parameter.zero_grad();
  }
  if (!any)
    throw GradError(owner_ + "::step: the loss depends on no parameter ('" + parameters_.front().name() +
                    "', ...); compute it from them, not from handles kept since before (Tensor w = W) or "
                    "from values cut off by detach() or NoGrad");
  return concatenate(parts);
}

}  // namespace chainrule::optim
