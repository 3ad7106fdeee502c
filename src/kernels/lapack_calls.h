// Calls of LAPACK for each of a stack of matrices.
//
// LAPACK's matrices lie column by column, ours row by row: what is one to us is its transpose to LAPACK.
// Where that makes no simple difference, copies are transposed; some copy is needed anyway, as LAPACK
// overwrites.

#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "array/array.h"
#include "chainrule/error.h"
#include "chainrule/simd.h"
#include "kernels/openblas.h"
#include "kernels/parallel.h"
#include "kernels/tiles.h"

namespace chainrule::kernels {

/// Sizes of a stack of matrices.
struct Stack {
  std::int64_t count = 1, rows, columns;
  std::int64_t each() const { return rows * columns; }
  explicit Stack(const Shape& shape) : rows(shape[shape.rank() - 2]), columns(shape.back()) {
    for (std::size_t axis = 0; axis + 2 < shape.rank(); ++axis) count *= shape[axis];
  }
};

/// The batch of a shape with other axes after it.
inline Shape with_axes(const Shape& matrices, std::initializer_list<std::int64_t> last) {
  std::vector<std::int64_t> sizes(matrices.begin(), matrices.end() - 2);
  sizes.insert(sizes.end(), last);
  return Shape(sizes);
}

inline int as_int(std::string_view operation, std::int64_t size) {
  if (size > std::numeric_limits<int>::max())
    throw ShapeError(std::string(operation) + ": a matrix has " + std::to_string(size) +
                     " rows or columns; LAPACK counts them below 2³¹");
  return static_cast<int>(size);
}

/// How many matrices make a further thread worth its start, if each takes about so many operations.
inline std::int64_t matrices_per_thread(std::int64_t flops) {
  constexpr std::int64_t worth_a_thread = 1 << 20;
  return std::max<std::int64_t>(1, worth_a_thread / (flops + 1));
}

/// Calls one(lapack, i), or one(lapack, i, work), for each of `count` matrices, each of which takes about so
/// many operations. `work` is empty at first, and then what the one before has left there: all are of one
/// size.
template <class T, class One>
void for_each_matrix(std::string_view operation, std::int64_t count, std::int64_t flops, const One& one) {
  if (count == 0) return;
  const OpenBlas* blas = OpenBlas::get();
  parallel_for(count, matrices_per_thread(flops), [&](std::int64_t begin, std::int64_t end) {
    const auto part = [&](const Lapack<T>& lapack) {
      std::vector<T> work;
      for (std::int64_t i = begin; i < end; ++i)
        if constexpr (std::is_invocable_v<One, const Lapack<T>&, std::int64_t>)
          one(lapack, i);
        else
          one(lapack, i, work);
    };
    if (blas == nullptr || !blas->with_lapack(FunctionRef<void(const Lapack<T>&)>(part)))
      throw LinAlgError(std::string(operation) +
                        ": needs LAPACK, and libopenblas.so.0 could not be loaded; install it "
                        "(Debian: libopenblas0), and do not limit the address space below 16 GB");
  });
}

inline std::int64_t cube(std::int64_t n) { return n * n * n; }

/// A (rows, columns) as (columns, rows), in blocks that stay in the first-level cache, and squares of packs.
template <class T>
[[gnu::flatten]] void transpose(const T* from, std::int64_t rows, std::int64_t columns, T* to) {
  using P = simd::Pack<T, static_cast<int>(16 / sizeof(T))>;
  constexpr std::int64_t block = 16;
  for (std::int64_t i = 0; i < rows; i += block)
    for (std::int64_t j = 0; j < columns; j += block) {
      const std::int64_t bottom = std::min(rows, i + block), right = std::min(columns, j + block);
      std::int64_t r = i;
      for (; r + P::lanes <= bottom; r += P::lanes) {
        std::int64_t c = j;
        for (; c + P::lanes <= right; c += P::lanes) {
          P square[P::lanes];
          for (int k = 0; k < P::lanes; ++k) square[k] = P::load(from + (r + k) * columns + c);
          transpose_packs(square);
          for (int k = 0; k < P::lanes; ++k) square[k].store(to + (c + k) * rows + r);
        }
        for (; c < right; ++c)
          for (int k = 0; k < P::lanes; ++k) to[c * rows + r + k] = from[(r + k) * columns + c];
      }
      for (; r < bottom; ++r)
        for (std::int64_t c = j; c < right; ++c) to[c * rows + r] = from[r * columns + c];
    }
}

template <class T>
[[gnu::flatten]] bool all_finite(const T* from, std::int64_t count) {
  using P = simd::Pack<T, static_cast<int>(16 / sizeof(T))>;
  P even(T(0)), odd(T(0));  // NaN, once 0 times something that is not finite is added
  std::int64_t i = 0;
  for (; i + 2 * P::lanes <= count; i += 2 * P::lanes) {
    even += P::load(from + i) * P(0);
    odd += P::load(from + i + P::lanes) * P(0);
  }
  return !any((even + odd) != P(0)) &&
         std::all_of(from + i, from + count, [](T x) { return std::isfinite(x); });
}
template <class T>
void fill_nan(T* to, std::int64_t count) {
  std::fill(to, to + count, std::numeric_limits<T>::quiet_NaN());
}

/// LAPACK says how large its workspace should be as a T, which may be rounded down.
template <class T>
std::vector<T> workspace(T wanted) {
  return std::vector<T>(static_cast<std::size_t>(std::nextafter(wanted, std::numeric_limits<T>::infinity())) +
                        1);
}
template <class T>
int length(const std::vector<T>& work) {
  return static_cast<int>(work.size());
}

[[noreturn]] inline void fail_to_converge(std::string_view operation, const Shape& shape) {
  throw LinAlgError(std::string(operation) + ": the iteration did not converge for a matrix of shape " +
                    to_string(shape) + "; scale it, or add a little to its diagonal");
}

}  // namespace chainrule::kernels
