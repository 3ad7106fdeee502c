// A column of a table while it is read, cell by cell: numbers as long as all are, texts from the first that
// is none. Relies on data/table.h for what becomes of it.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "chainrule/data/table.h"
#include "io/input_file.h"

namespace chainrule {

/// The text itself, or, where it is no UTF-8, the characters that its bytes are in Latin-1.
std::string in_utf8(const std::string& text);
/// Does a cell with this text hold nothing?
bool is_sign_of_nothing(std::string_view text);

/// "-1.234,5" with a decimal comma: a number, in which points stand between thousands. Nothing for "1.5".
std::optional<double> parse_with_comma(std::string_view text);

/// Finds texts among those of a column. std::unordered_map would keep each twice, and look for each in three
/// places of memory, of which large tables leave none in the cache.
class TextPlaces {
 public:
  /// Where it is in the texts, to which it is added if it is new.
  std::int32_t find_or_add(std::string_view text, std::vector<std::string>& texts);
  /// The same, or -1 if it is not there.
  [[nodiscard]] std::int32_t find(std::string_view text, const std::vector<std::string>& texts) const;

 private:
  struct Slot {
    std::uint32_t hash = 0;
    std::int32_t place = -1;
  };
  /// The slot that holds it, or the empty one that it belongs to. There is one: half of them are empty.
  [[nodiscard]] std::size_t slot_of(std::string_view text, std::uint32_t hash,
                                    const std::vector<std::string>& texts) const;
  void grow();

  std::vector<Slot> slots_;
};

/// One column as it is read.
class ColumnReader {
 public:
  /// Of this file, or of a part of one that is given as rows.
  ColumnReader(TableColumn& column, const InputFile* file, char decimal,
               const std::vector<std::string>& missing);

  void add(const std::string& field);
  /// After the last row: settles what its points mean, where decimals come after a comma.
  void finish();
  [[nodiscard]] bool holds(const std::string& text) const {
    return places_.find(in_utf8(text), column_.texts) >= 0;
  }
  /// Makes this the first row of a column of text.
  void add_in_front(const std::string& text);
  /// The reverse, of any column, whose first text stands in no other row.
  void take_from_front();

 private:
  void add_number_with_signs(const std::string& field);
  void append(double number, std::int32_t place);
  std::int32_t place_of(const std::string& text);

  TableColumn& column_;
  const InputFile* file_;
  char decimal_;
  const std::vector<std::string>& missing_;
  TextPlaces places_;
  std::vector<double> missing_numbers_;  // of the signs for nothing, those that are numbers
  // With a decimal comma: is there a number that can only be read so? And the rows of those that are read
  // with a point between thousands, and after it decimals would do, too, and of those that have a decimal
  // point.
  bool has_comma_ = false;
  std::vector<std::size_t> either_, pointed_;
};

}  // namespace chainrule
