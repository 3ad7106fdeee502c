// A sum that begins with nothing, for rules that may have nothing to add. Relies on operator+ alone, so that
// it is recorded where gradients are.

#pragma once

#include <utility>

#include "chainrule/ops.h"

namespace chainrule {

/// Adds to a sum of tensors that is an empty handle while nothing has come.
inline void add_to(Tensor& total, const Tensor& part) {
  total = total.is_empty() ? part : std::move(total) + part;
}

}  // namespace chainrule
