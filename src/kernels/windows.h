// How windows move over an array of up to three spatial axes, as in convolutions. Padding, stride and
// dilation in one place, for convolutions and pooling and for what checks their shapes.

#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

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
/// neighbours, of which those below one another come together. inside(k, at, n, from, lines) is of so many
/// lines with a run of n in each, the first of them at - begin, that find their element k at from, from +
/// stride of the last axis and so on; outside(k, at, n, lines) is where there is nothing. The next line is
/// `out` of the last axis further, and in the input stride · `in` of the last two.
template <class Inside, class Outside>
void for_each_run(const Windows& windows, std::int64_t begin, std::int64_t end, const Inside& inside,
                  const Outside& outside) {
  const WindowAxis &deep = windows.axes[0], &high = windows.axes[1], &wide = windows.axes[2];
  const std::int64_t first_line = begin / wide.out, first_plane = first_line / high.out,
                     first_row = first_line % high.out, first_column = begin - first_line * wide.out;
  std::int64_t k = 0;
  for (std::int64_t d = 0; d < deep.kernel; ++d)
    for (std::int64_t h = 0; h < high.kernel; ++h)
      for (std::int64_t w = 0; w < wide.kernel; ++w, ++k) {
        const WindowAxis::Range rows = high.inside(h), columns = wide.inside(w);
        std::int64_t row = first_row, a = first_column,
                     z = first_plane * deep.stride + d * deep.dilation - deep.before;
        for (std::int64_t at = begin; at < end;) {
          // As many whole lines of this plane as there are, or else the rest of a line.
          const std::int64_t whole = a == 0 ? std::min(high.out - row, (end - at) / wide.out) : 0,
                             lines = std::max<std::int64_t>(whole, 1), b = std::min(wide.out, a + end - at),
                             start = at - begin;
          const bool is_within = z >= 0 && z < deep.in;
          const std::int64_t top = is_within ? std::clamp(rows.first, row, row + lines) : row + lines,
                             bottom = std::clamp(rows.last, top, row + lines),
                             first = std::clamp(columns.first, a, b),
                             last = std::clamp(columns.last, first, b);
          if (top > row) outside(k, start, b - a, top - row);
          if (bottom > top) {
            const std::int64_t to = start + (top - row) * wide.out,
                               y = top * high.stride + h * high.dilation - high.before;
            if (first > a) outside(k, to, first - a, bottom - top);
            if (last > first)
              inside(k, to + first - a, last - first,
                     (z * high.in + y) * wide.in + first * wide.stride + w * wide.dilation - wide.before,
                     bottom - top);
            if (b > last) outside(k, to + last - a, b - last, bottom - top);
          }
          if (row + lines > bottom)
            outside(k, start + (bottom - row) * wide.out, b - a, row + lines - bottom);
          at += whole > 0 ? whole * wide.out : b - a;
          a = 0;
          if ((row += lines) == high.out) {
            row = 0;
            z += deep.stride;
          }
        }
      }
}

}  // namespace chainrule::kernels
