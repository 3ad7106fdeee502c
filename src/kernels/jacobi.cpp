// Rotations of two columns at a time, until what they are to make 0 is: Jacobi's of a symmetric matrix, and
// the one-sided ones of Hestenes (1958) of any. Each lane of a pack is another matrix. A lane that is done
// stays as it is, so a matrix gives the same bits whatever is beside it.

#include "kernels/jacobi.h"

#include <algorithm>
#include <limits>
#include <vector>

#include "chainrule/simd.h"
#include "kernels/direct_loops.h"
#include "kernels/lane_loops.h"
#include "kernels/padded_input.h"

namespace chainrule::kernels {
namespace {

constexpr std::int64_t most_columns = 8, most_rows = 16;
/// Five or six are enough; more are the sign of something that is no number.
constexpr int most_sweeps = 30;

/// A matrix of packs, row by row.
template <class P>
struct Packs {
  using T = typename P::Element;
  T* elements;
  std::int64_t rows, columns;

  P at(std::int64_t i, std::int64_t j) const { return P::load(elements + (i * columns + j) * P::lanes); }
  void set(std::int64_t i, std::int64_t j, const P& to) const {
    to.store(elements + (i * columns + j) * P::lanes);
  }
  /// Columns p and q become two sums of theirs, in the lanes of a mask.
  void mix(std::int64_t p, std::int64_t q, const P& cosine, const P& sine, const auto& in_lanes) const {
    for (std::int64_t i = 0; i < rows; ++i) {
      const P a = at(i, p), b = at(i, q);
      set(i, p, where(in_lanes, cosine * a - sine * b, a));
      set(i, q, where(in_lanes, sine * a + cosine * b, b));
    }
  }
  /// Columns change places.
  void exchange(std::int64_t p, std::int64_t q, const auto& in_lanes) const {
    for (std::int64_t i = 0; i < rows; ++i) {
      const P a = at(i, p), b = at(i, q);
      set(i, p, where(in_lanes, b, a));
      set(i, q, where(in_lanes, a, b));
    }
  }
  /// The largest size of all elements.
  P largest() const {
    P result(0);
    for (std::int64_t i = 0; i < rows * columns; ++i)
      result = larger(abs(P::load(elements + i * P::lanes)), result);
    return result;
  }
};

/// What brings sizes that are far from 1 so near to it that squares are neither infinite nor 0.
template <class P>
P factor_for(const P& size) {
  constexpr bool is_float = sizeof(typename P::Element) == 4;
  constexpr double large = is_float ? 0x1p40 : 0x1p400, shrink = is_float ? 0x1p-80 : 0x1p-700,
                   grow = is_float ? 0x1p100 : 0x1p700;
  using T = typename P::Element;
  return where(size > P(T(large)), P(T(shrink)), where(size < P(T(1 / large)), P(T(grow)), P(T(1))));
}

/// The rotation after which two numbers of this difference are not mixed any more, in the lanes of a mask.
template <class P>
struct Rotation {
  P tangent, cosine, sine;
  Rotation(const P& difference, const P& mixed, const auto& in_lanes) {
    const P ratio = P(0.5F) * difference / where(in_lanes, mixed, P(1)),
            size = P(1) / (abs(ratio) + sqrt(P(1) + ratio * ratio));
    tangent = where(ratio < P(0), -size, size);
    cosine = P(1) / sqrt(P(1) + tangent * tangent);
    sine = tangent * cosine;
  }
};

/// A symmetric matrix, of which the lower half is read, becomes diagonal; the columns of what is below it, up
/// to so many rows, become eigenvectors, and the row after them eigenvalues.
template <class T>
struct EighLoop {
  template <int Bytes>
  static void run(std::int64_t n, std::int64_t rows, T* tile) {
    if constexpr (Bytes > 16) {
      using P = simd::Pack<T, Bytes / static_cast<int>(sizeof(T))>;
      const Packs<P> a{tile, rows, n}, square{tile, n, n}, all{tile, rows + 1, n};
      for (std::int64_t i = 0; i < n; ++i)
        for (std::int64_t j = 0; j < i; ++j) a.set(j, i, a.at(i, j));
      const P size = square.largest(), factor = factor_for(size),
              negligible = size * factor * P(std::numeric_limits<T>::epsilon() / 16);
      for (std::int64_t i = 0; i < rows; ++i)
        for (std::int64_t j = 0; j < n; ++j)
          a.set(i, j, i < n ? a.at(i, j) * factor : P(i - n == j ? T(1) : T(0)));
      bool is_done = false;
      for (int sweep = 0; sweep < most_sweeps && !is_done; ++sweep) {
        is_done = true;
        for (std::int64_t p = 0; p < n; ++p)
          for (std::int64_t q = p + 1; q < n; ++q) is_done = rotate(a, n, p, q, negligible) && is_done;
      }
      for (std::int64_t i = 0; i < n; ++i) all.set(rows, i, a.at(i, i) / factor);
      for (std::int64_t i = 0; i < n; ++i)  // ascending
        for (std::int64_t j = i + 1; j < n; ++j) all.exchange(i, j, all.at(rows, j) < all.at(rows, i));
    }
  }

 private:
  /// Is there nothing to do?
  template <class P>
  static bool rotate(const Packs<P>& a, std::int64_t n, std::int64_t p, std::int64_t q, const P& negligible) {
    const P mixed = a.at(p, q), first = a.at(p, p), second = a.at(q, q);
    const auto counts = abs(mixed) > negligible;
    if (!any(counts)) return true;
    const Rotation<P> rotation(second - first, mixed, counts);
    a.mix(p, q, rotation.cosine, rotation.sine, counts);
    for (std::int64_t i = 0; i < n; ++i) {  // the rows as the columns
      a.set(p, i, a.at(i, p));
      a.set(q, i, a.at(i, q));
    }
    const P moved = rotation.tangent * mixed;
    a.set(p, p, where(counts, first - moved, first));
    a.set(q, q, where(counts, second + moved, second));
    const P rest = where(counts, P(0), mixed);
    a.set(p, q, rest);
    a.set(q, p, rest);
    return false;
  }
};

/// The columns of a matrix become orthogonal, and then those of U, and their lengths S; the rows below it
/// become those of V, and the row after these S. What is wanted as a transpose is turned.
template <class T>
struct SvdLoop {
  template <int Bytes>
  static void run(std::int64_t m, std::int64_t n, std::int64_t rows, bool is_tall, T* tile, T* turned) {
    if constexpr (Bytes > 16) {
      using P = simd::Pack<T, Bytes / static_cast<int>(sizeof(T))>;
      const Packs<P> both{tile, rows, n}, u{tile, m, n}, all{tile, rows + 1, n};
      const P factor = factor_for(u.largest());
      for (std::int64_t i = 0; i < rows; ++i)
        for (std::int64_t j = 0; j < n; ++j)
          both.set(i, j, i < m ? u.at(i, j) * factor : P(i - m == j ? T(1) : T(0)));
      const P negligible(static_cast<T>(m) * std::numeric_limits<T>::epsilon());
      auto is_done = P(0) != P(0);
      for (int sweep = 0; sweep < most_sweeps && any(!is_done); ++sweep) {
        is_done = P(0) == P(0);
        for (std::int64_t p = 0; p < n; ++p)
          for (std::int64_t q = p + 1; q < n; ++q) is_done = is_done & rotate(both, m, p, q, negligible);
      }
      for (std::int64_t j = 0; j < n; ++j) {
        P sum(0);
        for (std::int64_t i = 0; i < m; ++i) sum = sum + u.at(i, j) * u.at(i, j);
        all.set(rows, j, sqrt(sum));
      }
      for (std::int64_t i = 0; i < n; ++i)  // descending
        for (std::int64_t j = i + 1; j < n; ++j) all.exchange(i, j, all.at(rows, j) > all.at(rows, i));
      const P limit = all.at(rows, 0) * P(static_cast<T>(8 * m) * std::numeric_limits<T>::epsilon());
      const auto is_right = is_done & (all.at(rows, n - 1) > limit);
      for (std::int64_t j = 0; j < n; ++j) {
        for (std::int64_t i = 0; i < m; ++i) u.set(i, j, u.at(i, j) / all.at(rows, j));
        all.set(rows, j, where(is_right, all.at(rows, j) / factor, P(0)));
      }
      const Packs<P> from{is_tall ? tile + m * n * P::lanes : tile, is_tall ? rows - m : m, n},
          to{turned, n, from.rows};
      for (std::int64_t i = 0; i < from.rows; ++i)
        for (std::int64_t j = 0; j < n; ++j) to.set(j, i, from.at(i, j));
    }
  }

 private:
  /// In which lanes is there nothing to do?
  template <class P>
  static auto rotate(const Packs<P>& all, std::int64_t m, std::int64_t p, std::int64_t q,
                     const P& negligible) {
    P mixed(0), first(0), second(0);
    for (std::int64_t i = 0; i < m; ++i) {
      const P a = all.at(i, p), b = all.at(i, q);
      mixed = mixed + a * b;
      first = first + a * a;
      second = second + b * b;
    }
    const auto counts = abs(mixed) > negligible * sqrt(first) * sqrt(second);
    if (any(counts)) {
      const Rotation<P> rotation(second - first, mixed, counts);
      all.mix(p, q, rotation.cosine, rotation.sine, counts);
    }
    return !counts;
  }
};

/// Where the elements of a matrix go.
std::vector<std::int32_t> places(std::int64_t rows, std::int64_t columns, bool transposed) {
  std::vector<std::int32_t> result;
  for (std::int64_t i = 0; i < rows; ++i)
    for (std::int64_t j = 0; j < columns; ++j)
      result.push_back(static_cast<std::int32_t>(transposed ? j * rows + i : i * columns + j));
  return result;
}

}  // namespace

bool takes_rotations(std::int64_t rows, std::int64_t columns) {
  return std::max(rows, columns) <= most_rows && std::min(rows, columns) <= most_columns &&
         simd::instruction_set() != simd::InstructionSet::baseline;
}

template <class T>
void rotated_eigh(std::int64_t n, std::int64_t count, const T* a, T* values, T* vectors) {
  const std::int64_t lanes = lanes_of<T>(), size = n * n;
  const std::vector<std::int32_t> at = places(n, n, false);
  const Scratch<T> tile((2 * size + n) * lanes, Scratch<T>::Start::zero);
  const std::int64_t rows = vectors == nullptr ? n : 2 * n;
  for (std::int64_t i = 0; i < count; i += lanes) {
    const std::int64_t some = std::min(lanes, count - i);
    gather_planes({size, some}, a + i * size, at, tile.data());
    simd::vectorized<EighLoop<T>>(n, rows, tile.data());
    scatter_planes({n, some}, tile.data() + rows * n * lanes, lanes, n, values + i * n);
    if (vectors != nullptr)
      scatter_planes({size, some}, tile.data() + size * lanes, lanes, size, vectors + i * size);
  }
}

template <class T>
void rotated_svd(std::int64_t m, std::int64_t n, std::int64_t count, const T* a, T* u, T* s, T* vt) {
  const bool is_tall = m >= n;  // else it is the transpose whose columns are rotated
  const std::int64_t lanes = lanes_of<T>(), rows = std::max(m, n), columns = std::min(m, n), size = m * n,
                     square = columns * columns;
  const std::vector<std::int32_t> at = places(m, n, !is_tall);
  const Scratch<T> tile((2 * size + square + columns) * lanes, Scratch<T>::Start::zero);
  const std::int64_t all_rows = u == nullptr ? rows : rows + columns;
  T *const below = tile.data() + size * lanes, *const lengths = tile.data() + all_rows * columns * lanes,
           *const turned = below + (square + columns) * lanes;
  for (std::int64_t i = 0; i < count; i += lanes) {
    const std::int64_t some = std::min(lanes, count - i);
    gather_planes({size, some}, a + i * size, at, tile.data());
    simd::vectorized<SvdLoop<T>>(rows, columns, all_rows, is_tall, tile.data(), turned);
    scatter_planes({columns, some}, lengths, lanes, columns, s + i * columns);
    if (u == nullptr) continue;
    const std::int64_t of_u = m * columns, of_vt = columns * n;
    scatter_planes({of_u, some}, is_tall ? tile.data() : below, lanes, of_u, u + i * of_u);
    scatter_planes({of_vt, some}, turned, lanes, of_vt, vt + i * of_vt);
  }
}

template void rotated_eigh(std::int64_t, std::int64_t, const float*, float*, float*);
template void rotated_eigh(std::int64_t, std::int64_t, const double*, double*, double*);
template void rotated_svd(std::int64_t, std::int64_t, std::int64_t, const float*, float*, float*, float*);
template void rotated_svd(std::int64_t, std::int64_t, std::int64_t, const double*, double*, double*, double*);

}  // namespace chainrule::kernels
