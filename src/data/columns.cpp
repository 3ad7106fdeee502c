// What is learned of the columns of a table: kinds, scales, categories, classes, and what cannot be learned.
// Relies on amounts.h and dates.h for texts that are numbers; errors name the column and the remedy.

#include "data/columns.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>
#include <unordered_map>
#include <unordered_set>

#include "chainrule/data.h"
#include "data/amounts.h"
#include "data/dates.h"
#include "io/csv_rows.h"

namespace chainrule {
namespace {

enum class Kind : std::uint8_t { numbers, dates, categories, mixed, infinite, too_many };

/// What a column is taken for, and the form of its texts where these are numbers or dates.
struct Found {
  Kind kind = Kind::numbers;
  std::string form = {};
};

bool is_learnable(Kind kind) {
  return kind == Kind::numbers || kind == Kind::dates || kind == Kind::categories;
}

/// Do more than this many different numbers occur in it?
bool has_more_numbers_than(const TableColumn& column, std::size_t most) {
  std::unordered_set<double> seen;
  for (const double number : column.numbers)
    if (number == number && seen.insert(number).second && seen.size() > most) return true;
  return false;
}

/// "20200131" in each row, which is no quantity.
bool holds_compact_dates(const TableColumn& column) {
  constexpr double first = 19'000'101, last = 21'001'231;
  std::unordered_set<double> seen;
  for (const double number : column.numbers) {
    if (number != number) continue;
    if (!(number >= first && number <= last) || std::trunc(number) != number) return false;
    seen.insert(number);
  }
  std::vector<std::string> texts;
  texts.reserve(seen.size());
  for (const double number : seen) texts.push_back(std::to_string(static_cast<std::int64_t>(number)));
  constexpr std::size_t few = 3;
  return texts.size() >= few && find_date_form(texts) == "year-month-day";
}

/// One of the parts of a form of dates; empty for other forms.
std::string date_part_of(const std::string& form) {
  const std::vector<std::string> parts = date_parts(form);
  return parts.empty() ? "" : parts.front();
}

/// The form that more than half of the texts have, where they are too many for categories.
std::optional<Found> mostly(const Table& table, const TableColumn& column) {
  constexpr std::size_t few = 20;
  for (std::size_t i = 0; i < std::min(few, column.texts.size()); ++i) {
    const std::vector<std::string> one = {column.texts[i]};
    auto form = find_amount_form(one, table.separator);
    if (!form) form = find_date_form(one);
    if (!form) continue;
    const std::string part = date_part_of(*form);
    const auto fitting =
        std::count_if(column.texts.begin(), column.texts.end(), [&](const std::string& text) {
          return (part.empty() ? parse_amount(text, *form) : parse_date(text, *form, part)).has_value();
        });
    if (2 * static_cast<std::size_t>(fitting) > column.texts.size()) return Found{Kind::mixed, *form};
  }
  return std::nullopt;
}

Found kind_of(const Table& table, const TableColumn& column) {
  const std::int64_t texts = column.text_cells(),
                     filled = static_cast<std::int64_t>(column.numbers.size()) - column.missing();
  if (texts == 0) {
    if (holds_compact_dates(column)) return {Kind::dates, "year-month-day"};
    return {std::any_of(column.numbers.begin(), column.numbers.end(), [](double x) { return std::isinf(x); })
                ? Kind::infinite
                : Kind::numbers};
  }
  if (const auto form = amounts_in(table, column)) return {Kind::numbers, *form};
  if (const auto form = find_date_form(column.texts); form && texts == filled) return {Kind::dates, *form};
  if (2 * texts <= filled) {
    const std::size_t few = std::min<std::size_t>(32, static_cast<std::size_t>(filled) / 10);
    if (20 * texts < filled || column.texts.size() > few ||
        has_more_numbers_than(column, few - column.texts.size()))
      return {Kind::mixed};
  }
  const std::size_t most = TableEncoder::most_categories;
  if (column.texts.size() <= most && !has_more_numbers_than(column, most - column.texts.size()))
    return {Kind::categories};
  return mostly(table, column).value_or(Found{Kind::too_many});
}

/// The line and the content of the first cell of a column that cannot be read.
std::pair<std::int64_t, std::string> first_wrong(const Table& table, const TableColumn& column,
                                                 const Found& found) {
  const std::vector<double> numbers = numbers_in(column, found.form, date_part_of(found.form));
  for (std::size_t row = 0; row < table.lines.size(); ++row)
    if (std::isinf(numbers[row])) return {table.lines[row], column.cell(row)};
  return {1, ""};
}

using Columns = std::vector<std::pair<const TableColumn*, Found>>;

/// What is wrong with columns of one kind.
std::string complaint(const Table& table, const Columns& columns) {
  const auto& [first, found] = columns.front();
  std::string others;
  for (std::size_t i = 1; i < std::min(most_listed, columns.size()); ++i)
    others += (i > 1                ? ", "
               : columns.size() > 2 ? "; so do "
                                    : "; so does ") +
              title_of(table, *columns[i].first);
  others += and_more(columns.size());
  const std::string title = title_of(table, *first);
  if (found.kind == Kind::too_many)
    return title + " holds more than " + std::to_string(TableEncoder::most_categories) +
           " different texts, too many to learn from" + others;
  const std::string content = first_wrong(table, *first, found).second;
  return title +
         (found.kind == Kind::infinite
              ? " is " + content + "; every input must be finite"
              : " holds '" + shortened(content) + "', not " + wanted(found.form, date_part_of(found.form))) +
         others;
}

/// Complains about all columns that are wrong, at the place of the first of them.
void require_learnable(const Table& table, const std::vector<std::size_t>& positions,
                       const std::vector<Found>& all) {
  std::string place, message;
  for (const Kind wrong : {Kind::mixed, Kind::infinite, Kind::too_many}) {
    Columns columns;
    for (std::size_t i = 0; i < positions.size(); ++i)
      if (all[i].kind == wrong) columns.emplace_back(&table.columns[positions[i]], all[i]);
    if (columns.empty()) continue;
    if (message.empty() && wrong != Kind::too_many)
      place = ":" + std::to_string(first_wrong(table, *columns.front().first, columns.front().second).first);
    message += (message.empty() ? "" : "; ") + complaint(table, columns);
  }
  if (message.empty()) return;
  ColumnsInForms mixed;
  for (std::size_t i = 0; i < positions.size(); ++i)
    if (all[i].kind == Kind::mixed) mixed.emplace_back(&table.columns[positions[i]], all[i].form);
  message += second_header(table, mixed);
  std::vector<std::string> names;
  for (std::size_t i = 0; i < positions.size(); ++i)
    if (!is_learnable(all[i].kind))
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

InputColumn learn_numbers(const TableColumn& column, std::span<const std::int64_t> rows,
                          const std::string& form, const std::string& part) {
  const std::vector<double> read = form.empty() ? std::vector<double>() : numbers_in(column, form, part);
  const std::vector<double>& numbers = form.empty() ? column.numbers : read;
  std::vector<double> values;
  for (const std::int64_t row : rows)
    if (const double number = numbers[static_cast<std::size_t>(row)]; number == number)
      values.push_back(number);
  InputColumn learned;
  learned.form = form;
  learned.part = part;
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

}  // namespace

std::string title_of(const Table& table, const TableColumn& column) {
  const std::string number = "column " + std::to_string(&column - table.columns.data() + 1);
  return column.name == number ? number : number + " (" + shortened(column.name) + ")";
}

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

std::optional<std::string> amounts_in(const Table& table, const TableColumn& column) {
  const std::optional<std::string> form = find_amount_form(column.texts, table.separator);
  if (form && has_unit(*form) &&
      std::any_of(column.numbers.begin(), column.numbers.end(), [](double x) { return x == x && x != 0; }))
    return std::nullopt;
  return form;
}

std::pair<double, double> scale_of(const std::vector<double>& values) {
  if (values.empty()) return {0, 1};
  const Standardizer scale(tensor(values).reshape({-1, 1}));
  return {scale.mean().item(), scale.deviation().item()};
}

std::string and_more(std::size_t columns) {
  return columns <= most_listed ? "" : ", and " + std::to_string(columns - most_listed) + " more";
}

std::string second_header(const Table& table, const ColumnsInForms& columns) {
  const auto is_first_only = [&](const auto& each) {
    const auto& [column, form] = each;
    const std::vector<double> numbers = numbers_in(*column, form, date_part_of(form));
    return std::isinf(numbers.front()) &&
           std::none_of(numbers.begin() + 1, numbers.end(), [](double x) { return std::isinf(x); });
  };
  if (columns.empty() || table.rows() < 2 || !std::all_of(columns.begin(), columns.end(), is_first_only))
    return "";
  return "; if line " + std::to_string(table.lines.front()) + " says units or is a second header, delete it";
}

std::vector<double> numbers_in(const TableColumn& column, const std::string& form, const std::string& part) {
  constexpr double wrong = std::numeric_limits<double>::infinity();
  const auto number_of = [&](const std::string& text) {
    const auto number = part.empty() ? parse_amount(text, form) : parse_date(text, form, part);
    return number.value_or(wrong);
  };
  std::vector<double> of_texts(column.texts.size(), wrong);
  if (!form.empty()) std::transform(column.texts.begin(), column.texts.end(), of_texts.begin(), number_of);
  std::vector<double> numbers = column.numbers;
  for (std::size_t row = 0; row < numbers.size(); ++row) {
    if (column.is_text(row))
      numbers[row] = of_texts[static_cast<std::size_t>(column.places[row])];
    else if (!part.empty() && !column.is_missing(row))
      numbers[row] = number_of(column.cell(row));  // "20200131"
  }
  return numbers;
}

std::string wanted(const std::string& form, const std::string& part) {
  if (form.empty()) return "a number";
  return part.empty() ? "a number such as " + form : part == form ? "a time" : "a date such as " + form;
}

std::vector<InputColumn> learn_columns(const Table& table, const ColumnChoice& choice,
                                       std::span<const std::int64_t> rows) {
  std::vector<std::size_t> positions;
  std::vector<Found> kinds;
  for (std::size_t i = 0; i < table.columns.size(); ++i) {
    const auto is_among = [&](const auto& all) { return std::find(all.begin(), all.end(), i) != all.end(); };
    if (i == choice.target || is_among(choice.more_targets) || is_among(choice.dropped)) continue;
    positions.push_back(i);
    kinds.push_back(kind_of(table, table.columns[i]));
  }
  if (positions.empty())
    throw ParseError(table.path +
                     (choice.more_targets.empty()
                          ? ": the target is the only column; there is nothing to predict it from" +
                                std::string(table.columns.size() > 1 || table.separator == '\0'
                                                ? ""
                                                : "; if its fields are apart by another character than , ; | "
                                                  "tab and space, say by which (--sep)")
                          : ": there is no column beside the targets to predict them from"));
  require_learnable(table, positions, kinds);
  std::vector<InputColumn> learned;
  for (std::size_t i = 0; i < positions.size(); ++i) {
    const TableColumn& column = table.columns[positions[i]];
    const auto& [kind, form] = kinds[i];
    std::vector<std::string> parts = kind == Kind::dates ? date_parts(form) : std::vector<std::string>(1);
    for (const std::string& part : parts) {
      learned.push_back(kind == Kind::categories ? learn_categories(column, rows)
                                                 : learn_numbers(column, rows, form, part));
      learned.back().name = column.name;
      learned.back().position = positions[i];
    }
  }
  return learned;
}

}  // namespace chainrule
