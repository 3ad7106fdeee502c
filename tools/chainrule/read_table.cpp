// Tables as the options of the command line say that they are read.

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "chainrule/io.h"
#include "command.h"
#include "text.h"
#include "train_data.h"

namespace chainrule::cli {
namespace {

std::string separator_text(char separator) {
  return separator == '\t' ? "tab" : separator == ' ' ? "space" : std::string(1, separator);
}

/// Where --sep is not what is between the fields, an error of the table's would be about something else. What
/// finds it out looks at the first rows only.
void require_separator(const std::string& path, char given, const TableOptions& options) {
  if (path == "-" || path == "/dev/stdin") return;
  constexpr std::int64_t few = 20;
  TableOptions open = options;
  open.separator.reset();
  const Table seen = [&] {
    try {
      return TableStream(path, open).read(few);
    } catch (const std::exception&) {
      return Table();  // what is wrong with it has been said already
    }
  }();
  if (seen.columns.size() < 2 || seen.separator == given) return;
  const std::string seen_by = separator_text(seen.separator);
  throw CommandError(
      fmt::format("--sep '{}': {} is not separated so: its first lines have {} fields apart by "
                  "'{}'; give --sep '{}', or leave it out",
                  separator_text(given), printable(path, 1000), seen.columns.size(), seen_by, seen_by));
}

/// "-1.234,5" with a decimal comma: a number, in which points stand between thousands.
std::optional<double> with_decimal_comma(const std::string& text) {
  std::string plain;
  const std::size_t comma = text.find(',');
  for (std::size_t i = 0; i < text.size(); ++i) {
    const std::size_t after = (comma == std::string::npos ? text.size() : comma) - i;
    if (text[i] != '.')
      plain += text[i] == ',' ? '.' : text[i];
    else if (i > comma || after % 4 != 0 || plain.empty() || plain == "-")
      return std::nullopt;  // "1.5" is no such number, nor is "1.23,4"
  }
  return chainrule::parse_number(plain);
}

/// Makes numbers of the columns whose texts are all such. A number without a comma is one as it was read,
/// but for points between thousands.
void read_decimal_commas(Table& table) {
  for (TableColumn& column : table.columns) {
    if (column.places.empty()) continue;
    std::vector<double> numbers;
    for (const std::string& text : column.texts) {
      const std::optional<double> number = with_decimal_comma(text);
      if (!number) break;
      numbers.push_back(*number);
    }
    if (numbers.size() < column.texts.size()) continue;
    for (std::size_t row = 0; row < column.places.size(); ++row)
      if (column.is_text(row)) column.numbers[row] = numbers[static_cast<std::size_t>(column.places[row])];
    column.places.clear();
    column.texts.clear();
  }
}

}  // namespace

Table read_table(const std::string& path, const ReadOptions& options) {
  TableOptions table{.separator = {}, .header = {}, .labels = options.labels};
  if (options.separator == "tab" || options.separator == "\\t")
    table.separator = '\t';
  else if (options.separator == "space")
    table.separator = ' ';
  else if (options.separator.size() == 1 && options.separator != "\"" && options.separator != "\n")
    table.separator = options.separator[0];
  else if (!options.separator.empty())
    throw CommandError("--sep '" + printable(options.separator) + "': give one character, tab or space");
  if (options.header != "auto") table.header = options.header == "yes";
  const std::string file = path == "-" ? "/dev/stdin" : path;
  try {
    Table read = chainrule::read_table(file, table);
    if (read.columns.size() == 1 && table.separator) require_separator(file, *table.separator, table);
    if (!options.labels.empty() && read.image_height == 0)
      throw CommandError(fmt::format("--labels {}: that is for images in IDX, which {} is not",
                                     printable(options.labels), printable(path, 1000)));
    if (options.decimal == ",") read_decimal_commas(read);
    return read;
  } catch (const ParseError&) {
    if (table.separator) require_separator(file, *table.separator, table);
    throw;
  }
}

}  // namespace chainrule::cli
