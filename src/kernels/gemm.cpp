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

/// Inner indices per panel: a panel of B of 2 packs takes 64 KiB at most. That is more than a first-level
/// cache holds, but B is read in order, while each panel more reads and writes all of C once more.
constexpr std::int64_t max_depth = 512;
/// Where a panel is packed for fewer rows than this it should stay in the first-level cache: a batch of 32
/// times a layer of 784 features took a fifth longer.
constexpr std::int64_t few_rows = 256, depth_for_few = 288;
/// Of a block of A, half of the smallest second-level caches of machines with AVX-512.
constexpr std::int64_t block_bytes = 512 * 1024;

/// Rows that lie about a page apart are packed if what is read of each is this much: several of them would
/// evict each other from the caches. Others are not; packing 128x128x128 costs 15 percent (AVX-512, Zen 5).
constexpr std::int64_t far = 3072, often = 1 << 20;
template <class T>
constexpr bool is_far(std::int64_t row) {
  return row * static_cast<std::int64_t>(sizeof(T)) >= far;
}
template <class T>
constexpr bool is_worth_packing(std::int64_t row, std::int64_t times) {
  return is_far<T>(row) && row * times >= often / static_cast<std::int64_t>(sizeof(T));
}

/// All panels of B that several blocks of A meet are packed once, and kept, as long as they take no more.
constexpr std::int64_t most_of_panels = 4 << 20;

/// How many inner indices before the sums of a tile are complete rows of C are asked for, which may have left
/// the near caches, and which the processor does not foresee where they are on different pages.
constexpr std::int64_t foresight = 128;

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
  const T* end;     // where not null, what is behind a row comes later: up to here it may be written
  const T* is_new;  // where not null, the columns of C that are to be changed: 1, others 0
  bool c_is_far;    // its rows are on different pages
};

template <class P, int Rows, int Packs, bool ByRow, class T>
void tile(std::int64_t depth, const T* a, std::int64_t row_of_a, const T* b, std::int64_t row_of_b,
          const T* start, std::int64_t row_of_start, bool start_is_zero, const T* scale, const T* is_new,
          T* c, std::int64_t row_of_c, bool c_is_far) {
  P sums[Rows][Packs];
#pragma GCC unroll 16
  for (int i = 0; i < Rows; ++i)
#pragma GCC unroll 16
    for (int j = 0; j < Packs; ++j) sums[i][j] = P(0);
  std::int64_t p = 0;
  const auto add_up_to = [&](std::int64_t end) {
    // Few sums would wait for themselves: of every second inner index, or fourth, there are others.
    if constexpr (constexpr int ways = Rows == 4 ? 2 : 4; Packs == 1 && Rows <= 4 && sizeof(P) > 16) {
      P several[ways][Rows];
#pragma GCC unroll 16
      for (int way = 0; way < ways; ++way)
#pragma GCC unroll 16
        for (int i = 0; i < Rows; ++i) several[way][i] = P(0);
      for (; p + ways <= end; p += ways)
#pragma GCC unroll 16
        for (int way = 0; way < ways; ++way) {
          const P row = P::load(b + (p + way) * row_of_b);
#pragma GCC unroll 16
          for (int i = 0; i < Rows; ++i) {
            const P number(ByRow ? a[i * row_of_a + p + way] : a[(p + way) * row_of_a + i]);
            several[way][i] = several[way][i] + number * row;
          }
        }
#pragma GCC unroll 16
      for (int i = 0; i < Rows; ++i)
#pragma GCC unroll 16
        for (int way = 0; way < ways; way += 2)
          sums[i][0] = sums[i][0] + (several[way][i] + several[way + 1][i]);
    }
    for (; p < end; ++p) {
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
  };
  if (constexpr bool is_large = Rows * Packs >= 12; is_large && c_is_far) {
    if constexpr (!ByRow && is_large) add_up_to(depth - foresight);
#pragma GCC unroll 1
    for (int i = 0; i < Rows; ++i)
#pragma GCC unroll 1
      for (int j = 0; j <= Packs * P::lanes; j += 64 / static_cast<int>(sizeof(T)))
        __builtin_prefetch(c + i * row_of_c + j, 1);
  }
  add_up_to(depth);
  const auto store = [&](const auto& result) {
#pragma GCC unroll 16
    for (int i = 0; i < Rows; ++i)
#pragma GCC unroll 16
      for (int j = 0; j < Packs; ++j) {
        const T* from = start + i * row_of_start + j * P::lanes;
        result(from, sums[i][j], j).store(c + i * row_of_c + j * P::lanes);
      }
  };
  // Each of these takes as long as several steps of the sums.
  if (is_new != nullptr || *scale != 1) {
    const P factor(*scale);
    using Truth = decltype(factor == factor);
    Truth changes[Packs];
#pragma GCC unroll 16
    for (int j = 0; j < Packs; ++j)
      changes[j] = is_new == nullptr ? P(0) == P(0) : P::load(is_new + j * P::lanes) == P(1);
    store([&](const T* from, const P& sum, int j) {
      const P before = P::load(from);
      return where(changes[j], before + sum * factor, before);
    });
  } else if (!start_is_zero) {
    store([&](const T* from, const P& sum, int) { return P::load(from) + sum; });
  } else {
    store([&](const T*, const P& sum, int) { return sum; });
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

/// Rows of them, in one place for all tiles.
template <class T>
[[gnu::noinline]] void copy_rows(std::int64_t rows, std::int64_t count, const T* from, std::int64_t from_row,
                                 T* to, std::int64_t to_row) {
  for (; rows > 0; --rows, from += from_row, to += to_row) copy_some(from, count, to);
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
    if (!within) copy_rows<T>(Rows, block.columns, start, block.row_of_start, edge.elements, width);
    const bool panels = block.layout == Layout::panels;
    tile<P, Rows, Packs, ByRow>(block.depth,
                                block.a + i * (ByRow    ? block.row_of_a
                                               : panels ? block.depth
                                                        : 1),
                                panels ? Rows : block.row_of_a, block.b, block.row_of_b,
                                within ? start : edge.elements, within ? block.row_of_start : width,
                                block.start_is_zero, block.scale, block.is_new, whole ? c : edge.elements,
                                whole ? block.row_of_c : width, whole && block.c_is_far);
    if (!whole) copy_rows<T>(Rows, block.columns, edge.elements, width, c, block.row_of_c);
  }
  if constexpr (Rows > 1) tiles<P, fewer_rows(Rows), Packs, ByRow>(block, i, edge);
}

template <class T>
struct TiledLoop {
  template <int Bytes>
  static void run(const Gemm<T>* gemm, T* packed_a, T* all_of_b, std::int64_t rows_per_block,
                  std::int64_t depth_per_block, bool always_pack_b) {
    using P = simd::Pack<T, Bytes / static_cast<int>(sizeof(T))>;
    constexpr std::int64_t width = 2 * P::lanes;
    // Where one pack for each row is less than sums wait for one another, and what else decides between two
    // tiles of one pack and one of two that ends within the second.
    constexpr bool tiles_of_one_pack_wait = most_rows(Bytes) < 8;
    constexpr std::int64_t many_rows = 64, deep = 32;
    static constexpr T zeros[width] = {};
    alignas(64) T one_panel[max_depth * width], padded[width], is_new[width];
    Edge<T> edge;
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
        T* packed_b = all_of_b == nullptr ? one_panel : all_of_b;
        block.row_of_c = gemm->row_of_c;
        block.c_is_far = is_worth_packing<T>(gemm->row_of_c, gemm->m);
        block.scale = &gemm->scale;
        for (std::int64_t j = 0; j < gemm->n; j += block.columns) {
          block.columns = std::min(width, gemm->n - j);
          std::int64_t packs = block.columns > P::lanes ? 2 : 1;
          block.end = block.is_new = nullptr;
          const bool is_made =
              p == 0 && (gemm->start == nullptr || gemm->row_of_start == 0 || gemm->start_by_row);
          const bool is_added = p > 0 || (gemm->start == gemm->c && gemm->row_of_start == gemm->row_of_c);
          const bool is_narrow = gemm->n < packs * P::lanes;
          if (is_narrow && is_made && depth_per_block >= gemm->k && gemm->row_of_c == gemm->n &&
              (packs == 1 || tiles_of_one_pack_wait || gemm->m >= many_rows)) {
            // Rows are written too far, as the next ones come later.
            block.end = gemm->c + gemm->m * gemm->n;
          } else if (block.columns < packs * P::lanes && gemm->n >= P::lanes && (is_made || is_added) &&
                     !(is_narrow && tiles_of_one_pack_wait && block.depth > deep)) {
            // The last panel begins earlier, which is faster than that part of a panel is packed and copied.
            // Some columns are then computed twice, to the same bits, or stay what they are.
            if (is_narrow) packs = 1;
            block.columns = packs * P::lanes;
            const std::int64_t at = j == 0 ? 0 : gemm->n - block.columns;
            if (is_added && at < j) {
              for (std::int64_t q = 0; q < block.columns; ++q) is_new[q] = at + q < j ? T(0) : T(1);
              block.is_new = is_new;
            }
            j = at;
          }
          const std::int64_t panel = packs * P::lanes;
          block.b = gemm->b + (gemm->transpose_b ? j * gemm->row_of_b + p : p * gemm->row_of_b + j);
          block.row_of_b = gemm->row_of_b;
          if (gemm->transpose_b || always_pack_b || block.columns < panel) {
            if (all_of_b == nullptr || i == 0)
              pack<P>(block.b, gemm->row_of_b, gemm->transpose_b, block.columns, panel, block.depth,
                      packed_b);
            block.b = packed_b;
            block.row_of_b = panel;
            if (all_of_b != nullptr) packed_b += block.depth * panel;
          }
          block.c = gemm->c + i * gemm->row_of_c + j;
          block.start_is_zero = p == 0 && gemm->start == nullptr;
          if (p > 0) {
            block.start = block.c;
            block.row_of_start = gemm->row_of_c;
          } else if (gemm->start != nullptr) {
            block.start = gemm->start + i * gemm->row_of_start + (gemm->start_by_row ? 0 : j);
            block.row_of_start = gemm->row_of_start;
            if (block.end != nullptr && !gemm->start_by_row) {  // the row is read as whole packs
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

/// As many parts as are needed of at most so much, and about equal, in units.
std::int64_t evenly(std::int64_t size, std::int64_t most, std::int64_t unit) {
  const std::int64_t parts = (size + most - 1) / most;
  return ((size + parts - 1) / parts + unit - 1) / unit * unit;
}

struct Release {
  std::size_t bytes;
  void operator()(void* block) const { pool::deallocate(block, bytes); }
};

}  // namespace

template <class T>
std::int64_t depth_of(const Gemm<T>& gemm) {
  const bool is_packed_for_few = gemm.transpose_b && gemm.m < few_rows;
  return std::min(gemm.k, evenly(gemm.k, is_packed_for_few ? depth_for_few : max_depth, 8));
}

template <class T>
void tiled_gemm(const Gemm<T>& gemm) {
  const std::int64_t depth = gemm.depth != 0 ? gemm.depth : depth_of(gemm);
  const std::int64_t most = block_bytes / static_cast<std::int64_t>(sizeof(T)) / depth / 12 * 12;
  const std::int64_t rows = std::min(gemm.m, evenly(gemm.m, most, 12));
  const bool pack_a = is_worth_packing<T>(gemm.row_of_a, gemm.n);
  const bool pack_b = is_worth_packing<T>(gemm.row_of_b, gemm.m);
  const bool keep_b = pack_b && gemm.m > rows;
  const std::int64_t columns = most_of_panels / static_cast<std::int64_t>(sizeof(T)) / depth / 64 * 64;
  if (keep_b && gemm.n > columns) {
    for (std::int64_t j = 0; j < gemm.n; j += columns)
      tiled_gemm(columns_of(gemm, j, std::min(j + columns, gemm.n)));
    return;
  }
  if (!pack_a && !keep_b)
    return simd::vectorized<TiledLoop<T>>(&gemm, static_cast<T*>(nullptr), static_cast<T*>(nullptr), rows,
                                          depth, pack_b);
  const std::int64_t of_a = pack_a ? (rows * depth + 15) / 16 * 16 : 0;
  const std::int64_t of_b = keep_b ? (gemm.n + 63) / 64 * 64 * depth : 0;
  const std::size_t bytes = static_cast<std::size_t>(of_a + of_b) * sizeof(T);
  const std::unique_ptr<T, Release> packed(static_cast<T*>(pool::allocate(bytes)), Release{bytes});
  simd::vectorized<TiledLoop<T>>(&gemm, pack_a ? packed.get() : nullptr,
                                 keep_b ? packed.get() + of_a : nullptr, rows, depth, pack_b);
}

template std::int64_t depth_of(const Gemm<float>&);
template std::int64_t depth_of(const Gemm<double>&);
template void tiled_gemm(const Gemm<float>&);
template void tiled_gemm(const Gemm<double>&);

}  // namespace chainrule::kernels
