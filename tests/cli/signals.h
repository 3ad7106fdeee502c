// The tool stopped by a signal at some time, for tests of what it leaves behind.
// run_tool.cpp sends it.

#pragma once

#include "cli/run_tool.h"

namespace chainrule::test {

/// Runs the tool, and sends it this signal after so many microseconds.
ToolResult run_tool_and_signal(const std::vector<std::string>& arguments, int signal,
                               std::int64_t microseconds);

}  // namespace chainrule::test
