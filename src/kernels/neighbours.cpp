// One pass, in which the compiler makes vectors of the loop over a line.

#include "kernels/neighbours.h"

#include <algorithm>
#include <type_traits>

#include "kernels/parallel.h"

namespace chainrule::kernels {
namespace {

template <class T>
[[gnu::noinline]] void subtract(const T* __restrict after, const T* __restrict before, std::int64_t first,
                                std::int64_t last, T* __restrict out) {
  for (std::int64_t i = first; i < last; ++i) out[i] = after[i] - before[i];
}

/// Results `begin` to `end` - 1 of lines of so many elements, whose neighbours are `apart`.
template <class T>
[[gnu::noinline]] void subtract_neighbours(const T* x, std::int64_t line, std::int64_t apart, bool transposed,
                                           std::int64_t begin, std::int64_t end, T* out) {
  const std::int64_t result = transposed ? line + apart : line - apart;
  while (begin < end) {
    const std::int64_t first = begin % result, last = std::min(result, first + end - begin);
    const T* const from = x + begin / result * line;
    T* const to = out + begin - first;
    begin += last - first;
    if (!transposed) {
      subtract(from + apart, from, first, last, to);
      continue;
    }
    for (std::int64_t i = first; i < std::min(last, apart); ++i) to[i] = i < line ? 0 - from[i] : 0;
    subtract(from, from + apart, std::max<std::int64_t>(first - apart, 0), std::min(last, line) - apart,
             to + apart);
    for (std::int64_t i = std::max({first, line, apart}); i < last; ++i) to[i] = from[i - apart];
  }
}

}  // namespace

template <class T>
void differences(const T* x, std::int64_t outer, std::int64_t n, std::int64_t inner, bool transposed,
                 T* out) {
  using Number = std::conditional_t<std::is_floating_point_v<T>, T, std::uint64_t>;
  const std::int64_t line = n * inner, result = transposed ? line + inner : line - inner;
  parallel_for(outer * result, parallel_grain, [=](std::int64_t begin, std::int64_t end) {
    subtract_neighbours(reinterpret_cast<const Number*>(x), line, inner, transposed, begin, end,
                        reinterpret_cast<Number*>(out));
  });
}

template void differences(const float*, std::int64_t, std::int64_t, std::int64_t, bool, float*);
template void differences(const double*, std::int64_t, std::int64_t, std::int64_t, bool, double*);
template void differences(const std::int64_t*, std::int64_t, std::int64_t, std::int64_t, bool, std::int64_t*);

}  // namespace chainrule::kernels
