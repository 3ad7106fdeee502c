#include <csv.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>
#include <sstream>
#include <string>

#include "chainrule/io.h"
#include "chainrule/ops.h"
#include "io/file.h"
#include "io/inflate.h"
#include "io/mapped_file.h"

namespace chainrule {
namespace {

using ChooseColumn = FunctionRef<std::int64_t(std::span<const std::string>, std::int64_t)>;

using Row = std::vector<std::string>;

/// A field as it may be shown in a message: not too long, and without control characters.
std::string shortened(const std::string& text) {
  constexpr std::size_t longest = 40;
  std::size_t end = std::min(text.size(), longest);
  while (end < text.size() && (text[end] & 0xC0) == 0x80) --end;  // not within a character of UTF-8
  std::string result = text.substr(0, end);
  std::replace_if(
      result.begin(), result.end(), [](unsigned char c) { return c < 0x20 || c == 0x7F; }, '?');
  return end == text.size() ? result : result + "...";
}

/// Takes the rows one after the other and holds the table that they make.
class Table {
 public:
  Table(const std::string& path, ChooseColumn text_column) : path_(path), choose_(text_column) {}

  void add(const Row& row, std::int64_t line) {
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
      values_.push_back(*number);
    }
    lines_.push_back(line);
  }

  Csv finish() && {
    if (lines_.empty())
      throw ParseError(path_ + (columns_.empty() ? ": the file is empty"
                                                 : ":" + std::to_string(header_line_) +
                                                       ": a header but no row of numbers follows it"));
    const std::size_t numbers = width_ - (text_column_ < width_ ? 1 : 0);
    const Shape shape{static_cast<std::int64_t>(lines_.size()), static_cast<std::int64_t>(numbers)};
    return {std::move(columns_), tensor(std::span<const double>(values_), shape), std::move(texts_),
            std::move(lines_)};
  }

  [[noreturn]] void fail(std::int64_t line, const std::string& what) const {
    throw ParseError(path_ + ":" + std::to_string(line) + ": " + what);
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

  const std::string& path_;
  ChooseColumn choose_;
  std::vector<std::string> columns_;
  std::vector<double> values_;
  std::vector<std::string> texts_;
  std::vector<std::int64_t> lines_;
  std::size_t width_ = 0, text_column_ = SIZE_MAX;
  std::int64_t header_line_ = 0;
};

/// Feeds libcsv a line, or a piece of one, at a time, so that the number of the line is known when it reports
/// fields and rows.
class Reader {
 public:
  explicit Reader(Table& table) : table_(table) {
    if (csv_init(&parser_, CSV_STRICT | CSV_STRICT_FINI) != 0) throw std::bad_alloc();
    // By which a field grows. By 128 bytes, as it comes, large fields are slow.
    csv_set_blk_size(&parser_, std::size_t{1} << 16);
  }
  ~Reader() { csv_free(&parser_); }
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  void read(std::istream& in) {
    std::vector<char> buffer(1 << 16);
    bool is_start = true;
    while (in.read(buffer.data(), static_cast<std::streamsize>(buffer.size())), in.gcount() > 0) {
      std::string_view text(buffer.data(), static_cast<std::size_t>(in.gcount()));
      if (std::exchange(is_start, false) && text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
      for (std::size_t at = 0, newline = 0; at < text.size();) {
        if (newline <= at) newline = std::min(text.find('\n', at), text.size() - 1);
        std::string_view piece = text.substr(at, newline + 1 - at);
        const std::size_t end = piece.find('\r');  // ends a row, too; with a newline after it, together
        if (end != std::string_view::npos && piece.substr(end + 1) != "\n") piece = piece.substr(0, end + 1);
        parse(piece);
        at += piece.size();
      }
    }
    if (csv_fini(&parser_, on_field, on_row, this) != 0)
      table_.fail(row_line_, "a quoted field does not end");
    rethrow();
  }

 private:
  /// Of a line, what follows the part before, with its end or without.
  void parse(std::string_view piece) {
    constexpr std::size_t longest_row = 1 << 24;
    const bool goes_on =
        std::exchange(after_return_, piece.ends_with('\r')) && piece == "\n";  // "\r" and "\n"
    if (!in_row_ && piece.find_first_not_of(" \t\r\n") != std::string_view::npos) {
      in_row_ = true;
      row_line_ = line_;
    }
    row_bytes_ += piece.size();
    if (row_bytes_ > longest_row)
      table_.fail(in_row_ ? row_line_ : line_,
                  "a row of more than " + std::to_string(longest_row) +
                      " bytes; is this a CSV file, and does every quoted field end?");
    const std::size_t parsed = csv_parse(&parser_, piece.data(), piece.size(), on_field, on_row, this);
    rethrow();
    if (csv_error(&parser_) == CSV_ENOMEM) throw std::bad_alloc();
    if (parsed != piece.size()) table_.fail(line_, "a quote stands in the middle of a field");
    if (goes_on || (!piece.ends_with('\n') && !after_return_)) return;
    ++line_;
    if (!in_row_) row_bytes_ = 0;  // a blank line
  }

  // libcsv is C: exceptions wait until it has returned.
  static void on_field(void* text, std::size_t length, void* self) {
    auto& reader = *static_cast<Reader*>(self);
    reader.guard([&] { reader.row_.emplace_back(static_cast<const char*>(text), length); });
  }
  static void on_row(int, void* self) {
    auto& reader = *static_cast<Reader*>(self);
    reader.guard([&] {
      reader.table_.add(reader.row_, reader.row_line_);
      reader.row_.clear();
      reader.in_row_ = false;
      reader.row_bytes_ = 0;
    });
  }
  template <class Action>
  void guard(const Action& action) noexcept {
    if (error_) return;
    try {
      action();
    } catch (...) {
      error_ = std::current_exception();
    }
  }
  void rethrow() const {
    if (error_) std::rethrow_exception(error_);
  }

  Table& table_;
  csv_parser parser_ = {};
  Row row_;
  bool in_row_ = false, after_return_ = false;
  std::int64_t line_ = 1, row_line_ = 1;  // the current line, and that on which the row began
  std::size_t row_bytes_ = 0;             // so far
  std::exception_ptr error_;
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
  std::ifstream in = open_to_read(path);
  Table table(path, text_column);
  if (in.peek() == gzip_magic[0]) {  // no text begins with this
    std::istringstream unpacked(gunzip(MappedFile(path).bytes(), path));
    Reader(table).read(unpacked);
    return std::move(table).finish();
  }
  Reader(table).read(in);
  if (in.bad()) fail_on(path, "it cannot be read: " + last_system_error());
  return std::move(table).finish();
}

Tensor load_csv(const std::string& path, DType dtype) { return cast(read_csv(path).values, dtype); }

}  // namespace chainrule
