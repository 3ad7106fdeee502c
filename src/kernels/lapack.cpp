// Decompositions of stacks of matrices by LAPACK, which is in OpenBLAS: Cholesky's, QR, of eigenvalues and
// singular values.

#include "kernels/lapack.h"

#include "kernels/jacobi.h"
#include "kernels/lapack_calls.h"

namespace chainrule::kernels {

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
    if (!takes_rotations(m, n)) return for_each_matrix<T>(operation, stack.count, 20 * m * n * k, one);
    parallel_for(stack.count, matrices_per_thread(20 * m * n * k), [&](std::int64_t begin, std::int64_t end) {
      rotated_svd(m, n, end - begin, from + begin * m * n, vectors ? u + begin * m * k : nullptr,
                  s + begin * k, vectors ? vt + begin * k * n : nullptr);
    });
    std::vector<std::int64_t> left;  // to LAPACK
    for (std::int64_t i = 0; i < stack.count; ++i)
      if (!(s[i * k + k - 1] > 0)) left.push_back(i);
    for_each_matrix<T>(operation, static_cast<std::int64_t>(left.size()), 20 * m * n * k,
                       [&](const Lapack<T>& lapack, std::int64_t i, std::vector<T>& work) {
                         one(lapack, left[static_cast<std::size_t>(i)], work);
                       });
  });
  return result;
}

}  // namespace chainrule::kernels
