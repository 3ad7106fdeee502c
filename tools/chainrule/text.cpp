// Characters of UTF-8: what may be an identifier, and text that is safe to print, whatever it came from.
// Relies on tables of letters, and on no locale.

#include "text.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>
#include <vector>

namespace chainrule::cli {
namespace {

struct Character {
  char32_t code = 0;
  std::size_t bytes = 1;
  bool valid = true;
};

Character first_character(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return {lead};
  const Character invalid{lead, 1, false};
  const std::size_t bytes = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || text.size() < bytes) return invalid;
  char32_t code = lead & (0x7F >> bytes);
  for (std::size_t i = 1; i < bytes; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return invalid;
    code = code << 6 | (byte(i) & 0x3F);
  }
  // What fits fewer bytes, halves of UTF-16 pairs, and what lies beyond Unicode may not be written so.
  constexpr std::array<char32_t, 5> smallest = {0, 0, 0x80, 0x800, 0x10000};
  const bool is_half = code >= 0xD800 && code <= 0xDFFF;
  return code < smallest[bytes] || is_half || code > 0x10FFFF ? invalid : Character{code, bytes};
}

using Range = std::pair<char32_t, char32_t>;
bool is_in(char32_t code, std::span<const Range> ranges) {
  return std::any_of(ranges.begin(), ranges.end(),
                     [code](const Range& range) { return range.first <= code && code <= range.second; });
}

/// The blocks of letters. Punctuation, arrows, mathematical operators and other symbols lie between them.
bool is_letter(char32_t code) {
  static constexpr std::array<Range, 14> letters = {{{'A', 'Z'},
                                                     {'_', '_'},
                                                     {'a', 'z'},
                                                     {0xAA, 0xAA},
                                                     {0xB5, 0xB5},
                                                     {0xBA, 0xBA},
                                                     {0xC0, 0xD6},
                                                     {0xD8, 0xF6},
                                                     {0xF8, 0x1FFF},
                                                     {0x2C00, 0x2DFF},
                                                     {0x3041, 0xD7FF},
                                                     {0xF900, 0xFDFF},
                                                     {0xFE70, 0xFEFC},
                                                     {0x10000, 0x1EFFF}}};
  return is_in(code, letters);
}

/// Subscripts are not letters in Python, but are what formulas on paper use: x₁.
bool is_letter_or_digit(char32_t code) {
  return is_letter(code) || (code >= '0' && code <= '9') || (code >= 0x2070 && code <= 0x209C);
}

/// Columns of a terminal: none for marks that combine with the letter before, two for wide letters.
std::size_t columns(char32_t code) {
  static constexpr std::array<Range, 3> combining = {{{0x300, 0x36F}, {0x200B, 0x200F}, {0xFE00, 0xFE0F}}};
  static constexpr std::array<Range, 7> wide = {{{0x1100, 0x115F},
                                                 {0x2E80, 0xA4CF},
                                                 {0xAC00, 0xD7A3},
                                                 {0xF900, 0xFAFF},
                                                 {0xFF01, 0xFF60},
                                                 {0x1F300, 0x1FAFF},
                                                 {0x20000, 0x3FFFD}}};
  return is_in(code, combining) ? 0 : is_in(code, wide) ? 2 : 1;
}

/// What would do something to a terminal instead of showing there: also marks that change the direction of
/// writing, with which text can be made to look like other text.
bool is_control(char32_t code) {
  static constexpr std::array<Range, 5> controls = {
      {{0, 0x1F}, {0x7F, 0x9F}, {0x200E, 0x200F}, {0x202A, 0x202E}, {0x2066, 0x2069}}};
  return is_in(code, controls);
}

/// "\x1b", "\u202e"
std::string escape(char32_t code) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text = code <= 0xFF ? "\\x" : "\\u";
  for (int shift = code <= 0xFF ? 4 : 12; shift >= 0; shift -= 4) text += digits[code >> shift & 0xF];
  return text;
}

/// The character as it may be printed, and its columns.
std::pair<std::string, std::size_t> shown(std::string_view text, const Character& character) {
  if (character.code == '\t' || character.code == '\n') return {" ", 1};
  if (character.valid && !is_control(character.code))
    return {std::string(text.substr(0, character.bytes)), columns(character.code)};
  const std::string escaped = escape(character.code);
  return {escaped, escaped.size()};
}

/// The number of single-character insertions, deletions and replacements between two words.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i + 1);
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, diagonal + 1});
    }
  }
  return row.back();
}

}  // namespace

std::size_t identifier_length(std::string_view text) {
  std::size_t length = 0;
  while (length < text.size()) {
    const Character character = first_character(text.substr(length));
    const bool fits = length == 0 ? is_letter(character.code) : is_letter_or_digit(character.code);
    if (!character.valid || !fits) break;
    length += character.bytes;
  }
  return length;
}

std::size_t character_length(std::string_view text) { return first_character(text).bytes; }

std::string printable(std::string_view text, std::size_t longest) {
  std::string result;
  for (std::size_t count = 0; !text.empty(); ++count) {
    if (count == longest) return result + "…";
    const Character character = first_character(text);
    result += shown(text, character).first;
    text.remove_prefix(character.bytes);
  }
  return result;
}

std::string printable_lines(std::string_view text) {
  std::string result;
  while (!text.empty()) {
    const Character character = first_character(text);
    result += character.code == '\n' ? "\n" : shown(text, character).first;
    text.remove_prefix(character.bytes);
  }
  return result;
}

std::string pointer_to(std::string_view source, std::size_t offset) {
  offset = std::min(offset, source.size());
  std::size_t begin = offset == 0 ? 0 : source.rfind('\n', offset - 1) + 1;  // npos + 1 is 0
  std::size_t end = std::min(source.find('\n', offset), source.size());

  // Of a long line, only what surrounds the caret.
  constexpr std::size_t before = 50, after = 40;
  const auto within_character = [&](std::size_t at) {
    return at < source.size() && (static_cast<unsigned char>(source[at]) & 0xC0) == 0x80;
  };
  const bool cut_begin = offset - begin > before, cut_end = end - offset > after;
  if (cut_begin)
    for (begin = offset - before; within_character(begin);) ++begin;
  if (cut_end)
    for (end = offset + after; within_character(end);) ++end;

  std::string line = cut_begin ? "…" : "";
  std::size_t caret = cut_begin ? 1 : 0;
  while (begin < end) {
    const Character character = first_character(source.substr(begin));
    const auto [text, width] = shown(source.substr(begin), character);
    line += text;
    if (begin < offset) caret += width;
    begin += character.bytes;
  }
  return "\n  " + line + (cut_end ? "…" : "") + "\n  " + std::string(caret, ' ') + "^";
}

std::string_view nearest(std::string_view word, std::span<const std::string_view> candidates) {
  std::string_view best;
  std::size_t smallest = word.size() < 5 ? 2 : 3;
  if (word.size() < 2 || word.size() > 40) return best;
  for (const std::string_view candidate : candidates) {
    std::size_t steps = distance(word, candidate);
    if (steps == 2 && std::ranges::is_permutation(word, candidate)) steps = 1;  // two letters changed places
    if (steps < smallest) {
      smallest = steps;
      best = candidate;
    }
  }
  return best;
}

std::string field(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos && !text.starts_with(' ') && !text.ends_with(' '))
    return text;
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? "\"\"" : std::string(1, c);
  return quoted + '"';
}

std::string aligned(const std::vector<std::vector<std::string>>& rows) {
  const auto width = [](const std::string& text) {
    return std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; });
  };
  std::vector<std::ptrdiff_t> widths(rows.front().size());
  for (const auto& row : rows)
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width(row[i]));
  std::string text;
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      const std::string gap(static_cast<std::size_t>(widths[i] - width(row[i])), ' ');
      text += i == 0 ? row[i] + gap : "  " + gap + row[i];
    }
    text += '\n';
  }
  return text;
}

}  // namespace chainrule::cli
