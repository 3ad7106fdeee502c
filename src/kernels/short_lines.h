// The sums, or extrema, of many short lines: packs of each line make one, and as many of these as there are
// lanes are transposed, so that no lanes are combined line by line.

#pragma once

#include <algorithm>
#include <cstdint>

#include "chainrule/simd.h"
#include "kernels/lines.h"
#include "kernels/tiles.h"

namespace chainrule::kernels {

/// out[i] = what Fold makes of line i of n elements, for lines begin to end - 1. A line is longer than any
/// pack.
template <class Fold, class T>
struct FoldShortLines {
  /// Does this take lines of n elements? Longer ones are worth more running results.
  static bool takes(std::int64_t n) {
    const auto bytes = n * static_cast<std::int64_t>(sizeof(T));
    return bytes > 64 && bytes <= 512;
  }

  template <int Bytes>
  static void run(const T* x, std::int64_t n, std::int64_t begin, std::int64_t end, T* out) {
    using P = simd::Pack<T, Bytes / static_cast<int>(sizeof(T))>;
    const P start(Fold::template start<T>);
    const AlongLanes<P> line(n);
    for (; begin < end; begin += P::lanes) {
      const std::int64_t count = std::min<std::int64_t>(P::lanes, end - begin);
      P results[std::size_t{P::lanes}];
      for (std::int64_t i = 0; i < P::lanes; ++i) {
        const T* const from = x + (begin + std::min(i, count - 1)) * n;
        P result = start;
        line.template for_each<1>(
            [&](auto pack, int) { result = Fold::combine(result, pack.load(from, start)); });
        results[i] = result;
      }
      transpose_packs(results);
      for (int half = P::lanes / 2; half > 0; half /= 2)
        for (int i = 0; i < half; ++i) results[i] = Fold::combine(results[i], results[i + half]);
      results[0].store_part(out + begin, count);
    }
  }
};

}  // namespace chainrule::kernels
