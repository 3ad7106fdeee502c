// An array as coloured cells, in SVG.
// Large arrays are shown by the means of blocks; signs differ in colour, sizes in strength.

#include "draw/walk/heat_map.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "draw/numbers.h"

namespace chainrule {
namespace {

constexpr std::size_t most_rows = 16, most_columns = 28;
constexpr double number_size = 12;

/// The means of blocks that make `columns` of what are `width` elements a row, and as many rows as asked for.
std::vector<double> means_of_blocks(const std::vector<double>& elements, std::size_t width, std::size_t rows,
                                    std::size_t columns) {
  const std::size_t height = elements.size() / width;
  std::vector<double> sums(rows * columns), counts(rows * columns);
  for (std::size_t i = 0; i < elements.size(); ++i) {
    const std::size_t cell = i / width * rows / height * columns + i % width * columns / width;
    sums[cell] += elements[i];
    counts[cell] += 1;
  }
  for (std::size_t cell = 0; cell < sums.size(); ++cell) sums[cell] /= counts[cell];
  return sums;
}

}  // namespace

HeatMap::HeatMap(const Tensor& tensor) : cells_(tensor.to_vector<double>()) {
  if (cells_.empty()) {
    rows_ = columns_ = 0;
    return;
  }
  columns_ = tensor.rank() == 0 ? 1 : static_cast<std::size_t>(tensor.shape().back());
  rows_ = cells_.size() / columns_;
  if (is_small(tensor)) {
    for (const double cell : cells_) {
      numbers_.push_back(number(cell, 4));
      cell_width_ = std::max({cell_width_, 30.0, text_width(numbers_.back()) * number_size + 10});
    }
    cell_height_ = 22;
  } else if (rows_ > most_rows || columns_ > most_columns) {
    const std::size_t rows = std::min(rows_, most_rows), columns = std::min(columns_, most_columns);
    cells_ = means_of_blocks(cells_, columns_, rows, columns);
    rows_ = rows;
    columns_ = columns;
  }
}

std::string HeatMap::svg(Point corner) const {
  double largest = 0;
  for (const double cell : cells_)
    if (std::isfinite(cell)) largest = std::max(largest, std::abs(cell));

  // The cells of a colour are one path: a picture with many cells stays small.
  constexpr int shades = 8;
  std::map<std::pair<bool, int>, std::string> paths;
  std::string texts, not_numbers;
  for (std::size_t i = 0; i < cells_.size(); ++i) {
    const double x = corner.x + static_cast<double>(i % columns_) * cell_width_,
                 y = corner.y +
                     static_cast<double>(i / columns_) * cell_height_;  // NOLINT(bugprone-integer-division)
    const std::string square =
        fmt::format("M{} {}h{}v{}h-{}z", at(x), at(y), at(cell_width_), at(cell_height_), at(cell_width_));
    const double share = std::isinf(cells_[i]) ? 1 : largest == 0 ? 0 : std::abs(cells_[i]) / largest;
    if (std::isnan(cells_[i]))
      not_numbers += square;
    else if (const int shade = static_cast<int>(std::ceil(share * shades)); shade > 0)
      paths[{cells_[i] < 0, shade}] += square;
    if (!numbers_.empty())
      texts += svg_text({x + cell_width_ / 2, y + cell_height_ / 2 + 4.2}, number_size, "cell", numbers_[i]);
  }
  // Behind numbers the colours are paler, so that those stay legible.
  const double strongest = numbers_.empty() ? 1 : 0.42;
  std::string svg;
  for (const auto& [colour, path] : paths)
    svg += fmt::format("<path class=\"heat{}\" fill-opacity=\"{:.2g}\" d=\"{}\"/>",
                       colour.first ? " negative" : "", strongest * colour.second / shades, path);
  if (!not_numbers.empty()) svg += "<path class=\"heat nan\" d=\"" + not_numbers + "\"/>";
  svg += fmt::format("<rect class=\"frame\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\"/>", at(corner.x),
                     at(corner.y), at(width()), at(height()));
  return svg + texts;
}

}  // namespace chainrule
