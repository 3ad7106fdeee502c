/// \file
/// From tables to tensors, and what a network is to predict. A column is learned from training rows alone and
/// then says how any row becomes numbers. Relies on data/table.h for the cells.

#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "chainrule/data/table.h"
#include "chainrule/error.h"
#include "chainrule/tensor.h"

namespace CHAINRULE_API chainrule {

/// What is predicted: one of several classes, or a number.
enum class Task : std::uint8_t { classification, regression };

/// Columns of a table that cannot be learned from as they are.
class ColumnError : public ParseError {
 public:
  /// The message, and the names of the columns that it is about.
  ColumnError(const std::string& message, std::vector<std::string> names)
      : ParseError(message), columns(std::move(names)) {}
  std::vector<std::string> columns;  ///< their names
};

/// How a column becomes inputs: a number as one, moved to mean 0 and deviation 1, and a category as one for
/// each of its values, which is 1 where the cell has it and 0 elsewhere. A column of dates or times becomes
/// several numbers, each an InputColumn of its own.
struct InputColumn {
  /// In the header, or "column 3".
  std::string name;
  std::size_t position = 0;             ///< in the table that was learned from
  std::vector<std::string> categories;  ///< in order; empty for numbers
  double mean = 0, deviation = 1;       ///< of numbers
  double fill = 0;                      ///< for gaps: the median, or the place of the most frequent category
  /// How cells of text are read as numbers: "$1,234.5", "1,234.5 cm", or of dates "day/month/year hour".
  /// Empty for numbers that are written as such, and for categories.
  std::string form = {};
  /// Of a date, which of its numbers this is: "year", "month", "day", "weekday" (1: Monday) or "hour", with
  /// minutes and seconds as its fraction.
  std::string part = {};

  /// What the input is called: its name, with the part of a date after it.
  [[nodiscard]] std::string title() const { return part.empty() ? name : name + " " + part; }
  /// Is it an input as it is, and not one of categories?
  [[nodiscard]] bool is_number() const { return categories.empty(); }
  /// How many inputs it becomes.
  [[nodiscard]] std::int64_t width() const {
    return is_number() ? 1 : static_cast<std::int64_t>(categories.size());
  }
};

/// What is predicted: one of several classes, or a number, moved to mean 0 and deviation 1.
struct TargetColumn {
  /// In the header, or "column 3".
  std::string name;
  /// In the table that was learned from.
  std::size_t position = 0;
  std::vector<std::string> classes;  ///< in order; empty for a number
  double mean = 0, deviation = 1;    ///< of a number
  std::string form = {};             ///< of a number that is written as a text, see InputColumn

  /// Classification where there are classes.
  [[nodiscard]] Task task() const { return classes.empty() ? Task::regression : Task::classification; }
};

/// Which columns are learned from, and for what.
struct ColumnChoice {
  /// Its position in the table.
  std::size_t target = 0;
  std::vector<std::size_t> dropped = {};       ///< neither the target nor inputs
  std::optional<Task> task = {};               ///< where not given, as guess_task says
  std::vector<std::size_t> more_targets = {};  ///< predicted together with the target; numbers, as it then is
};

/// Regression for numbers with fractions, and for whole ones of which more than 20 differ, more than a tenth
/// as many as there are, or that are not numbered through from 0 or 1 with about as many of each, as classes
/// are and ages, years and counts are not. Else classification. Texts that are all numbers, as "45 %", count
/// as these; what is between the fields of the file tells how "1,234" is meant.
[[nodiscard]] Task guess_task(const TableColumn& target, char separator = ',');

/// Turns tables into inputs and targets. It is made from a table once, and then takes any table with the same
/// columns: those of the same names where both tables have a header, or else as many in the same order, those
/// of the targets among them or not.
///
/// Threads: any number may use one at once.
class TableEncoder {
 public:
  /// A value more is too many for a category: text like that is seldom something to learn from.
  static constexpr std::size_t most_categories = 200;

  /// Learns categories, medians and scales from these rows of the table alone, which stand for what is known:
  /// the training part. Classes, and which columns are numbers, are taken from all rows. A column is one of
  /// categories where most of its cells are texts; or at least a twentieth, if few different ones occur at
  /// all. Texts that are all numbers with the same sign or unit, as "$1,234.50", "45 %" and "170 cm", are
  /// numbers, and dates and times become their years, months, days, weekdays and hours. ColumnError for
  /// columns of numbers with texts among them, of infinities, or with too many categories; ParseError for a
  /// target without two classes, or of both numbers and texts.
  TableEncoder(const Table& table, const ColumnChoice& choice, std::span<const std::int64_t> rows);
  /// From what columns() and the like gave, of a table with this many columns. There is at least one target.
  TableEncoder(std::vector<InputColumn> columns, std::vector<TargetColumn> targets, std::size_t table_columns,
               bool has_header, std::string source, char decimal = '.');

  /// The inputs of each row, (rows, width), in the default dtype. Categories that were not learned are all 0.
  /// ColumnError for columns that are missing or hold something else than those learned from.
  [[nodiscard]] Tensor inputs(const Table& table) const;
  /// What is to be predicted, (rows,): classes, int64, or numbers as the network gives them, in the default
  /// dtype; (rows, targets) of several targets. ParseError for a class that was not learned, ColumnError
  /// where the target's column is missing.
  [[nodiscard]] Tensor targets(const Table& table) const;
  /// The positions of the rows that have all targets. ColumnError where the column of one is missing.
  [[nodiscard]] std::vector<std::int64_t> rows_with_targets(const Table& table) const;
  /// How many cells of the inputs hold nothing, and how many a category that was not learned.
  [[nodiscard]] std::int64_t missing(const Table& table) const;
  /// How many cells hold a category that was not learned.
  [[nodiscard]] std::int64_t unknown(const Table& table) const;

  /// In the order of the inputs.
  [[nodiscard]] const std::vector<InputColumn>& columns() const& { return columns_; }
  /// What is predicted, with its classes or scale: the first, if several.
  [[nodiscard]] const TargetColumn& target() const& { return targets_.front(); }
  /// All that is predicted, in the order of the network's outputs.
  [[nodiscard]] const std::vector<TargetColumn>& all_targets() const& { return targets_; }
  /// "price", or the names of all targets with commas between them.
  [[nodiscard]] std::string target_names() const;
  /// Numbers (..., outputs) as the network gives them for targets that are numbers, as the table has them. Of
  /// a single target also (...) without that axis. In float64 where a target's mean is so large beside its
  /// deviation, or either so large or small, that float32 would lose it.
  [[nodiscard]] Tensor as_given(const Tensor& outputs) const;
  /// How many inputs there are.
  [[nodiscard]] std::int64_t width() const;
  /// How many numbers a network is to give: one for each class or target.
  [[nodiscard]] std::int64_t outputs() const {
    return static_cast<std::int64_t>(target().classes.empty() ? targets_.size() : target().classes.size());
  }
  /// What the inputs are called: "age", "sex=female", "sex=male".
  [[nodiscard]] std::vector<std::string> input_names() const;
  /// Of each input, (width,), float64: what was subtracted, and what it was divided by.
  [[nodiscard]] Tensor mean() const;
  /// What each input was divided by, (width,), float64.
  [[nodiscard]] Tensor deviation() const;

  /// How many columns the table had that was learned from.
  [[nodiscard]] std::size_t table_columns() const { return table_columns_; }
  /// Had it a header?
  [[nodiscard]] bool has_header() const { return has_header_; }
  [[nodiscard]] const std::string& source() const& { return source_; }  ///< the file that was learned from
  [[nodiscard]] char decimal() const { return decimal_; }  ///< what that had before the decimals of numbers

 private:
  const TableColumn& find(const Table& table, const std::string& name, std::size_t position) const;
  const TableColumn& find(const Table& table, const InputColumn& column) const {
    return find(table, column.name, column.position);
  }

  [[nodiscard]] bool is_target(std::size_t position) const;
  [[nodiscard]] Tensor numbers(const Table& table, const TargetColumn& target) const;

  std::vector<InputColumn> columns_;
  std::vector<TargetColumn> targets_;
  std::size_t table_columns_ = 0;
  bool has_header_ = false;
  std::string source_;
  char decimal_ = '.';
};

/// The rows of a table whose cell in that column holds something.
[[nodiscard]] std::vector<std::int64_t> rows_with(const Table& table, std::size_t column);

}  // namespace chainrule
