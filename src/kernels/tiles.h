// Moving short lines of memory into lanes, and back. For what goes over several lines at once, as running
// sums and transposes; relies on simd.h.

#pragma once

#include <algorithm>
#include <array>

#include "chainrule/simd.h"

namespace chainrule::kernels {

/// Transposes as many packs as there are lanes, in place.
template <int Distance, class P, int... I>
void transpose_packs(P (&tile)[P::lanes], std::integer_sequence<int, I...> half) {
  constexpr auto lower = [](int i) { return i / Distance * 2 * Distance + i % Distance; };
  (P::template swap_lanes<Distance>(tile[lower(I)], tile[lower(I) + Distance]), ...);
  if constexpr (2 * Distance < P::lanes) transpose_packs<2 * Distance>(tile, half);
}
template <class P>
void transpose_packs(P (&tile)[P::lanes]) {
  transpose_packs<1>(tile, std::make_integer_sequence<int, P::lanes / 2>());
}

/// tile[i * lanes + line] = element i of the line, for as many lines of n elements as a pack has lanes, which
/// follow one another.
template <class T>
struct GatherLines {
  template <int Bytes>
  static void run(const T* lines, std::int64_t n, std::int64_t readable, T* tile) {
    using P = simd::Pack<T, Bytes / static_cast<int>(sizeof(T))>;
    const auto pick = [&]<int N>(std::integral_constant<int, N>) {
      P packs[N];
      for (int q = 0; q < N; ++q) packs[q] = P::load(lines + q * P::lanes);
      [&]<int... K>(std::integer_sequence<int, K...>) {
        (P::template every<N, K>(packs).store(tile + K * P::lanes), ...);
      }
      (std::make_integer_sequence<int, N>());
    };
    if (n == 2) return pick(std::integral_constant<int, 2>());
    if (n == 3) return pick(std::integral_constant<int, 3>());
    if (n < P::lanes && (P::lanes - 1) * n + P::lanes > readable) {  // the last line cannot be read as a pack
      for (int line = 0; line < P::lanes; ++line)
        for (std::int64_t i = 0; i < n; ++i) tile[i * P::lanes + line] = lines[line * n + i];
      return;
    }
    for (std::int64_t at = 0; at < n; at += P::lanes) {
      const std::int64_t first = std::max<std::int64_t>(0, std::min(at, n - P::lanes));
      P square[P::lanes];
      for (int line = 0; line < P::lanes; ++line) square[line] = P::load(lines + line * n + first);
      transpose_packs(square);
      const int count = static_cast<int>(std::min<std::int64_t>(P::lanes, n));
      for (int i = 0; i < count; ++i) square[i].store(tile + (first + i) * P::lanes);
    }
  }
};

/// The reverse.
template <class T>
struct ScatterLines {
  template <int Bytes>
  static void run(const T* tile, std::int64_t n, T* lines) {
    using P = simd::Pack<T, Bytes / static_cast<int>(sizeof(T))>;
    const auto mix = [&]<int N>(std::integral_constant<int, N>) {
      P packs[N];
      for (int k = 0; k < N; ++k) packs[k] = P::load(tile + k * P::lanes);
      [&]<int... Q>(std::integer_sequence<int, Q...>) {
        (P::template in_turns<N, Q>(packs).store(lines + Q * P::lanes), ...);
      }
      (std::make_integer_sequence<int, N>());
    };
    if (n == 2) return mix(std::integral_constant<int, 2>());
    if (n == 3) return mix(std::integral_constant<int, 3>());
    for (std::int64_t at = 0; at < n; at += P::lanes) {
      const std::int64_t first = std::max<std::int64_t>(0, std::min(at, n - P::lanes));
      P square[P::lanes];
      for (int i = 0; i < P::lanes; ++i) square[i] = P::load(tile + std::min(first + i, n - 1) * P::lanes);
      transpose_packs(square);
      // What is too long for a line is overwritten by the next one; but nothing may be written behind the
      // last.
      const std::int64_t count = std::min<std::int64_t>(P::lanes, n);
      for (int line = 0; line < P::lanes; ++line) {
        const bool fits = line * n + first + P::lanes <= P::lanes * n;
        square[line].store_part(lines + line * n + first, fits ? P::lanes : count);
      }
    }
  }
};

}  // namespace chainrule::kernels
