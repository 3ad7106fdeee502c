// Products with many rows of few columns, and few inner indices: the rows are side by side in lanes, as they
// would fill no pack the other way.

#include <algorithm>
#include <cstdint>

#include "chainrule/simd.h"
#include "kernels/gemm.h"  // which declares them
#include "kernels/packing.h"

namespace chainrule::kernels {
namespace {

constexpr std::int64_t most_depth = 64;
/// Fewer lanes do not pay, or only where A is transposed.
template <int Bytes>
constexpr bool pays = Bytes > 16;
template <int Bytes>
constexpr bool pays_by_rows = Bytes == 64;
/// Inner indices up to which columns that are read twice are still in the near caches.
constexpr std::int64_t most_of_columns = 1024;

template <class T>
struct NarrowLoop {
  template <int Bytes>
  static void run(const Gemm<T>* gemm) {
    if constexpr (pays<Bytes>) in_lanes<Bytes>(*gemm);
  }

 private:
  template <int Bytes>
  static void in_lanes(const Gemm<T>& gemm) {
    using P = simd::Pack<T, Bytes / static_cast<int>(sizeof(T))>;
    constexpr std::int64_t together = 2 * P::lanes;  // rows
    alignas(64) T columns[most_depth * together];
    // The last rows are with some that have been computed already, to the same bits.
    for (std::int64_t next = 0; next < gemm.m; next += together) {
      const std::int64_t i = std::min(next, gemm.m - together);
      const T *first = columns, *second = columns;
      std::int64_t step = P::lanes;
      if (gemm.transpose_a) {
        first = gemm.a + i;
        second = first + P::lanes;
        step = gemm.row_of_a;
      } else if constexpr (pays_by_rows<Bytes>) {
        second += gemm.k * P::lanes;
        for (std::int64_t half = 0; half < together; half += P::lanes)
          columns_as_packs<P>(gemm.a + (i + half) * gemm.row_of_a, gemm.row_of_a, gemm.k, gemm.m - i - half,
                              columns + gemm.k * half);
      }
      for (std::int64_t j = 0; j < gemm.n; j += wide) some_columns<P>(gemm, i, j, first, second, step);
    }
  }

  static constexpr int wide = 4;

  /// Up to four of C; the last of fewer several times.
  template <class P>
  static void some_columns(const Gemm<T>& gemm, std::int64_t i, std::int64_t next, const T* first,
                           const T* second, std::int64_t step) {
    const std::int64_t j = std::max<std::int64_t>(0, std::min(next, gemm.n - wide));
    const std::int64_t next_column = gemm.transpose_b ? gemm.row_of_b : 1,
                       next_row = gemm.transpose_b ? 1 : gemm.row_of_b;
    const T* b[wide];
    P low[wide], high[wide];
#pragma GCC unroll 4
    for (int q = 0; q < wide; ++q) {
      b[q] = gemm.b + std::min<std::int64_t>(j + q, gemm.n - 1) * next_column;
      low[q] = high[q] = P(0);
    }
    for (std::int64_t p = 0; p < gemm.k; ++p) {
      const P left = P::load(first + p * step), right = P::load(second + p * step);
#pragma GCC unroll 4
      for (int q = 0; q < wide; ++q) {
        const P number(b[q][p * next_row]);
        low[q] = low[q] + left * number;
        high[q] = high[q] + right * number;
      }
    }
#pragma GCC unroll 4
    for (int q = 0; q < wide; ++q) {
      const P start(gemm.start == nullptr ? T(0) : gemm.start[std::min<std::int64_t>(j + q, gemm.n - 1)]);
      low[q] = start + low[q] * P(gemm.scale);
      high[q] = start + high[q] * P(gemm.scale);
    }
    T* const to = gemm.c + i * gemm.row_of_c + j;
    write(low, gemm.row_of_c, gemm.n, false, to);
    write(high, gemm.row_of_c, gemm.n, i + 2 * P::lanes == gemm.m, to + P::lanes * gemm.row_of_c);
  }

  /// Columns to rows. If these are shorter than what is written, the rest comes later, if not in the last.
  template <class P>
  static void write(P (&columns)[wide], std::int64_t row, std::int64_t n, bool is_last, T* to) {
    if (n == 1 && row == 1) return columns[0].store(to);
    constexpr int quad = 16 / sizeof(T);
    for (int q = 0; q < wide; q += quad) transpose_squares(columns + q);
    alignas(64) T rows[wide][P::lanes];
#pragma GCC unroll 4
    for (int q = 0; q < wide; ++q) columns[q].store(rows[q]);
    const bool is_short = n < wide;
    for (int r = 0; r < P::lanes - (is_last && is_short ? 1 : 0); ++r, to += row)
      for (int q = 0; q < wide; q += quad)
        simd::Pack<T, quad>::load(&rows[q + r % quad][r / quad * quad]).store(to + q);
    if (is_last && is_short)
      for (std::int64_t j = 0; j < n; ++j)
        to[j] = rows[j / quad * quad + quad - 1][P::lanes - quad + j % quad];
  }
};

}  // namespace

template <class T>
bool takes_narrow_product(const Gemm<T>& gemm) {
  constexpr std::int64_t least_rows = 128 / sizeof(T);  // those of two of the widest packs
  if (gemm.m < least_rows || gemm.k < 2 || (gemm.n < 4 && gemm.row_of_c != gemm.n) ||
      (gemm.start != nullptr && gemm.row_of_start != 0))
    return false;
  const simd::InstructionSet set = simd::instruction_set();
  const bool is_wide = set == simd::InstructionSet::avx512, are_many_lanes = is_wide && sizeof(T) == 4;
  // Few inner indices are faster as sums of rows, where lanes are filled by them as well as by these.
  if (gemm.transpose_a)
    return set != simd::InstructionSet::baseline &&
           (gemm.n <= 4 ? !is_wide || sizeof(T) == 4 || gemm.n == 1 || gemm.k > 4
                        : are_many_lanes && gemm.n <= 8 && gemm.k > 4 && gemm.k <= most_of_columns);
  // Rows that fill packs are faster multiplied in pairs with a single column, those of several packs with
  // two.
  return is_wide && gemm.n <= (are_many_lanes ? 4 : 1) &&
         gemm.k < (gemm.n == 2 ? most_depth / 2 : most_depth) &&
         (gemm.n > 1 || gemm.k % (least_rows / 2) != 0);
}

template <class T>
void narrow_product(const Gemm<T>& gemm) {
  simd::vectorized<NarrowLoop<T>>(&gemm);
}

template bool takes_narrow_product(const Gemm<float>&);
template bool takes_narrow_product(const Gemm<double>&);
template void narrow_product(const Gemm<float>&);
template void narrow_product(const Gemm<double>&);

}  // namespace chainrule::kernels
