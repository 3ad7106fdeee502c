// What the operations that networks are made of become in ONNX: convolutions, pooling, normalisation,
// attention, and what takes elements by their places.

#include <algorithm>
#include <limits>

#include "chainrule/ops.h"
#include "onnx/export_operators.h"

namespace chainrule::onnx {
namespace {

using Integers = std::vector<std::int64_t>;

/// The last numbers of a list about three axes.
Integers last(const Integers& all, std::size_t count) {
  return {all.end() - static_cast<std::ptrdiff_t>(count), all.end()};
}

/// What has to follow the last element so that there are so many windows; not less than nothing, as what is
/// left over needs no window.
std::int64_t padding_after(std::int64_t in, std::int64_t windows, std::int64_t stride, std::int64_t reach,
                           std::int64_t before) {
  return std::max<std::int64_t>(0, (windows - 1) * stride + reach - before - in);
}

std::string convolve(Step& step, bool transposed) {
  const std::size_t spatial = step.in_rank(0) - 2;
  const auto list = [&](const char* name) { return last(step.attribute<Integers>(name), spatial); };
  const Integers kernel = list("kernel"), stride = list("stride"), dilation = list("dilation"),
                 before = list("before"), in = list("in"), out = list("out");
  Integers pads = before, more;
  for (std::size_t i = 0; i < spatial; ++i) {
    const std::int64_t reach = (kernel[i] - 1) * dilation[i] + 1;
    pads.push_back(transposed ? before[i] : padding_after(in[i], out[i], stride[i], reach, before[i]));
    more.push_back(in[i] - ((out[i] - 1) * stride[i] + reach - 2 * before[i]));
  }
  std::vector<Attribute> attributes = {attribute("kernel_shape", kernel), attribute("strides", stride),
                                       attribute("dilations", dilation), attribute("pads", pads),
                                       attribute("group", step.attribute<std::int64_t>("groups"))};
  if (transposed) attributes.push_back(attribute("output_padding", more));
  return step.make(transposed ? "ConvTranspose" : "Conv", step.all_in(), std::move(attributes));
}
std::string convolution(Step& step) { return convolve(step, false); }
std::string transposed_convolution(Step& step) { return convolve(step, true); }

/// Windows along one axis as ONNX says them.
struct Course {
  std::int64_t kernel = 1, stride = 1, dilation = 1, before = 0;
};
struct Window {
  std::int64_t begin, count;
  bool operator==(const Window&) const = default;
};

Window window_of(const Course& course, std::int64_t i, std::int64_t in) {
  const std::int64_t start = i * course.stride - course.before,
                     skipped = start < 0 ? (-start + course.dilation - 1) / course.dilation : 0,
                     begin = start + skipped * course.dilation,
                     fitting = begin >= in ? 0 : (in - begin - 1) / course.dilation + 1;
  return {begin, std::clamp<std::int64_t>(course.kernel - skipped, 0, fitting)};
}

/// The course that has these windows and no further one, if there is one.
std::optional<Course> course_of(const std::vector<Window>& windows, std::int64_t in, std::int64_t dilation) {
  std::int64_t most = 1;
  for (const Window& window : windows) most = std::max(most, window.count);
  const std::int64_t last_stride = in + 2 * most * dilation, count = std::ssize(windows);
  for (std::int64_t kernel = most; kernel <= 2 * most; ++kernel)
    for (std::int64_t before = 0; before <= (kernel - 1) * dilation; ++before)
      for (std::int64_t stride = 1; stride <= last_stride; ++stride) {
        const Course course{kernel, stride, dilation, before};
        const std::int64_t reach = (kernel - 1) * dilation + 1,
                           left = in + before - reach - (count - 1) * stride;  // behind the last window
        if (left >= stride) continue;  // the runtime would see one more there
        std::size_t i = 0;
        while (i < windows.size() && window_of(course, static_cast<std::int64_t>(i), in) == windows[i]) ++i;
        if (i == windows.size()) return course;
      }
  return {};
}

std::string max_pool(Step& step) {
  const std::size_t spatial = step.in_rank(0) - 2;
  const auto numbers = step.attribute<Integers>("windows"), begins = step.attribute<Integers>("begins"),
             counts = step.attribute<Integers>("counts"), steps = step.attribute<Integers>("steps");
  const BatchSizes shape = step.in_shape(0);
  Integers kernels, strides, dilations, before, after;
  std::size_t at = 0;
  for (std::size_t axis = 0; axis < 3; ++axis) {
    const auto count = static_cast<std::size_t>(numbers[axis]);
    std::vector<Window> windows;
    std::int64_t dilation = 1;
    for (std::size_t i = 0; i < count; ++i, ++at) {
      windows.push_back({begins[at], counts[at]});
      dilation = steps[at];
    }
    if (axis + spatial < 3) continue;
    const std::int64_t in = shape[axis + spatial - 1].fixed;
    const auto course = course_of(windows, in, dilation);
    if (!course) step.fail("its windows are of several sizes, which ONNX's MaxPool has not");
    const std::int64_t reach = (course->kernel - 1) * dilation + 1;
    kernels.push_back(course->kernel);
    strides.push_back(course->stride);
    dilations.push_back(dilation);
    before.push_back(course->before);
    after.push_back(padding_after(in, numbers[axis], course->stride, reach, course->before));
  }
  before.insert(before.end(), after.begin(), after.end());
  return step.make("MaxPool", {step.in(0)},
                   {attribute("kernel_shape", kernels), attribute("strides", strides),
                    attribute("dilations", dilations), attribute("pads", before)});
}

/// Means of windows and interpolation: a product with a matrix along one axis.
std::string sums_along(Step& step) {
  const auto axis = static_cast<std::size_t>(step.attribute<std::int64_t>("axis"));
  const OfCalls<Tensor> matrices = step.tensors("matrix");
  for (const Tensor& matrix : matrices)
    if (matrix.shape() != matrices[0].shape()) step.depends_on_batch("matrix");
  const Tensor matrix = cast(matrices[0], step.dtype());
  const std::size_t rank = step.rank();
  if (axis + 2 == rank) return step.make("MatMul", {step.constant(matrix), step.in(0)});
  const std::string turned = step.constant(transpose(matrix).detach());
  if (axis + 1 == rank) return step.make("MatMul", {step.in(0), turned});
  Integers order;
  for (std::size_t i = 0; i < rank; ++i) order.push_back(static_cast<std::int64_t>(i));
  std::swap(order[axis], order[rank - 1]);
  return step.permuted(step.make("MatMul", {step.permuted(step.in(0), order), turned}), order);
}

/// x (outer, groups, inner), each group less its mean and divided by its deviation; then times a weight and
/// plus a bias, which are (period, weights of a group) for `plane` neighbours each.
std::string normalize_groups(Step& step) {
  const auto eps = step.attribute<double>("eps");
  const bool centred = step.attribute<bool>("centred");
  const BatchSize period = step.size("period"), each = step.size("weights_of_group"),
                  plane = step.size("plane");
  const BatchSizes shape = step.in_shape(0);
  const bool is_layer = period == BatchSize{0, 1} && plane == BatchSize{0, 1};
  if (step.opset() >= 17 && is_layer && centred && shape[0] == BatchSize{0, 1} && step.inputs() > 1)
    return step.make("LayerNormalization", step.all_in(),
                     {attribute("axis", std::int64_t{-1}), attribute("epsilon", eps)});
  const auto mean = [&](const std::string& of) {
    return step.make("ReduceMean", {of},
                     {attribute("axes", Integers{0, 2}), attribute("keepdims", std::int64_t{1})});
  };
  const std::string distance = centred ? step.make("Sub", {step.in(0), mean(step.in(0))}) : step.in(0);
  const std::string variance = mean(step.make("Mul", {distance, distance}));
  const std::string deviation = step.make("Sqrt", {step.make("Add", {variance, step.number(eps)})});
  std::string y = step.make("Div", {distance, deviation});
  if (step.inputs() == 1) return y;
  if (!period.is_fixed() || period.fixed == 0) step.depends_on_batch("period");
  if (!is_layer) {
    const BatchSize groups = shape[1];
    if (groups.per_sample % period.fixed != 0 || groups.fixed % period.fixed != 0)
      step.depends_on_batch("groups");
    y = step.reshaped(
        y, {shape[0], {groups.per_sample / period.fixed, groups.fixed / period.fixed}, period, each, plane});
  }
  const auto aligned = [&](std::size_t input) {
    return is_layer ? step.in(input) : step.reshaped(step.in(input), {period, each, {0, 1}});
  };
  y = step.make("Mul", {y, aligned(1)});
  if (step.inputs() > 2) y = step.make("Add", {y, aligned(2)});
  return is_layer ? y : step.reshaped(y, shape);
}

/// softmax(scale · q kᵀ + mask) v. A query that sees no key gives NaN in ONNX.
std::string attention(Step& step) {
  const std::string keys = step.permuted(step.in(1), {0, 2, 1});
  std::string scores = step.make(
      "Mul", {step.make("MatMul", {step.in(0), keys}), step.number(step.attribute<double>("scale"))});
  const OfCalls<Tensor> masks = step.tensors("mask");
  if (!masks[0].is_empty()) {
    const std::string mask = step.leaf(masks);
    if (mask.empty()) step.depends_on_batch("mask");
    scores = masks[0].dtype() != DType::boolean
                 ? step.make("Add", {scores, mask})
                 : step.make("Where", {mask, scores, step.number(-std::numeric_limits<double>::infinity())});
  }
  return step.make("MatMul",
                   {step.make("Softmax", {scores}, {attribute("axis", std::int64_t{-1})}), step.in(2)});
}

/// The name of positions that are constants, or an input of the model.
std::string positions_of(Step& step, const OfCalls<Tensor>& places) {
  std::string positions = step.leaf(places);
  if (positions.empty())
    step.fail("its positions are neither constants nor an input of the model; they would be lost");
  return positions;
}
/// Elements by their places along an axis.
std::string taken(Step& step, const std::string& from, std::int64_t axis, const OfCalls<Tensor>& places) {
  return step.reshaped(step.make("Gather", {from, positions_of(step, places)}, {attribute("axis", axis)}),
                       step.shape());
}

std::string gather(Step& step) {
  const BatchSize outer = step.size("outer"), inner = step.size("inner");
  const BatchSizes shape = step.in_shape(0);
  const OfCalls<Tensor> places = step.tensors("places");
  if (outer == BatchSize{0, 1} && inner.is_fixed()) {  // rows, as of an embedding
    std::int64_t row = 1;
    for (std::size_t axis = 1; axis < shape.size(); ++axis)
      row *= shape[axis].is_fixed() ? shape[axis].fixed : 0;
    if (row == inner.fixed) return taken(step, step.in(0), 0, places);
  }
  return taken(step, step.reshaped(step.in(0), {outer, {0, -1}, inner}), 1, places);
}

/// x with the values at the places along its middle.
std::string put_at(Step& step) {
  const OfCalls<Tensor> places = step.tensors("places");
  const BatchSizes part = {step.size("outer"), {0, places[0].size()}, step.size("inner")};
  const std::string index = step.reshaped(positions_of(step, places), {{0, 1}, part[1], {0, 1}}),
                    x = step.reshaped(step.in(0), {part[0], step.size("size"), part[2]});
  const std::string result =
      step.make("ScatterElements",
                {x, step.make("Expand", {index, step.integers(part)}), step.reshaped(step.in(1), part)},
                {attribute("axis", std::int64_t{1})});
  return step.reshaped(result, step.shape());
}

std::string take_rows(Step& step) {
  // The exporter compares tensors.
  OfCalls<Tensor> places;
  const auto lists = step.lists("positions");
  for (std::size_t call = 0; call < calls; ++call) places[call] = tensor(lists[call]);
  return taken(step, step.in(0), 0, places);
}

/// Windows along an axis, by the places of their elements.
std::string windows(Step& step) {
  const auto axis = step.attribute<std::int64_t>("axis"), size = step.attribute<std::int64_t>("size"),
             every = step.attribute<std::int64_t>("step");
  const BatchSize count = step.shape()[static_cast<std::size_t>(axis)];
  if (!count.is_fixed()) step.depends_on_batch("number of windows");
  std::vector<std::int64_t> places;
  for (std::int64_t i = 0; i < count.fixed; ++i)
    for (std::int64_t j = 0; j < size; ++j) places.push_back(i * every + j);
  return step.make("Gather", {step.in(0), step.constant(tensor(places, {count.fixed, size}))},
                   {attribute("axis", axis)});
}

/// Rows at places, none at negative ones, added up by weights.
std::string weighted_rows(Step& step) {
  const std::string zero = step.constant(tensor(0));
  const std::string rows = step.make("Gather", {step.in(0), step.make("Max", {step.in(2), zero})});
  const std::string weights =
      step.make("Where", {step.make("GreaterOrEqual", {step.in(2), zero}), step.in(1), step.number(0)});
  return step.make("Einsum", {rows, weights}, {{"equation", std::string("pkc,pk->pc")}});
}

/// (x - centre) · scale + shift by numbers of each channel.
std::string scale_channels(Step& step) {
  const std::string one = step.number(1),
                    variance = step.make("Expand", {one, step.make("Shape", {step.in(1)})});
  return step.make("BatchNormalization", {step.in(0), step.in(2), step.in(3), step.in(1), variance},
                   {attribute("epsilon", 0.0)});
}

/// Images, or lines as images of one row, read at the points of a grid.
std::string sample_planes(Step& step) {
  if (step.opset() < 16) step.fail("ONNX has it from opset 16 on; set the opset to that or more");
  if (step.rank() > 4)
    step.fail(
        "ONNX's GridSample takes one or two spatial axes up to opset 17; compute it with other operations");
  const char* const modes[] = {"nearest", "nearest", "bilinear", "bicubic"};
  const char* const paddings[] = {"zeros", "border", "reflection"};
  const auto named = [&](std::span<const char* const> names, const char* of) {
    return std::string(names[static_cast<std::size_t>(step.attribute<std::int64_t>(of))]);
  };
  const auto sampled = [&](const std::string& images, const std::string& grid) {
    return step.make("GridSample", {images, grid},
                     {{"mode", named(modes, "mode")},
                      {"padding_mode", named(paddings, "padding")},
                      attribute("align_corners", std::int64_t{step.attribute<bool>("align_corners")})});
  };
  if (step.rank() == 4) return sampled(step.in(0), step.in(1));
  const std::string row_axis = step.fixed_integers({2}),
                    points = step.make("Unsqueeze", {step.in(1), step.fixed_integers({1})}),
                    at_row_0 = step.make("Pad", {points, step.fixed_integers({0, 0, 0, 0, 0, 0, 0, 1})});
  return step.make("Squeeze", {sampled(step.make("Unsqueeze", {step.in(0), row_axis}), at_row_0), row_axis});
}

constexpr Written networks[] = {
    {"attention", attention},
    {"convolution", convolution},
    {"gather", gather},
    {"max_pool", max_pool},
    {"normalize_groups", normalize_groups},
    {"put_at", put_at},
    {"sample_planes", sample_planes},
    {"scale_channels", scale_channels},
    {"sums_along", sums_along},
    {"take_rows", take_rows},
    {"transposed_convolution", transposed_convolution},
    {"weighted_rows", weighted_rows},
    {"windows", windows},
};

}  // namespace

std::span<const Written> written_networks() { return networks; }

}  // namespace chainrule::onnx
