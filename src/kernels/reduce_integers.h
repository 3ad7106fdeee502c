// Reductions of whole numbers, and of truth values, which are counted. As no order of these is less exact
// than another, the loops are plain ones, of which the compiler makes packs.

#pragma once

#include <algorithm>
#include <cstring>

#include "kernels/reduce_source.h"

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

/// Columns at once, so that their results stay in the cache.
constexpr std::int64_t widest_integer_rows = 1024;

/// Rows combined with what is in `out`.
template <class Fold>
struct FoldIntegerRows {
  template <int>
  static void run(const std::int64_t* x, std::int64_t n, std::int64_t stride, std::int64_t width,
                  std::int64_t* out) {
    for (std::int64_t i = 0; i < n; ++i, x += stride) add(width, x, out);
  }
  template <int>
  static void run(const bool* x, std::int64_t n, std::int64_t stride, std::int64_t width, std::int64_t* out) {
    constexpr std::int64_t most = 255;
    const auto* rows = reinterpret_cast<const std::uint8_t*>(x);
    for (std::int64_t i = 0; i < n; i += most) {
      std::uint8_t counts[widest_integer_rows] = {};
      for (std::int64_t k = i; k < std::min(n, i + most); ++k, rows += stride) add(width, rows, counts);
      for (std::int64_t j = 0; j < width; ++j) out[j] += counts[j];
    }
  }

 private:
  static void add(std::int64_t width, const std::int64_t* __restrict x, std::int64_t* __restrict out) {
    using N = FoldedInteger<Fold>;
    for (std::int64_t j = 0; j < width; ++j)
      out[j] = static_cast<std::int64_t>(Fold::combine(static_cast<N>(out[j]), static_cast<N>(x[j])));
  }
  /// Truth values as bytes, so often that none of them overflows.
  static void add(std::int64_t width, const std::uint8_t* __restrict x, std::uint8_t* __restrict counts) {
    for (std::int64_t j = 0; j < width; ++j) counts[j] = static_cast<std::uint8_t>(counts[j] + x[j]);
  }
};

template <class T>
using FoldRowsOf = void(const T* x, std::int64_t n, std::int64_t apart, std::int64_t width,
                        std::int64_t* out);
/// Rows, which may be apart, combined with what is in `out` by `fold`, for each outer position.
template <class T>
void fold_integer_rows(const T* x, std::int64_t apart, const Lines& lines, FoldRowsOf<T>* fold,
                       std::int64_t* out) {
  constexpr std::int64_t widest = widest_integer_rows;
  const std::int64_t stretches = (lines.inner + widest - 1) / widest;
  parallel_for(lines.outer * stretches, (parallel_grain + lines.n * widest) / (lines.n * widest + 1),
               [&](std::int64_t begin, std::int64_t end) {
                 for (std::int64_t k = begin; k < end; ++k) {
                   const std::int64_t i = k / stretches, first = k % stretches * widest;
                   fold(x + i * lines.n * apart + first, lines.n, apart,
                        std::min(widest, lines.inner - first), out + i * lines.inner + first);
                 }
               });
}

/// T is int64, or bool for sums. Rows may be apart, where each is more than one element.
template <class Fold, class T>
void fold_integers(const T* x, std::int64_t apart, const Lines& lines, std::int64_t* out) {
  const auto [outer, n, inner] = lines;
  std::fill_n(out, outer * inner, static_cast<std::int64_t>(Fold::template start<FoldedInteger<Fold>>));
  if (outer * inner == 0) return;  // n may be large
  if (inner == 1 && outer == 1 && n >= 2 * parallel_grain) {
    const std::int64_t parts = n / parallel_grain;
    Array partial({parts}, DType::int64);
    auto* const results = partial.mutable_data<std::int64_t>();
    fold_integers<Fold>(x, 1, {parts, parallel_grain, 1}, results);
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
  fold_integer_rows<T>(x, apart, lines,
                       simd::vectorized<FoldIntegerRows<Fold>, const T*, std::int64_t, std::int64_t,
                                        std::int64_t, std::int64_t*>,
                       out);
}

/// The same of lines that consist of runs.
template <class Fold, class T>
void fold_integers_of_runs(const Runs& runs, const Lines& lines, std::int64_t* out) {
  Array partial({runs.count}, DType::int64);
  auto* const results = partial.mutable_data<std::int64_t>();
  std::fill_n(results, runs.count, static_cast<std::int64_t>(Fold::template start<FoldedInteger<Fold>>));
  runs.for_each([&](const std::byte* run, std::int64_t i) {
    simd::vectorized<FoldIntegerLine<Fold>>(reinterpret_cast<const T*>(run), std::int64_t{runs.size},
                                            results + i);
  });
  fold_integers<Fold>(static_cast<const std::int64_t*>(results), 1, {lines.outer, lines.n / runs.size, 1},
                      out);
}

using FoldIntegers = void(const std::int64_t* x, std::int64_t apart, const Lines& lines, std::int64_t* out);
/// Of what is computed: a block at a time, of whole lines or, where these are long, of rows of one matrix.
inline void fold_computed_integers(const Source<std::int64_t>& x, const Lines& lines, FoldIntegers* fold,
                                   std::int64_t* out) {
  const auto [outer, n, inner] = lines;
  constexpr std::int64_t block = 1 << 12;
  const std::int64_t rows = std::clamp<std::int64_t>(block / inner, 1, n), pieces = (n + rows - 1) / rows,
                     together = pieces == 1 ? std::max<std::int64_t>(1, block / (n * inner)) : 1,
                     units = (outer + together - 1) / together * pieces;
  Array partial({pieces == 1 ? 0 : outer * pieces * inner}, DType::int64);
  std::int64_t* const results = pieces == 1 ? out : partial.mutable_data<std::int64_t>();
  parallel_for(units, parallel_grain / std::max(block, inner) + 1, [&](std::int64_t begin, std::int64_t end) {
    Array scratch;
    for (std::int64_t k = begin; k < end; ++k) {  // lines together, or one piece of one of them
      const std::int64_t line = k / pieces * together, first = k % pieces * rows,
                         count = std::min(together, lines.outer - line),
                         some = std::min(lines.n - first, rows), at = (line * lines.n + first) * lines.inner;
      fold(x.part(at, at + count * some * lines.inner, scratch), lines.inner, {count, some, lines.inner},
           results + (pieces == 1 ? line : k) * lines.inner);
    }
  });
  if (pieces != 1) fold(results, inner, {outer, pieces, inner}, out);
}

}  // namespace chainrule::kernels
