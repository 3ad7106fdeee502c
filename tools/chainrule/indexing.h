// What stands between brackets, applied to a tensor.
// Relies on value.h for what it may be.

#pragma once

#include <span>

#include "chainrule/ops.h"
#include "value.h"

namespace chainrule::cli {

/// What is between the brackets, where all of it is numbers, slices and `...`. CommandError otherwise.
std::vector<Index> basic_index(std::span<const Value> places);

/// x[places] as NumPy has it: besides those, None for a new axis, a mask, and lists or tensors of positions.
Tensor index(const Tensor& x, std::span<const Value> places);

}  // namespace chainrule::cli
