// The elements of an axis that strided windows read, as seen from the windows: of those that are a stride
// apart, each meets the same elements of the kernel. So what strided windows read is made of as many plain
// convolutions as there are phases, none of which multiplies by zeros.

#pragma once

#include <cstdint>

#include "kernels/windows.h"

namespace chainrule::kernels {

/// a / b, rounded down.
constexpr std::int64_t rounded_down(std::int64_t a, std::int64_t b) {
  return a >= 0 ? a / b : -((b - 1 - a) / b);
}

/// Where x is read along an axis: element i, plus what is before it, is b strides and a phase. To it come y
/// at b - m for the taps k, where k dilations are m strides and that phase.
struct Turned {
  explicit Turned(const WindowAxis& axis)
      : of(axis),
        lowest(rounded_down(axis.before, axis.stride)),
        most((axis.kernel - 1) * axis.dilation / axis.stride) {
    const std::int64_t count = rounded_down(axis.in - 1 + axis.before, axis.stride) - lowest + 1;
    windows = {axis.out, count, most + 1, 1, 1, most - lowest};
  }
  /// The first element of a phase.
  std::int64_t first(std::int64_t phase) const {
    return ((phase - of.before) % of.stride + of.stride) % of.stride;
  }
  std::int64_t count(std::int64_t phase) const {
    return std::max<std::int64_t>(0, (of.in - first(phase) + of.stride - 1) / of.stride);
  }
  std::int64_t longest() const { return (of.in + of.stride - 1) / of.stride; }
  /// The window that the first one reads.
  std::int64_t start(std::int64_t phase) const {
    return rounded_down(first(phase) + of.before, of.stride) - lowest;
  }
  /// The element of that window that a tap is at; negative if it is of another phase.
  std::int64_t at(std::int64_t tap, std::int64_t phase) const {
    const std::int64_t distance = tap * of.dilation - phase;
    return distance % of.stride == 0 ? most - distance / of.stride : -1;
  }
  WindowAxis of, windows;
  std::int64_t lowest, most;
};

}  // namespace chainrule::kernels
