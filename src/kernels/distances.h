// Distances of rows, and what is proportional to their differences, without the differences in memory. Each
// is summed from them, so that close rows keep their digits.

#pragma once

#include <cstdint>

namespace chainrule::kernels {

/// Which distance: the root of the sum of squares of differences, the sum of their sizes, or the largest.
enum class Metric { euclidean, manhattan, chebyshev };

/// out (p, r) becomes the distances of rows of a (p, m) and b (r, m). No square over- or underflows.
template <class T>
void distances(Metric metric, std::int64_t p, std::int64_t r, std::int64_t m, const T* a, const T* b, T* out);

/// Row i of out (n, m) becomes the sum over the rows k of y (count, m) of w (count, n) at (k, i) times x's
/// row i minus y's row k, or, for `manhattan`, times the signs of that.
template <class T>
void weighted_differences(Metric metric, std::int64_t n, std::int64_t count, std::int64_t m, const T* w,
                          const T* x, const T* y, T* out);

/// Row i of out (n, m) becomes the sum over the rows k of y (count, m) of the signs of the largest
/// differences of x's row i and it, which share g: that, and the distance, are at i * row + k * column.
template <class T>
void shares_of_largest(std::int64_t n, std::int64_t count, std::int64_t m, const T* g, const T* distances,
                       std::int64_t row, std::int64_t column, const T* x, const T* y, T* out);

}  // namespace chainrule::kernels
