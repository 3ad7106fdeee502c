// An array as coloured cells, for the boxes of a walk.
// Knows a tensor and a size, and writes SVG.

#pragma once

#include <string>
#include <vector>

#include "chainrule/tensor.h"
#include "draw/svg.h"

namespace chainrule {

/// An array as coloured cells: the stronger the colour the larger the number, negative ones grey. Few cells
/// have their numbers in them; those of many stand for the mean of a block. One with more than two axes is
/// shown as the matrices one below the other.
class HeatMap {
 public:
  explicit HeatMap(const Tensor& tensor);
  double width() const { return cell_width_ * static_cast<double>(columns_); }
  double height() const { return cell_height_ * static_cast<double>(rows_); }
  double cell_width() const { return cell_width_; }
  void set_cell_width(double width) { cell_width_ = width; }
  /// SVG with its upper left corner there.
  std::string svg(Point corner) const;

 private:
  std::vector<double> cells_;
  std::vector<std::string> numbers_;  // empty when there are too many
  std::size_t rows_ = 1, columns_ = 1;
  double cell_width_ = 9, cell_height_ = 9;
};

}  // namespace chainrule
