// Systems of linear equations: solve, solve_triangular, inverse, lstsq; and what operations on matrices
// share.

#include <algorithm>
#include <memory>

#include "chainrule/functions.h"
#include "kernels/copy.h"
#include "ops/linear_algebra/matrices.h"
#include "ops/registry.h"
#include "ops/samples.h"

namespace chainrule {
namespace ops {

void require_matrix(std::string_view name, const Shape& shape) {
  if (shape.rank() < 2)
    throw ShapeError(std::string(name) + ": shape " + to_string(shape) +
                     " is no matrix; it takes two axes, or more for a batch");
}
void require_square(std::string_view name, const Shape& shape) {
  require_matrix(name, shape);
  if (rows_of(shape) != columns_of(shape))
    throw ShapeError(std::string(name) + ": matrix " + to_string(shape) +
                     " is not square; its last two sizes must agree");
}
std::string describe_matrix(const Shape& shape, std::int64_t place) {
  std::string text = "matrix " + to_string(matrices({}, rows_of(shape), columns_of(shape)));
  if (shape.rank() > 2) text += ", number " + std::to_string(place) + " of " + to_string(shape) + ",";
  return text;
}

Tensor for_matrices(const Tensor& x) { return reshape(x, matrices(x.shape(), 1, 1)); }

Tensor units_of(const Tensor& a) {
  if (a.size() == 0) return ones(matrices(batch_of(a.shape()), 1, 1), a.dtype());
  const Tensor largest = max(abs(a), {-2, -1}, true);
  const double most = a.dtype() == DType::float32 ? 120 : 1000;
  return exp2(-clamp(floor(log2(where((largest > 0) & isfinite(largest), largest, 1))), -most, most));
}

Tensor banded(std::int64_t rows, std::int64_t columns, DType dtype, double below, double on, double above) {
  if (below == 0 && above == 0) {
    Array diagonal = kernels::zeros({rows, columns}, dtype);
    dispatch_stored(dtype, [&]<class T>() {
      T* to = diagonal.mutable_data<T>();
      for (std::int64_t i = 0; i < std::min(rows, columns); ++i) to[i * (columns + 1)] = convert<T>(on);
    });
    return constant(std::move(diagonal));
  }
  Array out({rows, columns}, dtype);
  dispatch_stored(dtype, [&]<class T>() {
    T* to = out.mutable_data<T>();
    for (std::int64_t i = 0; i < rows; ++i)
      for (std::int64_t j = 0; j < columns; ++j) *to++ = convert<T>(i > j ? below : i == j ? on : above);
  });
  return constant(std::move(out));
}

Tensor triangle(const Tensor& x, bool upper, bool diagonal) {
  const Tensor mask = banded(rows_of(x.shape()), columns_of(x.shape()), DType::boolean, upper ? 0 : 1,
                             diagonal ? 1 : 0, upper ? 1 : 0);
  return where(mask, x, 0);
}

/// The systems of all samples of a vmap, as one stack of them; one matrix for all stays that.
static std::pair<Tensor, Tensor> systems_of_all(const Unwrapped& at) {
  const Tensor b = at.batched(1);
  if (!at.has(0) && at.rank(0) == 2) return {at.in[0], b};
  const Shape a = at.shape(0);
  const Shape whole = matrices(batch_of(b.shape()), rows_of(a), columns_of(a));
  const Tensor stack = at.has(0) ? at.aligned(0, b.rank() - 1) : at.in[0];
  return {stack.shape() == whole ? stack : broadcast_to(stack, whole), b};
}

/// Of x = a⁻¹ b, or a⁻ᵀ b: what reaches b, as input 1, or a.
static std::string formula_of_solution(std::size_t input, const std::string& a, const std::string& x,
                                       bool transposed) {
  const std::string to_b = a + (transposed ? "⁻¹ g" : "⁻ᵀ g");
  return input == 1 ? to_b : transposed ? "−" + x + " (" + to_b + ")ᵀ" : "−(" + to_b + ") " + x + "ᵀ";
}

/// op(A)⁻¹ B, where op transposes if told. A is one matrix, or has B's batch.
struct Solve {
  static constexpr std::string_view name = "solve", formula = "∂(A⁻¹ B): to B: A⁻ᵀ g,  to A: −(A⁻ᵀ g) Xᵀ";
  bool transposed = false, may_be_singular = false;
  bool of_unit = false;  ///< B is the unit matrix, and so the result, once known, is op(A)⁻¹
  /// The factorization, which serves the derivative's systems, too.
  struct Saved {
    SharedLu lu;
  };

  Attributes attributes() const {
    return {{"transposed", transposed}, {"may_be_singular", may_be_singular}, {"of_unit", of_unit}};
  }
  Array forward(Values in, Saved& saved, Wanted) const {
    if (saved.lu == nullptr) saved.lu = std::make_shared<const kernels::Lu>(kernels::lu(name, *in[0]));
    const SharedLu& lu = saved.lu;
    for (std::size_t i = 0; !may_be_singular && i < lu->singular.size(); ++i)
      if (lu->singular[i] != 0)
        throw LinAlgError("solve: " + describe_matrix(lu->shape, static_cast<std::int64_t>(i)) +
                          " is singular at pivot " + std::to_string(lu->singular[i]) +
                          "; use lstsq or pinv, or add a little to its diagonal");
    return kernels::solve(name, *lu, transposed, *in[1]);
  }
  Tensor batch(const Unwrapped& at) const {
    const auto [a, b] = systems_of_all(at);
    return apply(Solve(*this), {}, Argument(a), Argument(b));
  }
  Reads reads(Wanted wanted) const { return reads_input(0) | (wanted(0) ? reads_output : 0); }
  void vjp(Inputs in, const Tensor& out, const Tensor& g, Cotangents& to, const Saved& saved) const {
    Saved known = saved;
    const Tensor to_b = of_unit ? matmul(ops::transposed(out), g)
                                : apply(Solve{!transposed, may_be_singular}, Here::now(), known,
                                        Argument(in[0]), Argument(g));
    if (to.wants(0))
      to[0] = sum_to(-(transposed ? matmul(out, ops::transposed(to_b)) : matmul(to_b, ops::transposed(out))),
                     in[0].shape());
    if (to.wants(1)) to[1] = to_b;
  }
  LocalFormula local_formula(std::size_t input, std::span<const std::string> names,
                             const std::string& result) const {
    return {formula_of_solution(input, names[0], result, transposed), false};
  }
  static std::int64_t flops(Inputs in, const Shape& out) {
    const Shape& a = in[0].shape();
    return 2 * out.size() * a.back() + 2 * a.size() * a.back() / 3;
  }
};

/// The same for a triangular A, of which the other half is not read.
struct SolveTriangular {
  static constexpr std::string_view name = "solve_triangular",
                                    formula = "∂(A⁻¹ B): to B: A⁻ᵀ g,  to A: −(A⁻ᵀ g) Xᵀ, in its triangle";
  bool upper = false, transposed = false, unit_diagonal = false;

  Attributes attributes() const {
    return {{"upper", upper}, {"transposed", transposed}, {"unit_diagonal", unit_diagonal}};
  }
  Array forward(Values in) const {
    return kernels::solve_triangular(name, *in[0], *in[1], upper, transposed, unit_diagonal);
  }
  Tensor batch(const Unwrapped& at) const {
    const auto [a, b] = systems_of_all(at);
    return apply(SolveTriangular(*this), {}, Argument(a), Argument(b));
  }
  Reads reads(Wanted wanted) const { return reads_input(0) | (wanted(0) ? reads_output : 0); }
  void vjp(Inputs in, const Tensor& out, const Tensor& g, Cotangents& to) const {
    const Tensor to_b =
        apply(SolveTriangular{upper, !transposed, unit_diagonal}, Here::now(), Argument(in[0]), Argument(g));
    if (to.wants(0)) {
      const Tensor whole =
          transposed ? matmul(out, ops::transposed(to_b)) : matmul(to_b, ops::transposed(out));
      to[0] = triangle(sum_to(-whole, in[0].shape()), upper, !unit_diagonal);
    }
    if (to.wants(1)) to[1] = to_b;
  }
  LocalFormula local_formula(std::size_t input, std::span<const std::string> names,
                             const std::string& result) const {
    return {formula_of_solution(input, names[0], result, transposed) + (input == 1 ? "" : " in the triangle"),
            false};
  }
  static std::int64_t flops(Inputs in, const Shape& out) { return out.size() * in[0].shape().back(); }
};

Tensor triangular_quotient(const Tensor& a, const Tensor& b, bool upper, bool transposed) {
  return apply(SolveTriangular{upper, transposed, false}, Here::now(), Argument(a), Argument(b));
}

Tensor inverse_transposed(const Tensor& a, const SharedLu& lu) {
  const Tensor unit = broadcast_to(identity(columns_of(a.shape()), a.dtype()), a.shape());
  Solve::Saved known{lu};
  return apply(Solve{true, true}, Here::now(), known, Argument(a), Argument(unit));
}

Entries solving_operations() {
  static constexpr Entry table[] = {
      {.name = Solve::name,
       .parameters = "a|A|input, b|B|other",
       .call = call<chainrule::solve>,
       .formula = Solve::formula,
       .example = "solve([[2, 0], [0, 4]], [1, 1])",
       .note = "b is a vector, or a batch of them, where it has the axes of a but the last, as in PyTorch"},
      {.name = SolveTriangular::name,
       .parameters = "a|A|input, b|B, upper, left=True, unitriangular=False",
       .call = call<chainrule::solve_triangular>,
       .formula = SolveTriangular::formula,
       .example = "solve_triangular([[2, 0], [1, 4]], [[1], [1]], False)"},
      {.name = "cholesky_solve",
       .parameters = "b|B|input, l|L, upper=False",
       .call = call<chainrule::cholesky_solve>,
       .formula = "as solve_triangular, twice",
       .example = "cholesky_solve([[1], [1]], [[2, 0], [1, 2]])"},
      {.name = "inverse",
       .parameters = "a|A|input",
       .call = call<chainrule::inverse>,
       .formula = "∂(A⁻¹) = −A⁻ᵀ g A⁻ᵀ",
       .aliases = "inv",
       .example = "inverse([[2, 0], [0, 4]])"},
      {.name = "lstsq",
       .parameters = "a|A|input, b|B",
       .call = call<chainrule::lstsq>,
       .formula = "min ‖A X − B‖: R⁻¹ Qᵀ B for A = Q R",
       .example = "lstsq([[1, 0], [1, 1], [1, 2]], [0, 1, 2])",
       .note = "the solution alone, of a matrix with full rank"},
  };
  return table;
}

namespace {

/// A matrix A with what is on the right of it, as a matrix.
struct System {
  Tensor a, b;
  bool is_vector;

  System(std::string_view name, const Operand& in_a, const Operand& in_b) {
    const DType dtype = real_dtype(common_dtype(in_a, in_b));
    a = in_a.as(dtype);
    b = in_b.as(dtype);
    const Shape& shape = a.shape();
    require_matrix(name, shape);
    const Shape right = b.shape(), vectors(shape.sizes().first(shape.rank() - 1));
    is_vector = right.rank() == 1 || right == vectors;
    if (is_vector)
      b = reshape({b, in_a.here()}, [&] {
        Shape columns = Shape::filled(right.rank() + 1, 1);
        std::copy(right.begin(), right.end(), &columns[0]);
        return columns;
      }());
    if (b.rank() < 2 || rows_of(b.shape()) != rows_of(shape)) {
      throw ShapeError(
          std::string(name) + ": matrix " + to_string(shape) + " and right side " + to_string(right) +
          " do not fit; " +
          (b.rank() < 2 ? "give a vector or a matrix" : "they must have the same number of rows"));
    }
  }
  Tensor result(const Tensor& x, Here here) const {
    if (!is_vector) return x;
    const Shape& shape = x.shape();
    return reshape({x, here}, Shape(shape.sizes().first(shape.rank() - 1)));
  }
};

/// Both with the same batch, or one matrix and all the right sides.
void share_batch(std::string_view name, Tensor& a, Tensor& b, Here here) {
  const Shape in_a = batch_of(a.shape()), in_b = batch_of(b.shape());
  Shape batch;
  try {
    batch = broadcast(name, in_a, in_b);
  } catch (const ShapeError&) {
    throw ShapeError(std::string(name) + ": batches of matrices " + to_string(a.shape()) +
                     " and right sides " + to_string(b.shape()) +
                     " do not broadcast; all axes but two must agree or be 1");
  }
  if (a.rank() > 2 && in_a != batch)
    a = broadcast_to({a, here}, matrices(batch, rows_of(a.shape()), columns_of(a.shape())));
  if (in_b != batch) b = broadcast_to({b, here}, matrices(batch, rows_of(b.shape()), columns_of(b.shape())));
}

Tensor solve_triangular(std::string_view name, const Operand& a, const Operand& b, Flag upper, Flag left,
                        Flag unit_diagonal) {
  const DType dtype = real_dtype(common_dtype(a, b));
  Tensor matrix = a.as(dtype), right = b.as(dtype);
  require_square(name, matrix.shape());
  require_matrix(name, right.shape());
  if (matrix.shape().back() != (left ? rows_of(right.shape()) : columns_of(right.shape())))
    throw ShapeError(std::string(name) + ": matrix " + to_string(matrix.shape()) + " and right side " +
                     to_string(right.shape()) + " do not fit; they must have the same number of " +
                     (left ? "rows" : "columns"));
  if (!left) right = swapaxes({right, a.here()}, -2, -1);
  share_batch(name, matrix, right, a.here());
  const Tensor x =
      apply(SolveTriangular{upper, !left, unit_diagonal}, a.here(), Argument(matrix), Argument(right));
  return left ? x : swapaxes({x, a.here()}, -2, -1);
}

void require_full_rank(const Tensor& factor, const Shape& shape) {
  const Tensor r = elements_of_all_samples(factor);
  dispatch_floating(r.dtype(), [&]<class T>() {
    const std::span<const T> elements = r.data<T>();
    const auto n = static_cast<std::size_t>(r.shape().back());
    const T least =
        static_cast<T>(std::max(rows_of(shape), columns_of(shape))) * std::numeric_limits<T>::epsilon();
    for (std::size_t start = 0; start < elements.size(); start += n * n) {
      T smallest = std::numeric_limits<T>::infinity(), largest = 0;
      for (std::size_t i = 0; i < n; ++i) {
        const T pivot = std::abs(elements[start + i * (n + 1)]);
        smallest = std::min(smallest, pivot);
        largest = std::max(largest, pivot);
      }
      if (smallest <= least * largest)
        throw LinAlgError("lstsq: " + describe_matrix(shape, static_cast<std::int64_t>(start / (n * n))) +
                          " has not full rank; use matmul(pinv(a), b)");
    }
  });
}

/// Of numbers so far from 1 that products of two, of which derivatives are made, may be out of range?
bool is_far_from_1(const Tensor& units) {
  const NoGrad guard;
  const Tensor exponents = abs(log2(elements_of_all_samples(units)));
  return any(exponents > (units.dtype() == DType::float32 ? 30 : 300)).item<bool>();
}

Tensor lstsq(const Tensor& a, const Tensor& b, Here here) {
  if (const Tensor units = units_of(a.detach()); a.size() > 0 && is_far_from_1(units))
    return mul({lstsq(mul({a, here}, units), b, here), here}, units);
  const Shape& shape = a.shape();
  const bool is_wide = rows_of(shape) < columns_of(shape);
  const QrResult parts = qr({is_wide ? swapaxes({a, here}, -2, -1) : a, here});
  require_full_rank(parts.R, shape);
  if (is_wide) {  // A = Rᵀ Qᵀ
    const Tensor r = swapaxes({parts.R, here}, -2, -1);
    return matmul({parts.Q, here}, solve_triangular("lstsq", {r, here}, {b, here}, false, true, false));
  }
  const Tensor projected = matmul({swapaxes({parts.Q, here}, -2, -1), here}, b);
  return solve_triangular("lstsq", {parts.R, here}, {projected, here}, true, true, false);
}

}  // namespace
}  // namespace ops

Tensor solve(const Operand& a, const Operand& b) try {
  ops::System system("solve", a, b);
  ops::require_square("solve", system.a.shape());
  ops::share_batch("solve", system.a, system.b, a.here());
  return system.result(apply(ops::Solve{}, a.here(), Argument(system.a), Argument(system.b)), a.here());
} catch (...) {
  rethrow_in_call("solve", a, b);
}

Tensor solve_triangular(const Operand& a, const Operand& b, Flag upper, Flag left, Flag unitriangular) try {
  return ops::solve_triangular("solve_triangular", a, b, upper, left, unitriangular);
} catch (...) {
  rethrow_in_call("solve_triangular", a, b);
}

Tensor cholesky_solve(const Operand& b, const Operand& l, Flag upper) try {
  const Here here = l.here();
  const Tensor factor = l.as_tensor();
  ops::require_square("cholesky_solve", factor.shape());
  const Tensor other = swapaxes({factor, here}, -2, -1);
  const Tensor &lower = upper ? other : factor, &higher = upper ? factor : other;
  return solve_triangular({higher, here}, solve_triangular({lower, here}, b, false), true);
} catch (...) {
  rethrow_in_call("cholesky_solve", b, l);
}

Tensor inverse(const Operand& a) try {
  const Tensor in = a.as(ops::real_dtype(a.dtype()));
  ops::require_square("inverse", in.shape());
  const Tensor unit = broadcast_to(ops::identity(in.shape().back(), in.dtype()), in.shape());
  return apply(ops::Solve{.of_unit = true}, a.here(), Argument(in), Argument(unit));
} catch (...) {
  rethrow_in_call("inverse", a);
}

Tensor lstsq(const Operand& a, const Operand& b) try {
  const ops::System system("lstsq", a, b);
  return system.result(ops::lstsq(system.a, system.b, a.here()), a.here());
} catch (...) {
  rethrow_in_call("lstsq", a, b);
}

}  // namespace chainrule
