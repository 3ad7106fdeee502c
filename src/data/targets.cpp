// What is learned of the columns that are to be predicted: the task, classes, and scales of numbers. Relies
// on columns.h for values and scales; errors name the column and the option that helps.

#include <algorithm>
#include <cmath>
#include <set>
#include <unordered_map>

#include "data/amounts.h"
#include "data/columns.h"
#include "io/csv_rows.h"

namespace chainrule {
namespace {

/// As Table::find takes it.
std::string option_name(const Table& table, const TableColumn& column) {
  return table.has_header ? column.name : std::to_string(&column - table.columns.data() + 1);
}

/// Whole numbers and texts do not mix: a slip of the pen is no class.
void require_one_kind(const Table& table, const TableColumn& column) {
  std::size_t number = SIZE_MAX, text = SIZE_MAX;
  for (std::size_t row = column.numbers.size(); row-- > 0;)
    if (!column.is_missing(row)) (column.is_text(row) ? text : number) = row;
  if (number == SIZE_MAX || text == SIZE_MAX) return;
  const std::size_t later = std::max(number, text), earlier = std::min(number, text);
  throw ColumnError(table.path + ":" + std::to_string(table.lines[later]) + ": the target, " +
                        title_of(table, column) + ", is '" + shortened(column.cell(later)) + "', but '" +
                        shortened(column.cell(earlier)) + "' in line " +
                        std::to_string(table.lines[earlier]) + "; classes are all whole numbers or all text" +
                        second_header(table, {std::pair(&column, std::string())}),
                    {option_name(table, column)});
}

/// Of a target that has no value in any row.
[[noreturn]] void fail_on_nothing(const Table& table, const TableColumn& column) {
  throw ParseError(table.path + ": the target, " + title_of(table, column) +
                   ", holds nothing in any row; choose another target");
}

std::vector<std::string> learn_classes(const Table& table, const TableColumn& column) {
  std::vector<std::string> classes;
  if (column.places.empty()) {
    std::set<double> numbers;
    for (std::size_t row = 0; row < column.numbers.size(); ++row) {
      const double number = column.numbers[row];
      if (number != number) continue;
      constexpr double exact_up_to = 9007199254740992.0;  // 2^53
      if (std::trunc(number) != number || std::abs(number) > exact_up_to)
        fail_at_line(table.path, table.lines[row],
                     "the target, " + title_of(table, column) + ", is " + column.cell(row) +
                         "; a class is a whole number or text");
      if (numbers.insert(number).second) classes.push_back(column.cell(row));
    }
    std::sort(classes.begin(), classes.end(),
              [](const std::string& a, const std::string& b) { return std::stod(a) < std::stod(b); });
  } else {
    require_one_kind(table, column);
    classes = values_of(column, rows_with(table, static_cast<std::size_t>(&column - table.columns.data())));
  }
  if (classes.empty()) fail_on_nothing(table, column);
  if (classes.size() == 1)
    throw ParseError(table.path + ": the target, " + title_of(table, column) + ", is " +
                     shortened(classes.front()) + " in every row; there must be at least two classes");
  return classes;
}

TargetColumn learn_target(const Table& table, const ColumnChoice& choice,
                          std::span<const std::int64_t> rows) {
  const TableColumn& column = table.columns.at(choice.target);
  TargetColumn target{.name = column.name, .position = choice.target, .classes = {}};
  if (choice.task.value_or(guess_task(column, table.separator)) == Task::classification) {
    target.classes = learn_classes(table, column);
    return target;
  }
  target.form = amounts_in(table, column).value_or("");
  const std::vector<double> numbers = numbers_in(column, target.form);
  std::vector<double> values;
  for (const std::int64_t each : rows) {
    const auto row = static_cast<std::size_t>(each);
    if (column.is_missing(row)) continue;
    if (!std::isfinite(numbers[row]))
      throw ColumnError(table.path + ":" + std::to_string(table.lines[row]) + ": the target, " +
                            title_of(table, column) + ", is '" + shortened(column.cell(row)) +
                            "'; regression predicts finite numbers" +
                            second_header(table, {std::pair(&column, target.form)}),
                        {option_name(table, column)});
    values.push_back(numbers[row]);
  }
  if (values.empty()) fail_on_nothing(table, column);
  std::tie(target.mean, target.deviation) = scale_of(values);
  return target;
}

}  // namespace

Task guess_task(const TableColumn& target, char separator) {
  std::vector<double> numbers = target.numbers;
  if (!target.places.empty()) {
    const auto form = find_amount_form(target.texts, separator);
    if (!form) return Task::classification;
    numbers = numbers_in(target, *form);
  }
  std::erase_if(numbers, [](double x) { return x != x; });
  if (!std::all_of(numbers.begin(), numbers.end(), [](double x) { return std::trunc(x) == x; }))
    return Task::regression;
  constexpr std::size_t few = 20, tenth = 10;
  std::unordered_map<double, std::size_t> counts;
  const std::size_t most = std::max(few, numbers.size() / tenth);
  for (const double number : numbers)
    if (++counts[number]; counts.size() > most) return Task::regression;
  if (counts.size() <= few) return Task::classification;
  const auto [smallest, largest] = std::minmax_element(numbers.begin(), numbers.end());
  const bool is_numbered =
      (*smallest == 0 || *smallest == 1) && *largest - *smallest + 1 == static_cast<double>(counts.size());
  constexpr std::size_t uneven = 5;  // a class has at least a fifth of its share
  return is_numbered && std::all_of(counts.begin(), counts.end(),
                                    [&](const auto& each) {
                                      return uneven * each.second * counts.size() >= numbers.size();
                                    })
             ? Task::classification
             : Task::regression;
}

std::vector<TargetColumn> learn_targets(const Table& table, const ColumnChoice& choice,
                                        std::span<const std::int64_t> rows) {
  std::vector<TargetColumn> targets;
  ColumnChoice each = choice;
  if (!choice.more_targets.empty()) each.task = Task::regression;
  targets.push_back(learn_target(table, each, rows));
  for (const std::size_t position : choice.more_targets) {
    each.target = position;
    targets.push_back(learn_target(table, each, rows));
  }
  return targets;
}

}  // namespace chainrule
