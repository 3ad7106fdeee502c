// What `train` says of a table: how it was read, and what looks wrong, with the option that changes it.
// Relies on the TableEncoder for what was learned.

#include "train_notes.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <optional>

#include "chainrule/io.h"
#include "command.h"
#include "text.h"
#include "train_values.h"

namespace chainrule::cli {
namespace {

std::string_view separator_name(char separator) {
  switch (separator) {
    case ',': return "commas";
    case ';': return "semicolons";
    case '\t': return "tabs";
    case ' ': return "spaces";
    case '|': return "bars";
    default: return "the given separator";
  }
}

/// How an option names it.
std::string option_name(const Table& table, std::size_t position) {
  const std::string& name = table.columns[position].name;
  if (name == fmt::format("column {}", position + 1) || name.find_first_of(",'\n") != std::string::npos)
    return std::to_string(position + 1);
  const bool is_plain = std::all_of(name.begin(), name.end(), [](unsigned char c) {
    return c >= 0x80 || std::isalnum(c) != 0 ||
           std::string_view("_-.:/+%@=").find(static_cast<char>(c)) != std::string::npos;
  });
  return is_plain ? printable(name, 1000) : "'" + printable(name, 1000) + "'";  // as a shell takes it
}

bool is_dropped(const ColumnChoice& choice, std::size_t position) {
  return std::find(choice.dropped.begin(), choice.dropped.end(), position) != choice.dropped.end();
}

/// What is predicted: "target column 2 (price)", or all of several.
std::string targets_title(const Table& table, const ColumnChoice& choice) {
  std::string text = (choice.more_targets.empty() ? "target " : "targets ") + title(table, choice.target);
  for (const std::size_t position : choice.more_targets) text += ", " + title(table, position);
  return text;
}

/// A whole number that grows from row to row, or a text that is another in each.
bool is_identifier(const TableColumn& column) {
  constexpr std::size_t fewest_rows = 10;
  const std::size_t rows = column.numbers.size();
  if (rows < fewest_rows) return false;
  if (!column.places.empty()) return column.missing() == 0 && column.texts.size() == rows;
  for (std::size_t row = 0; row < rows; ++row)
    if (std::trunc(column.numbers[row]) != column.numbers[row] ||
        (row > 0 && !(column.numbers[row] > column.numbers[row - 1])))
      return false;
  return true;
}

/// Different values in a column, counted up to `most`.
std::size_t count_values(const TableColumn& column, std::size_t most) {
  std::vector<double> numbers;
  std::copy_if(column.numbers.begin(), column.numbers.end(), std::back_inserter(numbers),
               [](double x) { return x == x; });
  std::sort(numbers.begin(), numbers.end());
  const auto count = std::unique(numbers.begin(), numbers.end()) - numbers.begin();
  return std::min(most, static_cast<std::size_t>(count) + column.texts.size());
}

/// A text that hardly ever occurs twice.
bool is_nearly_identifier(const TableColumn& column) {
  constexpr std::int64_t fewest_rows = 20;
  const std::int64_t texts = column.text_cells();
  return texts >= fewest_rows && 2 * std::ssize(column.texts) > texts;
}

/// "0,1,2" or "1,2,3", as pandas writes names that nobody has given.
bool counts_columns(const Table& table) {
  if (table.has_header || table.lines.empty() || table.columns.size() < 3) return false;
  for (std::size_t i = 0; i < table.columns.size(); ++i)
    if (const double first = table.columns[i].numbers[0], start = table.columns[0].numbers[0];
        !(first == start + static_cast<double>(i)) || (start != 0 && start != 1))
      return false;
  return true;
}

void warn_of_header(const Table& table, std::vector<std::string>& warnings) {
  if (counts_columns(table))
    warnings.emplace_back(
        "the first line looks like a header of numbers, as pandas writes it; if it is one, give "
        "--header yes");
}

/// A number as people write it: "45 %", "$3.50", "1,234.5", "0,5", "1'000", "(3.2)", also with the narrow
/// spaces that spreadsheets put between thousands.
bool is_written_number(std::string_view text) {
  for (const std::string_view sign : {"$", "€", "£", " ", "("})
    if (text.starts_with(sign)) text.remove_prefix(sign.size());
  for (const std::string_view sign : {"%", ")", " ", "€", "$", "£"})
    if (text.ends_with(sign)) text.remove_suffix(sign.size());
  std::string digits(text);
  for (const std::string_view between : {",", " ", "'", "\u00a0", "\u202f", "\u2019"})
    for (std::size_t at = 0; (at = digits.find(between, at)) != std::string::npos;)
      digits.erase(at, between.size());
  return digits.find_first_not_of("0123456789.+-") == std::string_view::npos &&
         chainrule::parse_number(digits).has_value();
}

/// Texts that are all numbers become categories, of which most occur once.
void warn_of_written_numbers(const Table& table, std::size_t position, std::vector<std::string>& warnings) {
  const TableColumn& column = table.columns[position];
  if (!holds_written_numbers(column)) return;
  warnings.push_back(
      fmt::format("{} holds texts that look like numbers, as '{}', and are taken for "
                  "categories; {}write them as 1234.5",
                  title(table, position), printable(column.texts.front()),
                  holds_commas(column) ? "give --decimal , if that is a decimal comma, or else " : ""));
}

void warn_of_target(const Table& table, const ColumnChoice& choice, const TableEncoder& encoder,
                    const TrainOptions& options, std::vector<std::string>& warnings) {
  const TableColumn& target = table.columns[choice.target];
  const std::size_t classes = encoder.target().classes.size();
  if (classes * 10 > static_cast<std::size_t>(table.rows()) && classes > 2 && table.rows() >= 20)
    warnings.push_back(
        fmt::format("{} classes in {} rows is more than a tenth; is {} the target? choose with "
                    "--target, or give --task regression",
                    classes, table.rows(), title(table, choice.target)));
  if (options.target != "last") return;
  for (std::size_t i = 0; i + 1 < table.columns.size(); ++i) {
    std::string lower = table.columns[i].name;
    std::transform(lower.begin(), lower.end(), lower.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    constexpr std::array names = {"class", "label", "target", "species", "diagnosis", "outcome"};
    if (is_dropped(choice, i) || std::find(names.begin(), names.end(), lower) == names.end()) continue;
    warnings.push_back(
        fmt::format("{} is called like a target, but the last column is taken for it; if it is "
                    "one, give --target {}",
                    title(table, i), option_name(table, i)));
    return;
  }
  constexpr std::size_t few = 20;
  const bool first_has_few = !is_dropped(choice, 0) && choice.target != 0 &&
                             count_values(table.columns[0], few) < few &&
                             std::all_of(table.columns[0].numbers.begin(), table.columns[0].numbers.end(),
                                         [](double x) { return x != x || std::trunc(x) == x; });
  const bool others_are_numbers =
      std::all_of(table.columns.begin() + 1, table.columns.end(),
                  [](const TableColumn& column) { return column.places.empty(); });
  if (first_has_few && others_are_numbers && table.rows() >= 20 && count_values(target, few) == few)
    warnings.push_back(
        fmt::format("{} has few values and the last column many; if the first one is the target, give "
                    "--target 1",
                    title(table, 0)));
}

/// "; column 1 (date) is read as year, month, day, weekday of month/day/year": texts that are numbers or
/// dates.
std::string describe_forms(const Table& table, const TableEncoder& encoder) {
  struct Form {
    std::size_t position;
    std::string form;
    std::vector<std::string> parts;
  };
  std::vector<Form> forms;
  for (const InputColumn& column : encoder.columns()) {
    if (column.form.empty()) continue;
    if (forms.empty() || forms.back().position != column.position)
      forms.push_back({column.position, column.form, {}});
    if (!column.part.empty()) forms.back().parts.push_back(column.part);
  }
  for (const TargetColumn& target : encoder.all_targets())
    if (!target.form.empty()) forms.push_back({target.position, target.form, {}});
  constexpr std::size_t most = 5;
  std::string text;
  for (std::size_t i = 0; i < std::min(most, forms.size()); ++i) {
    const auto& [position, form, parts] = forms[i];
    text += "; " + title(table, position) + " is read as ";
    if (parts.empty())
      text += "numbers such as " + printable(form);
    else
      text += fmt::format("{}{}", fmt::join(parts, ", "), parts.size() == 1 ? "" : " (" + form + ")");
  }
  if (forms.size() > most) text += fmt::format("; and {} more columns are read so", forms.size() - most);
  return text;
}

}  // namespace

std::string title(const Table& table, std::size_t position) {
  const std::string number = fmt::format("column {}", position + 1);
  const std::string& name = table.columns[position].name;
  return name == number ? number : fmt::format("{} ({})", number, printable(name));
}

std::string option_names(const Table& table, const std::vector<std::string>& columns) {
  std::vector<std::string> names;
  for (const std::string& column : columns) {
    const std::optional<std::size_t> position = table.find(column);
    names.push_back(position ? option_name(table, *position) : printable(column));
  }
  return fmt::format("{}", fmt::join(names, ","));
}

bool holds_written_numbers(const TableColumn& column) {
  return !column.texts.empty() && std::all_of(column.texts.begin(), column.texts.end(), is_written_number);
}

bool holds_commas(const TableColumn& column) {
  return std::all_of(column.texts.begin(), column.texts.end(), [](const std::string& text) {
    return text.find_first_not_of("0123456789.,-") == std::string::npos;
  });
}

void require_no_header_of_numbers(const Table& table) {
  const std::size_t below = table.lines.size() - 1;
  if (!counts_columns(table) || below == 0) return;
  for (std::size_t i = 0; i < table.columns.size(); ++i)
    if (table.columns[i].text_cells() + table.columns[i].missing() == static_cast<std::int64_t>(below) &&
        !table.columns[i].places.empty())
      throw CommandError(
          fmt::format("{}: its first line counts the columns, as a header that pandas writes, "
                      "and below it {} has only texts; give --header yes",
                      table.path, title(table, i)));
}

bool is_target(const ColumnChoice& choice, std::size_t position) {
  return position == choice.target || std::find(choice.more_targets.begin(), choice.more_targets.end(),
                                                position) != choice.more_targets.end();
}

std::string describe_comments(const Table& table) {
  return fmt::format("{} of comments left out",
                     table.comments == 1 ? "a line" : fmt::format("{} lines", table.comments));
}

std::string describe_reading(const Table& table, const ColumnChoice& choice, const TableEncoder& encoder) {
  std::int64_t missing = 0;
  std::size_t with_gaps = 0;
  for (std::size_t i = 0; i < table.columns.size(); ++i) {
    const std::int64_t count = is_target(choice, i) || is_dropped(choice, i) ? 0 : table.columns[i].missing();
    missing += count;
    with_gaps += count > 0;
  }
  const Task task = encoder.target().task();
  std::string text =
      table.separator != '\0'
          ? fmt::format(
                "fields apart by {}{}{}, {} header{}{}", separator_name(table.separator),
                table.quote == '"' ? "" : " and in single quotes",
                table.decimal == '.' ? "" : ", decimals after commas", table.has_header ? "a" : "no",
                table.has_header && table.columns[0].name == "column 1" ? " without a name for column 1" : "",
                table.comments == 0 ? "" : ", " + describe_comments(table))
      : table.image_height > 0
          ? fmt::format(
                "images of {}x{}{}", table.image_height, table.image_width,
                table.image_channels > 1 ? fmt::format(" with {} channels", table.image_channels) : "")
          : "arrays";
  text += fmt::format(", {}: {}", targets_title(table, choice),
                      task == Task::regression ? "regression" : "classification");
  if (missing > 0)
    text += fmt::format("; {} missing {} in {} {} filled in", missing, missing == 1 ? "value" : "values",
                        with_gaps, with_gaps == 1 ? "column" : "columns");
  return text + describe_forms(table, encoder);
}

std::vector<std::string> find_warnings(const Table& table, const ColumnChoice& choice,
                                       const TableEncoder& encoder, const TrainOptions& options) {
  std::vector<std::string> warnings;
  warn_of_header(table, warnings);
  warn_of_target(table, choice, encoder, options, warnings);
  warn_of_values(table, choice, encoder, warnings);
  for (std::size_t i = 0; i < table.columns.size(); ++i) {
    if (is_dropped(choice, i)) continue;
    const std::size_t before = warnings.size();
    const auto has_form = [&](const auto& column) { return column.position == i && !column.form.empty(); };
    if (std::any_of(encoder.columns().begin(), encoder.columns().end(), has_form) ||
        std::any_of(encoder.all_targets().begin(), encoder.all_targets().end(), has_form))
      continue;  // these texts are understood
    warn_of_written_numbers(table, i, warnings);
    if (is_target(choice, i) || warnings.size() > before) continue;
    if (table.columns[i].missing() == table.rows())
      warnings.push_back(fmt::format("{} holds nothing in any row; leave it out with --drop {}",
                                     title(table, i), option_name(table, i)));
    else if (is_identifier(table.columns[i]))
      warnings.push_back(
          fmt::format("{} is another in each row, as an identifier, which predicts nothing; leave it "
                      "out with --drop {}",
                      title(table, i), option_name(table, i)));
    else if (is_nearly_identifier(table.columns[i]))
      warnings.push_back(
          fmt::format("{} holds {} different texts in {} rows, of most of which one row tells "
                      "nothing about others; leave it out with --drop {}",
                      title(table, i), table.columns[i].texts.size(), table.rows(), option_name(table, i)));
  }
  return warnings;
}

std::string majority_warning(const TableEncoder& encoder, const std::vector<std::int64_t>& classes,
                             double accuracy, const TrainOptions& options) {
  std::vector<std::int64_t> counts(encoder.target().classes.size());
  for (const std::int64_t each : classes) ++counts[static_cast<std::size_t>(each)];
  const auto largest = std::max_element(counts.begin(), counts.end());
  const double share = static_cast<double>(*largest) / static_cast<double>(classes.size());
  if (accuracy > share + 0.01 || share < 0.6 || share == 1 || classes.size() < 20) return "";
  return fmt::format("always saying '{}' would be right in {:.2f} % of the test samples, too{}",
                     printable(encoder.target().classes[static_cast<std::size_t>(largest - counts.begin())]),
                     100 * share,
                     options.class_weights == "balanced" ? "" : "; try --class-weights balanced");
}

}  // namespace chainrule::cli
