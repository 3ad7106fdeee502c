// Rows of fields, one after another, for all that reads CSV.
// Relies on libcsv for quotes.

#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "chainrule/detail/function_ref.h"
#include "io/input_file.h"

namespace chainrule {

using CsvRow = std::vector<std::string>;

/// How rows are written.
struct CsvForm {
  char separator = ',';            ///< of fields; where it is a space, any number of them
  char quote = '"';                ///< around fields
  std::size_t skipped_bytes = 0;   ///< before the first row,
  std::int64_t skipped_lines = 0;  ///< which are so many lines
};

/// Calls `add` with each row of a file and the line on which it begins, from 1. Fields are as read_csv takes
/// them, but in that form. ParseError, as "file:line: ...", for a quote that stands in the middle of a field
/// or has no end, and for a row of more than 16 MiB.
void read_csv_rows(InputFile& file, const CsvForm& form, FunctionRef<void(CsvRow&, std::int64_t line)> add);

/// The same a piece of the file at a time, which must outlive it.
class CsvRows {
 public:
  CsvRows(InputFile& file, const CsvForm& form);
  ~CsvRows();
  CsvRows(const CsvRows&) = delete;
  CsvRows& operator=(const CsvRows&) = delete;
  /// Calls `add` with each row that ends in the next 64 KiB. False after the last of them.
  bool read_some(FunctionRef<void(CsvRow&, std::int64_t line)> add);

 private:
  class Reader;
  std::unique_ptr<Reader> reader_;
};

/// Throws a ParseError for that line.
[[noreturn]] void fail_at_line(const std::string& path, std::int64_t line, const std::string& what);

/// A field as it may be shown in a message: not too long, and without control characters.
std::string shortened(const std::string& text);

}  // namespace chainrule
