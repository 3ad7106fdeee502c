// Products of long rows, of which there are few on one side: they are multiplied in pairs.

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>

#include "chainrule/simd.h"
#include "kernels/gemm.h"  // which declares them
#include "kernels/packing.h"
#include "kernels/padded_input.h"

namespace chainrule::kernels {
namespace {

/// Rows up to this length are multiplied with as many others as a pack has lanes at a time; longer ones evict
/// each other from the first-level cache.
constexpr std::int64_t short_row = 256;
/// Inner indices that tiles of dot products add up at a time, so that a tile's rows stay in that cache.
constexpr std::int64_t dots_depth = 1024;

/// How far ahead a short row is asked for, in bytes: rows several of which are multiplied in turns are no
/// stream that the processor foresees.
constexpr std::int64_t foresight = 4096;

/// Room for the packs that so many columns are moved to.
constexpr std::int64_t gathered_size(std::int64_t columns, std::int64_t depth) {
  return columns * (std::min(depth, 2 * dots_depth) + 64);
}

/// Are there enough lanes for tiles of dot products?
template <int Bytes>
constexpr bool pays_in_tiles = Bytes > 16;

/// A pack of as many lanes as there are from 16 less so many on has a 1 in the last so many.
template <class T>
constexpr std::array<T, 32> last_lanes = [] {
  std::array<T, 32> lanes = {};
  for (std::size_t i = 16; i < 32; ++i) lanes[i] = T(1);
  return lanes;
}();

/// Rows of one side of dot products: their packs, and the last, which ends where they end.
template <class T>
struct Side {
  const T* rows;
  std::int64_t row, pack, last;  ///< from a row to the next, from a pack to the next, and to the last
};

/// The dot products of some rows with others: of a single one in several running sums, of more in tiles.
template <class T>
struct DotsLoop {
  template <int Bytes>
  static void run(const Gemm<T>* gemm, T* room) {
    using P = simd::Pack<T, Bytes / static_cast<int>(sizeof(T))>;
    if constexpr (pays_in_tiles<Bytes>)
      if (gemm->m > 1 || gemm->transpose_a || !gemm->transpose_b) return in_tiles<Bytes>(*gemm, room);
    const auto [m, n, k, a, b, c, transpose_a, transpose_b, row_of_a, row_of_b, row_of_c, start, row_of_start,
                scale, depth, start_by_row] = *gemm;
    for (std::int64_t i = 0; i < m; ++i) {
      const T *const row = a + i * row_of_a, *const from = start ? start + i * row_of_start : start;
      T* const to = c + i * row_of_c;
      std::int64_t j = 0;
      if (k <= short_row)
        for (; j + P::lanes <= n && (k >= P::lanes || (n - j - P::lanes) * row_of_b + k >= P::lanes);
             j += P::lanes)
          several_dots<P>(k, row, b + j * row_of_b, row_of_b, from ? from + j : from, scale, to + j);
      for (; j + 4 <= n; j += 4)
        dots<Bytes, 4>(k, row, b + j * row_of_b, row_of_b, from ? from + j : from, scale, to + j);
      for (; j < n; ++j)
        dots<Bytes, 1>(k, row, b + j * row_of_b, row_of_b, from ? from + j : from, scale, to + j);
    }
  }

 private:
  /// Some inner indices after the others. What does not lie in rows is moved to where it does, in packs.
  template <int Bytes>
  static void in_tiles(const Gemm<T>& gemm, T* room) {
    using P = simd::Pack<T, Bytes / static_cast<int>(sizeof(T))>;
    // Of all shapes of a tile, sums for two columns at most need half as many loads for each in tall ones.
    const bool is_tall = Bytes == 64 && sizeof(T) == 4 && gemm.n <= 2 && gemm.m > 4;
    const int high = Bytes < 64 ? 2 : is_tall ? 8 : 4, wide = is_tall ? 2 : 4;
    const T* start = gemm.start;
    std::int64_t row_of_start = gemm.row_of_start;
    for (std::int64_t p = 0, depth; p < gemm.k; p += depth) {
      depth = gemm.k - p < 2 * dots_depth ? gemm.k - p : dots_depth;
      Side<T> sides[] = {{gemm.a + p, gemm.row_of_a, P::lanes, depth - P::lanes},
                         {gemm.b + p, gemm.row_of_b, P::lanes, depth - P::lanes}};
      T* packs = room;
      for (const int i : {0, 1}) {  // once in the code, as is the call below
        if (i == 0 ? !gemm.transpose_a : gemm.transpose_b) continue;
        const std::int64_t count = i == 0 ? gemm.m : gemm.n, row = sides[i].row;
        gather<P>((i == 0 ? gemm.a : gemm.b) + p * row, row, count, depth, packs);
        sides[i] = {packs, P::lanes, count * P::lanes, depth / P::lanes * count * P::lanes};
        packs += gathered_size(count, gemm.k);
      }
      const bool is_by_columns = gemm.m <= gemm.n;  // each of the longer side once
      std::int64_t i = 0, j = 0;
      while (i < gemm.m && j < gemm.n) {
        const auto make = [&]<int High, int Wide>(std::integer_sequence<int, High, Wide>) {
          tile<P, High, Wide>(depth, sides[0], i, std::min<std::int64_t>(high, gemm.m - i), sides[1], j,
                              std::min<std::int64_t>(wide, gemm.n - j), gemm.scale,
                              start == nullptr ? start : start + i * row_of_start + j, row_of_start,
                              gemm.c + i * gemm.row_of_c + j, gemm.row_of_c);
        };
        if constexpr (Bytes == 64 && sizeof(T) == 4)
          is_tall ? make(std::integer_sequence<int, 8, 2>()) : make(std::integer_sequence<int, 4, 4>());
        else
          make(std::integer_sequence < int, Bytes == 64 ? 4 : 2, 4 > ());
        if (is_by_columns) {
          i += high;
          if (i >= gemm.m) i = 0, j += wide;
        } else {
          j += wide;
          if (j >= gemm.n) j = 0, i += high;
        }
      }
      start = gemm.c;
      row_of_start = gemm.row_of_c;
    }
  }

  /// Columns of a matrix as packs: those of its first rows, and so on. The last ones end where the rows do.
  template <class P>
  static void gather(const T* from, std::int64_t row, std::int64_t columns, std::int64_t depth, T* packs) {
    for (std::int64_t p = 0;; p = std::min(p + P::lanes, depth - P::lanes), packs += columns * P::lanes) {
      columns_as_packs<P>(from + p * row, row, columns, depth - p, packs);
      if (p + P::lanes == depth) return;
    }
  }

  /// With so many rows of A as of B that there are packs for the products, which are added up by transposing
  /// them. Where there are fewer, the last is taken several times.
  template <class P, int High, int Wide>
  static void tile(std::int64_t depth, const Side<T>& left, std::int64_t i, std::int64_t rows,
                   const Side<T>& right, std::int64_t j, std::int64_t columns, T scale, const T* start,
                   std::int64_t row_of_start, T* c, std::int64_t row_of_c) {
    const T *a[High], *b[Wide];
#pragma GCC unroll 16
    for (int q = 0; q < High; ++q) a[q] = left.rows + (i + std::min<std::int64_t>(q, rows - 1)) * left.row;
#pragma GCC unroll 16
    for (int q = 0; q < Wide; ++q)
      b[q] = right.rows + (j + std::min<std::int64_t>(q, columns - 1)) * right.row;
    P sums[High * Wide];
#pragma GCC unroll 16
    for (P& sum : sums) sum = P(0);
    const auto add = [&](std::int64_t at_a, std::int64_t at_b, const auto& used) {
      P others[Wide];
#pragma GCC unroll 16
      for (int q = 0; q < Wide; ++q) others[q] = used(P::load(b[q] + at_b));
#pragma GCC unroll 16
      for (int r = 0; r < High; ++r) {
        const P number = used(P::load(a[r] + at_a));
#pragma GCC unroll 16
        for (int q = 0; q < Wide; ++q) sums[r * Wide + q] = sums[r * Wide + q] + number * others[q];
      }
    };
    std::int64_t at_a = 0, at_b = 0;
    for (std::int64_t p = 0; p + P::lanes <= depth; p += P::lanes) {
      add(at_a, at_b, [](const P& pack) { return pack; });
      at_a += left.pack;
      at_b += right.pack;
    }
    if (const std::int64_t rest = depth % P::lanes; rest != 0) {  // the others have been added already
      const auto fresh = P::load(last_lanes<T>.data() + 16 - P::lanes + rest) == P(1);
      add(left.last, right.last, [&](const P& pack) { return where(fresh, pack, P(0)); });
    }
    alignas(64) T totals[High * Wide];
#pragma GCC unroll 16
    for (int q = 0; q < High * Wide; q += P::lanes) (P(scale) * added_up<1>(sums + q)).store(totals + q);
    for (std::int64_t r = 0; r < rows; ++r)
      for (std::int64_t q = 0; q < columns; ++q)
        c[r * row_of_c + q] = (start == nullptr ? T(0) : start[r * row_of_start + q]) + totals[r * Wide + q];
  }

  /// With as many rows of B as there are lanes.
  template <class P>
  static void several_dots(std::int64_t k, const T* a, const T* b, std::int64_t row_of_b, const T* start,
                           T scale, T* c) {
    P sums[P::lanes];
#pragma GCC unroll 16
    for (P& sum : sums) sum = P(0);
    std::int64_t p = 0;
    for (; p + P::lanes <= k; p += P::lanes) {
      const P numbers = P::load(a + p);
#pragma GCC unroll 16
      for (int row = 0; row < P::lanes; ++row) {
        const T* const from = b + row * row_of_b + p;
        __builtin_prefetch(from + foresight / static_cast<std::int64_t>(sizeof(T)));
        sums[row] = sums[row] + numbers * P::load(from);
      }
    }
    if (p < k) {  // what is in the other lanes may be anything
      const std::int64_t at = k < P::lanes ? 0 : k - P::lanes;
      T numbers[P::lanes], lanes[P::lanes];
      for (int lane = 0; lane < P::lanes; ++lane) {
        const bool fresh = at + lane >= p && at + lane < k;
        numbers[lane] = fresh ? a[at + lane] : T(0);
        lanes[lane] = fresh ? T(1) : T(0);
      }
      const auto fresh = P::load(lanes) == P(1);
#pragma GCC unroll 16
      for (int row = 0; row < P::lanes; ++row)
        sums[row] = sums[row] + P::load(numbers) * where(fresh, P::load(b + row * row_of_b + at), P(0));
    }
    ((start == nullptr ? P(0) : P::load(start)) + P(scale) * added_up<1>(sums)).store(c);
  }
  /// The sum of all lanes of sums[i] in lane i.
  template <int Distance, class P>
  static P added_up(P* sums) {
#pragma GCC unroll 16
    for (int i = 0; i < P::lanes; i += 2 * Distance) {
      P::template swap_lanes<Distance>(sums[i], sums[i + Distance]);
      sums[i] = sums[i] + sums[i + Distance];
    }
    if constexpr (2 * Distance < P::lanes) return added_up<2 * Distance>(sums);
    return sums[0];
  }
  template <int Bytes, int Rows>
  static void dots(std::int64_t k, const T* a, const T* b, std::int64_t row_of_b, const T* start, T scale,
                   T* c) {
    using P = simd::Pack<T, Bytes / static_cast<int>(sizeof(T))>;
    constexpr int packs = 8 / Rows > 2 ? 4 : 2;
    P sums[Rows][packs];
#pragma GCC unroll 16
    for (int j = 0; j < Rows; ++j)
#pragma GCC unroll 16
      for (int q = 0; q < packs; ++q) sums[j][q] = P(0);
    std::int64_t p = 0;
    for (; p + packs * P::lanes <= k; p += packs * P::lanes)
#pragma GCC unroll 16
      for (int q = 0; q < packs; ++q) {
        const P numbers = P::load(a + p + q * P::lanes);
#pragma GCC unroll 16
        for (int j = 0; j < Rows; ++j)
          sums[j][q] = sums[j][q] + numbers * P::load(b + j * row_of_b + p + q * P::lanes);
      }
    for (; p + P::lanes <= k; p += P::lanes)
#pragma GCC unroll 16
      for (int j = 0; j < Rows; ++j) sums[j][0] = sums[j][0] + P::load(a + p) * P::load(b + j * row_of_b + p);
#pragma GCC unroll 16
    for (int j = 0; j < Rows; ++j) {
#pragma GCC unroll 16
      for (int q = 1; q < packs; ++q) sums[j][0] = sums[j][0] + sums[j][q];
      alignas(64) T lanes[P::lanes];
      sums[j][0].store(lanes);
      for (int half = P::lanes / 2; half > 0; half /= 2)
        for (int lane = 0; lane < half; ++lane) lanes[lane] += lanes[lane + half];
      T rest = 0;
      for (std::int64_t q = p; q < k; ++q) rest += a[q] * b[j * row_of_b + q];
      c[j] = (start ? start[j] : T(0)) + scale * (lanes[0] + rest);
    }
  }
};

}  // namespace

template <class T>
bool takes_dot_products(const Gemm<T>& gemm) {
  const std::int64_t m = gemm.m, n = gemm.n, k = gemm.k;
  if (m == 1 && gemm.transpose_b && !gemm.transpose_a) return true;
  const simd::InstructionSet set = simd::instruction_set();
  const bool is_wide = set == simd::InstructionSet::avx512;
  if (k < 64)  // many rows beside few columns
    return is_wide && !gemm.transpose_a && m >= 32 && k >= (sizeof(T) == 8 ? 24 : 32) &&
           n <= static_cast<std::int64_t>(sizeof(T) / 2);
  // Where the tiles of tiled_gemm would not be filled, or what they need to be packed takes longer.
  if (set == simd::InstructionSet::baseline) return m <= 4 && gemm.transpose_b && !gemm.transpose_a;
  const std::int64_t several = std::min<std::int64_t>(k / 16, is_wide ? 80 / sizeof(T) : 8),
                     few = !is_wide || sizeof(T) == 8 ? 4
                           : k < 128                  ? 8
                                                      : 12;
  if (gemm.transpose_b && m <= several) return true;
  if (!gemm.transpose_a) return n <= few;
  return std::min(m, n) <= 4 && std::max(m, n) <= (few > 4 ? 15 : few);  // else rows fill packs
}

template <class T>
void dot_products(const Gemm<T>& gemm) {
  const auto size = [&](bool are_rows, std::int64_t count) {
    return are_rows ? 0 : gathered_size(count, gemm.k);
  };
  const std::int64_t all = size(!gemm.transpose_a, gemm.m) + size(gemm.transpose_b, gemm.n);
  if (all == 0) return simd::vectorized<DotsLoop<T>>(&gemm, static_cast<T*>(nullptr));
  const Scratch<T> room(all);
  simd::vectorized<DotsLoop<T>>(&gemm, room.data());
}

template bool takes_dot_products(const Gemm<float>&);
template bool takes_dot_products(const Gemm<double>&);
template void dot_products(const Gemm<float>&);
template void dot_products(const Gemm<double>&);

}  // namespace chainrule::kernels
