// Decompositions of stacks of matrices by LAPACK, which is in OpenBLAS: Cholesky's, QR, of eigenvalues and
// singular values.

#include "kernels/lapack.h"

#include "kernels/jacobi.h"
#include "kernels/lapack_calls.h"

namespace chainrule::kernels {
namespace {

/// Matrices of up to so many columns are made Q R here: a call of LAPACK takes longer than that.
constexpr std::int64_t small_columns = 8, small_rows = 16;

/// As LAPACK's geqrf and orgqr, by Householder's reflections, with its signs. False where the square of what
/// a reflection moves is out of range, which needs LAPACK.
template <class T>
bool small_qr(std::int64_t m, std::int64_t n, const T* a, T* q, T* r) {
  T columns[small_columns][small_rows], factors[small_columns];
  for (std::int64_t j = 0; j < n; ++j)
    for (std::int64_t i = 0; i < m; ++i) columns[j][i] = a[i * n + j];
  for (std::int64_t k = 0; k < n; ++k) {
    T* const v = columns[k];  // what a reflection takes away, from k on, where it is 1
    double sum = 0;
    bool is_done = true;
    for (std::int64_t i = k + 1; i < m; ++i) {
      sum += double{v[i]} * double{v[i]};
      is_done = is_done && v[i] == 0;
    }
    const double first = v[k], size = sum + first * first;
    if (!is_done && !(sum > 1e-280 && size < 1e280)) return false;
    const double length = is_done ? first : std::copysign(std::sqrt(size), -first);
    factors[k] = is_done ? T(0) : static_cast<T>((length - first) / length);
    for (std::int64_t i = k + 1; i < m && !is_done; ++i) v[i] = static_cast<T>(v[i] / (first - length));
    for (std::int64_t j = k + 1; j < n; ++j) {
      T* const x = columns[j];
      T along = x[k];
      for (std::int64_t i = k + 1; i < m; ++i) along += v[i] * x[i];
      along *= factors[k];
      x[k] -= along;
      for (std::int64_t i = k + 1; i < m; ++i) x[i] -= along * v[i];
    }
    for (std::int64_t j = 0; j < n; ++j)
      r[k * n + j] = j < k ? T(0) : j == k ? static_cast<T>(length) : columns[j][k];
  }
  for (std::int64_t i = 0; i < m; ++i)
    for (std::int64_t j = 0; j < n; ++j) q[i * n + j] = i == j ? T(1) : T(0);
  for (std::int64_t k = n; k-- > 0;) {
    const T* const v = columns[k];
    for (std::int64_t j = k; j < n; ++j) {
      T along = q[k * n + j];
      for (std::int64_t i = k + 1; i < m; ++i) along += v[i] * q[i * n + j];
      along *= factors[k];
      q[k * n + j] -= along;
      for (std::int64_t i = k + 1; i < m; ++i) q[i * n + j] -= along * v[i];
    }
  }
  return true;
}

/// Rows from which on Cholesky's decomposition is faster of the lower half as LAPACK sees it, which is what
/// our upper one is.
constexpr std::int64_t turned_from = 128;

/// What is left to LAPACK.
template <class T, class One>
void for_some_matrices(std::string_view operation, const std::vector<std::int64_t>& which, std::int64_t flops,
                       const One& one) {
  for_each_matrix<T>(operation, static_cast<std::int64_t>(which.size()), flops,
                     [&](const Lapack<T>& lapack, std::int64_t i, std::vector<T>& work) {
                       one(lapack, which[static_cast<std::size_t>(i)], work);
                     });
}

}  // namespace

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
    const auto one = [&](const Lapack<T>& lapack, std::int64_t i, std::vector<T>& columns) {
      T* const l = to + i * n * n;
      bool finite = true;
      for (std::int64_t row = 0; row < n; ++row) {
        const T* const start = from + (i * n + row) * n;
        if (n < turned_from) std::copy_n(start, row + 1, l + row * n);
        std::fill(l + row * n + row + 1, l + row * n + n, T(0));
        finite = finite && all_finite(start, row + 1);
      }
      int& info = failed[static_cast<std::size_t>(i)];
      if (!finite) {
        for (std::int64_t row = 0; row < n; ++row) fill_nan(l + row * n, row + 1);
      } else if (n < turned_from) {  // our lower half is LAPACK's upper one
        lapack.potrf("U", &size, l, &size, &info, 1);
      } else {
        columns.resize(static_cast<std::size_t>(n * n));
        transpose(from + i * n * n, n, n, columns.data());
        lapack.potrf("L", &size, columns.data(), &size, &info, 1);
        for (std::int64_t column = 1; column < n; ++column)
          std::fill_n(&columns[static_cast<std::size_t>(column * n)], column, T(0));
        transpose(columns.data(), n, n, l);
      }
    };
    for_each_matrix<T>(operation, stack.count, cube(n), one);
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
    const auto one = [&](const Lapack<T>& lapack, std::int64_t i, std::vector<T>& room) {
      const int ask = -1;
      int info = 0;
      if (room.empty()) {
        T wanted = 0, also = 0;
        lapack.geqrf(&rows, &columns, nullptr, &rows, nullptr, &wanted, &ask, &info);
        lapack.orgqr(&rows, &columns, &columns, nullptr, &rows, nullptr, &also, &ask, &info);
        room.resize(workspace(std::max(wanted, also)).size() + static_cast<std::size_t>((m + 1) * n));
      }
      T *const factors = room.data(), *const tau = factors + m * n, *const work = tau + n;
      const int size = length(room) - static_cast<int>((m + 1) * n);
      transpose(from + i * m * n, m, n, factors);
      lapack.geqrf(&rows, &columns, factors, &rows, tau, work, &size, &info);
      for (std::int64_t row = 0; row < n; ++row)
        for (std::int64_t column = 0; column < n; ++column)
          r[(i * n + row) * n + column] = row <= column ? factors[column * m + row] : T(0);
      lapack.orgqr(&rows, &columns, &columns, factors, &rows, tau, work, &size, &info);
      transpose(factors, n, m, q + i * m * n);
    };
    const auto is_done = [&](std::int64_t i) {  // without LAPACK
      if (all_finite(from + i * m * n, m * n))
        return m <= small_rows && n <= small_columns &&
               small_qr(m, n, from + i * m * n, q + i * m * n, r + i * n * n);
      fill_nan(q + i * m * n, m * n);
      for (std::int64_t row = 0; row < n; ++row) {
        std::fill_n(r + (i * n + row) * n, row, T(0));
        fill_nan(r + (i * n + row) * n + row, n - row);
      }
      return true;
    };
    std::vector<char> done(static_cast<std::size_t>(stack.count));
    parallel_for(stack.count, matrices_per_thread(4 * m * n * n), [&](std::int64_t i, std::int64_t end) {
      for (; i < end; ++i) done[static_cast<std::size_t>(i)] = is_done(i) ? 1 : 0;
    });
    std::vector<std::int64_t> left;
    for (std::int64_t i = 0; i < stack.count; ++i)
      if (done[static_cast<std::size_t>(i)] == 0) left.push_back(i);
    for_some_matrices<T>(operation, left, m * n * n, one);
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
    const auto is_finite = [&](std::int64_t i) {
      for (std::int64_t row = 0; row < n; ++row)
        if (!all_finite(from + (i * n + row) * n, row + 1)) return false;
      return true;
    };
    const auto set_nan = [&](std::int64_t i) {
      fill_nan(values + i * n, n);
      if (vectors) fill_nan(v + i * n * n, n * n);
    };
    const auto one = [&](const Lapack<T>& lapack, std::int64_t i, std::vector<T>& work) {
      if (!is_finite(i)) return set_nan(i);
      std::vector<T> matrix(from + i * n * n, from + (i + 1) * n * n);
      const char* const job = vectors ? "V" : "N";
      // At most of divide and conquer, and little beside the matrix.
      std::vector<int> integers(static_cast<std::size_t>(vectors ? 3 + 5 * n : 1));
      const int integers_size = static_cast<int>(integers.size());
      int info = 0;
      const auto run = [&](T* room, int room_size) {
        lapack.syevd(job, "U", &size, matrix.data(), &size, values + i * n, room, &room_size, integers.data(),
                     &integers_size, &info, 1, 1);
      };
      if (T wanted = 0; work.empty()) {
        run(&wanted, -1);
        work = workspace(wanted);
      }
      run(work.data(), length(work));
      if (info != 0) fail_to_converge(operation, a.shape());
      if (vectors) transpose(matrix.data(), n, n, v + i * n * n);
    };
    if (!takes_rotations(n, n)) return for_each_matrix<T>(operation, stack.count, 9 * cube(n), one);
    parallel_for(stack.count, matrices_per_thread(9 * cube(n)), [&](std::int64_t begin, std::int64_t end) {
      rotated_eigh(n, end - begin, from + begin * n * n, values + begin * n,
                   vectors ? v + begin * n * n : nullptr);
      for (std::int64_t i = begin; i < end; ++i)
        if (!is_finite(i)) set_nan(i);
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
  // LAPACK takes columns of a tall matrix well, and is slow with those of a wide one. To it, our wide one is
  // tall: it sees Aᵀ = V S Uᵀ, and V by columns is Vᵀ by rows. Of a tall one it gets a copy by columns.
  const bool is_tall = m > n;
  const int tall = as_int(operation, std::max(m, n)), least = static_cast<int>(k);
  dispatch_floating(a.dtype(), [&]<class T>() {
    const T* from = a.data<T>();
    T *u = vectors ? result[0].mutable_data<T>() : nullptr, *s = result[1].mutable_data<T>(),
      *vt = vectors ? result[2].mutable_data<T>() : nullptr;
    const auto one = [&](const Lapack<T>& lapack, std::int64_t i, std::vector<T>& work) {
      T *const own_u = vectors ? u + i * m * k : nullptr, *const own_vt = vectors ? vt + i * k * n : nullptr;
      if (!all_finite(from + i * m * n, m * n)) {
        fill_nan(s + i * k, k);
        if (vectors) {
          fill_nan(own_u, m * k);
          fill_nan(own_vt, k * n);
        }
        return;
      }
      std::vector<T> matrix(from + i * m * n, from + (i + 1) * m * n), turned;
      if (is_tall) transpose(from + i * m * n, m, n, matrix.data());
      if (is_tall && vectors) turned.resize(static_cast<std::size_t>((m + k) * k));
      T* const left = is_tall ? turned.data() : own_vt;
      T* const right = is_tall ? turned.data() + (vectors ? m * k : 0) : own_u;
      std::vector<int> integers(static_cast<std::size_t>(8 * k));
      int info = 0;
      const auto run = [&](T* room, int room_size) {
        lapack.gesdd(vectors ? "S" : "N", &tall, &least, matrix.data(), &tall, s + i * k, left, &tall, right,
                     &least, room, &room_size, integers.data(), &info, 1);
      };
      if (T wanted = 0; work.empty()) {
        run(&wanted, -1);
        work = workspace(wanted);
      }
      run(work.data(), length(work));
      if (info != 0) fail_to_converge(operation, a.shape());
      if (!is_tall || !vectors) return;
      transpose(left, k, m, own_u);
      transpose(right, k, k, own_vt);
    };
    const bool rotates = takes_rotations(m, n);
    if (rotates)
      parallel_for(
          stack.count, matrices_per_thread(20 * m * n * k), [&](std::int64_t begin, std::int64_t end) {
            rotated_svd(m, n, end - begin, from + begin * m * n, vectors ? u + begin * m * k : nullptr,
                        s + begin * k, vectors ? vt + begin * k * n : nullptr);
          });
    std::vector<std::int64_t> left;
    for (std::int64_t i = 0; i < stack.count; ++i)
      if (!rotates || !(s[i * k + k - 1] > 0)) left.push_back(i);
    for_some_matrices<T>(operation, left, 20 * m * n * k, one);
  });
  return result;
}

}  // namespace chainrule::kernels
