// Decompositions of matrices: cholesky, lu, qr, eigh, svd. One with several results makes a node for each,
// and these share what LAPACK has found; as the derivative is linear in what comes from above, each passes
// its own part back.

#include <memory>

#include "chainrule/shaping.h"
#include "ops/linear_algebra/spectral.h"
#include "ops/registry.h"

namespace chainrule {
namespace ops {

/// x / 2 on the diagonal of the lower half of x, and x below it: what makes x + xᵀ symmetric of a half.
static Tensor half_of_symmetric(const Tensor& x) {
  const std::int64_t n = x.shape().back();
  return triangle(x, false) * banded(n, n, x.dtype(), 1, 0.5, 0);
}
static Tensor with_transpose(const Tensor& x) { return x + transposed(x); }

struct Cholesky {
  static constexpr std::string_view name = "cholesky",
                                    formula = "with P = Φ(Lᵀ g), the lower half of it: sym(L⁻ᵀ P L⁻¹)";
  Array forward(Values in) const {
    std::vector<int> failed;
    Array l = kernels::cholesky(name, *in[0], failed);
    for (std::size_t i = 0; i < failed.size(); ++i)
      if (failed[i] != 0)
        throw LinAlgError("cholesky: " + describe_matrix(in[0]->shape(), static_cast<std::int64_t>(i)) +
                          " is not positive definite at its leading minor " + std::to_string(failed[i]) +
                          "; check that it is symmetric, or add a little to its diagonal");
    return l;
  }
  Tensor batch(const Unwrapped& at) const { return apply(Cholesky{}, {}, Argument(at.in[0])); }
  Reads reads(Wanted) const { return reads_output; }
  void vjp(Inputs, const Tensor& l, const Tensor& g, Cotangents& to) const {
    if (!to.wants(0)) return;
    const Tensor p = half_of_symmetric(matmul(transposed(l), g));
    const Tensor left = triangular_quotient(l, p, false, true);
    const Tensor both = triangular_quotient(l, transposed(left), false, true);
    to[0] = 0.5 * with_transpose(both);
  }
  LocalFormula local_formula(std::size_t, std::span<const std::string>, const std::string& result) const {
    return {"sym(" + result + "⁻ᵀ Φ(" + result + "ᵀ g) " + result + "⁻¹)", false};
  }
  static std::int64_t flops(Inputs in, const Shape& out) { return out.size() * in[0].shape().back() / 3; }
};

/// What the operations have in common that give one of several results, found at once.
template <class Op, std::size_t N>
struct PartOf {
  using All = std::array<Array, N>;
  std::size_t part = 0;
  struct Saved {
    std::shared_ptr<const All> all;  ///< null for what is traced by a transform: each part finds it again
  };

  Attributes attributes() const { return {{"part", as_attribute(part)}}; }
  Array forward(Values in, Saved& saved, Wanted) const {
    if (saved.all == nullptr) saved.all = std::make_shared<const All>(Op::found(*in[0]));
    return (*saved.all)[part];
  }
  Tensor batch(const Unwrapped& at) const { return apply(Op{{part}}, {}, Argument(at.in[0])); }
  /// A is what the node of another part is made from.
  Reads reads(Wanted) const { return reads_input(0) | reads_output; }
  /// Another result, as a tensor that can be differentiated.
  static Tensor other(Saved saved, std::size_t part, const Tensor& a) {
    return apply(Op{{part}}, Here::now(), saved, Argument(a));
  }
};

/// A = P L U of a matrix that is not wide.
struct Lu : PartOf<Lu, 3> {
  static constexpr std::string_view name = "lu", formula =
                                                     "with L₁ the square part of L and L₂ the rest: P L₁⁻ᵀ "
                                                     "(lower(L₁ᵀ g) − upper(L₂ᵀ g_L₂) + upper(g Uᵀ)) U⁻ᵀ";
  static All found(const Array& a) { return kernels::unpacked(kernels::lu(name, a)); }
  void vjp(Inputs in, const Tensor& out, const Tensor& g, Cotangents& to, const Saved& saved) const {
    if (!to.wants(0) || part == 0) return;
    const auto result = [&](std::size_t i) { return i == part ? out : other(saved, i, in[0]); };
    const Tensor l = result(1), u = result(2);
    const std::int64_t m = rows_of(l.shape()), n = columns_of(l.shape());
    const Tensor square = narrow(l, -2, 0, n);
    const auto by_u = [&](const Tensor& x) {  // x U⁻ᵀ
      return transposed(triangular_quotient(u, transposed(x), true, false));
    };
    Tensor inner, below;
    if (part == 2) {
      inner = triangle(matmul(g, transposed(u)), true);
      below = zeros(narrow(l, -2, n, m - n).shape(), l.dtype());
    } else {
      const Tensor rest = narrow(g, -2, n, m - n);
      inner = triangle(matmul(transposed(square), narrow(g, -2, 0, n)), false, false) -
              triangle(matmul(transposed(narrow(l, -2, n, m - n)), rest), true);
      below = by_u(rest);
    }
    const Tensor above = by_u(triangular_quotient(square, inner, false, true));
    to[0] = matmul(other(saved, 0, in[0]), concatenate(std::vector<Tensor>{above, below}, -2));
  }
  LocalFormula local_formula(std::size_t, std::span<const std::string>, const std::string&) const {
    constexpr const char* texts[] = {"0", "P L⁻ᵀ lower(Lᵀ g) U⁻ᵀ", "P L⁻ᵀ upper(g Uᵀ) U⁻ᵀ"};
    return {texts[part], false};
  }
  static std::int64_t flops(Inputs in, const Shape&) { return in[0].size() * in[0].shape().back(); }
};

/// A = Q R of a matrix that is not wide.
struct Qr : PartOf<Qr, 2> {
  static All found(const Array& a) { return kernels::qr("qr", a); }
  static constexpr std::string_view
      name = "qr",
      formula = "with M = R gᵣᵀ − g_qᵀ Q and its lower half made symmetric: (g_q + Q sym(M)) R⁻ᵀ";
  void vjp(Inputs in, const Tensor& out, const Tensor& g, Cotangents& to, const Saved& saved) const {
    if (!to.wants(0)) return;
    const Tensor q = part == 0 ? out : other(saved, 0, in[0]), r = part == 1 ? out : other(saved, 1, in[0]);
    const Tensor m = part == 0 ? -matmul(transposed(g), q) : matmul(r, transposed(g));
    const Tensor from_q = matmul(q, with_transpose(half_of_symmetric(m)));
    const Tensor upstream = part == 0 ? g + from_q : from_q;
    to[0] = transposed(triangular_quotient(r, transposed(upstream), true, false));
  }
  LocalFormula local_formula(std::size_t, std::span<const std::string>, const std::string&) const {
    return {part == 0 ? "(g − Q sym(gᵀ Q)) R⁻ᵀ" : "Q sym(R gᵀ) R⁻ᵀ", false};
  }
  static std::int64_t flops(Inputs in, const Shape&) { return 2 * in[0].size() * in[0].shape().back(); }
};

/// x / y, but 0 where x is; for an antisymmetric x and differences y, whose diagonal is 0.
static Tensor by_gaps(const Tensor& x, const Tensor& y) {
  return strong_quotient(x, where(on_diagonal(x.shape().back()), 1, y));
}

struct Eigh : PartOf<Eigh, 2> {
  static All found(const Array& a) { return kernels::eigh("eigh", a, true); }
  static constexpr std::string_view name = "eigh",
                                    formula =
                                        "of λ: V diag(g) Vᵀ,  of V: V (Vᵀ g / (λⱼ − λᵢ)) Vᵀ, made symmetric";
  void vjp(Inputs in, const Tensor& out, const Tensor& g, Cotangents& to, const Saved& saved) const {
    if (!to.wants(0)) return;
    if (part == 0) {
      to[0] = eigenvalues_to_matrix(in[0], out, g, saved.all);
      return;
    }
    const Tensor& v = out;
    const Tensor values = other(saved, 0, in[0]), units = units_of(as_row(values.detach()));
    const Tensor row = as_row(values) * units, column = as_column(values) * units,
                 product = matmul(transposed(v), g);
    const Tensor inner = by_gaps(0.5 * (product - transposed(product)), row - column);
    to[0] = matmul(matmul(v, inner), transposed(v)) * units;
  }
  Tensor jvp(Inputs in, const Tensor& out, Inputs tangents) const {
    if (part == 0) return eigenvalues_along(in[0], out, tangents[0]);
    return pushed_through(out, in, tangents,
                          [&](const Tensor& v, Cotangents& to) { vjp(in, out, v, to, {}); });
  }
  LocalFormula local_formula(std::size_t, std::span<const std::string>, const std::string& result) const {
    return {part == 0 ? "V diag(g) Vᵀ" : result + " (" + result + "ᵀ g / (λⱼ − λᵢ)) " + result + "ᵀ", false};
  }
  static std::int64_t flops(Inputs in, const Shape&) { return 9 * in[0].size() * in[0].shape().back(); }
};

struct Svd : PartOf<Svd, 3> {
  static All found(const Array& a) { return kernels::svd("svd", a, true); }
  static constexpr std::string_view
      name = "svd",
      formula = "of S: U diag(g) Vᵀ,  of U and V: as in eigh, with the gaps sⱼ² − sᵢ²";
  void vjp(Inputs in, const Tensor& out, const Tensor& g, Cotangents& to, const Saved& saved) const {
    if (!to.wants(0)) return;
    if (part == 1) {
      to[0] = singular_values_to_matrix(in[0], out, g, saved.all);
      return;
    }
    const auto result = [&](std::size_t i) { return i == part ? out : other(saved, i, in[0]); };
    const Tensor u = result(0), s = result(1), vh = result(2), units = units_of(as_row(s.detach()));
    const Tensor row = as_row(s) * units, column = as_column(s) * units;
    const Tensor gaps = (row - column) * (row + column);
    const std::int64_t k = s.shape().back();
    if (part == 0) {
      const Tensor product = matmul(transposed(u), g);
      const Tensor inner = by_gaps(product - transposed(product), gaps) * row;
      Tensor total = matmul(matmul(u, inner), vh);
      if (rows_of(u.shape()) > k)  // what of g is outside the columns of U
        total = total + matmul(strong_quotient(g - matmul(u, product), row), vh);
      to[0] = total * units;
    } else {
      const Tensor product = matmul(vh, transposed(g));
      const Tensor inner = column * by_gaps(product - transposed(product), gaps);
      Tensor total = matmul(u, matmul(inner, vh));
      if (columns_of(vh.shape()) > k)
        total = total + matmul(u, strong_quotient(g - matmul(transposed(product), vh), column));
      to[0] = total * units;
    }
  }
  Tensor jvp(Inputs in, const Tensor& out, Inputs tangents) const {
    if (part == 1) return singular_values_along(in[0], out, tangents[0]);
    return pushed_through(out, in, tangents,
                          [&](const Tensor& v, Cotangents& to) { vjp(in, out, v, to, {}); });
  }
  LocalFormula local_formula(std::size_t, std::span<const std::string>, const std::string&) const {
    constexpr const char* texts[] = {"U (skew(Uᵀ g) / (sⱼ² − sᵢ²)) S Vᵀ + (1 − U Uᵀ) g S⁻¹ Vᵀ",
                                     "U diag(g) Vᵀ",
                                     "U S (skew(Vᵀ gᵀ) / (sⱼ² − sᵢ²)) Vᵀ + U S⁻¹ g (1 − V Vᵀ)"};
    return {texts[part], false};
  }
  static std::int64_t flops(Inputs in, const Shape&) { return 20 * in[0].size() * in[0].shape().back(); }
};

Tensor eigenvectors(const Tensor& a, const std::shared_ptr<const Eigh::All>& known) {
  return Eigh::other({known}, 1, a);
}
std::pair<Tensor, Tensor> singular_vectors(const Tensor& a, const std::shared_ptr<const Svd::All>& known) {
  return {Svd::other({known}, 0, a), Svd::other({known}, 2, a)};
}

static constexpr std::string_view equal_values =
    "where some are equal there is also a second derivative, of what does not tell one from the other";

/// Which half of the matrix is read.
static constexpr std::string_view which_half = "a|A|input, UPLO='L'";
template <auto f>
Result of_half(Arguments& a) {
  const Tensor x = a[0].as_tensor();
  return registry::detail::result(f(a.choice(1, {"L", "U"}) == 0 ? x : swapaxes(x, -2, -1)));
}

Entries decomposition_operations() {
  static constexpr Entry table[] = {
      {.name = Cholesky::name,
       .parameters = "a|A|input, upper=False",
       .call = [](Arguments& a) -> Result {
         const Tensor factor = chainrule::cholesky(a[0]);
         return a.flag(1) ? swapaxes(factor, -2, -1) : factor;
       },
       .formula = Cholesky::formula,
       .example = "cholesky([[4, 2], [2, 5]])",
       .note = "the lower factor; the lower half of the matrix is read"},
      {.name = Lu::name,
       .parameters = "a|A|input",
       .call = call<chainrule::lu>,
       .formula = Lu::formula,
       .example = "lu([[1, 2], [3, 4]])",
       .note = "P, L, U with A = P L U"},
      {.name = Qr::name,
       .parameters = "a|A|input, mode='reduced'",
       .call = [](Arguments& a) -> Result {
         const std::size_t mode = a.choice(1, {"reduced", "complete", "r"});
         const QrResult found = chainrule::qr(a[0], mode == 1);
         return mode == 2 ? Result(found.R) : std::vector<Tensor>{found.Q, found.R};
       },
       .formula = Qr::formula,
       .example = "qr([[1, 2], [3, 4], [5, 6]])",
       .note = "Q, R, reduced unless told"},
      {.name = Eigh::name,
       .parameters = which_half,
       .call = of_half<chainrule::eigh>,
       .formula = Eigh::formula,
       .example = "eigh([[2, 1], [1, 2]])",
       .note = "of eigenvectors of equal eigenvalues there is no derivative"},
      {.name = "eigvalsh",
       .parameters = which_half,
       .call = of_half<chainrule::eigvalsh>,
       .formula = "V diag(g) Vᵀ",
       .example = "eigvalsh([[2, 1], [1, 2]])",
       .note = equal_values},
      {.name = Svd::name,
       .parameters = "a|A|input, full_matrices=False",
       .call = call<chainrule::svd>,
       .formula = Svd::formula,
       .example = "svd([[1, 2], [3, 4], [5, 6]])",
       .note = "U, S, Vᵀ, reduced unless told; of singular vectors of equal singular values there is no "
               "derivative"},
      {.name = "svdvals",
       .parameters = "a|A|input",
       .call = call<chainrule::svdvals>,
       .formula = "U diag(g) Vᵀ",
       .example = "svdvals([[1, 2], [3, 4], [5, 6]])",
       .note = equal_values},
  };
  return table;
}

namespace {

/// All results as tensors, one node each.
template <class Op>
auto parts(const Tensor& in, Here here) {
  constexpr std::size_t count = std::tuple_size_v<typename Op::All>;
  typename Op::Saved saved;
  std::array<Tensor, count> results;
  for (std::size_t i = 0; i < count; ++i) results[i] = apply(Op{{i}}, here, saved, Argument(in));
  return results;
}

Tensor real_matrix(std::string_view name, const Operand& a) {
  Tensor in = a.as(real_dtype(a.dtype()));
  require_matrix(name, in.shape());
  return in;
}

/// Orthonormal columns with others that make a basis of all. These move with the columns as the part of them
/// does that is orthogonal to the columns.
Tensor completed(const Tensor& q) {
  const std::int64_t m = rows_of(q.shape()), k = columns_of(q.shape());
  if (m == k) return q;
  const Tensor now = q.detach(), outside = eye(m, m, q.dtype()) - matmul(now, transposed(now));
  const Tensor rest = narrow(eigh(outside).eigenvectors, -1, k, m - k);  // those of 1, not of 0
  return concatenate(std::vector<Tensor>{q, qr(rest - matmul(q, matmul(transposed(q), rest))).Q}, -1);
}

}  // namespace
}  // namespace ops

Tensor cholesky(const Operand& a) try {
  const Tensor in = ops::real_matrix("cholesky", a);
  ops::require_square("cholesky", in.shape());
  return apply(ops::Cholesky{}, a.here(), Argument(in));
} catch (...) {
  rethrow_in_call("cholesky", a);
}

LuResult lu(const Operand& a) try {
  const Here here = a.here();
  const Tensor in = ops::real_matrix("lu", a);
  const std::int64_t m = ops::rows_of(in.shape()), n = ops::columns_of(in.shape());
  if (m >= n) {
    auto [p, l, u] = ops::parts<ops::Lu>(in, here);
    return {p.detach(), l, u};
  }
  // The first columns have the same P and L, and the others are L⁻¹ Pᵀ A.
  const LuResult first = lu({narrow({in, here}, -1, 0, m), here});
  const Tensor rest = matmul(ops::transposed(first.P), narrow({in, here}, -1, m, n - m));
  const Tensor beside = solve_triangular({first.L, here}, rest, false, true, true);
  return {first.P, first.L, concatenate(std::vector<Tensor>{first.U, beside}, -1, here)};
} catch (...) {
  rethrow_in_call("lu", a);
}

QrResult qr(const Operand& a, Flag complete) try {
  const Here here = a.here();
  const Tensor in = ops::real_matrix("qr", a);
  const std::int64_t m = ops::rows_of(in.shape()), n = ops::columns_of(in.shape());
  if (m >= n) {
    auto [q, r] = ops::parts<ops::Qr>(in, here);
    if (complete && m > n) return {ops::completed(q), pad(r, {0, 0, 0, m - n})};
    return {q, r};
  }
  // The first columns have the same Q, and the others are Q (Qᵀ A).
  const QrResult first = qr({index({in, here}, {Index::ellipsis(), Slice{0, m}}), here});
  const Tensor rest =
      matmul({swapaxes({first.Q, here}, -2, -1), here}, index({in, here}, {Index::ellipsis(), Slice{m, n}}));
  return {first.Q, concatenate(std::vector<Tensor>{first.R, rest}, -1, here)};
} catch (...) {
  rethrow_in_call("qr", a);
}

EighResult eigh(const Operand& a) try {
  const Tensor in = ops::real_matrix("eigh", a);
  ops::require_square("eigh", in.shape());
  auto [values, vectors] = ops::parts<ops::Eigh>(in, a.here());
  return {values, vectors};
} catch (...) {
  rethrow_in_call("eigh", a);
}

Tensor eigvalsh(const Operand& a) try {
  const Tensor in = ops::real_matrix("eigvalsh", a);
  ops::require_square("eigvalsh", in.shape());
  if (ops::will_differentiate(in) || recording_mode.keep_values || traced(in))
    return eigh({in, a.here()}).eigenvalues;
  return constant(kernels::eigh("eigvalsh", value_of(in), false)[0]);
} catch (...) {
  rethrow_in_call("eigvalsh", a);
}

SvdResult svd(const Operand& a, Flag full_matrices) try {
  const Tensor in = ops::real_matrix("svd", a);
  auto [u, s, vh] = ops::parts<ops::Svd>(in, a.here());
  if (full_matrices) {
    u = ops::completed(u);
    vh = ops::transposed(ops::completed(ops::transposed(vh)));
  }
  return {u, s, vh};
} catch (...) {
  rethrow_in_call("svd", a);
}

Tensor svdvals(const Operand& a) try {
  const Tensor in = ops::real_matrix("svdvals", a);
  if (ops::will_differentiate(in) || recording_mode.keep_values || traced(in)) return svd({in, a.here()}).S;
  return constant(kernels::svd("svdvals", value_of(in), false)[1]);
} catch (...) {
  rethrow_in_call("svdvals", a);
}

}  // namespace chainrule
