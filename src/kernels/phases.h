// The elements of an axis that strided windows read, as seen from the windows: of those that are a stride
// apart, each meets the same elements of the kernel. So what strided windows read is made of as many plain
// convolutions as there are phases, none of which multiplies by zeros.

#pragma once

#include <algorithm>
#include <array>
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

/// Calls f(tap, at) for the taps of a kernel that elements of x in a phase along each axis meet, and for the
/// elements of the windows that these are at. From the last tap on, as those elements follow one another.
template <class F>
void for_each_tap(const std::array<Turned, 3>& turned, const std::array<std::int64_t, 3>& phases,
                  const F& f) {
  const auto& [deep, high, wide] = turned;
  std::int64_t tap = deep.of.kernel * high.of.kernel * wide.of.kernel;
  for (std::int64_t i = deep.of.kernel; i-- > 0;)
    for (std::int64_t j = high.of.kernel; j-- > 0;)
      for (std::int64_t k = wide.of.kernel; k-- > 0;) {
        --tap;
        const std::array<std::int64_t, 3> at = {deep.at(i, phases[0]), high.at(j, phases[1]),
                                                wide.at(k, phases[2])};
        if (std::ranges::all_of(at, [](std::int64_t each) { return each >= 0; })) f(tap, at);
      }
}

}  // namespace chainrule::kernels
