// What kind of file a table is, told from how it begins, and what to do with one that is none.
// Relies on the first bytes alone.

#pragma once

#include <string_view>

#include "chainrule/data/table.h"
#include "io/csv_rows.h"

namespace chainrule {

/// What a file that begins so is, if that is no table of text: "a Parquet file; save it as CSV". Empty
/// otherwise. libsvm's looks like times apart by spaces, so that it is none where the separator is known.
std::string_view other_format(std::string_view beginning, bool known_separator);

/// How a table of text is written.
struct TableForm {
  CsvForm rows;
  char decimal = '.';
};

/// What the options say, and else the first lines:
///
/// - around fields is a ' if that begins and ends some, and if there is no " around any, and no single '.
/// - Apart they are by the first of semicolon, tab, comma, bar and space that stands equally often in each
/// line,
///   outside quotes, and at least once; or else in each but the first, which may have one less; where
///   none does, by the first of comma, semicolon, tab and bar that stands in the first line. A comma comes
///   last where it is before the decimals of numbers.
/// - Before decimals is a comma if numbers can only be read so, and none cannot; not between commas.
/// - Lines that begin with # or % are no rows, if they come first and the next line has other fields.
TableForm find_form(std::string_view beginning, const TableOptions& options);

}  // namespace chainrule
