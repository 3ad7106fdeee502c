// Sums up to each element, several lines at a time.

#include "kernels/running_sums.h"

#include <algorithm>

#include "kernels/parallel.h"

namespace chainrule::kernels {
namespace {

/// A few rows at a time, as each sum has to wait for the one before.
template <class Running, class T, int Rows>
void sum_rows(const T* __restrict x, std::int64_t n, std::int64_t step, T* __restrict out) {
  Running totals[Rows] = {};
  for (std::int64_t i = 0; i < n; ++i, x += step, out += step)
#pragma GCC unroll 8
    for (int row = 0; row < Rows; ++row)
      out[row * n] = static_cast<T>(totals[row] += static_cast<Running>(x[row * n]));
}

}  // namespace

template <class Running, class T>
void running_sums(const T* x, std::int64_t rows, std::int64_t n, bool from_end, T* out) {
  if (n == 0) return;
  constexpr std::int64_t few = 8;
  const std::int64_t first = from_end ? n - 1 : 0, step = from_end ? -1 : 1;
  parallel_for(rows, std::max(few, parallel_grain / n), [=](std::int64_t begin, std::int64_t end) {
    std::int64_t row = begin;
    for (; row + few <= end; row += few)
      sum_rows<Running, T, few>(x + row * n + first, n, step, out + row * n + first);
    for (; row < end; ++row) sum_rows<Running, T, 1>(x + row * n + first, n, step, out + row * n + first);
  });
}

template void running_sums<double>(const float*, std::int64_t, std::int64_t, bool, float*);
template void running_sums<double>(const double*, std::int64_t, std::int64_t, bool, double*);
template void running_sums<std::uint64_t>(const std::int64_t*, std::int64_t, std::int64_t, bool,
                                          std::int64_t*);

}  // namespace chainrule::kernels
