#pragma once

#include <cerrno>
#include <cstring>
#include <fstream>
#include <string>

#include "chainrule/error.h"

namespace chainrule {

/// What the operating system said last, as "No such file or directory".
inline std::string last_system_error() { return std::strerror(errno); }

[[noreturn]] inline void fail_on(const std::string& path, const std::string& what) {
  throw IoError(path + ": " + what);
}

/// Opens a file, or says why not. A directory opens too, and only reading it fails.
inline std::ifstream open_to_read(const std::string& path, std::ios::openmode mode = std::ios::in) {
  errno = 0;
  std::ifstream in(path, mode | std::ios::in);
  if (in) in.peek();
  if (!in && !in.eof()) fail_on(path, "it cannot be read: " + last_system_error());
  in.clear();
  return in;
}

}  // namespace chainrule
