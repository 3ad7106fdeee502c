// As many rows as a pack has lanes go side by side, and meet the others one after another, a few at a time.

#include "kernels/distances.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "chainrule/simd.h"
#include "kernels/direct_loops.h"
#include "kernels/lines.h"
#include "kernels/parallel.h"

namespace chainrule::kernels {
namespace {

/// In units of the largest difference.
template <class T>
[[gnu::noinline]] T careful_distance(std::int64_t m, const T* a, const T* b) {
  T largest = 0;
  for (std::int64_t i = 0; i < m; ++i) {
    const T size = std::abs(a[i] - b[i]);
    if (size != size) return size;
    largest = std::max(largest, size);
  }
  if (largest == 0 || std::isinf(largest)) return largest;
  double sum = 0;
  for (std::int64_t i = 0; i < m; ++i) {
    const double part = static_cast<double>(a[i] - b[i]) / static_cast<double>(largest);
    sum += part * part;
  }
  return static_cast<T>(static_cast<double>(largest) * std::sqrt(sum));
}

/// From all rows of a to `count` rows of b, from row `first` on, which are the lanes of a tile (m, lanes).
template <class T>
struct DistancesLoop {
  template <int Bytes>
  static void run(std::int64_t p, std::int64_t m, const T* a, const T* tile, const T* b, std::int64_t count,
                  T* out, std::int64_t line) {
    using P = simd::Pack<T, Bytes / static_cast<int>(sizeof(T))>;
    std::int64_t i = 0;
    if constexpr (sizeof(T) == 4)
      for (; i + 4 <= p; i += 4) rows<P, 4>(m, a + i * m, tile, b, count, out + i * line, line);
    for (; i < p; ++i) rows<P, 1>(m, a + i * m, tile, b, count, out + i * line, line);
  }

 private:
  template <class P, int Rows>
  static void rows(std::int64_t m, const T* a, const T* tile, const T* b, std::int64_t count, T* out,
                   std::int64_t line) {
    constexpr std::int64_t stretch = 64;  // whose sums are added to those of the ones before
    P totals[Rows];
#pragma GCC unroll 4
    for (int r = 0; r < Rows; ++r) totals[r] = P(T(0));
    for (std::int64_t begin = 0; begin < m; begin += stretch) {
      P sums[Rows];
#pragma GCC unroll 4
      for (int r = 0; r < Rows; ++r) sums[r] = P(T(0));
      for (std::int64_t k = begin; k < std::min(m, begin + stretch); ++k) {
        const P other = P::load(tile + k * P::lanes);
#pragma GCC unroll 4
        for (int r = 0; r < Rows; ++r) {
          const P difference = P(a[r * m + k]) - other;
          sums[r] = sums[r] + difference * difference;
        }
      }
#pragma GCC unroll 4
      for (int r = 0; r < Rows; ++r) totals[r] = totals[r] + sums[r];
    }
    // Between these no square has overflowed, and none that was lost matters.
    using Limits = std::numeric_limits<T>;
    const T least = sizeof(T) == 4 ? T(4e-16) : T(2e-146);
    for (int r = 0; r < Rows; ++r) {
      const P root = sqrt(totals[r]);
      if (count == P::lanes)
        root.store(out + r * line);
      else
        root.store_part(out + r * line, count);
      if (any(!((root >= least) & (root < Limits::infinity())))) [[unlikely]]
        for (std::int64_t lane = 0; lane < count; ++lane) {
          T& each = out[r * line + lane];
          if (!(each >= least && each < Limits::infinity()))
            each = careful_distance(m, a + r * m, b + lane * m);
        }
    }
  }
};

/// Into a tile (m, lanes) of rows that are side by side, as x is; lane i of row k of w is at w + k * step.
template <class T>
struct DifferencesLoop {
  template <int Bytes>
  static void run(std::int64_t count, std::int64_t m, const T* w, std::int64_t step, const T* x, const T* y,
                  T* to) {
    using P = simd::Pack<T, Bytes / static_cast<int>(sizeof(T))>;
    std::int64_t i = 0;
    constexpr int many = Bytes == 64 ? 8 : 4;  // as many as there are registers for
    for (; i + many <= m; i += many)
      columns<P, many>(count, m, w, step, x + i * P::lanes, y + i, to + i * P::lanes);
    for (; i < m; ++i) columns<P, 1>(count, m, w, step, x + i * P::lanes, y + i, to + i * P::lanes);
  }

 private:
  template <class P, int Columns>
  static void columns(std::int64_t count, std::int64_t m, const T* w, std::int64_t step, const T* x,
                      const T* y, T* to) {
    P own[Columns], sums[Columns];
#pragma GCC unroll 8
    for (int c = 0; c < Columns; ++c) {
      own[c] = P::load(x + c * P::lanes);
      sums[c] = P(T(0));
    }
    for (std::int64_t k = 0; k < count; ++k) {
      const P weight = P::load(w + k * step);
#pragma GCC unroll 8
      for (int c = 0; c < Columns; ++c) sums[c] = sums[c] + weight * (own[c] - P(y[k * m + c]));
    }
#pragma GCC unroll 8
    for (int c = 0; c < Columns; ++c) sums[c].store(to + c * P::lanes);
  }
};

/// Calls part(first, lanes) for blocks of rows.
template <class T, class Part>
void for_blocks(std::int64_t rows, std::int64_t others, std::int64_t m, const Part& part) {
  const std::int64_t lanes = lanes_of<T>(),
                     work = std::max<std::int64_t>(1, lanes * others * std::max<std::int64_t>(m, 1));
  parallel_for((rows + lanes - 1) / lanes, (4 * parallel_grain + work - 1) / work,
               [&](std::int64_t block, std::int64_t end) {
                 for (; block < end; ++block) part(block * lanes, std::min(lanes, rows - block * lanes));
               });
}

}  // namespace

template <class T>
void distances(std::int64_t p, std::int64_t r, std::int64_t m, const T* a, const T* b, T* out) {
  const std::int64_t lanes = lanes_of<T>();
  const detail::AcrossLayout layout({r, m, 1}, sizeof(T));
  for_blocks<T>(r, p, m, [&](std::int64_t first, std::int64_t count) {
    std::vector<T> tile(static_cast<std::size_t>(m * lanes));
    detail::gather(layout, b, first, count, lanes, tile.data());
    simd::vectorized<DistancesLoop<T>>(p, m, a, static_cast<const T*>(tile.data()), b + first * m, count,
                                       out + first, r);
  });
}

template <class T>
void weighted_differences(std::int64_t n, std::int64_t count, std::int64_t m, const T* w, const T* x,
                          const T* y, T* out) {
  const std::int64_t lanes = lanes_of<T>();
  const detail::AcrossLayout layout({n, m, 1}, sizeof(T));
  for_blocks<T>(n, count, m, [&](std::int64_t first, std::int64_t rows) {
    const bool is_whole = rows == lanes;
    std::vector<T> room(static_cast<std::size_t>((2 * m + (is_whole ? 0 : count)) * lanes));
    T *const tile = room.data(), *const result = tile + m * lanes, *const weights = result + m * lanes;
    detail::gather(layout, x, first, rows, lanes, tile);
    if (!is_whole)
      for (std::int64_t k = 0; k < count; ++k) std::copy_n(w + k * n + first, rows, weights + k * lanes);
    simd::vectorized<DifferencesLoop<T>>(count, m, is_whole ? w + first : static_cast<const T*>(weights),
                                         is_whole ? n : lanes, static_cast<const T*>(tile), y, result);
    detail::scatter<T>(layout, result, first, rows, lanes, out);
  });
}

template void distances(std::int64_t, std::int64_t, std::int64_t, const float*, const float*, float*);
template void distances(std::int64_t, std::int64_t, std::int64_t, const double*, const double*, double*);
template void weighted_differences(std::int64_t, std::int64_t, std::int64_t, const float*, const float*,
                                   const float*, float*);
template void weighted_differences(std::int64_t, std::int64_t, std::int64_t, const double*, const double*,
                                   const double*, double*);

}  // namespace chainrule::kernels
