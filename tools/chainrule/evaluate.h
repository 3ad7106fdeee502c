// An expression computed: its program run on a stack of values. Relies on expression.h for the program and on
// functions.h for what it calls.

#pragma once

#include <map>
#include <string>

#include "expression.h"
#include "functions.h"

namespace chainrule::cli {

/// The variables that an expression can name, in the order of their names.
using Variables = std::map<std::string, Value, std::less<>>;

/// Runs a program. Errors of any kind carry a caret below the place in the source. Statements give the
/// tensors that they assign their names.
Value evaluate(const Program& program, Variables variables, Context& context);

}  // namespace chainrule::cli
