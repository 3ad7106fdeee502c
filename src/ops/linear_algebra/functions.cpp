// Determinants, norms, and functions of a matrix: det, slogdet, pinv, matrix_exp, matrix_rank, cond. LAPACK
// computes them; the derivative of det holds for singular matrices, too.

#include <algorithm>
#include <cmath>
#include <memory>

#include "chainrule/functions.h"
#include "chainrule/shaping.h"
#include "ops/batching.h"
#include "ops/linear_algebra/cofactors.h"
#include "ops/linear_algebra/matrices.h"
#include "ops/registry.h"

namespace chainrule {
namespace ops {

struct Det {
  static constexpr std::string_view name = "det", formula = "∂det(A)/∂A = the cofactors, det(A) A⁻ᵀ";
  struct Saved {
    SharedLu lu;
  };
  Tensor batch(const Unwrapped& at) const { return apply(Det{}, {}, Argument(at.in[0])); }
  Array forward(Values in, Saved& saved, Wanted) const {
    saved.lu = std::make_shared<const kernels::Lu>(kernels::lu(name, *in[0]));
    return kernels::determinants(*saved.lu)[2];
  }
  Reads reads(Wanted) const { return reads_input(0) | reads_output; }
  void vjp(Inputs in, const Tensor& out, const Tensor& g, Cotangents& to, const Saved& saved) const {
    if (to.wants(0))
      to[0] = strong_product(for_matrices(g), cofactors(in[0], out, saved.lu, to.in_numbers()));
  }
  LocalFormula local_formula(std::size_t, std::span<const std::string> names,
                             const std::string& result) const {
    return {result + " " + names[0] + "⁻ᵀ"};
  }
  static std::int64_t flops(Inputs in, const Shape&) { return 2 * in[0].size() * in[0].shape().back() / 3; }
};

/// The logarithm; the sign has no derivative, and is a constant.
struct Slogdet {
  static constexpr std::string_view name = "slogdet", formula = "∂log|det(A)|/∂A = A⁻ᵀ";
  using Saved = Det::Saved;
  Array forward(Values in, Saved& saved, Wanted) const {
    if (saved.lu == nullptr) saved.lu = std::make_shared<const kernels::Lu>(kernels::lu(name, *in[0]));
    return kernels::determinants(*saved.lu)[1];
  }
  Tensor batch(const Unwrapped& at) const { return apply(Slogdet{}, {}, Argument(at.in[0])); }
  Reads reads(Wanted) const { return reads_input(0); }
  void vjp(Inputs in, const Tensor&, const Tensor& g, Cotangents& to, const Saved& saved) const {
    if (to.wants(0)) to[0] = strong_product(for_matrices(g), slope(in[0], saved.lu));
  }
  LocalFormula local_formula(std::size_t, std::span<const std::string> names, const std::string&) const {
    return {names[0] + "⁻ᵀ"};
  }
  static std::int64_t flops(Inputs in, const Shape& out) { return Det::flops(in, out); }

 private:
  /// A⁻ᵀ, and the cofactors over 0 where A is singular.
  static Tensor slope(const Tensor& a, const SharedLu& lu) {
    if (lu == nullptr) {  // of what is traced by a transform
      const Tensor mask = which_matrices(a, true);
      const Tensor regular = where(mask, identity(a.shape().back(), a.dtype()), a);
      return where(mask, strong_quotient(cofactors_as_polynomials(a.detach()), 0),
                   inverse_transposed(regular, nullptr));
    }
    std::vector<bool> which;
    for (const int pivot : lu->singular) which.push_back(pivot != 0);
    if (std::find(which.begin(), which.end(), true) == which.end()) return inverse_transposed(a, lu);
    const Tensor mask = mask_of(which, a.shape());
    const Tensor regular = where(mask, identity(a.shape().back(), a.dtype()), a);
    return where(mask, strong_quotient(cofactors_in_numbers(a.detach()), 0),
                 inverse_transposed(regular, nullptr));
  }
};

struct Pinv {
  static constexpr std::string_view name = "pinv",
                                    formula = "with P = A⁺: −Pᵀ g Pᵀ + (1 − A P) gᵀ P Pᵀ + Pᵀ P gᵀ (1 − P A)";
  std::optional<double> rtol, atol;
  Attributes attributes() const {
    Attributes all;
    if (rtol) all.emplace_back("rtol", *rtol);
    if (atol) all.emplace_back("atol", *atol);
    return all;
  }
  Array forward(Values in) const;
  Tensor batch(const Unwrapped& at) const { return apply(Pinv{rtol, atol}, {}, Argument(at.in[0])); }
  Reads reads(Wanted) const { return reads_input(0) | reads_output; }
  void vjp(Inputs in, const Tensor& out, const Tensor& g, Cotangents& to) const {
    if (!to.wants(0)) return;
    // Of A and its inverse in units in which they are near 1, as products of three of them may be out of
    // range where the derivative is not.
    const Tensor units = units_of(in[0].detach());
    const Tensor a = in[0] * units, p = out / units;
    const Tensor pt = transposed(p), gt = transposed(g);
    const Tensor in_rows = matmul(matmul(gt, p), pt), in_columns = matmul(matmul(pt, p), gt);
    const Tensor sum = (in_rows - matmul(a, matmul(p, in_rows))) +
                       (in_columns - matmul(matmul(in_columns, p), a)) - matmul(matmul(pt, g), pt);
    to[0] = sum * units * units;
  }
  LocalFormula local_formula(std::size_t, std::span<const std::string>, const std::string& result) const {
    return {"−" + result + "ᵀ g " + result + "ᵀ + ...", false};
  }
  static std::int64_t flops(Inputs in, const Shape&) { return 20 * in[0].size() * in[0].shape().back(); }
};

struct MatrixExp {
  static constexpr std::string_view name = "matrix_exp",
                                    formula = "the upper right block of exp([[Aᵀ, g], [0, Aᵀ]])";
  Array forward(Values in) const;
  Tensor batch(const Unwrapped& at) const { return apply(MatrixExp{}, {}, Argument(at.in[0])); }
  Reads reads(Wanted) const { return reads_input(0); }
  void vjp(Inputs in, const Tensor&, const Tensor& g, Cotangents& to) const {
    if (!to.wants(0)) return;
    const std::int64_t n = g.shape().back();
    const Tensor a = transposed(in[0]);
    const std::vector<Tensor> above = {a, g}, below = {zeros_like(a), a};
    const Tensor block = concatenate(std::vector<Tensor>{concatenate(above, -1), concatenate(below, -1)}, -2);
    to[0] = index(matrix_exp(block), {Index::ellipsis(), Slice{0, n}, Slice{n, 2 * n}});
  }
  LocalFormula local_formula(std::size_t, std::span<const std::string> names, const std::string&) const {
    return {"the block beside g of exp([[" + names[0] + "ᵀ, g], [0, " + names[0] + "ᵀ]])", false};
  }
  static std::int64_t flops(Inputs in, const Shape&) { return 20 * in[0].size() * in[0].shape().back(); }
};

/// From which singular value on they count, (..., 1).
static Tensor least_singular(const Tensor& s, const Shape& shape, std::optional<double> rtol,
                             std::optional<double> atol) {
  const double absolute = atol.value_or(0);
  if (absolute > 0 && !rtol) rtol = 0;
  const double epsilon = s.dtype() == DType::float32 ? 0x1p-23 : 0x1p-52;
  const double relative =
      rtol ? *rtol : epsilon * static_cast<double>(std::max(rows_of(shape), columns_of(shape)));
  return maximum(max(s, -1, true) * relative, absolute);
}

Array Pinv::forward(Values in) const {
  const NoGrad guard;
  const Shape& shape = in[0]->shape();
  const std::int64_t m = rows_of(shape), n = columns_of(shape);
  if (in[0]->size() == 0) return value_of(zeros(matrices(batch_of(shape), n, m), in[0]->dtype()));
  const SvdResult parts = svd(constant(*in[0]));
  const Tensor is_zero = parts.S <= least_singular(parts.S, shape, rtol, atol);
  const Tensor inverted = where(is_zero, 0, 1 / where(is_zero, 1, parts.S));
  const Tensor columns = reshape(inverted, matrices(batch_of(shape), 1, std::min(m, n)));
  return value_of(matmul(transposed(parts.Vh) * columns, transposed(parts.U)));
}

/// By Padé's approximation of degree 13, of A halved until it is small, and the result squared as often.
Array MatrixExp::forward(Values in) const {
  const NoGrad guard;
  const Tensor a = constant(*in[0]);
  if (a.size() == 0) return *in[0];
  const Tensor size = max(sum(abs(a), -2, true), -1, true);
  std::vector<double> halvings;
  for (const double norm : size.to_vector<double>())
    halvings.push_back(std::isfinite(norm) ? std::max(0.0, std::ceil(std::log2(norm / 5.371920351148152)))
                                           : 0);
  const Tensor times = tensor(halvings, size.shape());
  const Tensor half = tensor(0.5);
  const Tensor x = a * cast(pow(half, times), a.dtype()), unit = identity(a.shape().back(), a.dtype());
  constexpr double b[] = {64764752532480000,
                          32382376266240000,
                          7771770303897600,
                          1187353796428800,
                          129060195264000,
                          10559470521600,
                          670442572800,
                          33522128640,
                          1323241920,
                          40840800,
                          960960,
                          16380,
                          182,
                          1};
  const Tensor x2 = matmul(x, x), x4 = matmul(x2, x2), x6 = matmul(x4, x2);
  const auto sums = [&](std::size_t i, double zeroth) {
    return b[i + 4] * x6 + b[i + 2] * x4 + b[i] * x2 + zeroth * unit;
  };
  const Tensor odd = matmul(x, matmul(x6, b[13] * x6 + b[11] * x4 + b[9] * x2) + sums(3, b[1]));
  const Tensor even = matmul(x6, b[12] * x6 + b[10] * x4 + b[8] * x2) + sums(2, b[0]);
  Tensor y = solve(even - odd, even + odd);
  const double most = *std::max_element(halvings.begin(), halvings.end());
  for (double i = 0; i < most; ++i) y = where(times > i, matmul(y, y), y);
  return value_of(y);
}

static MatrixNorm matrix_norm_order(Arguments& a, std::size_t i) {
  using enum MatrixNorm;
  if (a.is_word(i)) return a.choice(i, {"fro", "nuc"}) == 0 ? frobenius : nuclear;
  const double order = a.number(i);
  if (order == 1) return one;
  if (order == -1) return minus_one;
  if (order == 2) return two;
  if (order == -2) return minus_two;
  if (!std::isinf(order)) a.fail(i, "'fro', 'nuc', 1, -1, 2, -2, inf or -inf");
  return order > 0 ? infinity : minus_infinity;
}

/// Of a matrix that is `hermitian` the lower half is read, as in PyTorch.
constexpr std::string_view rank_parameters = "a|A|input, rtol|rcond=None, atol|tol=None, hermitian=False";
using WithTolerances = Tensor(const Operand&, std::optional<double>, std::optional<double>);
/// Of matrices of which each may have tolerances of its own.
static Tensor one_by_one(WithTolerances* f, const Tensor& x, const std::array<Tensor, 2>& tolerances) {
  std::array<std::optional<double>, 2> numbers;
  bool is_one = true;
  for (std::size_t k = 0; k < 2; ++k) {
    if (tolerances[k].is_empty()) continue;
    if (tolerances[k].rank() == 0)
      numbers[k] = tolerances[k].item();
    else
      is_one = false;
  }
  if (is_one) return f(x, numbers[0], numbers[1]);
  std::vector<Tensor> results;
  for (std::int64_t i = 0; i < x.shape()[0]; ++i) {
    std::array<Tensor, 2> own = tolerances;
    for (Tensor& each : own)
      if (!each.is_empty() && each.rank() > 0) each = each[i];
    results.push_back(one_by_one(f, x[i], own));
  }
  return stack(results);
}
template <WithTolerances* f>
static Result with_tolerances(Arguments& a) {
  Tensor x = a[0].as_tensor();
  require_matrix(a.called(), x.shape());
  if (a.flag(3)) x = tril(x) + swapaxes(tril(x, -1), -2, -1);
  std::array<Tensor, 2> tolerances;
  for (const std::size_t k : {0, 1}) {
    if (!a.given(k + 1)) continue;
    tolerances[k] = a[k + 1].as_tensor();
    if (tolerances[k].rank() > 0)
      tolerances[k] = broadcast_to(tolerances[k], Shape(std::vector(x.shape().begin(), x.shape().end() - 2)));
  }
  return one_by_one(f, x, tolerances);
}

/// The norm of the matrices that two axes make.
static Result matrix_norm_by_name(Arguments& a) {
  const MatrixNorm order = matrix_norm_order(a, 1);
  const Tensor x = a[0].as_tensor();
  const std::vector<std::int64_t> pair = a.given(3) ? a.integers(3) : std::vector<std::int64_t>{-2, -1};
  if (pair.size() != 2)
    throw ShapeError("matrix_norm: " + std::to_string(pair.size()) + " axes of shape " +
                     to_string(x.shape()) + "; give the two of the rows and of the columns");
  const Tensor norms = matrix_norm(movedim(x, pair, {-2, -1}), order, a.flag(2));
  return a.flag(2) ? movedim(norms, {-2, -1}, pair) : norms;
}

Entries matrix_function_operations() {
  static constexpr Entry table[] = {
      {.name = Det::name,
       .parameters = "a|A|input",
       .call = call<chainrule::det>,
       .formula = Det::formula,
       .example = "det([[1, 2], [3, 4]])",
       .note = "right also where the matrix is singular"},
      {.name = Slogdet::name,
       .parameters = "a|A|input",
       .call = call<chainrule::slogdet>,
       .formula = Slogdet::formula,
       .example = "slogdet([[1, 2], [3, 4]])"},
      {.name = "logdet",
       .parameters = "a|A|input",
       .call = call<chainrule::logdet>,
       .formula = "∂log det(A)/∂A = A⁻ᵀ",
       .example = "logdet([[3, 1], [1, 2]])",
       .note = "NaN where the determinant is negative"},
      {.name = Pinv::name,
       .parameters = rank_parameters,
       .call = with_tolerances<chainrule::pinv>,
       .formula = Pinv::formula,
       .aliases = "pinverse",
       .example = "pinv([[1, 2], [3, 4], [5, 6]])"},
      {.name = MatrixExp::name,
       .parameters = "a|A|input",
       .call = call<chainrule::matrix_exp>,
       .formula = MatrixExp::formula,
       .aliases = "expm",
       .example = "matrix_exp([[0, 1], [-1, 0]])"},
      {.name = "matrix_norm",
       .parameters = "a|A|input|x, order|ord='fro', keepdims|keepdim=False, dim|axis=None",
       .call = matrix_norm_by_name,
       .formula = "of the sums, or of the singular values",
       .example = "matrix_norm([[1, 2], [3, 4]], 'nuc')",
       .note = "'fro', 'nuc', 1, -1, 2, -2, inf or -inf"},
      {.name = "matrix_rank",
       .parameters = rank_parameters,
       .call = with_tolerances<chainrule::matrix_rank>,
       .formula = "piecewise constant: no gradient",
       .example = "matrix_rank([[1, 2], [2, 4]])",
       .differentiable = false},
      {.name = "cond",
       .parameters = "a|A|input",
       .call = call<chainrule::cond>,
       .formula = "s₁ / sₖ: the gradient of the singular values",
       .example = "cond([[1, 2], [3, 4]])",
       .note = "in the Euclidean norm"},
  };
  return table;
}

}  // namespace ops

Tensor det(const Operand& a) try {
  const Tensor in = a.as(ops::real_dtype(a.dtype()));
  ops::require_square("det", in.shape());
  return apply(ops::Det{}, a.here(), Argument(in));
} catch (...) {
  rethrow_in_call("det", a);
}

SlogdetResult slogdet(const Operand& a) try {
  const Tensor in = a.as(ops::real_dtype(a.dtype()));
  ops::require_square("slogdet", in.shape());
  if (traced(in)) {
    const Tensor sign = ops::numbers_of(
        in, [](const Array& x) { return kernels::determinants(kernels::lu("slogdet", x))[0]; },
        [](const Tensor& stack) { return slogdet(stack).sign; });
    return {sign, apply(ops::Slogdet{}, a.here(), Argument(in))};
  }
  ops::Slogdet::Saved saved;
  const Tensor logarithm = apply(ops::Slogdet{}, a.here(), saved, Argument(in));
  return {cast(constant(kernels::determinants(*saved.lu)[0]), in.dtype()), logarithm};
} catch (...) {
  rethrow_in_call("slogdet", a);
}

Tensor logdet(const Operand& a) try {
  const SlogdetResult parts = slogdet(a);
  return where({parts.sign < 0, a.here()}, std::numeric_limits<double>::quiet_NaN(), parts.logabsdet);
} catch (...) {
  rethrow_in_call("logdet", a);
}

Tensor pinv(const Operand& a, std::optional<double> rtol, std::optional<double> atol) try {
  const Tensor in = a.as(ops::real_dtype(a.dtype()));
  ops::require_matrix("pinv", in.shape());
  return apply(ops::Pinv{rtol, atol}, a.here(), Argument(in));
} catch (...) {
  rethrow_in_call("pinv", a);
}

Tensor matrix_exp(const Operand& a) try {
  const Tensor in = a.as(ops::real_dtype(a.dtype()));
  ops::require_square("matrix_exp", in.shape());
  return apply(ops::MatrixExp{}, a.here(), Argument(in));
} catch (...) {
  rethrow_in_call("matrix_exp", a);
}

Tensor matrix_norm(const Operand& a, MatrixNorm order, Flag keepdims) try {
  using enum MatrixNorm;
  const Here here = a.here();
  const Tensor in = a.as(ops::real_dtype(a.dtype()));
  ops::require_matrix("matrix_norm", in.shape());
  const Axes both = {-2, -1};
  if (order == frobenius) return norm({in, here}, both, keepdims);
  // (..., 1, n), (..., m, 1) or (..., k, 1), of which one is chosen, or all are added up.
  Tensor parts;
  if (order == nuclear || order == two || order == minus_two)
    parts = ops::as_column(svdvals({in, here}));
  else
    parts = sum({abs({in, here}), here}, order == one || order == minus_one ? -2 : -1, true);
  if (order == nuclear) return sum({parts, here}, both, keepdims);
  const bool is_least = order == minus_one || order == minus_two || order == minus_infinity;
  return is_least ? min({parts, here}, both, keepdims) : max({parts, here}, both, keepdims);
} catch (...) {
  rethrow_in_call("matrix_norm", a);
}

Tensor matrix_rank(const Operand& a, std::optional<double> rtol, std::optional<double> atol) try {
  const NoGrad guard;
  const Tensor in = a.as(ops::real_dtype(a.dtype()));
  ops::require_matrix("matrix_rank", in.shape());
  const Tensor s = svdvals(in);
  if (s.shape().back() == 0) return sum(cast(s, DType::int64), -1);
  return sum(s > ops::least_singular(s, in.shape(), rtol, atol), -1);
} catch (...) {
  rethrow_in_call("matrix_rank", a);
}

Tensor cond(const Operand& a) try {
  const Here here = a.here();
  const Tensor in = a.as(ops::real_dtype(a.dtype()));
  ops::require_matrix("cond", in.shape());
  const Tensor s = svdvals({in, here});
  if (s.shape().back() == 0)
    throw ShapeError("cond: matrix " + to_string(in.shape()) +
                     " has no singular values; give it rows and columns");
  return div({index({s, here}, {Index::ellipsis(), 0}), here}, index({s, here}, {Index::ellipsis(), -1}));
} catch (...) {
  rethrow_in_call("cond", a);
}

}  // namespace chainrule
