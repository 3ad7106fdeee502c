// The tool as a process, for tests of the command line.
// Relies on paths.h for where it is.

#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "temporary_files.h"

namespace chainrule::test {

struct ToolResult {
  int exit_code = -1;  ///< minus the signal's number when one ended it
  std::string output, errors;
};

/// Runs the command-line tool with these arguments and waits for it.
ToolResult run_tool(const std::vector<std::string>& arguments);
/// The same with one of its commands.
ToolResult run_command(const std::string& command, std::vector<std::string> arguments);

/// The same with standard error on a (pseudo) terminal.
ToolResult run_tool_on_terminal(const std::vector<std::string>& arguments);

/// Starts the tool, whose output nobody reads, and ends it by a signal after so many microseconds; with -1
/// waits for its end.
void run_tool_and_kill(const std::vector<std::string>& arguments, std::int64_t microseconds);

}  // namespace chainrule::test
