// What the points of a grid read of images, as rows of channels: in operations, so that it has derivatives of
// any order and rules under transforms.

#pragma once

#include <vector>

#include "chainrule/vision.h"

namespace chainrule::ops {

/// The pixels that points read, and their weights, one of each for every neighbour of a point: as (N P, K),
/// for images (N, C, sizes...) and points (N, outs..., axes), P of them for each image.
class GridReading {
 public:
  GridReading(const Shape& images, const Tensor& points, const GridSampleOptions& options);

  /// Places in rows_of(images), -1 where nothing is read.
  Tensor places() const { return rows_of_neighbours(places_); }
  Tensor weights() const;
  /// The derivatives of the weights by the coordinates of an axis, 0 for none.
  Tensor slopes(std::size_t axis) const;

  /// Images (N, C, ...) as rows (N ..., C), and back, of this shape.
  static Tensor rows_of(const Tensor& images);
  static Tensor images_of(const Tensor& rows, const Shape& shape);

 private:
  /// Of the points, along one axis: a tensor (N, P) for each neighbour.
  struct Axis {
    std::vector<Tensor> pixels, weights, slopes;
  };
  Axis along(const Tensor& at, std::size_t axis) const;
  Tensor within(const Tensor& at, std::size_t axis) const;
  Tensor within_slope(const Tensor& at, std::size_t axis) const;
  void add_places(const std::vector<std::size_t>& neighbours);
  /// A product over the axes for every neighbour of the points, of weights, or along `derived` of slopes.
  Tensor products(std::size_t derived) const;
  /// Those (N, P) of each neighbour, side by side.
  static Tensor rows_of_neighbours(const std::vector<Tensor>& each);
  std::size_t each() const;

  std::vector<std::int64_t> sizes_;
  GridSampleOptions options_;
  std::vector<Axis> axes_;
  std::vector<std::vector<std::size_t>> neighbours_;
  std::vector<Tensor> places_;
};

}  // namespace chainrule::ops
