// Inputs of dtypes in which nothing is computed, and results in such dtypes.

#include "graph/stored.h"

#include "chainrule/ops.h"

namespace chainrule {

ComputedInputs::ComputedInputs(Here here, std::span<const Tensor* const> tensors) : here_(here) {
  for (const Tensor* tensor : tensors) {
    const DType dtype = tensor->node()->dtype();
    if (is_floating(dtype))
      floats_ = promote(floats_, dtype);
    else
      integers_ = promote(integers_, dtype);
    in.push_back(cast({*tensor, here}, computed_in(dtype)));
  }
}

Tensor ComputedInputs::stored(const Tensor& result, bool keeps_integers) const {
  const DType dtype = result.node()->dtype(), meant = is_floating(dtype) ? floats_ : integers_;
  const bool is_meant = is_only_stored(meant) && computed_in(meant) == dtype;
  return is_meant && (is_floating(dtype) || keeps_integers) ? cast({result, here_}, meant) : result;
}

}  // namespace chainrule
