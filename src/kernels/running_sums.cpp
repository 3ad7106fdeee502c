// Sums up to each element, several lines at a time. Several lines in the lanes of a pack, transposed on their
// way where they lie in a row.

#include "kernels/running_sums.h"

#include <algorithm>
#include <functional>
#include <type_traits>

#include "array/wrapping.h"
#include "chainrule/simd.h"
#include "kernels/parallel.h"

namespace chainrule::kernels {
namespace {

constexpr int few = 8;

/// A few rows at a time, as each sum, or product, has to wait for the one before.
template <class Running, class T, int Rows, class Step = std::plus<>>
void sum_rows(const T* __restrict x, std::int64_t n, std::int64_t step, T* __restrict out) {
  Running totals[Rows];
  std::fill_n(totals, Rows, static_cast<Running>(std::is_same_v<Step, std::plus<>> ? 0 : 1));
  for (std::int64_t i = 0; i < n; ++i, x += step, out += step)
#pragma GCC unroll 8
    for (int row = 0; row < Rows; ++row)
      out[row * n] = static_cast<T>(totals[row] = Step()(totals[row], static_cast<Running>(x[row * n])));
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

/// Next in a recurrence.
template <class Number>
Number next(Number slope, Number last, Number more, bool strong) {
  const Number product = slope * last;
  const bool is_strong_zero = product != product && strong && (last == Number(0) || slope == Number(0));
  return is_strong_zero ? more : product + more;
}

/// Some rows of n elements, which follow in steps; slopes are read `ahead`.
template <class T, int Rows>
void recur_rows(const T* a, const T* b, std::int64_t n, std::int64_t step, std::int64_t ahead, bool strong,
                T* out) {
  using Number = std::conditional_t<std::is_floating_point_v<T>, T, Wrapping>;
  T last[Rows];
  for (int row = 0; row < Rows; ++row) out[row * n] = b[row * n], last[row] = b[row * n];
  for (std::int64_t i = 1; i < n; ++i)
#pragma GCC unroll 8
    for (int row = 0; row < Rows; ++row) {
      const std::int64_t here = i * step + row * n;
      out[here] = last[row] = static_cast<T>(next<Number>(a[here - ahead], last[row], b[here], strong));
    }
}
/// Lines that are neighbours, whose elements follow in steps.
template <class T>
void recur_across(const T* a, const T* b, std::int64_t n, std::int64_t step, std::int64_t lines,
                  std::int64_t ahead, bool strong, T* out) {
  using Number = std::conditional_t<std::is_floating_point_v<T>, T, Wrapping>;
  std::copy_n(b, lines, out);
  for (std::int64_t i = 1; i < n; ++i)
    for (std::int64_t here = i * step, end = here + lines; here < end; ++here)
      out[here] = static_cast<T>(next<Number>(a[here - ahead], out[here - step], b[here], strong));
}

}  // namespace

template <class T>
void linear_recurrence(const T* a, const T* b, std::int64_t outer, std::int64_t n, std::int64_t inner,
                       bool transposed, bool strong, T* out) {
  if (outer * n * inner == 0) return;
  const std::int64_t first = transposed ? (n - 1) * inner : 0, step = transposed ? -inner : inner,
                     ahead = transposed ? step : 0;
  if (inner != 1) {
    for (std::int64_t o = 0; o < outer; ++o)
      for (std::int64_t line = 0; line < inner; line += most_lines) {
        const std::int64_t at = first + o * n * inner + line;
        recur_across(a + at, b + at, n, step, std::min(most_lines, inner - line), ahead, strong, out + at);
      }
    return;
  }
  std::int64_t row = 0;
  for (; row + few <= outer; row += few)
    recur_rows<T, few>(a + row * n + first, b + row * n + first, n, step, ahead, strong,
                       out + row * n + first);
  for (; row < outer; ++row)
    recur_rows<T, 1>(a + row * n + first, b + row * n + first, n, step, ahead, strong, out + row * n + first);
}

template <class T>
void running_products(const T* x, std::int64_t outer, std::int64_t n, std::int64_t inner, T* out) {
  using Number = std::conditional_t<std::is_floating_point_v<T>, T, std::uint64_t>;
  if (inner != 1) {  // the line before is near the processor
    for (std::int64_t line = 0; line < outer * n; ++line, x += inner, out += inner)
      for (std::int64_t j = 0; j < inner; ++j)
        out[j] = line % n == 0
                     ? x[j]
                     : static_cast<T>(static_cast<Number>(out[j - inner]) * static_cast<Number>(x[j]));
    return;
  }
  std::int64_t row = 0;
  for (; row + few <= outer; row += few)
    sum_rows<Number, T, few, std::multiplies<>>(x + row * n, n, 1, out + row * n);
  for (; row < outer; ++row) sum_rows<Number, T, 1, std::multiplies<>>(x + row * n, n, 1, out + row * n);
}

template <class Running, class T>
void running_sums(const T* x, std::int64_t rows, std::int64_t n, bool from_end, T* out) {
  if (n == 0) return;
  const std::int64_t first = from_end ? n - 1 : 0, step = from_end ? -1 : 1;
  parallel_for(rows, std::max<std::int64_t>(few, parallel_grain / n),
               [=](std::int64_t begin, std::int64_t end) {
                 std::int64_t row = begin;
                 for (; row + few <= end; row += few)
                   sum_rows<Running, T, few>(x + row * n + first, n, step, out + row * n + first);
                 for (; row < end; ++row)
                   sum_rows<Running, T, 1>(x + row * n + first, n, step, out + row * n + first);
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

template void running_products(const float*, std::int64_t, std::int64_t, std::int64_t, float*);
template void running_products(const double*, std::int64_t, std::int64_t, std::int64_t, double*);
template void running_products(const std::int64_t*, std::int64_t, std::int64_t, std::int64_t, std::int64_t*);
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
