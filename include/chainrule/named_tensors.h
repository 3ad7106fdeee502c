/// \file
/// Tensors by name, in an order: what a file holds, or what an optimiser, a schedule or an average has to
/// remember.

#pragma once

#include <string>
#include <utility>
#include <vector>

#include "chainrule/detail/api.h"
#include "chainrule/tensor.h"

namespace CHAINRULE_API chainrule {

/// Tensors by name, in an order: what a file holds, or what an optimiser, a schedule or an average has to
/// remember.
using NamedTensors = std::vector<std::pair<std::string, Tensor>>;

}  // namespace chainrule
