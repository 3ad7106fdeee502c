// Products with few rows, which go over B as it lies in memory: rows of it multiplied in pairs, or summed up.

#include <algorithm>
#include <cstdint>
#include <type_traits>

#include "chainrule/simd.h"
#include "kernels/gemm.h"  // which declares them

namespace chainrule::kernels {
namespace {

/// Rows up to this length are multiplied with as many others as a pack has lanes at a time; longer ones evict
/// each other from the first-level cache, unless they are half as many, with two rows of A.
constexpr std::int64_t short_row = 256, short_row_for_two = 1024;

/// Rows of C that make it worthwhile to copy a row of B, and the longest that is.
constexpr std::int64_t many_rows = 16, most_of_short = 128;

/// How far ahead a short row is asked for, in bytes: rows several of which are multiplied in turns are no
/// stream that the processor foresees.
constexpr std::int64_t foresight = 4096;

/// The dot products of a row with several others, each in several running sums.
template <class T>
struct DotsLoop {
  template <int Bytes>
  static void run(const Gemm<T>* gemm) {
    const auto [m, n, k, a, b, c, transpose_a, transpose_b, row_of_a, row_of_b, row_of_c, start, row_of_start,
                scale, depth, start_by_row] = *gemm;
    using P = simd::Pack<T, Bytes / static_cast<int>(sizeof(T))>;
    std::int64_t j = 0;
    constexpr int together = sizeof(T) == 4 ? 2 : 1;
    if (together == 2 && m % 2 == 0 && k <= short_row_for_two)
      j = in_several<P, together>(*gemm);
    else if (k <= short_row)
      j = in_several<P, 1>(*gemm);
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
  /// All rows of A, so many at a time, and those of B as long as there are enough, and the last of them may
  /// be read as a whole pack: up to which.
  template <class P, int Of>
  static std::int64_t in_several(const Gemm<T>& gemm) {
    constexpr std::int64_t rows = P::lanes / Of;
    const std::int64_t n = gemm.n, k = gemm.k, row = gemm.row_of_b;
    std::int64_t j = 0;
    for (; j + rows <= n && (k >= P::lanes || (n - j - rows) * row + k >= P::lanes); j += rows)
      for (std::int64_t i = 0; i < gemm.m; i += Of)
        several_dots<P, Of>(gemm, gemm.a + i * gemm.row_of_a, gemm.b + j * row,
                            gemm.start != nullptr ? gemm.start + i * gemm.row_of_start + j : nullptr,
                            gemm.c + i * gemm.row_of_c + j);
    return j;
  }
  /// With so many rows of A, and as many of B that there is a pack for each product. These are added up by
  /// transposing them.
  template <class P, int Of>
  static void several_dots(const Gemm<T>& gemm, const T* a, const T* b, const T* start, T* c) {
    constexpr int rows = P::lanes / Of;
    const std::int64_t k = gemm.k, row_of_a = gemm.row_of_a, row_of_b = gemm.row_of_b;
    P sums[P::lanes];
#pragma GCC unroll 16
    for (P& sum : sums) sum = P(0);
    std::int64_t p = 0;
    for (; p + P::lanes <= k; p += P::lanes) {
      P numbers[Of];
#pragma GCC unroll 16
      for (int i = 0; i < Of; ++i) numbers[i] = P::load(a + i * row_of_a + p);
#pragma GCC unroll 16
      for (int row = 0; row < rows; ++row) {
        const T* const from = b + row * row_of_b + p;
        __builtin_prefetch(from + foresight / static_cast<std::int64_t>(sizeof(T)));
        const P others = P::load(from);
#pragma GCC unroll 16
        for (int i = 0; i < Of; ++i) sums[i * rows + row] = sums[i * rows + row] + numbers[i] * others;
      }
    }
    if (p < k) {  // what is in the other lanes may be anything
      const std::int64_t at = k < P::lanes ? 0 : k - P::lanes;
      T numbers[Of][P::lanes], lanes[P::lanes];
      for (int lane = 0; lane < P::lanes; ++lane) {
        const bool fresh = at + lane >= p && at + lane < k;
        for (int i = 0; i < Of; ++i) numbers[i][lane] = fresh ? a[i * row_of_a + at + lane] : T(0);
        lanes[lane] = fresh ? T(1) : T(0);
      }
      const auto fresh = P::load(lanes) == P(1);
#pragma GCC unroll 16
      for (int row = 0; row < rows; ++row) {
        const P others = where(fresh, P::load(b + row * row_of_b + at), P(0));
#pragma GCC unroll 16
        for (int i = 0; i < Of; ++i)
          sums[i * rows + row] = sums[i * rows + row] + P::load(numbers[i]) * others;
      }
    }
    const P total = P(gemm.scale) * added_up<1>(sums);
    if constexpr (Of == 1) {
      ((start == nullptr ? P(0) : P::load(start)) + total).store(c);
    } else {
      alignas(64) T lanes[P::lanes];
      total.store(lanes);
      for (std::int64_t i = 0; i < Of; ++i)
        for (std::int64_t row = 0; row < rows; ++row)
          c[i * gemm.row_of_c + row] =
              (start == nullptr ? T(0) : start[i * gemm.row_of_start + row]) + lanes[i * rows + row];
    }
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
    if (gemm->k == 1 && gemm->start == nullptr && gemm->m >= many_rows && gemm->n <= most_of_short &&
        gemm->row_of_c == gemm->n)
      return multiples<Bytes>(*gemm);
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

template <class T>
void dot_products(const Gemm<T>& gemm) {
  simd::vectorized<DotsLoop<T>>(&gemm);
}

template <class T>
void sums_of_rows(const Gemm<T>& gemm) {
  simd::vectorized<SumOfRowsLoop<T>>(&gemm);
}

template void dot_products(const Gemm<float>&);
template void dot_products(const Gemm<double>&);
template void sums_of_rows(const Gemm<float>&);
template void sums_of_rows(const Gemm<double>&);

}  // namespace chainrule::kernels
