// Rows of what is made of decompositions of matrices. Inputs become matrices that are far from singular,
// symmetric where they must be, and whose eigenvalues are apart.

#include <cmath>

#include "chainrule/linalg.h"
#include "chainrule/shaping.h"
#include "op_inputs.h"
#include "reference_matrices.h"

namespace chainrule::test {
namespace {

using reference::Array;
using reference::Arrays;
using reference::Number;
using reference::Position;
using namespace reference::matrices;

// ---- Inputs
// --------------------------------------------------------------------------------------------------

/// On the diagonal 2, 3, ...
Number shift(std::int64_t row, std::int64_t column) {
  return row == column ? static_cast<Number>(row + 2) : 0;
}

/// tanh(x) / 2 with those added.
Tensor regular(const Operand& x) {
  const Tensor small = tanh(x) * 0.5;
  const Shape& shape = small.shape();
  const std::int64_t m = shape[shape.rank() - 2], n = shape.back();
  std::vector<double> numbers;
  for (std::int64_t i = 0; i < m; ++i)
    for (std::int64_t j = 0; j < n; ++j) numbers.push_back(static_cast<double>(shift(i, j)));
  return small + cast(tensor(numbers, {m, n}), small.dtype());
}
Array regular(const Array& x) {
  return reference::generate(x.shape, [&](const Position& at) {
    return std::tanh(reference::at(x, at)) / 2 + shift(at[at.size() - 2], at.back());
  });
}
Tensor turned(const Tensor& x) { return swapaxes(x, -2, -1); }
Tensor symmetric(const Operand& x) {
  const Tensor a = regular(x);
  return 0.5 * (a + turned(a));
}
Array symmetric(const Array& x) {
  const Array a = regular(x);
  return reference::generate(
      a.shape, [&](const Position& at) { return (reference::at(a, at) + exchanged(a, at)) / 2; });
}

// ---- Rows
// ----------------------------------------------------------------------------------------------------

OpCase row(const std::string& operation, bool composed, std::vector<Variant> variants,
           std::vector<Misuse> misuses = {}) {
  return {.operation = operation,
          .inputs = {between(-1, 1), between(-1, 1)},
          .variants = std::move(variants),
          .misuses = std::move(misuses),
          .composed = composed,
          .tolerance = 1e-12,
          .float32_tolerance = 1e-4,
          .gradient_tolerance = 1e-8};
}

template <class F>
Misuse not_square(const F& call) {
  return {"what is not square", [=] { call(blank({2, 3})); }, {"(2, 3)", "not square"}};
}
template <class F>
Misuse no_matrix(const F& call) {
  return {"a vector", [=] { call(blank({3})); }, {"(3,)", "no matrix"}};
}

Variant of(const std::string& name, std::function<Tensor(const Tensor&)> call,
           std::function<Array(const Array&)> expected, std::vector<Shapes> shapes,
           bool is_symmetric = false) {
  return {name, [=](const Arguments& in) { return call(is_symmetric ? symmetric(in[0]) : regular(in[0])); },
          [=](const Arrays& in) { return expected(is_symmetric ? symmetric(in[0]) : regular(in[0])); },
          std::move(shapes)};
}
const std::vector<Shapes> squares = {{{3, 3}}, {{2, 2, 2}}, {{0, 0}}};

OpCase solve_row() {
  const auto variant = [](const std::string& name, std::vector<Shapes> shapes) {
    return Variant{name, [](const Arguments& in) { return solve(regular(in[0]), in[1]); },
                   [](const Arrays& in) { return reference::matmul(inverse_of(regular(in[0])), in[1]); },
                   std::move(shapes)};
  };
  const auto refused = [](const std::string& name, const Shape& a, const Shape& b) {
    return Misuse{name, [=] { solve(blank(a), blank(b)); }, {to_string(a)}};
  };
  return row(
      "solve", true,
      {variant("for matrices", {{{3, 3}, {3, 2}}, {{2, 2, 2}, {2, 2, 1}}, {{0, 0}, {0, 2}}}),
       variant("for a vector", {{{3, 3}, {3}}}),
       variant(
           "for batches that broadcast",
           {{{1, 1}, {3, 1, 1}}, {{2, 1, 1, 1}, {1, 1, 1}}, {{2, 2}, {3, 2, 1}}, {{2, 1, 2, 2}, {3, 2, 1}}})},
      {not_square([](const Tensor& a) { return solve(a, blank({2})); }), refused("two sizes", {2, 2}, {3, 1}),
       refused("batches that do not broadcast", {2, 2, 2}, {3, 2, 1}), refused("a scalar", {2, 2}, {})});
}

OpCase solve_triangular_row() {
  const auto variant = [](const std::string& name, bool upper, bool unit, std::vector<Shapes> shapes) {
    return Variant{
        name, [=](const Arguments& in) { return solve_triangular(regular(in[0]), in[1], upper, true, unit); },
        [=](const Arrays& in) {
          Array a = half(regular(in[0]), upper);
          if (unit)
            a = reference::generate(a.shape, [&, whole = a](const Position& at) {
              return at[0] == at[1] ? 1 : reference::at(whole, at);
            });
          return reference::matmul(inverse_of(a), in[1]);
        },
        std::move(shapes)};
  };
  return row(
      "solve_triangular", true,
      {variant("lower", false, false,
               {{{3, 3}, {3, 2}}, {{1, 1}, {3, 1, 1}}, {{2, 2}, {2, 2, 1}}, {{0, 0}, {0, 1}}}),
       variant("upper", true, false, {{{3, 3}, {3, 2}}}),
       variant("with ones", true, true, {{{3, 3}, {3, 1}}}),
       {"from the right",
        [](const Arguments& in) { return solve_triangular(regular(in[0]), in[1], true, false); },
        [](const Arrays& in) { return reference::matmul(in[1], inverse_of(half(regular(in[0]), true))); },
        {{{3, 3}, {2, 3}}}}},
      {not_square([](const Tensor& a) {
         return solve_triangular(a, blank({2, 1}), true);
       }),
       {"a vector",
        [] {
          solve_triangular(blank({2, 2}), blank({2}), true);
        },
        {"(2,)"}}});
}

OpCase lstsq_row() {
  const auto variant = [](const std::string& name, std::vector<Shapes> shapes, bool wide) {
    return Variant{name, [](const Arguments& in) { return lstsq(regular(in[0]), in[1]); },
                   [=](const Arrays& in) {
                     const Array a = regular(in[0]), t = transposed(a), product = inverse_of(gram(a, wide));
                     return wide ? reference::matmul(reference::matmul(t, product), in[1])
                                 : reference::matmul(product, reference::matmul(t, in[1]));
                   },
                   std::move(shapes)};
  };
  return row("lstsq", true,
             {variant("of a tall matrix", {{{4, 2}, {4, 1}}, {{3, 2}, {3}}}, false),
              variant("of a wide matrix", {{{2, 3}, {2, 2}}}, true)},
             {no_matrix([](const Tensor& a) { return lstsq(a, blank({3})); })});
}

OpCase cholesky_solve_row() {
  const auto variant = [](const std::string& name, bool upper, std::vector<Shapes> shapes) {
    return Variant{name,
                   [=](const Arguments& in) {
                     const Tensor l = tril(regular(in[0]));
                     return cholesky_solve(in[1], upper ? turned(l) : l, upper);
                   },
                   [](const Arrays& in) {
                     const Array l = half(regular(in[0]), false);
                     return reference::matmul(inverse_of(reference::matmul(l, transposed(l))), in[1]);
                   },
                   std::move(shapes)};
  };
  return row("cholesky_solve", true,
             {variant("lower", false, {{{3, 3}, {3, 2}}, {{2, 2}, {2, 2, 1}}, {{0, 0}, {0, 1}}}),
              variant("upper", true, {{{3, 3}, {3, 1}}})},
             {not_square([](const Tensor& a) {
               return cholesky_solve(blank({2, 1}), a);
             })});
}

/// Of matrices that need no exchange, and of such with their rows in reverse.
OpCase lu_row() {
  const auto product = [](const std::string& name, const std::function<Tensor(const LuResult&)>& of,
                          const std::function<Array(const Array&)>& expected, std::vector<Shapes> shapes) {
    return Variant{name, [=](const Arguments& in) { return of(lu(flip(regular(in[0]), -2))); },
                   [=](const Arrays& in) {
                     const Array a = regular(in[0]);
                     return expected(reference::generate(a.shape, [&](Position at) {
                       auto& place = at[at.size() - 2];
                       place = a.shape[a.shape.rank() - 2] - 1 - place;
                       return reference::at(a, at);
                     }));
                   },
                   std::move(shapes)};
  };
  const std::vector<Shapes> all = {{{3, 3}}, {{4, 2}}, {{2, 3}}, {{2, 2, 2}}, {{0, 2, 2}}};
  OpCase one = row("lu", false,
                   {product(
                        "multiplied", [](const LuResult& f) { return matmul(f.P, matmul(f.L, f.U)); },
                        [](const Array& a) { return a; }, all),
                    product(
                        "L", [](const LuResult& f) { return f.L; }, {}, all),
                    product(
                        "U", [](const LuResult& f) { return f.U; }, {}, all)},
                   {no_matrix([](const Tensor& a) { return lu(a); })});
  one.composed = true;
  for (Variant& each : one.variants)
    if (each.name != "multiplied") each.expected = nullptr;
  return one;
}

OpCase qr_row() {
  // With the signs that make the diagonal of R positive.
  const auto signs = [](const Tensor& r) {
    const std::int64_t k = r.shape()[r.rank() - 2];
    return einsum("...ii->...i", sign(index(r.detach(), {Index::ellipsis(), Slice{0, k}})));
  };
  const auto q = [=](const Tensor& a) {
    const QrResult parts = qr(a);
    return einsum("...ij,...j->...ij", parts.Q, signs(parts.R));
  };
  const auto r = [=](const Tensor& a) {
    const QrResult parts = qr(a);
    return einsum("...ij,...i->...ij", parts.R, signs(parts.R));
  };
  const auto r_of = [](const Array& a) {
    const std::size_t axes = a.shape.rank();
    Array square = a;
    if (a.shape[axes - 2] < a.shape[axes - 1]) {
      Shape shape = a.shape;
      shape[axes - 1] = a.shape[axes - 2];
      square = reference::generate(shape, [&](const Position& at) { return reference::at(a, at); });
    }
    return reference::matmul(transposed(orthonormal_of(square)), a);
  };
  return row("qr", true,
             {of("q", q, orthonormal_of, {{{3, 3}}, {{4, 2}}, {{2, 0}}}),
              of("r", r, r_of, {{{3, 2}}, {{2, 2, 2}}}), of("r of a wide matrix", r, r_of, {{{2, 3}}})},
             {no_matrix([](const Tensor& a) { return qr(a).Q; })});
}

OpCase svd_row() {
  const auto of_u = [](const Tensor& a) { return square(svd(a).U); };
  const auto of_v = [](const Tensor& a) { return square(turned(svd(a).Vh)); };
  const auto left = [](const Array& a) { return squares_of_singular_vectors(a, true); };
  const auto right = [](const Array& a) { return squares_of_singular_vectors(a, false); };
  return row(
      "svd", true,
      {of("s", [](const Tensor& a) { return svd(a).S; }, singular_values_of,
          {{{3, 3}}, {{2, 3, 2}}, {{0, 2}}}),
       of("u", of_u, left, {{{3, 3}}, {{4, 2}}, {{2, 3}}}), of("v", of_v, right, {{{3, 2}}, {{2, 4}}})},
      {no_matrix([](const Tensor& a) { return svd(a).S; })});
}

OpCase eigh_row() {
  const auto of_v = [](const Tensor& a) { return square(eigh(a).eigenvectors); };
  return row(
      "eigh", true,
      {of(
           "values", [](const Tensor& a) { return eigh(a).eigenvalues; }, eigenvalues_of, squares, true),
       of("vectors", of_v, squares_of_eigenvectors, {{{3, 3}}, {{2, 2, 2}}}, true)},
      {not_square([](const Tensor& a) { return eigh(a).eigenvalues; })});
}

// Of values that are not told apart, whose derivative is an operation.
OpCase eigvalsh_row() {
  OpCase result = row("eigvalsh", true,
                      {of(
                          "", [](const Tensor& a) { return eigvalsh(a); }, eigenvalues_of, {{{3, 3}}}, true)},
                      {not_square([](const Tensor& a) { return eigvalsh(a); })});
  result.derivative = "of_eigenvalues";
  return result;
}
OpCase svdvals_row() {
  OpCase result =
      row("svdvals", true,
          {of("", [](const Tensor& a) { return svdvals(a); }, singular_values_of, {{{3, 2}}, {{2, 3}}})},
          {no_matrix([](const Tensor& a) { return svdvals(a); })});
  result.derivative = "of_singular_values";
  return result;
}

OpCase cholesky_row() {
  const auto call = [](const Tensor& a) { return cholesky(matmul(a, turned(a))); };
  return row("cholesky", false,
             {of(
                 "", call, [](const Array& a) { return cholesky_of(gram(a, true)); }, squares)},
             {not_square([](const Tensor& a) { return cholesky(a); })});
}

OpCase matrix_exp_row() {
  const auto small = [](const Array& x) {
    return reference::elementwise([](const reference::Numbers& n) { return std::tanh(n[0]); }, {x});
  };
  return row("matrix_exp", false,
             {{"", [](const Arguments& in) { return matrix_exp(tanh(in[0])); },
               [=](const Arrays& in) { return exponential_of(small(in[0])); }, squares},
              {"of a large one",
               [](const Arguments& in) { return matrix_exp(-7 * tanh(in[0])); },
               [=](const Arrays& in) {
                 return exponential_of(reference::elementwise(
                     [](const reference::Numbers& n) { return -7 * n[0]; }, {small(in[0])}));
               },
               {{{2, 2}}},
               {between(0.2, 0.5)}}},
             {not_square([](const Tensor& a) { return matrix_exp(a); })});
}

}  // namespace

std::vector<OpCase> decomposition_rows() {
  const auto logarithm_of = [](const Array& a) {
    return reference::elementwise([](const reference::Numbers& n) { return std::log(std::abs(n[0])); },
                                  {determinant_of(a)});
  };
  const auto pinv_of = [](const Array& a) {
    return reference::matmul(inverse_of(gram(a, false)), transposed(a));
  };
  const auto wide_pinv_of = [](const Array& a) {
    return reference::matmul(transposed(a), inverse_of(gram(a, true)));
  };
  const auto cond_of = [](const Array& a) {
    const Array s = singular_values_of(a);
    return Array{{}, {s.values.front() / s.values.back()}};
  };
  const auto pseudo = [](const Tensor& a) { return pinv(a); };
  return {
      solve_row(),
      solve_triangular_row(),
      row("inverse", true,
          {of(
              "", [](const Tensor& a) { return inverse(a); }, inverse_of, squares)},
          {not_square([](const Tensor& a) { return inverse(a); })}),
      cholesky_solve_row(),
      lu_row(),
      lstsq_row(),
      row("pinv", false,
          {of("of a tall matrix", pseudo, pinv_of, {{{3, 2}}, {{2, 2, 2}}}),
           of("of a wide matrix", pseudo, wide_pinv_of, {{{2, 3}}, {{0, 2}}})},
          {no_matrix(pseudo)}),
      cholesky_row(),
      qr_row(),
      eigh_row(),
      eigvalsh_row(),
      svd_row(),
      svdvals_row(),
      row("det", false,
          {of(
              "", [](const Tensor& a) { return det(a); }, determinant_of, squares)},
          {not_square([](const Tensor& a) { return det(a); })}),
      row("slogdet", false,
          {of(
              "", [](const Tensor& a) { return slogdet(a).logabsdet; }, logarithm_of, squares)},
          {not_square([](const Tensor& a) { return slogdet(a).sign; })}),
      row("logdet", true,
          {of(
              "", [](const Tensor& a) { return logdet(a); }, logarithm_of, squares)},
          {not_square([](const Tensor& a) { return logdet(a); })}),
      matrix_exp_row(),
      row("cond", true, {of("", [](const Tensor& a) { return cond(a); }, cond_of, {{{3, 3}}, {{3, 2}}})},
          {no_matrix([](const Tensor& a) { return cond(a); })}),
  };
}

}  // namespace chainrule::test
