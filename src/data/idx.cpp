// Images in IDX as a table, with a column for each pixel, and the labels of the file beside it.
// Relies on io.h for reading them.

#include "data/idx.h"

#include <filesystem>
#include <utility>

#include "chainrule/io.h"
#include "chainrule/ops.h"
#include "io/file.h"

namespace chainrule {
namespace {

using namespace std::string_view_literals;

/// What the labels of images are called: t10k-labels-idx1-ubyte.gz for t10k-images-idx3-ubyte.gz.
std::string labels_of(const std::string& images) {
  const std::size_t name = images.rfind('/') + 1;  // 0 without one
  std::string labels = images;
  for (const auto& [from, to] : {std::pair("images"sv, "labels"sv), std::pair("idx3"sv, "idx1"sv)})
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

bool is_idx_images(std::string_view beginning) { return beginning.starts_with("\0\0\x08\x03"sv); }

Table read_idx(const std::string& path, const std::string& labels) {
  const Tensor images = load_idx(path);
  const Shape& shape = images.shape();
  const std::int64_t count = shape[0], pixels = shape[1] * shape[2];
  constexpr std::int64_t most_pixels = 1 << 20;
  if (count == 0 || pixels == 0 || pixels > most_pixels)
    fail_on(path, "its shape " + to_string(shape) + " is not that of images");
  Table table;
  table.path = path;
  table.has_header = true;
  table.separator = '\0';  // there are no fields
  table.image_height = shape[1];
  table.image_width = shape[2];
  const std::span<const std::uint8_t> values = images.data<std::uint8_t>();
  for (std::int64_t pixel = 0; pixel < pixels; ++pixel) {
    TableColumn column{"pixel " + std::to_string(pixel + 1), {}, {}, {}};
    column.numbers.reserve(static_cast<std::size_t>(count));
    for (std::int64_t at = pixel; at < images.size(); at += pixels)
      column.numbers.push_back(values[static_cast<std::size_t>(at)]);
    table.columns.push_back(std::move(column));
  }
  for (std::int64_t i = 0; i < count; ++i) table.lines.push_back(i + 1);
  const std::string classes = labels.empty() ? labels_of(path) : labels;
  if (!classes.empty()) table.columns.push_back(read_labels(classes, path, count));
  return table;
}

}  // namespace chainrule
