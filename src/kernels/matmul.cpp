// Which kernel computes a product, and in which parts: by its sizes alone, so that results do not depend on
// threads.

#include "kernels/matmul.h"

#include <algorithm>
#include <cstdlib>
#include <limits>
#include <string_view>
#include <utility>

#include "array/wrapping.h"
#include "chainrule/simd.h"
#include "kernels/gemm.h"
#include "kernels/openblas.h"
#include "kernels/parallel.h"

namespace chainrule::kernels {
namespace {

/// Rows or columns of C in a part, of which each packs what it reads of A and B once more.
constexpr std::int64_t part_of_ours = 192, large_part_of_ours = 384, part_of_openblas = 256;
/// Up to these multiply-adds, or up to so many rows or columns, our kernel is ahead of OpenBLAS's on vectors
/// of the same width, by up to four times for ten columns.
constexpr std::int64_t small_product = 128 * 128 * 128, few = 64;

ProductKernel& chosen_kernel() {
  static ProductKernel kernel = [] {
    const char* asked = std::getenv("CHAINRULE_PRODUCTS");
    const std::string_view name = asked == nullptr ? "" : asked;
    return name == "tiles"      ? ProductKernel::tiles
           : name == "openblas" ? ProductKernel::openblas
                                : ProductKernel::fitting;
  }();
  return kernel;
}

/// Whether OpenBLAS has vectors as wide as ours. Its choice of kernels can be ahead of or behind the
/// processor: OPENBLAS_CORETYPE=Haswell asks for those of AVX2 where there is AVX-512.
bool is_as_wide(const OpenBlas& blas) {
  static const bool result = [&] {
    const auto is_one_of = [core = blas.core()](std::initializer_list<std::string_view> names) {
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

/// With AVX-512 ours is never behind OpenBLAS's by more than a few percent, and ahead by up to a fifth, a
/// third for doubles.
template <class T>
bool is_for_openblas(const Gemm<T>& gemm) {
  return gemm.m * gemm.n * gemm.k > small_product && std::min(gemm.m, gemm.n) > few &&
         simd::instruction_set() != simd::InstructionSet::avx512;
}
/// Null for a product that we compute ourselves.
template <class T>
const OpenBlas* openblas_for(const Gemm<T>& gemm) {
  const bool is_forced = chosen_kernel() == ProductKernel::openblas;
  if (chosen_kernel() == ProductKernel::tiles || !(is_forced || is_for_openblas(gemm)) ||
      std::max({gemm.m, gemm.n, gemm.k, gemm.row_of_a, gemm.row_of_b}) > std::numeric_limits<int>::max())
    return nullptr;
  const OpenBlas* blas = OpenBlas::get();
  return blas != nullptr && (is_forced || is_as_wide(*blas)) ? blas : nullptr;
}

/// Cuts C along its longer side into parts of about so many rows or columns, and runs a kernel on each. They
/// begin where tiles do, so that there are no more edges, and more than one are an even number, for two
/// threads.
template <class T, class Kernel>
void in_parts(const Gemm<T>& gemm, std::int64_t size_of_part, const Kernel& kernel) {
  const bool by_rows = gemm.m >= gemm.n;
  const std::int64_t size = by_rows ? gemm.m : gemm.n, unit = by_rows ? 24 : 32;
  std::int64_t parts = std::min(size / size_of_part, gemm.m * gemm.n * gemm.k / products_per_part);
  if (parts < 2) return kernel(gemm);
  parts += parts % 2;
  const std::int64_t units = (size + unit - 1) / unit;
  const auto begin_of = [&](std::int64_t part) { return std::min(size, units * part / parts * unit); };
  parallel_for(parts, 1, [&](std::int64_t begin, std::int64_t end) {
    for (; begin < end; ++begin)
      kernel(by_rows ? rows_of(gemm, begin_of(begin), begin_of(begin + 1))
                     : columns_of(gemm, begin_of(begin), begin_of(begin + 1)));
  });
}

/// One of our kernels. Its parts are bitwise what it makes of the whole, so one thread is spared the parts.
template <class T>
void run_ours(const Gemm<T>& gemm, void kernel(const Gemm<T>&)) {
  if (runs_alone()) return kernel(gemm);
  const bool is_large = std::min(gemm.m, gemm.n) >= 2 * large_part_of_ours;
  in_parts(gemm, is_large ? large_part_of_ours : part_of_ours, kernel);
}

template <class T>
void run_openblas(const OpenBlas& blas, const Gemm<T>& gemm) {
  in_parts(gemm, part_of_openblas, [&](Gemm<T> part) {
    if (part.start != nullptr && part.start != part.c) {  // a row, which is added to each
      for (std::int64_t i = 0; i < part.m; ++i) std::copy_n(part.start, part.n, part.c + i * part.row_of_c);
      part.start = part.c;
    }
    blas.multiply(part);
  });
}

/// Of about as many rows as a pack has lanes, and fewer columns, or where both operands are transposed, long
/// sums are faster as those of the transpose, whose rows fill packs.
template <class T>
constexpr std::int64_t most_to_turn = 2 * (64 / sizeof(T)) * (64 / sizeof(T));
template <class T>
bool is_better_turned(const Gemm<T>& gemm) {
  constexpr std::int64_t pack = 64 / sizeof(T), many = 256;
  return gemm.transpose_a && gemm.k >= many && gemm.m >= pack && gemm.m < 2 * pack && gemm.n > 1 &&
         (gemm.n < pack || (gemm.transpose_b && gemm.m * gemm.n <= most_to_turn<T>));
}
template <class T>
void multiply_turned(const Gemm<T>& gemm) {
  T turned[most_to_turn<T>];
  Gemm<T> product{gemm.n, gemm.m,        gemm.k,        gemm.b, gemm.a, turned, !gemm.transpose_b,
                  false,  gemm.row_of_b, gemm.row_of_a, gemm.m};
  product.scale = gemm.scale;
  tiled_gemm(product);
  for (std::int64_t i = 0; i < gemm.m; ++i)
    for (std::int64_t j = 0; j < gemm.n; ++j)
      gemm.c[i * gemm.row_of_c + j] =
          (gemm.start == nullptr ? T(0) : gemm.start[i * gemm.row_of_start + j]) + turned[j * gemm.m + i];
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
  Gemm<T> gemm{m, n, k, a, b, c, transpose_a, transpose_b, transpose_a ? m : k, transpose_b ? k : n, n};
  gemm.scale = static_cast<T>(scale);
  if (row != nullptr)
    gemm.start = row;
  else if (accumulate)
    gemm.start = c, gemm.row_of_start = n;
  const bool any = chosen_kernel() == ProductKernel::fitting;
  if (any && takes_narrow_product(gemm) && (k <= 16 || n > 1)) return run_ours(gemm, &narrow_product<T>);
  if (any && m == 1 && transpose_b && k <= 16 && gemm.start == nullptr) {  // likewise, where C is a column
    const Gemm<T> column{n, 1, k, b, a, c, false, true, k, k, 1, nullptr, 0, gemm.scale};
    if (takes_narrow_product(column)) return run_ours(column, &narrow_product<T>);
  }

  if (any && is_better_turned(gemm)) return multiply_turned(gemm);
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
  if (gemm.n == 1 && !gemm.transpose_b) gemm.transpose_b = true, gemm.row_of_b = k;
  if (k == 1) {
    gemm.transpose_a = gemm.transpose_b = false;
    gemm.row_of_a = 1;
    gemm.row_of_b = gemm.n;
  }

  if (any && takes_dot_products(gemm)) return run_ours(gemm, &dot_products<T>);
  if (any && takes_sums_of_rows(gemm)) return run_ours(gemm, &sums_of_rows<T>);
  if (const OpenBlas* blas = openblas_for(gemm)) {
    run_openblas(*blas, gemm);
  } else {
    gemm.depth = depth_of(gemm);
    run_ours(gemm, &tiled_gemm<T>);
  }
}

}  // namespace

ProductKernel product_kernel() { return chosen_kernel(); }
void set_product_kernel(ProductKernel kernel) { chosen_kernel() = kernel; }

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
