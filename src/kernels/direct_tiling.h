// How direct convolutions choose their tiles, from sizes alone, and how weights are packed for these.

#pragma once

#include <algorithm>
#include <cstdlib>
#include <vector>

#include "kernels/direct_loops.h"
#include "kernels/packing.h"

namespace chainrule::kernels {

/// Whether the lanes of a tile are filters, or windows; then of a block of so many filters.
struct Tiling {
  bool by_windows;
  std::int64_t unit, block;  ///< of filters: what each block is filled up to, and the most that one has
  std::int64_t cost;         ///< of a line, in multiply-adds of packs
};
/// The tiles for lines of so many windows. Those whose lanes are filters may be of products up to
/// `most_depth`.
template <class T>
Tiling tiling(std::int64_t line, std::int64_t filters, std::int64_t depth, std::int64_t lanes,
              std::int64_t most_depth) {
  const LineTiles tiles(lanes, line);
  const std::int64_t packs_of_line = (line + lanes - 1) / lanes, packs = (filters + lanes - 1) / lanes,
                     turning = packs_of_line * packs * 12 * lanes / tiles.lines,
                     block = filters == 1                                                  ? 1
                             : lanes == 16 && round_up(filters, 8) <= round_up(filters, 6) ? 8
                                                                                           : 6;
  const Tiling by_windows{true, block, block, packs_of_line * round_up(filters, block) * (depth + 4)};
  if (sizeof(T) == 8) return by_windows;
  const Tiling by_filters{false, lanes, 2 * lanes, tiles.windows() * packs * depth + turning};
  // A pack that has no second one beside it takes as many loads as multiply-adds, which is a quarter slower.
  const auto time = [](const Tiling& tiles_of, std::int64_t count) {
    return tiles_of.cost * (4 * count + count % 2) / count;
  };
  return depth <= most_depth && time(by_windows, packs_of_line) < time(by_filters, packs) ? by_windows
                                                                                          : by_filters;
}

/// The weight of one group, as filters over channels, which are the same for a convolution and back.
template <class T>
struct FilterWeight {
  const T* first;
  std::int64_t filter, channel;  ///< how far the next ones are

  /// Of n filters of the block from f0 on, for each channel and tap, of which there is a list, the filters,
  /// filled up with 0 to `width` of them. Returns what is behind.
  T* pack(std::int64_t f0, std::int64_t n, std::int64_t width, std::int64_t c0, std::int64_t c1,
          const std::vector<std::int64_t>& taps, T* to) const {
    if (taps.empty()) return to;
    const auto count = static_cast<std::int64_t>(taps.size()), step = count == 1 ? 1 : taps[1] - taps[0];
    bool in_order = step == 1 || step == -1;
    for (std::int64_t k = 1; k < count; ++k) in_order = in_order && taps[k] == taps[k - 1] + step;
    const T* const from = first + f0 * filter + std::min(taps.front(), taps.back());
    if (in_order && step == 1 && channel == count && n >= side && (c1 - c0) * count >= side) {
      turn(from + c0 * channel, n, (c1 - c0) * count, to, width);  // one row a filter
      return to + (c1 - c0) * count * width;
    }
    for (std::int64_t c = c0; c < c1; ++c, to += count * width)
      if (in_order && n >= side && count >= side)
        turn(from + c * channel, n, count, step == 1 ? to : to + (count - 1) * width, step * width);
      else
        for (std::int64_t k = 0; k < count; ++k) {
          const T* at = first + f0 * filter + c * channel + taps[k];
          for (std::int64_t f = 0; f < n; ++f) to[k * width + f] = at[f * filter];
          std::fill(to + k * width + n, to + (k + 1) * width, T(0));
        }
    return to;
  }

 private:
  static constexpr std::int64_t side = 16 / sizeof(T);
  /// Rows of n filters become columns, in squares, of which the last ones begin earlier: of so many elements
  /// that what is read of each filter is a line of the cache. Columns up to `width` are filled with 0.
  void turn(const T* from, std::int64_t n, std::int64_t count, T* to, std::int64_t width) const {
    constexpr std::int64_t line = 64 / sizeof(T);
    for (std::int64_t begin = 0; begin < count; begin += line) {
      const std::int64_t end = std::min(count, begin + line);
      for (std::int64_t f = 0; f < n; f = f + side < n ? std::min(f + side, n - side) : n)
        for (std::int64_t k = begin; k < end; k += side) {
          const std::int64_t at = std::min(k, count - side);
          transpose_square(from + f * filter + at, filter, to + at * width + f, width);
        }
      const std::int64_t size = std::abs(width);
      if (n < size)
        for (std::int64_t k = begin; k < end; ++k) std::fill(to + k * width + n, to + k * width + size, T(0));
    }
  }
};

}  // namespace chainrule::kernels
