// Errors of files: the name in quotes, and what the operating system says.
// Everything in this folder throws through here.

#pragma once

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <string>
#include <string_view>

#include "chainrule/error.h"

namespace chainrule {

/// What the operating system said last, as "No such file or directory".
inline std::string last_system_error() { return std::strerror(errno); }

[[noreturn]] inline void fail_on(const std::string& path, const std::string& what) {
  throw IoError(path + ": " + what);
}

/// A name out of a file, for messages: on one line, and not longer than one.
inline std::string in_quotes(std::string_view name) {
  constexpr std::size_t longest = 80;
  std::size_t length = std::min(name.size(), longest);
  const auto continues = [&](std::size_t at) {
    return (static_cast<unsigned char>(name[at]) & 0xc0) == 0x80;
  };
  while (length > 0 && length < name.size() && continues(length)) --length;
  std::string text = "'";
  for (const char c : name.substr(0, length))
    text += static_cast<unsigned char>(c) < ' ' || c == '\x7f' ? '?' : c;
  return text + (length < name.size() ? "…'" : "'");
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
