// Images read between their pixels, at the points of a grid, and grids of affine maps.
// All that a point reads, as rows of channels, is added up at once by weights.

#include <cmath>

#include "array/axes.h"
#include "chainrule/functions.h"
#include "chainrule/shaping.h"
#include "chainrule/vision.h"
#include "ops/elementwise.h"
#include "ops/networks/resampling.h"
#include "ops/places/weighted_rows.h"
#include "ops/registry.h"

namespace chainrule {
namespace ops {
namespace {

/// Mirrored at both ends until it lies between them.
Tensor reflected(const Tensor& x, double low, double high) {
  const double span = high - low;
  if (span <= 0) return zeros_like(x) + low;
  const Tensor from_low = abs(x - low), turns = floor(from_low / span).detach();
  const Tensor within = from_low - turns * span;
  return where(remainder(turns, 2.0) == 0, low + within, high - within);
}

/// Of the four pixels around, of which the second lies `t` before the point.
std::vector<Tensor> cubic_weights(const Tensor& t) {
  return {keys_far<Tensor>(t + 1), keys_near(t), keys_near<Tensor>(1 - t), keys_far<Tensor>(2 - t)};
}

/// What points (N, P) read of images: the places of pixels, and their weights, one of each for every
/// neighbour of a point.
class Reading {
 public:
  Reading(std::vector<std::int64_t> sizes, const GridSampleOptions& options)
      : sizes_(std::move(sizes)), options_(options) {}

  /// Adds the neighbours of points with these coordinates in pixels, one tensor for each axis.
  void add_neighbours(const std::vector<Tensor>& at) {
    const std::size_t axes = sizes_.size();
    const bool cubic = options_.mode == Interpolation::cubic;
    const std::size_t each = options_.mode == Interpolation::nearest ? 1 : cubic ? 4 : 2;
    std::vector<std::vector<Tensor>> neighbours(axes), weights(axes);
    for (std::size_t axis = 0; axis < axes; ++axis) {
      if (each == 1) {
        neighbours[axis] = {round(at[axis])};
        continue;
      }
      // Cubic interpolation mirrors or clamps its neighbours one by one, linear interpolation the point.
      const Tensor point = cubic ? at[axis] : within(at[axis], axis);
      const Tensor base = floor(point).detach(), t = point - base;
      for (std::size_t i = 0; i < each; ++i)
        neighbours[axis].push_back(base + (static_cast<double>(i) - (cubic ? 1 : 0)));
      weights[axis] = cubic ? cubic_weights(t) : std::vector<Tensor>{1 - t, t};
    }
    std::size_t combinations = 1;
    for (std::size_t axis = 0; axis < axes; ++axis) combinations *= each;
    for (std::size_t i = 0; i < combinations; ++i) {
      std::vector<Tensor> corner;
      Tensor weight;
      for (std::size_t axis = 0, rest = i; axis < axes; ++axis, rest /= each) {
        corner.push_back(neighbours[axis][rest % each]);
        if (each == 1) continue;
        const Tensor& w = weights[axis][rest % each];
        weight = weight.is_empty() ? w : weight * w;
      }
      add_pixel(corner);
      if (each > 1) weights_.push_back(weight);
    }
  }

  /// The sums (N P, C) of rows (N · pixels, C) by their weights.
  Tensor sum_of(const Tensor& rows, Here here) const {
    const auto all = [](const std::vector<Tensor>& each) {
      const Tensor beside = stack(each, -1);
      return reshape(beside, {beside.shape()[0] * beside.shape()[1], beside.shape()[2]});
    };
    const Tensor places = all(places_);
    return weighted_rows(rows, weights_.empty() ? ones(places.shape(), rows.dtype()) : all(weights_), places,
                         here);
  }

 private:
  /// A coordinate where it is read: within the image, unless 0 is read outside.
  Tensor within(const Tensor& at, std::size_t axis) const {
    if (options_.padding == GridPadding::zeros) return at;
    const auto last = static_cast<double>(sizes_[axis] - 1);
    const double edge = options_.align_corners ? 0 : 0.5;
    return clamp(options_.padding == GridPadding::border ? at : reflected(at, -edge, last + edge), 0, last);
  }

  void add_pixel(const std::vector<Tensor>& at) {
    Tensor place, inside;
    std::int64_t pixels = 1;
    for (std::size_t axis = 0; axis < sizes_.size(); ++axis) {
      const Tensor real = within(at[axis], axis).detach();
      const Tensor here = (real >= 0) & (real <= static_cast<double>(sizes_[axis] - 1));
      inside = inside.is_empty() ? here : inside & here;
      const Tensor whole = cast(where(here, real, 0), DType::int64);
      place = place.is_empty() ? whole : place * sizes_[axis] + whole;
      pixels *= sizes_[axis];
    }
    const Tensor image = reshape(arange(0, place.shape()[0]) * pixels, {-1, 1});
    places_.push_back(where(inside, place + image, -1));  // nothing is read outside, nor where it is NaN
  }

  std::vector<std::int64_t> sizes_;
  GridSampleOptions options_;
  std::vector<Tensor> places_, weights_;
};

}  // namespace
}  // namespace ops

Tensor grid_sample(const Operand& x, const Operand& grid, const GridSampleOptions& options) try {
  const DType dtype = ops::real_dtype(ops::common_dtype(x, grid)), computed = computed_in(dtype);
  const Tensor images = x.as(computed), points = grid.as(computed);
  const Shape &shape = images.shape(), &of_grid = points.shape();
  const std::size_t rank = shape.rank();
  if (rank < 3 || rank > 5 || of_grid.rank() != rank || of_grid[0] != shape[0] ||
      of_grid.back() != static_cast<std::int64_t>(rank - 2))
    throw ShapeError("grid_sample: a grid " + to_string(of_grid) + " for x " + to_string(shape) +
                     "; x must be (N, C, sizes...) with one to three spatial axes, and the grid (N, outs..., "
                     "axes) with as many");
  const std::int64_t n = shape[0], c = shape[1], axes = of_grid.back();
  const std::vector<std::int64_t> sizes(shape.begin() + 2, shape.end());
  std::vector<std::int64_t> result_sizes(of_grid.begin(), of_grid.end() - 1);
  const std::int64_t count = Shape(std::span(result_sizes).subspan(1)).size(), pixels = Shape(sizes).size();
  if (pixels == 0)
    throw ShapeError("grid_sample: x " + to_string(shape) + " has no pixels; only N and C may be 0");
  if (options.mode == Interpolation::nearest_exact || options.mode == Interpolation::area)
    throw ShapeError("grid_sample: it reads by nearest, linear or cubic interpolation; choose one of these");
  std::vector<Tensor> at;
  for (std::int64_t axis = 0; axis < axes; ++axis) {
    const Tensor g = reshape(select(points, -1, axes - 1 - axis), {n, count});
    const auto size = static_cast<double>(sizes[static_cast<std::size_t>(axis)]);
    at.push_back(options.align_corners ? (g + 1) * ((size - 1) / 2) : ((g + 1) * size - 1) / 2);
  }
  ops::Reading reading(sizes, options);
  reading.add_neighbours(at);
  result_sizes.push_back(c);
  const Tensor rows = reshape(movedim(images, 1, -1), {n * pixels, c});
  const Tensor last = reshape(reading.sum_of(rows, x.here()), Shape(result_sizes));
  return Operand(movedim(last, -1, 1)).as(dtype);
} catch (...) {
  rethrow_in_call("grid_sample", x, grid);
}

Tensor affine_grid(const Operand& theta, const Shape& size, Flag align_corners) try {
  const Tensor maps = theta.as(ops::real_dtype(ops::dtype_of(theta)));
  const std::int64_t axes = static_cast<std::int64_t>(size.rank()) - 2;
  if (axes < 1 || axes > 3 || maps.shape() != Shape{size[0], axes, axes + 1})
    throw ShapeError("affine_grid: theta " + to_string(maps.shape()) + " for images " + to_string(size) +
                     "; they must be (N, C, sizes...) with one to three spatial axes, and theta (N, axes, "
                     "axes + 1)");
  std::vector<std::int64_t> sizes(size.begin() + 2, size.end());
  const Shape pixels(sizes);
  std::vector<Tensor> coordinates;
  for (std::size_t axis = sizes.size(); axis-- > 0;) {
    const auto n = static_cast<double>(sizes[axis]);
    const Tensor i = arange(0, sizes[axis], maps.dtype());
    std::vector<std::int64_t> along(sizes.size(), 1);
    along[axis] = sizes[axis];
    const Tensor line = !align_corners ? (2 * i + 1) / n - 1 : n > 1 ? i * (2 / (n - 1)) - 1 : i;
    coordinates.push_back(broadcast_to(reshape(line, Shape(along)), pixels));
  }
  coordinates.push_back(ones(pixels, maps.dtype()));
  const Tensor points = reshape(stack(coordinates, -1), {pixels.size(), axes + 1});
  sizes.insert(sizes.begin(), size[0]);
  sizes.push_back(axes);
  return reshape({matmul(points, swapaxes(maps, 1, 2)), theta.here()}, Shape(sizes));
} catch (...) {
  rethrow_in_call("affine_grid", theta);
}

namespace ops {

Entries grid_operations() {
  static constexpr Entry table[] = {
      {.name = "grid_sample",
       .parameters = "x|input, grid, mode='bilinear', padding_mode='zeros', align_corners=False",
       .call = [](Arguments& a) -> Result {
         constexpr Interpolation modes[] = {Interpolation::linear, Interpolation::linear,
                                            Interpolation::nearest, Interpolation::cubic,
                                            Interpolation::cubic};
         const GridSampleOptions options = {
             .mode = modes[a.choice(2, {"bilinear", "linear", "nearest", "bicubic", "cubic"})],
             .padding = static_cast<GridPadding>(a.choice(3, {"zeros", "border", "reflection"})),
             .align_corners = a.flag(4)};
         const Tensor &x = a.tensor(0), &grid = a.tensor(1);
         const double channels = x.rank() > 1 ? static_cast<double>(x.shape()[1]) : 0;
         if (channels * static_cast<double>(grid.size()) > static_cast<double>(a.most_elements()))
           a.fail(1, "smaller, to fit into memory");
         return grid_sample(a[0], a[1], options);
       },
       .formula = "to x the gradient by the weights; to the grid Σ g ∂weight/∂grid x",
       .example = "grid_sample([[[1, 3]]], [[[-0.5], [0], [0.5]]])",
       .note = "as PyTorch's; one spatial axis, too"},
      {.name = "affine_grid",
       .parameters = "theta, size, align_corners=False",
       .call = call<affine_grid>,
       .formula = "coordinates θᵀ; its adjoint by the coordinates",
       .example = "affine_grid([[[1, 0, 0.5], [0, 1, 0]]], (1, 1, 2, 2))"},
  };
  return table;
}

}  // namespace ops
}  // namespace chainrule
