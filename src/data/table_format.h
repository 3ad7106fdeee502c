// What kind of file a table is, told from how it begins, and what to do with one that is none.
// Relies on the first bytes alone.

#pragma once

#include <string_view>

namespace chainrule {

/// What a file that begins so is, if that is no table of text: "a Parquet file; save it as CSV". Empty
/// otherwise. libsvm's looks like times apart by spaces, so that it is none where the separator is known.
std::string_view other_format(std::string_view beginning, bool known_separator);

/// What separates the fields in these first lines: the first of semicolon, tab, comma, bar and space that
/// stands equally often in each of them, outside quotes, and at least once; where none does, the
/// first of comma, semicolon, tab and bar that stands in the first line. A comma comes last where it is
/// before the decimals of numbers.
char detect_separator(std::string_view beginning, char decimal);

}  // namespace chainrule
