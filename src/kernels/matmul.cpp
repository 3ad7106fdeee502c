#include "kernels/matmul.h"

#include <algorithm>
#include <limits>
#include <string_view>
#include <utility>

#include "array/wrapping.h"
#include "chainrule/simd.h"
#include "kernels/gemm.h"
#include "kernels/parallel.h"

#define HAVE_CBLAS 1
#include <xtensor-blas/xblas.hpp>

extern "C" char* openblas_get_corename();

namespace chainrule::kernels {
namespace {

/// Multiply-adds that make a further thread worth its start.
constexpr std::int64_t products_per_thread = 1 << 20;
/// Up to these multiply-adds, or up to so many rows or columns, our kernel is ahead of OpenBLAS's on vectors
/// of the same width, by up to four times for ten columns.
constexpr std::int64_t small_product = 128 * 128 * 128, few = 64;
/// Columns that are too few for vectors to pay.
constexpr std::int64_t narrow = 4;

/// Whether OpenBLAS uses vectors as wide as ours. Versions before 0.3.22 do not know that newer machines of
/// AMD have AVX-512, and take the kernels for AVX2 there.
bool openblas_is_as_wide() {
  static const bool result = [] {
    const std::string_view core = openblas_get_corename();
    const auto is_one_of = [&](std::initializer_list<std::string_view> names) {
      return std::find(names.begin(), names.end(), core) != names.end();
    };
    switch (simd::instruction_set()) {
      case simd::InstructionSet::baseline: return true;
      case simd::InstructionSet::avx2:
        return is_one_of({"Haswell", "Zen", "SkylakeX", "Cooperlake", "Sapphirerapids"});
      case simd::InstructionSet::avx512: return is_one_of({"SkylakeX", "Cooperlake", "Sapphirerapids"});
    }
    return true;
  }();
  return result;
}

template <class T>
void openblas(const Gemm<T>& gemm, bool accumulate) {
  using Index = int;
  const auto index = [](std::int64_t size) { return static_cast<Index>(size); };
  const auto flag = [](bool transpose) { return transpose ? cxxblas::Trans : cxxblas::NoTrans; };
  cxxblas::gemm<Index>(cxxblas::RowMajor, flag(gemm.transpose_a), flag(gemm.transpose_b), index(gemm.m),
                       index(gemm.n), index(gemm.k), gemm.scale, gemm.a, index(gemm.row_of_a), gemm.b,
                       index(gemm.row_of_b), accumulate ? T(1) : T(0), gemm.c, index(gemm.row_of_c));
}

/// The rows of C from begin to end, or the columns.
template <class T>
Gemm<T> rows(Gemm<T> gemm, std::int64_t begin, std::int64_t end) {
  gemm.m = end - begin;
  gemm.a += begin * (gemm.transpose_a ? 1 : gemm.row_of_a);
  gemm.c += begin * gemm.row_of_c;
  if (gemm.start != nullptr) gemm.start += begin * gemm.row_of_start;
  return gemm;
}
template <class T>
Gemm<T> columns(Gemm<T> gemm, std::int64_t begin, std::int64_t end) {
  gemm.n = end - begin;
  gemm.b += begin * (gemm.transpose_b ? gemm.row_of_b : 1);
  gemm.c += begin;
  if (gemm.start != nullptr) gemm.start += begin;
  return gemm;
}

/// Runs a kernel in threads, on parts of C. They begin where tiles do, so that there are no more edges.
template <class T>
void in_threads(const Gemm<T>& gemm, void kernel(const Gemm<T>&)) {
  const std::int64_t products = gemm.m * gemm.n * gemm.k;
  if (products < 2 * products_per_thread) return kernel(gemm);
  const bool by_rows = gemm.m >= gemm.n;
  const std::int64_t size = by_rows ? gemm.m : gemm.n, unit = by_rows ? 24 : 32,
                     units = (size + unit - 1) / unit;
  const std::int64_t grain = std::max<std::int64_t>(1, products_per_thread * units / products);
  parallel_for(units, grain, [&](std::int64_t begin, std::int64_t end) {
    end = std::min(end * unit, size);
    kernel(by_rows ? rows(gemm, begin * unit, end) : columns(gemm, begin * unit, end));
  });
}

template <class T>
void multiply(const Product& product, const T* a, const T* b, const T* row, T* c);

/// A narrow C, as its transpose, whose rows fill vectors.
template <class T>
void multiply_narrow(const Product& product, const T* a, const T* b, const T* row, T* c) {
  const auto [m, n, k, transpose_a, transpose_b, accumulate, scale] = product;
  Array transposed({n, m}, dtype_of<T>);
  T* sums = transposed.mutable_data<T>();
  multiply<T>({n, m, k, !transpose_b, !transpose_a, false, scale}, b, a, nullptr, sums);
  for (std::int64_t j = 0; j < n; ++j, sums += m)
    if (row == nullptr && accumulate)
      for (std::int64_t i = 0; i < m; ++i) c[i * n + j] += sums[i];
    else
      for (std::int64_t i = 0; i < m; ++i) c[i * n + j] = (row != nullptr ? row[j] : T(0)) + sums[i];
}

template <class T>
void multiply(const Product& product, const T* a, const T* b, const T* row, T* c) {
  const auto [m, n, k, transpose_a, transpose_b, accumulate, scale] = product;
  if (m == 0 || n == 0) return;
  if (k == 0) {
    if (row != nullptr)
      for (std::int64_t i = 0; i < m; ++i) std::copy_n(row, n, c + i * n);
    else if (!accumulate)
      std::fill(c, c + m * n, T(0));
    return;
  }
  if (n <= narrow && m >= 4 * narrow && k > 1 && (n > 1 || row != nullptr))
    return multiply_narrow(product, a, b, row, c);
  Gemm<T> gemm{m, n, k, a, b, c, transpose_a, transpose_b, transpose_a ? m : k, transpose_b ? k : n, n};
  gemm.scale = static_cast<T>(scale);
  if (row != nullptr)
    gemm.start = row;
  else if (accumulate)
    gemm.start = c, gemm.row_of_start = n;

  if (n == 1 && m > 1 && row == nullptr) {  // the transposed product, in which C is one row
    std::swap(gemm.m, gemm.n);
    std::swap(gemm.a, gemm.b);
    gemm.transpose_b = !transpose_a;
    gemm.row_of_b = gemm.row_of_a;
    gemm.transpose_a = false;
    gemm.row_of_a = k;
    gemm.row_of_c = m;
  }
  // A column or row lies in memory as its transpose does.
  if (gemm.m == 1 && gemm.transpose_a) gemm.transpose_a = false, gemm.row_of_a = k;
  if (k == 1) {
    gemm.transpose_a = gemm.transpose_b = false;
    gemm.row_of_a = 1;
    gemm.row_of_b = gemm.n;
  }

  const std::int64_t products = m * n * k;
  if (!gemm.transpose_b && (gemm.m == 1 || (k <= 2 && gemm.n >= 16)))
    return in_threads(gemm, &sums_of_rows<T>);
  if (gemm.transpose_b && !gemm.transpose_a && (gemm.m == 1 || (gemm.m <= 4 && k >= 64)))
    return in_threads(gemm, &dot_products<T>);
  if (products > small_product && std::min(m, n) > few && openblas_is_as_wide() &&
      std::max({m, n, k}) <= std::numeric_limits<int>::max()) {
    if (row != nullptr)
      for (std::int64_t i = 0; i < m; ++i) std::copy_n(row, n, c + i * n);
    return openblas(gemm, gemm.start != nullptr);
  }
  in_threads(gemm, &tiled_gemm<T>);
}

}  // namespace

void matmul(const Product& product, const float* a, const float* b, float* c) {
  multiply<float>(product, a, b, nullptr, c);
}
void matmul(const Product& product, const double* a, const double* b, double* c) {
  multiply<double>(product, a, b, nullptr, c);
}
void matmul_plus_row(const Product& product, const float* a, const float* b, const float* row, float* c) {
  multiply(product, a, b, row, c);
}
void matmul_plus_row(const Product& product, const double* a, const double* b, const double* row, double* c) {
  multiply(product, a, b, row, c);
}

// BLAS has no integers, and nobody multiplies large integer matrices here.
void matmul(const Product& product, const std::int64_t* a, const std::int64_t* b, std::int64_t* c) {
  const auto [m, n, k, transpose_a, transpose_b, accumulate, scale] = product;
  if (!accumulate) std::fill(c, c + m * n, 0);
  if (n == 0 || k == 0) return;  // m may be large
  for (std::int64_t i = 0; i < m; ++i)
    for (std::int64_t p = 0; p < k; ++p)
      for (std::int64_t j = 0; j < n; ++j)
        c[i * n + j] =
            static_cast<std::int64_t>(c[i * n + j] + Wrapping(a[transpose_a ? p * m + i : i * k + p]) *
                                                         Wrapping(b[transpose_b ? j * k + p : p * n + j]));
}

}  // namespace chainrule::kernels
