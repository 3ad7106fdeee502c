// Functions that others are made of.

#pragma once

#include "chainrule/tensor.h"

namespace chainrule::ops {

/// gelu with GeluApproximation::tanh.
Tensor gelu_tanh(const Operand& x);

/// nan_to_num of float32 or float64 with infinities replaced by the largest numbers.
Tensor numbers_for_nan(const Operand& x, double nan);
/// The nearest whole number of `power` times x, by that; x where that product is infinite.
Tensor round_to_decimals(const Operand& x, double power);

}  // namespace chainrule::ops
