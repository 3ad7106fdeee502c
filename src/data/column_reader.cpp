// A column of a table, cell by cell: numbers, texts and nothing.
// Memory grows with what is read; see io/growth.h.

#include "data/column_reader.h"

#include <algorithm>
#include <array>
#include <functional>
#include <limits>

#include "chainrule/io.h"
#include "io/growth.h"

namespace chainrule {
namespace {

constexpr double nothing = std::numeric_limits<double>::quiet_NaN();

bool is_ascii(const std::string& text) {
  return std::all_of(text.begin(), text.end(), [](unsigned char c) { return c < 0x80; });
}

}  // namespace

bool is_sign_of_nothing(std::string_view text) {
  // Of people, of databases, of spreadsheets.
  constexpr std::array<std::string_view, 13> signs = {"?",      "na",    "n/a",     "<na>",    "null",
                                                      "\\n",    "#n/a",  "#div/0!", "#value!", "#ref!",
                                                      "#name?", "#num!", "#null!"};
  constexpr std::size_t longest = 7;
  constexpr std::string_view first = "?nN<\\#";  // of almost no other text
  if (text.empty()) return true;
  if (text.size() > longest || first.find(text[0]) == std::string_view::npos) return false;
  std::string lower(text);
  std::transform(text.begin(), text.end(), lower.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return std::find(signs.begin(), signs.end(), lower) != signs.end();
}

std::string in_utf8(const std::string& text) {
  if (is_ascii(text)) return text;
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  std::string from_latin;
  bool valid = true;
  for (std::size_t i = 0, further = 0; i < text.size(); ++i) {
    const bool continues = (byte(i) & 0xC0) == 0x80;
    valid = valid && continues == (further > 0) && byte(i) < 0xF8;
    if (continues) {
      further -= further > 0;
    } else {
      further = byte(i) < 0xC0 ? 0 : byte(i) < 0xE0 ? 1 : byte(i) < 0xF0 ? 2 : 3;
    }
    valid = valid && i + further < text.size();
    if (byte(i) < 0x80) {
      from_latin += text[i];
    } else {
      from_latin += static_cast<char>(0xC0 | byte(i) >> 6);
      from_latin += static_cast<char>(0x80 | (byte(i) & 0x3F));
    }
  }
  return valid ? text : from_latin;
}

std::size_t TextPlaces::slot_of(std::string_view text, std::uint32_t hash,
                                const std::vector<std::string>& texts) const {
  const std::size_t last = slots_.size() - 1;
  std::size_t at = hash & last;
  while (slots_[at].place >= 0 &&
         (slots_[at].hash != hash || texts[static_cast<std::size_t>(slots_[at].place)] != text))
    at = (at + 1) & last;
  return at;
}

void TextPlaces::grow() {
  const std::vector<Slot> before = std::move(slots_);
  slots_.assign(std::max<std::size_t>(16, 2 * before.size()), Slot());
  for (const Slot& slot : before) {
    if (slot.place < 0) continue;
    std::size_t at = slot.hash & (slots_.size() - 1);
    while (slots_[at].place >= 0) at = (at + 1) & (slots_.size() - 1);
    slots_[at] = slot;
  }
}

std::int32_t TextPlaces::find_or_add(std::string_view text, std::vector<std::string>& texts) {
  if (2 * texts.size() >= slots_.size()) grow();
  const auto hash = static_cast<std::uint32_t>(std::hash<std::string_view>()(text));
  Slot& slot = slots_[slot_of(text, hash, texts)];
  if (slot.place < 0) {
    slot = {hash, static_cast<std::int32_t>(texts.size())};
    texts.emplace_back(text);
  }
  return slot.place;
}

std::int32_t TextPlaces::find(std::string_view text, const std::vector<std::string>& texts) const {
  if (slots_.empty()) return -1;
  const auto hash = static_cast<std::uint32_t>(std::hash<std::string_view>()(text));
  return slots_[slot_of(text, hash, texts)].place;
}

std::optional<double> parse_with_comma(std::string_view text) {
  std::string plain;
  const std::size_t comma = text.find(',');
  for (std::size_t i = 0; i < text.size(); ++i) {
    const std::size_t after = (comma == std::string::npos ? text.size() : comma) - i;
    if (text[i] != '.')
      plain += text[i] == ',' ? '.' : text[i];
    else if (const std::size_t first = plain.find_first_not_of("+-");
             i > comma || after % 4 != 0 || first == std::string::npos ||
             (comma == std::string::npos && plain[first] == '0'))
      return std::nullopt;  // "1.5" is no such number, nor is "1.23,4" or "0.125"
  }
  return parse_number(plain);
}

ColumnReader::ColumnReader(TableColumn& column, const InputFile* file, char decimal,
                           const std::vector<std::string>& missing)
    : column_(column), file_(file), decimal_(decimal), missing_(missing) {
  for (const std::string& sign : missing)
    if (const auto number = parse_number(sign)) missing_numbers_.push_back(*number);
}

void ColumnReader::add(const std::string& field) {
  if (!missing_.empty() && std::find(missing_.begin(), missing_.end(), in_utf8(field)) != missing_.end()) {
    append(nothing, -1);
  } else if (decimal_ == ',' && field.find_first_of(".,") != std::string::npos) {
    add_number_with_signs(field);
  } else if (const std::optional<double> number = parse_number(field)) {
    const bool is_sign =
        std::find(missing_numbers_.begin(), missing_numbers_.end(), *number) != missing_numbers_.end();
    append(is_sign ? nothing : *number, -1);
  } else if (is_sign_of_nothing(field)) {
    append(nothing, -1);
  } else {
    if (column_.places.empty()) column_.places.assign(column_.numbers.size(), -1);
    append(nothing, place_of(field));
  }
}

/// Which of the two a point is, all of the column tells.
void ColumnReader::add_number_with_signs(const std::string& field) {
  const std::size_t row = column_.numbers.size();
  const auto with_comma = parse_with_comma(field), with_point = parse_number(field);
  if (with_comma) {
    if (with_point)
      either_.push_back(row);
    else
      has_comma_ = true;
    append(*with_comma, -1);
  } else if (with_point) {
    pointed_.push_back(row);
    append(*with_point, -1);
  } else {
    if (column_.places.empty()) column_.places.assign(row, -1);
    append(nothing, place_of(field));
  }
}

void ColumnReader::finish() {
  if (pointed_.empty()) return;
  if (!has_comma_) {                   // all of them
    constexpr double thousand = 1000;  // of a whole number the nearest double, as parse_number has it
    for (const std::size_t row : either_) column_.numbers[row] /= thousand;
    return;
  }
  if (column_.places.empty()) column_.places.assign(column_.numbers.size(), -1);
  for (const std::size_t row : pointed_) {
    const std::int32_t place = place_of(column_.cell(row));
    column_.places[row] = place;
    column_.numbers[row] = nothing;
  }
}

void ColumnReader::add_in_front(const std::string& text) {
  column_.numbers.insert(column_.numbers.begin(), nothing);
  column_.places.insert(column_.places.begin(), place_of(text));
}

void ColumnReader::take_from_front() {
  column_.numbers.erase(column_.numbers.begin());
  if (column_.places.empty()) return;
  const std::int32_t gone = column_.places.front();
  column_.places.erase(column_.places.begin());
  if (gone < 0) return;
  column_.texts.erase(column_.texts.begin() + gone);
  if (column_.texts.empty()) return column_.places.clear();
  for (std::int32_t& place : column_.places)
    if (place > gone) --place;
}

void ColumnReader::append(double number, std::int32_t place) {
  if (file_ != nullptr) make_room(column_.numbers, *file_);
  column_.numbers.push_back(number);
  if (column_.places.empty() && place < 0) return;
  if (file_ != nullptr) make_room(column_.places, *file_);
  column_.places.push_back(place);
}

std::int32_t ColumnReader::place_of(const std::string& text) {
  return is_ascii(text) ? places_.find_or_add(text, column_.texts)
                        : places_.find_or_add(in_utf8(text), column_.texts);
}

}  // namespace chainrule
