// Networks for tables: convolutions, where the columns are an image, and linear layers. Layers are those of
// nn.h; which there are is said by plain options, so that a model's file can say it, too.

#include "chainrule/data/table_network.h"

#include <algorithm>

#include "chainrule/autograd.h"
#include "chainrule/distributions.h"
#include "chainrule/networks.h"

namespace chainrule {
namespace {

constexpr std::int64_t halved = 2;  // by each pooling

/// How many numbers the convolutions give of each image. ShapeError where one does not fit the one before.
std::int64_t features(const ImageShape& image, const std::vector<Conv2d>& convolutions) {
  ImageShape at = image;
  for (const Conv2d& each : convolutions) {
    const Shape weight = each.weight.shape();
    if (weight[1] != at.channels)
      throw ShapeError("TableNetwork: " + each.weight.name() + " " + to_string(weight) + " does not take " +
                       std::to_string(at.channels) + " channels");
    at = {weight[0], at.height / halved, at.width / halved};
    if (at.height < 1 || at.width < 1)
      throw ShapeError("TableNetwork: images of " + std::to_string(image.height) + "x" +
                       std::to_string(image.width) + " are too small for " +
                       std::to_string(convolutions.size()) + " convolutions, each of which halves them");
  }
  return at.pixels();
}

}  // namespace

TableNetwork::TableNetwork(Mlp layers) : layers_(std::move(layers)) {}

TableNetwork::TableNetwork(const ImageShape& image, std::vector<Conv2d> convolutions, Mlp layers)
    : image_(image), convolutions_(std::move(convolutions)), layers_(std::move(layers)) {
  const std::int64_t given = features(image_, convolutions_);
  const Parameter& first = this->layers().front().weight();
  if (first.shape()[1] != given)
    throw ShapeError("TableNetwork: " + first.name() + " " + to_string(first.shape()) +
                     " does not take the " + std::to_string(given) + " numbers that the convolutions give");
}

TableNetwork TableNetwork::convolutional(const ImageShape& image, const std::vector<std::int64_t>& channels,
                                         std::vector<std::int64_t> units, Generator& generator,
                                         std::int64_t kernel, DType dtype) {
  if (kernel < 1 || kernel % 2 == 0)
    throw ShapeError("TableNetwork: a kernel of " + std::to_string(kernel) +
                     "; it must be odd, to keep the size");
  std::vector<Conv2d> convolutions;
  std::int64_t before = image.channels;
  for (const std::int64_t each : channels) {
    convolutions.emplace_back(before, each, kernel, generator, ConvOptions{.padding = kernel / 2},
                              Bias::learned, dtype);
    name_parameters(convolutions.back(), "conv" + std::to_string(convolutions.size()));
    before = each;
  }
  units.insert(units.begin(), features(image, convolutions));
  return {image, std::move(convolutions), Mlp(units, generator, dtype)};
}

std::int64_t TableNetwork::inputs() const {
  return image_.is_empty() ? layers().front().weight().shape()[1] : image_.pixels();
}

std::vector<Parameter> TableNetwork::parameters() const { return chainrule::parameters(*this); }

std::string TableNetwork::sizes() const {
  std::string text = std::to_string(inputs());
  if (!image_.is_empty()) {
    text = std::to_string(image_.height) + "x" + std::to_string(image_.width);
    if (image_.channels > 1) text = std::to_string(image_.channels) + "x" + text;
  }
  for (const Conv2d& each : convolutions_) text += "-" + std::to_string(each.weight.shape()[0]) + "c";
  for (const Linear& each : layers()) text += "-" + std::to_string(each.weight().shape()[0]);
  return text;
}

Tensor TableNetwork::operator()(const Tensor& x, double dropout, Generator& generator, std::int64_t first,
                                std::int64_t samples) const {
  const std::int64_t rows = x.rank() == 0 ? 0 : x.shape()[0];
  if (first < 0 || first + rows > samples)
    throw ShapeError("TableNetwork: " + std::to_string(rows) + " rows from " + std::to_string(first) +
                     " on are no part of a batch of " + std::to_string(samples));
  const Batch batch{first, samples};
  return apply(x, dropout, &generator, rows == samples ? nullptr : &batch);
}

Tensor TableNetwork::apply(const Tensor& x, double share, Generator* generator, const Batch* part_of) const {
  Tensor signal = x;
  if (!image_.is_empty()) {
    if (x.rank() != 2 || x.shape()[1] != image_.pixels())
      throw ShapeError("TableNetwork: x is " + to_string(x.shape()) + "; it must be (n, " +
                       std::to_string(image_.pixels()) + ")");
    signal = reshape(x, {x.shape()[0], image_.channels, image_.height, image_.width});
    // The largest pixel first: ReLU keeps the order, and has a quarter of the numbers to look at.
    for (const Conv2d& each : convolutions_) signal = relu(max_pool2d(each(signal), halved));
    signal = reshape(signal, {x.shape()[0], layers().front().weight().shape()[1]});
  }
  const auto forget = [&](const Tensor& hidden) {
    if (share == 0) return hidden;
    if (part_of == nullptr) return dropout(hidden, share, *generator);
    const Shape& shape = hidden.shape();
    const Tensor of_all = dropout(ones({part_of->samples, shape[1]}, hidden.dtype()), share, *generator);
    return hidden * of_all[{Slice{part_of->first, part_of->first + shape[0]}}];
  };
  if (share == 0) return layers_(signal);
  if (!image_.is_empty()) signal = forget(signal);
  for (std::size_t i = 0; i < layers().size(); ++i) {
    signal = layers()[i](signal);
    if (i + 1 < layers().size()) signal = forget(relu(signal));
  }
  return signal;
}

Tensor TableNetwork::predict(const Tensor& x) const {
  const NoGrad guard;
  constexpr std::int64_t part = 1024;
  std::vector<Tensor> parts;
  const std::int64_t samples = x.rank() == 0 ? 0 : x.shape()[0];
  for (std::int64_t first = 0; first < samples; first += part)
    parts.push_back((*this)(x[{Slice{first, std::min(first + part, samples)}}]));
  return parts.empty() ? (*this)(x) : parts.size() == 1 ? parts.front() : concatenate(parts, 0);
}

}  // namespace chainrule
