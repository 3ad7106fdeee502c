#pragma once

#include <string>
#include <vector>

namespace chainrule::test {

struct ToolResult {
  int exit_code = -1;  ///< minus the signal's number when one ended it
  std::string output, errors;
};

/// Runs the command-line tool with these arguments and waits for it.
ToolResult run_tool(const std::vector<std::string>& arguments);

/// The same with standard error on a (pseudo) terminal.
ToolResult run_tool_on_terminal(const std::vector<std::string>& arguments);

/// A file with this content, gone when this is.
class TemporaryFile {
 public:
  explicit TemporaryFile(const std::string& content, const std::string& extension = ".csv");
  ~TemporaryFile();
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace chainrule::test
