// Parts of a matrix, copied to where a tile of a product reads them one after another. Relies on simd.h to
// transpose squares in registers; gemm.cpp has the tiles.

#pragma once

#include <algorithm>
#include <cstdint>

#include "chainrule/simd.h"

namespace chainrule::kernels {

template <class T>
using Quad = typename simd::detail::Vectors<T, 16>::Vector;

/// A square of 16 bytes by 16 bytes, transposed.
inline void transpose_square(const float* from, std::int64_t from_row, float* to, std::int64_t to_row) {
  using P = simd::Pack<float, 4>;
  const Quad<float> r0 = P::load(from).v, r1 = P::load(from + from_row).v,
                    r2 = P::load(from + 2 * from_row).v, r3 = P::load(from + 3 * from_row).v;
  const Quad<float> low01 = __builtin_shufflevector(r0, r1, 0, 4, 1, 5),
                    high01 = __builtin_shufflevector(r0, r1, 2, 6, 3, 7),
                    low23 = __builtin_shufflevector(r2, r3, 0, 4, 1, 5),
                    high23 = __builtin_shufflevector(r2, r3, 2, 6, 3, 7);
  P column;
  column.v = __builtin_shufflevector(low01, low23, 0, 1, 4, 5);
  column.store(to);
  column.v = __builtin_shufflevector(low01, low23, 2, 3, 6, 7);
  column.store(to + to_row);
  column.v = __builtin_shufflevector(high01, high23, 0, 1, 4, 5);
  column.store(to + 2 * to_row);
  column.v = __builtin_shufflevector(high01, high23, 2, 3, 6, 7);
  column.store(to + 3 * to_row);
}
inline void transpose_square(const double* from, std::int64_t from_row, double* to, std::int64_t to_row) {
  using P = simd::Pack<double, 2>;
  const Quad<double> r0 = P::load(from).v, r1 = P::load(from + from_row).v;
  P column;
  column.v = __builtin_shufflevector(r0, r1, 0, 2);
  column.store(to);
  column.v = __builtin_shufflevector(r0, r1, 1, 3);
  column.store(to + to_row);
}

/// A pack of so many times 16 bytes that are a step apart.
template <class P, class T>
P quads(const T* from, std::int64_t step) {
  if constexpr (P::lanes * sizeof(T) == 16) {
    return P::load(from);
  } else {
    using Half = simd::Pack<T, P::lanes / 2>;
    constexpr std::int64_t count = P::lanes * sizeof(T) / 32;
    const Half low = quads<Half>(from, step), high = quads<Half>(from + count * step, step);
    return [&]<int... I>(std::integer_sequence<int, I...>) {
      P both;
      both.v = __builtin_shufflevector(low.v, high.v, I...);
      return both;
    }
    (std::make_integer_sequence<int, P::lanes>());
  }
}

/// Exchanges rows and columns of the squares of 16 bytes by 16 bytes that packs consist of.
template <class P>
void transpose_squares(P* packs) {
  P::template swap_lanes<1>(packs[0], packs[1]);
  if constexpr (sizeof(typename P::Element) == 4) {
    P::template swap_lanes<1>(packs[2], packs[3]);
    P::template swap_lanes<2>(packs[0], packs[2]);
    P::template swap_lanes<2>(packs[1], packs[3]);
  }
}

/// The columns of as many rows as there are lanes, which are so many rows from the end of a matrix. Each pack
/// is so far from the one before.
template <class P, class T>
void columns_as_packs(const T* from, std::int64_t row, std::int64_t columns, std::int64_t rows, T* packs,
                      std::int64_t step = P::lanes) {
  constexpr int quad = 16 / sizeof(T);
  if (columns < quad && rows < P::lanes + quad) {  // more than the columns could end behind it
    for (std::int64_t j = 0; j < columns; ++j)
      for (int lane = 0; lane < P::lanes; ++lane) packs[j * step + lane] = from[lane * row + j];
    return;
  }
  for (std::int64_t next = 0; next < columns; next += quad) {
    const std::int64_t j = std::max<std::int64_t>(0, std::min(next, columns - quad));
    P squares[quad];
#pragma GCC unroll 4
    for (int q = 0; q < quad; ++q) squares[q] = quads<P>(from + q * row + j, quad * row);
    transpose_squares(squares);
    for (int q = 0; q < std::min<std::int64_t>(quad, columns); ++q) squares[q].store(packs + (j + q) * step);
  }
}

/// Some packs. Two at a time, as g++ makes one instruction of a plain loop that takes longer to begin than
/// packs take.
template <class P, class T>
void copy_packs(const T* from, std::int64_t count, T* to) {
  std::int64_t j = 0;
  for (; j + 2 * P::lanes <= count; j += 2 * P::lanes) {
    const P first = P::load(from + j), second = P::load(from + j + P::lanes);
    first.store(to + j);
    second.store(to + j + P::lanes);
  }
  if (j < count) P::load(from + j).store(to + j);
}

/// to[p * width + j] = from[p][j], or from[j][p] if transposed, for j < count. What is in the columns from
/// there to width does not matter: it makes columns of the tile that nobody reads.
template <class P, class T>
void pack(const T* from, std::int64_t row, bool transposed, std::int64_t count, std::int64_t width,
          std::int64_t depth, T* to) {
  constexpr std::int64_t side = 16 / sizeof(T);
  if (transposed) {
    const bool is_far = row * sizeof(T) >= 2048;
    std::int64_t j = 0;
    if (count < width) std::fill(to, to + depth * width, T(0));
    // Squares of two by two are small; but rows that are pages apart are better read a few at a time.
    if (constexpr bool are_small = side == 2 && P::lanes > 2; are_small && depth >= side && row < 1024)
      for (; j + P::lanes <= count; j += P::lanes)
        columns_as_packs<P>(from + j * row, row, depth, P::lanes, to + j, width);
    for (; j + side <= count; j += side) {
      std::int64_t p = 0;
      for (; p + side <= depth; p += side) {
        if (is_far && p * sizeof(T) % 64 == 0)  // what comes next
          for (std::int64_t i = j + side; i < j + 2 * side; ++i) __builtin_prefetch(from + i * row + p);
        transpose_square(from + j * row + p, row, to + p * width + j, width);
      }
      for (; p < depth; ++p)
        for (std::int64_t i = j; i < j + side; ++i) to[p * width + i] = from[i * row + p];
    }
    for (; j < count; ++j)
      for (std::int64_t p = 0; p < depth; ++p) to[p * width + j] = from[j * row + p];
    return;
  }
  // Whole packs, as long as they neither read past the last element nor write past the panel.
  const std::int64_t reach = (width + P::lanes - 1) / P::lanes * P::lanes;
  std::int64_t p = 0;
  for (; p < depth && p * row + reach <= (depth - 1) * row + count && p * width + reach <= depth * width; ++p)
    copy_packs<P>(from + p * row, reach, to + p * width);
  for (; p < depth; ++p) {
    std::copy_n(from + p * row, count, to + p * width);
    std::fill(to + p * width + count, to + (p + 1) * width, T(0));
  }
}

}  // namespace chainrule::kernels
