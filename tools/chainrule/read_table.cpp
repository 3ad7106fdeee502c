// Tables as the options of the command line say that they are read, with hints of options where they could
// not be.

#include <fmt/format.h>

#include <algorithm>

#include "chainrule/io.h"
#include "command.h"
#include "print.h"
#include "standard_input.h"
#include "text.h"
#include "train_data.h"
#include "train_notes.h"

namespace chainrule::cli {
namespace {

std::string separator_text(char separator) {
  return separator == '\t' ? "tab" : separator == ' ' ? "space" : std::string(1, separator);
}

/// Where --sep is not what is between the fields, an error of the table's would be about something else. What
/// finds it out looks at the first rows only.
void require_separator(const std::string& path, char given, const TableOptions& options) {
  if (is_stream(path)) return;
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

}  // namespace

Table read_table(const std::string& path, const ReadOptions& options) {
  TableOptions table{.separator = {},
                     .header = {},
                     .labels = options.labels,
                     .decimal = {},
                     .missing = options.missing,
                     .part = options.part,
                     .quote = {},
                     .usual_decimal = options.usual_decimal,
                     .usual_names = options.usual_names};
  if (!options.quote.empty()) table.quote = options.quote[0];
  if (!options.decimal.empty()) table.decimal = options.decimal[0];
  if (options.separator == "tab" || options.separator == "\\t")
    table.separator = '\t';
  else if (options.separator == "space")
    table.separator = ' ';
  else if (options.separator.size() == 1 && options.separator != "\"" && options.separator != "\n")
    table.separator = options.separator[0];
  else if (!options.separator.empty())
    throw CommandError("--sep '" + printable(options.separator) + "': give one character, tab or space");
  if (options.header != "auto") table.header = options.header == "yes";
  const std::string file = file_of(path);
  try {
    Table read = chainrule::read_table(file, table);
    if (read.columns.size() == 1 && table.separator) require_separator(file, *table.separator, table);
    const bool is_array = read.separator == '\0';
    if (!options.labels.empty() && !is_array)
      throw CommandError(fmt::format("--labels {}: that is for images in IDX and arrays, which {} is not",
                                     printable(options.labels), printable(path, 1000)));
    if (!options.part.empty() && !is_array)
      throw CommandError(fmt::format("--part {}: that is for arrays in NPZ, which {} is not", options.part,
                                     printable(path, 1000)));
    return read;
  } catch (const ParseError&) {
    if (table.separator) require_separator(file, *table.separator, table);
    throw;
  }
}

std::vector<std::string> parts_of(const std::string& path) {
  const std::string file = file_of(path);
  std::vector<std::string> parts;
  if (!is_stream(path)) parts = table_parts(file);
  if (parts.size() < 2 || parts.front() != "train") parts.clear();
  return parts;
}

std::string held_back_part(const std::string& path) {
  const std::vector<std::string> parts = parts_of(path);
  return parts.empty() ? "" : parts.back();
}

Table read_data(const std::string& command, const std::string& path, ReadOptions options) {
  if (options.part.empty()) {
    options.part = held_back_part(path);
    if (!options.part.empty())
      write_note(command,
                 fmt::format("{}: the arrays for {} are taken; --part chooses others", path, options.part));
  }
  Table table = read_table(path, options);
  if (table.comments > 0) write_note(command, fmt::format("{}: {}", path, describe_comments(table)));
  return table;
}

std::string reading_hint(const Table& table, const std::vector<std::string>& columns) {
  constexpr std::ptrdiff_t few = 5;
  const auto has_digits = [](const std::string& text) {
    return text.find_first_of("0123456789") != std::string::npos;
  };
  std::vector<std::string> signs;
  bool all_commas = true, all_signs = true;
  for (const std::string& name : columns) {
    const auto column = std::find_if(table.columns.begin(), table.columns.end(),
                                     [&](const TableColumn& each) { return each.name == name; });
    const std::optional<std::size_t> position =
        column == table.columns.end() ? table.find(name) : column - table.columns.begin();
    if (!position) return "";  // it is missing
    const TableColumn& found = table.columns[*position];
    all_commas = all_commas && holds_written_numbers(found) && holds_commas(found);
    all_signs = all_signs && !found.texts.empty();
    // Many texts with digits are dates and the like; what stands for nothing among them has none.
    const bool are_dates = std::count_if(found.texts.begin(), found.texts.end(), has_digits) > few;
    for (const std::string& text : found.texts) {
      if (are_dates && has_digits(text)) continue;
      if (std::find(signs.begin(), signs.end(), text) == signs.end()) signs.push_back(text);
      all_signs = all_signs && std::ssize(signs) <= few && text.find(',') == std::string::npos;
      if (!all_signs && !all_commas) return "";
    }
  }
  if (all_commas) return "give --decimal , if these are decimal commas";
  if (!all_signs || signs.empty()) return "";
  return fmt::format("give --missing '{}' if that means that there is no value",
                     printable(fmt::format("{}", fmt::join(signs, ","))));
}

}  // namespace chainrule::cli
