// Rows of a matrix, weighted and added up at points that say which they read; and its two adjoints.
// Relies on places below the number of rows.

#pragma once

#include <cstdint>

namespace chainrule::kernels {

/// Each of `points` points reads `each` rows, or none where a place is negative; rows have `width` elements.
struct WeightedRows {
  const std::int64_t* places;
  std::int64_t points, each, width;
};

/// Row p of `sums`: Σₖ weights[p, k] rows[places[p, k]].
template <class T>
void sum_rows(const WeightedRows& of, const T* rows, const T* weights, T* sums);
/// Adds weights[p, k] values[p] to row places[p, k] of `rows`.
template <class T>
void add_to_rows(const WeightedRows& of, const T* values, const T* weights, T* rows);
/// Adds Σ rows[places[p, k]] values[p] to products[p, k] where a row is read.
template <class T>
void dot_rows(const WeightedRows& of, const T* rows, const T* values, T* products);

}  // namespace chainrule::kernels
