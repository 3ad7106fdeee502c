// Decompositions of stacks of matrices by LAPACK, which is in OpenBLAS.

#include "kernels/lapack.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <string>

#include "chainrule/error.h"
#include "kernels/openblas.h"
#include "kernels/parallel.h"
#include "kernels/tiles.h"

// LAPACK's matrices lie column by column, ours row by row: what is one to us is its transpose to LAPACK.
// Where that makes no simple difference, copies are transposed; some copy is needed anyway, as LAPACK
// overwrites.
namespace chainrule::kernels {
namespace {

/// Sizes of a stack of matrices.
struct Stack {
  std::int64_t count = 1, rows, columns;
  std::int64_t each() const { return rows * columns; }
  explicit Stack(const Shape& shape) : rows(shape[shape.rank() - 2]), columns(shape.back()) {
    for (std::size_t axis = 0; axis + 2 < shape.rank(); ++axis) count *= shape[axis];
  }
};

/// The batch of a shape with other axes after it.
Shape with_axes(const Shape& matrices, std::initializer_list<std::int64_t> last) {
  std::vector<std::int64_t> sizes(matrices.begin(), matrices.end() - 2);
  sizes.insert(sizes.end(), last);
  return Shape(sizes);
}

int as_int(std::string_view operation, std::int64_t size) {
  if (size > std::numeric_limits<int>::max())
    throw ShapeError(std::string(operation) + ": a matrix has " + std::to_string(size) +
                     " rows or columns; LAPACK counts them below 2³¹");
  return static_cast<int>(size);
}

/// Calls one(lapack, i) for each of `count` matrices, each of which takes about so many operations.
template <class T, class One>
void for_each_matrix(std::string_view operation, std::int64_t count, std::int64_t flops, const One& one) {
  if (count == 0) return;
  constexpr std::int64_t worth_a_thread = 1 << 20;
  const OpenBlas* blas = OpenBlas::get();
  parallel_for(
      count, std::max<std::int64_t>(1, worth_a_thread / (flops + 1)),
      [&](std::int64_t begin, std::int64_t end) {
        const auto part = [&](const Lapack<T>& lapack) {
          for (std::int64_t i = begin; i < end; ++i) one(lapack, i);
        };
        if (blas == nullptr || !blas->with_lapack(FunctionRef<void(const Lapack<T>&)>(part)))
          throw LinAlgError(std::string(operation) +
                            ": needs LAPACK, and libopenblas.so.0 could not be loaded; install it "
                            "(Debian: libopenblas0), and do not limit the address space below 16 GB");
      });
}

std::int64_t cube(std::int64_t n) { return n * n * n; }

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

/// Whether a square matrix is the unit matrix: a 1 and as many zeros as it has rows, again and again.
template <class T>
bool is_unit(const T* from, std::int64_t n) {
  const auto same = static_cast<std::size_t>(n * n - n - 1) * sizeof(T);
  return *from == 1 && (n == 1 || (std::all_of(from + 1, from + 1 + n, [](T x) { return x == 0; }) &&
                                   std::memcmp(from, from + n + 1, same) == 0));
}

/// A⁻¹ from P A = L U, where `to` is the unit matrix: U⁻¹ L⁻¹, a few columns at a time, as those of L⁻¹ begin
/// with zeros; then columns change places, which lie side by side.
template <class T>
void invert(const Lapack<T>& lapack, int n, const T* factors, const int* pivots, T* to) {
  constexpr int few = 48;
  const T one = 1;
  const auto row = static_cast<std::ptrdiff_t>(n);
  for (int first = 0; first < n; first += few) {
    const int left = n - first, columns = std::min(few, left);
    lapack.trsm("L", "L", "N", "U", &left, &columns, &one, factors + first * (row + 1), &n,
                to + first * (row + 1), &n, 1, 1, 1, 1);
  }
  lapack.trsm("L", "U", "N", "N", &n, &n, &one, factors, &n, to, &n, 1, 1, 1, 1);
  for (int j = n; j-- > 0;)
    if (const int other = pivots[j] - 1; other != j)
      std::swap_ranges(to + j * row, to + (j + 1) * row, to + other * row);
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

[[noreturn]] void fail_to_converge(std::string_view operation, const Shape& shape) {
  throw LinAlgError(std::string(operation) + ": the iteration did not converge for a matrix of shape " +
                    to_string(shape) + "; scale it, or add a little to its diagonal");
}

}  // namespace

Lu lu(std::string_view operation, const Array& a) {
  const Stack stack(a.shape());
  const std::int64_t n = stack.rows;
  const auto count = static_cast<std::size_t>(stack.count);
  Lu result{a.shape(), Array(a.shape(), a.dtype()), std::vector<int>(count * static_cast<std::size_t>(n)),
            std::vector<int>(count)};
  if (a.size() == 0) return result;
  const int size = as_int(operation, n);
  dispatch_floating(a.dtype(), [&]<class T>() {
    const T* from = a.data<T>();
    T* to = result.factors.template mutable_data<T>();
    for_each_matrix<T>(operation, stack.count, cube(n), [&](const Lapack<T>& lapack, std::int64_t i) {
      int* const pivots = &result.pivots[static_cast<std::size_t>(i * n)];
      if (!all_finite(from + i * n * n, n * n)) {  // of which LAPACK might make no permutation
        fill_nan(to + i * n * n, n * n);
        for (int j = 0; j < size; ++j) pivots[j] = j + 1;
        return;
      }
      transpose(from + i * n * n, n, n, to + i * n * n);
      lapack.getrf(&size, &size, to + i * n * n, &size, pivots,
                   &result.singular[static_cast<std::size_t>(i)]);
    });
  });
  return result;
}

Array solve(std::string_view operation, const Lu& lu, bool transposed, const Array& b) {
  const Stack stack(b.shape());
  const std::int64_t n = stack.rows, k = stack.columns;
  Array result(b.shape(), b.dtype());
  if (result.size() == 0) return result;
  const int size = as_int(operation, n), sides = as_int(operation, k);
  const bool same = lu.shape.rank() == 2;
  dispatch_floating(b.dtype(), [&]<class T>() {
    const T *from = b.data<T>(), *factors = lu.factors.template data<T>();
    T* to = result.template mutable_data<T>();
    for_each_matrix<T>(operation, stack.count, n * n * k, [&](const Lapack<T>& lapack, std::int64_t i) {
      const std::int64_t which = same ? 0 : i;
      const auto solve_columns = [&](bool of_transposed, T* columns) {
        int info = 0;
        lapack.getrs(of_transposed ? "T" : "N", &size, &sides, factors + which * n * n, &size,
                     &lu.pivots[static_cast<std::size_t>(which * n)], columns, &size, &info, 1);
      };
      if (k == n && is_unit(from + i * n * n, n)) {
        // An inverse: that of the other transpose, column by column, is this one's row by row.
        std::copy_n(from + i * n * n, n * n, to + i * n * n);
        if (transposed)
          return invert(lapack, size, factors + which * n * n,
                        &lu.pivots[static_cast<std::size_t>(which * n)], to + i * n * n);
        return solve_columns(true, to + i * n * n);
      }
      std::vector<T> columns(static_cast<std::size_t>(n * k));
      transpose(from + i * n * k, n, k, columns.data());
      solve_columns(transposed, columns.data());
      transpose(columns.data(), k, n, to + i * n * k);
    });
  });
  return result;
}

std::array<Array, 3> determinants(const Lu& lu) {
  const Stack stack(lu.shape);
  const std::int64_t n = stack.rows;
  const Shape shape = with_axes(lu.shape, {});
  const DType dtype = lu.factors.dtype();
  std::array<Array, 3> results = {Array(shape, dtype), Array(shape, dtype), Array(shape, dtype)};
  dispatch_floating(dtype, [&]<class T>() {
    const T* factors = lu.factors.template data<T>();
    T *signs = results[0].mutable_data<T>(), *logarithms = results[1].mutable_data<T>(),
      *products = results[2].mutable_data<T>();
    for (std::int64_t i = 0; i < stack.count; ++i) {
      T sign = 1, logarithm = 0, product = 1;
      for (std::int64_t j = 0; j < n; ++j) {
        const T pivot = factors[i * n * n + j * (n + 1)];
        if (lu.pivots[static_cast<std::size_t>(i * n + j)] != j + 1) sign = -sign, product = -product;
        product *= pivot;
        logarithm += std::log(std::abs(pivot));
        sign = pivot > 0 ? sign : pivot < 0 ? -sign : pivot == 0 ? T(0) : pivot;
      }
      const bool singular = lu.singular[static_cast<std::size_t>(i)] != 0 && !std::isnan(logarithm);
      signs[i] = sign;
      logarithms[i] = singular ? -std::numeric_limits<T>::infinity() : logarithm;
      products[i] = product;
    }
  });
  return results;
}

std::vector<bool> nearly_singular(const Lu& lu, bool half) {
  const Stack stack(lu.shape);
  const std::int64_t n = stack.rows;
  std::vector<bool> result(static_cast<std::size_t>(stack.count), false);
  dispatch_floating(lu.factors.dtype(), [&]<class T>() {
    const T* factors = lu.factors.template data<T>();
    const T epsilon = std::numeric_limits<T>::epsilon();
    const T least = half ? std::sqrt(epsilon) : static_cast<T>(n) * epsilon;
    for (std::int64_t i = 0; i < stack.count; ++i) {
      T smallest = std::numeric_limits<T>::infinity(), largest = 0;
      for (std::int64_t j = 0; j < n; ++j) {
        const T pivot = std::abs(factors[i * n * n + j * (n + 1)]);
        smallest = std::min(smallest, pivot);
        largest = std::max(largest, pivot);
      }
      result[static_cast<std::size_t>(i)] = n != 0 && smallest <= least * largest;
    }
  });
  return result;
}

Array solve_triangular(std::string_view operation, const Array& a, const Array& b, bool upper,
                       bool transposed, bool unit_diagonal) {
  const Stack stack(b.shape());
  const std::int64_t n = stack.rows, k = stack.columns;
  Array result(b.shape(), b.dtype());
  if (result.size() == 0) return result;
  const int size = as_int(operation, n), sides = as_int(operation, k);
  const bool same = a.shape().rank() == 2;
  dispatch_floating(b.dtype(), [&]<class T>() {
    const T *from = b.data<T>(), *matrices = a.data<T>();
    T* to = result.template mutable_data<T>();
    for_each_matrix<T>(operation, stack.count, n * n * k, [&](const Lapack<T>& lapack, std::int64_t i) {
      std::copy_n(from + i * n * k, n * k, to + i * n * k);
      const T one = 1;  // in LAPACK's eyes it is Xᵀ op(A)ᵀ = Bᵀ
      lapack.trsm("R", upper ? "L" : "U", transposed ? "T" : "N", unit_diagonal ? "U" : "N", &sides, &size,
                  &one, matrices + (same ? 0 : i * n * n), &size, to + i * n * k, &sides, 1, 1, 1, 1);
    });
  });
  return result;
}

Array cholesky(std::string_view operation, const Array& a, std::vector<int>& failed) {
  const Stack stack(a.shape());
  const std::int64_t n = stack.rows;
  failed.assign(static_cast<std::size_t>(stack.count), 0);
  Array result(a.shape(), a.dtype());
  if (a.size() == 0) return result;
  const int size = as_int(operation, n);
  dispatch_floating(a.dtype(), [&]<class T>() {
    const T* from = a.data<T>();
    T* to = result.template mutable_data<T>();
    for_each_matrix<T>(operation, stack.count, cube(n), [&](const Lapack<T>& lapack, std::int64_t i) {
      T* const l = to + i * n * n;
      bool finite = true;
      for (std::int64_t row = 0; row < n; ++row) {
        std::copy_n(from + (i * n + row) * n, row + 1, l + row * n);
        std::fill(l + row * n + row + 1, l + row * n + n, T(0));
        finite = finite && all_finite(l + row * n, row + 1);
      }
      if (finite)  // our lower half is LAPACK's upper one
        return lapack.potrf("U", &size, l, &size, &failed[static_cast<std::size_t>(i)], 1);
      for (std::int64_t row = 0; row < n; ++row) fill_nan(l + row * n, row + 1);
    });
  });
  return result;
}

std::array<Array, 2> qr(std::string_view operation, const Array& a) {
  const Stack stack(a.shape());
  const std::int64_t m = stack.rows, n = stack.columns;
  std::array<Array, 2> result = {Array(a.shape(), a.dtype()), Array(with_axes(a.shape(), {n, n}), a.dtype())};
  if (a.size() == 0) return result;
  const int rows = as_int(operation, m), columns = as_int(operation, n);
  dispatch_floating(a.dtype(), [&]<class T>() {
    const T* from = a.data<T>();
    T *q = result[0].mutable_data<T>(), *r = result[1].mutable_data<T>();
    for_each_matrix<T>(operation, stack.count, m * n * n, [&](const Lapack<T>& lapack, std::int64_t i) {
      if (!all_finite(from + i * m * n, m * n)) {
        fill_nan(q + i * m * n, m * n);
        for (std::int64_t row = 0; row < n; ++row) {
          std::fill_n(r + (i * n + row) * n, row, T(0));
          fill_nan(r + (i * n + row) * n + row, n - row);
        }
        return;
      }
      std::vector<T> factors(static_cast<std::size_t>(m * n)), tau(static_cast<std::size_t>(n));
      transpose(from + i * m * n, m, n, factors.data());
      const int ask = -1;
      int info = 0;
      T wanted = 0, also = 0;
      lapack.geqrf(&rows, &columns, factors.data(), &rows, tau.data(), &wanted, &ask, &info);
      lapack.orgqr(&rows, &columns, &columns, factors.data(), &rows, tau.data(), &also, &ask, &info);
      std::vector<T> work = workspace(std::max(wanted, also));
      const int size = length(work);
      lapack.geqrf(&rows, &columns, factors.data(), &rows, tau.data(), work.data(), &size, &info);
      for (std::int64_t row = 0; row < n; ++row)
        for (std::int64_t column = 0; column < n; ++column)
          r[(i * n + row) * n + column] =
              row <= column ? factors[static_cast<std::size_t>(column * m + row)] : T(0);
      lapack.orgqr(&rows, &columns, &columns, factors.data(), &rows, tau.data(), work.data(), &size, &info);
      transpose(factors.data(), n, m, q + i * m * n);
    });
  });
  return result;
}

std::array<Array, 2> eigh(std::string_view operation, const Array& a, bool vectors) {
  const Stack stack(a.shape());
  const std::int64_t n = stack.rows;
  std::array<Array, 2> result = {Array(with_axes(a.shape(), {n}), a.dtype()), Array()};
  if (vectors) result[1] = Array(a.shape(), a.dtype());
  if (a.size() == 0) return result;
  const int size = as_int(operation, n);
  dispatch_floating(a.dtype(), [&]<class T>() {
    const T* from = a.data<T>();
    T *values = result[0].mutable_data<T>(), *v = vectors ? result[1].mutable_data<T>() : nullptr;
    for_each_matrix<T>(operation, stack.count, 9 * cube(n), [&](const Lapack<T>& lapack, std::int64_t i) {
      std::vector<T> matrix(from + i * n * n, from + (i + 1) * n * n);
      bool finite = true;
      for (std::int64_t row = 0; row < n; ++row)
        finite = finite && all_finite(&matrix[static_cast<std::size_t>(row * n)], row + 1);
      if (!finite) {
        fill_nan(values + i * n, n);
        if (vectors) fill_nan(v + i * n * n, n * n);
        return;
      }
      const char* const job = vectors ? "V" : "N";
      const int ask = -1;
      int info = 0, wanted_integers = 0;
      T wanted = 0;
      const auto run = [&](T* work, const int* size_of_work, int* integers, const int* size_of_integers) {
        lapack.syevd(job, "U", &size, matrix.data(), &size, values + i * n, work, size_of_work, integers,
                     size_of_integers, &info, 1, 1);
      };
      run(&wanted, &ask, &wanted_integers, &ask);
      std::vector<T> work = workspace(wanted);
      std::vector<int> integers(static_cast<std::size_t>(std::max(1, wanted_integers)));
      const int work_size = length(work), integers_size = length(integers);
      run(work.data(), &work_size, integers.data(), &integers_size);
      if (info != 0) fail_to_converge(operation, a.shape());
      if (vectors) transpose(matrix.data(), n, n, v + i * n * n);
    });
  });
  return result;
}

std::array<Array, 3> svd(std::string_view operation, const Array& a, bool vectors) {
  const Stack stack(a.shape());
  const std::int64_t m = stack.rows, n = stack.columns, k = std::min(m, n);
  std::array<Array, 3> result = {Array(), Array(with_axes(a.shape(), {k}), a.dtype()), Array()};
  if (vectors) {
    result[0] = Array(with_axes(a.shape(), {m, k}), a.dtype());
    result[2] = Array(with_axes(a.shape(), {k, n}), a.dtype());
  }
  if (a.size() == 0) return result;
  const int rows = as_int(operation, m), columns = as_int(operation, n), least = std::min(rows, columns);
  dispatch_floating(a.dtype(), [&]<class T>() {
    const T* from = a.data<T>();
    T *u = vectors ? result[0].mutable_data<T>() : nullptr, *s = result[1].mutable_data<T>(),
      *vt = vectors ? result[2].mutable_data<T>() : nullptr;
    for_each_matrix<T>(operation, stack.count, 20 * m * n * k, [&](const Lapack<T>& lapack, std::int64_t i) {
      T *const own_u = vectors ? u + i * m * k : nullptr, *const own_vt = vectors ? vt + i * k * n : nullptr;
      if (!all_finite(from + i * m * n, m * n)) {
        fill_nan(s + i * k, k);
        if (vectors) {
          fill_nan(own_u, m * k);
          fill_nan(own_vt, k * n);
        }
        return;
      }
      std::vector<T> matrix(from + i * m * n, from + (i + 1) * m * n);
      std::vector<int> integers(static_cast<std::size_t>(8 * k));
      const int ask = -1;
      int info = 0;
      T wanted = 0;
      // LAPACK sees Aᵀ = V S Uᵀ, and V by columns is Vᵀ by rows.
      const auto run = [&](T* work, const int* size) {
        lapack.gesdd(vectors ? "S" : "N", &columns, &rows, matrix.data(), &columns, s + i * k, own_vt,
                     &columns, own_u, &least, work, size, integers.data(), &info, 1);
      };
      run(&wanted, &ask);
      std::vector<T> work = workspace(wanted);
      const int size = length(work);
      run(work.data(), &size);
      if (info != 0) fail_to_converge(operation, a.shape());
    });
  });
  return result;
}

}  // namespace chainrule::kernels
