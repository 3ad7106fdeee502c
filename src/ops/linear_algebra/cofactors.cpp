// The cofactors of matrices, which are the derivatives of their determinants: where these are singular or out
// of range, too.

#include "ops/linear_algebra/cofactors.h"

#include <algorithm>
#include <cmath>

#include "chainrule/functions.h"
#include "ops/batching.h"
#include "ops/scaling.h"

namespace chainrule::ops {

/// bool (..., 1, 1): which matrices these are.
Tensor mask_of(const std::vector<bool>& which, const Shape& shape) {
  Array mask(matrices(batch_of(shape), 1, 1), DType::boolean);
  std::copy(which.begin(), which.end(), mask.mutable_data<bool>());
  return constant(std::move(mask));
}

static Tensor trace_of(const Tensor& a) {
  return sum(where(on_diagonal(a.shape().back()), a, 0), {-2, -1}, true);
}

/// The cofactors, from products of singular values: all digits of them, also where A is singular. To be
/// differentiated again it is not, as singular vectors have no derivative where two values are equal.
Tensor cofactors_in_numbers(const Tensor& a) {
  const SvdResult parts = svd(a);
  const std::int64_t n = a.shape().back();
  const Tensor s = reshape(parts.S, matrices(batch_of(a.shape()), 1, n));
  const Tensor others = prod(where(on_diagonal(n), 1, s), -1, true);  // a column, for the rows of Vᵀ
  const Tensor sign = for_matrices(slogdet(parts.U).sign * slogdet(parts.Vh).sign);
  return sign * matmul(parts.U, others * parts.Vh);
}

/// The cofactors as polynomials in A, by the method of Faddeev and LeVerrier: right in every order of
/// derivative also where A is singular. It loses digits in matrices of more than a few tens of rows.
Tensor cofactors_as_polynomials(const Tensor& a) {
  const std::int64_t n = a.shape().back();
  const Tensor unit = identity(n, a.dtype());
  Tensor m = broadcast_to(unit, a.shape());
  for (std::int64_t k = 1; k < n; ++k) {
    const Tensor product = matmul(a, m);
    m = product - unit * (trace_of(product) / static_cast<double>(k));
  }
  return transposed(n % 2 == 0 ? -m : m);
}

/// bool (..., 1, 1): which matrices are singular, or nearly so, where they may be traced by a transform.
Tensor which_matrices(const Tensor& a, bool singular) {
  return numbers_of(
      a,
      [singular](const Array& matrices_) {
        const kernels::Lu lu = kernels::lu("det", matrices_);
        if (!singular) return value_of(mask_of(kernels::nearly_singular(lu, false), matrices_.shape()));
        std::vector<bool> which;
        for (const int pivot : lu.singular) which.push_back(pivot != 0);
        return value_of(mask_of(which, matrices_.shape()));
      },
      [singular](const Tensor& stack) { return which_matrices(stack, singular); });
}

static bool all_normal(const Array& numbers) {
  return dispatch_floating(numbers.dtype(), [&]<class T>() {
    const T* const elements = numbers.data<T>();
    return std::all_of(elements, elements + numbers.size(), [](T each) { return std::isnormal(each); });
  });
}

/// (..., n, 1), or (..., 1, n): the exponents of the largest numbers of the rows, or of the columns; 0 where
/// there is none.
static Tensor exponents_of(const Tensor& a, bool of_rows) {
  return numbers_of(
      a,
      [of_rows](const Array& all) {
        const NoGrad guard;
        const Tensor most = max(abs(constant(all)), of_rows ? -1 : -2, true);
        Array exponents(most.shape(), all.dtype());
        dispatch_floating(all.dtype(), [&]<class T>() {
          const T* from = value_of(most).template data<T>();
          T* to = exponents.mutable_data<T>();
          for (std::int64_t i = 0; i < exponents.size(); ++i)
            to[i] = from[i] == 0 || !std::isfinite(from[i]) ? T(0) : static_cast<T>(std::ilogb(from[i]));
        });
        return exponents;
      },
      [of_rows](const Tensor& stack) { return exponents_of(stack, of_rows); });
}

/// Could a product of one number from each row be out of range?
static bool may_leave_range(const Array& a) {
  const std::int64_t n = a.shape().back();
  return dispatch_floating(a.dtype(), [&]<class T>() {
    const T* row = a.data<T>();
    std::int64_t total = 0;
    for (std::int64_t i = 0; i < a.size() / n; ++i, row += n) {
      if (i % n == 0) total = 0;
      T most = 0;
      for (std::int64_t j = 0; j < n; ++j) most = std::max(most, std::abs(row[j]));
      if (most > 0 && std::isfinite(most)) total += std::abs(std::ilogb(most));
      if (total > (sizeof(T) == 4 ? 100 : 900)) return true;
    }
    return false;
  });
}

/// (..., 1, 1): the e for which 2⁻ᵉ A has a determinant near 1, where that of A is out of range, though its
/// cofactors may not be; otherwise 0.
static Tensor exponents_out_of_range(const Tensor& a) {
  return numbers_of(
      a,
      [](const Array& matrices_) {
        const std::array<Array, 3> all = kernels::determinants(kernels::lu("det", matrices_));
        const auto n = static_cast<double>(matrices_.shape().back());
        Array exponents(matrices(batch_of(matrices_.shape()), 1, 1), matrices_.dtype());
        dispatch_floating(matrices_.dtype(), [&]<class T>() {
          const T *logarithms = all[1].template data<T>(), *products = all[2].template data<T>();
          T* to = exponents.mutable_data<T>();
          for (std::int64_t i = 0; i < exponents.size(); ++i)
            to[i] =
                std::isnormal(products[i]) || !std::isfinite(logarithms[i])
                    ? T(0)
                    : static_cast<T>(std::round(static_cast<double>(logarithms[i]) / (n * std::log(2.0))));
        });
        return exponents;
      },
      [](const Tensor& stack) { return exponents_out_of_range(stack); });
}

/// ∂det(A)/∂A.
static Tensor cofactors_in_range(const Tensor& a, const Tensor& determinant, const SharedLu& lu,
                                 bool in_numbers) {
  if (lu == nullptr) {  // of what is traced by a transform
    const Tensor mask = which_matrices(a, false);
    const Tensor regular = where(mask, identity(a.shape().back(), a.dtype()), a);
    return where(mask, cofactors_as_polynomials(a),
                 for_matrices(determinant) * inverse_transposed(regular, nullptr));
  }
  // As long as the inverse has some digits, it has more than the polynomials of a large matrix.
  const std::vector<bool> which = kernels::nearly_singular(*lu, in_numbers);
  const Tensor scale = for_matrices(determinant);
  if (std::find(which.begin(), which.end(), true) == which.end()) return scale * inverse_transposed(a, lu);
  if (in_numbers) return cofactors_in_numbers(a);
  const Tensor mask = mask_of(which, a.shape());
  const Tensor regular = where(mask, identity(a.shape().back(), a.dtype()), a);
  return where(mask, cofactors_as_polynomials(a), scale * inverse_transposed(regular, nullptr));
}

Tensor cofactors(const Tensor& a, const Tensor& determinant, const SharedLu& lu, bool in_numbers) {
  const std::int64_t n = a.shape().back();
  if (n <= 1 || a.size() == 0) return ones_like(a);
  if (lu != nullptr && all_normal(value_of(determinant)) && !may_leave_range(value_of(a)))
    return cofactors_in_range(a, determinant, lu, in_numbers);
  // Of A = 2ʳ B 2ᶜ with rows and columns of numbers near 1: a cofactor is that of B by all factors but two.
  const Tensor rows = exponents_of(a, true), by_rows = times_power_of_two(a, -rows);
  const Tensor columns = exponents_of(by_rows, false), balanced = times_power_of_two(by_rows, -columns);
  const Tensor rest = exponents_out_of_range(balanced), scaled = times_power_of_two(balanced, -rest);
  const SharedLu found =
      lu == nullptr ? nullptr : std::make_shared<const kernels::Lu>(kernels::lu("det", value_of(scaled)));
  const Tensor exponents =
      (sum(rows, -2, true) - rows) + (sum(columns, -1, true) - columns) + rest * static_cast<double>(n - 1);
  return times_power_of_two(cofactors_in_range(scaled, det(scaled), found, in_numbers), exponents);
}

}  // namespace chainrule::ops
