// Runs of neighbours go in packs, of every element or of every second one.

#include "kernels/columns.h"

#include <algorithm>

#include "chainrule/simd.h"

namespace chainrule::kernels {
namespace {

/// Bytes of planes that stay in the first-level cache beside what is written.
constexpr std::int64_t several_planes = 1 << 14;

/// Columns are written where x is given, from that; else read, and added to the elements of `to_x` that they
/// are.
template <class T>
struct ColumnsLoop {
  template <int Bytes>
  static void run(const Windows* windows, const T* x, T* to_x, std::int64_t channels, std::int64_t begin,
                  std::int64_t end, T* columns) {
    using P = simd::Pack<T, Bytes / static_cast<int>(sizeof(T))>;
    const std::int64_t stride = windows->axes[2].stride, n = end - begin, plane = windows->in_size(),
                       rows = windows->kernel_size(), line = windows->axes[2].out,
                       line_of_x = windows->axes[1].stride * windows->axes[2].in;
    // Where a run is, is found out for several small planes at a time.
    const std::int64_t most =
        std::max<std::int64_t>(1, several_planes / static_cast<std::int64_t>(sizeof(T)) / plane);
    for (std::int64_t first = 0; first < channels; first += most, columns += most * rows * n) {
      const std::int64_t count_of_planes = std::min(most, channels - first);
      const auto for_planes = [&](std::int64_t k, std::int64_t at, const auto& part) {
        for (std::int64_t c = 0; c < count_of_planes; ++c)
          part((first + c) * plane, columns + (c * rows + k) * n + at);
      };
      for_each_run(
          *windows, begin, end,
          [&](std::int64_t k, std::int64_t at, std::int64_t count, std::int64_t from, std::int64_t lines) {
            if (x != nullptr)
              for_planes(k, at, [&](std::int64_t of, T* part) {
                copy<P>(lines, x + of + from, line_of_x, stride, part, line, count);
              });
            else
              for_planes(k, at, [&](std::int64_t of, T* part) {
                add<P>(lines, part, line, to_x + of + from, line_of_x, stride, count);
              });
          },
          [&](std::int64_t k, std::int64_t at, std::int64_t count, std::int64_t lines) {
            if (x == nullptr) return;
            for_planes(k, at, [&](std::int64_t, T* to) {
              for (std::int64_t i = 0; i < lines; ++i, to += line)
                for (std::int64_t j = 0; j < count; ++j) to[j] = 0;
            });
          });
    }
  }

 private:
  // The last pack of a run ends with it, and repeats some of what the one before has done. Runs that are
  // shorter than a pack take shorter ones: lines of small images have few elements.
  template <class P>
  using Half = simd::Pack<T, P::lanes / 2>;
  template <class P>
  static constexpr bool is_shortest = P::lanes * sizeof(T) == 16;

  template <class P>
  static void copy(std::int64_t lines, const T* from, std::int64_t line_of_from, std::int64_t stride, T* to,
                   std::int64_t line, std::int64_t n) {
    if (stride != 1 || n < P::lanes) {
      if constexpr (!is_shortest<P>)
        if (stride == 1) return copy<Half<P>>(lines, from, line_of_from, stride, to, line, n);
      for (; lines-- > 0; from += line_of_from, to += line)
        if (stride == 2)
          copy_evens<P>(from, to, n);
        else
          for (std::int64_t i = 0; i < n; ++i) to[i] = from[i * stride];
      return;
    }
    const std::int64_t last = n - P::lanes;
    for (; lines-- > 0; from += line_of_from, to += line) {
      for (std::int64_t i = 0; i < last; i += P::lanes) P::load(from + i).store(to + i);
      P::load(from + last).store(to + last);
    }
  }
  // Of every second element. What lies behind the last one is not to be touched.
  template <class P>
  static void copy_evens(const T* from, T* to, std::int64_t n) {
    std::int64_t i = 0;
    for (; i + P::lanes < n; i += P::lanes) {
      const P packs[2] = {P::load(from + 2 * i), P::load(from + 2 * i + P::lanes)};
      P::template every<2, 0>(packs).store(to + i);
    }
    if constexpr (P::lanes * sizeof(T) > 32) return copy_evens<Half<P>>(from + 2 * i, to + i, n - i);
    for (; i < n; ++i) to[i] = from[2 * i];
  }
  template <class P>
  static void add_to_evens(const T* from, T* to, std::int64_t n) {
    std::int64_t i = 0;
    for (; i + P::lanes < n; i += P::lanes) {
      const P packs[2] = {P::load(to + 2 * i), P::load(to + 2 * i + P::lanes)};
      const P both[2] = {P::template every<2, 0>(packs) + P::load(from + i), P::template every<2, 1>(packs)};
      P::template in_turns<2, 0>(both).store(to + 2 * i);
      P::template in_turns<2, 1>(both).store(to + 2 * i + P::lanes);
    }
    if constexpr (P::lanes * sizeof(T) > 32) return add_to_evens<Half<P>>(from + i, to + 2 * i, n - i);
    for (; i < n; ++i) to[2 * i] += from[i];
  }
  template <class P>
  static void add(std::int64_t lines, const T* from, std::int64_t line, T* to, std::int64_t line_of_to,
                  std::int64_t stride, std::int64_t n) {
    if (stride != 1 || n < P::lanes) {
      if constexpr (!is_shortest<P>)
        if (stride == 1) return add<Half<P>>(lines, from, line, to, line_of_to, stride, n);
      for (; lines-- > 0; from += line, to += line_of_to)
        if (stride == 2)
          add_to_evens<P>(from, to, n);
        else
          for (std::int64_t i = 0; i < n; ++i) to[i * stride] += from[i];
      return;
    }
    const std::int64_t last = n - P::lanes;
    for (; lines-- > 0; from += line, to += line_of_to) {
      // Added before the others are written, as the two may overlap.
      const P sum = P::load(to + last) + P::load(from + last);
      for (std::int64_t i = 0; i < last; i += P::lanes) (P::load(to + i) + P::load(from + i)).store(to + i);
      sum.store(to + last);
    }
  }
};

}  // namespace

template <class T>
void columns_of(const Windows& windows, const T* x, std::int64_t channels, std::int64_t begin,
                std::int64_t end, T* columns) {
  simd::vectorized<ColumnsLoop<T>>(&windows, x, static_cast<T*>(nullptr), channels, begin, end, columns);
}
template <class T>
void add_columns(const Windows& windows, T* columns, std::int64_t channels, std::int64_t begin,
                 std::int64_t end, T* x) {
  simd::vectorized<ColumnsLoop<T>>(&windows, static_cast<const T*>(nullptr), x, channels, begin, end,
                                   columns);
}

template void columns_of(const Windows&, const float*, std::int64_t, std::int64_t, std::int64_t, float*);
template void columns_of(const Windows&, const double*, std::int64_t, std::int64_t, std::int64_t, double*);
template void add_columns(const Windows&, float*, std::int64_t, std::int64_t, std::int64_t, float*);
template void add_columns(const Windows&, double*, std::int64_t, std::int64_t, std::int64_t, double*);

}  // namespace chainrule::kernels
