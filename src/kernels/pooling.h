// What pooling and resizing do to the planes of an array (planes, up to three spatial axes). Places of maxima
// are kept as positions within a plane, by which the derivative goes back.

#pragma once

#include <array>
#include <cstdint>
#include <vector>

namespace chainrule::kernels {

/// Where one window is along one axis: `count` elements, from `begin` on, with a step.
struct PoolWindow {
  std::int64_t begin, count, step = 1;
};

/// A plane whose windows are its squares of 2x2: how high and wide it is, and how many there are behind one
/// another. Not such a plane if there is none.
struct SquarePlane {
  std::int64_t depth = 0, high = 0, wide = 0;
};

/// The windows along each of three axes; what is not there has size 1 and one window.
struct PoolWindows {
  std::array<std::int64_t, 3> in = {1, 1, 1};
  std::array<std::vector<PoolWindow>, 3> axes = {{{{0, 1}}, {{0, 1}}, {{0, 1}}}};

  std::int64_t in_size() const { return in[0] * in[1] * in[2]; }
  std::int64_t out_size() const {
    return static_cast<std::int64_t>(axes[0].size() * axes[1].size() * axes[2].size());
  }
  SquarePlane squares() const;
};

/// The largest element of each window and its place in the plane, if `places` is not null: of equal ones the
/// first, of NaNs the last; -inf and -1 of no element.
template <class T>
void max_pool(const PoolWindows& windows, std::int64_t planes, const T* x, T* values, std::int64_t* places);

/// values[i] = x[places[i]] in each plane, 0 for a negative place,
template <class T>
void take_places(std::int64_t planes, std::int64_t in, std::int64_t out, const std::int64_t* places,
                 const T* x, T* values);
/// and the reverse: adds the values to zeros, one after another. Of squares, of which each has one place in
/// it, all elements are written in the order of memory.
template <class T>
void add_at_places(std::int64_t planes, std::int64_t in, std::int64_t out, const SquarePlane& squares,
                   const std::int64_t* places, const T* values, T* x);

/// A matrix with few elements: those of row i are from rows[i] to rows[i + 1] - 1.
struct SparseMatrix {
  std::vector<std::int64_t> rows = {0}, columns = {};
  std::vector<double> weights = {};
  std::int64_t column_count = 0;

  std::int64_t row_count() const { return static_cast<std::int64_t>(rows.size()) - 1; }
  void add(std::int64_t column, double weight) {
    columns.push_back(column);
    weights.push_back(weight);
  }
  void end_row() { rows.push_back(static_cast<std::int64_t>(columns.size())); }
  SparseMatrix transposed() const;
};

/// x (outer, columns, inner) multiplied by the matrix along its middle axis: (outer, rows, inner).
template <class T>
void sums_along(const SparseMatrix& matrix, std::int64_t outer, std::int64_t inner, const T* x, T* y);

}  // namespace chainrule::kernels
