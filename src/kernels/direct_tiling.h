// How direct convolutions choose their tiles, from sizes alone, and how weights are packed for these.

#pragma once

#include <algorithm>
#include <vector>

#include "kernels/direct_loops.h"

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
    for (std::int64_t c = c0; c < c1; ++c)
      for (const std::int64_t tap : taps) {
        const T* from = first + f0 * filter + c * channel + tap;
        for (std::int64_t f = 0; f < n; ++f) to[f] = from[f * filter];
        std::fill(to + n, to + width, T(0));
        to += width;
      }
    return to;
  }
};

}  // namespace chainrule::kernels
