// Neighbours of points along each axis, and all combinations of them.

#include "ops/networks/grid_reading.h"

#include "chainrule/functions.h"
#include "chainrule/shaping.h"
#include "kernels/keys.h"
#include "ops/elementwise.h"

namespace chainrule::ops {
namespace {

/// A coordinate mirrored at both ends until it lies between them, and the derivative.
struct Reflected {
  Tensor at, slope;
  Reflected(const Tensor& x, double low, double high) {
    const double span = high - low;
    if (span <= 0) {
      at = x * 0 + low;  // NaN stays, which is outside
      slope = zeros_like(x);
      return;
    }
    const Tensor distance = abs(x - low), turns = floor(distance / span).detach(),
                 beside = distance - turns * span, is_even = remainder(turns, 2.0) == 0;
    at = where(is_even, low + beside, high - beside);
    slope = where(is_even, 1, -1) * sign(x - low).detach();
  }
};

}  // namespace

GridReading::GridReading(const Shape& images, const Tensor& points, const GridSampleOptions& options)
    : sizes_(images.begin() + 2, images.end()), options_(options) {
  const auto count = static_cast<std::int64_t>(sizes_.size());
  std::size_t combinations = 1;
  for (std::int64_t axis = 0; axis < count; ++axis, combinations *= each()) {
    const Tensor g = reshape(select(points, -1, count - 1 - axis),
                             {images[0], Shape(points.shape().sizes().subspan(1)).size() / count});
    const auto size = static_cast<double>(sizes_[static_cast<std::size_t>(axis)]);
    axes_.push_back(along(options_.align_corners ? (g + 1) * ((size - 1) / 2) : ((g + 1) * size - 1) / 2,
                          static_cast<std::size_t>(axis)));
  }
  for (std::size_t i = 0; i < combinations; ++i) {
    std::vector<std::size_t> neighbours;
    for (std::size_t axis = 0, rest = i; axis < sizes_.size(); ++axis, rest /= each())
      neighbours.push_back(rest % each());
    add_places(neighbours);
    neighbours_.push_back(std::move(neighbours));
  }
}

std::size_t GridReading::each() const {
  return options_.mode == Interpolation::nearest ? 1 : options_.mode == Interpolation::cubic ? 4 : 2;
}

/// A coordinate where it is read: within the image, unless 0 is read outside. And the derivative.
Tensor GridReading::within(const Tensor& at, std::size_t axis) const {
  if (options_.padding == GridPadding::zeros) return at;
  const auto last = static_cast<double>(sizes_[axis] - 1);
  const double edge = options_.align_corners ? 0 : 0.5;
  return clamp(options_.padding == GridPadding::border ? at : Reflected(at, -edge, last + edge).at, 0, last);
}
Tensor GridReading::within_slope(const Tensor& at, std::size_t axis) const {
  if (options_.padding == GridPadding::zeros) return ones_like(at);
  const auto last = static_cast<double>(sizes_[axis] - 1);
  const double edge = options_.align_corners ? 0 : 0.5;
  const auto clamped = [&](const Tensor& x, const Tensor& slope) {
    return where((x >= 0) & (x <= last), slope, 0);
  };
  if (options_.padding == GridPadding::border) return clamped(at, ones_like(at)).detach();
  const Reflected reflected(at, -edge, last + edge);
  return clamped(reflected.at, reflected.slope).detach();
}

GridReading::Axis GridReading::along(const Tensor& at, std::size_t axis) const {
  if (each() == 1) return {{round(at)}, {}, {}};
  // Cubic interpolation mirrors or clamps its neighbours one by one, linear interpolation the point.
  const bool cubic = each() == 4;
  const Tensor point = cubic ? at : within(at, axis);
  const Tensor base = floor(point).detach(), t = point - base;
  const auto size = static_cast<double>(sizes_[axis]);
  const Tensor steepness =
      (options_.align_corners ? size - 1 : size) / 2 * (cubic ? ones_like(at) : within_slope(at, axis));
  Axis found;
  for (std::size_t i = 0; i < each(); ++i)
    found.pixels.push_back(base + (static_cast<double>(i) - (cubic ? 1 : 0)));
  if (!cubic) {
    found.weights = {1 - t, t};
    found.slopes = {-steepness, steepness};
    return found;
  }
  const Tensor distances[] = {t + 1, t, 1 - t, 2 - t};
  for (const std::size_t i : {0, 1, 2, 3}) {
    const Tensor& d = distances[i];
    const bool is_near = i == 1 || i == 2;
    found.weights.push_back(is_near ? kernels::keys_near(d) : kernels::keys_far(d));
    found.slopes.push_back(strong_product(is_near ? kernels::keys_near_slope(d) : kernels::keys_far_slope(d),
                                          i < 2 ? steepness : -steepness));
  }
  return found;
}

void GridReading::add_places(const std::vector<std::size_t>& neighbours) {
  Tensor place, inside;
  std::int64_t pixels = 1;
  for (std::size_t axis = 0; axis < sizes_.size(); ++axis) {
    const Tensor real = within(axes_[axis].pixels[neighbours[axis]], axis).detach();
    const Tensor here = (real >= 0) & (real <= static_cast<double>(sizes_[axis] - 1));
    inside = inside.is_empty() ? here : inside & here;
    const Tensor whole = cast(where(here, real, 0), DType::int64);
    place = place.is_empty() ? whole : place * sizes_[axis] + whole;
    pixels *= sizes_[axis];
  }
  const Tensor image = reshape(arange(0, place.shape()[0]) * pixels, {-1, 1});
  places_.push_back(where(inside, place + image, -1));  // nothing is read outside, nor where it is NaN
}

Tensor GridReading::weights() const {
  if (each() > 1) return products(sizes_.size());
  return ones(places().shape(), axes_[0].pixels[0].dtype());
}
Tensor GridReading::slopes(std::size_t axis) const {
  return each() > 1 ? products(axis) : zeros(places().shape(), axes_[0].pixels[0].dtype());
}

Tensor GridReading::products(std::size_t derived) const {
  std::vector<Tensor> all;
  for (const std::vector<std::size_t>& neighbours : neighbours_) {
    Tensor product;
    for (std::size_t axis = 0; axis < sizes_.size(); ++axis) {
      const std::vector<Tensor>& of_axis = axis == derived ? axes_[axis].slopes : axes_[axis].weights;
      const Tensor& factor = of_axis[neighbours[axis]];
      product = product.is_empty() ? factor : product * factor;
    }
    all.push_back(product);
  }
  return rows_of_neighbours(all);
}

Tensor GridReading::rows_of_neighbours(const std::vector<Tensor>& each) {
  const Tensor beside = stack(each, -1);
  return reshape(beside, {beside.shape()[0] * beside.shape()[1], beside.shape()[2]});
}

Tensor GridReading::rows_of(const Tensor& images) {
  const std::int64_t channels = images.shape()[1];
  std::int64_t rows = images.shape()[0];
  for (const std::int64_t size : images.shape().sizes().subspan(2)) rows *= size;
  return reshape(movedim(images, 1, -1), {rows, channels});
}
Tensor GridReading::images_of(const Tensor& rows, const Shape& shape) {
  std::vector<std::int64_t> sizes(shape.begin(), shape.end());
  sizes.erase(sizes.begin() + 1);
  sizes.push_back(shape[1]);
  return movedim(reshape(rows, Shape(sizes)), -1, 1);
}

}  // namespace chainrule::ops
