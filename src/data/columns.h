// What an encoder learns of the columns of a table, and the words in which it complains of one. Shared by
// columns.cpp, targets.cpp and encoder.cpp.

#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "chainrule/data/encoder.h"

namespace chainrule {

/// "column 2 (age)", or "column 2" where the table has no header.
std::string title_of(const Table& table, const TableColumn& column);

/// How many columns a message names, and what it says of more.
constexpr std::size_t most_listed = 20;
std::string and_more(std::size_t columns);

/// What occurs in these rows of a column of categories, in order.
std::vector<std::string> values_of(const TableColumn& column, std::span<const std::int64_t> rows);

/// Mean and deviation, as a Standardizer has them.
std::pair<double, double> scale_of(const std::vector<double>& values);

/// The form of texts that are all numbers. Beside those with a unit, other numbers are something else, but
/// for zeros.
std::optional<std::string> amounts_in(const Table& table, const TableColumn& column);

/// A number of each row of a column, as an input or target with this form reads it: NaN where there is none,
/// infinite where the cell cannot be read so.
std::vector<double> numbers_in(const TableColumn& column, const std::string& form,
                               const std::string& part = {});

/// What a cell must hold to be read so: "a number", "a number such as $1,234.5", "a date".
std::string wanted(const std::string& form, const std::string& part);

/// Columns of a table, each with the form of its texts.
using ColumnsInForms = std::vector<std::pair<const TableColumn*, std::string>>;

/// "; if line 2 says units, ...", where the first row of each of these columns cannot be read as a number or
/// date, and all others can; else empty.
std::string second_header(const Table& table, const ColumnsInForms& columns);

/// How the inputs are made from these columns, see TableEncoder.
std::vector<InputColumn> learn_columns(const Table& table, const ColumnChoice& choice,
                                       std::span<const std::int64_t> rows);
/// The targets with their classes or scales.
std::vector<TargetColumn> learn_targets(const Table& table, const ColumnChoice& choice,
                                        std::span<const std::int64_t> rows);

}  // namespace chainrule
