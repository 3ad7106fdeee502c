// What tensors and graphs need of operations: their members, and casts of what is given in another dtype.
// Declared in graph, defined here, so that graph includes no operation.

#include "chainrule/ops.h"
#include "graph/node.h"
#include "graph/stored.h"

namespace chainrule {

Tensor Tensor::operator[](Position position) const {
  return index({*this, position.here()}, {position.number()});
}
Tensor Tensor::operator[](std::initializer_list<Index> where) const {
  return index({*this, where.size() == 0 ? Here() : where.begin()->here()}, where);
}
Tensor Tensor::T(Here here) const { return transpose({*this, here}); }
Tensor Tensor::reshape(const Shape& shape, Here here) const {
  return chainrule::reshape({*this, here}, shape);
}

Tensor Operand::as(DType dtype) const {
  // The tensor stays where it is: another operand of the same operation may refer to it as well.
  if (tensor_ != nullptr) return tensor_->dtype() == dtype ? *tensor_ : cast({*tensor_, here_}, dtype);
  if (list_ != nullptr)
    return detail::tensor_of({list_, static_cast<std::size_t>(integer_)}, nullptr, dtype, here_);
  return constant(dispatch_stored(dtype, [&]<class T>() {
    return Array(is_floating(dtype_) ? convert<T>(number_) : convert<T>(integer_));
  }));
}

Tensor apply_to_stored(Here here, std::span<const Tensor* const> tensors, bool keeps_integers,
                       FunctionRef<Tensor(std::span<const Tensor> in)> computed) {
  std::vector<Tensor> in;
  DType floats = DType::boolean, integers = DType::boolean;  // in which these meet
  for (const Tensor* tensor : tensors) {
    const DType dtype = tensor->node()->dtype();
    DType& met = is_floating(dtype) ? floats : integers;
    met = promote(met, dtype);
    in.push_back(cast({*tensor, here}, computed_in(dtype)));
  }
  const Tensor result = computed(in);
  const DType dtype = result.node()->dtype(), meant = is_floating(dtype) ? floats : integers;
  const bool is_meant = is_only_stored(meant) && computed_in(meant) == dtype;
  return is_meant && (is_floating(dtype) || keeps_integers) ? cast({result, here}, meant) : result;
}

}  // namespace chainrule
