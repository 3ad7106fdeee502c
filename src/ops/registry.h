#pragma once

#include "chainrule/graph.h"
#include "graph/apply.h"

namespace chainrule::ops {

void register_operation(OperationInfo info);

/// Lists operations in chainrule::operations(): `const Registered<Add, Sub> registered;` in the file
/// that defines them. The static library keeps the file, as it also defines the functions people call.
template <Operation... Ops>
struct Registered {
  Registered() { (register_operation({Ops::name, Ops::formula}), ...); }
};

}  // namespace chainrule::ops
