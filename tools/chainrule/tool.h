// The tool as a function, which both programs, alone and of several ranks, call from their main().
// ranks.h says which rank one is.

#pragma once

#include "ranks.h"

namespace chainrule::cli {

/// The tool with these arguments, of which the first is its name: what main() returns. Only the first rank
/// prints.
int run_tool(int count, char** values, Ranks& ranks);

}  // namespace chainrule::cli
