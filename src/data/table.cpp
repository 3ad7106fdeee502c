// Reading a table row by row: cells, gaps, headers and texts. Rows come from io/csv_rows.h, columns grow in
// column_reader.h; other formats have readers of their own.

#include "chainrule/data/table.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <deque>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "chainrule/io.h"
#include "data/column_reader.h"
#include "data/idx.h"
#include "data/npz_table.h"
#include "data/table_format.h"
#include "io/csv_rows.h"
#include "io/file.h"
#include "io/growth.h"

namespace chainrule {
namespace {

/// Numbers with a decimal comma name nothing either, whether they are read as such or not.
bool is_number(const std::string& field) { return parse_number(field) || parse_with_comma(field); }

bool is_year(double number) { return number >= 1000 && number < 3000 && std::trunc(number) == number; }

bool is_named(const std::string& field) { return !is_number(field) && !is_sign_of_nothing(field); }

/// Among rows of so many fields, of which one more may be empty at the end.
bool is_comment(const CsvRow& row, std::size_t fields) {
  return (row.front().starts_with('#') || row.front().starts_with('%')) && row.size() != fields &&
         !(row.size() == fields + 1 && row.back().empty());
}

bool holds_all(const CsvRow& row, const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    bool found = false;
    for (const std::string& field : row) found = found || in_utf8(field) == name;
    if (!found) return false;
  }
  return true;
}

void check(const TableOptions& options) {
  if (options.decimal && *options.decimal != '.' && *options.decimal != ',')
    throw std::invalid_argument(std::string("read_table: decimals after '") + *options.decimal +
                                "'; give '.' or ','");
  if (options.usual_decimal != '.' && options.usual_decimal != ',')
    throw std::invalid_argument(std::string("read_table: decimals usually after '") + options.usual_decimal +
                                "'; give '.' or ','");
  if (options.quote && *options.quote != '"' && *options.quote != '\'')
    throw std::invalid_argument(std::string("read_table: fields in ") + *options.quote +
                                "; give '\"' or '\\'' as the quote");
}

/// How rows of a table that begins so are written, which the table says.
CsvForm find_form(Table& table, std::string_view beginning, const TableOptions& options) {
  const TableForm form = find_form(beginning, options);
  table.separator = form.rows.separator;
  table.quote = form.rows.quote;
  table.decimal = form.decimal;
  table.comments = form.rows.skipped_lines;
  return form.rows;
}

class TableReader {
 public:
  /// Of rows of this file, if not of a part of them.
  TableReader(Table& table, const TableOptions& options, const InputFile* file = nullptr)
      : table_(table), options_(options), file_(file) {}

  void add(CsvRow& row, std::int64_t line) {
    if (readers_.empty()) {
      if (row.size() == 2 && row[0] == "sep=" && row[1].empty()) return;  // a note of Excel's
      begin(row, line);
      if (table_.has_header) return;
    }
    // Where the header does not end in a separator and the rows do, or does not name what R calls row names.
    if (row.size() == readers_.size() + 1 && table_.has_header && row.back().empty()) row.pop_back();
    if (is_comment(row, readers_.size())) {
      ++table_.comments;
      return;
    }
    if (row.size() == readers_.size() + 1 && table_.has_header && table_.lines.empty() &&
        readers_.size() > 1) {
      CsvRow names = first_;
      names.insert(names.begin(), "");
      readers_.clear();
      begin(names, first_line_);
      fields_line_ = line;
    }
    if (row.size() != readers_.size())
      fail_at_line(table_.path, line,
                   fields(row.size()) + ", but line " + std::to_string(fields_line_) + " has " +
                       fields(readers_.size()) + (table_.separator == ',' ? "" : separated()) +
                       likely_cause(line));
    for (std::size_t i = 0; i < row.size(); ++i) readers_[i].add(row[i]);
    if (file_ != nullptr) make_room(table_.lines, *file_);
    table_.lines.push_back(line);
  }

  void finish() {
    if (readers_.empty()) throw ParseError(table_.path + ": the file is empty");
    for (ColumnReader& each : readers_) each.finish();
    if (table_.has_header && !options_.header && !is_usual_ && is_data(first_)) {
      for (std::size_t i = 0; i < readers_.size(); ++i) readers_[i].add_in_front(first_[i]);
      table_.lines.insert(table_.lines.begin(), first_line_);
      table_.has_header = false;
    } else if (!table_.has_header && !options_.header && is_header_with_numbers()) {
      for (ColumnReader& each : readers_) each.take_from_front();
      table_.lines.erase(table_.lines.begin());
      table_.has_header = true;
    }
    if (table_.lines.empty()) fail_at_line(table_.path, first_line_, "a header but no row follows it");
    drop_empty_end();
    for (std::size_t i = 0; i < table_.columns.size(); ++i)
      table_.columns[i].name =
          table_.has_header && !first_[i].empty() ? in_utf8(first_[i]) : "column " + std::to_string(i + 1);
    tell_apart();
  }

 private:
  /// Where each line ends in a separator, there is a column that has neither a name nor a cell.
  void drop_empty_end() {
    while (table_.has_header && table_.columns.size() > 1 && first_[table_.columns.size() - 1].empty() &&
           table_.columns.back().missing() == table_.rows())
      table_.columns.pop_back();
  }
  /// Names that are there twice get numbers, as pandas gives them: "a", "a.1".
  void tell_apart() {
    std::unordered_map<std::string, std::size_t> counts;
    for (const TableColumn& column : table_.columns) counts.emplace(column.name, 0);
    if (counts.size() == table_.columns.size()) return;
    std::unordered_set<std::string> seen;
    for (TableColumn& column : table_.columns) {
      if (seen.insert(column.name).second) continue;
      const std::string name = column.name;
      do column.name = name + "." + std::to_string(++counts[name]);
      while (counts.contains(column.name));
      seen.insert(column.name);
      counts.emplace(column.name, 0);
    }
  }
  void begin(const CsvRow& row, std::int64_t line) {
    is_usual_ = !options_.usual_names.empty() && holds_all(row, options_.usual_names);
    table_.has_header =
        options_.header.value_or(is_usual_ || (std::none_of(row.begin(), row.end(), is_number) &&
                                               std::any_of(row.begin(), row.end(), is_named)));
    first_line_ = fields_line_ = line;
    first_ = row;
    table_.columns.resize(row.size());
    readers_.reserve(row.size());
    for (TableColumn& column : table_.columns)
      readers_.emplace_back(column, file_, table_.decimal, options_.missing);
  }
  /// Does each field stand below again, so that it names nothing?
  bool is_data(const CsvRow& row) const {
    for (std::size_t i = 0; i < row.size(); ++i)
      if (!readers_[i].holds(row[i])) return false;
    return true;
  }
  /// Is the first row one of names and numbers, as "country,1990,2000"? Its numbers are whole, its texts do
  /// not stand below, and something tells: what stands below a name or a number is of the other kind, or
  /// numbers are years in equal steps above what is none.
  bool is_header_with_numbers() const {
    bool is_named = false, tells = false, are_years = true;
    std::vector<double> numbers;
    for (const TableColumn& column : table_.columns) {
      if (table_.rows() < 2) return false;
      is_named = is_named || column.is_text(0);
      if (const double number = column.numbers[0]; number == number) {
        if (number < 0 || std::trunc(number) != number || (!numbers.empty() && number <= numbers.back()))
          return false;
        are_years = are_years && is_year(number) &&
                    (numbers.size() < 2 || number - numbers.back() == numbers[1] - numbers[0]);
        numbers.push_back(number);
      }
    }
    for (const TableColumn& column : table_.columns) {
      if (!is_named || column.is_missing(0)) continue;
      const bool is_text = column.is_text(0);
      std::int64_t texts = 0, others = 0, same = 0, no_years = 0;  // cells; same as in the first row
      for (std::size_t row = 0; row < column.numbers.size(); ++row) {
        const double number = column.numbers[row];
        texts += column.is_text(row);
        others += number == number;
        same += is_text && column.places[row] == column.places[0];
        no_years += number == number && !is_year(number);
      }
      if (same > 1) return false;
      tells = tells || (is_text ? texts == 1 && others > 0 : others == 1 && texts > 0);
      are_years = are_years && (is_text || no_years > 0);
    }
    return is_named && (tells || (are_years && numbers.size() > 1));
  }
  /// What people's files have where the first rows have other fields than the lines before.
  std::string likely_cause(std::int64_t line) const {
    constexpr std::int64_t longest_title = 20;
    if (readers_.size() > 1 || table_.rows() >= longest_title) return "";
    return "; if what stands before line " + std::to_string(line) + " is a title or a comment, delete it";
  }
  static std::string fields(std::size_t count) {
    return std::to_string(count) + (count == 1 ? " field" : " fields");
  }
  std::string separated() const {
    const char c = table_.separator;
    return std::string(", apart by ") + (c == ' '    ? "spaces"
                                         : c == '\t' ? "tabs"
                                                     : std::string("'") + c + "'");
  }

  Table& table_;
  const TableOptions& options_;
  const InputFile* file_;
  std::vector<ColumnReader> readers_;
  CsvRow first_;
  bool is_usual_ = false;                          // does it hold the names that are known?
  std::int64_t first_line_ = 0, fields_line_ = 0;  // the latter has as many fields as all
};

}  // namespace

std::int64_t TableColumn::missing() const {
  std::int64_t count = 0;
  for (std::size_t row = 0; row < numbers.size(); ++row) count += is_missing(row);
  return count;
}

std::int64_t TableColumn::text_cells() const {
  return std::count_if(places.begin(), places.end(), [](std::int32_t place) { return place >= 0; });
}

std::string TableColumn::cell(std::size_t row) const {
  if (is_text(row)) return texts[static_cast<std::size_t>(places[row])];
  if (is_missing(row)) return "";
  // Whole numbers are written as such: "100000" rather than "1e+05".
  constexpr double exact_up_to = 9007199254740992.0;  // 2^53
  if (std::abs(numbers[row]) <= exact_up_to && std::trunc(numbers[row]) == numbers[row])
    return std::to_string(static_cast<std::int64_t>(numbers[row]));
  std::array<char, 32> text;
  const auto result = std::to_chars(text.data(), text.data() + text.size(), numbers[row]);
  return {text.data(), result.ptr};
}

std::optional<std::size_t> Table::find(std::string_view name) const {
  if (has_header)
    for (std::size_t i = 0; i < columns.size(); ++i)
      if (columns[i].name == name) return i;
  std::size_t number = 0;
  const char* end = name.data() + name.size();
  if (const auto [stop, error] = std::from_chars(name.data(), end, number);
      error == std::errc() && stop == end && number >= 1 && number <= columns.size())
    return number - 1;
  return std::nullopt;
}

Table take_rows(const Table& table, std::span<const std::int64_t> positions) {
  const auto taken = [&](const auto& values) {
    std::remove_cvref_t<decltype(values)> result;
    if (values.empty()) return result;
    result.reserve(positions.size());
    for (const std::int64_t row : positions) result.push_back(values.at(static_cast<std::size_t>(row)));
    return result;
  };
  Table part{.path = table.path,
             .columns = {},
             .lines = taken(table.lines),
             .separator = table.separator,
             .quote = table.quote,
             .decimal = table.decimal,
             .has_header = table.has_header,
             .comments = table.comments,
             .image_height = table.image_height,
             .image_width = table.image_width,
             .image_channels = table.image_channels};
  for (const TableColumn& column : table.columns)
    part.columns.push_back({column.name, taken(column.numbers), taken(column.places), column.texts});
  return part;
}

Table read_table(const std::string& path, const TableOptions& options) {
  check(options);
  InputFile file(path);
  if (is_idx_images(file.beginning())) return read_idx(path, options.labels);
  if (const bool is_archive = is_npz(file.beginning()); is_archive || is_npy(file.beginning()))
    return read_arrays(path, is_archive, options);
  if (const std::string_view format = other_format(file.beginning(), options.separator.has_value());
      !format.empty())
    fail_on(path, "this is " + std::string(format));
  Table table;
  table.path = path;
  const CsvForm form = find_form(table, file.beginning(), options);
  TableReader reader(table, options, &file);
  read_csv_rows(file, form, [&](CsvRow& row, std::int64_t line) { reader.add(row, line); });
  reader.finish();
  return table;
}

Table make_table(const std::vector<std::vector<std::string>>& rows, const TableOptions& options,
                 const std::string& name) {
  check(options);
  Table table;
  table.path = name;
  table.decimal = options.decimal.value_or('.');
  TableReader reader(table, options);
  std::int64_t line = 0;
  for (CsvRow row : rows) reader.add(row, ++line);
  reader.finish();
  return table;
}

struct TableStream::State {
  State(const std::string& path, TableOptions given) : file(path), options(std::move(given)) {
    check(options);
    if (is_idx_images(file.beginning()) || is_npz(file.beginning()) || is_npy(file.beginning()))
      fail_on(path, "images and arrays are not read in parts; use read_table");
    if (const std::string_view format = other_format(file.beginning(), options.separator.has_value());
        !format.empty())
      fail_on(path, "this is " + std::string(format));
    rows = std::make_unique<CsvRows>(file, find_form(signs, file.beginning(), options));
  }
  InputFile file;
  TableOptions options;
  Table signs;  // without rows; comments that no part has counted yet
  std::unique_ptr<CsvRows> rows;
  std::deque<std::pair<CsvRow, std::int64_t>> waiting;  // read, but in no part yet
  bool is_first = true, is_end = false;
  std::size_t columns = 0;
  std::vector<std::string> names;  // where there is a header
};

TableStream::TableStream(const std::string& path, const TableOptions& options)
    : state_(std::make_unique<State>(path, options)) {}
TableStream::~TableStream() = default;
TableStream::TableStream(TableStream&&) noexcept = default;
TableStream& TableStream::operator=(TableStream&&) noexcept = default;

Table TableStream::read(std::int64_t most) {
  if (most < 1)
    throw std::invalid_argument("TableStream: a part of " + std::to_string(most) +
                                " rows; it must be positive");
  State& at = *state_;
  const std::size_t wanted = static_cast<std::size_t>(most) + (at.is_first ? 1 : 0);  // there may be a header
  do {
    while (at.waiting.size() < wanted && !at.is_end)
      at.is_end = !at.rows->read_some(
          [&](CsvRow& row, std::int64_t line) { at.waiting.emplace_back(std::move(row), line); });
    // A part begins with a row; comments among them are the reader's.
    while (!at.is_first && !at.waiting.empty() && is_comment(at.waiting.front().first, at.columns)) {
      ++at.signs.comments;
      at.waiting.pop_front();
    }
  } while (at.waiting.empty() && !at.is_end);
  Table table;
  table.path = at.file.path();
  table.separator = at.signs.separator;
  table.quote = at.signs.quote;
  table.decimal = at.signs.decimal;
  table.comments = std::exchange(at.signs.comments, 0);
  if (!at.is_first && at.waiting.empty()) {
    table.columns.resize(at.columns);
    for (std::size_t i = 0; i < at.columns; ++i)
      table.columns[i].name = at.names.empty() ? "column " + std::to_string(i + 1) : at.names[i];
    table.has_header = !at.names.empty();
    return table;
  }
  TableReader reader(table, at.options);
  // Of a first line that may turn out to be no header, see finish(), room is kept.
  const auto room = [&] { return at.is_first && table.has_header && !at.options.header && most > 1 ? 1 : 0; };
  while (table.rows() + room() < most && !at.waiting.empty()) {
    auto& [row, line] = at.waiting.front();
    reader.add(row, line);
    at.waiting.pop_front();
  }
  reader.finish();
  if (std::exchange(at.is_first, false)) {
    at.columns = table.columns.size();
    at.options.header = false;  // of the parts that follow
    if (table.has_header)
      for (const TableColumn& column : table.columns) at.names.push_back(column.name);
    return table;
  }
  while (table.columns.size() > at.columns && table.columns.back().missing() == table.rows())
    table.columns.pop_back();  // as of the first part
  if (table.columns.size() != at.columns)
    fail_at_line(table.path, table.lines.front(),
                 std::to_string(table.columns.size()) + " fields, but the rows before have " +
                     std::to_string(at.columns));
  table.has_header = !at.names.empty();
  for (std::size_t i = 0; i < at.names.size(); ++i) table.columns[i].name = at.names[i];
  return table;
}

}  // namespace chainrule
