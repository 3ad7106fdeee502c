// Activations that are no function of their own.

#pragma once

#include "chainrule/tensor.h"

namespace chainrule::ops {

/// gelu with GeluApproximation::tanh.
Tensor gelu_tanh(const Operand& x);

}  // namespace chainrule::ops
