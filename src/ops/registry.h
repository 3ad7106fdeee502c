#pragma once

#include <array>

#include "chainrule/graph.h"
#include "graph/apply.h"

namespace chainrule::ops {

/// The operations that one file defines, for chainrule::operations().
using Entries = std::span<const OperationInfo>;
template <Operation... Ops>
constexpr std::array<OperationInfo, sizeof...(Ops)> entries = {{{Ops::name, Ops::formula}...}};

// One function for each file with operations. As operations() calls them, a program that asks for the list
// links those files, and no other program does for the list's sake.
Entries arithmetic_operations();
Entries transcendental_operations();
Entries logic_operations();
Entries reduction_operations();
Entries norm_and_product_operations();
Entries linear_algebra_operations();
Entries shape_operations();
Entries row_operations();
Entries probability_operations();
Entries loss_operations();
Entries map_operations();

}  // namespace chainrule::ops
