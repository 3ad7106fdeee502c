// Products of matrices by kernels of our own: panels of B are packed, and tiles of C stay in registers while
// they are summed up.

#include "kernels/gemm.h"

#include <algorithm>
#include <cstring>
#include <memory>

#include "array/pool.h"
#include "chainrule/simd.h"
#include "kernels/packing.h"

// The structure is that of Goto and van de Geijn, "Anatomy of high-performance matrix multiplication" (2008),
// and BLIS: a tile of C stays in registers, a panel of B as wide as the tile in the first-level cache, a
// block of A in the second-level cache. B is packed panel by panel, so that the panel needs no buffer but the
// stack.

namespace chainrule::kernels {
namespace {

/// Inner indices per panel: a panel of B of 2 packs takes 36 KiB at most.
constexpr std::int64_t max_depth = 288;
/// Of a block of A, half of the smallest second-level caches of machines with AVX-512.
constexpr std::int64_t block_bytes = 512 * 1024;

/// Rows that lie on different pages are packed, if they are read this often: several of them would evict each
/// other from the caches. Others are not; packing 128x128x128 costs 15 percent (AVX-512, Zen 5).
constexpr std::int64_t page = 4096;

/// Rows of a tile: the most that leave registers for two packs of B and one number of A, and the next
/// smaller choice for the rows that remain.
constexpr int most_rows(int bytes) { return bytes == 64 ? 12 : 6; }
constexpr int fewer_rows(int rows) { return rows == 12 ? 8 : rows == 6 ? 4 : rows / 2; }
/// Is the next tile one of so many rows, where so many remain? Two tiles of the smaller choice are faster
/// than a large one and few rows.
constexpr bool takes_rows(int rows, std::int64_t remaining) {
  const int fewer = fewer_rows(rows);
  return remaining >= rows && !(2 * fewer > rows && remaining == 2 * fewer);
}

/// How the elements of a block of A lie: as rows, as columns, or packed in panels as high as the tiles.
enum class Layout : std::uint8_t { rows, columns, panels };

template <class T>
struct PanelProduct {
  std::int64_t m, depth, columns;
  const T* a;
  std::int64_t row_of_a;
  Layout layout;
  const T* b;
  std::int64_t row_of_b;
  const T* start;
  std::int64_t row_of_start;
  bool start_is_zero;
  const T* scale;  // not a copy, which would take a register from the sums
  T* c;
  std::int64_t row_of_c;
  const T* end;  // where not null, what is behind a row comes later: up to here it may be written
};

template <class P, int Rows, int Packs, bool ByRow, class T>
void tile(std::int64_t depth, const T* a, std::int64_t row_of_a, const T* b, std::int64_t row_of_b,
          const T* start, std::int64_t row_of_start, bool start_is_zero, const T* scale, T* c,
          std::int64_t row_of_c) {
  P sums[Rows][Packs];
#pragma GCC unroll 16
  for (int i = 0; i < Rows; ++i)
#pragma GCC unroll 16
    for (int j = 0; j < Packs; ++j) sums[i][j] = P(0);
  for (std::int64_t p = 0; p < depth; ++p) {
    P row[Packs];
#pragma GCC unroll 16
    for (int j = 0; j < Packs; ++j) row[j] = P::load(b + p * row_of_b + j * P::lanes);
#pragma GCC unroll 16
    for (int i = 0; i < Rows; ++i) {
      const P number(ByRow ? a[i * row_of_a + p] : a[p * row_of_a + i]);
#pragma GCC unroll 16
      for (int j = 0; j < Packs; ++j) sums[i][j] = sums[i][j] + number * row[j];
    }
  }
  const auto store = [&](const auto& result) {
#pragma GCC unroll 16
    for (int i = 0; i < Rows; ++i)
#pragma GCC unroll 16
      for (int j = 0; j < Packs; ++j) {
        const T* from = start + i * row_of_start + j * P::lanes;
        result(from, sums[i][j]).store(c + i * row_of_c + j * P::lanes);
      }
  };
  // Each of these takes as long as several steps of the sums.
  if (*scale != 1) {
    const P factor(*scale);
    store([&](const T* from, const P& sum) { return P::load(from) + sum * factor; });
  } else if (!start_is_zero) {
    store([&](const T* from, const P& sum) { return P::load(from) + sum; });
  } else {
    store([&](const T*, const P& sum) { return sum; });
  }
}

/// Few elements, for which memcpy is a detour.
template <class T>
void copy_some(const T* from, std::int64_t count, T* to) {
  constexpr std::int64_t quad = 16 / sizeof(T);
  std::int64_t i = 0;
  for (; i + quad <= count; i += quad) std::memcpy(to + i, from + i, 16);
  if (quad == 4 && (count & 2) != 0) {
    std::memcpy(to + i, from + i, 2 * sizeof(T));
    i += 2;
  }
  if ((count & 1) != 0) to[i] = from[i];
}

/// Where C ends within a tile, the tile is made here.
template <class T>
struct Edge {
  alignas(64) T elements[12 * 2 * 64 / sizeof(T)];
};

template <class P, int Rows, int Packs, bool ByRow, class T>
void tiles(const PanelProduct<T>& block, std::int64_t i, Edge<T>& edge) {
  constexpr std::int64_t width = Packs * P::lanes;
  for (; takes_rows(Rows, block.m - i); i += Rows) {
    const T* start = block.start + i * block.row_of_start;
    T* c = block.c + i * block.row_of_c;
    const bool whole = block.columns == width ||
                       (block.end != nullptr && block.end - c >= (Rows - 1) * block.row_of_c + width);
    const bool within = whole || block.start_is_zero;
    if (!within)
      for (int row = 0; row < Rows; ++row)
        copy_some(start + row * block.row_of_start, block.columns, edge.elements + row * width);
    const bool panels = block.layout == Layout::panels;
    tile<P, Rows, Packs, ByRow>(block.depth,
                                block.a + i * (ByRow    ? block.row_of_a
                                               : panels ? block.depth
                                                        : 1),
                                panels ? Rows : block.row_of_a, block.b, block.row_of_b,
                                within ? start : edge.elements, within ? block.row_of_start : width,
                                block.start_is_zero, block.scale, whole ? c : edge.elements,
                                whole ? block.row_of_c : width);
    if (!whole)
      for (int row = 0; row < Rows; ++row)
        copy_some(edge.elements + row * width, block.columns, c + row * block.row_of_c);
  }
  if constexpr (Rows > 1) tiles<P, fewer_rows(Rows), Packs, ByRow>(block, i, edge);
}

template <class T>
struct TiledLoop {
  template <int Bytes>
  static void run(const Gemm<T>* gemm, T* packed_a, std::int64_t rows_per_block, std::int64_t depth_per_block,
                  bool always_pack_b) {
    using P = simd::Pack<T, Bytes / static_cast<int>(sizeof(T))>;
    constexpr std::int64_t width = 2 * P::lanes;
    static constexpr T zeros[width] = {};
    alignas(64) T packed_b[max_depth * width], padded[width];
    Edge<T> edge;
    const bool may_overlap =
        depth_per_block >= gemm->k && (gemm->start == nullptr || gemm->row_of_start == 0);
    for (std::int64_t p = 0; p < gemm->k; p += depth_per_block)
      for (std::int64_t i = 0; i < gemm->m; i += rows_per_block) {
        PanelProduct<T> block;
        block.m = std::min(rows_per_block, gemm->m - i);
        block.depth = std::min(depth_per_block, gemm->k - p);
        block.a = gemm->a + (gemm->transpose_a ? p * gemm->row_of_a + i : i * gemm->row_of_a + p);
        block.row_of_a = gemm->row_of_a;
        block.layout = gemm->transpose_a ? Layout::columns : Layout::rows;
        if (packed_a != nullptr) {
          int rows = most_rows(Bytes);
          for (std::int64_t done = 0; done < block.m; done += rows) {
            while (!takes_rows(rows, block.m - done)) rows = fewer_rows(rows);
            pack<simd::Pack<T, static_cast<int>(16 / sizeof(T))>>(
                block.a + done * (gemm->transpose_a ? 1 : gemm->row_of_a), gemm->row_of_a, !gemm->transpose_a,
                rows, rows, block.depth, packed_a + done * block.depth);
          }
          block.a = packed_a;
          block.layout = Layout::panels;
        }
        block.row_of_c = gemm->row_of_c;
        block.scale = &gemm->scale;
        for (std::int64_t j = 0; j < gemm->n; j += block.columns) {
          block.columns = std::min(width, gemm->n - j);
          std::int64_t packs = block.columns > P::lanes ? 2 : 1;
          block.end = nullptr;
          // The last panel may begin earlier, and some columns be computed twice: to the same bits, and
          // faster than part of a panel is packed and copied. Where there is none before it, rows may be
          // written too far, as the next ones come later.
          if (may_overlap && block.columns < packs * P::lanes) {
            if (gemm->n < packs * P::lanes) packs = 1;
            if (gemm->n >= P::lanes) {
              block.columns = packs * P::lanes;
              if (j > 0) j = gemm->n - block.columns;
            } else if (gemm->row_of_c == gemm->n) {
              block.end = gemm->c + gemm->m * gemm->n;
            }
          }
          const std::int64_t panel = packs * P::lanes;
          block.b = gemm->b + (gemm->transpose_b ? j * gemm->row_of_b + p : p * gemm->row_of_b + j);
          block.row_of_b = gemm->row_of_b;
          if (gemm->transpose_b || always_pack_b || block.columns < panel) {
            pack<P>(block.b, gemm->row_of_b, gemm->transpose_b, block.columns, panel, block.depth, packed_b);
            block.b = packed_b;
            block.row_of_b = panel;
          }
          block.c = gemm->c + i * gemm->row_of_c + j;
          block.start_is_zero = p == 0 && gemm->start == nullptr;
          if (p > 0) {
            block.start = block.c;
            block.row_of_start = gemm->row_of_c;
          } else if (gemm->start != nullptr) {
            block.start = gemm->start + i * gemm->row_of_start + j;
            block.row_of_start = gemm->row_of_start;
            if (block.end != nullptr) {  // the row is read as whole packs
              copy_some(block.start, block.columns, padded);
              block.start = padded;
            }
          } else {
            block.start = zeros;
            block.row_of_start = 0;
          }
          constexpr int rows = most_rows(Bytes);
          if (block.layout == Layout::rows)
            packs == 2 ? tiles<P, rows, 2, true>(block, 0, edge) : tiles<P, rows, 1, true>(block, 0, edge);
          else
            packs == 2 ? tiles<P, rows, 2, false>(block, 0, edge) : tiles<P, rows, 1, false>(block, 0, edge);
        }
      }
  }
};

/// Rows up to this length are multiplied several at a time.
constexpr std::int64_t short_row = 128;

/// The dot products of a row with several others, each in several running sums.
template <class T>
struct DotsLoop {
  template <int Bytes>
  static void run(const Gemm<T>* gemm) {
    const auto [m, n, k, a, b, c, transpose_a, transpose_b, row_of_a, row_of_b, row_of_c, start, row_of_start,
                scale] = *gemm;
    std::int64_t j = 0;
    if (k <= short_row) {
      using P = simd::Pack<T, Bytes / static_cast<int>(sizeof(T))>;
      // As long as the last of the rows may be read as a whole pack.
      for (; j + P::lanes <= n && (k >= P::lanes || (n - j - P::lanes) * row_of_b + k >= P::lanes);
           j += P::lanes)
        for (std::int64_t i = 0; i < m; ++i)
          short_dots<P>(k, a + i * row_of_a, b + j * row_of_b, row_of_b,
                        start ? start + i * row_of_start + j : start, scale, c + i * row_of_c + j);
    }
    for (; j + 4 <= n; j += 4)
      for (std::int64_t i = 0; i < m; ++i)
        dots<Bytes, 4>(k, a + i * row_of_a, b + j * row_of_b, row_of_b,
                       start ? start + i * row_of_start + j : start, scale, c + i * row_of_c + j);
    for (; j < n; ++j)
      for (std::int64_t i = 0; i < m; ++i)
        dots<Bytes, 1>(k, a + i * row_of_a, b + j * row_of_b, row_of_b,
                       start ? start + i * row_of_start + j : start, scale, c + i * row_of_c + j);
  }

 private:
  /// With as many rows as a pack has lanes: each in a pack, which are added up by transposing them.
  template <class P>
  static void short_dots(std::int64_t k, const T* a, const T* b, std::int64_t row_of_b, const T* start,
                         T scale, T* c) {
    P sums[P::lanes];
#pragma GCC unroll 16
    for (P& sum : sums) sum = P(0);
    std::int64_t p = 0;
    for (; p + P::lanes <= k; p += P::lanes) {
      const P numbers = P::load(a + p);
#pragma GCC unroll 16
      for (int row = 0; row < P::lanes; ++row)
        sums[row] = sums[row] + numbers * P::load(b + row * row_of_b + p);
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
      const P rest = P::load(numbers);
#pragma GCC unroll 16
      for (int row = 0; row < P::lanes; ++row)
        sums[row] = sums[row] + rest * where(fresh, P::load(b + row * row_of_b + at), P(0));
    }
    const P total = P(scale) * added_up<1>(sums);
    ((start == nullptr ? P(0) : P::load(start)) + total).store(c);
  }
  /// The sum of all lanes of sums[i] in lane i.
  template <int Distance, class P>
  static P added_up(P (&sums)[P::lanes]) {
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

/// Each row of C as the sum of rows of B, a few at a time.
template <class T>
struct SumOfRowsLoop {
  template <int Bytes>
  static void run(const Gemm<T>* gemm) {
    for (std::int64_t i = 0; i < gemm->m; ++i) {
      const T* a = gemm->a + i * (gemm->transpose_a ? 1 : gemm->row_of_a);
      const std::int64_t step = gemm->transpose_a ? gemm->row_of_a : 1;
      const T* start = gemm->start == nullptr ? nullptr : gemm->start + i * gemm->row_of_start;
      T* c = gemm->c + i * gemm->row_of_c;
      std::int64_t p = 0;
      const auto add = [&]<int Rows>(std::integral_constant<int, Rows>) {
        add_rows<Bytes, Rows>(gemm->n, a + p * step, step, gemm->scale, gemm->b + p * gemm->row_of_b,
                              gemm->row_of_b, start, c);
        start = c;
        p += Rows;
      };
      while (p + 8 <= gemm->k) add(std::integral_constant<int, 8>());
      while (p + 2 <= gemm->k) add(std::integral_constant<int, 2>());
      if (p < gemm->k) add(std::integral_constant<int, 1>());
    }
  }

 private:
  template <int Bytes, int Rows>
  static void add_rows(std::int64_t n, const T* a, std::int64_t step, T scale, const T* b,
                       std::int64_t row_of_b, const T* start, T* c) {
    using P = simd::Pack<T, Bytes / static_cast<int>(sizeof(T))>;
    T numbers[Rows];
    P packs[Rows];
#pragma GCC unroll 16
    for (int i = 0; i < Rows; ++i) packs[i] = P(numbers[i] = a[i * step]);
    std::int64_t j = 0;
    for (; j + P::lanes <= n; j += P::lanes) {
      P sum = packs[0] * P::load(b + j);
#pragma GCC unroll 16
      for (int i = 1; i < Rows; ++i) sum = sum + packs[i] * P::load(b + i * row_of_b + j);
      ((start == nullptr ? P(0) : P::load(start + j)) + P(scale) * sum).store(c + j);
    }
    for (; j < n; ++j) {
      T sum = numbers[0] * b[j];
#pragma GCC unroll 16
      for (int i = 1; i < Rows; ++i) sum += numbers[i] * b[i * row_of_b + j];
      c[j] = (start == nullptr ? T(0) : start[j]) + scale * sum;
    }
  }
};

struct Release {
  std::size_t bytes;
  void operator()(void* block) const { pool::deallocate(block, bytes); }
};

}  // namespace

template <class T>
void tiled_gemm(const Gemm<T>& gemm) {
  const auto evenly = [](std::int64_t size, std::int64_t most, std::int64_t unit) {
    const std::int64_t parts = (size + most - 1) / most;
    return ((size + parts - 1) / parts + unit - 1) / unit * unit;
  };
  const std::int64_t depth = std::min(gemm.k, evenly(gemm.k, max_depth, 8));
  const std::int64_t most = block_bytes / static_cast<std::int64_t>(sizeof(T)) / depth / 12 * 12;
  const std::int64_t rows = std::min(gemm.m, evenly(gemm.m, most, 12));
  const std::int64_t far = page / static_cast<std::int64_t>(sizeof(T));
  const bool pack_b = gemm.row_of_b >= far && gemm.m >= 256;
  if (gemm.row_of_a < far || gemm.n < 256)
    return simd::vectorized<TiledLoop<T>>(&gemm, static_cast<T*>(nullptr), rows, depth, pack_b);
  const std::size_t bytes = static_cast<std::size_t>(rows * depth) * sizeof(T);
  const std::unique_ptr<T, Release> packed(static_cast<T*>(pool::allocate(bytes)), Release{bytes});
  simd::vectorized<TiledLoop<T>>(&gemm, packed.get(), rows, depth, pack_b);
}

template <class T>
void dot_products(const Gemm<T>& gemm) {
  simd::vectorized<DotsLoop<T>>(&gemm);
}

template <class T>
void sums_of_rows(const Gemm<T>& gemm) {
  simd::vectorized<SumOfRowsLoop<T>>(&gemm);
}

template void tiled_gemm(const Gemm<float>&);
template void tiled_gemm(const Gemm<double>&);
template void dot_products(const Gemm<float>&);
template void dot_products(const Gemm<double>&);
template void sums_of_rows(const Gemm<float>&);
template void sums_of_rows(const Gemm<double>&);

}  // namespace chainrule::kernels
