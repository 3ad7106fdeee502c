// Decompositions where they are delicate: singular matrices, equal eigenvalues, NaN, empty matrices, dtypes,
// batches.

#include <functional>
#include <limits>

#include "chainrule/autograd.h"
#include "chainrule/derivatives.h"
#include "chainrule/linalg.h"
#include "chainrule/random.h"
#include "chainrule/shaping.h"
#include "chainrule/statistics.h"
#include "chainrule/transforms.h"
#include "chainrule/vmap.h"
#include "differences.h"
#include "support.h"

namespace chainrule::test {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN(),
                 infinity = std::numeric_limits<double>::infinity();
const Tensor singular = tensor({{1.0, 2.0}, {2.0, 4.0}});

Tensor transposed(const Tensor& x) { return swapaxes(x, -2, -1); }
Tensor diagonal(const std::vector<double>& numbers) {
  return einsum("ij,j->ij", tensor({{1.0, 0.0, 0.0}, {0.0, 1.0, 0.0}, {0.0, 0.0, 1.0}}), tensor(numbers));
}

TEST(Lu, takes_the_largest_pivot_of_each_column_of_matrices_of_any_height) {
  for (const auto& [m, n] : {std::pair{300, 40}, {41, 40}, {40, 40}, {30, 5}, {9, 9}, {40, 60}, {12, 0}}) {
    Generator generator(static_cast<std::uint64_t>(m));
    const Tensor a = randn({2, m, n}, generator, DType::float64);
    const auto [p, l, u] = lu(a);
    const auto k = std::min(m, n);
    EXPECT_EQ(p.shape(), Shape({2, m, m}));
    EXPECT_EQ(l.shape(), Shape({2, m, k}));
    EXPECT_EQ(u.shape(), Shape({2, k, n}));
    if (n == 0) continue;
    EXPECT_LT(max(abs(matmul(p, matmul(l, u)) - a)).item(), 1e-13) << m << ' ' << n;
    EXPECT_EQ(max(abs(l)).item(), 1) << m << ' ' << n;
    EXPECT_EQ(max(abs(triu(l, 1))).item() + max(abs(tril(u, -1))).item(), 0) << m << ' ' << n;
  }
  const Tensor rows = tensor({{0.0, 1.0}, {0.0, 1.0}, {0.0, 2.0}});  // the first column has no pivot
  const auto [p, l, u] = lu(rows);
  EXPECT_TRUE(equals(u, {2, 2}, {0, 1, 0, 2}));
  EXPECT_TRUE(equals(matmul(p, matmul(l, u)), {3, 2}, rows.to_vector<double>()));
}

TEST(Solve, refuses_singular_matrices_with_their_place_and_the_place_of_the_call) {
  const auto line = std::to_string(__LINE__ + 1);
  const std::string message = message_of<LinAlgError>([] { solve(singular.named("A"), tensor({1, 1})); });
  EXPECT_TRUE(mentions(
      message, {"solve: matrix (2, 2) is singular at pivot 2; ", "'A'", "linear_algebra_test.cpp:" + line}));
  const Tensor batch = stack({tensor({{1.0, 0.0}, {0.0, 1.0}}), singular});
  EXPECT_TRUE(mentions(message_of<LinAlgError>([&] { inverse(batch); }),
                       {"inverse: matrix (2, 2), number 1 of (2, 2, 2), is singular"}));
  EXPECT_TRUE(mentions(message_of<LinAlgError>([] {
                         lstsq(singular, tensor({1, 1}));
                       }),
                       {"lstsq: matrix (2, 2) has not full rank"}));
}

TEST(Solve, takes_a_batch_of_vectors_as_pytorch_does) {
  const Tensor a = tensor({{{2.0, 0.0}, {0.0, 4.0}}, {{1.0, 0.0}, {0.0, 1.0}}});
  EXPECT_TRUE(equals(solve(a, tensor({{2, 4}, {3, 5}})), {2, 2}, {1, 1, 3, 5}));
  EXPECT_TRUE(equals(solve(a, tensor({2, 4})), {2, 2}, {1, 1, 2, 4}));
}

TEST(Solve, of_whole_numbers_has_the_default_dtype_and_of_floats_theirs) {
  EXPECT_EQ(inverse(tensor({{2, 1}, {1, 1}})).dtype(), DType::float64);
  EXPECT_EQ(inverse(tensor({{2.0F, 1.0F}, {1.0F, 1.0F}})).dtype(), DType::float32);
  EXPECT_TRUE(close(inverse(tensor({{2, 1}, {1, 1}})), std::vector<double>{1, -1, -1, 2}));
}

TEST(SolveTriangular, reads_neither_the_other_half_nor_a_diagonal_of_ones) {
  const Tensor a = variable(tensor({{nan, nan}, {2.0, nan}})), b = tensor({{1.0}, {5.0}});
  const Tensor x = solve_triangular(a, b, false, true, true);
  EXPECT_TRUE(equals(x, {2, 1}, {1, 3}));
  EXPECT_TRUE(equals(gradients(sum(x), {a})[a], {2, 2}, {0, 0, -1, 0}));
}

TEST(Cholesky, of_many_rows_reads_the_lower_half_alone_too) {
  Generator generator(3);
  for (const DType dtype : {DType::float32, DType::float64})
    for (const std::int64_t n : {24, 127, 128, 131}) {
      const Tensor x = randn({3, n, n}, generator, dtype), lower = tril(ones({n, n}, dtype)) > 0;
      const Tensor a = matmul(x, transposed(x)) + n * eye(n, {}, dtype);
      const Tensor l = cholesky(where(lower, a, nan));
      EXPECT_TRUE(all(where(lower, 0, l) == 0).item<bool>());
      EXPECT_LT(max(abs(matmul(l, transposed(l)) - a)).item<double>(),
                dtype == DType::float32 ? 1e-2 : 1e-10);
      Tensor bad = slice_update(a, {1, 30 % n, 30 % n}, -1.0);
      EXPECT_TRUE(mentions(message_of<LinAlgError>([&] { (void)cholesky(bad); }), {"number 1"}));
    }
}

TEST(Cholesky, reads_the_lower_half_and_refuses_what_is_not_positive_definite) {
  EXPECT_TRUE(equals(cholesky(tensor({{4.0, nan}, {2.0, 5.0}})), {2, 2}, {2, 0, 1, 2}));
  EXPECT_TRUE(mentions(message_of<LinAlgError>([] {
                         cholesky(tensor({{1, 2, 0}, {2, 1, 0}, {0, 0, 1}}));
                       }),
                       {"cholesky: matrix (3, 3) is not positive definite at its leading minor 2; "}));
}

TEST(Cholesky, of_a_matrix_with_nan_is_nan_in_its_lower_half) {
  EXPECT_TRUE(equals(cholesky(tensor({{4.0, 0.0}, {nan, 5.0}})), {2, 2}, {nan, 0, nan, nan}));
}

TEST(Cholesky, has_a_symmetric_gradient) {
  const Tensor a = variable(tensor({{4.0, 2.0}, {2.0, 5.0}}));
  const Tensor g = gradients(sum(cholesky(a) * tensor({{1.0, 9.0}, {2.0, 3.0}})), {a})[a];
  EXPECT_TRUE(close(g, transposed(g), 1e-15));
}

TEST(Eigenvalues, have_gradients_also_where_some_are_equal) {
  const Tensor a = variable(diagonal({2, 2, 1}));
  EXPECT_TRUE(close(gradients(sum(square(eigh(a).eigenvalues)), {a})[a], 2 * diagonal({2, 2, 1}), 1e-12));
  EXPECT_TRUE(close(gradients(sum(square(svdvals(a))), {a})[a], 2 * diagonal({2, 2, 1}), 1e-12));
  EXPECT_TRUE(close(gradients(prod(eigvalsh(a)), {a})[a], diagonal({2, 2, 4}), 1e-12));
}

/// H v for the Hessian H of f at x, by two passes back, and by one back and one forward.
std::vector<Tensor> hessian_products(const std::function<Tensor(const Tensor&)>& f, const Tensor& at,
                                     const Tensor& v) {
  const Tensor x = variable(at), slope_ = gradients(f(x), {x}, {.create_graph = true})[x];
  return {gradients(sum(slope_ * v), {x})[x], jvp(grad(f), at, v).tangent};
}

TEST(Eigenvalues, have_second_derivatives_also_where_some_are_equal_or_close) {
  Engine engine(seed());
  const Tensor q = qr(random_tensor({4, 4}, engine)).Q, x = random_tensor({4, 4}, engine),
               v = x + transposed(x);
  const auto cubes = [](const Tensor& a) { return sum(pow(eigvalsh(a), 3)); };  // tr A³
  for (const double gap : {0.0, 1e-14, 1e-10, 1e-6, 1e-3}) {
    const Tensor a = matmul(q * tensor({2.0, 2.0 + gap, 2.0 - gap, -1.0}), transposed(q));
    const Tensor expected = 3.0 * (matmul(a, v) + matmul(v, a));
    for (const Tensor& product : hessian_products(cubes, a, v))
      EXPECT_TRUE(close(product, expected, 1e-7)) << gap << product << expected;
    EXPECT_TRUE(close(hessian_products(cubes, a, v)[0], expected, 1e-9)) << gap;
    const Tensor both = stack({a, eye(4)}), along = stack({v, v});
    EXPECT_TRUE(close(hessian_products(cubes, both, along)[0], stack({expected, 6 * v}), 1e-9)) << gap;
    EXPECT_TRUE(close(hessian_products(cubes, both, along)[1], stack({expected, 6 * v}), 1e-7)) << gap;
    for (const Tensor& product : hessian_products([](const Tensor& t) { return sum(eigvalsh(t)); }, a, v))
      EXPECT_TRUE(close(product, zeros({4, 4}), 1e-9));
  }
  // Along directions in which equal ones part, in which they do not, and in which others do.
  for (const Tensor& direction : {tensor({{1.0, 2.0}, {2.0, -3.0}}), tensor({{1.0, 2.0}, {2.0, 1.0}}),
                                  tensor({{0.0, 2.0}, {2.0, 0.0}}), eye(2), zeros({2, 2})})
    for (const Tensor& product : hessian_products(cubes, eye(2), direction))
      EXPECT_TRUE(close(product, 6 * direction, 1e-12)) << product;
}

TEST(Eigenvalues, that_are_equal_move_in_the_directions_in_which_they_part) {
  const Tensor swap = tensor({{0.0, 1.0}, {1.0, 0.0}});
  const auto values = [](const Tensor& a) { return eigvalsh(a); };
  EXPECT_TRUE(close(jvp(values, eye(2), swap).tangent, tensor({-1.0, 1.0}), 1e-14));
  const auto of_rows = [](const Tensor& a) { return svdvals(a); };
  EXPECT_TRUE(close(sum(abs(jvp(of_rows, eye(2), swap).tangent)), tensor(2.0), 1e-14));
  const Tensor of_many = jvp(values, stack({eye(2), 2 * swap}), stack({swap, eye(2)})).tangent;
  EXPECT_TRUE(close(of_many, tensor({{-1.0, 1.0}, {1.0, 1.0}}), 1e-14));
}

TEST(Eigenvalues, that_are_told_from_close_ones_have_second_derivatives_by_their_gap) {
  const Tensor v = tensor({{0.0, 1.0}, {1.0, 0.0}});
  const auto largest = [](const Tensor& a) { return eigvalsh(a)[-1]; };  // 1 + gap + v₀₁² / gap + ...
  for (const double gap : {1e-9, 1e-6, 1e-3, 1.0})
    for (const Tensor& product : hessian_products(largest, tensor({{1.0, 0.0}, {0.0, 1.0 + gap}}), v))
      EXPECT_TRUE(close(product * gap, v, 1e-6)) << gap;
  for (const Tensor& product : hessian_products(largest, eye(2), v))
    EXPECT_FALSE(std::isfinite(product[{0, 1}].item())) << product;
}

TEST(SingularValues, have_second_derivatives_also_where_some_are_equal_or_zero) {
  Engine engine(seed());
  const auto fourth = [](const Tensor& a) { return sum(pow(svdvals(a), 4)); };  // ‖A Aᵀ‖²
  for (const Shape& shape : {Shape{4, 3}, Shape{3, 4}, Shape{3, 3}})
    for (const std::vector<double>& numbers :
         {std::vector{2.0, 2.0, 1.0}, {2.0, 2.0, 2.0}, {2.0, 2.0 - 1e-9, 0.0}, {1.0, 0.0, 0.0}}) {
      const Tensor u = qr(random_tensor({shape[0], 3}, engine)).Q, v = random_tensor(shape, engine);
      const Tensor a = matmul(u * tensor(numbers), transposed(qr(random_tensor({shape[1], 3}, engine)).Q));
      const Tensor right = matmul(transposed(a), a), left = matmul(a, transposed(a));
      const Tensor expected = 4 * (matmul(v, right) + matmul(matmul(a, transposed(v)), a) + matmul(left, v));
      const auto products = hessian_products(fourth, a, v);
      EXPECT_TRUE(close(products[0], expected, 1e-8)) << shape << numbers[1];
      if (numbers[2] > 0) {
        EXPECT_TRUE(close(products[1], expected, 1e-7)) << shape << products[1] << expected;
      }
    }
  const Tensor none = zeros({3, 2}), v = random_tensor({3, 2}, engine);
  EXPECT_TRUE(close(hessian_products([](const Tensor& a) { return sum(square(svdvals(a))); }, none, v)[0],
                    2 * v, 1e-14));
}

TEST(Eigenvectors, that_multiply_out_to_the_matrix_have_its_gradient) {
  Engine engine(seed());
  const Tensor x = random_tensor({3, 3}, engine), a = variable(x + transposed(x) + diagonal({0, 3, 6}));
  const EighResult parts = eigh(a);
  const Tensor back = matmul(parts.eigenvectors * parts.eigenvalues, transposed(parts.eigenvectors));
  EXPECT_TRUE(close(back, a, 1e-13));
  const Tensor g = random_tensor({3, 3}, engine), slope = gradients(back, {a}, {.seed = g})[a];
  EXPECT_TRUE(close(slope, 0.5 * (g + transposed(g)), 1e-12));
}

TEST(Svd, with_full_matrices_adds_a_basis_of_the_rest) {
  const Tensor a = variable({{1.0, 2.0}, {3.0, 4.0}, {5.0, 7.0}});
  const auto projection = [](const Tensor& x, bool wide) {  // onto what is not in the columns, or in the rows
    const SvdResult all = svd(wide ? transpose(x) : x, true);
    const Tensor rest = wide ? transpose(all.Vh[{Slice{2, 3}}]) : all.U[{Slice{}, Slice{2, 3}}];
    return matmul(rest, transpose(rest));
  };
  const auto expected = [](const Tensor& x) { return eye(3) - matmul(x, pinv(x)); };
  const Tensor weights = tensor({{1.0, -2.0, 0.5}, {0.0, 1.0, 3.0}, {2.0, -1.0, 1.5}});
  for (const bool wide : {false, true}) {
    EXPECT_TRUE(close(projection(a, wide), expected(a), 1e-13));
    const auto f = [&](const Tensor& x) { return sum(projection(x, wide) * weights); };
    const auto g = [&](const Tensor& x) { return sum(expected(x) * weights); };
    EXPECT_TRUE(close(gradients(f(a), {a})[a], gradients(g(a), {a})[a], 1e-12));
    const Tensor v = tensor({{0.5, -1.0}, {0.25, 2.0}, {1.0, 0.0}});
    EXPECT_TRUE(close(hessian_products(f, a, v)[0], hessian_products(g, a, v)[0], 1e-10));
  }
  const QrResult complete = qr(a, true);
  EXPECT_TRUE(close(matmul(complete.Q, complete.R), a, 1e-13));
  EXPECT_TRUE(close(matmul(complete.Q, transpose(complete.Q)), eye(3), 1e-14));
  EXPECT_EQ(qr(transpose(a), true).R.shape(), (Shape{2, 3}));
  const SvdResult many = svd(zeros({4, 5, 2}), true);
  EXPECT_TRUE(close(matmul(many.U, swapaxes(many.U, -2, -1)), broadcast_to(eye(5), {4, 5, 5}), 1e-14));
  EXPECT_EQ(svd(zeros({0, 3}), true).Vh.shape(), (Shape{3, 3}));
}

TEST(Svd, multiplies_out_to_the_matrix_and_so_do_gradients) {
  Engine engine(seed());
  for (const Shape& shape : {Shape{4, 2}, Shape{2, 4}, Shape{2, 3, 3}}) {
    const Tensor a = variable(random_tensor(shape, engine)), g = random_tensor(shape, engine);
    const SvdResult svd_of_a = svd(a);
    const Tensor s = reshape(svd_of_a.S, shape.rank() == 3 ? Shape{2, 1, 3} : Shape{1, 2});
    const Tensor back = matmul(svd_of_a.U * s, svd_of_a.Vh);
    EXPECT_TRUE(close(back, a, 1e-13));
    EXPECT_TRUE(close(gradients(back, {a}, {.seed = g})[a], g, 1e-10));
    const QrResult qr_of_a = qr(a);
    EXPECT_TRUE(close(matmul(qr_of_a.Q, qr_of_a.R), a, 1e-13));
    EXPECT_TRUE(close(gradients(matmul(qr_of_a.Q, qr_of_a.R), {a}, {.seed = g})[a], g, 1e-10));
  }
}

TEST(Determinant, has_the_cofactors_as_gradient_where_the_matrix_is_singular) {
  const auto check = [](const std::vector<double>& numbers, const std::vector<double>& cofactors) {
    const auto n = static_cast<std::int64_t>(numbers.size() == 4 ? 2 : 3);
    const Tensor a = variable(tensor(numbers, {n, n}));
    for (const bool create_graph : {false, true})
      EXPECT_TRUE(close(gradients(det(a), {a}, {.create_graph = create_graph})[a], cofactors, 1e-13));
  };
  check({1, 2, 2, 4}, {4, -2, -2, 1});
  check({0, 0, 0, 0}, {0, 0, 0, 0});
  check({2, 0, 0, 0, 3, 0, 0, 0, 0}, {0, 0, 0, 0, 0, 0, 0, 0, 6});
  check({1, 1, 1, 1, 1, 1, 1, 1, 1}, {0, 0, 0, 0, 0, 0, 0, 0, 0});
  check({1, 2, 3, 4, 5, 6, 7, 8, 9}, {-3, 6, -3, 6, -12, 6, -3, 6, -3});
}

TEST(Determinant, has_second_derivatives_where_the_matrix_is_singular) {
  const Tensor a = variable(zeros({2, 2}));
  const Tensor slope = gradients(det(a), {a}, {.create_graph = true})[a];
  EXPECT_TRUE(equals(gradients(slope[{0, 0}], {a})[a], {2, 2}, {0, 0, 0, 1}));
}

TEST(Determinant, has_all_digits_of_high_derivatives_where_the_matrix_is_nearly_singular) {
  // Q (D + x E) Qᵀ, of determinant Π (dᵢ + x eᵢ).
  const Tensor q =
      qr(tensor({{0.3, -0.8, 0.5, 0.1}, {0.9, 0.2, -0.4, 0.6}, {-0.2, 0.7, 0.1, 0.8}, {0.4, 0.5, 0.6, -0.3}}))
          .Q;
  const Tensor e = tensor({0.7, -0.5, 0.9, 1.3});
  for (const double least : {0.2, 0.05, 0.01, 1e-3, 1e-6, 1e-12, 0.0}) {
    SCOPED_TRACE(least);
    const Tensor d = tensor({1.2, 1.0, least, -0.9});
    const auto of_pair = [&](const Tensor& x) { return matmul(q * (d + x * e), transpose(q)); };
    const std::vector<Tensor> found =
        jet([&](const Tensor& x) { return det(of_pair(x)); }, tensor(0.0), tensor(1.0), 6);
    std::vector<double> expected = {1, 0, 0, 0, 0, 0, 0};
    for (std::int64_t i = 0; i < 4; ++i)
      for (std::size_t k = 7; k-- > 0;)
        expected[k] = expected[k] * d[i].item() + (k > 0 ? expected[k - 1] * e[i].item() : 0);
    for (std::size_t k = 0; k <= 6; ++k) EXPECT_NEAR(found[k].item(), expected[k], 1e-10) << "order " << k;
  }
}

TEST(Determinant, of_a_batch_with_a_singular_matrix_has_the_gradients_of_each) {
  const Tensor a = variable(stack({tensor({{2.0, 0.0}, {0.0, 4.0}}), singular}));
  EXPECT_TRUE(equals(det(a), {2}, {8, 0}));
  for (const bool create_graph : {false, true})
    EXPECT_TRUE(close(gradients(sum(det(a)), {a}, {.create_graph = create_graph})[a],
                      std::vector<double>{4, 0, 0, 2, 4, -2, -2, 1}, 1e-13));
  const auto [sign, logabsdet] = slogdet(a);
  EXPECT_TRUE(equals(sign, {2}, {1, 0}));
  EXPECT_TRUE(close(logabsdet, {std::log(8), -infinity}));
  const Tensor first =
      gradients(where(tensor({true, false}), logabsdet, 0), {a}, {.seed = tensor({1.0, 1.0})})[a];
  EXPECT_TRUE(close(first, std::vector<double>{0.5, 0, 0, 0.25, 0, 0, 0, 0}));
}

TEST(Determinant, is_right_where_products_of_its_pivots_are_out_of_range) {
  EXPECT_EQ(det(diagonal({1e200, 1e200, 1e-300})).item(), 1e100);
  EXPECT_EQ(det(diagonal({1e-200, 1e-200, -1e300})).item(), -1e-100);
  EXPECT_EQ(det(diagonal({1e200, 1e200, 1e200})).item(), infinity);
  EXPECT_EQ(det(tensor({{0.0F, 1e30F}, {1e30F, 0.0F}})).item<float>(), -infinity);
}

TEST(Determinant, has_the_cofactors_as_gradient_where_it_is_out_of_range_itself) {
  const Tensor a = tensor({{2.0, 1.0, 0.5}, {-1.0, 3.0, 1.0}, {0.25, 1.0, -2.0}});
  const auto slope_at = [](const Tensor& at, bool create_graph) {
    const Tensor x = variable(at);
    return gradients(sum(det(x)), {x}, {.create_graph = create_graph})[x];
  };
  for (const bool recorded : {false, true}) {
    for (const double scale : {0x1p500, 0x1p-500})
      EXPECT_TRUE(close(slope_at(a * scale, recorded) / scale / scale, slope_at(a, recorded), 1e-14));
    const Tensor single = cast(a, DType::float32);
    for (const float scale : {0x1p60F, 0x1p-60F})
      EXPECT_TRUE(close(slope_at(single * scale, recorded) / scale / scale, slope_at(a, recorded), 1e-6));
    const Tensor both = slope_at(stack({a * 0x1p500, a}), recorded);
    EXPECT_TRUE(close(both[1], slope_at(a, recorded), 1e-14));
  }
  const auto by_vmap = vmap(grad([](const Tensor& x) { return det(x); }))(stack({a * 0x1p-500, a}));
  EXPECT_TRUE(close(by_vmap[0] * 0x1p1000, slope_at(a, false), 1e-14));
  EXPECT_TRUE(close(by_vmap[1], slope_at(a, false), 1e-14));
}

TEST(Determinant, has_the_cofactors_as_gradient_where_products_of_some_numbers_are_out_of_range) {
  for (const bool recorded : {false, true})
    for (const auto& [numbers, cofactors] :
         {std::pair{std::vector{1e200, 1e200, 1e-300}, std::vector{1e-100, 1e-100, infinity}},
          {{1e-200, 1e-200, 1e300}, {1e100, 1e100, 0.0}},
          {{1e-300, 1.0, 1e300}, {1e300, 1.0, 1e-300}},
          {{0.0, 1e100, 1e150}, {1e250, 0.0, 0.0}}}) {
      const Tensor x = variable(diag(tensor(numbers)));
      const Tensor slope = gradients(det(x), {x}, {.create_graph = recorded})[x];
      for (std::int64_t i = 0; i < 9; ++i) {
        const double exact = i % 4 == 0 ? cofactors[static_cast<std::size_t>(i / 4)] : 0;
        const double got = slope[{i / 3, i % 3}].item();
        EXPECT_TRUE(got == exact || std::abs(got / exact - 1) < 1e-14) << slope;
      }
    }
  // Rows and columns of other sizes: a cofactor is that of the plain matrix, by all factors but two.
  const Tensor a = tensor({{2.0, 1.0, 0.5}, {-1.0, 3.0, 1.0}, {0.25, 1.0, -2.0}});
  const Tensor rows = tensor({0x1p900, 0x1p-800, 0x1p-120}), columns = tensor({0x1p-60, 0x1p100, 0x1p-30});
  const Tensor x = variable(a * reshape(rows, {3, 1}) * columns), y = variable(a);
  const Tensor slope = gradients(det(x), {x})[x], plain = gradients(det(y), {y})[y];
  const Tensor product = slope * reshape(rows, {3, 1}) * columns * 0x1p30;
  EXPECT_TRUE(close(product * 0x1p-20, plain, 1e-14)) << product << plain;
}

TEST(LeastSquares, has_infinite_gradients_where_they_are_out_of_range_and_no_nan) {
  const Tensor a = tensor({{1.0, 2.0}, {3.0, 4.0}, {5.0, 7.0}}), b = tensor({1.0, 0.0, 2.0});
  const auto slope_at = [&](double scale) {
    const Tensor x = variable(a * scale);
    return gradients(sum(lstsq(x, b)), {x})[x];
  };
  EXPECT_TRUE(array_equal(slope_at(1e-300), slope_at(1) * infinity));
  EXPECT_TRUE(close(slope_at(0x1p-500) * 0x1p-1000, slope_at(1), 1e-13));
}

TEST(Slogdet, does_not_overflow) {
  const auto [sign, logabsdet] = slogdet(diagonal({-1e200, 1e200, 1e200}));
  EXPECT_EQ(sign.item(), -1);
  EXPECT_NEAR(logabsdet.item(), 600 * std::log(10), 1e-10);
}

TEST(Slogdet, has_the_transposed_inverse_as_gradient_of_matrices_of_many_sizes) {
  Generator generator(3);
  for (const std::int64_t n : {1, 2, 3, 47, 48, 49, 96, 131}) {
    const Tensor a = variable(randn({2, n, n}, generator));
    const Tensor slope = gradients(sum(slogdet(a).logabsdet), {a})[a];
    const Tensor unit = broadcast_to(eye(n), {2, n, n});
    EXPECT_TRUE(allclose(matmul(transposed(slope), a), unit, 1e-9, 1e-9)) << n;
    EXPECT_TRUE(allclose(matmul(inverse(a), a), unit, 1e-9, 1e-9)) << n;
  }
}

TEST(PseudoInverse, has_a_gradient_where_the_rank_is_not_full_but_stays) {
  // Along matrices of rank 1, u vᵀ / (‖u‖² ‖v‖²) turned.
  const auto inverse_of = [](const Tensor& u) {
    return pinv(einsum("i,j->ij", u, tensor({1.0, -2.0, 2.0})));
  };
  Engine engine(seed());
  const Tensor u = variable({1.0, 2.0}), g = random_tensor({3, 2}, engine),
               direction = random_tensor({2}, engine);
  EXPECT_TRUE(close(inverse_of(u), einsum("j,i->ji", tensor({1.0, -2.0, 2.0}), u) / 45, 1e-14));
  const double expected = slope([&](const Tensor& moved) { return dot(inverse_of(moved), g); }, u, direction);
  EXPECT_NEAR(dot(gradients(inverse_of(u), {u}, {.seed = g})[u], direction), expected, 1e-9);
  EXPECT_TRUE(equals(matrix_rank(stack({singular, zeros({2, 2}), inverse(tensor({{2, 1}, {1, 1}}))})), {3},
                     {1, 0, 2}));
  EXPECT_TRUE(close(cond(diagonal({4, -2, 1})), std::vector<double>{4}));
}

TEST(PseudoInverse, counts_singular_values_up_to_a_tolerance_as_zero) {
  const Tensor a = diagonal({2, 0.1, 1e-20});
  EXPECT_TRUE(close(pinv(a, {}, 0.5), diagonal({0.5, 0, 0}), 1e-14));
  EXPECT_TRUE(close(pinv(a, 0.01, 0.0), diagonal({0.5, 10, 0}), 1e-13));
  EXPECT_EQ(matrix_rank(a, {}, 0.5).item(), 1);
  EXPECT_EQ(matrix_rank(a, {}, 1e-30).item(), 3) << "an absolute tolerance stands for the relative one";
  EXPECT_EQ(matrix_rank(a, 0.2, 1e-30).item(), 1);
  EXPECT_EQ(matrix_rank(a).item(), 2);
}

TEST(MatrixExponential, of_large_matrices_and_batches_is_scaled_for_each) {
  const Tensor turn = tensor({{0.0, 1.0}, {-1.0, 0.0}});
  const Tensor y = matrix_exp(stack({turn * 1e-3, turn * 1000.0}));
  EXPECT_TRUE(close(y,
                    {std::cos(1e-3), std::sin(1e-3), -std::sin(1e-3), std::cos(1e-3), std::cos(1e3),
                     std::sin(1e3), -std::sin(1e3), std::cos(1e3)},
                    1e-11));
  EXPECT_EQ(matrix_exp(tensor({{0.0F}})).dtype(), DType::float32);
}

TEST(LinearAlgebra, of_nan_is_nan_and_never_hangs) {
  for (const double bad : {nan, infinity})
    for (const Shape& shape : {Shape{3, 3}, Shape{40, 40}}) {
      const Tensor a = full(shape, bad);
      for (const Tensor& result :
           {svd(a).U, svd(a).S, eigh(a).eigenvectors, eigvalsh(a), svdvals(a), qr(a).Q, cholesky(a), det(a),
            matrix_exp(a), pinv(a), slogdet(a).logabsdet, cond(a)})
        EXPECT_TRUE(all((result != result) | (abs(result) == infinity) | (result == 0))) << result;
    }
}

TEST(LinearAlgebra, of_empty_matrices_is_empty) {
  const Tensor none = zeros({0, 0}), batch = zeros({0, 3, 3});
  EXPECT_EQ(det(none).item(), 1);
  EXPECT_EQ(slogdet(none).logabsdet.item(), 0);
  for (const Tensor& result : {inverse(none), cholesky(none), qr(none).R, eigh(none).eigenvectors,
                               svd(none).Vh, pinv(none), matrix_exp(none), solve(none, zeros({0}))})
    EXPECT_EQ(result.size(), 0);
  EXPECT_EQ(to_string(svd(batch).S.shape()), "(0, 3)");
  EXPECT_EQ(to_string(solve(batch, zeros({3, 2})).shape()), "(0, 3, 2)");
  EXPECT_EQ(to_string(qr(zeros({3, 0})).Q.shape()), "(3, 0)");
  EXPECT_EQ(to_string(qr(zeros({0, 3})).R.shape()), "(0, 3)");
  EXPECT_EQ(to_string(det(batch).shape()), "(0,)");
  EXPECT_EQ(matrix_rank(zeros({0, 2})).item(), 0);
}

}  // namespace
}  // namespace chainrule::test
