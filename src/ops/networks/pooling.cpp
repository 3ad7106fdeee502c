// Pooling over windows of one to three spatial axes: largest elements by max_pool.h, means by resampling.h.
// spatial.h reads the arguments.

#include <limits>

#include "ops/networks/max_pool.h"
#include "ops/networks/resampling.h"
#include "ops/networks/spatial.h"
#include "ops/registry.h"

namespace chainrule {
namespace ops {
namespace {

using kernels::PoolWindow;
using kernels::PoolWindows;
using kernels::SparseMatrix;

/// The sizes of x with the spatial ones replaced.
Shape with_spatial(const Shape& x, std::size_t spatial, const auto& size) {
  Shape shape = x;
  for (std::size_t axis = 0; axis < spatial; ++axis) shape[x.rank() - spatial + axis] = size(axis);
  return shape;
}

/// ShapeError for a shape without spatial elements.
void require_elements(const std::string& operation, const Shape& x, std::size_t spatial) {
  for (const std::int64_t size : spatial_sizes(x, spatial))
    if (size == 0 || size >= largest_step)
      throw ShapeError(operation + ": x " + to_string(x) + " has " +
                       (size == 0 ? "no elements" : "2³⁰ elements or more") +
                       " along a spatial axis; only N and C may be that");
}

/// Along one axis: `count` windows that reach over so many elements, the first of which begins `before` the
/// axis.
struct Course {
  std::int64_t in, kernel, reach, stride, before, dilation, count;
};
Course course(const std::string& operation, const Shape& x, std::size_t axis, std::size_t spatial,
              const PerAxis& kernel, const PerAxis& stride, const PerAxis& padding, const PerAxis& dilation,
              bool ceil_mode) {
  Course c{};
  c.in = x[x.rank() - spatial + axis];
  c.kernel = per_axis(operation, "kernel", kernel, axis, spatial, 1);
  c.stride = stride.rank() == 0 ? c.kernel : per_axis(operation, "stride", stride, axis, spatial, 1);
  c.before = per_axis(operation, "padding", padding, axis, spatial, 0);
  c.dilation = per_axis(operation, "dilation", dilation, axis, spatial, 1);
  c.reach = (c.kernel - 1) * c.dilation + 1;
  if (2 * c.before > c.reach)
    throw ShapeError(operation + ": padding " + to_string(padding) + " is more than half of the " +
                     std::to_string(c.reach) + " elements that the kernel " + to_string(kernel) +
                     " reaches over; use less padding");
  const std::int64_t rest = c.in + 2 * c.before - c.reach, last = ceil_mode ? rest + c.stride - 1 : rest;
  if (last < 0)
    throw ShapeError(operation + ": the kernel " + to_string(kernel) + ", which reaches over " +
                     std::to_string(c.reach) + " elements, is larger than the " +
                     std::to_string(c.in + 2 * c.before) + " of x " + to_string(x) +
                     " with its padding along axis " + std::to_string(x.rank() - spatial + axis) +
                     "; use a smaller kernel or more padding");
  c.count = last / c.stride + 1;
  if (ceil_mode && (c.count - 1) * c.stride >= c.in + c.before) --c.count;  // it would begin behind the end
  return c;
}

/// How many windows along a spatial axis: -1 for as many as there are elements.
std::int64_t adaptive_size(const char* operation, const PerAxis& size, std::size_t axis, std::size_t spatial,
                           std::int64_t in) {
  const std::int64_t out = per_axis(operation, "size", size, axis, spatial, -1);
  return out == -1 ? in : out;
}
PoolWindow adaptive_window(std::int64_t i, std::int64_t in, std::int64_t out) {
  const std::int64_t begin = i * in / out;
  return {begin, ((i + 1) * in + out - 1) / out - begin};
}

/// Where the largest element of each window is in its plane, of planes (..., spatial).
Tensor largest_places(const Tensor& x, const PoolWindows& windows, const Shape& result) {
  const auto found = [windows, result](const Array& array) {
    MaxPool::Saved saved;
    const Array* const in = &array;
    (void)MaxPool{windows, result}.forward(std::span(&in, 1), saved, {});
    return saved.places;
  };
  return numbers_of(x, found, [windows, result](const Tensor& stack) {
    return largest_places(stack, windows, with_first(stack.shape()[0], result));
  });
}

/// Pools a batch or a sample. windows(x, axis) are those along a spatial axis. The places are there if
/// somebody looks at them.
template <class Along>
Pooled max_pool(const char* operation, std::size_t spatial, const Operand& x, bool with_places,
                const Along& along) {
  const Tensor in = x.as(real_dtype(dtype_of(x)));
  Tensor places;
  Tensor values = in_batch(operation, in, spatial, [&](const Tensor& batch) {
    const Shape& shape = batch.shape();
    require_elements(operation, shape, spatial);
    PoolWindows windows;
    windows.in = spatial_sizes(shape, spatial);
    for (std::size_t axis = 0; axis < spatial; ++axis) windows.axes[3 - spatial + axis] = along(shape, axis);
    const Shape result = with_spatial(shape, spatial, [&](std::size_t axis) {
      return static_cast<std::int64_t>(windows.axes[3 - spatial + axis].size());
    });
    if (traced(batch)) {
      places = largest_places(batch, windows, result);
      const std::int64_t plane = windows.in_size(), planes = plane == 0 ? 0 : shape.size() / plane;
      Shape line = Shape::filled(result.rank(), 1);
      std::copy(shape.begin(), shape.end() - static_cast<std::ptrdiff_t>(spatial), &line[0]);
      const Tensor chosen =
          gather_places(batch, maximum(places, 0) + reshape(arange(0, planes) * plane, line));
      return where(places < 0, -std::numeric_limits<double>::infinity(), chosen);
    }
    MaxPool::Saved saved;
    saved.always = with_places;
    Tensor out = apply(MaxPool{std::move(windows), result}, x.here(), saved, Argument(batch));
    places = constant(saved.places);
    return out;
  });
  return {values, with_places ? reshape(places, values.shape()) : Tensor()};
}

Pooled max_pool(const char* operation, std::size_t spatial, const Operand& x, bool with_places,
                const PerAxis& kernel, const MaxPoolOptions& options) {
  return max_pool(operation, spatial, x, with_places, [&](const Shape& shape, std::size_t axis) {
    const Course c = course(operation, shape, axis, spatial, kernel, options.stride, options.padding,
                            options.dilation, options.ceil_mode);
    std::vector<PoolWindow> windows;
    for (std::int64_t i = 0; i < c.count; ++i) {
      const std::int64_t start = i * c.stride - c.before,
                         skipped = start < 0 ? (-start + c.dilation - 1) / c.dilation : 0,
                         begin = start + skipped * c.dilation,
                         fitting = begin >= c.in ? 0 : (c.in - begin - 1) / c.dilation + 1;
      windows.push_back({begin, std::clamp<std::int64_t>(c.kernel - skipped, 0, fitting), c.dilation});
    }
    return windows;
  });
}

Pooled adaptive_max_pool(const char* operation, std::size_t spatial, const Operand& x, bool with_places,
                         const PerAxis& size) {
  return max_pool(operation, spatial, x, with_places, [&](const Shape& shape, std::size_t axis) {
    const std::int64_t in = shape[shape.rank() - spatial + axis],
                       out = adaptive_size(operation, size, axis, spatial, in);
    std::vector<PoolWindow> windows;
    for (std::int64_t i = 0; i < out; ++i) windows.push_back(adaptive_window(i, in, out));
    return windows;
  });
}

/// The means of windows: sums along one axis after another, divided by the counts. along(shape, axis, counts)
/// gives the windows, and what they count along this axis.
template <class Along>
Tensor avg_pool(const char* operation, std::size_t spatial, const Operand& x,
                std::optional<std::int64_t> divisor, const Along& along) {
  const DType dtype = real_dtype(dtype_of(x));
  const Tensor in = x.as(computed_in(dtype));  // many halves have a mean, but no sum
  const Tensor means = in_batch(operation, in, spatial, [&](const Tensor& batch) {
    require_elements(operation, batch.shape(), spatial);
    Tensor sums = batch;
    std::vector<double> counts = {1};
    std::vector<std::int64_t> sizes, whole;  // the axes that are a window as a whole, as of a global mean
    for (std::size_t axis = 0; axis < spatial; ++axis) {
      std::vector<std::int64_t> counted;
      SparseMatrix matrix;
      matrix.column_count = batch.shape()[axis + 2];
      const auto windows = along(batch.shape(), axis, counted);
      if (windows.size() == 1 && windows[0].begin == 0 && windows[0].count == matrix.column_count) {
        for (double& count : counts) count *= static_cast<double>(counted[0]);
        sizes.push_back(1);
        whole.push_back(static_cast<std::int64_t>(axis) + 2);
        continue;
      }
      for (const PoolWindow& each : windows) {
        for (std::int64_t k = 0; k < each.count; ++k) matrix.add(each.begin + k, 1);
        matrix.end_row();
      }
      std::vector<double> products;
      for (const double count : counts)
        for (const std::int64_t more : counted) products.push_back(count * static_cast<double>(more));
      counts = std::move(products);
      sizes.push_back(matrix.row_count());
      sums = sums_along(sums, axis + 2, std::move(matrix), x.here());
    }
    if (!whole.empty()) sums = sum({sums, x.here()}, whole, true);
    if (divisor) return div({sums, x.here()}, *divisor);
    if (std::adjacent_find(counts.begin(), counts.end(), std::not_equal_to<>()) == counts.end())
      return div({sums, x.here()}, counts.empty() ? 1.0 : counts[0]);
    return div({sums, x.here()}, cast(tensor(std::move(counts), Shape(sizes)), in.dtype()));
  });
  return Operand(means).as(dtype);
}

Tensor avg_pool(const char* operation, std::size_t spatial, const Operand& x, const PerAxis& kernel,
                const AvgPoolOptions& options) {
  if (options.divisor_override && *options.divisor_override == 0)
    throw ShapeError(std::string(operation) +
                     ": divisor_override is 0; leave it out, or give another number");
  return avg_pool(operation, spatial, x, options.divisor_override,
                  [&](const Shape& shape, std::size_t axis, std::vector<std::int64_t>& counts) {
                    const Course c = course(operation, shape, axis, spatial, kernel, options.stride,
                                            options.padding, 1, options.ceil_mode);
                    std::vector<PoolWindow> windows;
                    for (std::int64_t i = 0; i < c.count; ++i) {
                      const std::int64_t start = i * c.stride - c.before,
                                         stop = std::min(start + c.kernel, c.in + c.before),
                                         begin = std::max<std::int64_t>(start, 0),
                                         count = std::min(stop, c.in) - begin;
                      windows.push_back({begin, count});
                      counts.push_back(options.count_include_pad ? stop - start : count);
                    }
                    return windows;
                  });
}

}  // namespace

Tensor adaptive_avg_pool(const char* operation, std::size_t spatial, const Operand& x, const PerAxis& size) {
  return avg_pool(operation, spatial, x, {},
                  [&](const Shape& shape, std::size_t axis, std::vector<std::int64_t>& counts) {
                    const std::int64_t out = adaptive_size(operation, size, axis, spatial, shape[axis + 2]);
                    std::vector<PoolWindow> windows;
                    for (std::int64_t i = 0; i < out; ++i) {
                      windows.push_back(adaptive_window(i, shape[axis + 2], out));
                      counts.push_back(windows.back().count);
                    }
                    return windows;
                  });
}

}  // namespace ops

#define CHAINRULE_POOLING(spatial)                                                                          \
  Tensor max_pool##spatial##d(const Operand& x, const PerAxis& kernel, const MaxPoolOptions& options) try { \
    return ops::max_pool("max_pool" #spatial "d", spatial, x, false, kernel, options).values;               \
  } catch (...) {                                                                                           \
    rethrow_in_call(x);                                                                                     \
  }                                                                                                         \
  Pooled max_pool##spatial##d_with_places(const Operand& x, const PerAxis& kernel,                          \
                                          const MaxPoolOptions& options) try {                              \
    return ops::max_pool("max_pool" #spatial "d_with_places", spatial, x, true, kernel, options);           \
  } catch (...) {                                                                                           \
    rethrow_in_call(x);                                                                                     \
  }                                                                                                         \
  Tensor avg_pool##spatial##d(const Operand& x, const PerAxis& kernel, const AvgPoolOptions& options) try { \
    return ops::avg_pool("avg_pool" #spatial "d", spatial, x, kernel, options);                             \
  } catch (...) {                                                                                           \
    rethrow_in_call("avg_pool" #spatial "d", x);                                                            \
  }                                                                                                         \
  Tensor adaptive_avg_pool##spatial##d(const Operand& x, const PerAxis& size) try {                         \
    return ops::adaptive_avg_pool("adaptive_avg_pool" #spatial "d", spatial, x, size);                      \
  } catch (...) {                                                                                           \
    rethrow_in_call("adaptive_avg_pool" #spatial "d", x);                                                   \
  }                                                                                                         \
  Tensor adaptive_max_pool##spatial##d(const Operand& x, const PerAxis& size) try {                         \
    return ops::adaptive_max_pool("adaptive_max_pool" #spatial "d", spatial, x, false, size).values;        \
  } catch (...) {                                                                                           \
    rethrow_in_call(x);                                                                                     \
  }

CHAINRULE_POOLING(1)
CHAINRULE_POOLING(2)
CHAINRULE_POOLING(3)

#undef CHAINRULE_POOLING

namespace ops {
namespace {

using PoolCall = Tensor(const Operand&, const PerAxis&, const MaxPoolOptions&);
using PlacesCall = Pooled(const Operand&, const PerAxis&, const MaxPoolOptions&);
using AverageCall = Tensor(const Operand&, const PerAxis&, const AvgPoolOptions&);

PerAxis stride_of(Arguments& a) { return a.given(2) ? PerAxis(a.integers(2)) : PerAxis(); }

template <PoolCall* plain, PlacesCall* with_places>
constexpr Entry max_entry(std::string_view name, std::string_view example) {
  return {.name = name,
          .parameters =
              "x|input, kernel|kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False, "
              "return_places|return_indices=False",
          .call = [](Arguments& a) -> Result {
            const MaxPoolOptions options = {.stride = stride_of(a),
                                            .padding = PerAxis(a.integers(3)),
                                            .dilation = PerAxis(a.integers(4)),
                                            .ceil_mode = a.flag(5)};
            const PerAxis kernel(a.integers(1));
            if (!a.flag(6)) return plain(a[0], kernel, options);
            Pooled pooled = with_places(a[0], kernel, options);
            return std::vector<Tensor>{pooled.values, pooled.places};
          },
          .formula = MaxPool::formula,
          .example = example,
          .note = "the place is -1 where a window is all padding"};
}
template <AverageCall* function>
constexpr Entry avg_entry(std::string_view name, std::string_view example) {
  return {.name = name,
          .parameters =
              "x|input, kernel|kernel_size, stride=None, padding=0, ceil_mode=False, "
              "count_include_pad=True, divisor_override=None",
          .call = [](Arguments& a) -> Result {
            AvgPoolOptions options = {.stride = stride_of(a),
                                      .padding = PerAxis(a.integers(3)),
                                      .ceil_mode = a.flag(4),
                                      .count_include_pad = a.flag(5)};
            if (a.given(6)) options.divisor_override = a.integer(6);
            return function(a[0], PerAxis(a.integers(1)), options);
          },
          .formula = "∂mean(window)/∂xᵢ = 1/n",
          .example = example};
}
template <std::size_t spatial, Tensor (*function)(const Operand&, const PerAxis&)>
constexpr Entry adaptive_entry(std::string_view name, std::string_view formula, std::string_view example) {
  return {.name = name,
          .parameters = "x|input, size|output_size",
          .call = [](Arguments& a) -> Result {
            return function(a[0], per_axis_argument(a, 1, spatial, a.sizes(1)));
          },
          .formula = formula,
          .example = example,
          .note = "a size of None, or -1, is that of x"};
}

}  // namespace

Entries pooling_operations() {
  constexpr std::string_view mean = "∂mean(window)/∂xᵢ = 1/n";
  static constexpr Entry table[] = {
      max_entry<max_pool1d, max_pool1d_with_places>("max_pool1d", "max_pool1d([[1, 3, 2, 4]], 2)"),
      max_entry<max_pool2d, max_pool2d_with_places>("max_pool2d", "max_pool2d([[[1, 3], [2, 4]]], 2)"),
      max_entry<max_pool3d, max_pool3d_with_places>("max_pool3d", "max_pool3d(ones(1, 2, 2, 2), 2)"),
      avg_entry<avg_pool1d>("avg_pool1d", "avg_pool1d([[1, 3, 2, 4]], 2)"),
      avg_entry<avg_pool2d>("avg_pool2d", "avg_pool2d([[[1, 3], [2, 4]]], 2)"),
      avg_entry<avg_pool3d>("avg_pool3d", "avg_pool3d(ones(1, 2, 2, 2), 2)"),
      adaptive_entry<1, adaptive_avg_pool1d>("adaptive_avg_pool1d", mean,
                                             "adaptive_avg_pool1d([[1, 3, 2]], 2)"),
      adaptive_entry<2, adaptive_avg_pool2d>("adaptive_avg_pool2d", mean,
                                             "adaptive_avg_pool2d([[[1, 3], [2, 4]]], 1)"),
      adaptive_entry<3, adaptive_avg_pool3d>("adaptive_avg_pool3d", mean,
                                             "adaptive_avg_pool3d(ones(1, 2, 2, 2), 1)"),
      adaptive_entry<1, adaptive_max_pool1d>("adaptive_max_pool1d", MaxPool::formula,
                                             "adaptive_max_pool1d([[1, 3, 2]], 2)"),
      adaptive_entry<2, adaptive_max_pool2d>("adaptive_max_pool2d", MaxPool::formula,
                                             "adaptive_max_pool2d([[[1, 3], [2, 4]]], 1)"),
      adaptive_entry<3, adaptive_max_pool3d>("adaptive_max_pool3d", MaxPool::formula,
                                             "adaptive_max_pool3d(ones(1, 2, 2, 2), 1)"),
      inner<MaxPool>(),
      inner<TakePlaces>(),
      inner<AddAtPlaces>(),
  };
  return table;
}

}  // namespace ops
}  // namespace chainrule
