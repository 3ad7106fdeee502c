// Rows of separated fields, by libcsv, with the limits and messages that files of people need. Relies on
// input_file.h for the bytes, packed or not; errors name the file and the line.

#include "io/csv_rows.h"

#include <csv.h>

#include <algorithm>
#include <exception>
#include <new>
#include <string_view>
#include <utility>

#include "io/file.h"

namespace chainrule {

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

void fail_at_line(const std::string& path, std::int64_t line, const std::string& what) {
  throw ParseError(path + ":" + std::to_string(line) + ": " + what);
}

using AddRow = FunctionRef<void(CsvRow&, std::int64_t)>;

/// Feeds libcsv a line, or a piece of one, at a time, so that the number of the line is known when it reports
/// fields and rows.
class CsvRows::Reader {
 public:
  Reader(InputFile& file, const CsvForm& form)
      : file_(file),
        by_spaces_(form.separator == ' '),
        skipped_(form.skipped_bytes),
        line_(1 + form.skipped_lines) {
    if (csv_init(&parser_, CSV_STRICT | CSV_STRICT_FINI) != 0) throw std::bad_alloc();
    // By which a field grows. By 128 bytes, as it comes, large fields are slow.
    csv_set_blk_size(&parser_, std::size_t{1} << 16);
    csv_set_delim(&parser_, static_cast<unsigned char>(form.separator));
    csv_set_quote(&parser_, static_cast<unsigned char>(form.quote));
  }
  ~Reader() { csv_free(&parser_); }
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  bool read_some(AddRow add) {
    add_ = &add;
    const std::size_t count = file_.read(buffer_);
    if (count == 0) {
      if (csv_fini(&parser_, on_field, on_row, this) != 0)
        fail_at_line(file_.path(), row_line_, "a quoted field does not end");
      rethrow();
      return false;
    }
    std::string_view text(buffer_.data(), count);
    if (std::exchange(is_start_, false) && skipped_ == 0 && text.starts_with("\xEF\xBB\xBF"))
      text.remove_prefix(3);
    const std::size_t skipped = std::min(skipped_, text.size());
    text.remove_prefix(skipped);
    skipped_ -= skipped;
    for (std::size_t at = 0, newline = 0; at < text.size();) {
      if (const std::size_t blank = skip_blank_lines(text.substr(at)); blank > 0) {
        at += blank;
        continue;
      }
      if (newline <= at) newline = std::min(text.find('\n', at), text.size() - 1);
      std::string_view piece = text.substr(at, newline + 1 - at);
      const std::size_t end = piece.find('\r');  // ends a row, too; with a newline after it, together
      if (end != std::string_view::npos && piece.substr(end + 1) != "\n") piece = piece.substr(0, end + 1);
      parse(piece);
      at += piece.size();
    }
    return true;
  }

 private:
  /// How many bytes of blank lines there are, which are counted. A small file in gzip may have very many.
  std::size_t skip_blank_lines(std::string_view text) {
    if (in_row_ || after_return_ || row_bytes_ > 0) return 0;
    std::size_t at = 0;
    while (at < text.size()) {
      std::size_t end = at;
      if (text[at] == '\n')
        end = at + 1;
      else if (text[at] == '\r' && at + 1 < text.size())  // else what follows is yet to be read
        end = at + (text[at + 1] == '\n' ? 2 : 1);
      if (end == at) break;
      at = end;
      ++line_;
    }
    return at;
  }

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
      fail_at_line(file_.path(), in_row_ ? row_line_ : line_,
                   "a row of more than " + std::to_string(longest_row) +
                       " bytes; is this a CSV file, and does every quoted field end?");
    const std::size_t parsed = csv_parse(&parser_, piece.data(), piece.size(), on_field, on_row, this);
    rethrow();
    if (csv_error(&parser_) == CSV_ENOMEM) throw std::bad_alloc();
    if (parsed != piece.size())
      fail_at_line(file_.path(), line_,
                   csv_get_quote(&parser_) == '"'
                       ? "a quote stands in the middle of a field; write such a field in quotes, and each "
                         "quote in it twice"
                       : "a ' stands in the middle of a field, and others are around fields; write it twice "
                         "in such a field, or have '\"' taken for the quotes");
    if (goes_on || (!piece.ends_with('\n') && !after_return_)) return;
    ++line_;
    if (!in_row_) row_bytes_ = 0;  // a blank line
  }

  // libcsv is C: exceptions wait until it has returned.
  static void on_field(void* text, std::size_t length, void* self) {
    auto& reader = *static_cast<Reader*>(self);
    if (reader.by_spaces_ && length == 0) return;  // between two of them
    reader.guard([&] { reader.row_.emplace_back(static_cast<const char*>(text), length); });
  }
  static void on_row(int, void* self) {
    auto& reader = *static_cast<Reader*>(self);
    reader.guard([&] {
      if (!reader.row_.empty()) (*reader.add_)(reader.row_, reader.row_line_);
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

  InputFile& file_;
  const AddRow* add_ = nullptr;  // of the call that runs
  bool by_spaces_, is_start_ = true;
  std::size_t skipped_;  // bytes that are yet to be
  std::vector<char> buffer_ = std::vector<char>(1 << 16);
  csv_parser parser_ = {};
  CsvRow row_;
  bool in_row_ = false, after_return_ = false;
  std::int64_t line_, row_line_ = 1;  // the current line, and that on which the row began
  std::size_t row_bytes_ = 0;         // so far
  std::exception_ptr error_;
};

CsvRows::CsvRows(InputFile& file, const CsvForm& form) : reader_(std::make_unique<Reader>(file, form)) {}
CsvRows::~CsvRows() = default;
bool CsvRows::read_some(AddRow add) { return reader_->read_some(add); }

void read_csv_rows(InputFile& file, const CsvForm& form, AddRow add) {
  CsvRows rows(file, form);
  while (rows.read_some(add)) {
  }
}

}  // namespace chainrule
