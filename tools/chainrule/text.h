// Text of users, in UTF-8: identifiers, safe printing, columns, and the nearest name to one that is unknown.
// Relies on no locale.

#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace chainrule::cli {

/// The bytes that the identifier at the start of `text` takes; 0 when there is none. Letters of every
/// script, digits and subscripts after the first character, and underscores.
std::size_t identifier_length(std::string_view text);

/// Is all of `text` one identifier?
inline bool is_identifier(std::string_view text) {
  return !text.empty() && identifier_length(text) == text.size();
}

/// The bytes of the first character of `text`, which is not empty; 1 for a byte that is not UTF-8.
std::size_t character_length(std::string_view text);

/// `text` as it may be printed on a terminal: control characters, and bytes that are not UTF-8, as "\x1b",
/// and cut to `longest` characters.
std::string printable(std::string_view text, std::size_t longest = 60);
/// The same of several lines, whole.
std::string printable_lines(std::string_view text);

/// A field of a CSV file: in quotes where need be.
std::string field(const std::string& text);

/// Lines of columns, the first left and the others right aligned.
std::string aligned(const std::vector<std::vector<std::string>>& rows);

/// Two lines to print below a message: the line of `source` around byte `offset`, and a caret below it.
std::string pointer_to(std::string_view source, std::size_t offset);

/// The candidate that `word` was probably meant to be; empty when none is close.
std::string_view nearest(std::string_view word, std::span<const std::string_view> candidates);

}  // namespace chainrule::cli
