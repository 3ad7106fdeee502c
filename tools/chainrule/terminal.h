// What standard output can show: its width, and braille or ASCII.
// For plots in the terminal.

#pragma once

#include <cstdint>

namespace chainrule::cli {

/// What standard output can show.
struct Terminal {
  std::int64_t width = 80;  ///< in columns: the terminal's, or else what COLUMNS says
  bool unicode = false;     ///< whether the locale, by LC_ALL, LC_CTYPE or LANG, is one of UTF-8

  Terminal();
};

}  // namespace chainrule::cli
