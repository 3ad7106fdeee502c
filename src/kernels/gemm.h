// The library's own products of matrices, in tiles of registers, for what OpenBLAS is slower at or not there
// for. It knows rows and pointers; matmul.cpp chooses.

#pragma once

#include <cstdint>

namespace chainrule::kernels {

/// C = start + scale · op(A) · op(B): a product, or the part of one that a thread computes. Each element of C
/// is summed in the order of the inner index, however the product is cut, so the parts of a product make
/// bitwise what the whole would.
template <class T>
struct Gemm {
  std::int64_t m, n, k;
  const T* a;
  const T* b;
  T* c;
  bool transpose_a, transpose_b;
  std::int64_t row_of_a, row_of_b, row_of_c;  ///< from one row to the next, as stored, in elements
  const T* start = nullptr;                   ///< what the sums are added to: nothing is 0
  std::int64_t row_of_start = 0;              ///< 0 repeats one row
  T scale = 1;
  std::int64_t depth = 0;  ///< inner indices that are summed up at a time; 0: depth_of()
  /// Of tiles and packs: are the rows of the start only start_columns long, each the same number for all
  /// columns?
  bool start_by_row = false;
};

/// As many columns of a start by row as the widest tile has.
template <class T>
constexpr std::int64_t start_columns = 2 * 64 / sizeof(T);

/// The rows of C from begin to end,
template <class T>
Gemm<T> rows_of(Gemm<T> gemm, std::int64_t begin, std::int64_t end) {
  gemm.m = end - begin;
  gemm.a += begin * (gemm.transpose_a ? 1 : gemm.row_of_a);
  gemm.c += begin * gemm.row_of_c;
  if (gemm.start != nullptr) gemm.start += begin * gemm.row_of_start;
  return gemm;
}
/// or the columns.
template <class T>
Gemm<T> columns_of(Gemm<T> gemm, std::int64_t begin, std::int64_t end) {
  gemm.n = end - begin;
  gemm.b += begin * (gemm.transpose_b ? gemm.row_of_b : 1);
  gemm.c += begin;
  if (gemm.start != nullptr && !gemm.start_by_row) gemm.start += begin;
  return gemm;
}

/// How many inner indices register tiles sum up at a time. Parts of a product take that of the whole, as sums
/// are rounded where they end.
template <class T>
std::int64_t depth_of(const Gemm<T>& gemm);

/// Register tiles over packed or unpacked operands, for any sizes, without a lock; without an allocation
/// where the operands fit the second-level cache.
template <class T>
void tiled_gemm(const Gemm<T>& gemm);

/// For rows of A and of B to multiply in pairs, of which there are few on one side at least: they are read as
/// they lie in memory. Where A is transposed, or B is not, it is moved into rows first.
template <class T>
void dot_products(const Gemm<T>& gemm);
/// Is that the fastest? By its sizes, which those of its parts are as good as.
template <class T>
bool takes_dot_products(const Gemm<T>& gemm);

/// For many rows of few columns: reads A once, as it lies in memory, whether transposed or not.
template <class T>
void narrow_product(const Gemm<T>& gemm);
/// Is that the fastest, where dot products are not? By its sizes, too.
template <class T>
bool takes_narrow_product(const Gemm<T>& gemm);

/// For few inner indices, or a single row of A: reads B in rows, and writes C as they lie in memory. Where B
/// is transposed, it is moved into rows first.
template <class T>
void sums_of_rows(const Gemm<T>& gemm);
/// Is that the fastest, where neither of the others are? By its sizes, too.
template <class T>
bool takes_sums_of_rows(const Gemm<T>& gemm);
/// And then, are packs of several rows added at a time? These may start by row.
template <class T>
bool takes_packs_of_rows(const Gemm<T>& gemm);

}  // namespace chainrule::kernels
