// Notes and warnings on a table before anything is learned from it.
// train_values.h has those on single values.

#pragma once

#include <string>
#include <vector>

#include "chainrule/data/encoder.h"
#include "train_options.h"

namespace chainrule::cli {

/// Is the column at this position to be predicted?
bool is_target(const ColumnChoice& choice, std::size_t position);

/// "column 2 (age)", or "column 2" where the table has no header.
std::string title(const Table& table, std::size_t position);

/// How an option names these columns: "age,'home address',3". By number where a name has a comma.
std::string option_names(const Table& table, const std::vector<std::string>& columns);

/// Are the texts in it numbers as people write them: "45 %", "$3.50", "1,234.5", "0,5"?
bool holds_written_numbers(const TableColumn& column);
/// Have they nothing that a number with a decimal comma has not?
bool holds_commas(const TableColumn& column);

/// "3 lines of comments left out".
std::string describe_comments(const Table& table);
/// What was taken for the separator, the header, the target, gaps, and texts that are numbers or dates, in a
/// line without its end.
std::string describe_reading(const Table& table, const ColumnChoice& choice, const TableEncoder& encoder);

/// CommandError where the first line, taken for numbers, can only be a header of them.
void require_no_header_of_numbers(const Table& table);

/// What looks wrong in a table to learn from. Each names the option that helps.
std::vector<std::string> find_warnings(const Table& table, const ColumnChoice& choice,
                                       const TableEncoder& encoder, const TrainOptions& options);

/// The same of a result: that the largest class explains the accuracy. Empty if all is well.
std::string majority_warning(const TableEncoder& encoder, const std::vector<std::int64_t>& classes,
                             double accuracy, const TrainOptions& options);

}  // namespace chainrule::cli
