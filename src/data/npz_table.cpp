// Arrays in NumPy's NPZ as a table: each has a row for each sample. Which array is the target, and which part
// a name means, is told by the names. Relies on io/npy.h and io/zip.h.

#include "data/npz_table.h"

#include <algorithm>
#include <array>
#include <limits>
#include <optional>

#include "chainrule/indexing.h"
#include "chainrule/io.h"
#include "chainrule/ops.h"
#include "chainrule/shaping.h"
#include "data/column_reader.h"
#include "data/letters.h"
#include "io/file.h"
#include "io/inflate.h"
#include "io/input_file.h"
#include "io/mapped_file.h"
#include "io/npy.h"
#include "io/zip.h"

namespace chainrule {
namespace {

using namespace std::literals;

constexpr std::int64_t most_columns = 1 << 20;

/// An array of a file. Of texts (n,), the array tells where each one's is in them.
struct NamedArray {
  std::string name;
  Tensor array;
  bool is_text = false;
  std::vector<std::string> texts = {};
};

NamedArray array_of(const std::string& name, std::string_view bytes, const std::string& source) {
  const auto texts = read_npy_texts(bytes, source);
  if (!texts) return {name, read_npy(bytes, source)};
  NamedArray result{name, {}, true};
  std::vector<std::int64_t> places;
  TextPlaces finder;
  for (const std::string& text : *texts)
    places.push_back(is_sign_of_nothing(text) ? -1 : finder.find_or_add(in_utf8(text), result.texts));
  result.array = tensor(places);
  return result;
}

/// The bytes of a file, unpacked where gzip has packed it.
class ArrayFile {
 public:
  explicit ArrayFile(const std::string& path) : file_(path), bytes_(file_.bytes()) {
    if (bytes_.starts_with(gzip_magic)) bytes_ = unpacked_ = gunzip(bytes_, path);
  }
  [[nodiscard]] std::string_view bytes() const { return bytes_; }

 private:
  MappedFile file_;
  std::string unpacked_;
  std::string_view bytes_;
};

std::vector<NamedArray> arrays_of(const std::string& path, bool is_archive) {
  const ArrayFile file(path);
  if (!is_archive) return {array_of("x", file.bytes(), path)};
  std::vector<NamedArray> arrays;
  for (const zip::Member& member : zip::read_directory(file.bytes(), path)) {
    const std::string source = path + ": member '" + member.name + "'";
    constexpr std::string_view extension = ".npy";
    if (!member.name.ends_with(extension)) fail_on(source, "it is no array: its name does not end with .npy");
    std::string room;
    arrays.push_back(array_of(member.name.substr(0, member.name.size() - extension.size()),
                              zip::unpack(member, room, source), source));
  }
  return arrays;
}

/// Is an array called so what is to be predicted?
bool is_target(std::string_view name) {
  constexpr std::array names = {"y"sv, "Y"sv, "label"sv, "labels"sv, "target"sv, "targets"sv};
  return std::find(names.begin(), names.end(), name) != names.end();
}

/// An array's part, "train", "validation" or "test", and its name without it: "x_train" is x of "train",
/// "testY" Y of "test". No part where the name has none, as "latest".
struct PartName {
  std::string_view part;
  std::string name;
};

PartName part_of(const std::string& name) {
  struct Word {
    std::string_view text, part;
  };
  constexpr std::array words = {Word{"validation", "validation"}, Word{"valid", "validation"},
                                Word{"val", "validation"},        Word{"dev", "validation"},
                                Word{"training", "train"},        Word{"train", "train"},
                                Word{"testing", "test"},          Word{"test", "test"}};
  std::string text = name;
  std::transform(text.begin(), text.end(), text.begin(), lower);
  const auto is_sign = [](char c) { return c == '_' || c == '-' || c == '.' || c == ' '; };
  for (const auto& [word, part] : words) {
    if (text.size() <= word.size()) continue;
    const std::size_t rest = text.size() - word.size();
    if (text.starts_with(word) && (is_sign(text[word.size()]) || rest == 1))
      return {part, name.substr(word.size() + (rest > 1 ? 1 : 0))};
    if (text.ends_with(word) && (is_sign(text[rest - 1]) || rest == 1))
      return {part, name.substr(0, rest - (rest > 1 ? 1 : 0))};
  }
  return {{}, name};
}

constexpr std::array parts = {"train"sv, "validation"sv, "test"sv};

/// Only the arrays of one part, if they have parts.
std::vector<NamedArray> of_part(const std::string& path, std::vector<NamedArray> arrays,
                                const std::string& wanted) {
  const auto has = [&](std::string_view part) {
    return std::any_of(arrays.begin(), arrays.end(),
                       [&](const NamedArray& each) { return part_of(each.name).part == part; });
  };
  const bool has_parts = has("train") && (has("test") || has("validation"));
  if (!has_parts && wanted.empty()) return arrays;
  const std::string_view part = wanted.empty() ? "train"sv : std::string_view(wanted);
  if (!has(part))
    fail_on(path, "no array in it is called so as those of the part '" + std::string(part) + "', as x_" +
                      std::string(part) + " is");
  std::vector<NamedArray> found;
  for (NamedArray& array : arrays) {
    const PartName each = part_of(array.name);
    if (each.part.empty())
      fail_on(path, "'" + array.name + "' is of no part, as those are of which names say train or test");
    if (each.part != part) continue;
    array.name = each.name;
    found.push_back(std::move(array));
  }
  return found;
}

/// Classes (n, classes) with a single 1 in each row as numbers (n,); anything else as it is.
Tensor without_one_hot(const Tensor& array) {
  if (array.rank() != 2 || array.shape()[1] < 2 || array.size() == 0) return array;
  const Tensor values = cast(array, DType::float64);
  const bool is_one_hot =
      all((values == 0.0) | (values == 1.0)).item<bool>() && all(sum(values, 1) == 1.0).item<bool>();
  return is_one_hot ? argmax(values, 1) : array;
}

/// The columns of one array: of (n,) one by its name, of (n, columns) "x 1" and so on, of images their
/// pixels.
void add_columns(Table& table, const NamedArray& named) {
  const std::string& name = named.name;
  Tensor array = named.array;
  const std::int64_t rows = array.shape()[0], columns = array.size() / rows;
  const std::optional<Tensor> images = as_images(array);
  if ((array.rank() > 2 && !images) || columns > most_columns)
    fail_on(
        table.path,
        "'" + name + "' has shape " + to_string(array.shape()) +
            "; a table takes (n,), (n, columns), or images (n, height, width), also with 1, 3 or 4 channels "
            "before or after these");
  if (images) {
    if (table.image_height != 0) fail_on(table.path, "'" + name + "' is a second array of images");
    table.image_channels = images->shape()[1];
    table.image_height = images->shape()[2];
    table.image_width = images->shape()[3];
    array = *images;
  }
  const std::vector<double> values = cast(array, DType::float64).to_vector<double>();
  for (std::int64_t column = 0; column < columns; ++column) {
    const std::string number = std::to_string(column + 1);
    TableColumn next{images ? "pixel " + number : columns == 1 ? name : name + " " + number, {}, {}, {}};
    next.numbers.reserve(static_cast<std::size_t>(rows));
    for (std::int64_t row = 0; row < rows; ++row)
      next.numbers.push_back(values[static_cast<std::size_t>(row * columns + column)]);
    if (named.is_text) {
      next.texts = named.texts;
      for (const double place : next.numbers) next.places.push_back(static_cast<std::int32_t>(place));
      next.numbers.assign(next.numbers.size(), std::numeric_limits<double>::quiet_NaN());
    }
    table.columns.push_back(std::move(next));
  }
}

}  // namespace

std::optional<Tensor> as_images(const Tensor& array) {
  const Shape shape = array.shape();
  const auto is_channels = [](std::int64_t size) { return size == 1 || size == 3 || size == 4; };
  if (array.rank() == 3) return unsqueeze(array, 1);
  if (array.rank() != 4) return std::nullopt;
  // Of (n, 3, 4, 4) either may be channels; squares are likelier.
  const bool is_square = is_channels(shape[1]) && shape[2] == shape[3] && shape[1] != shape[2];
  if (is_channels(shape[3]) && !is_square) return permute(array, {0, 3, 1, 2});
  return is_channels(shape[1]) ? std::optional(array) : std::nullopt;
}

bool is_npz(std::string_view beginning) {
  constexpr std::size_t length_at = 26, name_at = 30;  // in the header of a ZIP archive's first member
  if (!beginning.starts_with("PK\x03\x04"sv) || beginning.size() < name_at) return false;
  const auto byte = [&](std::size_t at) {
    return static_cast<std::size_t>(static_cast<unsigned char>(beginning[at]));
  };
  const std::size_t length = byte(length_at) | byte(length_at + 1) << 8;
  return beginning.size() >= name_at + length && beginning.substr(name_at, length).ends_with(".npy");
}

bool is_npy(std::string_view beginning) { return beginning.starts_with("\x93NUMPY"sv); }

std::vector<std::string> table_parts(const std::string& path) {
  std::vector<std::string> found;
  if (!is_npz(InputFile(path).beginning())) return found;
  const ArrayFile file(path);
  const std::vector<zip::Member> members = zip::read_directory(file.bytes(), path);
  for (const std::string_view part : parts)
    if (std::any_of(members.begin(), members.end(), [&](const zip::Member& each) {
          return part_of(each.name.substr(0, each.name.rfind('.'))).part == part;
        }))
      found.emplace_back(part);
  return found;
}

Table read_arrays(const std::string& path, bool is_archive, const TableOptions& options) {
  std::vector<NamedArray> arrays = of_part(path, arrays_of(path, is_archive), options.part);
  if (!options.labels.empty())
    arrays.push_back(array_of("y", ArrayFile(options.labels).bytes(), options.labels));
  if (arrays.empty()) fail_on(path, "there is no array in it");
  // What is to be predicted is taken from the last column, unless an option says otherwise.
  std::stable_partition(arrays.begin(), arrays.end(),
                        [](const NamedArray& each) { return !is_target(each.name); });
  Table table;
  table.path = path;
  table.has_header = true;
  table.separator = '\0';  // there are no fields
  for (NamedArray& each : arrays)
    if (is_target(each.name)) each.array = without_one_hot(each.array);
  const NamedArray& first = arrays.front();
  for (const NamedArray& each : arrays) {
    const Shape shape = each.array.shape(), other = first.array.shape();
    if (each.array.size() == 0)
      fail_on(path, "'" + each.name + "' has shape " + to_string(shape) + ", and so no number in it");
    if (each.array.rank() == 0 || other.rank() == 0 || shape[0] != other[0])
      fail_on(path, "'" + each.name + "' has shape " + to_string(shape) + " and '" + first.name + "' " +
                        to_string(other) + "; each array must have a row for each sample");
    add_columns(table, each);
  }
  for (std::int64_t row = 1; row <= first.array.shape()[0]; ++row) table.lines.push_back(row);
  return table;
}

}  // namespace chainrule
