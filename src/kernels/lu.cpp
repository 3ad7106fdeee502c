// What is made of P A = L U, by LAPACK: solutions, inverses and determinants; and solutions with triangles.
// Relies on lapack_calls.h for what LAPACK is called with, matrix by matrix of a batch.

#include <cstring>
#include <numeric>
#include <type_traits>

#include "kernels/lapack.h"
#include "kernels/lapack_calls.h"

namespace chainrule::kernels {
namespace {

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

/// Matrices of up to so many columns are factorized and solved here: a call of LAPACK takes longer than that.
constexpr int small = 8;

/// As LAPACK's getrf, column by column.
template <class T>
int factorize(int m, int n, T* a, int* pivots) {
  const auto row = static_cast<std::ptrdiff_t>(m);
  int singular = 0;
  for (int k = 0; k < n; ++k) {
    T* const column = a + k * row;
    int at = k;
    for (int i = k + 1; i < m; ++i)
      if (std::abs(column[i]) > std::abs(column[at])) at = i;
    pivots[k] = at + 1;
    if (column[at] == 0) {
      if (singular == 0) singular = k + 1;
      continue;
    }
    if (at != k)
      for (int j = 0; j < n; ++j) std::swap(a[j * row + k], a[j * row + at]);
    for (int i = k + 1; i < m; ++i) column[i] /= column[k];
    for (int j = k + 1; j < n; ++j)
      for (int i = k + 1; i < m; ++i) a[j * row + i] -= column[i] * a[j * row + k];
  }
  return singular;
}

/// B (n, k), row by row, becomes op(A)⁻¹ B.
template <class T>
void solve_in_place(bool transposed, int n, auto k, const T* factors, const int* pivots, T* b) {
  const auto subtract = [&](int from, T times, int to) {
    const T* const one = b + from * k;
    T* const other = b + to * k;
    for (std::int64_t i = 0; i < k; ++i) other[i] -= times * one[i];
  };
  const auto divide = [&](int row) {
    const T pivot = factors[row * n + row];
    for (std::int64_t i = 0; i < k; ++i) b[row * k + i] /= pivot;
  };
  const auto exchange = [&](int row) {
    if (const int other = pivots[row] - 1; other != row)
      std::swap_ranges(b + row * k, b + (row + 1) * k, b + other * k);
  };
  if (transposed) {
    for (int i = 0; i < n; ++i) {
      for (int j = 0; j < i; ++j) subtract(j, factors[i * n + j], i);
      divide(i);
    }
    for (int i = n; i-- > 0;)
      for (int j = i + 1; j < n; ++j) subtract(j, factors[i * n + j], i);
    for (int i = n; i-- > 0;) exchange(i);
  } else {
    for (int i = 0; i < n; ++i) exchange(i);
    for (int j = 0; j < n; ++j)
      for (int i = j + 1; i < n; ++i) subtract(j, factors[j * n + i], i);
    for (int j = n; j-- > 0;) {
      divide(j);
      for (int i = 0; i < j; ++i) subtract(j, factors[j * n + i], i);
    }
  }
}

/// Calls one(lapack, i) for each matrix, where small ones need no LAPACK.
template <class T, class One>
void for_each_by_columns(std::string_view operation, std::int64_t n, std::int64_t count, std::int64_t flops,
                         const One& one) {
  if (n > small)
    return for_each_matrix<T>(operation, count, flops,
                              [&](const Lapack<T>& lapack, std::int64_t i) { one(&lapack, i); });
  parallel_for(count, matrices_per_thread(flops), [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) one(static_cast<const Lapack<T>*>(nullptr), i);
  });
}

}  // namespace

Lu lu(std::string_view operation, const Array& a) {
  const Stack stack(a.shape());
  const std::int64_t m = stack.rows, n = stack.columns;
  const auto count = static_cast<std::size_t>(stack.count);
  Lu result{a.shape(), Array(a.shape(), a.dtype()), std::vector<int>(count * static_cast<std::size_t>(n)),
            std::vector<int>(count)};
  if (a.size() == 0) return result;
  const int rows = as_int(operation, m), columns = as_int(operation, n);
  dispatch_floating(a.dtype(), [&]<class T>() {
    const T* from = a.data<T>();
    T* to = result.factors.template mutable_data<T>();
    for_each_by_columns<T>(
        operation, n, stack.count, m * n * n, [&](const Lapack<T>* lapack, std::int64_t i) {
          int* const pivots = &result.pivots[static_cast<std::size_t>(i * n)];
          T* const factors = to + i * m * n;
          if (!all_finite(from + i * m * n, m * n)) {  // of which LAPACK might make no permutation
            fill_nan(factors, m * n);
            for (int j = 0; j < columns; ++j) pivots[j] = j + 1;
            return;
          }
          transpose(from + i * m * n, m, n, factors);
          int& singular = result.singular[static_cast<std::size_t>(i)];
          if (lapack == nullptr)
            singular = factorize(rows, columns, factors, pivots);
          else
            lapack->getrf(&rows, &columns, factors, &rows, pivots, &singular);
        });
  });
  return result;
}

std::array<Array, 3> unpacked(const Lu& lu) {
  const Stack stack(lu.shape);
  const std::int64_t m = stack.rows, n = stack.columns;
  const DType dtype = lu.factors.dtype();
  std::array<Array, 3> results = {Array(with_axes(lu.shape, {m, m}), dtype), Array(lu.shape, dtype),
                                  Array(with_axes(lu.shape, {n, n}), dtype)};
  dispatch_floating(dtype, [&]<class T>() {
    T *p = results[0].mutable_data<T>(), *l = results[1].mutable_data<T>(), *u = results[2].mutable_data<T>();
    const T* factors = lu.factors.template data<T>();
    const int* pivots = lu.pivots.data();
    std::fill_n(p, results[0].size(), T(0));
    std::vector<std::int64_t> from(static_cast<std::size_t>(m));
    for (std::int64_t i = 0; i < stack.count; ++i, p += m * m, l += m * n, u += n * n) {
      std::iota(from.begin(), from.end(), std::int64_t{0});
      for (std::int64_t k = 0; k < n; ++k)
        std::swap(from[static_cast<std::size_t>(k)], from[static_cast<std::size_t>(*pivots++ - 1)]);
      for (std::int64_t row = 0; row < m; ++row) p[from[static_cast<std::size_t>(row)] * m + row] = 1;
      transpose(factors + i * m * n, n, m, l);
      for (std::int64_t row = 0; row < n; ++row) {
        std::fill_n(u + row * n, row, T(0));
        std::copy_n(l + row * (n + 1), n - row, u + row * (n + 1));
        l[row * (n + 1)] = 1;
        std::fill_n(l + row * (n + 1) + 1, n - row - 1, T(0));
      }
    }
  });
  return results;
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
    for_each_by_columns<T>(
        operation, n, stack.count, n * n * k, [&](const Lapack<T>* lapack, std::int64_t i) {
          const std::int64_t which = same ? 0 : i;
          const T* const known = factors + which * n * n;
          const int* const pivots = &lu.pivots[static_cast<std::size_t>(which * n)];
          if (lapack == nullptr) {
            std::copy_n(from + i * n * k, n * k, to + i * n * k);
            T* const rows = to + i * n * k;
            if (k != 1) return solve_in_place(transposed, size, k, known, pivots, rows);
            return solve_in_place(transposed, size, std::integral_constant<std::int64_t, 1>(), known, pivots,
                                  rows);
          }
          const auto solve_columns = [&](bool of_transposed, T* columns) {
            int info = 0;
            lapack->getrs(of_transposed ? "T" : "N", &size, &sides, known, &size, pivots, columns, &size,
                          &info, 1);
          };
          if (k == n && is_unit(from + i * n * n, n)) {
            // An inverse: that of the other transpose, column by column, is this one's row by row.
            std::copy_n(from + i * n * n, n * n, to + i * n * n);
            if (transposed) return invert(*lapack, size, known, pivots, to + i * n * n);
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
      T sign = 1, logarithm = 0, mantissa = 1;
      std::int64_t exponent = 0;  // apart, as parts of the product may be out of range where it is not
      for (std::int64_t j = 0; j < n; ++j) {
        const T pivot = factors[i * n * n + j * (n + 1)];
        if (lu.pivots[static_cast<std::size_t>(i * n + j)] != j + 1) sign = -sign, mantissa = -mantissa;
        int of_pivot = 0, of_product = 0;
        mantissa = std::frexp(mantissa * std::frexp(pivot, &of_pivot), &of_product);
        exponent += of_pivot + of_product;
        logarithm += std::log(std::abs(pivot));
        sign = pivot > 0 ? sign : pivot < 0 ? -sign : pivot == 0 ? T(0) : pivot;
      }
      const bool singular = lu.singular[static_cast<std::size_t>(i)] != 0 && !std::isnan(logarithm);
      signs[i] = sign;
      logarithms[i] = singular ? -std::numeric_limits<T>::infinity() : logarithm;
      products[i] = std::ldexp(mantissa, static_cast<int>(std::clamp<std::int64_t>(exponent, -5000, 5000)));
    }
  });
  return results;
}

std::vector<bool> nearly_singular(const Lu& lu, bool half) {
  // The polynomials of a matrix of few rows, of which one direction alone is short, lose no digits to speak
  // of, whereas each further derivative of an inverse loses as many as the first.
  constexpr std::int64_t few = 8;
  constexpr double is_short = 1.0 / 16;
  const Stack stack(lu.shape);
  const std::int64_t n = stack.rows;
  std::vector<bool> result(static_cast<std::size_t>(stack.count), false);
  dispatch_floating(lu.factors.dtype(), [&]<class T>() {
    const T* factors = lu.factors.template data<T>();
    const T epsilon = std::numeric_limits<T>::epsilon();
    const T least = half ? std::sqrt(epsilon) : static_cast<T>(n) * epsilon;
    for (std::int64_t i = 0; i < stack.count; ++i) {
      T smallest = std::numeric_limits<T>::infinity(), largest = 0;
      const auto pivot = [&](std::int64_t j) { return std::abs(factors[i * n * n + j * (n + 1)]); };
      std::int64_t at = 0;
      for (std::int64_t j = 0; j < n; ++j) {
        if (pivot(j) < smallest) smallest = pivot(at = j);
        largest = std::max(largest, pivot(j));
      }
      bool near = n != 0 && smallest <= least * largest;
      if (!near && !half && n > 1 && n <= few && smallest <= static_cast<T>(is_short) * largest) {
        double others = 1;
        for (std::int64_t j = 0; j < n; ++j)
          if (j != at) others *= static_cast<double>(pivot(j)) / static_cast<double>(largest);
        near = others >= is_short;
      }
      result[static_cast<std::size_t>(i)] = near;
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

}  // namespace chainrule::kernels
