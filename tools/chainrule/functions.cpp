// The names of the functions that expressions can call, for those who misspell one.
// The functions are the registry's.

#include "functions.h"

#include <utility>

namespace chainrule::cli {

std::string function_list() {
  constexpr std::size_t width = 78;
  std::string text, line = " ";
  for (const std::string_view name : registry::names()) {
    if (line.size() + 1 + name.size() > width) text += std::exchange(line, " ") + "\n";
    (line += ' ') += name;
  }
  return text + line;
}

}  // namespace chainrule::cli
