// Sums along an axis with few weights, as of average pooling and interpolation: over lines of neighbours, and
// where the axis is the last one over as many of its lines side by side.

#include <algorithm>

#include "chainrule/simd.h"
#include "kernels/direct_loops.h"
#include "kernels/lines.h"
#include "kernels/parallel.h"
#include "kernels/pooling.h"

namespace chainrule::kernels {
namespace {

/// Each row of `to` is a sum of rows of `from`, which have `inner` elements.
template <class T>
struct SumLinesLoop {
  template <int Bytes>
  static void run(const SparseMatrix* matrix, const T* weights, std::int64_t inner, const T* from, T* to) {
    of_packs<simd::Pack<T, Bytes / static_cast<int>(sizeof(T))>>(*matrix, weights, inner, from, to);
  }

 private:
  template <class P>
  static void of_packs(const SparseMatrix& matrix, const T* weights, std::int64_t inner, const T* from,
                       T* to) {
    const std::int64_t rows = matrix.row_count();
    const std::int64_t* const columns = matrix.columns.data();
    if (inner < P::lanes) {
      if constexpr (P::lanes * sizeof(T) > 16)
        return of_packs<simd::Pack<T, P::lanes / 2>>(matrix, weights, inner, from, to);
      for (std::int64_t row = 0; row < rows; ++row, to += inner)
        for (std::int64_t j = 0; j < inner; ++j) {
          T sum = 0;
          for (std::int64_t k = matrix.rows[static_cast<std::size_t>(row)];
               k < matrix.rows[static_cast<std::size_t>(row) + 1]; ++k)
            sum += weights[k] * from[columns[k] * inner + j];
          to[j] = sum;
        }
      return;
    }
    const std::int64_t last = inner - P::lanes;
    for (std::int64_t row = 0; row < rows; ++row, to += inner) {
      const std::int64_t begin = matrix.rows[static_cast<std::size_t>(row)],
                         end = matrix.rows[static_cast<std::size_t>(row) + 1];
      for (std::int64_t done = 0; done < inner; done += P::lanes) {
        const T* const at = from + std::min(done, last);
        P sum(T(0));
        for (std::int64_t k = begin; k < end; ++k)
          sum = sum + P(weights[k]) * P::load(at + columns[k] * inner);
        sum.store(to + std::min(done, last));
      }
    }
  }
};

template <class T>
void sum_lines(const SparseMatrix& matrix, const T* weights, std::int64_t inner, const T* from, T* to) {
  simd::vectorized<SumLinesLoop<T>>(&matrix, weights, inner, from, to);
}

}  // namespace

SparseMatrix SparseMatrix::transposed() const {
  SparseMatrix result;
  result.column_count = row_count();
  std::vector<std::vector<std::pair<std::int64_t, double>>> lists(static_cast<std::size_t>(column_count));
  for (std::size_t row = 0; row + 1 < rows.size(); ++row)
    for (auto i = static_cast<std::size_t>(rows[row]); i < static_cast<std::size_t>(rows[row + 1]); ++i)
      lists[static_cast<std::size_t>(columns[i])].emplace_back(row, weights[i]);
  for (const auto& list : lists) {
    for (const auto& [column, weight] : list) result.add(column, weight);
    result.end_row();
  }
  return result;
}

template <class T>
void sums_along(const SparseMatrix& matrix, std::int64_t outer, std::int64_t inner, const T* x, T* y) {
  const std::int64_t rows = matrix.row_count(), columns = matrix.column_count, lanes = lanes_of<T>();
  const std::vector<T> numbers(matrix.weights.begin(), matrix.weights.end());
  const T* const weights = numbers.data();
  constexpr std::int64_t longest = 4096;  // of lines beside each other
  const bool is_aside = inner == 1 && outer >= lanes && std::max(rows, columns) <= longest;
  const std::int64_t each = is_aside ? lanes : 1, units = (outer + each - 1) / each,
                     work =
                         static_cast<std::int64_t>(matrix.columns.size() + matrix.rows.size()) * inner * each;
  const detail::AcrossLayout from({outer, columns, 1}, sizeof(T)), to({outer, rows, 1}, sizeof(T));
  parallel_for(units, std::max<std::int64_t>(1, parallel_grain / std::max<std::int64_t>(1, work)),
               [&](std::int64_t unit, std::int64_t end) {
                 std::vector<T> room(static_cast<std::size_t>(is_aside ? (columns + rows) * lanes : 0));
                 T *const tile = room.data(), *const result = tile + (is_aside ? columns * lanes : 0);
                 for (; unit < end; ++unit) {
                   if (!is_aside) {
                     sum_lines(matrix, weights, inner, x + unit * columns * inner, y + unit * rows * inner);
                     continue;
                   }
                   const std::int64_t first = unit * lanes, count = std::min(lanes, outer - first);
                   detail::gather(from, x, first, count, lanes, tile);
                   sum_lines<T>(matrix, weights, lanes, tile, result);
                   detail::scatter<T>(to, result, first, count, lanes, y);
                 }
               });
}
template void sums_along(const SparseMatrix&, std::int64_t, std::int64_t, const float*, float*);
template void sums_along(const SparseMatrix&, std::int64_t, std::int64_t, const double*, double*);

}  // namespace chainrule::kernels
