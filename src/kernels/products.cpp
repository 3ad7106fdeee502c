// Products of all other elements of a row: those of pairs, of pairs of pairs and so on, and back down. Short
// rows are computed side by side (lines.h), and threads take several.

#include "kernels/products.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>
#include <vector>

#include "kernels/direct_loops.h"
#include "kernels/lines.h"
#include "kernels/parallel.h"

namespace chainrule::kernels {
namespace {

/// `width` lines side by side. The pairs, then what is outside of each, on every level. `room` is for twice
/// as many elements, and some lines more. Whether all results are normal.
template <class T>
struct OthersLoop {
  template <int Bytes>
  static void run(std::int64_t n, std::int64_t width, const T* x, T* to, T* room, bool* are_normal) {
    using P = simd::Pack<T, Bytes / static_cast<int>(sizeof(T))>;
    struct Level {
      const T* from;
      T* outside;
      std::int64_t count;
    } levels[64];
    levels[0] = {x, to, n};
    std::size_t last = 0;
    for (T* at = room; levels[last].count > 1; ++last) {
      const T* const from = levels[last].from;
      const std::int64_t half = levels[last].count / 2, rest = levels[last].count - half, few = half * width;
      std::int64_t i = 0;
      for (; i + P::lanes <= few; i += P::lanes) (P::load(from + i) * P::load(from + few + i)).store(at + i);
      for (; i < few; ++i) at[i] = from[i] * from[few + i];
      if (rest != half)
        for (i = 0; i < width; ++i) at[few + i] = from[2 * few + i];
      levels[last + 1] = {at, at + rest * width, rest};
      at += 2 * rest * width;
    }
    for (std::int64_t i = 0; i < width; ++i) levels[last].outside[i] = T(1);
    while (last-- > 0) {
      const Level level = levels[last];
      const T *const from = level.from, *const outside = levels[last + 1].outside;
      const std::int64_t few = level.count / 2 * width;
      std::int64_t i = 0;
      for (; i + P::lanes <= few; i += P::lanes) {
        const P a = P::load(from + i), b = P::load(from + few + i), others = P::load(outside + i);
        (others * b).store(level.outside + i);
        (others * a).store(level.outside + few + i);
      }
      for (; i < few; ++i) {
        const T a = from[i], b = from[few + i];
        level.outside[i] = outside[i] * b;
        level.outside[few + i] = outside[i] * a;
      }
      if (level.count % 2 != 0)
        for (i = 0; i < width; ++i) level.outside[2 * few + i] = outside[few + i];
    }
    using Limits = std::numeric_limits<T>;
    const std::int64_t all = n * width;
    P least(Limits::max()), most(T(0)), sum(T(0));  // where one is no number, neither is the sum
    std::int64_t i = 0;
    for (; i + P::lanes <= all; i += P::lanes) {
      const P size = abs(P::load(to + i));
      least = smaller(least, size);
      most = larger(most, size);
      sum = sum + (size - size);
    }
    bool normal = !any(!((least >= Limits::min()) & (most <= Limits::max()) & (sum == T(0))));
    for (; i < all; ++i) normal = normal && std::isnormal(to[i]);
    *are_normal = normal;
  }
};

/// Lines that a unit goes over side by side, from `first` on in a group of so many.
template <class T>
void go_over(const Lines& lines, std::int64_t first, std::int64_t count, std::int64_t width, const T* x,
             T* to, std::vector<T>& room, bool& are_normal) {
  const std::int64_t n = lines.n, inner = lines.inner;
  T *const tile = room.data(), *const result = tile + n * width, *const levels = result + n * width;
  const detail::AcrossLayout layout(lines, sizeof(T));
  const std::int64_t at = first / inner * n * inner + first % inner;
  const bool are_neighbours = inner > 1 && count == width;
  if (are_neighbours)
    for (std::int64_t i = 0; i < n; ++i) std::copy_n(x + at + i * inner, width, tile + i * width);
  else if (width > 1)
    detail::gather(layout, x, first, count, width, tile);
  simd::vectorized<OthersLoop<T>>(n, width, width > 1 ? static_cast<const T*>(tile) : x + at,
                                  width > 1 ? result : to + at, levels, &are_normal);
  if (are_neighbours)
    for (std::int64_t i = 0; i < n; ++i) std::copy_n(result + i * width, width, to + at + i * inner);
  else if (width > 1)
    detail::scatter<T>(layout, result, first, count, width, to);
}

}  // namespace

Array products_of_others(const Array& x, const Lines& lines, bool& are_normal) {
  Array out(x.shape(), x.dtype());
  are_normal = true;
  if (out.size() == 0) return out;
  std::atomic<bool> all_normal = true;
  dispatch_floating(x.dtype(), [&]<class T>() {
    const T* const from = x.data<T>();
    T* const to = out.mutable_data<T>();
    const std::int64_t n = lines.n, inner = lines.inner, lanes = lanes_of<T>();
    // Short lines are computed side by side, and so are those whose elements are apart.
    const std::int64_t several = std::clamp<std::int64_t>(2048 / (n * lanes), 1, 4) * lanes,
                       width = inner >= several                      ? several
                               : inner > 1 || n < detail::short_line ? lanes
                                                                     : 1;
    const std::int64_t group = inner > 1 ? inner : lines.outer, groups = inner > 1 ? lines.outer : 1,
                       units = (group + width - 1) / width;
    parallel_for(groups * units, (parallel_grain + n * width - 1) / (n * width),
                 [&](std::int64_t unit, std::int64_t end) {
                   std::vector<T> room(static_cast<std::size_t>((4 * n + 128) * width));
                   bool normal = true;
                   for (; unit < end; ++unit) {
                     const std::int64_t place = unit % units * width;
                     go_over(lines, unit / units * group + place, std::min(width, group - place), width, from,
                             to, room, normal);
                     if (!normal) all_normal.store(false, std::memory_order_relaxed);
                   }
                 });
  });
  are_normal = all_normal;
  return out;
}

}  // namespace chainrule::kernels
