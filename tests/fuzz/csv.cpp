// Fuzz target: bytes as a CSV file and as a table, which are read or refused, and an encoder fitted to them.
// files.h has it in memory.

#include <numeric>

#include "chainrule/data/encoder.h"
#include "chainrule/io.h"
#include "files.h"

namespace chainrule::fuzz {
namespace {

void check(const Csv& table) {
  const std::size_t rows = table.lines.size();
  const Shape& shape = table.values.shape();
  if (shape.rank() != 2 || shape[0] != static_cast<std::int64_t>(rows) ||
      (!table.texts.empty() && table.texts.size() != rows))
    throw Finding("a table whose parts do not fit together");
  for (std::size_t row = 1; row < rows; ++row)
    if (table.lines[row - 1] >= table.lines[row]) throw Finding("rows that do not begin one after the other");
}

void check(const Table& table) {
  const std::size_t rows = table.lines.size();
  for (const TableColumn& column : table.columns) {
    if (column.numbers.size() != rows || (!column.places.empty() && column.places.size() != rows))
      throw Finding("a column that is not as long as the table");
    for (const std::int32_t place : column.places)
      if (place < -1 || place >= static_cast<std::int32_t>(column.texts.size()))
        throw Finding("a place without a text");
  }
  std::vector<std::int64_t> all(rows);
  std::iota(all.begin(), all.end(), 0);
  const TableEncoder encoder(table, {.target = table.columns.size() - 1}, all);
  if (encoder.inputs(table).shape() != Shape{table.rows(), encoder.width()})
    throw Finding("inputs of another shape");
}

}  // namespace

static void csv(Bytes bytes) {
  const std::string& path = file_of(bytes);
  try {
    const Tensor values = load_csv(path, DType::float32);
    const Csv table = read_csv(path);
    check(table);
    if (!(table.values.shape() == values.shape())) throw Finding("another shape the second time");
  } catch (const ParseError&) {
  } catch (const IoError&) {  // what gzip has compressed, or does not quite
  }
  try {
    check(read_csv(path, [](std::span<const std::string>, std::int64_t columns) { return columns - 1; }));
  } catch (const ParseError&) {
  } catch (const IoError&) {  // what gzip has compressed, or does not quite
  }
  try {
    check(read_table(path));
  } catch (const ParseError&) {
  } catch (const IoError&) {
  }
}
static const Registered registered("csv", csv);

}  // namespace chainrule::fuzz
