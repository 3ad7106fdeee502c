// Images read between their pixels, at points that a grid or a box says.
// Differentiable in the image and in the grid.

#include <algorithm>
#include <cmath>

#include "chainrule/indexing.h"
#include "chainrule/shaping.h"
#include "chainrule/vision.h"
#include "onnx/call.h"
#include "onnx/operators.h"
#include "onnx/windows.h"

namespace chainrule::onnx {
namespace {

Values grid_sample(const Call& call) {
  constexpr Interpolation modes[] = {Interpolation::linear, Interpolation::nearest, Interpolation::cubic,
                                     Interpolation::linear, Interpolation::cubic};
  const GridSampleOptions options = {
      .mode = modes[call.choice("mode", {"linear", "nearest", "cubic", "bilinear", "bicubic"})],
      .padding = static_cast<GridPadding>(call.choice("padding_mode", {"zeros", "border", "reflection"})),
      .align_corners = call.flag("align_corners")};
  return one(chainrule::grid_sample(call[0], call[1], options));
}

Values affine_grid(const Call& call) {
  const std::vector<std::int64_t> size = call.list(1);
  call.require_size(size);
  return one(chainrule::affine_grid(call[0], Shape(size), call.flag("align_corners")));
}

/// A convolution whose kernel reads between the pixels, each element at a place of its own: offset (N, parts
/// · kernel · 2, out...) is added to its place, rows first, and mask (N, parts · kernel, out...) multiplies
/// what it reads. Each of the parts of the channels has its own places. Source: Zhu et al., "Deformable
/// ConvNets v2", 2018, arXiv:1811.11168.
Values deformable_convolution(const Call& call) {
  const Tensor &x = call[0], &weight = call[1], &offset = call[2];
  const std::int64_t groups = call.integer("group", 1), parts = call.integer("offset_group", 1);
  if (x.rank() != 4 || weight.rank() != 4)
    Call::fail("it needs two spatial axes, and has shape " + to_string(x.shape()));
  const Windows windows = windows_of(call, x, {weight.shape()[2], weight.shape()[3]});
  const std::int64_t n = x.shape()[0], c = x.shape()[1], outs = weight.shape()[0];
  const std::int64_t kernel = windows.kernel[0] * windows.kernel[1], height = windows.count[0],
                     width = windows.count[1];
  if (groups < 1 || parts < 1 || groups > outs || parts > c || c % groups != 0 || c % parts != 0 ||
      outs % groups != 0 || weight.shape()[1] != c / groups ||
      offset.shape() != Shape{n, parts * kernel * 2, height, width})
    Call::fail("its offset " + to_string(offset.shape()) + " and weight " + to_string(weight.shape()) +
               " do not fit " + to_string(x.shape()));
  const std::int64_t sizes[] = {n, c, kernel, height * width};
  call.require_size(sizes);
  const Tensor offsets = offset.reshape({n, parts, kernel, 2, height, width});
  // Where each element of the kernel stands in each window, without its offset.
  const auto standing = [&](std::size_t axis) {
    const Tensor element = arange(0, windows.kernel[axis], x.dtype()) * windows.dilation[axis];
    const Tensor window =
        arange(0, windows.count[axis], x.dtype()) * windows.stride[axis] - windows.before[axis];
    const Tensor both = axis == 0 ? element.reshape({-1, 1, 1, 1}) + window.reshape({-1, 1})
                                  : element.reshape({-1, 1, 1}) + window;
    return broadcast_to(both, {windows.kernel[0], windows.kernel[1], height, width})
        .reshape({kernel, height, width});
  };
  const Tensor rows = standing(0), columns = standing(1);
  // The coordinate of a pixel in a grid, which goes from edge to edge.
  const auto on_grid = [&](const Tensor& pixel, std::int64_t size) {
    return (2 * pixel + 1) / static_cast<double>(size) - 1;
  };
  std::vector<Tensor> read;
  for (std::int64_t part = 0; part < parts; ++part) {
    const Tensor own = select(offsets, 1, part);  // (N, kernel, 2, out...)
    const Tensor grid = stack(
        {on_grid(columns + select(own, 2, 1), x.shape()[3]), on_grid(rows + select(own, 2, 0), x.shape()[2])},
        -1);
    Tensor sampled = chainrule::grid_sample(narrow(x, 1, part * (c / parts), c / parts),
                                            grid.reshape({n, kernel, height * width, 2}));
    if (call.has(4)) {
      const Tensor mask = call[4].reshape({n, parts, kernel, height * width});
      sampled = sampled * expand_dims(select(mask, 1, part), 1);
    }
    read.push_back(sampled);
  }
  const Tensor patches = concatenate(read, 1).reshape({n, groups, c / groups * kernel, height * width});
  Tensor result = matmul(weight.reshape({groups, outs / groups, c / groups * kernel}), patches)
                      .reshape({n, outs, height, width});
  if (call.has(3)) result = result + call[3].reshape({outs, 1, 1});
  return one(result);
}

/// Where the points of one axis of a box are: each between two pixels, with the weights of these; so far
/// outside that nothing counts, with none.
struct Points {
  std::vector<std::int64_t> low, high;
  std::vector<double> by_low, by_high;

  Points(double start, double length, std::int64_t bins, std::int64_t samples, std::int64_t size) {
    const double step = length / static_cast<double>(bins) / static_cast<double>(samples);
    for (std::int64_t i = 0; i < bins * samples; ++i) {
      const double given = start + step * (static_cast<double>(i) + 0.5);
      const bool counts = given >= -1 && given <= static_cast<double>(size);
      const double at = counts ? std::clamp(given, 0.0, static_cast<double>(size - 1)) : 0;
      low.push_back(static_cast<std::int64_t>(at));
      high.push_back(std::min(low.back() + 1, size - 1));
      by_high.push_back(counts ? at - static_cast<double>(low.back()) : 0);
      by_low.push_back(counts ? 1 - by_high.back() : 0);
    }
  }
};

/// (C, bins...) of x (C, H, W): the largest of all pixels beside the points of each bin, times their weights.
/// (Not of what they add up to: so ONNX has it.)
Tensor largest_of_bins(const Tensor& x, const Points& rows, const Points& columns, std::int64_t height,
                       std::int64_t width) {
  const auto read = [&](const std::vector<std::int64_t>& i, const std::vector<double>& by_i,
                        const std::vector<std::int64_t>& j, const std::vector<double>& by_j) {
    const Tensor pixels = index_select(index_select(x, 1, tensor(i)), 2, tensor(j));
    const Tensor of_rows = cast(tensor(by_i), x.dtype()).reshape({-1, 1});
    return pixels * of_rows * cast(tensor(by_j), x.dtype());
  };
  const Tensor above = maximum(read(rows.low, rows.by_low, columns.low, columns.by_low),
                               read(rows.low, rows.by_low, columns.high, columns.by_high));
  const Tensor below = maximum(read(rows.high, rows.by_high, columns.low, columns.by_low),
                               read(rows.high, rows.by_high, columns.high, columns.by_high));
  const std::int64_t down = std::int64_t(rows.low.size()) / height,
                     across = std::int64_t(columns.low.size()) / width;
  return max(maximum(above, below).reshape({x.shape()[0], height, down, width, across}), {2, 4});
}

/// (bins, size): the weights of the pixels of one axis in the means over each bin of a box, of `samples`
/// points each.
Tensor bin_weights(double start, double length, std::int64_t bins, std::int64_t samples, std::int64_t size,
                   DType dtype) {
  std::vector<double> matrix(static_cast<std::size_t>(bins * size), 0);
  const Points points(start, length, bins, samples, size);
  const double share = 1 / static_cast<double>(samples);
  for (std::int64_t i = 0; i < bins * samples; ++i) {
    double* const row = matrix.data() + i / samples * size;
    const auto at = static_cast<std::size_t>(i);
    row[points.low[at]] += share * points.by_low[at];
    row[points.high[at]] += share * points.by_high[at];
  }
  return cast(tensor(std::move(matrix), {bins, size}), dtype);
}

/// The mean over points in each bin of each box (x1, y1, x2, y2), or the largest: (boxes, C, output_height,
/// output_width). Boxes carry no gradient here.
Values roi_align(const Call& call) {
  const Tensor &x = call[0], &boxes = call[1];
  const std::vector<std::int64_t> batch = call.list(2);
  const bool half_pixel = call.opset() >= 16 ? call.choice("coordinate_transformation_mode",
                                                           {"half_pixel", "output_half_pixel"}) == 0
                                             : false;
  const std::int64_t height = call.integer("output_height", 1), width = call.integer("output_width", 1);
  const std::int64_t ratio = call.integer("sampling_ratio", 0);
  const double scale = call.number("spatial_scale", 1);
  const bool largest = call.choice("mode", {"avg", "max"}) == 1;
  const auto count = static_cast<std::int64_t>(batch.size());
  if (x.rank() != 4 || boxes.shape() != Shape{count, 4} || height < 1 || width < 1 || ratio < 0)
    Call::fail("its boxes do not fit " + to_string(x.shape()));
  const std::int64_t sizes[] = {count, x.shape()[1], height, width};
  call.require_size(sizes);
  const std::vector<double> box = boxes.to_vector<double>();
  std::vector<Tensor> results;
  for (std::int64_t i = 0; i < count; ++i) {
    const double* const b = box.data() + 4 * i;
    const double shift = half_pixel ? 0.5 : 0, x1 = b[0] * scale - shift, y1 = b[1] * scale - shift;
    double w = b[2] * scale - shift - x1, h = b[3] * scale - shift - y1;
    if (!half_pixel) {
      w = std::max(w, 1.0);
      h = std::max(h, 1.0);
    }
    const auto samples = [&](double length, std::int64_t bins) {
      const double wanted = std::ceil(length / static_cast<double>(bins));
      if (!(wanted < 1e6)) Call::fail("a box is too large");
      return ratio > 0 ? std::min(ratio, std::int64_t{1} << 20)
                       : std::max(static_cast<std::int64_t>(wanted), std::int64_t{1});
    };
    const std::int64_t points[] = {samples(h, height) * height + samples(w, width) * width,
                                   std::max(x.shape()[2], x.shape()[3])};
    call.require_size(points);
    const Tensor image = select(x, 0, batch[static_cast<std::size_t>(i)]);
    if (largest) {
      const Points down(y1, h, height, samples(h, height), x.shape()[2]),
          across(x1, w, width, samples(w, width), x.shape()[3]);
      const std::int64_t all[] = {x.shape()[1], std::int64_t(down.low.size()),
                                  std::int64_t(across.low.size())};
      call.require_size(all);
      results.push_back(largest_of_bins(image, down, across, height, width));
      continue;
    }
    const Tensor rows = bin_weights(y1, h, height, samples(h, height), x.shape()[2], x.dtype());
    const Tensor columns = bin_weights(x1, w, width, samples(w, width), x.shape()[3], x.dtype());
    results.push_back(matmul(matmul(rows, image), transpose(columns)));
  }
  if (results.empty()) return one(zeros({0, x.shape()[1], height, width}, x.dtype()));
  return one(stack(results, 0));
}

constexpr Operator table[] = {{"AffineGrid", affine_grid},
                              {"DeformConv", deformable_convolution},
                              {"GridSample", grid_sample},
                              {"RoiAlign", roi_align}};

}  // namespace

std::span<const Operator> sampling_operators() { return table; }

}  // namespace chainrule::onnx
