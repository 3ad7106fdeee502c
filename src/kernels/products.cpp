// Products of all other elements of a row: those of pairs, of pairs of pairs and so on, and back down. Short
// rows are computed side by side (lines.h), and threads take several.

#include "kernels/products.h"

#include <algorithm>
#include <vector>

#include "kernels/direct_loops.h"
#include "kernels/lines.h"

namespace chainrule::kernels {
namespace {

/// `width` rows side by side. The pairs, then what is outside of each, on every level. `room` is for twice as
/// many elements, and some rows more. (Plain loops: most of the time goes to memory.)
template <class T>
void products_of_rows(std::int64_t n, std::int64_t width, const T* x, T* to, T* room) {
  struct Level {
    const T* from;
    T* outside;
    std::int64_t count;
  } levels[64] = {{x, to, n}};
  std::size_t last = 0;
  for (T* at = room; levels[last].count > 1; ++last) {
    const T* const from = levels[last].from;
    const std::int64_t half = levels[last].count / 2, rest = levels[last].count - half, few = half * width;
    for (std::int64_t i = 0; i < few; ++i) at[i] = from[i] * from[few + i];
    if (rest != half) std::copy_n(from + 2 * few, width, at + few);
    levels[last + 1] = {at, at + rest * width, rest};
    at += 2 * rest * width;
  }
  std::fill_n(levels[last].outside, width, T(1));
  while (last-- > 0) {
    const auto [from, to_here, count] = levels[last];
    const T* const outside = levels[last + 1].outside;
    const std::int64_t few = count / 2 * width;
    for (std::int64_t i = 0; i < few; ++i) {
      const T a = from[i], b = from[few + i];
      to_here[i] = outside[i] * b;
      to_here[few + i] = outside[i] * a;
    }
    if (count % 2 != 0) std::copy_n(outside + few, width, to_here + 2 * few);
  }
}

}  // namespace

Array products_of_others(const Array& rows) {
  Array out(rows.shape(), rows.dtype());
  const std::int64_t count = rows.shape()[0], n = rows.shape()[1];
  if (out.size() == 0) return out;
  dispatch_floating(rows.dtype(), [&]<class T>() {
    const T* const x = rows.data<T>();
    T* const to = out.mutable_data<T>();
    // Short rows are computed side by side.
    const detail::AcrossLayout layout({count, n, 1}, sizeof(T));
    const std::int64_t width = n < detail::short_line ? lanes_of<T>() : 1,
                       units = (count + width - 1) / width;
    parallel_for(
        units, (parallel_grain + n * width - 1) / (n * width), [&](std::int64_t unit, std::int64_t end) {
          std::vector<T> room(static_cast<std::size_t>((4 * n + 128) * width));
          T *const tile = room.data(), *const result = tile + n * width, *const levels = result + n * width;
          for (; unit < end; ++unit) {
            const std::int64_t first = unit * width, lanes = std::min(width, count - first);
            if (width == 1) {
              products_of_rows<T>(n, width, x + first * n, to + first * n, levels);
              continue;
            }
            detail::gather(layout, x, first, lanes, width, tile);
            products_of_rows<T>(n, width, tile, result, levels);
            detail::scatter<T>(layout, result, first, lanes, width, to);
          }
        });
  });
  return out;
}

}  // namespace chainrule::kernels
