// Products of few inner indices, or of one row: rows of B are summed up, times numbers of A, as they lie in
// memory.

#include <algorithm>
#include <cstdint>
#include <type_traits>

#include "chainrule/simd.h"
#include "kernels/gemm.h"  // which declares them
#include "kernels/packing.h"

namespace chainrule::kernels {
namespace {

/// Inner indices up to which they are few: tiles, which are begun and ended for each sum, take longer.
constexpr std::int64_t most_of_few = 16;
/// Rows of C that make it worthwhile to copy a row of B, and the longest that is.
constexpr std::int64_t many_rows = 16, most_of_short = 128;
/// Elements of an outer product that leave the near caches: then it is written at the speed of memory.
constexpr std::int64_t large_outer = 1 << 16;

/// Rows of C: packs of some rows of B, which stay in registers, times the numbers of rows of A.
template <class T>
struct PacksOfRows {
  std::int64_t rows, next, step;  ///< of A: how far its next row is, and the next number of a row
  const T* a;
  const T* b;
  std::int64_t row_of_b;
  const T* start;
  std::int64_t row_of_start;
  T* c;
  std::int64_t row_of_c;

  /// Adds up to 4 rows of B, or 8 where there are registers for them, and goes on to the next ones.
  template <class P, int Packs>
  void add(std::int64_t depth) {
    if constexpr (Packs < 4 && sizeof(P) == 64)
      if (depth == 8) return add_rows<P, Packs, 8>();
    switch (depth) {
      case 1: return add_rows<P, Packs, 1>();
      case 2: return add_rows<P, Packs, 2>();
      case 3: return add_rows<P, Packs, 3>();
      default: return add_rows<P, Packs, 4>();
    }
  }

 private:
  template <class P, int Packs, int Depth>
  void add_rows() {
    P held[Depth][Packs];
#pragma GCC unroll 8
    for (int q = 0; q < Depth; ++q)
#pragma GCC unroll 4
      for (int j = 0; j < Packs; ++j) held[q][j] = P::load(b + q * row_of_b + j * P::lanes);
    const T *numbers = a, *from = start;
    T* to = c;
    for (std::int64_t i = 0; i < rows; ++i, numbers += next, from += row_of_start, to += row_of_c) {
      P sums[Packs];
#pragma GCC unroll 4
      for (int j = 0; j < Packs; ++j) sums[j] = P::load(from + j * P::lanes);
#pragma GCC unroll 8
      for (int q = 0; q < Depth; ++q) {
        const P number(numbers[q * step]);
#pragma GCC unroll 4
        for (int j = 0; j < Packs; ++j) sums[j] = sums[j] + number * held[q][j];
      }
#pragma GCC unroll 4
      for (int j = 0; j < Packs; ++j) sums[j].store(to + j * P::lanes);
    }
    a += Depth * step;
    b += Depth * row_of_b;
  }
};

/// Each row of C as the sum of rows of B, a few at a time.
template <class T>
struct SumOfRowsLoop {
  template <int Bytes>
  static void run(const Gemm<T>* gemm) {
    if (gemm->k == 1 && gemm->start == nullptr && gemm->m >= many_rows && gemm->n <= most_of_short &&
        gemm->row_of_c == gemm->n)
      return multiples<Bytes>(*gemm);
    if constexpr (Bytes > 16)
      if (takes_packs_of_rows(*gemm))
        return in_packs<simd::Pack<T, Bytes / static_cast<int>(sizeof(T))>>(*gemm);
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
  /// Packs of columns after one another, as many at a time as there are registers for.
  template <class P>
  static void in_packs(const Gemm<T>& gemm) {
    constexpr std::int64_t most = sizeof(P) / 16, wide = most * P::lanes, block = 32;
    alignas(64) T sums[block * wide], packed[most_of_few * wide], start[wide] = {};
    const std::int64_t next = gemm.transpose_a ? 1 : gemm.row_of_a,
                       step = gemm.transpose_a ? gemm.row_of_a : 1;
    // Of rows shorter than two packs, what is written too far comes later, but for the last ones.
    const bool is_short = gemm.row_of_c == gemm.n && gemm.n < 2 * P::lanes && gemm.n % P::lanes != 0,
               is_packed = is_short || gemm.transpose_b;
    const std::int64_t shortest = is_short && gemm.n > P::lanes ? 2 : 1,
                       end = gemm.m - (is_short ? std::min(gemm.m, shortest * P::lanes / gemm.n) : 0),
                       together = gemm.n > wide ? (gemm.transpose_b ? 8 : 1) * block : gemm.m;
    for (std::int64_t first = 0; first < gemm.m; first += together) {
      const std::int64_t last = std::min(gemm.m, first + together);
      for (std::int64_t j = 0, packs; j < gemm.n; j += packs * P::lanes) {
        packs = is_short ? shortest
                         : std::clamp<std::int64_t>((gemm.n - j) / P::lanes, 1, gemm.start_by_row ? 2 : most);
        if (packs == 3) packs = 2;
        if (!is_short) j = std::min(j, gemm.n - P::lanes);  // some of the last pack twice
        const std::int64_t width = packs * P::lanes, columns = std::min(gemm.n - j, width);
        const T* b = gemm.b + (gemm.transpose_b ? j * gemm.row_of_b : j);
        if (is_short)
          pack<P>(b, gemm.row_of_b, gemm.transpose_b, columns, width, gemm.k, packed);
        else if (gemm.transpose_b)
          for (std::int64_t at = 0; at < columns; at += P::lanes)
            columns_as_packs<P>(b + at * gemm.row_of_b, gemm.row_of_b, gemm.k, gemm.n - j - at, packed + at,
                                width);
        if (is_packed) b = packed;
        if (gemm.start != nullptr && !gemm.start_by_row) std::copy_n(gemm.start + j, columns, start);
        for (std::int64_t i = first, rows; i < last; i += rows) {
          const bool is_end = i >= end;
          rows = std::min(block, (is_end ? last : std::min(last, end)) - i);
          T* const c = gemm.c + i * gemm.row_of_c + j;
          PacksOfRows<T> part{
              rows, next, step, gemm.a + i * next, b, is_packed ? width : gemm.row_of_b, start,
              0,    sums, width};
          if (gemm.start_by_row) {
            part.start = gemm.start + i * gemm.row_of_start;
            part.row_of_start = gemm.row_of_start;
          }
          for (std::int64_t left = gemm.k, depth; left > 0; left -= depth) {
            depth = left >= 8 && packs < 4 && most == 4 ? 8 : std::min<std::int64_t>(left, 4);
            if (left == depth && !is_end) part.c = c, part.row_of_c = gemm.row_of_c;
            if (packs == 1)
              part.template add<P, 1>(depth);
            else if constexpr (most > 1)
              packs == most ? part.template add<P, most>(depth) : part.template add<P, 2>(depth);
            part.start = sums;
            part.row_of_start = width;
          }
          if (is_end)
            for (std::int64_t row = 0; row < rows; ++row)
              std::copy_n(sums + row * width, gemm.n, c + row * gemm.row_of_c);
        }
      }
    }
  }
  /// Rows of C that are one short row times numbers. What is written too far comes later.
  template <int Bytes>
  static void multiples(const Gemm<T>& gemm) {
    using P = simd::Pack<T, Bytes / static_cast<int>(sizeof(T))>;
    const std::int64_t step = gemm.transpose_a ? 1 : gemm.row_of_a, n = gemm.n;
    const std::int64_t width = (n + P::lanes - 1) / P::lanes * P::lanes;
    alignas(64) T row[most_of_short], last[most_of_short];
    std::copy_n(gemm.b, n, row);
    std::fill(row + n, row + width, T(0));
    const T* a = gemm.a;
    T* c = gemm.c;
    const auto write = [&](T* to) {
      const P number(gemm.scale * *a);
      std::int64_t j = 0;
      do (P(0) + number * P::load(row + j)).store(to + j);
      while ((j += P::lanes) < width);
    };
    const T* const end = c + gemm.m * n;
    for (; end - c >= width; c += n, a += step) write(c);
    for (; c < end; c += n, a += step) {
      write(last);
      std::copy_n(last, n, c);
    }
  }
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

}  // namespace

// Sums of packs begin with what is to be added to them, and are written as packs, also where there is less.
// Without the registers of AVX-512 few rows stay in them.
template <class T>
bool takes_packs_of_rows(const Gemm<T>& gemm) {
  constexpr std::int64_t pack = 64 / sizeof(T);
  const std::int64_t m = gemm.m, n = gemm.n, k = gemm.k;
  if (m == 1 || n == 1 || gemm.scale != 1 ||
      (gemm.start != nullptr && gemm.row_of_start != 0 && !gemm.start_by_row) ||
      (gemm.row_of_c != n && n < pack))
    return false;
  const bool has_rows = !gemm.transpose_b, is_wide = simd::instruction_set() == simd::InstructionSet::avx512;
  if (k <= 2 && has_rows && (n > (is_wide ? 16 : 4) * pack || m <= 4)) return false;
  switch (simd::instruction_set()) {
    case simd::InstructionSet::baseline: return false;
    case simd::InstructionSet::avx2: return k < most_of_few / 2;
    // Three rows are few for tiles, which have 12, 8, 4, 2 or 1.
    case simd::InstructionSet::avx512:
      return k <= (sizeof(T) == 4 || n >= pack ? most_of_few : most_of_few - 1) ||
             (m == 3 && n >= 2 * pack && has_rows);
  }
  return false;
}

template <class T>
bool takes_sums_of_rows(const Gemm<T>& gemm) {
  return takes_packs_of_rows(gemm) ||
         (!gemm.transpose_b && (gemm.m == 1 || (gemm.k <= 2 && gemm.n >= 64) ||
                                (gemm.k == 1 && gemm.start == nullptr && gemm.m * gemm.n >= large_outer)));
}
template <class T>
void sums_of_rows(const Gemm<T>& gemm) {
  simd::vectorized<SumOfRowsLoop<T>>(&gemm);
}

template bool takes_packs_of_rows(const Gemm<float>&);
template bool takes_packs_of_rows(const Gemm<double>&);
template bool takes_sums_of_rows(const Gemm<float>&);
template bool takes_sums_of_rows(const Gemm<double>&);
template void sums_of_rows(const Gemm<float>&);
template void sums_of_rows(const Gemm<double>&);

}  // namespace chainrule::kernels
