// The derivative of log_softmax as an operation of its own, for losses that know it better than as a chain.
// Defined in probability.cpp.

#pragma once

#include "chainrule/tensor.h"

namespace chainrule::ops {

/// w - y · Σ w along an axis, for probabilities y of softmax: what becomes of the gradient w of log_softmax.
/// It has all its digits, as have its derivatives.
Tensor balanced(const Tensor& y, const Tensor& w, std::size_t axis);

}  // namespace chainrule::ops
