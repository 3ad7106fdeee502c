// Help as wide as the terminal.

#include "help.h"

#include <algorithm>
#include <sstream>
#include <string_view>
#include <vector>

namespace chainrule::cli {
namespace {

constexpr std::size_t description = 30;  // the column of it, which CLI11 has
/// A line that ends before is not continued by the next one.
constexpr std::size_t full_line = 60;

std::size_t indent_of(std::string_view line) { return std::min(line.find_first_not_of(' '), line.size()); }

bool is_command(std::string_view line) {
  return line.starts_with("  chainrule ") || line.starts_with("  mpirun ");
}

bool continues(std::string_view line, std::string_view before) {
  if (before.size() < full_line || line.empty()) return false;
  const std::size_t indent = indent_of(line), indent_before = indent_of(before);
  const bool is_name_alone = indent_before == 2 && before[description - 1] != ' ';
  return (indent == description && !is_name_alone) ||
         (indent == 0 && indent_before == 0 && !line.starts_with("Usage:") && !line.ends_with(':'));
}

std::size_t columns_of(std::string_view text) {  // of UTF-8
  return static_cast<std::size_t>(std::count_if(
      text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

/// What follows a line's own beginning is indented as the description.
std::string filled(const std::string& line, std::size_t width) {
  if (columns_of(line) <= width || is_command(line)) return line + "\n";
  const std::size_t indent = line.starts_with("  ") ? description : 0;
  const std::size_t begin = indent == 0 || line.size() <= description ? 0 : description;
  std::string text = line.substr(0, begin), word;
  std::size_t columns = columns_of(text);
  std::istringstream words(line.substr(begin));
  for (bool is_first = true; words >> word; is_first = false) {
    const std::size_t own = columns_of(word);
    if (!is_first && columns + 1 + own > width) {
      text += "\n" + std::string(indent, ' ');
      columns = indent;
    } else if (!is_first) {
      text += ' ';
      ++columns;
    }
    text += word;
    columns += own;
  }
  return text + "\n";
}

}  // namespace

std::string filled_help(const std::string& text, std::size_t width) {
  std::vector<std::string> lines;
  std::istringstream all(text);
  std::string before;
  for (std::string line; std::getline(all, line); before = line) {
    if (continues(line, before))
      lines.back() += " " + line.substr(indent_of(line));
    else
      lines.push_back(line);
  }
  std::string result;
  for (const std::string& line : lines) result += filled(line, width);
  return result;
}

}  // namespace chainrule::cli
