// Jacobians, Hessians, products with them, Laplacians and Taylor coefficients against closed forms, central
// differences, and functorch (PyTorch 1.13) in float64.

#include "chainrule/derivatives.h"

#include "chainrule/autograd.h"
#include "chainrule/functions.h"
#include "chainrule/indexing.h"
#include "chainrule/linalg.h"
#include "chainrule/nn.h"
#include "chainrule/ops.h"
#include "chainrule/random.h"
#include "chainrule/shaping.h"
#include "chainrule/statistics.h"
#include "support.h"

namespace chainrule::test {
namespace {

Tensor weight() { return tensor({{0.3, -0.2}, {0.5, 0.7}, {-0.4, 0.1}}); }
Tensor bias() { return tensor({0.1, -0.3, 0.2}); }
Tensor point() { return tensor({0.6, -1.1}); }
Tensor network(const Tensor& x) { return tanh(matmul(weight(), x) + bias()); }
Tensor loss(const Tensor& x) { return sum(square(network(x))) * exp(x[0]); }

Tensor rosenbrock(const Tensor& x) {
  const Tensor a = x[{Slice{{}, -1}}], b = x[{Slice{1, {}}}];
  return sum(100 * square(b - square(a)) + square(1 - a));
}

TEST(Jacobian, is_that_of_pytorch_in_every_mode) {
  for (const auto mode : {JacobianMode::smaller, JacobianMode::forward, JacobianMode::reverse}) {
    const Tensor j = jacobian(network, {.mode = mode})(point());
    EXPECT_EQ(j.shape(), (Shape{3, 2}));
    EXPECT_TRUE(close(j,
                      {0.2359343198897782, -0.1572895465931855, 0.2907411430755569, 0.4070376003057796,
                       -0.3911332987051934, 0.0977833246762984},
                      1e-15));
    EXPECT_FALSE(j.requires_grad());
  }
}

TEST(Jacobian, of_matrices_has_the_axes_of_the_result_and_then_of_the_argument) {
  const Tensor a = tensor({{1.0, 2.0}, {3.0, 4.0}, {5.0, 6.0}}), b = tensor({{1.0, -1.0}, {0.5, 2.0}});
  for (const auto mode : {JacobianMode::forward, JacobianMode::reverse}) {
    // d(ab)_ij / db_kl = a_ik δ_jl
    const Tensor j = jacobian([](const Tensor& x, const Tensor& y) { return matmul(x, y); }, argnums<1>,
                              {.mode = mode})(a, b);
    ASSERT_EQ(j.shape(), (Shape{3, 2, 2, 2}));
    for (std::int64_t i = 0; i < 3; ++i)
      for (std::int64_t k = 0; k < 2; ++k)
        for (std::int64_t l = 0; l < 2; ++l)
          for (std::int64_t m = 0; m < 2; ++m) {
            const double expected = k == m ? a[{i, l}].item() : 0;
            EXPECT_EQ((j[{i, k, l, m}].item()), expected);
          }
  }
}

TEST(Jacobian, of_structures_is_the_structure_of_results_with_one_of_arguments_in_each) {
  const auto f = [](const std::vector<Tensor>& x, const Tensor& y) {
    return std::pair(x[0] * y, std::array{sum(x[1]), argmax(y)});
  };
  const std::vector<Tensor> x = {tensor({1.0, 2.0}), tensor({{3.0}})};
  for (const auto mode : {JacobianMode::forward, JacobianMode::reverse}) {
    const auto [products, others] = jacobian(f, argnums<0, 1>, {.mode = mode})(x, tensor({5.0, 7.0}));
    const auto& [by_x, by_y] = products;
    EXPECT_TRUE(equals(by_x[0], {2, 2}, {5, 0, 0, 7}));
    EXPECT_TRUE(equals(by_x[1], {2, 1, 1}, {0, 0}));
    EXPECT_TRUE(equals(by_y, {2, 2}, {1, 0, 0, 2}));
    EXPECT_TRUE(equals(std::get<0>(others[0])[1], {1, 1}, {1}));
    EXPECT_TRUE(equals(std::get<1>(others[1]), {2}, {0, 0}));  // of an integer
  }
  struct Both {
    Tensor twice, square;
    CHAINRULE_MEMBERS(twice, square)
  };
  const Both j = jacobian([](const Tensor& at) { return Both{2 * at, at * at}; })(tensor({3.0}));
  EXPECT_TRUE(equals(j.twice, {1, 1}, {2}));
  EXPECT_TRUE(equals(j.square, {1, 1}, {6}));
}

TEST(Jacobian, can_be_differentiated_and_nested) {
  const auto cubes = [](const Tensor& x) { return x * x * x; };
  for (const auto mode : {JacobianMode::forward, JacobianMode::reverse}) {
    const auto trace_of = [&](const Tensor& x) { return sum(jacobian(cubes, {.mode = mode})(x)); };
    EXPECT_TRUE(close(grad(trace_of)(tensor({1.0, 2.0})), {6, 12}));
    const Tensor second =
        jacobian(jacobian(cubes, {.mode = mode}), {.mode = JacobianMode::forward})(tensor({1.0, 2.0}));
    EXPECT_TRUE(close(second, {6, 0, 0, 0, 0, 0, 0, 12}));
    const Tensor w = variable(2.0);
    const Tensor scaled =
        jacobian([&](const Tensor& x) { return w * w * x; }, {.mode = mode})(tensor({1.0, 1.0}));
    EXPECT_EQ(gradients(sum(scaled), {w})[w].item(), 8);
  }
}

// Large enough that the directions are not spelled out: a product with them scales rows of the matrix.
TEST(Jacobian, of_large_products_is_that_of_the_textbook_in_chunks_and_row_by_row) {
  Generator generator(3);
  const Tensor a = randn({17, 20}, generator), b = randn({17, 17}, generator), x = randn({20}, generator);
  const Tensor inner = tanh(matmul(a, x)), y = tanh(matmul(b, inner));
  const Tensor expected = matmul(reshape(1 - y * y, {17, 1}) * b, reshape(1 - inner * inner, {17, 1}) * a);
  const auto columns = [&](const Tensor& v) { return tanh(matmul(b, tanh(matmul(a, v)))); };
  const auto rows = [&](const Tensor& v) {  // the same, by products with the transposed
    return tanh(matmul(tanh(matmul(v, transpose(a))), transpose(b)));
  };
  const auto stack = [&](const Tensor& v) { return reshape(columns(v), {1, 17, 1}) * tensor({{2.0}}); };
  for (const std::int64_t chunk : {0, 1, 5, 17}) {
    EXPECT_TRUE(
        allclose(jacobian(columns, {.mode = JacobianMode::reverse, .chunk_size = chunk})(x), expected));
    EXPECT_TRUE(allclose(jacobian(rows, {.mode = JacobianMode::reverse, .chunk_size = chunk})(x), expected));
    EXPECT_TRUE(
        allclose(reshape(jacobian(stack, {.mode = JacobianMode::reverse, .chunk_size = chunk})(x), {17, 20}),
                 2 * expected));
  }
  // One factor for all, one for each row and none; and 0 stays 0 where the slope is infinite.
  const Tensor zeros_and_ones = concatenate({zeros({10}), ones({10})});
  EXPECT_TRUE(allclose(jacobian([](const Tensor& v) { return 3 * v; })(x), 3 * eye(20)));
  EXPECT_TRUE(allclose(jacobian(
                           [](const Tensor& v) {
                             return v * reshape(v, {20, 1});
                           },
                           {.mode = JacobianMode::reverse})(x),
                       reshape(eye(20), {20, 1, 20}) * reshape(x, {1, 20, 1}) +
                           reshape(x, {20, 1, 1}) * reshape(eye(20), {1, 20, 20})));
  EXPECT_TRUE(all(jacobian([](const Tensor& v) { return sqrt(v); })(zeros_and_ones) ==
                  where(eye(20) == 1, 0.5 / sqrt(zeros_and_ones), 0)));
}

TEST(Jacobian, of_nothing_is_empty) {
  EXPECT_EQ(jacobian([](const Tensor& x) { return x * 2; })(zeros({0})).shape(), (Shape{0, 0}));
  EXPECT_EQ(jacobian([](const Tensor& x) { return sum(x); })(zeros({0})).shape(), (Shape{0}));
}

TEST(Hessian, is_that_of_pytorch_and_of_central_differences) {
  const Tensor h = hessian(loss)(point());
  EXPECT_TRUE(
      close(h, {1.5298523264920827, -1.6619462251490813, -1.6619462251490809, -0.1908908492853723}, 1e-13));
  for (std::int64_t i = 0; i < 2; ++i) {
    std::vector<double> step = {0, 0};
    step[static_cast<std::size_t>(i)] = 1e-5;
    const Tensor difference =
        (grad(loss)(point() + tensor(step)) - grad(loss)(point() - tensor(step))) / 2e-5;
    EXPECT_TRUE(close(h[i], values(difference), 1e-8));
  }
}

TEST(Hessian, of_rosenbrock_is_that_of_the_textbook) {
  const Tensor x = tensor({-1.2, 1.0, 0.5, 2.0});
  std::vector<double> expected(16, 0);
  const std::vector<double> at = values(x);
  for (std::size_t i = 0; i + 1 < 4; ++i) {
    expected[i * 5] += 1200 * at[i] * at[i] - 400 * at[i + 1] + 2;
    expected[(i + 1) * 5] += 200;
    expected[i * 4 + i + 1] = expected[(i + 1) * 4 + i] = -400 * at[i];
  }
  EXPECT_TRUE(close(hessian(rosenbrock)(x), expected, 1e-12));
}

TEST(Hessian, of_several_arguments_has_a_block_for_each_pair) {
  const auto f = [](const Tensor& x, const Tensor& y) { return sum(x * x * y); };
  const auto h = hessian(f, argnums<0, 1>)(tensor({2.0, 3.0}), tensor({5.0, 7.0}));
  EXPECT_TRUE(equals(std::get<0>(std::get<0>(h)), {2, 2}, {10, 0, 0, 14}));
  EXPECT_TRUE(equals(std::get<1>(std::get<0>(h)), {2, 2}, {4, 0, 0, 6}));
  EXPECT_TRUE(equals(std::get<0>(std::get<1>(h)), {2, 2}, {4, 0, 0, 6}));
  EXPECT_TRUE(equals(std::get<1>(std::get<1>(h)), {2, 2}, {0, 0, 0, 0}));
}

TEST(Hessian, of_a_struct_has_blocks_by_the_names_of_its_members) {
  struct Line {
    Tensor slope, offset;
    CHAINRULE_MEMBERS(slope, offset)
  };
  const auto f = [](const Line& line) {
    return sum(square(line.slope) * line.offset) + line.offset * line.offset * line.offset;
  };
  const Line at{tensor({2.0, 3.0}), tensor(5.0)};
  const auto h = hessian(f)(at);
  ASSERT_EQ(h.names(), (std::vector<std::string>{"slope", "offset"}));
  EXPECT_TRUE(equals(h.at("slope").slope, {2, 2}, {10, 0, 0, 10}));
  EXPECT_TRUE(equals(h.at("slope").offset, {2}, {4, 6}));
  EXPECT_TRUE(equals(h.at("offset").slope, {2}, {4, 6}));
  EXPECT_TRUE(equals(h[1].offset, {}, {30}));
  EXPECT_EQ(message_of<std::out_of_range>([&] { (void)h.at("weight"); }),
            "Blocks: there is no tensor 'weight'; there are slope, offset");
  const auto of_layers = hessian([](const std::vector<Line>& lines) {
    return lines[0].offset * lines[1].offset + sum(lines[0].slope * lines[1].slope);
  })(std::vector<Line>{at, at});
  EXPECT_TRUE(equals(of_layers[0].at("slope")[1].slope, {2, 2}, {1, 0, 0, 1}));
}

TEST(Hessian, of_a_module_has_blocks_by_the_names_of_its_parameters) {
  const Linear layer(Parameter(tensor({{0.5, -1.0}}), "weight"), Parameter(tensor({0.25}), "bias"));
  const Tensor x = tensor({{1.0, 2.0}, {3.0, -1.0}});
  const auto h = hessian([&](const Linear& each) { return sum(square(each(x))); })(layer);
  EXPECT_EQ(h.names(), (std::vector<std::string>{"weight", "bias"}));
  EXPECT_TRUE(equals(Tensor(h.at("weight").weight()), {1, 2, 1, 2}, {20, -2, -2, 10}));
  EXPECT_TRUE(equals(Tensor(h.at("weight").bias()), {1, 2, 1}, {8, 2}));
  EXPECT_TRUE(equals(Tensor(h.at("bias").bias()), {1, 1}, {4}));
}

TEST(Hvp, is_the_hessian_times_the_vector_and_so_is_vhp) {
  const Tensor v = tensor({0.5, 2.0});
  const std::vector<double> expected = {-2.5589662870521210, -1.2127548111452855};
  EXPECT_TRUE(close(hvp(loss, point(), v), expected, 1e-13));
  EXPECT_TRUE(close(vhp(loss, point(), v), expected, 1e-13));
  PRINT_SEED_ON_FAILURE();
  Engine engine(seed());
  const Tensor x = random_tensor({20}, engine), u = random_tensor({20}, engine);
  EXPECT_TRUE(close(hvp(rosenbrock, x, u), matmul(hessian(rosenbrock)(x), u), 1e-12));
}

TEST(Hvp, takes_several_arguments_and_layers) {
  const auto f = [](const Tensor& x, const Tensor& y) { return sum(x * x * y); };
  const auto [by_x, by_y] =
      hvp(f, std::tuple(tensor({2.0, 3.0}), tensor({5.0, 7.0})), std::tuple(tensor({1.0, 1.0}), Tensor()));
  EXPECT_TRUE(equals(by_x, {2}, {10, 14}));
  EXPECT_TRUE(equals(by_y, {2}, {4, 6}));
  Generator generator(1);
  const Linear layer(2, 1, generator);
  const Linear along(Parameter(tensor({{1.0, 0.0}}), "w"), Parameter(tensor({2.0}), "b"));
  // Σ(Wx + b)² has the Hessian 2 (x, 1)(x, 1)ᵀ.
  const Linear product = hvp(
      [](const Linear& l) {
        return sum(square(l(tensor({3.0, 4.0}))));
      },
      layer, along);
  EXPECT_TRUE(close(product.weight().leaf(), {30, 40}));
  EXPECT_TRUE(close(product.bias().leaf(), {10}));
}

TEST(Hvp, of_a_linear_function_is_zero_and_can_be_differentiated) {
  EXPECT_TRUE(equals(hvp([](const Tensor& x) { return sum(x); }, point(), point()), {2}, {0, 0}));
  const auto f = [](const Tensor& x) { return sum(x * x * x * x); };
  const auto product = [&](const Tensor& x) { return sum(hvp(f, x, tensor({1.0, 2.0}))); };  // Σ 12 x² v
  EXPECT_TRUE(close(grad(product)(tensor({1.0, 2.0})), {24, 96}));
}

TEST(Divergence, is_the_trace_of_the_jacobian) {
  const auto field = [](const Tensor& x) { return stack({x[0] * x[1], sin(x[1]), x[2] * x[2] * x[0]}); };
  const Tensor x = tensor({2.0, 0.5, 3.0});
  EXPECT_NEAR(divergence(field)(x).item(), 0.5 + std::cos(0.5) + 12, 1e-13);
  EXPECT_TRUE(close(grad(divergence(field))(x), {6, 1 - std::sin(0.5), 4}, 1e-13));
  EXPECT_TRUE(
      mentions(message_of<ShapeError>([&] { divergence([](const Tensor& at) { return sum(at); })(x); }),
               {"divergence", "(3,)", "()"}));
}

TEST(Laplacian, is_the_trace_of_the_hessian) {
  // Of 1/r it vanishes in three dimensions; of r⁴ = (Σx²)² it is 4 (n + 2) r².
  const Tensor x = tensor({0.6, -1.1, 0.8});
  EXPECT_NEAR(laplacian([](const Tensor& at) { return 1 / sqrt(sum(square(at))); })(x).item(), 0, 1e-14);
  const auto fourth = [](const Tensor& at) { return square(sum(square(at))); };
  EXPECT_NEAR(laplacian(fourth)(x).item(), 20 * (0.36 + 1.21 + 0.64), 1e-12);
  EXPECT_TRUE(close(grad(laplacian(fourth))(x), values(40 * x), 1e-12));
  EXPECT_NEAR(laplacian(loss)(point()).item(), 1.5298523264920827 - 0.1908908492853723, 1e-13);
  EXPECT_EQ(laplacian([](const Tensor& a, const Tensor& b) { return sum(a * a) * b + b * b; })(x, 2.0).item(),
            12 + 2);
}

TEST(Jet, gives_the_taylor_coefficients_of_closed_forms) {
  const auto inverse = jet([](const Tensor& x) { return 1 / x; }, Tensor(4.0), Tensor(1.0), 6);
  ASSERT_EQ(inverse.size(), 7U);
  for (int k = 0; k <= 6; ++k)
    EXPECT_NEAR(inverse[static_cast<std::size_t>(k)].item(), std::pow(-1, k) / std::pow(4, k + 1), 1e-15);
  EXPECT_NEAR(inverse[6].item() * 720, 0.0439453125, 1e-10);
  const auto wave = jet([](const Tensor& x) { return sin(x); }, tensor({0.0, 0.3}), tensor({1.0, 2.0}), 5);
  EXPECT_TRUE(close(wave[5], {1.0 / 120, 32 * std::cos(0.3) / 120}, 1e-14));
  EXPECT_TRUE(close(wave[4], {0, 16 * std::sin(0.3) / 24}, 1e-14));
}

TEST(Jet, takes_structures_and_agrees_with_products_of_the_hessian) {
  const Tensor v = tensor({0.5, 2.0});
  const auto f = [](const Tensor& x, const Tensor& y) { return std::pair(loss(x) * y, 3 * x); };
  const auto c = jet(f, std::tuple(point(), Tensor(1.0)), std::tuple(v, Tensor()), 3);
  EXPECT_NEAR(c[0].first.item(), 1.1920970531460937, 1e-15);
  EXPECT_NEAR(c[1].first.item(), sum(grad(loss)(point()) * v).item(), 1e-14);
  EXPECT_NEAR(c[2].first.item(), 0.5 * sum(hvp(loss, point(), v) * v).item(), 1e-13);
  EXPECT_TRUE(close(c[1].second, {1.5, 6}));
  EXPECT_TRUE(equals(c[2].second, {2}, {0, 0}));
  EXPECT_FALSE(c[3].first.requires_grad());
  // Third, by a difference of second ones.
  const double h = 1e-4;
  const auto second = [&](double t) { return sum(hvp(loss, point() + t * v, v) * v).item(); };
  EXPECT_NEAR(c[3].first.item() * 6, (second(h) - second(-h)) / (2 * h), 1e-6);
}

TEST(Jet, refuses_negative_orders_and_other_shapes) {
  const auto f = [](const Tensor& x) { return x; };
  EXPECT_TRUE(mentions(message_of<std::invalid_argument>([&] { jet(f, Tensor(1.0), Tensor(1.0), -1); }),
                       {"jet", "-1"}));
  EXPECT_TRUE(mentions(message_of<ShapeError>([&] { jet(f, point(), Tensor(1.0), 1); }),
                       {"jet: the direction of argument 0 has shape ()", "(2,)"}));
  EXPECT_TRUE(mentions(message_of<DTypeError>([&] {
                         jet(f, tensor({1, 2}), tensor({1, 2}), 1);
                       }),
                       {"jet: argument 0 is int64"}));
}

TEST(GaussNewtonProduct, is_that_of_pytorch) {
  const auto logits = [](const Tensor& w) { return matmul(w, point()) + bias(); };
  const auto nll = [](const Tensor& y) { return -log_softmax(y)[1]; };
  const Tensor v = reshape(arange(-2, 4, DType::float64), {3, 2});
  const std::vector<double> expected = {0.2445735900510380, -0.4483849150935696, -0.0247771399093038,
                                        0.0454247565003902, -0.2197964501417341, 0.4029601585931795};
  EXPECT_TRUE(close(gnvp(logits, nll, weight(), v), expected, 1e-14));
  // The Fisher matrix of the same model does not depend on the class, and is the same here.
  EXPECT_TRUE(close(fvp(logits, Likelihood::categorical, weight(), v), expected, 1e-14));
}

TEST(FisherProduct, of_each_likelihood_is_that_of_its_loss) {
  const Tensor v = tensor({0.5, 2.0});
  const Tensor j = jacobian(network)(point()), along = matmul(j, v), y = network(point());
  const auto expected = [&](const Tensor& weights) { return values(matmul(transpose(j), weights * along)); };
  EXPECT_TRUE(close(fvp(network, Likelihood::normal, point(), v), expected(ones({3})), 1e-14));
  EXPECT_TRUE(close(fvp(network, Likelihood::poisson, point(), v), expected(exp(y)), 1e-14));
  EXPECT_TRUE(
      close(fvp(network, Likelihood::bernoulli, point(), v), expected(sigmoid(y) * (1 - sigmoid(y))), 1e-14));
  EXPECT_TRUE(close(empirical_fvp(network, point(), v), {0.0775209525873884, 0.1404851688511848}, 1e-14));
  EXPECT_TRUE(mentions(message_of<ShapeError>([&] { empirical_fvp(loss, point(), v); }),
                       {"empirical_fvp", "()", "(N,)"}));
}

TEST(FisherProduct, is_that_of_the_matrix_written_out) {
  Generator generator(1);
  const Tensor x = randn({5, 3}, generator), w = randn({4, 3}, generator), v = randn({4, 3}, generator);
  const auto model = [&](const Tensor& at) { return tanh(matmul(x, transpose(at))); };
  const Tensor j = reshape(jacobian(model)(w), {20, 12}), y = reshape(model(w), {20}),
               along = matmul(j, reshape(v, {12})), p = softmax(model(w)), s = 1 / (1 + exp(-y));
  Tensor classes = zeros({20, 20});
  for (std::int64_t i = 0; i < 5; ++i) {
    const Slice block{4 * i, 4 * i + 4};
    classes = slice_update(classes, {block, block}, diag(p[i]) - outer(p[i], p[i]));
  }
  const auto expect = [&](Likelihood likelihood, const Tensor& fisher) {
    const Tensor expected = reshape(matmul(transpose(j), matmul(fisher, along)), {4, 3});
    EXPECT_TRUE(close(fvp(model, likelihood, w, v), expected, 1e-14));
  };
  expect(Likelihood::normal, eye(20));
  expect(Likelihood::poisson, diag(exp(y)));
  expect(Likelihood::bernoulli, diag(s * (1 - s)));
  expect(Likelihood::categorical, classes);
}

}  // namespace
}  // namespace chainrule::test
