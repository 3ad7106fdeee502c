/// \file
/// A backward pass that shows each gradient as soon as it is there: for what sends gradients to other
/// machines, or steps parameters, while the pass goes on.

#pragma once

#include "chainrule/detail/api.h"
#include "chainrule/detail/function_ref.h"
#include "chainrule/tensor.h"

namespace CHAINRULE_API chainrule {

/// output.backward(seed), and ready(leaf) is called for each leaf as soon as its gradient is complete, that
/// is when leaf.grad() has all that this pass adds to it, while those of others are still to come: in an
/// order that the graph alone decides, from the result to what it was computed from. A leaf that nothing
/// reaches is not shown. `backward(std::move(loss), ready)` consumes the graph. Errors are those of
/// Tensor::backward; what `ready` throws ends the pass, and leaves that were complete keep their gradients.
/// Threads: `ready` is called in this one.
void backward(Tensor output, FunctionRef<void(const Tensor& leaf)> ready, const Tensor& seed = {},
              Here here = Here::now());

}  // namespace chainrule
