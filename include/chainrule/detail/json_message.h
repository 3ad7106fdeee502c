/// \file
/// What an exception of the JSON library says to people. Relies on how that library writes its messages, and
/// is shared by all that reads JSON: models, graphs, headers of files.

#pragma once

#include <string_view>

namespace chainrule::detail {

/// What an exception of the JSON library says to people: "[json.exception.parse_error.101] parse error at
/// line 1 ..." without its tag.
inline std::string_view json_message(std::string_view what) {
  const std::size_t tag = what.find("] ");
  return tag == std::string_view::npos ? what : what.substr(tag + 2);
}

}  // namespace chainrule::detail
