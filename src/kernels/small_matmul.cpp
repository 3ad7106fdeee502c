// Products of stacks of matrices that are smaller than a few packs. A row of C is a sum of rows of B in
// registers; relies on simd.h, and on parallel.h for large stacks.

#include "kernels/small_matmul.h"

#include <algorithm>

#include "chainrule/simd.h"
#include "kernels/parallel.h"

namespace chainrule::kernels {
namespace {

constexpr std::int64_t most = 16;

/// A row of C is the sum of rows of B, times numbers of A. Packs that are wider than what is left of a row
/// read and write on into what follows: of C, that is what comes later.
template <class T>
struct TinyLoop {
  template <int Bytes>
  static void run(const Product* product, std::int64_t begin, std::int64_t end, const T* a,
                  std::int64_t a_step, const T* b, std::int64_t b_step, T* c) {
    constexpr int widest = Bytes / static_cast<int>(sizeof(T));
    // The narrowest packs that hold a row.
    if constexpr (Bytes >= 64)
      if (product->n > widest / 2)
        return rows<simd::Pack<T, widest>>(*product, begin, end, a, a_step, b, b_step, c);
    if constexpr (Bytes >= 32)
      if (product->n > 16 / static_cast<int>(sizeof(T)))
        return rows<simd::Pack<T, 32 / static_cast<int>(sizeof(T))>>(*product, begin, end, a, a_step, b,
                                                                     b_step, c);
    rows<simd::Pack<T, 16 / static_cast<int>(sizeof(T))>>(*product, begin, end, a, a_step, b, b_step, c);
  }

 private:
  template <class P>
  static void rows(const Product& product, std::int64_t begin, std::int64_t end, const T* a,
                   std::int64_t a_step, const T* b, std::int64_t b_step, T* c) {
    if (product.n <= P::lanes) return batch<P, 1>(product, begin, end, a, a_step, b, b_step, c);
    if constexpr (P::lanes < most) batch<P, 2>(product, begin, end, a, a_step, b, b_step, c);
  }

  template <class P, int Packs>
  static void batch(const Product& product, std::int64_t begin, std::int64_t end, const T* a,
                    std::int64_t a_step, const T* b, std::int64_t b_step, T* c) {
    constexpr std::int64_t panel = Packs * P::lanes;
    const std::int64_t width = (product.n + panel - 1) / panel * panel;
    const auto [m, n, k, transpose_a, transpose_b, accumulate, scale] = product;
    const std::int64_t row_of_a = transpose_a ? 1 : k, next_in_a = transpose_a ? m : 1;
    alignas(64) T packed_b[most * most];
    alignas(64) T last[most * most];
    for (std::int64_t i = begin; i < end; ++i) {
      const T *left = a + i * a_step, *right = b + i * b_step;
      std::int64_t row_of_b = n;
      const std::int64_t later = end - 1 - i;  // products, which what is written too far belongs to
      const bool is_last = later * std::min(m, k) * n < width - n, apart = is_last || n > panel;
      if (transpose_b) {
        if (i == begin || b_step != 0)
          for (std::int64_t j = 0; j < n; ++j)
            for (std::int64_t p = 0; p < k; ++p) packed_b[p * width + j] = right[j * k + p];
        right = packed_b;
        row_of_b = width;
      } else if (is_last || b_step == 0) {
        if (i == begin || b_step != 0)
          for (std::int64_t p = 0; p < k; ++p) std::copy_n(right + p * n, n, packed_b + p * width);
        right = packed_b;
        row_of_b = width;
      }
      T* const to = apart ? last : c + i * m * n;
      const std::int64_t row_of_c = apart ? width : n;
      std::int64_t row = 0;
      for (; row + 4 <= m; row += 4)
        for (std::int64_t j = 0; j < n; j += panel)
          some_rows<P, Packs, 4>(k, left + row * row_of_a, row_of_a, next_in_a, right + j, row_of_b,
                                 to + row * row_of_c + j, row_of_c);
      for (; row < m; ++row)
        for (std::int64_t j = 0; j < n; j += panel)
          some_rows<P, Packs, 1>(k, left + row * row_of_a, row_of_a, next_in_a, right + j, row_of_b,
                                 to + row * row_of_c + j, row_of_c);
      if (apart)
        for (row = 0; row < m; ++row) std::copy_n(last + row * width, n, c + (i * m + row) * n);
    }
  }

  template <class P, int Packs, int Rows>
  static void some_rows(std::int64_t k, const T* a, std::int64_t row_of_a, std::int64_t next_in_a, const T* b,
                        std::int64_t row_of_b, T* c, std::int64_t row_of_c) {
    P sums[Rows][Packs];
#pragma GCC unroll 16
    for (int i = 0; i < Rows; ++i)
#pragma GCC unroll 16
      for (int j = 0; j < Packs; ++j) sums[i][j] = P(0);
    for (std::int64_t p = 0; p < k; ++p) {
      P row[Packs];
#pragma GCC unroll 16
      for (int j = 0; j < Packs; ++j) row[j] = P::load(b + p * row_of_b + j * P::lanes);
#pragma GCC unroll 16
      for (int i = 0; i < Rows; ++i) {
        const P number(a[i * row_of_a + p * next_in_a]);
#pragma GCC unroll 16
        for (int j = 0; j < Packs; ++j) sums[i][j] = sums[i][j] + number * row[j];
      }
    }
#pragma GCC unroll 16
    for (int i = 0; i < Rows; ++i)
#pragma GCC unroll 16
      for (int j = 0; j < Packs; ++j) (P(0) + sums[i][j]).store(c + i * row_of_c + j * P::lanes);
  }
};

}  // namespace

template <class T>
void tiny_products(const Product& product, std::int64_t count, const T* a, std::int64_t a_step, const T* b,
                   std::int64_t b_step, T* c) {
  const std::int64_t work = std::max<std::int64_t>(64, product.m * product.n * product.k);
  parallel_for(count, parallel_grain / work + 1, [&](std::int64_t begin, std::int64_t end) {
    if (begin < end) simd::vectorized<TinyLoop<T>>(&product, begin, end, a, a_step, b, b_step, c);
  });
}

template void tiny_products(const Product&, std::int64_t, const float*, std::int64_t, const float*,
                            std::int64_t, float*);
template void tiny_products(const Product&, std::int64_t, const double*, std::int64_t, const double*,
                            std::int64_t, double*);

}  // namespace chainrule::kernels
