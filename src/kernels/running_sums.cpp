// Sums up to each element, several lines at a time. Several lines in the lanes of a pack, transposed on their
// way where they lie in a row.

#include "kernels/running_sums.h"

#include <algorithm>
#include <type_traits>

#include "array/wrapping.h"
#include "chainrule/simd.h"
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

/// Neighbouring lines at a time: a stretch of a row long enough to be fetched ahead of, whose sums stay in
/// the first cache.
constexpr std::int64_t most_lines = 256;

/// The compiler makes vectors of this for each instruction set.
template <class Running, class T>
struct SumAcrossLoop {
  template <int Bytes>
  static void run(const T* __restrict x, std::int64_t n, std::int64_t step, std::int64_t lines,
                  T* __restrict out) {
    Running totals[most_lines] = {};
    for (std::int64_t i = 0; i < n; ++i, x += step, out += step)
      for (std::int64_t j = 0; j < lines; ++j)
        out[j] = static_cast<T>(totals[j] += static_cast<Running>(x[j]));
  }
};

/// Lines that begin `apart` from each other, whose elements follow in steps.
template <class T>
void recur(const T* a, const T* b, std::int64_t n, std::int64_t step, std::int64_t lines, auto apart,
           bool transposed, bool strong, T* out) {
  using Number = std::conditional_t<std::is_floating_point_v<T>, T, Wrapping>;
  for (std::int64_t j = 0; j < lines; ++j) out[j * apart] = b[j * apart];
  for (std::int64_t i = 1; i < n; ++i)
    for (std::int64_t j = 0; j < lines; ++j) {
      const std::int64_t here = i * step + j * apart, before = here - step;
      const Number slope = a[transposed ? before : here], last = out[before], more = b[here];
      const Number product = slope * last;
      const bool is_strong_zero = product != product && strong && (last == Number(0) || slope == Number(0));
      out[here] = static_cast<T>(is_strong_zero ? more : product + more);
    }
}

}  // namespace

template <class T>
void linear_recurrence(const T* a, const T* b, std::int64_t outer, std::int64_t n, std::int64_t inner,
                       bool transposed, bool strong, T* out) {
  if (outer * n * inner == 0) return;
  const std::int64_t first = transposed ? (n - 1) * inner : 0, step = transposed ? -inner : inner;
  // Some lines together: none need wait for what it has just computed.
  const std::int64_t together = inner == 1 ? 16 : most_lines, all = inner == 1 ? outer : inner;
  for (std::int64_t o = 0; o < (inner == 1 ? 1 : outer); ++o)
    for (std::int64_t line = 0; line < all; line += together) {
      const std::int64_t lines = std::min(together, all - line),
                         at = first + (inner == 1 ? line * n : o * n * inner + line);
      if (inner == 1)
        recur(a + at, b + at, n, step, lines, n, transposed, strong, out + at);
      else
        recur(a + at, b + at, n, step, lines, std::integral_constant<std::int64_t, 1>(), transposed, strong,
              out + at);
    }
}

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

template <class Running, class T>
void running_sums_across(const T* x, std::int64_t outer, std::int64_t n, std::int64_t inner, bool from_end,
                         T* out) {
  if (outer * n * inner == 0) return;
  const std::int64_t blocks = (inner + most_lines - 1) / most_lines;
  const std::int64_t first = from_end ? (n - 1) * inner : 0, step = from_end ? -inner : inner;
  const std::int64_t grain = std::max<std::int64_t>(1, parallel_grain / (n * std::min(inner, most_lines)));
  parallel_for(outer * blocks, grain, [=](std::int64_t begin, std::int64_t end) {
    for (std::int64_t block = begin; block < end; ++block) {
      const std::int64_t line = block % blocks * most_lines, at = block / blocks * n * inner + first + line;
      simd::vectorized<SumAcrossLoop<Running, T>>(x + at, n, step, std::min(most_lines, inner - line),
                                                  out + at);
    }
  });
}

template void linear_recurrence(const float*, const float*, std::int64_t, std::int64_t, std::int64_t, bool,
                                bool, float*);
template void linear_recurrence(const double*, const double*, std::int64_t, std::int64_t, std::int64_t, bool,
                                bool, double*);
template void linear_recurrence(const std::int64_t*, const std::int64_t*, std::int64_t, std::int64_t,
                                std::int64_t, bool, bool, std::int64_t*);
template void running_sums<double>(const float*, std::int64_t, std::int64_t, bool, float*);
template void running_sums<double>(const double*, std::int64_t, std::int64_t, bool, double*);
template void running_sums<std::uint64_t>(const std::int64_t*, std::int64_t, std::int64_t, bool,
                                          std::int64_t*);
template void running_sums_across<double>(const float*, std::int64_t, std::int64_t, std::int64_t, bool,
                                          float*);
template void running_sums_across<double>(const double*, std::int64_t, std::int64_t, std::int64_t, bool,
                                          double*);
template void running_sums_across<std::uint64_t>(const std::int64_t*, std::int64_t, std::int64_t,
                                                 std::int64_t, bool, std::int64_t*);

}  // namespace chainrule::kernels
