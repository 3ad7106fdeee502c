// Where the windows of convolutions and pools lie, as the attributes kernel_shape, strides, dilations, pads,
// auto_pad and ceil_mode say. One number for each spatial axis throughout.

#pragma once

#include <vector>

#include "onnx/call.h"

namespace chainrule::onnx {

struct Windows {
  std::vector<std::int64_t> kernel, stride, dilation;
  std::vector<std::int64_t> before, after;  ///< padding
  std::vector<std::int64_t> count;          ///< how many windows there are
  /// What the last window needs behind the padding, and has not: 0 unless windows are counted up.
  std::vector<std::int64_t> beyond;

  std::size_t axes() const { return kernel.size(); }
  /// From the first element of a window to behind the last one.
  std::int64_t reach(std::size_t axis) const { return dilation[axis] * (kernel[axis] - 1) + 1; }
  /// The same padding on both sides, and nothing beyond?
  bool is_symmetric() const { return before == after && beyond == std::vector<std::int64_t>(axes(), 0); }
};

/// For an x of (N, C, spatial...), and a kernel of these sizes unless the attribute says others.
Windows windows_of(const Call& call, const Tensor& x, std::vector<std::int64_t> kernel = {});

/// x with this value around it: the padding, and what lies beyond if wanted.
Tensor padded(const Tensor& x, const Windows& windows, double value, bool beyond);

/// x, padded by the windows' padding and beyond with `value`, as (N, C, count..., kernel...).
Tensor unfolded(const Call& call, const Tensor& x, const Windows& windows, double value);

/// As the functions of chainrule take them.
inline Shape per_axis(const std::vector<std::int64_t>& sizes) { return Shape(sizes); }

}  // namespace chainrule::onnx
