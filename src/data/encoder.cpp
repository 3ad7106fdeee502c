// The rows of a table as inputs and targets of a network, by what was learned of its columns. columns.h
// learns; here cells become elements of tensors, and wrong ones become errors with their line.

#include "chainrule/data/encoder.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <unordered_map>

#include "array/array.h"
#include "chainrule/ops.h"
#include "data/columns.h"
#include "graph/node.h"
#include "io/csv_rows.h"

namespace chainrule {
namespace {

constexpr std::size_t unknown_place = SIZE_MAX;

/// Where each text of a table's column is among the categories; unknown_place for those that were not
/// learned.
class CategoryFinder {
 public:
  CategoryFinder(const TableColumn& column, const std::vector<std::string>& categories)
      : column_(column), categories_(categories) {
    for (const std::string& text : column.texts) of_texts_.push_back(place_of(text));
  }
  /// Of a row that is not missing.
  std::size_t operator()(std::size_t row) {
    if (column_.is_text(row)) return of_texts_[static_cast<std::size_t>(column_.places[row])];
    const auto [found, is_new] = of_numbers_.try_emplace(column_.numbers[row], 0);
    if (is_new) found->second = place_of(column_.cell(row));
    return found->second;
  }

 private:
  std::size_t place_of(const std::string& text) const {
    const auto found = std::lower_bound(categories_.begin(), categories_.end(), text);
    return found == categories_.end() || *found != text
               ? unknown_place
               : static_cast<std::size_t>(found - categories_.begin());
  }
  const TableColumn& column_;
  const std::vector<std::string>& categories_;
  std::vector<std::size_t> of_texts_;
  std::unordered_map<double, std::size_t> of_numbers_;
};

/// A cell that is no finite number where one was learned.
struct WrongCell {
  const InputColumn* learned;
  const TableColumn* column;
  std::size_t row;
};

std::optional<std::size_t> first_wrong(const std::vector<double>& numbers) {
  const auto found = std::find_if(numbers.begin(), numbers.end(), [](double x) { return std::isinf(x); });
  return found == numbers.end() ? std::nullopt
                                : std::optional(static_cast<std::size_t>(found - numbers.begin()));
}

/// The column as this input reads it. What is written as numbers is not copied.
const std::vector<double>& numbers_of(const InputColumn& learned, const TableColumn& column,
                                      std::vector<double>& read) {
  if (learned.form.empty() && column.places.empty()) return column.numbers;
  return read = numbers_in(column, learned.form, learned.part);
}

/// Names all columns of which there is such a cell, the first of each.
[[noreturn]] void fail_in(const Table& table, const std::vector<WrongCell>& cells) {
  const auto& [learned, column, row] = cells.front();
  const std::string content = shortened(column->cell(row));
  std::string message = table.path + ":" + std::to_string(table.lines[row]) + ": " +
                        title_of(table, *column) +
                        (std::isinf(column->numbers[row])
                             ? " is " + content + "; every input must be finite"
                             : " holds '" + content + "', not " + wanted(learned->form, learned->part));
  std::vector<std::string> names = {column->name};
  for (std::size_t i = 1; i < cells.size(); ++i) {
    const WrongCell& cell = cells[i];
    if (cell.column == cells[i - 1].column) continue;
    if (names.size() < most_listed)
      message += (names.size() == 1 ? "; so does " : ", ") + title_of(table, *cell.column) + " in line " +
                 std::to_string(table.lines[cell.row]) + ", '" + shortened(cell.column->cell(cell.row)) + "'";
    names.push_back(cell.column->name);
  }
  message += and_more(names.size());
  throw ColumnError(message, std::move(names));
}

}  // namespace

TableEncoder::TableEncoder(const Table& table, const ColumnChoice& choice, std::span<const std::int64_t> rows)
    : targets_(learn_targets(table, choice, rows)),
      table_columns_(table.columns.size()),
      has_header_(table.has_header),
      source_(table.path),
      decimal_(table.decimal) {
  columns_ = learn_columns(table, choice, rows);
}

TableEncoder::TableEncoder(std::vector<InputColumn> columns, std::vector<TargetColumn> targets,
                           std::size_t table_columns, bool has_header, std::string source, char decimal)
    : columns_(std::move(columns)),
      targets_(std::move(targets)),
      table_columns_(table_columns),
      has_header_(has_header),
      source_(std::move(source)),
      decimal_(decimal) {}

const TableColumn& TableEncoder::find(const Table& table, const std::string& name,
                                      std::size_t position) const {
  const std::size_t count = table.columns.size();
  const std::string whole = "; " + source_ + ", which was learned from, has it";
  if (has_header_ && table.has_header) {
    if (count > position && table.columns[position].name == name) return table.columns[position];
    for (const TableColumn& column : table.columns)
      if (column.name == name) return column;
    // One without a name, as the index that pandas writes, is told by that, if it is the only one.
    const auto is_nameless = [](const std::string& called, std::size_t at) {
      return called == "column " + std::to_string(at + 1);
    };
    std::vector<const TableColumn*> nameless;
    for (std::size_t i = 0; i < count && is_nameless(name, position); ++i)
      if (is_nameless(table.columns[i].name, i)) nameless.push_back(&table.columns[i]);
    if (nameless.size() == 1) return *nameless.front();
    throw ColumnError(table.path + ": the column '" + shortened(name) + "' is missing" + whole, {name});
  }
  if (count == table_columns_) return table.columns[position];
  const bool without_targets = count + targets_.size() == table_columns_;
  if (without_targets && !is_target(position)) {
    const auto before = std::count_if(targets_.begin(), targets_.end(),
                                      [&](const TargetColumn& each) { return each.position < position; });
    return table.columns[position - static_cast<std::size_t>(before)];
  }
  if (without_targets)
    throw ColumnError(table.path + ": the target's column, '" + shortened(name) + "', is missing" + whole,
                      {name});
  throw ParseError(
      table.path + " has " + std::to_string(count) + (count == 1 ? " column" : " columns") + " but " +
      source_ + " has " + std::to_string(table_columns_) + "; both need the same, with or without " +
      (targets_.size() == 1 ? "the target '" : "the targets '") + shortened(target_names()) + "'");
}

bool TableEncoder::is_target(std::size_t position) const {
  return std::any_of(targets_.begin(), targets_.end(),
                     [&](const TargetColumn& each) { return each.position == position; });
}

Tensor TableEncoder::inputs(const Table& table) const {
  const std::int64_t all = width();
  std::vector<const TableColumn*> found;
  std::vector<std::string> lacking;
  std::string message;
  for (const InputColumn& learned : columns_) {
    try {
      found.push_back(&find(table, learned));
    } catch (const ColumnError& error) {
      if (!lacking.empty() && lacking.back() == learned.name) continue;
      if (lacking.size() < most_listed)
        message += lacking.empty() ? error.what() : ", and so is '" + shortened(learned.name) + "'";
      lacking.push_back(learned.name);
    }
  }
  message += and_more(lacking.size());
  if (!lacking.empty()) throw ColumnError(message, std::move(lacking));
  std::vector<WrongCell> wrong;
  std::vector<double> read;
  for (std::size_t i = 0; i < found.size(); ++i)
    if (const auto row =
            columns_[i].is_number() ? first_wrong(numbers_of(columns_[i], *found[i], read)) : std::nullopt)
      wrong.push_back({&columns_[i], found[i], *row});
  if (!wrong.empty()) fail_in(table, wrong);
  Array result({table.rows(), all}, default_dtype());
  dispatch_floating(default_dtype(), [&]<class T>() {
    T* const first = result.mutable_data<T>();
    std::fill_n(first, table.rows() * all, T(0));
    T* input = first;
    for (std::size_t i = 0; i < found.size(); ++i) {
      const InputColumn& learned = columns_[i];
      const TableColumn& column = *found[i];
      const std::vector<double>& numbers = learned.is_number() ? numbers_of(learned, column, read) : read;
      CategoryFinder places(column, learned.categories);
      T* cell = input;
      for (std::size_t row = 0; row < table.lines.size(); ++row, cell += all) {
        const bool missing = column.is_missing(row);
        if (!learned.is_number()) {
          const std::size_t place = missing ? static_cast<std::size_t>(learned.fill) : places(row);
          if (place != unknown_place) cell[place] = 1;
          continue;
        }
        const double number = missing ? learned.fill : numbers[row];
        cell[0] = static_cast<T>((number - learned.mean) / learned.deviation);
      }
      input += learned.width();
    }
  });
  return constant(std::move(result));
}

std::string TableEncoder::target_names() const {
  std::string names;
  for (const TargetColumn& each : targets_) names += (names.empty() ? "" : ",") + each.name;
  return names;
}

Tensor TableEncoder::as_given(const Tensor& given) const {
  // Where float32 would lose what tells predictions apart, or all of them: times around 1.6e9, prices of
  // 1e40.
  constexpr double far = 1e4, largest = 1e30, smallest = 1e-30;
  const bool needs_double = std::any_of(targets_.begin(), targets_.end(), [](const TargetColumn& each) {
    return std::abs(each.mean) > far * each.deviation || std::abs(each.mean) > largest ||
           each.deviation > largest || each.deviation < smallest;
  });
  const Tensor outputs = needs_double ? cast(given, DType::float64) : given;
  if (targets_.size() == 1) return outputs * target().deviation + target().mean;
  std::vector<double> means, deviations;
  for (const TargetColumn& each : targets_) {
    means.push_back(each.mean);
    deviations.push_back(each.deviation);
  }
  return outputs * cast(tensor(deviations), outputs.dtype()) + cast(tensor(means), outputs.dtype());
}

Tensor TableEncoder::numbers(const Table& table, const TargetColumn& target) const {
  const TableColumn& column = find(table, target.name, target.position);
  const auto fail = [&](std::size_t row, const std::string& what) {
    fail_at_line(table.path, table.lines[row], "the target, " + title_of(table, column) + ", " + what);
  };
  std::vector<double> values = numbers_in(column, target.form);
  for (std::size_t row = 0; row < table.lines.size(); ++row) {
    if (column.is_missing(row)) fail(row, "holds nothing");
    if (!std::isfinite(values[row]))
      fail(row, "is '" + shortened(column.cell(row)) + "'; regression predicts " +
                    (target.form.empty() ? "finite numbers" : wanted(target.form, "")));
    values[row] = (values[row] - target.mean) / target.deviation;
  }
  return cast(tensor(values), default_dtype());
}

Tensor TableEncoder::targets(const Table& table) const {
  if (targets_.size() > 1) {
    std::vector<Tensor> all;
    for (const TargetColumn& each : targets_) all.push_back(numbers(table, each));
    return stack(all, 1);
  }
  if (target().task() == Task::regression) return numbers(table, target());
  const TableColumn& column = find(table, target().name, target().position);
  const auto fail = [&](std::size_t row, const std::string& what) {
    fail_at_line(table.path, table.lines[row], what);
  };
  std::unordered_map<std::string, std::int64_t> places;
  for (const std::string& name : target().classes) places.emplace(name, places.size());
  std::vector<std::int64_t> classes;
  for (std::size_t row = 0; row < table.lines.size(); ++row) {
    if (column.is_missing(row)) fail(row, "the target, " + title_of(table, column) + ", holds nothing");
    const auto found = places.find(column.cell(row));
    if (found == places.end())
      fail(row, "class " + shortened(column.cell(row)) + " never occurs in " + source_ +
                    ", so it cannot be learned");
    classes.push_back(found->second);
  }
  return tensor(classes);
}

std::vector<std::int64_t> TableEncoder::rows_with_targets(const Table& table) const {
  std::vector<const TableColumn*> columns;
  for (const TargetColumn& each : targets_) columns.push_back(&find(table, each.name, each.position));
  std::vector<std::int64_t> rows;
  for (std::int64_t row = 0; row < table.rows(); ++row)
    if (std::none_of(columns.begin(), columns.end(), [&](const TableColumn* column) {
          return column->is_missing(static_cast<std::size_t>(row));
        }))
      rows.push_back(row);
  return rows;
}

std::int64_t TableEncoder::missing(const Table& table) const {
  std::int64_t count = 0;
  for (const InputColumn& column : columns_) {
    if (&column != columns_.data() && (&column)[-1].position == column.position) continue;  // of one date
    count += find(table, column).missing();
  }
  return count;
}

std::int64_t TableEncoder::unknown(const Table& table) const {
  std::int64_t count = 0;
  for (const InputColumn& learned : columns_) {
    if (learned.is_number()) continue;
    const TableColumn& column = find(table, learned);
    CategoryFinder places(column, learned.categories);
    for (std::size_t row = 0; row < table.lines.size(); ++row)
      count += !column.is_missing(row) && places(row) == unknown_place;
  }
  return count;
}

std::int64_t TableEncoder::width() const {
  std::int64_t width = 0;
  for (const InputColumn& column : columns_) width += column.width();
  return width;
}

std::vector<std::string> TableEncoder::input_names() const {
  std::vector<std::string> names;
  for (const InputColumn& column : columns_) {
    if (column.is_number()) names.push_back(column.title());
    for (const std::string& category : column.categories) names.push_back(column.name + "=" + category);
  }
  return names;
}

Tensor TableEncoder::mean() const {
  std::vector<double> means;
  for (const InputColumn& column : columns_)
    means.insert(means.end(), static_cast<std::size_t>(column.width()), column.is_number() ? column.mean : 0);
  return tensor(means);
}

Tensor TableEncoder::deviation() const {
  std::vector<double> deviations;
  for (const InputColumn& column : columns_)
    deviations.insert(deviations.end(), static_cast<std::size_t>(column.width()),
                      column.is_number() ? column.deviation : 1);
  return tensor(deviations);
}

std::vector<std::int64_t> rows_with(const Table& table, std::size_t column) {
  std::vector<std::int64_t> rows;
  for (std::int64_t row = 0; row < table.rows(); ++row)
    if (!table.columns.at(column).is_missing(static_cast<std::size_t>(row))) rows.push_back(row);
  return rows;
}

}  // namespace chainrule
