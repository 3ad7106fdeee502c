// What a function of eigenvalues or singular values alone sends to its matrix. As an operation of its own, as
// eigenvectors of equal eigenvalues have no derivative, but such a function has: with dL/dλ = g it is
//   V (Vᵀ Ȧ V · c) Vᵀ,  c the quotients (gⱼ − gᵢ) / (λⱼ − λᵢ)  (Daleckii and Krein 1965),
// whose limit at equal λ is ∂gᵢ/∂λᵢ − ∂gᵢ/∂λⱼ of any function that does not tell one from the other.

#include "ops/linear_algebra/spectral.h"

#include <cmath>

#include "autograd/total.h"
#include "chainrule/autograd.h"
#include "chainrule/statistics.h"
#include "ops/samples.h"

namespace chainrule {
namespace ops {

namespace {

/// xⱼ − xᵢ, at (i, j).
Tensor differences(const Tensor& x) { return as_row(x) - as_column(x); }

bool is_any(const Tensor& mask) {
  const Tensor elements = elements_of_all_samples(mask);
  return any(elements).item<bool>();
}

double epsilon_of(const Tensor& x) { return x.dtype() == DType::float32 ? 0x1p-23 : 0x1p-52; }

/// How g changes with the values, (..., n, n): one pass for each value, and only where some are near to
/// others. Without a record of how g comes from the values, nothing.
Tensor slopes(const Tensor& values, const Tensor& g, bool create_graph) {
  if (!g.requires_grad() || !values.requires_grad()) return {};
  const std::int64_t n = values.shape().back();
  const Tensor units = identity(n, g.dtype());
  std::vector<Tensor> rows;
  for (std::int64_t i = 0; i < n; ++i) {
    const Tensor seed = broadcast_to(units[i], g.shape());
    rows.push_back(gradients(g, {values}, {.seed = seed, .create_graph = create_graph})[values]);
  }
  return stack(rows, -2);
}

/// The diagonals of matrices, as (..., n); and the other way round.
Tensor diagonal_of(const Tensor& x) { return sum(where(on_diagonal(x.shape().back()), x, 0), -1); }
Tensor diagonal_matrix(const Tensor& x) { return where(on_diagonal(x.shape().back()), as_row(x), 0); }

/// The largest size of each row of numbers, for each of its matrices.
Tensor largest(const Tensor& x) {
  const Tensor sizes = max(abs(x.detach()), -1, true);
  return for_matrices(reshape(sizes, Shape(x.shape().sizes().first(x.rank() - 1))));
}

/// By how much g may differ where it should not.
Tensor rounding_of(const Tensor& g) { return 64 * epsilon_of(g) * largest(g); }

/// The quotients of differences, 0 on the diagonal. `slope` says how g changes with the values, and is empty
/// where it does not. Where values are near to each other and it explains the difference of g, the limit is
/// taken, which is right to the square of the gap, and is no quotient of what rounding has left.
Tensor quotients(const Tensor& values, const Tensor& g, const Tensor& near, const Tensor& slope) {
  const Tensor gaps = differences(values), rises = differences(g);
  Tensor limit = zeros_like(gaps.detach());
  if (!slope.is_empty()) {
    const Tensor own = diagonal_of(slope);
    limit = 0.5 * ((as_row(own) + as_column(own)) - (slope + transposed(slope)));
  }
  const Tensor expected = limit.detach() * gaps.detach();
  const Tensor explained = near & (abs(rises.detach() - expected) <= rounding_of(g) + 1e-3 * abs(expected));
  const Tensor same = on_diagonal(values.shape().back());
  return where(same, 0, where(explained, limit, strong_quotient(rises, where(same | explained, 1, gaps))));
}

/// Which values are so near to each other that their quotient has fewer digits than the limit.
Tensor near_pairs(const Tensor& values) {
  const Tensor v = values.detach();
  const Tensor most = for_matrices(reshape(max(abs(v), -1, true), batch_of(differences(v).shape())));
  return (abs(differences(v)) <= std::cbrt(epsilon_of(values)) * most) & ~on_diagonal(v.shape().back());
}

/// Along tangents the limit is the quotient of these. It is taken where values are so near to each other that
/// their own quotient has fewer digits.
Tensor quotients_along(Inputs in, Inputs tangents) {
  const Tensor &values = in[1], &g = in[2];
  const Tensor gaps = differences(values), rises = differences(g), same = on_diagonal(values.shape().back());
  Tensor limit = zeros_like(gaps.detach()), taken = (gaps.detach() == 0) & (rises.detach() == 0);
  if (!tangents[1].is_empty() && !tangents[2].is_empty()) {
    const Tensor speeds = differences(tangents[1]);
    const Tensor gap = abs(strong_quotient(gaps.detach(), largest(values))),
                 speed = abs(strong_quotient(speeds.detach(), largest(tangents[1])));
    const double epsilon = epsilon_of(values);
    const Tensor moves = (epsilon + gap) * gap < epsilon * speed;
    const Tensor slope = where(moves, strong_quotient(differences(tangents[2]), where(moves, speeds, 1)), 0);
    const Tensor expected = slope.detach() * gaps.detach(), lost = abs(rises.detach() - expected);
    const Tensor explained = moves & (lost <= rounding_of(g) + 1e-3 * abs(expected));
    taken = taken | explained;
    limit = where(explained, slope, limit);
  }
  return where(same, 0, where(taken, limit, strong_quotient(rises, where(same | taken, 1, gaps))));
}

Tensor symmetric(const Tensor& x) { return 0.5 * (x + transposed(x)); }

/// L h R, of a change h of A in terms of its vectors.
Tensor between(const Tensor& left, const Tensor& h, const Tensor& right) {
  return matmul(matmul(left, h), right);
}

/// The rotation that brings vectors of equal values, or that are so but for rounding, to the directions in
/// which A moves them apart, where `moved` is sym(Uᵀ Ȧ V); empty where no values are equal, or only such with
/// other numbers g. And a matrix in terms of them.
Tensor turn_of_equals(const Tensor& values, const Tensor& moved, const Tensor& g) {
  const NoGrad guard;
  const Tensor x = values.detach();
  const std::int64_t n = x.shape().back();
  if (n < 2) return {};
  // Sorted values, either way: where the next one is apart by more than LAPACK's rounding, another group
  // begins.
  const Tensor first = zeros_like(index(x, {Index::ellipsis(), Slice{0, 1}}));
  Tensor apart = abs(diff(x)) > 4 * static_cast<double>(n) * epsilon_of(x) * max(abs(x), -1, true);
  if (!g.is_empty())
    apart = apart | (abs(diff(g.detach())) > 64 * epsilon_of(g) * max(abs(g.detach()), -1, true));
  const Tensor group = cumsum(concatenate(std::vector<Tensor>{first, cast(apart, x.dtype())}, -1), -1);
  const Tensor together = as_row(group) == as_column(group);
  if (!is_any(together & ~on_diagonal(n))) return {};
  // Of a matrix of one block for each group, moved so far from each other that no eigenvectors mix.
  const Tensor parts = where(together, moved.detach(), 0);
  const Tensor spread = diagonal_matrix(group * (4 * static_cast<double>(n)));
  return eigh(parts * units_of(parts) + spread).eigenvectors;
}

Tensor turned(const Tensor& x, const Tensor& turn) { return between(transposed(turn), x, turn); }

/// The tangents of values: those of equal ones are those of the directions in which A moves them apart.
Tensor changes_of(const Tensor& values, const Tensor& moved) {
  const Tensor turn = turn_of_equals(values, moved, {});
  return diagonal_of(turn.is_empty() ? moved : turned(moved, turn));
}

/// What is common: inputs are A, the values and g.
template <class Op, std::size_t N>
struct FromValues {
  using All = std::array<Array, N>;
  struct Saved {
    std::shared_ptr<const All> all;
  };
  Tensor batch(const Unwrapped& at) const {
    return apply(Op{}, {}, Argument(at.batched(0)), Argument(at.batched(1)), Argument(at.batched(2)));
  }
  Reads reads(Wanted) const { return reads_input(0) | reads_input(1) | reads_input(2); }

 protected:
  /// Is there nothing to be sent back? Of no elements there are no extremes.
  static bool is_nothing(Inputs in, Cotangents& to) {
    if (in[0].size() == 0)
      for (const std::size_t i : {0, 2})
        if (to.wants(i)) to[i] = zeros_like(in[i]);
    return in[0].size() == 0 || (!to.wants(0) && !to.wants(2));
  }
};

}  // namespace

struct OfEigenvalues : FromValues<OfEigenvalues, 2> {
  static constexpr std::string_view name = "of_eigenvalues",
                                    formula =
                                        "V diag(g) Vᵀ: to g: diag(Vᵀ h V),  to A: V (sym(Vᵀ h V) · "
                                        "(gⱼ − gᵢ) / (λⱼ − λᵢ)) Vᵀ";
  Array forward(Values in, Saved& saved, Wanted) const {
    const NoGrad guard;
    if (saved.all == nullptr) saved.all = std::make_shared<const All>(kernels::eigh("eigh", *in[0], true));
    const Tensor v = constant((*saved.all)[1]);
    return value_of(matmul(v * as_row(constant(*in[2])), transposed(v)));
  }
  Tensor jvp(Inputs in, const Tensor&, Inputs tangents) const {
    if (in[0].size() == 0) return {};
    Tensor v = eigenvectors(in[0], nullptr), inner;
    if (!tangents[0].is_empty()) {
      Tensor moved = symmetric(between(transposed(v), tangents[0], v));
      if (const Tensor turn = turn_of_equals(in[1], moved, in[2]); !turn.is_empty()) {
        v = matmul(v, turn);
        moved = turned(moved, turn);
      }
      inner = strong_product(moved, quotients_along(in, tangents));
    }
    if (!tangents[2].is_empty()) add_to(inner, diagonal_matrix(tangents[2]));
    return inner.is_empty() ? inner : between(v, inner, transposed(v));
  }
  void vjp(Inputs in, const Tensor&, const Tensor& h, Cotangents& to, const Saved& saved) const {
    if (is_nothing(in, to)) return;
    const Tensor v = eigenvectors(in[0], saved.all);
    const Tensor moved = between(transposed(v), h, v);
    if (to.wants(2)) to[2] = diagonal_of(moved);
    if (!to.wants(0)) return;
    const Tensor near = near_pairs(in[1]);
    const Tensor slope = is_any(near) ? slopes(in[1], in[2], !to.in_numbers()) : Tensor();
    const Tensor inner = strong_product(symmetric(moved), quotients(in[1], in[2], near, slope));
    to[0] = between(v, inner, transposed(v));
  }
  LocalFormula local_formula(std::size_t input, std::span<const std::string>, const std::string&) const {
    return {input == 2 ? "diag(Vᵀ h V)" : "V (sym(Vᵀ h V) (gⱼ − gᵢ) / (λⱼ − λᵢ)) Vᵀ", false};
  }
  static std::int64_t flops(Inputs in, const Shape&) { return 2 * in[0].size() * in[0].shape().back(); }
};

struct OfSingularValues : FromValues<OfSingularValues, 3> {
  static constexpr std::string_view name = "of_singular_values",
                                    formula =
                                        "U diag(g) Vᵀ: to g: diag(Uᵀ h V),  to A: U (sym(Uᵀ h V) · "
                                        "(gⱼ − gᵢ) / (sⱼ − sᵢ) + skew(Uᵀ h V) · (gⱼ + gᵢ) / (sⱼ + sᵢ)) "
                                        "Vᵀ, and what is outside of U and V, times gᵢ / sᵢ";
  Array forward(Values in, Saved& saved, Wanted) const {
    const NoGrad guard;
    if (saved.all == nullptr) saved.all = std::make_shared<const All>(kernels::svd("svd", *in[0], true));
    return value_of(matmul(constant((*saved.all)[0]) * as_row(constant(*in[2])), constant((*saved.all)[2])));
  }
  Tensor jvp(Inputs in, const Tensor&, Inputs tangents) const {
    if (in[0].size() == 0) return {};
    auto [u, vh] = singular_vectors(in[0], nullptr);
    Tensor sum;
    if (!tangents[0].is_empty()) {
      const Tensor moved = symmetric(between(transposed(u), tangents[0], transposed(vh)));
      if (const Tensor turn = turn_of_equals(in[1], moved, in[2]); !turn.is_empty()) {
        u = matmul(u, turn);
        vh = matmul(transposed(turn), vh);
      }
      sum = moved_by(u, vh, in[1], in[2], tangents[0], quotients_along(in, tangents), {});
    }
    if (!tangents[2].is_empty()) add_to(sum, matmul(u * as_row(tangents[2]), vh));
    return sum;
  }
  void vjp(Inputs in, const Tensor&, const Tensor& h, Cotangents& to, const Saved& saved) const {
    if (is_nothing(in, to)) return;
    const auto [u, vh] = singular_vectors(in[0], saved.all);
    if (to.wants(2)) to[2] = diagonal_of(between(transposed(u), h, transposed(vh)));
    if (!to.wants(0)) return;
    const Tensor& s = in[1];
    const Tensor near = near_pairs(s);
    const Tensor slope =
        is_any(near) || is_any(s.detach() == 0) ? slopes(s, in[2], !to.in_numbers()) : Tensor();
    to[0] = moved_by(u, vh, s, in[2], h, quotients(s, in[2], near, slope), slope);
  }
  LocalFormula local_formula(std::size_t input, std::span<const std::string>, const std::string&) const {
    return {input == 2 ? "diag(Uᵀ h V)"
                       : "U (sym(Uᵀ h V) (gⱼ − gᵢ) / (sⱼ − sᵢ) + skew(Uᵀ h V) (gⱼ + gᵢ) / (sⱼ + sᵢ)) Vᵀ",
            false};
  }
  static std::int64_t flops(Inputs in, const Shape&) { return 4 * in[0].size() * in[0].shape().back(); }

 private:
  /// What U diag(g) Vᵀ changes by where A does by h, at a constant g. (The map is its own transpose.) Where
  /// both s and g are 0, as of functions without a kink there, the quotients g / s are `slope`.
  static Tensor moved_by(const Tensor& u, const Tensor& vh, const Tensor& s, const Tensor& g, const Tensor& h,
                         const Tensor& by_differences, const Tensor& slope) {
    const std::int64_t k = s.shape().back();
    const Tensor limit = slope.is_empty() ? zeros_like(g.detach()) : diagonal_of(slope);
    const auto over = [](const Tensor& x, const Tensor& y, const Tensor& at_zero) {
      const Tensor none = (x.detach() == 0) & (y.detach() == 0);
      return where(none, at_zero, strong_quotient(x, where(none, 1, y)));
    };
    const Tensor by_sums =
        over(as_row(g) + as_column(g), as_row(s) + as_column(s), 0.5 * (as_row(limit) + as_column(limit)));
    const Tensor left = matmul(transposed(u), h), right = matmul(h, transposed(vh));
    const Tensor within = matmul(left, transposed(vh));
    const Tensor skew = 0.5 * (within - transposed(within));
    const Tensor inner = strong_product(symmetric(within), by_differences) + strong_product(skew, by_sums);
    Tensor sum = matmul(matmul(u, inner), vh);
    const bool tall = rows_of(u.shape()) > k, wide = columns_of(vh.shape()) > k;
    if (tall || wide) {
      const Tensor shares = over(g, s, limit);
      if (tall) sum = sum + matmul(strong_product(right - matmul(u, within), as_row(shares)), vh);
      if (wide) sum = sum + matmul(u, strong_product(left - matmul(within, vh), as_column(shares)));
    }
    return sum;
  }
};

Tensor eigenvalues_along(const Tensor& a, const Tensor& values, const Tensor& tangent) {
  if (a.size() == 0) return {};
  const Tensor v = eigenvectors(a, nullptr);
  return changes_of(values, symmetric(between(transposed(v), tangent, v)));
}

Tensor singular_values_along(const Tensor& a, const Tensor& values, const Tensor& tangent) {
  if (a.size() == 0) return {};
  const auto [u, vh] = singular_vectors(a, nullptr);
  return changes_of(values, symmetric(between(transposed(u), tangent, transposed(vh))));
}

Tensor eigenvalues_to_matrix(const Tensor& a, const Tensor& values, const Tensor& g,
                             const std::shared_ptr<const std::array<Array, 2>>& known) {
  OfEigenvalues::Saved saved{known};
  return apply(OfEigenvalues{}, Here::now(), saved, Argument(a), Argument(values), Argument(g));
}
Tensor singular_values_to_matrix(const Tensor& a, const Tensor& values, const Tensor& g,
                                 const std::shared_ptr<const std::array<Array, 3>>& known) {
  OfSingularValues::Saved saved{known};
  return apply(OfSingularValues{}, Here::now(), saved, Argument(a), Argument(values), Argument(g));
}

}  // namespace ops
}  // namespace chainrule
