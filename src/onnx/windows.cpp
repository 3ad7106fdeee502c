// Reading and checking the attributes of windows; source of the formulas: ONNX's Conv, MaxPool and
// AveragePool.

#include "onnx/windows.h"

#include <algorithm>
#include <limits>

#include "chainrule/indexing.h"
#include "chainrule/shaping.h"

namespace chainrule::onnx {
namespace {

/// Such numbers make no sum or product of a few of them overflow.
constexpr std::int64_t most = std::int64_t{1} << 30;

std::vector<std::int64_t> checked(std::optional<std::vector<std::int64_t>> given, std::size_t count,
                                  std::int64_t otherwise, std::int64_t least, const char* name) {
  if (!given || given->empty()) given.emplace(count, otherwise);
  if (given->size() != count)
    Call::fail("its attribute '" + std::string(name) + "' has " + std::to_string(given->size()) +
               " numbers, not " + std::to_string(count));
  for (const std::int64_t number : *given)
    if (number < least || number > most)
      Call::fail("its attribute '" + std::string(name) + "' has " + std::to_string(number));
  return *std::move(given);
}

}  // namespace

Windows windows_of(const Call& call, const Tensor& x, std::vector<std::int64_t> kernel) {
  if (x.rank() < 3) Call::fail("it needs (N, C, spatial axes...), and has shape " + to_string(x.shape()));
  const std::size_t axes = x.rank() - 2;
  Windows windows;
  if (const auto given = call.integers("kernel_shape")) {
    if (!kernel.empty() && *given != kernel) Call::fail("its kernel is not of the shape that it says");
    kernel = *given;
  }
  if (kernel.empty()) Call::fail("its attribute 'kernel_shape' is missing");
  windows.kernel = checked(kernel, axes, 1, 1, "kernel_shape");
  windows.stride = checked(call.integers("strides"), axes, 1, 1, "strides");
  windows.dilation = checked(call.integers("dilations"), axes, 1, 1, "dilations");
  const std::vector<std::int64_t> pads = checked(call.integers("pads"), 2 * axes, 0, 0, "pads");
  const std::size_t automatic = call.choice("auto_pad", {"NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID"});
  const bool up = call.flag("ceil_mode");
  for (std::size_t i = 0; i < axes; ++i) {
    const std::int64_t size = x.shape()[i + 2], stride = windows.stride[i];
    if (windows.kernel[i] > most / windows.dilation[i]) Call::fail("its kernel reaches too far");
    const std::int64_t reach = windows.reach(i);
    std::int64_t before = 0, after = 0, count = 0;
    if (automatic == 1 || automatic == 2) {
      count = (size + stride - 1) / stride;
      const std::int64_t both = std::max((count - 1) * stride + reach - size, std::int64_t{0});
      before = automatic == 1 ? both / 2 : both - both / 2;
      after = both - before;
    } else {
      if (automatic == 0) before = pads[i], after = pads[i + axes];
      const std::int64_t room = size + before + after - reach;
      if (room < 0)
        Call::fail("its kernel reaches over " + std::to_string(reach) + " elements of an axis of size " +
                   std::to_string(size) + " with padding " + std::to_string(before + after));
      count = (up ? (room + stride - 1) / stride : room / stride) + 1;
      // A window must not begin in the padding behind.
      if (up && (count - 1) * stride >= size + before) --count;
    }
    windows.before.push_back(before);
    windows.after.push_back(after);
    windows.count.push_back(count);
    windows.beyond.push_back(std::max((count - 1) * stride + reach - size - before - after, std::int64_t{0}));
  }
  std::vector<std::int64_t> around = {x.shape()[0], x.shape()[1]};
  for (std::size_t i = 0; i < axes; ++i)
    around.push_back(x.shape()[i + 2] + windows.before[i] + windows.after[i] + windows.beyond[i]);
  call.require_size(around);
  return windows;
}

Tensor padded(const Tensor& x, const Windows& windows, double value, bool beyond) {
  std::vector<std::int64_t> sizes;
  bool any = false;
  for (std::size_t i = windows.axes(); i-- > 0;) {
    sizes.push_back(windows.before[i]);
    sizes.push_back(windows.after[i] + (beyond ? windows.beyond[i] : 0));
    any |= sizes.back() != 0 || windows.before[i] != 0;
  }
  return any ? pad(x, sizes, PadMode::constant, value) : x;
}

Tensor unfolded(const Call& call, const Tensor& x, const Windows& windows, double value) {
  std::vector<std::int64_t> sizes = {x.shape()[0], x.shape()[1]};
  sizes.insert(sizes.end(), windows.count.begin(), windows.count.end());
  sizes.insert(sizes.end(), windows.kernel.begin(), windows.kernel.end());
  call.require_size(sizes);
  Tensor result = padded(x, windows, value, true);
  const std::size_t axes = windows.axes();
  // From the last axis on, so that those before it keep their places.
  for (std::size_t i = axes; i-- > 0;) {
    const Tensor first = arange(0, windows.count[i]).reshape({windows.count[i], 1}) * windows.stride[i];
    const Tensor places = first + arange(0, windows.kernel[i]) * windows.dilation[i];
    result = take(result, places, static_cast<std::int64_t>(i) + 2);
  }
  // (N, C, count, kernel, count, kernel, ...) has them in turns.
  std::vector<std::int64_t> order = {0, 1};
  for (std::size_t i = 0; i < axes; ++i) order.push_back(static_cast<std::int64_t>(2 * i + 2));
  for (std::size_t i = 0; i < axes; ++i) order.push_back(static_cast<std::int64_t>(2 * i + 3));
  return permute(result, order);
}

}  // namespace chainrule::onnx
