// Arrays in NumPy's NPZ as a table: each has a row for each sample.

#include "data/npz_table.h"

#include <algorithm>
#include <array>

#include "chainrule/io.h"
#include "chainrule/ops.h"
#include "io/file.h"

namespace chainrule {
namespace {

using namespace std::literals;

constexpr std::int64_t most_columns = 1 << 20;

/// Is an array called so what is to be predicted?
bool is_target(std::string_view name) {
  constexpr std::array names = {"y"sv, "Y"sv, "label"sv, "labels"sv, "target"sv, "targets"sv};
  return std::find(names.begin(), names.end(), name) != names.end();
}

/// The columns of one array: of (n,) one by its name, of (n, columns) "x 1" and so on, of images (n, height,
/// width) their pixels.
void add_columns(Table& table, const std::string& name, const Tensor& array) {
  const std::int64_t rows = array.shape()[0], columns = array.size() / rows;
  if (array.rank() > 3 || columns > most_columns)
    fail_on(table.path, "'" + name + "' has shape " + to_string(array.shape()) +
                            "; a table takes (n,), (n, columns), or images (n, height, width)");
  if (array.rank() == 3) {
    if (table.image_height != 0) fail_on(table.path, "'" + name + "' is a second array of images");
    table.image_height = array.shape()[1];
    table.image_width = array.shape()[2];
  }
  const std::vector<double> values = cast(array, DType::float64).to_vector<double>();
  for (std::int64_t column = 0; column < columns; ++column) {
    const std::string number = std::to_string(column + 1);
    TableColumn next{
        array.rank() == 1 ? name : (array.rank() == 3 ? "pixel " : name + " ") + number, {}, {}, {}};
    next.numbers.reserve(static_cast<std::size_t>(rows));
    for (std::int64_t row = 0; row < rows; ++row)
      next.numbers.push_back(values[static_cast<std::size_t>(row * columns + column)]);
    table.columns.push_back(std::move(next));
  }
}

}  // namespace

bool is_npz(std::string_view beginning) {
  constexpr std::size_t length_at = 26, name_at = 30;  // in the header of a ZIP archive's first member
  if (!beginning.starts_with("PK\x03\x04"sv) || beginning.size() < name_at) return false;
  const auto byte = [&](std::size_t at) {
    return static_cast<std::size_t>(static_cast<unsigned char>(beginning[at]));
  };
  const std::size_t length = byte(length_at) | byte(length_at + 1) << 8;
  return beginning.size() >= name_at + length && beginning.substr(name_at, length).ends_with(".npy");
}

Table read_npz(const std::string& path) {
  NamedTensors arrays = load_npz(path);
  if (arrays.empty()) fail_on(path, "there is no array in it");
  // What is to be predicted is taken from the last column, unless an option says otherwise.
  std::stable_partition(arrays.begin(), arrays.end(),
                        [](const auto& each) { return !is_target(each.first); });
  Table table;
  table.path = path;
  table.has_header = true;
  table.separator = '\0';  // there are no fields
  const std::string& first = arrays.front().first;
  for (const auto& [name, array] : arrays) {
    const Shape shape = array.shape(), other = arrays.front().second.shape();
    if (array.rank() == 0 || array.size() == 0 || other.rank() == 0 || shape[0] != other[0])
      fail_on(path, "'" + name + "' has shape " + to_string(shape) + " and '" + first + "' " +
                        to_string(other) + "; each array must have a row for each sample");
    add_columns(table, name, array);
  }
  for (std::int64_t row = 1; row <= arrays.front().second.shape()[0]; ++row) table.lines.push_back(row);
  return table;
}

}  // namespace chainrule
