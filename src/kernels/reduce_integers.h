// Reductions of whole numbers, and of truth values, which are counted. As no order of these is less exact
// than another, the loops are plain ones, of which the compiler makes packs.

#pragma once

#include <algorithm>
#include <cstring>

#include "kernels/lines.h"

namespace chainrule::kernels {

template <class Fold>
constexpr bool compares = requires {
  Fold::compares;
};
/// Whole numbers wrap around, as unsigned ones do in C++; those that are compared have their sign.
template <class Fold>
using FoldedInteger = std::conditional_t<compares<Fold>, std::int64_t, std::uint64_t>;

/// One line combined with what is in `out`.
template <class Fold>
struct FoldIntegerLine {
  template <int>
  static void run(const std::int64_t* __restrict x, std::int64_t n, std::int64_t* __restrict out) {
    using N = FoldedInteger<Fold>;
    N result = static_cast<N>(*out);
    for (std::int64_t i = 0; i < n; ++i) result = Fold::combine(result, static_cast<N>(x[i]));
    *out = static_cast<std::int64_t>(result);
  }
  /// Eight truth values are added at once, as bytes, so often that none of them overflows.
  template <int>
  static void run(const bool* __restrict x, std::int64_t n, std::int64_t* __restrict out) {
    constexpr std::int64_t most = 255;
    constexpr std::uint64_t every_second = 0x00ff00ff00ff00ff;
    std::int64_t count = 0, i = 0;
    while (i + 8 <= n) {
      const std::int64_t words = std::min((n - i) / 8, most);
      std::uint64_t bytes = 0;
      for (std::int64_t k = 0; k < words; ++k) {
        std::uint64_t word;
        std::memcpy(&word, x + i + 8 * k, sizeof word);
        bytes += word;
      }
      const std::uint64_t pairs = (bytes & every_second) + (bytes >> 8 & every_second);
      count += static_cast<std::int64_t>(pairs * 0x0001000100010001 >> 48);
      i += 8 * words;
    }
    for (; i < n; ++i) count += static_cast<std::int64_t>(x[i]);
    *out += count;
  }
};

/// Rows combined with what is in `out`.
template <class Fold>
struct FoldIntegerRows {
  template <int, class T>
  static void run(const T* x, std::int64_t n, std::int64_t stride, std::int64_t width, std::int64_t* out) {
    for (std::int64_t i = 0; i < n; ++i, x += stride) add(width, x, out);
  }

 private:
  template <class T>
  static void add(std::int64_t width, const T* __restrict x, std::int64_t* __restrict out) {
    using N = FoldedInteger<Fold>;
    for (std::int64_t j = 0; j < width; ++j)
      out[j] = static_cast<std::int64_t>(Fold::combine(static_cast<N>(out[j]), static_cast<N>(x[j])));
  }
};

/// T is int64, or bool for sums.
template <class Fold, class T>
void fold_integers(const T* x, const Lines& lines, std::int64_t* out) {
  const auto [outer, n, inner] = lines;
  std::fill_n(out, outer * inner, static_cast<std::int64_t>(Fold::template start<FoldedInteger<Fold>>));
  if (outer * inner == 0) return;  // n may be large
  if (inner == 1 && outer == 1 && n >= 2 * parallel_grain) {
    const std::int64_t parts = n / parallel_grain;
    Array partial({parts}, DType::int64);
    auto* const results = partial.mutable_data<std::int64_t>();
    fold_integers<Fold>(x, {parts, parallel_grain, 1}, results);
    *out = results[0];
    simd::vectorized<FoldIntegerLine<Fold>>(static_cast<const std::int64_t*>(results) + 1, parts - 1, out);
    return simd::vectorized<FoldIntegerLine<Fold>>(x + parts * parallel_grain, n - parts * parallel_grain,
                                                   out);
  }
  if (inner == 1)
    return parallel_for(outer, (parallel_grain + n) / (n + 1), [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i)
        simd::vectorized<FoldIntegerLine<Fold>>(x + i * lines.n, lines.n, out + i);
    });
  constexpr std::int64_t widest = 1024;  // columns at once, so that their results stay in the cache
  const std::int64_t stretches = (inner + widest - 1) / widest;
  parallel_for(outer * stretches, (parallel_grain + n * widest) / (n * widest + 1),
               [&](std::int64_t begin, std::int64_t end) {
                 for (std::int64_t k = begin; k < end; ++k) {
                   const std::int64_t i = k / stretches, first = k % stretches * widest;
                   simd::vectorized<FoldIntegerRows<Fold>>(x + i * lines.n * lines.inner + first, lines.n,
                                                           lines.inner, std::min(widest, lines.inner - first),
                                                           out + i * lines.inner + first);
                 }
               });
}

}  // namespace chainrule::kernels
