// Images read between their pixels, at the points of a grid, and grids of affine maps.
// All that a point reads, as rows of channels, is added up at once by weights.

#include <cmath>

#include "array/axes.h"
#include "chainrule/functions.h"
#include "chainrule/shaping.h"
#include "chainrule/vision.h"
#include "kernels/copy.h"
#include "kernels/plane_sampling.h"
#include "ops/elementwise.h"
#include "ops/networks/grid_reading.h"
#include "ops/places/weighted_rows.h"
#include "ops/registry.h"

namespace chainrule {
namespace ops {
namespace {

/// (N, C, outs...).
Shape sampled_shape(const Shape& images, const Shape& points) {
  std::vector<std::int64_t> sizes(points.begin(), points.end() - 1);
  sizes.insert(sizes.begin() + 1, images[1]);
  return Shape(sizes);
}

/// grid_sample in operations on rows of channels.
Tensor sampled_rows(const Tensor& images, const Tensor& points, const GridSampleOptions& options, Here here) {
  const GridReading reading(images.shape(), points, options);
  const Tensor rows = weighted_rows(GridReading::rows_of(images), reading.weights(), reading.places(), here);
  return GridReading::images_of(rows, sampled_shape(images.shape(), points.shape()));
}

/// The same of few channels, where they lie.
struct SamplePlanes {
  static constexpr std::string_view name = "sample_planes",
                                    formula =
                                        "to x the gradient by the weights; to the grid Σ g ∂weight/∂grid x";
  GridSampleOptions options;

  Attributes attributes() const {
    return {{"mode", static_cast<std::int64_t>(options.mode)},
            {"padding", static_cast<std::int64_t>(options.padding)},
            {"align_corners", options.align_corners}};
  }
  /// Are there loops for these?
  static bool takes(const Shape& images) {
    const auto sizes = images.sizes().subspan(2);
    return images[1] <= kernels::most_sampled_channels && Shape(sizes).size() < std::int64_t{1} << 31 &&
           std::ranges::max(sizes) <= kernels::longest_sampled_axis;
  }
  Array forward(Values in) const {
    Array out(sampled_shape(in[0]->shape(), in[1]->shape()), in[0]->dtype());
    if (out.size() != 0)
      dispatch_floating(out.dtype(), [&]<class T>() {
        kernels::sample_planes(raw(in[0]->shape(), in[1]->shape()), in[0]->data<T>(), in[1]->data<T>(),
                               out.mutable_data<T>());
      });
    return out;
  }
  Tensor composed(Inputs in) const { return sampled_rows(in[0], in[1], options, {}); }
  static std::int64_t flops(Inputs, const Shape& out) { return 8 * out.size(); }
  static Reads reads(Wanted wanted) { return (wanted(1) ? reads_input(0) : 0) | reads_input(1); }
  void vjp(Inputs in, const Tensor&, const Tensor& g, Cotangents& to) const {
    const bool to_grid = to.wants(1) && options.mode != Interpolation::nearest;
    if (!to.in_numbers()) {
      const GridReading reading(in[0].shape(), in[1], options);
      const Tensor of_g = GridReading::rows_of(g), places = reading.places();
      const Shape& shape = in[0].shape();
      const std::int64_t rows = shape[0] * Shape(shape.sizes().subspan(2)).size();
      if (to.wants(0))
        to[0] = GridReading::images_of(add_to_rows(of_g, reading.weights(), places, rows), shape);
      if (!to_grid) return;
      const Tensor products = dot_rows(GridReading::rows_of(in[0]), of_g, places);
      std::vector<Tensor> of_axes;
      for (auto axis = static_cast<std::size_t>(in[1].shape().back()); axis-- > 0;)
        of_axes.push_back(sum(strong_product(products, reading.slopes(axis)), {-1}));
      to[1] = reshape(stack(of_axes, -1), in[1].shape());
      return;
    }
    const DType dtype = g.dtype();
    Array planes = to.wants(0) ? kernels::zeros(in[0].shape(), dtype) : Array();
    Array grid = to_grid ? kernels::zeros(in[1].shape(), dtype) : Array();
    if (g.size() != 0)
      dispatch_floating(dtype, [&]<class T>() {
        kernels::sample_planes_gradient<T>(
            raw(in[0].shape(), in[1].shape()), to_grid ? value_of(in[0]).data<T>() : nullptr,
            value_of(in[1]).data<T>(), value_of(g).data<T>(),
            to.wants(0) ? planes.mutable_data<T>() : nullptr, to_grid ? grid.mutable_data<T>() : nullptr);
      });
    if (to.wants(0)) to[0] = constant(std::move(planes));
    if (to_grid) to[1] = constant(std::move(grid));
  }
  LocalFormula local_formula(std::size_t input, std::span<const std::string>, const std::string&) const {
    return {input == 0 ? "g by the weights" : "Σ g ∂weight/∂grid x", false};
  }

 private:
  kernels::PlaneSampling raw(const Shape& images, const Shape& grid) const {
    kernels::PlaneSampling of = {.count = images[0],
                                 .channels = images[1],
                                 .points = Shape(grid.sizes().subspan(1)).size() / grid.back(),
                                 .axes = static_cast<int>(grid.back()),
                                 .sizes = {},
                                 .each = options.mode == Interpolation::nearest ? 1
                                         : options.mode == Interpolation::cubic ? 4
                                                                                : 2,
                                 .beyond = static_cast<kernels::BeyondEdges>(options.padding),
                                 .align_corners = options.align_corners};
    std::copy(images.begin() + 2, images.end(), of.sizes.begin());
    return of;
  }
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
  if (Shape(shape.sizes().subspan(2)).size() == 0)
    throw ShapeError("grid_sample: x " + to_string(shape) + " has no pixels; only N and C may be 0");
  if (options.mode == Interpolation::nearest_exact || options.mode == Interpolation::area)
    throw ShapeError("grid_sample: it reads by nearest, linear or cubic interpolation; choose one of these");
  const Tensor result = ops::SamplePlanes::takes(shape)
                            ? apply(ops::SamplePlanes{options}, x.here(), Argument(images), Argument(points))
                            : ops::sampled_rows(images, points, options, x.here());
  return Operand(result).as(dtype);
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
       .formula = SamplePlanes::formula,
       .example = "grid_sample([[[1, 3]]], [[[-0.5], [0], [0.5]]])",
       .note = "as PyTorch's; one spatial axis, too"},
      {.name = "affine_grid",
       .parameters = "theta, size, align_corners=False",
       .call = call<affine_grid>,
       .formula = "coordinates θᵀ; its adjoint by the coordinates",
       .example = "affine_grid([[[1, 0, 0.5], [0, 1, 0]]], (1, 1, 2, 2))"},
      inner<SamplePlanes>(),
  };
  return table;
}

}  // namespace ops
}  // namespace chainrule
