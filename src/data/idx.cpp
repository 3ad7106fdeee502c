#include "data/idx.h"

#include <filesystem>
#include <limits>

#include "io/file.h"

// The format: two zeros, 8 for bytes, the number of axes, the size of each in four bytes, the largest first,
// and then the elements. Source: LeCun, Cortes and Burges, "The MNIST database of handwritten digits".
namespace chainrule {
namespace {

using namespace std::string_view_literals;

/// Fills the bytes, or says that there are not so many.
void read_all(InputFile& file, std::span<char> bytes) {
  while (!bytes.empty()) {
    const std::size_t count = file.read(bytes);
    if (count == 0) fail_on(file.path(), "it is cut short");
    bytes = bytes.subspan(count);
  }
}

/// The sizes of the axes.
std::vector<std::int64_t> read_sizes(InputFile& file, std::string_view beginning, std::size_t axes) {
  std::vector<char> header(4 + 4 * axes);
  if (!file.beginning().starts_with(beginning)) fail_on(file.path(), "these are no labels in IDX");
  read_all(file, header);
  std::vector<std::int64_t> sizes;
  for (std::size_t at = 4; at < header.size(); at += 4) {
    std::int64_t size = 0;
    for (std::size_t i = at; i < at + 4; ++i) size = size << 8 | static_cast<unsigned char>(header[i]);
    sizes.push_back(size);
  }
  return sizes;
}

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
  InputFile file(path);
  const std::int64_t labels = read_sizes(file, "\0\0\x08\x01"sv, 1)[0];
  if (labels != count)
    fail_on(path, "it has " + std::to_string(labels) + " labels, but " + images + " has " +
                      std::to_string(count) + " images");
  std::vector<char> bytes(static_cast<std::size_t>(labels));
  read_all(file, bytes);
  TableColumn column{"class", {}, {}, {}};
  for (const char byte : bytes) column.numbers.push_back(static_cast<unsigned char>(byte));
  return column;
}

}  // namespace

bool is_idx_images(std::string_view beginning) { return beginning.starts_with("\0\0\x08\x03"sv); }

Table read_idx(InputFile& images, const std::string& labels) {
  const std::vector<std::int64_t> sizes = read_sizes(images, "\0\0\x08\x03"sv, 3);
  constexpr std::int64_t most_pixels = 1 << 20;
  const std::int64_t count = sizes[0], pixels = sizes[1] * sizes[2];
  if (count == 0 || pixels == 0 || pixels > most_pixels)
    fail_on(images.path(), "it says that it has " + std::to_string(count) + " images of " +
                               std::to_string(sizes[1]) + " x " + std::to_string(sizes[2]) + " pixels");
  Table table;
  table.path = images.path();
  table.has_header = true;
  table.columns.resize(static_cast<std::size_t>(pixels));
  for (std::size_t i = 0; i < table.columns.size(); ++i)
    table.columns[i].name = "pixel " + std::to_string(i + 1);
  std::vector<char> image(static_cast<std::size_t>(pixels));
  for (std::int64_t i = 0; i < count; ++i) {  // grows as there are images: the file may promise more
    read_all(images, image);
    for (std::size_t pixel = 0; pixel < image.size(); ++pixel)
      table.columns[pixel].numbers.push_back(static_cast<unsigned char>(image[pixel]));
    table.lines.push_back(i + 1);
  }
  const std::string classes = labels.empty() ? labels_of(images.path()) : labels;
  if (!classes.empty()) table.columns.push_back(read_labels(classes, images.path(), count));
  return table;
}

}  // namespace chainrule
