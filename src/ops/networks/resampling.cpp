// Interpolation, and the sums along an axis that it and average pooling are made of. Linear, so the
// derivative is the same with the matrix transposed.

#include "ops/networks/resampling.h"
#include "kernels/keys.h"

#include <cmath>
#include <memory>

#include "array/number_text.h"
#include "ops/data_movement.h"
#include "ops/networks/spatial.h"
#include "ops/registry.h"

namespace chainrule {
namespace ops {

/// x multiplied by a sparse matrix along one axis. The derivative is the same with its transpose.
struct SumsAlong {
  static constexpr std::string_view name = "sums_along", formula = "the gradient by the transposed weights";
  std::size_t axis;
  std::shared_ptr<const kernels::SparseMatrix> matrix, transposed;

  static constexpr bool linear = true;
  Tensor batch(const Unwrapped& at) const {
    return apply(SumsAlong{axis + 1, matrix, transposed}, {}, Argument(at.in[0]));
  }
  Array forward(Values in) const {
    Shape shape = in[0]->shape();
    shape[axis] = matrix->row_count();
    std::int64_t outer = 1, inner = 1;
    for (std::size_t i = 0; i < shape.rank(); ++i)
      if (i != axis) (i < axis ? outer : inner) *= shape[i];
    Array out(shape, in[0]->dtype());
    if (out.size() != 0)
      dispatch_floating(out.dtype(), [&]<class T>() {
        kernels::sums_along(*matrix, outer, inner, in[0]->data<T>(), out.mutable_data<T>());
      });
    return out;
  }
  /// The matrix with all its zeros.
  Attributes attributes() const {
    const std::int64_t columns = matrix->column_count;
    std::vector<double> dense(static_cast<std::size_t>(matrix->row_count() * columns));
    for (std::int64_t row = 0; row < matrix->row_count(); ++row)
      for (std::int64_t i = matrix->rows[row]; i < matrix->rows[row + 1]; ++i)
        dense[static_cast<std::size_t>(row * columns + matrix->columns[i])] += matrix->weights[i];
    return {{"axis", static_cast<std::int64_t>(axis)},
            {"matrix", tensor(std::move(dense), {matrix->row_count(), columns})}};
  }
  std::int64_t flops(Inputs, const Shape& out) const {
    return out[axis] == 0 ? 0
                          : out.size() / out[axis] * 2 * static_cast<std::int64_t>(matrix->columns.size());
  }
  Reads reads(Wanted) const { return 0; }
  void vjp(Inputs, const Tensor&, const Tensor& g, Cotangents& to) const {
    if (to.wants(0)) to[0] = apply(SumsAlong{axis, transposed, matrix}, Here::now(), Argument(g));
  }
  LocalFormula local_formula(std::size_t, std::span<const std::string>, const std::string&) const {
    return {"weightsᵀ g", false, true};
  }
};

Tensor sums_along(const Tensor& x, std::size_t axis, kernels::SparseMatrix matrix, Here here) {
  const auto transposed = std::make_shared<const kernels::SparseMatrix>(matrix.transposed());
  return apply(SumsAlong{axis, std::make_shared<const kernels::SparseMatrix>(std::move(matrix)), transposed},
               here, Argument(x));
}

namespace {

/// Row i of the matrix for element i of the result, which lies at `at` on the axis.
struct Weights {
  kernels::SparseMatrix matrix;

  void put(std::int64_t place, double weight) {
    if (weight != 0) matrix.add(std::clamp<std::int64_t>(place, 0, matrix.column_count - 1), weight);
  }
  void nearest(double at) { put(static_cast<std::int64_t>(std::floor(at)), 1); }
  void linear(double at) {
    const double start = std::floor(at);
    put(static_cast<std::int64_t>(start), 1 - (at - start));
    put(static_cast<std::int64_t>(start) + 1, at - start);
  }
  void cubic(double at) {
    const double start = std::floor(at);
    for (int k = -1; k <= 2; ++k) {
      const double d = std::abs(at - start - k);
      put(static_cast<std::int64_t>(start) + k, d <= 1 ? kernels::keys_near(d) : kernels::keys_far(d));
    }
  }
};

}  // namespace
}  // namespace ops

Tensor interpolate(const Operand& x, const InterpolateOptions& options) try {
  const Tensor in = x.as(ops::real_dtype(ops::dtype_of(x)));
  const auto fail = [](const std::string& what) { throw ShapeError("interpolate: " + what); };
  if (in.rank() < 3 || in.rank() > 5)
    fail("x has shape " + to_string(in.shape()) +
         "; it must be (N, C, spatial...) with one to three spatial axes");
  const std::size_t spatial = in.rank() - 2;
  if ((options.size.rank() == 0) == options.scale.empty()) fail("give either size or scale");
  if (options.scale.size() > 1 && options.scale.size() != spatial)
    fail(std::to_string(options.scale.size()) + " scales for " + std::to_string(spatial) +
         " spatial axes; give one number, or one for each axis");
  std::vector<std::int64_t> sizes;
  for (std::size_t axis = 0; axis < spatial; ++axis) {
    const std::int64_t from = in.shape()[axis + 2];
    if (from == 0)
      fail("x " + to_string(in.shape()) + " has no elements along a spatial axis; only N and C may be 0");
    if (options.scale.empty()) {
      sizes.push_back(ops::per_axis("interpolate", "size", options.size, axis, spatial, 1));
      continue;
    }
    const double scale = options.scale[options.scale.size() == 1 ? 0 : axis],
                 size = std::floor(static_cast<double>(from) * scale);
    if (!(size >= 1) || size >= static_cast<double>(ops::largest_step))
      fail("scale " + number_text(scale) + " of " + std::to_string(from) +
           " elements gives no size; it must be at least 1 and below 2³⁰");
    sizes.push_back(static_cast<std::int64_t>(size));
  }
  if (options.mode == Interpolation::area)
    return ops::adaptive_avg_pool("interpolate", spatial, x, PerAxis(sizes));
  Tensor result = in;
  for (std::size_t axis = 0; axis < spatial; ++axis) {
    const std::int64_t from = in.shape()[axis + 2], to = sizes[axis];
    // A scale that was given is used as it is, also where the size was rounded, as in PyTorch.
    const auto one_less = [](std::int64_t n) { return static_cast<double>(n - 1); };
    const auto below = [&](std::int64_t i) { return i * from / to; };  // i * step, without its rounding
    const bool smooth = options.mode == Interpolation::linear || options.mode == Interpolation::cubic;
    const double step = options.align_corners && smooth ? (to > 1 ? one_less(from) / one_less(to) : 0)
                        : options.scale.empty()         ? static_cast<double>(from) / static_cast<double>(to)
                                                : 1 / options.scale[options.scale.size() == 1 ? 0 : axis];
    ops::Weights weights;
    weights.matrix.column_count = from;
    for (std::int64_t i = 0; i < to; ++i) {
      const auto place = static_cast<double>(i);
      const double centre = options.align_corners ? place * step : (place + 0.5) * step - 0.5;
      switch (options.mode) {
        case Interpolation::nearest:
          weights.nearest(options.scale.empty() ? static_cast<double>(below(i)) : place * step);
          break;
        case Interpolation::nearest_exact: weights.nearest((place + 0.5) * step); break;
        case Interpolation::cubic: weights.cubic(centre); break;
        case Interpolation::linear:
        case Interpolation::area: weights.linear(std::max(centre, 0.0)); break;
      }
      weights.matrix.end_row();
    }
    result = ops::sums_along(result, axis + 2, std::move(weights.matrix), x.here());
  }
  return result;
} catch (...) {
  rethrow_in_call("interpolate", x);
}

namespace ops {
namespace {

/// The axes of pixels in (..., channels, height, width), whose `factor` must divide the one and the others.
void require_pixels(std::string_view name, const Shape& shape, std::int64_t factor, bool by_channels) {
  const std::size_t rank = shape.rank();
  const auto fail = [&](const std::string& what) { throw ShapeError(std::string(name) + ": " + what); };
  if (rank < 3) fail("x has shape " + to_string(shape) + "; it must be (..., channels, height, width)");
  if (factor < 1 || factor > largest_step) fail("factor " + std::to_string(factor) + " must be at least 1");
  const bool fits = by_channels ? shape[rank - 3] % (factor * factor) == 0
                                : shape[rank - 2] % factor == 0 && shape[rank - 1] % factor == 0;
  if (!fits)
    fail("x of shape " + to_string(shape) + " has " +
         (by_channels ? "channels that are no multiple of the square of "
                      : "a height or width that is no multiple of ") +
         std::to_string(factor));
}

/// x (before..., last three) as (before..., cut), its last axes in this order, as (before..., whole).
Tensor regrouped(const Tensor& x, const std::vector<std::int64_t>& cut,
                 const std::vector<std::int64_t>& order, const std::vector<std::int64_t>& whole, Here here) {
  const auto before = static_cast<std::ptrdiff_t>(x.rank() - 3);
  const auto with = [&](const std::vector<std::int64_t>& sizes) {
    std::vector<std::int64_t> all(x.shape().begin(), x.shape().begin() + before);
    all.insert(all.end(), sizes.begin(), sizes.end());
    return Shape(all);
  };
  std::vector<std::int64_t> axes;
  for (std::int64_t axis = 0; axis < before; ++axis) axes.push_back(axis);
  for (const std::int64_t axis : order) axes.push_back(before + axis);
  return reshape({permute(reshape(x, with(cut)), axes), here}, with(whole));
}

}  // namespace
}  // namespace ops

Tensor pixel_shuffle(const Operand& x, Integer factor) try {
  const Tensor in = x.as_tensor();
  const std::int64_t r = factor;
  ops::require_pixels("pixel_shuffle", in.shape(), r, true);
  const Shape& shape = in.shape();
  const std::int64_t c = shape[in.rank() - 3] / (r * r), h = shape[in.rank() - 2], w = shape[in.rank() - 1];
  return ops::regrouped(in, {c, r, r, h, w}, {0, 3, 1, 4, 2}, {c, h * r, w * r}, x.here());
} catch (...) {
  rethrow_in_call("pixel_shuffle", x);
}

Tensor pixel_unshuffle(const Operand& x, Integer factor) try {
  const Tensor in = x.as_tensor();
  const std::int64_t r = factor;
  ops::require_pixels("pixel_unshuffle", in.shape(), r, false);
  const Shape& shape = in.shape();
  const std::int64_t c = shape[in.rank() - 3], h = shape[in.rank() - 2] / r, w = shape[in.rank() - 1] / r;
  return ops::regrouped(in, {c, h, r, w, r}, {0, 2, 4, 1, 3}, {c * r * r, h, w}, x.here());
} catch (...) {
  rethrow_in_call("pixel_unshuffle", x);
}

namespace ops {

Entries resampling_operations() {
  static constexpr Entry table[] = {
      {.name = "interpolate",
       .parameters = "x|input, size=None, scale|scale_factor=None, mode='nearest', align_corners=False",
       .call = [](Arguments& a) -> Result {
         constexpr Interpolation modes[] = {Interpolation::nearest, Interpolation::nearest_exact,
                                            Interpolation::linear,  Interpolation::linear,
                                            Interpolation::linear,  Interpolation::cubic,
                                            Interpolation::area};
         InterpolateOptions options;
         const std::size_t axes = std::max<std::size_t>(a.tensor(0).rank(), 3) - 2;
         if (a.given(1)) options.size = per_axis_argument(a, 1, axes);
         if (a.given(2)) options.scale = a.tensor(2).to_vector<double>();
         double larger = 1;
         for (const double scale : options.scale)
           larger *= options.scale.size() == 1 ? std::pow(scale, static_cast<double>(axes)) : scale;
         if (larger * static_cast<double>(a.tensor(0).size()) > static_cast<double>(a.most_elements()))
           a.fail(2, "smaller, to fit into memory");
         options.mode = modes[a.choice(
             3, {"nearest", "nearest-exact", "linear", "bilinear", "trilinear", "bicubic", "area"})];
         options.align_corners = a.given(4) && a.flag(4);
         return interpolate(a[0], options);
       },
       .formula = SumsAlong::formula,
       .example = "interpolate([[[1, 3]]], 4, mode='linear')"},
      {.name = "pixel_shuffle",
       .parameters = "x|input, factor|upscale_factor",
       .call = call<pixel_shuffle>,
       .formula = "the gradient moved back",
       .example = "pixel_shuffle([[[1]], [[2]], [[3]], [[4]]], 2)"},
      {.name = "pixel_unshuffle",
       .parameters = "x|input, factor|downscale_factor",
       .call = call<pixel_unshuffle>,
       .formula = "the gradient moved back",
       .example = "pixel_unshuffle([[[1, 2], [3, 4]]], 2)"},
      inner<SumsAlong>(),
  };
  return table;
}

}  // namespace ops
}  // namespace chainrule
