/// \file
/// The networks that are trained on tables: multi-layer perceptrons, with convolutions before them for
/// images. Layers are those of nn.h.

#pragma once

#include <string>
#include <vector>

#include "chainrule/nn.h"

namespace CHAINRULE_API chainrule {

/// The shape of an image whose pixels are the columns of a table, row by row, one channel after another.
struct ImageShape {
  std::int64_t channels = 1, height = 0, width = 0;  ///< a height of 0: no image

  /// Is there none?
  [[nodiscard]] bool is_empty() const { return height == 0; }
  /// How many numbers an image has.
  [[nodiscard]] std::int64_t pixels() const { return channels * height * width; }
  bool operator==(const ImageShape&) const = default;
};

/// Linear layers with ReLU between them and, for images, convolutions before them: each with a square kernel
/// and zeros around that keep the size, followed by ReLU and the largest of each 2 x 2 pixels.
///
///     const TableNetwork network = TableNetwork::convolutional({1, 28, 28}, {16, 32}, {128, 10}, generator);
///     network(images);   // (n, 784) gives (n, 10)
///
/// Parameters are named "conv1.weight", "conv1.bias", ..., "layer1.weight", ...
/// Threads: any number may evaluate one at once.
class TableNetwork {
 public:
  /// Without convolutions.
  TableNetwork(Mlp layers);  // NOLINT(google-explicit-constructor): a perceptron is a network
  /// ShapeError when convolutions and layers do not fit the image and each other.
  TableNetwork(const ImageShape& image, std::vector<Conv2d> convolutions, Mlp layers);
  /// Convolutions with so many channels each, and then layers of so many units, outputs the last; He's
  /// weights. ShapeError for sizes that are not positive, or an image that halves to nothing.
  static TableNetwork convolutional(const ImageShape& image, const std::vector<std::int64_t>& channels,
                                    std::vector<std::int64_t> units, Generator& generator,
                                    std::int64_t kernel = 3, DType dtype = default_dtype());

  /// x (n, inputs) gives (n, outputs). ShapeError when x does not fit.
  Tensor operator()(const Tensor& x) const { return apply(x, 0, nullptr); }
  /// The same a part of the samples at a time, and without a graph, so that memory does not grow with what
  /// layers have inside.
  [[nodiscard]] Tensor predict(const Tensor& x) const;
  /// While it learns: leaves out that share of what the hidden layers give, by chance.
  Tensor operator()(const Tensor& x, double dropout, Generator& generator) const {
    return apply(x, dropout, &generator);
  }
  /// The same where x are the rows `first`, first + 1, ... of a batch of `samples`, of which others see the
  /// rest: what is left out is what would be in the whole. ShapeError where the batch has no such rows.
  Tensor operator()(const Tensor& x, double dropout, Generator& generator, std::int64_t first,
                    std::int64_t samples) const;

  /// How many numbers it takes of each sample.
  [[nodiscard]] std::int64_t inputs() const;
  /// How many numbers it gives.
  [[nodiscard]] std::int64_t outputs() const { return layers().back().weight().shape()[0]; }
  /// Of its weights.
  [[nodiscard]] DType dtype() const { return layers().front().weight().dtype(); }
  [[nodiscard]] const ImageShape& image() const& { return image_; }  ///< empty without convolutions
  /// The convolutions before the layers, in order.
  [[nodiscard]] const std::vector<Conv2d>& convolutions() const& { return convolutions_; }
  /// The linear ones.
  [[nodiscard]] const std::vector<Linear>& layers() const& { return layers_.layers(); }
  std::vector<Linear> layers() && { return layers_.layers(); }
  /// Of the convolutions, then of the layers.
  [[nodiscard]] std::vector<Parameter> parameters() const;
  /// "64-32-10": the numbers of units; "28x28-16c-32c-128-10" with convolutions of 16 and 32 channels.
  [[nodiscard]] std::string sizes() const;

  CHAINRULE_MEMBERS_AS("convolutions, layers", convolutions_, layers_)

 private:
  struct Batch {
    std::int64_t first, samples;
  };
  Tensor apply(const Tensor& x, double share, Generator* generator, const Batch* part_of = nullptr) const;
  ImageShape image_;
  std::vector<Conv2d> convolutions_;
  Mlp layers_;
};

}  // namespace chainrule
