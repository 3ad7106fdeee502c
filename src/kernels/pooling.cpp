// Pooling and resizing, plane by plane.
#include "kernels/pooling.h"

#include <limits>

#include "kernels/parallel.h"

namespace chainrule::kernels {
namespace {

/// Calls part(begin, end) for windows of `count` pieces of so many elements each.
template <class Part>
void in_parallel(std::int64_t count, std::int64_t elements, const Part& part) {
  parallel_for(count, std::max<std::int64_t>(1, parallel_grain / std::max<std::int64_t>(1, elements)), part);
}

}  // namespace

template <class T>
void max_pool(const PoolWindows& windows, std::int64_t planes, const T* x, T* values, std::int64_t* places) {
  const std::int64_t high = windows.in[1], wide = windows.in[2], out = windows.out_size();
  in_parallel(planes, windows.in_size(), [&](std::int64_t plane, std::int64_t end) {
    for (; plane < end; ++plane) {
      const T* from = x + plane * windows.in_size();
      std::int64_t at = plane * out;
      for (const PoolWindow& d : windows.axes[0])
        for (const PoolWindow& h : windows.axes[1])
          for (const PoolWindow& w : windows.axes[2]) {
            T largest = -std::numeric_limits<T>::infinity();
            std::int64_t place = -1;
            for (std::int64_t i = 0; i < d.count; ++i)
              for (std::int64_t j = 0; j < h.count; ++j) {
                const std::int64_t line =
                    ((d.begin + i * d.step) * high + h.begin + j * h.step) * wide + w.begin;
                for (std::int64_t k = 0; k < w.count; ++k) {
                  const T element = from[line + k * w.step];
                  if (element > largest || element != element || place < 0) {
                    largest = element;
                    place = line + k * w.step;
                  }
                }
              }
            values[at] = largest;
            places[at++] = place;
          }
    }
  });
}

template <class T>
void take_places(std::int64_t planes, std::int64_t in, std::int64_t out, const std::int64_t* places,
                 const T* x, T* values) {
  in_parallel(planes, out, [=](std::int64_t plane, std::int64_t end) {
    for (std::int64_t i = plane * out; i < end * out; ++i)
      values[i] = places[i] < 0 ? T(0) : x[i / out * in + places[i]];
  });
}

template <class T>
void add_at_places(std::int64_t planes, std::int64_t in, std::int64_t out, const std::int64_t* places,
                   const T* values, T* x) {
  in_parallel(planes, in, [=](std::int64_t plane, std::int64_t end) {
    std::fill(x + plane * in, x + end * in, T(0));
    for (; plane < end; ++plane)
      for (std::int64_t i = plane * out; i < (plane + 1) * out; ++i)
        if (places[i] >= 0) x[plane * in + places[i]] += values[i];
  });
}

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
  const std::int64_t rows = matrix.row_count();
  const std::vector<T> weights(matrix.weights.begin(), matrix.weights.end());
  const auto work = static_cast<std::int64_t>(matrix.columns.size() + matrix.rows.size()) * inner;
  in_parallel(outer, work, [&](std::int64_t i, std::int64_t end) {
    for (; i < end; ++i) {
      const T* from = x + i * matrix.column_count * inner;
      T* to = y + i * rows * inner;
      for (std::size_t row = 0; row + 1 < matrix.rows.size(); ++row, to += inner) {
        const auto first = static_cast<std::size_t>(matrix.rows[row]),
                   last = static_cast<std::size_t>(matrix.rows[row + 1]);
        if (inner == 1) {
          T sum = 0;
          for (std::size_t k = first; k < last; ++k) sum += weights[k] * from[matrix.columns[k]];
          *to = sum;
          continue;
        }
        std::fill_n(to, inner, T(0));
        for (std::size_t k = first; k < last; ++k) {
          const T weight = weights[k];
          const T* line = from + matrix.columns[k] * inner;
          for (std::int64_t j = 0; j < inner; ++j) to[j] += weight * line[j];
        }
      }
    }
  });
}

template void max_pool(const PoolWindows&, std::int64_t, const float*, float*, std::int64_t*);
template void max_pool(const PoolWindows&, std::int64_t, const double*, double*, std::int64_t*);
template void take_places(std::int64_t, std::int64_t, std::int64_t, const std::int64_t*, const float*,
                          float*);
template void take_places(std::int64_t, std::int64_t, std::int64_t, const std::int64_t*, const double*,
                          double*);
template void add_at_places(std::int64_t, std::int64_t, std::int64_t, const std::int64_t*, const float*,
                            float*);
template void add_at_places(std::int64_t, std::int64_t, std::int64_t, const std::int64_t*, const double*,
                            double*);
template void sums_along(const SparseMatrix&, std::int64_t, std::int64_t, const float*, float*);
template void sums_along(const SparseMatrix&, std::int64_t, std::int64_t, const double*, double*);

}  // namespace chainrule::kernels
