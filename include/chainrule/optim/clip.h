/// \file
/// Gradients kept from growing too large, between backward() and step().
///
/// Threads: by one at a time, while no backward() runs that reaches the parameters.

#pragma once

#include "chainrule/nn.h"

namespace CHAINRULE_API chainrule {

/// Scales the gradients of all parameters by max_norm / (norm + 1e-6) if that is below 1, where norm is that
/// of all of them taken together as one vector, and returns it: Σ|g|^order to the power 1 / order, or the
/// largest |g| for an infinite order. As PyTorch's clip_grad_norm_. Parameters without a gradient count as 0.
/// A norm that is NaN or infinite makes gradients NaN or 0; with error_if_nonfinite it is a GradError, and
/// nothing changes. std::invalid_argument for a max_norm that is negative or NaN, or an order that is not
/// positive.
double clip_grad_norm(const std::vector<Parameter>& parameters, double max_norm, double order = 2,
                      bool error_if_nonfinite = false);

/// Puts every element of every gradient between -limit and limit. NaN stays. As PyTorch's clip_grad_value_.
/// std::invalid_argument for a limit that is negative or NaN.
void clip_grad_value(const std::vector<Parameter>& parameters, double limit);

}  // namespace chainrule
