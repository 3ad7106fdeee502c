// The largest elements of windows one after another, each with its place in the plane: of equal ones the
// first, of NaNs the last. Windows that are wide are gone over in packs along their rows.

#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "chainrule/simd.h"
#include "kernels/lines.h"
#include "kernels/pooling.h"

namespace chainrule::kernels {

/// A row of windows over these lines, element by element.
template <class T>
[[gnu::noinline]] void max_of_windows(const T* from, std::span<const std::int64_t> lines,
                                      std::span<const PoolWindow> row, T* values, std::int64_t* places) {
  for (const PoolWindow& window : row) {
    T largest = -std::numeric_limits<T>::infinity();
    std::int64_t place = -1;
    for (const std::int64_t line : lines)
      for (std::int64_t k = 0; k < window.count; ++k) {
        const std::int64_t at = line + window.begin + k * window.step;
        if (from[at] > largest || from[at] != from[at] || place < 0) {
          largest = from[at];
          place = at;
        }
      }
    *values++ = largest;
    if (places != nullptr) *places++ = place;
  }
}

/// The same in packs, of windows that are as wide as the shortest pack and whose elements are neighbours,
/// where places are exact also as T. Each lane keeps its largest element, and how far that is from the first
/// one.
template <class T>
struct MaxOfLargeWindows {
  template <int Bytes>
  static void run(const T* from, std::span<const std::int64_t> lines, std::span<const PoolWindow> row,
                  T* values, std::int64_t* places) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      std::int64_t* const place = places == nullptr ? nullptr : places + i;
      if (lines.empty() || row[i].step != 1 || !window<Bytes>(from, lines, row[i], values + i, place))
        max_of_windows(from, lines, row.subspan(i, 1), values + i, place);
    }
  }

 private:
  /// Not of too few elements in a row, or where there is a NaN, of which the last is asked for.
  template <int Bytes>
  static bool window(const T* from, std::span<const std::int64_t> lines, const PoolWindow& one, T* value,
                     std::int64_t* place) {
    using P = simd::Pack<T, Bytes / static_cast<int>(sizeof(T))>;
    constexpr std::int64_t lanes = P::lanes;
    const std::int64_t count = one.count;
    if constexpr (Bytes > 16)
      if (count < lanes) return window<Bytes / 2>(from, lines, one, value, place);
    if (count < lanes) return false;
    T numbers[std::size_t{P::lanes}];
    for (std::int64_t lane = 0; lane < lanes; ++lane) numbers[lane] = static_cast<T>(lane);
    const P lane = P::load(numbers);
    P largest(-std::numeric_limits<T>::infinity()), which(0);
    const std::int64_t first = lines[0] + one.begin;
    for (const std::int64_t line : lines)
      for (std::int64_t k = 0; k < count; k += lanes) {
        k = std::min(k, count - lanes);  // the last pack ends with the row
        const std::int64_t distance = line - lines[0] + k;
        const P element = P::load(from + first + distance);
        const auto wins = (element > largest) | (element != element);
        largest = where(wins, element, largest);
        which = where(wins, P(static_cast<T>(distance)) + lane, which);
      }
    const P most = AlongLanes<P>::in_all(largest, [](const auto& a, const auto& b) { return maximum(a, b); });
    const T result = most.v[0];
    if (result != result) return false;
    *value = result;
    if (place == nullptr) return true;
    const P behind(static_cast<T>(std::numeric_limits<std::int32_t>::max()));
    const P nearest = AlongLanes<P>::in_all(where(largest == most, which, behind),
                                            [](const auto& a, const auto& b) { return smaller(a, b); });
    *place = first + static_cast<std::int64_t>(nearest.v[0]);
    return true;
  }
};

}  // namespace chainrule::kernels
