// What is learned of the columns of a table: kinds, scales, categories, classes, and what cannot be learned.

#include "data/columns.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <unordered_set>

#include "chainrule/data.h"
#include "io/csv_rows.h"

namespace chainrule {
namespace {

enum class Kind : std::uint8_t { numbers, categories, mixed, infinite, too_many };

/// Do more than this many different numbers occur in it?
bool has_more_numbers_than(const TableColumn& column, std::size_t most) {
  std::unordered_set<double> seen;
  for (const double number : column.numbers)
    if (number == number && seen.insert(number).second && seen.size() > most) return true;
  return false;
}

/// What occurs in a column of categories, in order.
std::vector<std::string> values_of(const TableColumn& column, std::span<const std::int64_t> rows) {
  std::vector<char> text_seen(column.texts.size());
  std::unordered_set<double> numbers;
  std::set<std::string> values;
  for (const std::int64_t each : rows) {
    const auto row = static_cast<std::size_t>(each);
    if (column.is_missing(row)) continue;
    const bool is_new = column.is_text(row)
                            ? !std::exchange(text_seen[static_cast<std::size_t>(column.places[row])], 1)
                            : numbers.insert(column.numbers[row]).second;
    if (is_new) values.insert(column.cell(row));
  }
  return {values.begin(), values.end()};
}

Kind kind_of(const TableColumn& column) {
  const std::int64_t texts = column.text_cells(),
                     filled = static_cast<std::int64_t>(column.numbers.size()) - column.missing();
  if (texts == 0)
    return std::any_of(column.numbers.begin(), column.numbers.end(), [](double x) { return std::isinf(x); })
               ? Kind::infinite
               : Kind::numbers;
  if (2 * texts <= filled) {
    const std::size_t few = std::min<std::size_t>(32, static_cast<std::size_t>(filled) / 10);
    if (20 * texts < filled || column.texts.size() > few ||
        has_more_numbers_than(column, few - column.texts.size()))
      return Kind::mixed;
  }
  const std::size_t most = TableEncoder::most_categories;
  return column.texts.size() > most || has_more_numbers_than(column, most - column.texts.size())
             ? Kind::too_many
             : Kind::categories;
}

/// The line and the content of the first cell of a column that is text, or infinite.
std::pair<std::int64_t, std::string> first_wrong(const Table& table, const TableColumn& column) {
  for (std::size_t row = 0; row < table.lines.size(); ++row)
    if (column.is_text(row) || std::isinf(column.numbers[row])) return {table.lines[row], column.cell(row)};
  return {1, ""};
}

/// What is wrong with columns of one kind.
std::string complaint(const Table& table, Kind kind, const std::vector<const TableColumn*>& columns) {
  std::string others;
  for (std::size_t i = 1; i < columns.size(); ++i)
    others += (i == 1 ? "; so do " : ", ") + title_of(table, *columns[i]);
  const std::string title = title_of(table, *columns.front());
  if (kind == Kind::too_many)
    return title + " holds more than " + std::to_string(TableEncoder::most_categories) +
           " different texts, too many to learn from" + others;
  const std::string content = first_wrong(table, *columns.front()).second;
  return title +
         (kind == Kind::infinite ? " is " + content + "; every input must be finite"
                                 : " holds '" + shortened(content) + "', not a number") +
         others;
}

/// Complains about all columns that are wrong, at the place of the first of them.
void require_learnable(const Table& table, const std::vector<std::size_t>& positions,
                       const std::vector<Kind>& kinds) {
  std::string place, message;
  for (const Kind wrong : {Kind::mixed, Kind::infinite, Kind::too_many}) {
    std::vector<const TableColumn*> columns;
    for (std::size_t i = 0; i < positions.size(); ++i)
      if (kinds[i] == wrong) columns.push_back(&table.columns[positions[i]]);
    if (columns.empty()) continue;
    if (message.empty() && wrong != Kind::too_many)
      place = ":" + std::to_string(first_wrong(table, *columns.front()).first);
    message += (message.empty() ? "" : "; ") + complaint(table, wrong, columns);
  }
  if (message.empty()) return;
  std::vector<std::string> names;
  for (std::size_t i = 0; i < positions.size(); ++i)
    if (kinds[i] != Kind::numbers && kinds[i] != Kind::categories)
      names.push_back(table.has_header ? table.columns[positions[i]].name : std::to_string(positions[i] + 1));
  throw ColumnError(table.path + place + ": " + message, std::move(names));
}

double median(std::vector<double> values) {
  if (values.empty()) return 0;
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  if (values.size() % 2 == 1) return *middle;
  return *middle / 2 + *std::max_element(values.begin(), middle) / 2;
}

/// Mean and deviation, as a Standardizer has them.
std::pair<double, double> scale_of(const std::vector<double>& values) {
  if (values.empty()) return {0, 1};
  const Standardizer scale(tensor(values).reshape({-1, 1}));
  return {scale.mean().item(), scale.deviation().item()};
}

InputColumn learn_numbers(const TableColumn& column, std::span<const std::int64_t> rows) {
  std::vector<double> values;
  for (const std::int64_t row : rows)
    if (const double number = column.numbers[static_cast<std::size_t>(row)]; number == number)
      values.push_back(number);
  InputColumn learned;
  learned.fill = median(values);
  values.resize(rows.size(), learned.fill);
  std::tie(learned.mean, learned.deviation) = scale_of(values);
  return learned;
}

InputColumn learn_categories(const TableColumn& column, std::span<const std::int64_t> rows) {
  InputColumn learned;
  learned.categories = values_of(column, rows);
  if (learned.categories.empty()) learned.categories.emplace_back();  // all gaps
  std::vector<std::int64_t> counts(learned.categories.size());
  for (const std::int64_t each : rows) {
    const auto row = static_cast<std::size_t>(each);
    if (column.is_missing(row)) continue;
    const auto found =
        std::lower_bound(learned.categories.begin(), learned.categories.end(), column.cell(row));
    ++counts[static_cast<std::size_t>(found - learned.categories.begin())];
  }
  learned.fill = static_cast<double>(std::max_element(counts.begin(), counts.end()) - counts.begin());
  return learned;
}

/// Whole numbers and texts do not mix: a slip of the pen is no class.
void require_one_kind(const Table& table, const TableColumn& column) {
  std::size_t number = SIZE_MAX, text = SIZE_MAX;
  for (std::size_t row = column.numbers.size(); row-- > 0;)
    if (!column.is_missing(row)) (column.is_text(row) ? text : number) = row;
  if (number == SIZE_MAX || text == SIZE_MAX) return;
  const std::size_t later = std::max(number, text), earlier = std::min(number, text);
  fail_at_line(table.path, table.lines[later],
               "the target, " + title_of(table, column) + ", is '" + shortened(column.cell(later)) +
                   "', but '" + shortened(column.cell(earlier)) + "' in line " +
                   std::to_string(table.lines[earlier]) + "; classes are all whole numbers or all text");
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
  if (classes.empty())
    throw ParseError(table.path + ": the target, " + title_of(table, column) + ", holds nothing in any row");
  if (classes.size() == 1)
    throw ParseError(table.path + ": the target, " + title_of(table, column) + ", is " +
                     shortened(classes.front()) + " in every row; there must be at least two classes");
  return classes;
}

TargetColumn learn_target(const Table& table, const ColumnChoice& choice,
                          std::span<const std::int64_t> rows) {
  const TableColumn& column = table.columns.at(choice.target);
  TargetColumn target{.name = column.name, .position = choice.target, .classes = {}};
  if (choice.task.value_or(guess_task(column)) == Task::classification) {
    target.classes = learn_classes(table, column);
    return target;
  }
  std::vector<double> values;
  for (const std::int64_t each : rows) {
    const auto row = static_cast<std::size_t>(each);
    if (column.is_missing(row)) continue;
    if (!std::isfinite(column.numbers[row]))
      fail_at_line(table.path, table.lines[row],
                   "the target, " + title_of(table, column) + ", is '" + shortened(column.cell(row)) +
                       "'; regression predicts finite numbers");
    values.push_back(column.numbers[row]);
  }
  if (values.empty())
    throw ParseError(table.path + ": the target, " + title_of(table, column) + ", holds nothing in any row");
  std::tie(target.mean, target.deviation) = scale_of(values);
  return target;
}

}  // namespace

std::string title_of(const Table& table, const TableColumn& column) {
  const std::string number = "column " + std::to_string(&column - table.columns.data() + 1);
  return column.name == number ? number : number + " (" + shortened(column.name) + ")";
}

Task guess_task(const TableColumn& target) {
  if (!target.places.empty()) return Task::classification;
  const bool whole = std::all_of(target.numbers.begin(), target.numbers.end(),
                                 [](double x) { return x != x || std::trunc(x) == x; });
  const std::size_t filled = target.numbers.size() - static_cast<std::size_t>(target.missing());
  return whole && !has_more_numbers_than(target, std::max<std::size_t>(20, filled / 10))
             ? Task::classification
             : Task::regression;
}

std::vector<InputColumn> learn_columns(const Table& table, const ColumnChoice& choice,
                                       std::span<const std::int64_t> rows) {
  std::vector<std::size_t> positions;
  std::vector<Kind> kinds;
  for (std::size_t i = 0; i < table.columns.size(); ++i) {
    const auto is_among = [&](const auto& all) { return std::find(all.begin(), all.end(), i) != all.end(); };
    if (i == choice.target || is_among(choice.more_targets) || is_among(choice.dropped)) continue;
    positions.push_back(i);
    kinds.push_back(kind_of(table.columns[i]));
  }
  if (positions.empty())
    throw ParseError(table.path +
                     (choice.more_targets.empty()
                          ? ": the target is the only column; there is nothing to predict it from" +
                                std::string(table.columns.size() > 1
                                                ? ""
                                                : "; if its fields are apart by another character than , ; | "
                                                  "tab and space, say by which (--sep)")
                          : ": there is no column beside the targets to predict them from"));
  require_learnable(table, positions, kinds);
  std::vector<InputColumn> learned;
  for (std::size_t i = 0; i < positions.size(); ++i) {
    const TableColumn& column = table.columns[positions[i]];
    learned.push_back(kinds[i] == Kind::numbers ? learn_numbers(column, rows)
                                                : learn_categories(column, rows));
    learned.back().name = column.name;
    learned.back().position = positions[i];
  }
  return learned;
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
