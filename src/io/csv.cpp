// CSV as a table of numbers: one tensor, and at most one column of texts. csv_rows.h reads the rows; tables
// of all kinds are data/table.h.

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>
#include <sstream>
#include <string>

#include "chainrule/io.h"
#include "chainrule/ops.h"
#include "io/csv_rows.h"
#include "io/growth.h"

namespace chainrule {
namespace {

using ChooseColumn = FunctionRef<std::int64_t(std::span<const std::string>, std::int64_t)>;

/// Takes the rows one after the other and holds the table that they make.
class NumberTable {
 public:
  NumberTable(const InputFile& file, ChooseColumn text_column)
      : file_(file), path_(file.path()), choose_(text_column) {}

  void add(const CsvRow& row, std::int64_t line) {
    if (width_ == 0) {
      width_ = row.size();
      const bool header = std::none_of(row.begin(), row.end(), [](const auto& f) { return parse_number(f); });
      if (header) {
        columns_ = row;
        header_line_ = line;
      }
      if (choose_)
        text_column_ = static_cast<std::size_t>(choose_(columns_, static_cast<std::int64_t>(width_)));
      if (header) return;
    }
    if (row.size() != width_) {
      const std::int64_t first = columns_.empty() ? lines_.front() : header_line_;
      fail(line, fields(row.size()) + ", but line " + std::to_string(first) + " has " + fields(width_));
    }
    for (std::size_t column = 0; column < width_; ++column) {
      if (column == text_column_) {
        texts_.push_back(row[column]);
        continue;
      }
      const std::optional<double> number = parse_number(row[column]);
      if (!number) {
        const std::string& text = row[column];
        const bool other_separator = width_ == 1 && text.find_first_of(";\t") != std::string::npos;
        fail(line, "column " + title(column) + " holds " +
                       (text.empty() ? "nothing" : "'" + shortened(text) + "'") + ", not a number" +
                       (other_separator ? "; separate fields by commas" : ""));
      }
      make_room(values_, file_);
      values_.push_back(*number);
    }
    make_room(lines_, file_);
    lines_.push_back(line);
  }

  Csv finish() && {
    if (lines_.empty())
      throw ParseError(path_ + (columns_.empty() ? ": the file is empty"
                                                 : ":" + std::to_string(header_line_) +
                                                       ": a header but no row of numbers follows it"));
    const std::size_t numbers = width_ - (text_column_ < width_ ? 1 : 0);
    const Shape shape{static_cast<std::int64_t>(lines_.size()), static_cast<std::int64_t>(numbers)};
    return {std::move(columns_), tensor(std::move(values_), shape), std::move(texts_), std::move(lines_)};
  }

  [[noreturn]] void fail(std::int64_t line, const std::string& what) const {
    fail_at_line(path_, line, what);
  }

 private:
  static std::string fields(std::size_t count) {
    return std::to_string(count) + (count == 1 ? " field" : " fields");
  }
  std::string title(std::size_t column) const {
    const std::string number = std::to_string(column + 1);
    return columns_.empty() || columns_[column].empty() ? number
                                                        : number + " (" + shortened(columns_[column]) + ")";
  }

  const InputFile& file_;
  const std::string& path_;
  ChooseColumn choose_;
  std::vector<std::string> columns_;
  std::vector<double> values_;
  std::vector<std::string> texts_;
  std::vector<std::int64_t> lines_;
  std::size_t width_ = 0, text_column_ = SIZE_MAX;
  std::int64_t header_line_ = 0;
};

}  // namespace

std::optional<double> parse_number(std::string_view text) {
  if (text.starts_with('+') && !text.starts_with("+-")) text.remove_prefix(1);
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (end != text.data() + text.size() || text.empty()) return std::nullopt;
  if (error == std::errc::result_out_of_range) {
    number = std::strtod(std::string(text).c_str(), nullptr);  // tells too small, which is 0, from too large
    if (std::abs(number) > 1) return std::nullopt;
  } else if (error != std::errc()) {
    return std::nullopt;
  }
  return number;
}

Csv read_csv(const std::string& path) { return read_csv(path, ChooseColumn()); }

Csv read_csv(const std::string& path, ChooseColumn text_column) {
  InputFile file(path);
  NumberTable table(file, text_column);
  read_csv_rows(file, {}, [&](const CsvRow& row, std::int64_t line) { table.add(row, line); });
  return std::move(table).finish();
}

Tensor load_csv(const std::string& path, DType dtype) { return cast(read_csv(path).values, dtype); }

}  // namespace chainrule
