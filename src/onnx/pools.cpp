// Pools: the largest, the mean or the norm of each window, or of all spatial axes. Those that chainrule has
// are used; the others go over windows that are written out.

#include <limits>

#include "chainrule/functions.h"
#include "chainrule/indexing.h"
#include "chainrule/networks.h"
#include "chainrule/shaping.h"
#include "chainrule/statistics.h"
#include "onnx/operators.h"
#include "onnx/windows.h"

namespace chainrule::onnx {
namespace {

Axes spatial_axes(const Tensor& x, std::size_t from = 2) {
  std::vector<std::int64_t> axes;
  for (std::size_t i = from; i < x.rank(); ++i) axes.push_back(static_cast<std::int64_t>(i));
  return axes;
}

Axes last_axes(std::size_t count) {
  std::vector<std::int64_t> axes;
  for (std::size_t i = 0; i < count; ++i) axes.push_back(-1 - static_cast<std::int64_t>(i));
  return axes;
}

/// From places in padded planes to places in x, over all of it, as ONNX counts them: in row-major order, or
/// with the spatial axes in column-major order.
Tensor places_in(const Tensor& x, Tensor places, const Windows& windows, bool column_major) {
  const std::size_t axes = windows.axes();
  std::vector<Tensor> coordinates(axes);
  for (std::size_t i = axes; i-- > 0;) {
    const std::int64_t size = x.shape()[i + 2] + windows.before[i] + windows.after[i] + windows.beyond[i];
    coordinates[i] = remainder(places, size) - windows.before[i];
    places = floor_divide(places, size);
  }
  Tensor in_plane = zeros({}, DType::int64);
  std::int64_t plane = 1;
  for (std::size_t i = 0; i < axes; ++i) {
    const std::size_t axis = column_major ? axes - 1 - i : i;
    in_plane = in_plane * x.shape()[axis + 2] + coordinates[axis];
    plane *= x.shape()[i + 2];
  }
  std::vector<std::int64_t> along(x.rank(), 1);
  along[0] = x.shape()[0];
  along[1] = x.shape()[1];
  return in_plane + arange(0, along[0] * along[1]).reshape(Shape(along)) * plane;
}

Pooled pooled(const Tensor& x, const Windows& windows) {
  const MaxPoolOptions options{.stride = per_axis(windows.stride), .dilation = per_axis(windows.dilation)};
  const Shape kernel = per_axis(windows.kernel);
  switch (windows.axes()) {
    case 1: return max_pool1d_with_places(x, kernel, options);
    case 2: return max_pool2d_with_places(x, kernel, options);
    case 3: return max_pool3d_with_places(x, kernel, options);
    default: Call::fail("it needs one to three spatial axes");
  }
}

Values max_pool(const Call& call) {
  const Tensor& x = call[0];
  const bool column_major = call.flag("storage_order");
  const Windows windows = windows_of(call, x);
  const bool whole = x.dtype() == DType::int64;  // 8 bits each
  const Tensor around =
      padded(whole ? cast(x, DType::float64) : x, windows, -std::numeric_limits<double>::infinity(), true);
  const Pooled result = pooled(around, windows);
  Values values = one(whole ? cast(result.values, DType::int64) : result.values);
  if (call.wants(1))
    values.emplace_back(places_in(x, result.places, windows, column_major), ElementType::int64);
  return values;
}

/// How many elements each window has: those of x, and of the padding if these count.
Tensor window_sizes(const Call& call, const Tensor& x, Windows windows, bool with_padding) {
  std::vector<std::int64_t> sizes(x.shape().begin(), x.shape().end());
  sizes[0] = sizes[1] = 1;
  Tensor counted = ones(Shape(sizes), x.dtype());
  if (with_padding) {
    for (std::size_t i = 0; i < windows.axes(); ++i) sizes[i + 2] += windows.before[i] + windows.after[i];
    counted = ones(Shape(sizes), x.dtype());
    windows.before.assign(windows.axes(), 0);
    windows.after = windows.before;
  }
  return sum(unfolded(call, counted, windows, 0), last_axes(windows.axes()));
}

Values average_pool(const Call& call) {
  const Tensor& x = call[0];
  const bool with_padding = call.flag("count_include_pad");
  const Windows windows = windows_of(call, x);
  bool simple = windows.is_symmetric() && windows.axes() <= 3;
  for (std::size_t i = 0; i < windows.axes(); ++i)
    simple &= windows.dilation[i] == 1 && 2 * windows.before[i] <= windows.kernel[i];
  if (simple) {
    const AvgPoolOptions options{.stride = per_axis(windows.stride),
                                 .padding = per_axis(windows.before),
                                 .count_include_pad = with_padding};
    const Shape kernel = per_axis(windows.kernel);
    return one(windows.axes() == 1   ? avg_pool1d(x, kernel, options)
               : windows.axes() == 2 ? avg_pool2d(x, kernel, options)
                                     : avg_pool3d(x, kernel, options));
  }
  return one(sum(unfolded(call, x, windows, 0), last_axes(windows.axes())) /
             window_sizes(call, x, windows, with_padding));
}

Values lp_pool(const Call& call) {
  const Tensor& x = call[0];
  const auto p = static_cast<double>(call.integer("p", 2));
  const Windows windows = windows_of(call, x);
  return one(vector_norm(unfolded(call, x, windows, 0), p, last_axes(windows.axes())));
}

Values global_average_pool(const Call& call) { return one(mean(call[0], spatial_axes(call[0]), true)); }
Values global_max_pool(const Call& call) { return one(max(call[0], spatial_axes(call[0]), true)); }
Values global_lp_pool(const Call& call) {
  return one(vector_norm(call[0], static_cast<double>(call.integer("p", 2)), spatial_axes(call[0]), true));
}

/// The reverse of a max pool: elements back to their places, and 0 elsewhere.
Values max_unpool(const Call& call) {
  const Tensor &x = call[0], &places = call[1];
  if (x.rank() < 3) Call::fail("it needs (N, C, spatial axes...), and has shape " + to_string(x.shape()));
  const std::size_t axes = x.rank() - 2;
  const auto list = [&](const char* name, std::size_t count, std::int64_t otherwise) {
    auto given = call.integers(name).value_or(std::vector<std::int64_t>(count, otherwise));
    if (given.size() != count)
      Call::fail("its attribute '" + std::string(name) + "' is not of " + std::to_string(count) + " numbers");
    for (const std::int64_t number : given)
      if (number < 0 || number > 1 << 30)
        Call::fail("its attribute '" + std::string(name) + "' has " + std::to_string(number));
    return given;
  };
  const std::vector<std::int64_t> kernel = list("kernel_shape", axes, 0), stride = list("strides", axes, 1),
                                  pads = list("pads", 2 * axes, 0);
  std::vector<std::int64_t> sizes = {x.shape()[0], x.shape()[1]}, own = sizes;
  for (std::size_t i = 0; i < axes; ++i) {
    std::int64_t size = 0;
    if (__builtin_mul_overflow(x.shape()[i + 2] - 1, stride[i], &size) ||
        __builtin_add_overflow(size, kernel[i], &size))
      Call::fail("its strides are too large");
    own.push_back(size - pads[i] - pads[i + axes]);
  }
  sizes = call.has(2) ? call.list(2) : own;
  call.require_size(sizes);
  call.require_size(own);
  if (sizes.size() != x.rank())
    Call::fail("its output_shape is not of " + std::to_string(x.rank()) + " numbers");
  // Places count in the size that follows from the kernel; a larger result has them at the same coordinates.
  std::int64_t all = 1;
  for (const std::int64_t size : own) all *= size;
  const Tensor flat =
      scatter(zeros({all}, x.dtype()), 0, places.reshape({places.size()}), x.reshape({x.size()}));
  std::vector<std::int64_t> more;
  for (std::size_t i = x.rank(); i-- > 0;) {
    more.push_back(0);
    more.push_back(sizes[i] - own[i]);
  }
  return one(pad(flat.reshape(Shape(own)), more));
}

constexpr Operator table[] = {
    {"AveragePool", average_pool},
    {"GlobalAveragePool", global_average_pool},
    {"GlobalLpPool", global_lp_pool},
    {"GlobalMaxPool", global_max_pool},
    {"LpPool", lp_pool},
    {"MaxPool", max_pool},
    {"MaxUnpool", max_unpool},
};

}  // namespace

std::span<const Operator> pooling_operators() { return table; }

}  // namespace chainrule::onnx
