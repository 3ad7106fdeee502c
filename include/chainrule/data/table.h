/// \file
/// Tables as people have them: numbers and texts in columns, with gaps.
///
/// Threads: any number may read files, and the same tables, at once.

#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "chainrule/detail/api.h"

namespace CHAINRULE_API chainrule {

/// A column of a table. A cell holds a number, a text or nothing.
struct TableColumn {
  std::string name;             ///< "column 3" where the header says nothing, "a.1" for a second "a"
  std::vector<double> numbers;  ///< of each row; NaN where there is none
  std::vector<std::int32_t>
      places;  ///< where in `texts` each row's is, -1 where there is none; empty if all are
  std::vector<std::string> texts;  ///< those that occur, each once, as they first occur

  /// Does this row's cell hold a text?
  [[nodiscard]] bool is_text(std::size_t row) const { return !places.empty() && places[row] >= 0; }
  /// Does it hold nothing?
  [[nodiscard]] bool is_missing(std::size_t row) const {
    return numbers[row] != numbers[row] && !is_text(row);
  }
  [[nodiscard]] std::int64_t missing() const;  ///< how many cells hold nothing
  /// How many cells hold a text.
  [[nodiscard]] std::int64_t text_cells() const;
  /// The text, or the number as short as it reads back: "3" for "3.0". Empty where there is nothing.
  [[nodiscard]] std::string cell(std::size_t row) const;
};

/// A table that was read from a file.
struct [[nodiscard]] Table {
  /// Of the file.
  std::string path;
  /// In the order of the file.
  std::vector<TableColumn> columns;
  std::vector<std::int64_t> lines;  ///< the line of the file on which each row begins, from 1
  /// What was between the fields, what was around some of them, and what was before the decimals of numbers.
  char separator = ',', quote = '"', decimal = '.';
  /// Did the first line name the columns?
  bool has_header = false;
  std::int64_t comments = 0;  ///< how many lines with # or % before it or among its rows were left out
  std::int64_t image_height = 0, image_width = 0;  ///< of images in IDX or NPZ; 0 for all else
  /// Of images: 3 of coloured ones, whose pixels come channel by channel.
  std::int64_t image_channels = 1;

  /// How many rows there are.
  [[nodiscard]] std::int64_t rows() const { return static_cast<std::int64_t>(lines.size()); }
  /// The position of the column with this name, or else of that number, from 1. Nothing when there is none.
  [[nodiscard]] std::optional<std::size_t> find(std::string_view name) const;
};

/// How a file is read, where it does not say itself.
struct TableOptions {
  std::optional<char> separator = {};  ///< of fields; where not given, what separates as many in each line
  /// Is the first line one? Where not given, it is if it has no number, and holds not just what the columns
  /// of text hold below, too. One with whole numbers, as country,1990,2000, is if the columns below tell: a
  /// name is above numbers alone, or the numbers are years in equal steps, and those below are not.
  std::optional<bool> header = {};
  std::string labels = {};  ///< of images in IDX: the file of their classes; where not given, the one
                            ///< that is called so, as train-labels-idx1-ubyte, if it is there. Of arrays: y
  /// What is before the decimals of a number, '.' or ','. With ',' points may stand between thousands, as in
  /// 1.234,5; a column without any such comma, in which some points cannot be that, as in 1.5, has decimal
  /// points. Where not given, ',' if the first lines have numbers that can only be read so, none that cannot,
  /// and another separator than commas.
  std::optional<char> decimal = {};
  /// What else a cell holds that has no value, exactly as it is written, "n.a." or "-", or a number, "-999"
  /// also for -999.0.
  std::vector<std::string> missing = {};
  /// Of arrays in NPZ that are called x_train, y_train, x_test and so on: "train", "validation" or "test".
  /// Where not given, "train".
  std::string part = {};
  /// What is around fields that hold separators, '"' or '\''. Where not given, '\'' if some fields are in
  /// such, and none in '"' or with a single one of them.
  std::optional<char> quote = {};
  /// What is before the decimals where that is not given, the first lines do not tell, and commas do not
  /// separate: ',' reads 1.250 and 1,250 as a model has learned them from a table that told (see
  /// TableEncoder::decimal).
  char usual_decimal = '.';
  /// Names of columns that a model has learned from: a first line that holds all of them is a header,
  /// whatever else it looks like.
  std::vector<std::string> usual_names = {};
};

/// The rows at these positions, in that order. std::out_of_range for a position that is not there.
Table take_rows(const Table& table, std::span<const std::int64_t> positions);

/// Reads a table, plain or compressed by gzip, apart by commas, semicolons, tabs, bars or spaces, any number
/// of those. Accepts what read_csv does. A cell that is empty, "?", "NA", "N/A", "<NA>", "null", "\\N" or
/// "nan" (in small and capital letters), or an error of a spreadsheet, as "#N/A" and "#DIV/0!", holds
/// nothing, and so does one that options.missing lists. Texts that are not UTF-8 are taken for Latin-1. Lines
/// that begin with # or % and have other fields than the rows are comments. Where the header has a field less
/// than all rows, as R writes it, the first column has no name. IoError when the file cannot be read, or is
/// in another format, which it names: Parquet, Excel, UTF-16, libsvm and others. ParseError, as "file:line:
/// ...", when it has no rows, or rows of different lengths. std::invalid_argument for decimals after anything
/// but '.' and ','.
///
/// Images in IDX, as those of MNIST, are a table too: columns "pixel 1" and so on, and "class" where there
/// are labels. IoError for files that are damaged or no pair. So are the arrays of NumPy's NPZ, which each
/// have a row for each sample: x (n, columns) is "x 1" and so on, a vector (n,) or (n, 1) one column of its
/// name, and images (n, height, width), also with 1 or 3 channels before or after these, are pixels; one
/// called y, label, labels, target or targets comes last. Such a one of floats or bytes (n, classes) that has
/// a single 1 in each row and else 0 is one column of classes. Where names say "train", "val" or "test", as
/// x_train and test_images do, options.part chooses, and the names are those without it. A file NPY is an
/// array called x, and options.labels its y. Texts (n,) of either are a column of text. IoError that names an
/// array of another shape.
Table read_table(const std::string& path, const TableOptions& options = {});

/// The same of rows that are in memory, of which the first names the columns if it is a header:
///
///     model.predict(make_table({{"age", "town"}, {"38", "Oslo"}, {"", "Rome"}}));
///
/// `name` is what errors and models call the table, and its lines are those of a file with a row in each.
/// What options say of separators, quotes, labels and parts is not for it. ParseError and
/// std::invalid_argument as of read_table.
Table make_table(const std::vector<std::vector<std::string>>& rows, const TableOptions& options = {},
                 const std::string& name = "rows");

/// Which parts a file NPZ has by the names of its arrays, of "train", "validation" and "test" in this order;
/// none in any other file. IoError when it cannot be read.
std::vector<std::string> table_parts(const std::string& path);

/// A table of any length, read a part at a time, with memory for no more than that:
///
///     TableStream stream("large.csv.gz");
///     const Table first = stream.read(100'000);                           // to make a TableEncoder from
///     while (const auto part = stream.read(10'000); part.rows() > 0) ...
///
/// Threads: one at a time may read a stream.
class TableStream {
 public:
  /// Accepts what read_table does, and fails as it does, but for images in IDX and arrays in NPZ. Where the
  /// options do not say whether there is a header, the first part decides.
  explicit TableStream(const std::string& path, const TableOptions& options = {});
  ~TableStream();
  TableStream(TableStream&&) noexcept;
  TableStream& operator=(TableStream&&) noexcept;

  /// The next rows, at most so many; none at the end. The columns' texts are those of this part.
  /// std::invalid_argument unless most is positive; else as read_table.
  Table read(std::int64_t most);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace chainrule
