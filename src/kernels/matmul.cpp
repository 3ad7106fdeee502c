#include "kernels/matmul.h"

#include <algorithm>

#define HAVE_CBLAS 1
#include <xtensor-blas/xblas.hpp>

namespace chainrule::kernels {
namespace {

template <class T>
void gemm(const Product& product, const T* a, const T* b, T* c) {
  const auto [m, n, k, transpose_a, transpose_b, accumulate] = product;
  if (m == 0 || n == 0) return;
  if (k == 0) {
    if (!accumulate) std::fill(c, c + m * n, T(0));
    return;
  }
  using Index = int;
  const auto flag = [](bool transpose) { return transpose ? cxxblas::Trans : cxxblas::NoTrans; };
  cxxblas::gemm<Index>(cxxblas::RowMajor, flag(transpose_a), flag(transpose_b), static_cast<Index>(m),
                       static_cast<Index>(n), static_cast<Index>(k), T(1), a,
                       static_cast<Index>(transpose_a ? m : k), b, static_cast<Index>(transpose_b ? k : n),
                       accumulate ? T(1) : T(0), c, static_cast<Index>(n));
}

}  // namespace

void matmul(const Product& product, const float* a, const float* b, float* c) { gemm(product, a, b, c); }
void matmul(const Product& product, const double* a, const double* b, double* c) { gemm(product, a, b, c); }

// BLAS has no integers, and nobody multiplies large integer matrices here.
void matmul(const Product& product, const std::int64_t* a, const std::int64_t* b, std::int64_t* c) {
  const auto [m, n, k, transpose_a, transpose_b, accumulate] = product;
  if (!accumulate) std::fill(c, c + m * n, 0);
  for (std::int64_t i = 0; i < m; ++i)
    for (std::int64_t p = 0; p < k; ++p)
      for (std::int64_t j = 0; j < n; ++j)
        c[i * n + j] += a[transpose_a ? p * m + i : i * k + p] * b[transpose_b ? j * k + p : p * n + j];
}

}  // namespace chainrule::kernels
