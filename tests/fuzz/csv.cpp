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

}  // namespace

void csv(Bytes bytes) {
  const std::string& path = file_of(bytes);
  try {
    const Tensor values = load_csv(path, DType::float32);
    const Csv table = read_csv(path);
    check(table);
    if (!(table.values.shape() == values.shape())) throw Finding("another shape the second time");
  } catch (const ParseError&) {
  } catch (const IoError&) {  // of what gzip has not packed
  }
  try {
    check(read_csv(path, [](std::span<const std::string>, std::int64_t columns) { return columns - 1; }));
  } catch (const ParseError&) {
  } catch (const IoError&) {  // of what gzip has not packed
  }
}

}  // namespace chainrule::fuzz
