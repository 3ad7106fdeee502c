// A sum that begins with nothing, for rules that may have nothing to add. Relies on operator+ alone, so that
// it is recorded where gradients are.

#pragma once

#include "chainrule/tensor.h"

namespace chainrule {

/// Adds to a sum of tensors that is an empty handle while nothing has come.
CHAINRULE_API void add_to(Tensor& total, const Tensor& part);

}  // namespace chainrule
