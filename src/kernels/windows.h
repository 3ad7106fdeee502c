#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

/// How windows move over an array of up to three spatial axes, as in convolutions.
namespace chainrule::kernels {

/// Along one axis: element k of window o is at o * stride + k * dilation - before of the input.
struct WindowAxis {
  std::int64_t in = 1, out = 1, kernel = 1, stride = 1, dilation = 1, before = 0;

  /// The windows from first to last - 1 whose element k lies within the input.
  struct Range {
    std::int64_t first, last;
  };
  Range inside(std::int64_t k) const {
    const auto reaching = [&](std::int64_t place) {  // the first window whose element k is at or behind it
      const std::int64_t distance = place + before - k * dilation;
      return distance <= 0 ? 0 : std::min(out, (distance - 1) / stride + 1);
    };
    return {reaching(0), reaching(in)};
  }
};

/// Of three axes; what is not there has size 1.
struct Windows {
  std::array<WindowAxis, 3> axes;

  std::int64_t in_size() const { return axes[0].in * axes[1].in * axes[2].in; }
  std::int64_t out_size() const { return axes[0].out * axes[1].out * axes[2].out; }
  std::int64_t kernel_size() const { return axes[0].kernel * axes[1].kernel * axes[2].kernel; }
  /// Is each window the element of its own number?
  bool are_elements() const {
    return std::all_of(axes.begin(), axes.end(), [](const WindowAxis& axis) {
      return axis.kernel == 1 && axis.stride == 1 && axis.before == 0 && axis.in == axis.out;
    });
  }
};

/// Goes through the windows from begin to end - 1, for one element of the kernel after another, in runs of
/// neighbours. inside(k, at, n, from) is a run of n, the first of them at - begin, that find their element k
/// at from, from + stride of the last axis and so on; outside(k, at, n) is one where there is nothing.
template <class Inside, class Outside>
void for_each_run(const Windows& windows, std::int64_t begin, std::int64_t end, const Inside& inside,
                  const Outside& outside) {
  const WindowAxis &deep = windows.axes[0], &high = windows.axes[1], &wide = windows.axes[2];
  const std::int64_t first_line = begin / wide.out, first_plane = first_line / high.out;
  std::int64_t k = 0;
  for (std::int64_t d = 0; d < deep.kernel; ++d)
    for (std::int64_t h = 0; h < high.kernel; ++h)
      for (std::int64_t w = 0; w < wide.kernel; ++w, ++k) {
        const WindowAxis::Range range = wide.inside(w);
        // The window's place along the outer axes, and that of its element, both counted up: divisions are
        // slow.
        std::int64_t row = first_line % high.out,
                     z = first_plane * deep.stride + d * deep.dilation - deep.before,
                     y = row * high.stride + h * high.dilation - high.before,
                     a = begin - first_line * wide.out;
        for (std::int64_t at = begin; at < end; a = 0, y += high.stride) {
          if (row == high.out) {
            row = 0;
            z += deep.stride;
            y = h * high.dilation - high.before;
          }
          ++row;
          const std::int64_t b = std::min(wide.out, a + end - at);
          if (z < 0 || z >= deep.in || y < 0 || y >= high.in) {
            outside(k, at - begin, b - a);
          } else {
            const std::int64_t first = std::clamp(range.first, a, b), last = std::clamp(range.last, first, b);
            if (first > a) outside(k, at - begin, first - a);
            if (last > first)
              inside(k, at - begin + first - a, last - first,
                     (z * high.in + y) * wide.in + first * wide.stride + w * wide.dilation - wide.before);
            if (b > last) outside(k, at - begin + last - a, b - last);
          }
          at += b - a;
        }
      }
}

}  // namespace chainrule::kernels
