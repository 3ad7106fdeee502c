// Child processes, with variables of their own in the environment.
// Relies on POSIX alone.

#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace bench {

/// Variables of a program and their values; nothing unsets one. All others are as in ours.
using Environment = std::vector<std::pair<std::string, std::optional<std::string>>>;

/// A program that answers questions. While it is not asked it is stopped, so that threads of it that wait for
/// work, however they wait, take no time from the others.
class Child {
 public:
  /// std::system_error when the program cannot be started.
  Child(const std::string& program, const Environment& environment);
  ~Child();
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  /// The lines of the answer. std::runtime_error when the program ends instead.
  std::vector<std::string> ask(const std::string& question);

 private:
  std::string program_;
  pid_t process_;
  int questions_, answers_;
  std::string unread_;
};

/// What a command prints, with its own standard error. std::runtime_error when it fails.
std::string output_of(const std::vector<std::string>& command, const Environment& environment = {});

}  // namespace bench
