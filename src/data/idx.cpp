// Images in IDX as a table, with a column for each pixel, and the labels of the file beside it.
// Relies on io.h for reading them.

#include "data/idx.h"

#include <filesystem>
#include <optional>
#include <utility>

#include "chainrule/io.h"
#include "chainrule/ops.h"
#include "data/npz_table.h"
#include "io/file.h"

namespace chainrule {
namespace {

using namespace std::string_view_literals;

/// What the labels of images are called: t10k-labels-idx1-ubyte.gz for t10k-images-idx3-ubyte.gz.
std::string labels_of(const std::string& images) {
  const std::size_t name = images.rfind('/') + 1;  // 0 without one
  std::string labels = images;
  for (const auto& [from, to] : {std::pair("images"sv, "labels"sv), std::pair("idx2"sv, "idx1"sv),
                                 std::pair("idx3"sv, "idx1"sv), std::pair("idx4"sv, "idx1"sv)})
    if (const std::size_t at = labels.find(from, name); at != std::string::npos)
      labels.replace(at, from.size(), to);
  return labels != images && std::filesystem::exists(labels) ? labels : "";
}

TableColumn read_labels(const std::string& path, const std::string& images, std::int64_t count) {
  const Tensor labels = load_idx(path);
  if (labels.shape() != Shape({count}))
    fail_on(path, "it has labels of shape " + to_string(labels.shape()) + ", but " + images + " has " +
                      std::to_string(count) + " images");
  return {"class", cast(labels, DType::float64).to_vector<double>(), {}, {}};
}

}  // namespace

bool is_idx(std::string_view beginning) {
  constexpr std::string_view types = "\x08\x09\x0B\x0C\x0D\x0E";
  constexpr char most_axes = 8;
  return beginning.size() > 3 && beginning.starts_with("\0\0"sv) &&
         types.find(beginning[2]) != std::string_view::npos && beginning[3] > 0 && beginning[3] <= most_axes;
}

bool is_idx_images(std::string_view beginning) {
  return is_idx(beginning) && beginning[3] >= 2 && beginning[3] <= 4;
}

Table read_idx(const std::string& path, const std::string& labels) {
  Tensor samples = load_idx(path);
  const Shape given = samples.shape();
  const std::optional<Tensor> images = as_images(samples);
  constexpr std::int64_t most_columns = 1 << 20;
  const std::int64_t count = given[0], columns = count == 0 ? 0 : samples.size() / count;
  if (columns == 0 || columns > most_columns || (given.rank() > 2 && !images))
    fail_on(path, "its shape " + to_string(given) + " is not that of images");
  Table table;
  table.path = path;
  table.has_header = true;
  table.separator = '\0';  // there are no fields
  if (images) {
    samples = *images;
    table.image_channels = samples.shape()[1];
    table.image_height = samples.shape()[2];
    table.image_width = samples.shape()[3];
  }
  const auto add_columns = [&](const auto& values) {
    for (std::int64_t i = 0; i < columns; ++i) {
      TableColumn column{(images ? "pixel " : "x ") + std::to_string(i + 1), {}, {}, {}};
      column.numbers.reserve(static_cast<std::size_t>(count));
      for (std::int64_t at = i; at < samples.size(); at += columns)
        column.numbers.push_back(values[static_cast<std::size_t>(at)]);
      table.columns.push_back(std::move(column));
    }
  };
  if (samples.dtype() == DType::uint8)
    add_columns(samples.to_vector<std::uint8_t>());
  else
    add_columns(cast(samples, DType::float64).to_vector<double>());
  for (std::int64_t i = 0; i < count; ++i) table.lines.push_back(i + 1);
  const std::string classes = labels.empty() ? labels_of(path) : labels;
  if (!classes.empty()) table.columns.push_back(read_labels(classes, path, count));
  return table;
}

}  // namespace chainrule
