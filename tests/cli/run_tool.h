#pragma once

#include <sys/resource.h>

#include <cstdint>
#include <string>
#include <vector>

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

/// No file may grow beyond so many bytes while this lives, neither here nor in the tool.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(std::size_t bytes);
  ~FileSizeLimit();
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;

 private:
  rlimit before_ = {};
};

/// A folder, gone with all that is in it when this is.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  const std::string& path() const { return path_; }
  std::string file(const std::string& name) const { return path_ + "/" + name; }
  /// The names of what is in it, hidden files too, in order.
  std::vector<std::string> names() const;

 private:
  std::string path_;
};

/// What a file holds; "" when there is none.
std::string content_of(const std::string& path);

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
