// How wide standard output is, and whether it shows more than ASCII, by the system and the locale's
// variables.

#include "terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <string>

namespace chainrule::cli {
namespace {

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

/// The first of the three that is set counts, as for the C library; but the locale itself need not be
/// installed.
bool is_utf8_locale() {
  std::string locale;
  for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"})
    if (locale.empty()) locale = environment(name);
  std::erase(locale, '-');
  std::transform(locale.begin(), locale.end(), locale.begin(),
                 [](unsigned char c) { return std::tolower(c); });
  return locale.find("utf8") != std::string::npos;
}

}  // namespace

Terminal::Terminal() : unicode(is_utf8_locale()) {
  winsize size = {};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
    width = size.ws_col;
  else if (const std::int64_t columns = std::atoll(environment("COLUMNS").c_str()); columns > 0)
    width = columns;
}

}  // namespace chainrule::cli
