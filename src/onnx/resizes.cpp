// Resizing: along each axis the result is a product with a matrix that depends on sizes and scales alone, so
// that it is linear in x. Source of the formulas: ONNX's Resize and its reference implementation.

#include <algorithm>
#include <cmath>
#include <numeric>

#include "array/number_text.h"
#include "chainrule/indexing.h"
#include "chainrule/shaping.h"
#include "onnx/call.h"
#include "onnx/operators.h"

namespace chainrule::onnx {
namespace {

enum class Kind : std::uint8_t { nearest, linear, cubic };
enum class Place : std::uint8_t {
  half_pixel,
  pytorch_half_pixel,
  align_corners,
  asymmetric,
  tf_crop_and_resize,
  half_pixel_symmetric,
  tf_half_pixel_for_nn
};
enum class Rounding : std::uint8_t { prefer_floor, prefer_ceil, floor, ceil };

struct Resizing {
  Kind kind = Kind::nearest;
  Place place = Place::half_pixel;
  Rounding rounding = Rounding::prefer_floor;
  bool antialias = false, exclude_outside = false;
  double cubic_a = -0.75;
};

/// One axis, from `in` to `out` elements.
struct Along {
  std::int64_t in = 0, out = 0;
  double scale = 1;
  double start = 0, end = 1;  ///< the part of the axis that is resized, for tf_crop_and_resize
};

/// A place that is a number, and can be counted to.
void require_somewhere(double x) {
  if (!(std::fabs(x) < 1e15)) Call::fail("its scales lead nowhere");
}

/// Where element i of the result lies in x.
double source(const Along& a, Place place, std::int64_t i) {
  // The size of the result before it was rounded down to a whole number.
  const auto x = static_cast<double>(i), in = static_cast<double>(a.in), out = a.scale * in;
  switch (place) {
    case Place::half_pixel: return (x + 0.5) / a.scale - 0.5;
    case Place::pytorch_half_pixel: return a.out > 1 ? (x + 0.5) / a.scale - 0.5 : 0;
    case Place::align_corners: return a.out > 1 ? x * (in - 1) / (out - 1) : 0;
    case Place::asymmetric: return x / a.scale;
    case Place::tf_crop_and_resize:
      if (a.out == 1) return 0.5 * (a.start + a.end) * (in - 1);
      return a.start * (in - 1) + x * (a.end - a.start) * (in - 1) / (out - 1);
    case Place::half_pixel_symmetric:
      return in / 2 * (1 - static_cast<double>(a.out) / out) + (x + 0.5) / a.scale - 0.5;
    case Place::tf_half_pixel_for_nn: return (x + 0.5) / a.scale;
  }
  return 0;
}

std::int64_t nearest(double x, Rounding rounding) {
  require_somewhere(x);
  switch (rounding) {
    case Rounding::prefer_floor: return static_cast<std::int64_t>(std::ceil(x - 0.5));
    case Rounding::prefer_ceil: return static_cast<std::int64_t>(std::floor(x + 0.5));
    case Rounding::floor: return static_cast<std::int64_t>(std::floor(x));
    case Rounding::ceil: return static_cast<std::int64_t>(std::ceil(x));
  }
  return 0;
}

/// The weight of an element at this distance.
double weight(double distance, const Resizing& how) {
  const double x = std::fabs(distance), a = how.cubic_a;
  if (how.kind == Kind::linear) return std::max(0.0, 1 - x);
  if (x <= 1) return ((a + 2) * x - (a + 3)) * x * x + 1;  // Keys' convolution kernel
  return x < 2 ? ((a * x - 5 * a) * x + 8 * a) * x - 4 * a : 0;
}

/// (out, in): the weights of each element of x in each one of the result. What lies outside is the edge, or
/// counts nothing if excluded.
Tensor weights(const Along& a, const Resizing& how, DType dtype) {
  std::vector<double> matrix(static_cast<std::size_t>(a.out * a.in), 0);
  const double narrowing = how.antialias ? std::min(a.scale, 1.0) : 1;
  const auto reach = static_cast<std::int64_t>(std::ceil((how.kind == Kind::linear ? 1 : 2) / narrowing));
  for (std::int64_t i = 0; i < a.out; ++i) {
    const double x = source(a, how.place, i);
    require_somewhere(x);
    const auto base = static_cast<std::int64_t>(std::ceil(x)) - 1;
    double* const row = matrix.data() + i * a.in;
    double total = 0;
    for (std::int64_t j = base - reach + 1; j <= base + reach; ++j) {
      if (how.exclude_outside && (j < 0 || j >= a.in)) continue;
      const double w = weight((static_cast<double>(j) - x) * narrowing, how);
      row[std::clamp(j, std::int64_t{0}, a.in - 1)] += w;
      total += w;
    }
    for (std::int64_t j = 0; j < a.in && total != 0; ++j) row[j] /= total;
  }
  return cast(tensor(std::move(matrix), {a.out, a.in}), dtype);
}

Tensor resized(const Tensor& x, std::int64_t axis, const Along& a, const Resizing& how) {
  if (a.in == 0) Call::fail("there is nothing to resize along axis " + std::to_string(axis));
  if (how.kind == Kind::nearest) {
    std::vector<std::int64_t> places;
    for (std::int64_t i = 0; i < a.out; ++i)
      places.push_back(std::clamp(nearest(source(a, how.place, i), how.rounding), std::int64_t{0}, a.in - 1));
    return index_select(x, axis, tensor(std::move(places)));
  }
  const Tensor last = movedim(x, axis, -1);
  return movedim(matmul(last, transpose(weights(a, how, x.dtype()))), -1, axis);
}

/// With `outside` where the part of the axis that is asked for is none of x.
Tensor extrapolated(const Tensor& y, std::int64_t axis, const Along& a, double outside) {
  std::vector<std::int64_t> is_inside;
  for (std::int64_t i = 0; i < a.out; ++i) {
    const double x = source(a, Place::tf_crop_and_resize, i);
    is_inside.push_back(x >= 0 && x <= static_cast<double>(a.in - 1));
  }
  std::vector<std::int64_t> along(y.rank(), 1);
  along[static_cast<std::size_t>(axis)] = a.out;
  return where(tensor(std::move(is_inside)).reshape(Shape(along)) != 0, y, full({}, outside, y.dtype()));
}

Tensor resized_along(const Call& call, Tensor x, const std::vector<std::int64_t>& axes,
                     const std::vector<Along>& along, const Resizing& how, double outside) {
  std::vector<std::int64_t> sizes(x.shape().begin(), x.shape().end()), result = sizes;
  for (std::size_t i = 0; i < axes.size(); ++i) result[static_cast<std::size_t>(axes[i])] = along[i].out;
  call.require_size(result);
  if (std::ranges::find(result, 0) != result.end()) return zeros(Shape(result), x.dtype());
  for (std::size_t i = 0; i < axes.size(); ++i) {  // what is made on the way
    sizes[static_cast<std::size_t>(axes[i])] = along[i].out;
    call.require_size(sizes);
    const std::int64_t matrix[] = {along[i].in, along[i].out};
    if (how.kind != Kind::nearest) call.require_size(matrix);
  }
  // Whole numbers take the way of doubles.
  const bool whole = x.dtype() == DType::int64 && how.kind != Kind::nearest;
  if (whole) x = cast(x, DType::float64);
  for (std::size_t i = 0; i < axes.size(); ++i) {
    if (along[i].in == along[i].out && along[i].scale == 1 && how.place != Place::tf_crop_and_resize)
      continue;
    x = resized(x, axes[i], along[i], how);
  }
  if (how.place == Place::tf_crop_and_resize)
    for (std::size_t i = 0; i < axes.size(); ++i) x = extrapolated(x, axes[i], along[i], outside);
  return whole ? cast(x, DType::int64) : x;
}

std::int64_t scaled_size(std::int64_t in, double scale) {
  const double out = std::floor(static_cast<double>(in) * scale);
  if (!(out >= 0 && out < 1e15)) Call::fail("its scale " + number_text(scale) + " gives no size");
  return static_cast<std::int64_t>(out);
}

/// Numbers for the axes from an input, of which there must be as many.
std::vector<double> numbers_for(const Tensor& x, std::size_t count, const char* name) {
  if (x.size() != static_cast<std::int64_t>(count))
    Call::fail("its " + std::string(name) + " are " + std::to_string(x.size()) + " numbers, not " +
               std::to_string(count));
  return x.to_vector<double>();
}

/// One scale for all axes, so that the result is not larger, or not smaller, than asked for.
void keep_aspect_ratio(std::vector<Along>& along, bool not_larger) {
  double scale = not_larger ? std::numeric_limits<double>::infinity() : 0;
  for (const Along& a : along) scale = not_larger ? std::min(scale, a.scale) : std::max(scale, a.scale);
  for (Along& a : along) {
    a.out = scaled_size(1, std::floor(scale * static_cast<double>(a.in) + 0.5));
    a.scale = scale;
  }
}

Values resize(const Call& call) {
  const Tensor& x = call[0];
  Resizing how;
  how.kind = static_cast<Kind>(call.choice("mode", {"nearest", "linear", "cubic"}));
  how.antialias = call.flag("antialias");
  how.exclude_outside = call.flag("exclude_outside");
  how.cubic_a = call.number("cubic_coeff_a", -0.75);
  how.place =
      static_cast<Place>(call.choice("coordinate_transformation_mode",
                                     {"half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric",
                                      "tf_crop_and_resize", "half_pixel_symmetric", "tf_half_pixel_for_nn"}));
  how.rounding = static_cast<Rounding>(
      call.choice("nearest_mode", {"round_prefer_floor", "round_prefer_ceil", "floor", "ceil"}));
  const double outside = call.number("extrapolation_value", 0);
  const std::size_t policy =
      call.choice("keep_aspect_ratio_policy", {"stretch", "not_larger", "not_smaller"});
  std::vector<std::int64_t> axes(x.rank());
  std::iota(axes.begin(), axes.end(), 0);
  if (const auto given = call.integers("axes")) axes = *given;
  for (std::int64_t& axis : axes) axis = Call::axis(axis, x.rank());
  if (call.opset() < 11) {  // with one input of scales, and no choice
    how.place = Place::asymmetric;
    how.rounding = Rounding::floor;
  }
  const std::size_t scales_input = call.opset() < 11 ? 1 : 2;

  std::vector<Along> along(axes.size());
  for (std::size_t i = 0; i < axes.size(); ++i) along[i].in = x.shape()[static_cast<std::size_t>(axes[i])];
  if (call.has(scales_input) && call[scales_input].size() != 0) {
    const std::vector<double> scales = numbers_for(call[scales_input], axes.size(), "scales");
    for (std::size_t i = 0; i < axes.size(); ++i) {
      along[i].scale = scales[i];
      along[i].out = scaled_size(along[i].in, scales[i]);
    }
  } else {
    const std::vector<std::int64_t> sizes = call.list(3);
    (void)numbers_for(call[3], axes.size(), "sizes");
    for (std::size_t i = 0; i < axes.size(); ++i) {
      along[i].out = sizes[i];
      along[i].scale = static_cast<double>(sizes[i]) / static_cast<double>(along[i].in);
    }
    if (policy != 0) keep_aspect_ratio(along, policy == 1);
  }
  if (how.place == Place::tf_crop_and_resize) {
    const std::vector<double> part = numbers_for(call[1], 2 * axes.size(), "bounds of the region");
    for (std::size_t i = 0; i < axes.size(); ++i) {
      along[i].start = part[i];
      along[i].end = part[i + axes.size()];
    }
  }
  return one(resized_along(call, x, axes, along, how, outside));
}

/// What Resize was called before opset 10.
Values upsample(const Call& call) {
  const Tensor& x = call[0];
  Resizing how{.kind = static_cast<Kind>(call.choice("mode", {"nearest", "linear"})),
               .place = Place::asymmetric,
               .rounding = Rounding::floor};
  std::vector<double> scales = call.numbers("scales").value_or(std::vector<double>());
  if (call.has(1)) scales = call[1].to_vector<double>();
  if (scales.size() != x.rank()) Call::fail("it needs a scale for each axis");
  std::vector<std::int64_t> axes(x.rank());
  std::iota(axes.begin(), axes.end(), 0);
  std::vector<Along> along;
  for (std::size_t i = 0; i < axes.size(); ++i)
    along.push_back({.in = x.shape()[i], .out = scaled_size(x.shape()[i], scales[i]), .scale = scales[i]});
  return one(resized_along(call, x, axes, along, how, 0));
}

constexpr Operator table[] = {{"Resize", resize}, {"Upsample", upsample}};

}  // namespace

std::span<const Operator> resize_operators() { return table; }

}  // namespace chainrule::onnx
