// Second derivatives against closed forms, by gradients of gradients and in both ways to write them.
// support.h reads and compares tensors.

#include "chainrule/autograd.h"
#include "chainrule/derivatives.h"
#include "chainrule/vmap.h"
#include "support.h"

namespace chainrule::test {
namespace {

/// The derivative of a scalar, itself differentiable.
Tensor derivative(const Tensor& y, const Tensor& x) {
  return gradients(y, {x}, {.create_graph = true}).at(x);
}

TEST(SecondDerivative, of_x_cubed_is_six_x_in_both_ways_to_write_it) {
  const Tensor x = variable(2.0);
  for (const Tensor& y : {pow(x, 3), x * x * x}) {
    const Tensor first = derivative(y, x);
    const Tensor second = derivative(first, x);
    const Tensor third = derivative(second, x);
    EXPECT_NEAR(first.item(), 12, 1e-12);
    EXPECT_NEAR(second.item(), 12, 1e-12);
    EXPECT_NEAR(third.item(), 6, 1e-12);
    EXPECT_NEAR(gradients(third, {x}).at(x).item(), 0, 1e-12);
  }
}

TEST(SecondDerivative, of_tanh_is_minus_two_tanh_times_its_derivative) {
  const Tensor x = variable(0.7);
  const double t = std::tanh(0.7);
  const Tensor second = derivative(derivative(tanh(x), x), x);
  EXPECT_NEAR(second.item(), -2 * t * (1 - t * t), 1e-14);
  EXPECT_NEAR(derivative(second, x).item(), (1 - t * t) * (6 * t * t - 2), 1e-14);
}

TEST(SecondDerivative, of_tanh_is_the_same_whether_its_value_is_still_there_or_not) {
  const Tensor x = variable(tensor({-1.5, 0.0, 1e-9, 0.7, 20.0}));
  const Tensor kept = tanh(x), known = tanh(x.detach());
  const Tensor slope = square(2 / (exp(x.detach()) + exp(-x.detach())));
  for (const Tensor& y : {sum(kept), sum(tanh(x))}) {
    const Tensor first = derivative(y, x), second = derivative(sum(first), x);
    EXPECT_TRUE(close(first, slope, 1e-15));
    EXPECT_TRUE(close(second, -2 * known * slope, 1e-15));
    EXPECT_TRUE(close(derivative(sum(second), x), slope * (6 * square(known) - 2), 1e-14));
    // x is all that the first derivative depends on.
    EXPECT_TRUE(close(gradients(sum(first), {kept}).at(kept), zeros_like(x), 0));
  }
}

TEST(SecondDerivative, of_tanh_is_differentiated_in_every_mode) {
  const Tensor x = tensor({-1.5, 0.0, 1e-9, 0.7, 20.0, 400.0}), along = ones_like(x);
  const Tensor y = tanh(x), slope = square(2 / (exp(x) + exp(-x)));
  const Tensor third = slope * (6 * square(y) - 2), fourth = slope * y * (16 - 24 * square(y));
  const auto second =
      grad([](const Tensor& a) { return sum(grad([](const Tensor& b) { return sum(tanh(b)); })(a)); });
  const auto summed = [&](const Tensor& a) { return sum(second(a)); };
  EXPECT_TRUE(close(grad(summed)(x), third, 1e-14));
  EXPECT_TRUE(close(jvp(second, x, along).tangent, third, 1e-14));
  EXPECT_TRUE(close(vmap(grad(summed))(x), third, 1e-14));
  EXPECT_TRUE(
      close(vmap([&](const Tensor& a) { return jvp(second, a, ones_like(a)).tangent; })(x), third, 1e-14));
  EXPECT_TRUE(close(grad([&](const Tensor& a) { return sum(grad(summed)(a)); })(x), fourth, 1e-13));
}

TEST(SecondDerivative, of_sine_walks_around_the_circle) {
  const Tensor x = variable(0.3);
  Tensor y = sin(x);
  const std::vector<double> circle = {std::cos(0.3), -std::sin(0.3), -std::cos(0.3), std::sin(0.3)};
  for (const double expected : circle) {
    y = derivative(y, x);
    EXPECT_NEAR(y.item(), expected, 1e-14);
  }
}

TEST(SecondDerivative, of_softmax_is_that_of_the_textbook) {
  // d²s_k/dx_i dx_j = s_k [(δ_ki − s_i)(δ_kj − s_j) − s_i (δ_ij − s_j)]
  const Tensor x = variable({0.1, -0.4, 0.8});
  const auto s = values(softmax(x));
  for (std::size_t k = 0; k < 3; ++k)
    for (std::size_t i = 0; i < 3; ++i) {
      const Tensor first = derivative(softmax(x)[static_cast<std::int64_t>(k)], x);
      const auto row = values(derivative(first[static_cast<std::int64_t>(i)], x));
      for (std::size_t j = 0; j < 3; ++j) {
        const auto delta = [](std::size_t a, std::size_t b) { return a == b ? 1.0 : 0.0; };
        const double expected =
            s[k] * ((delta(k, i) - s[i]) * (delta(k, j) - s[j]) - s[i] * (delta(i, j) - s[j]));
        EXPECT_NEAR(row[j], expected, 1e-14) << k << i << j;
      }
    }
}

TEST(SecondDerivative, of_cross_entropy_is_the_covariance_of_the_prediction) {
  const Tensor logits = variable({0.1, -0.4, 0.8});
  const auto s = values(softmax(logits));
  for (const Tensor& target : {tensor(std::int64_t{2}), tensor({0.0, 0.0, 1.0})}) {
    const Tensor first = derivative(cross_entropy(logits, target), logits);
    for (std::size_t i = 0; i < 3; ++i) {
      const auto row = values(derivative(first[static_cast<std::int64_t>(i)], logits));
      for (std::size_t j = 0; j < 3; ++j)
        EXPECT_NEAR(row[j], s[i] * ((i == j ? 1 : 0) - s[j]), 1e-14) << i << j;
    }
  }
}

TEST(SecondDerivative, of_a_squared_gradient_norm_is_twice_hessian_times_gradient) {
  // f = ½ xᵀ A x with symmetric A: gradient A x, ∇|∇f|² = 2 A A x.
  const Tensor a = tensor({{2.0, 1.0}, {1.0, 3.0}});
  const Tensor x = variable({1.0, -2.0});
  const Tensor f = 0.5 * matmul(x, matmul(a, x));
  const Tensor g = derivative(f, x);
  EXPECT_TRUE(close(g, {0, -5}));
  const Tensor norm = sum(square(g));
  EXPECT_TRUE(close(gradients(norm, {x}).at(x), values(2 * matmul(a, matmul(a, x)))));
}

TEST(SecondDerivative, as_a_penalty_reaches_the_leaves_through_backward) {
  // d/dx (x² + (2x)²) = 10x
  const Tensor x = variable(3.0);
  const Tensor loss = square(x);
  const Tensor penalised = loss + square(derivative(loss, x));
  penalised.backward();
  EXPECT_EQ(x.grad().item(), 30);
}

TEST(SecondDerivative, of_mixed_partials_is_symmetric) {
  const Tensor x = variable(0.4);
  const Tensor y = variable(1.3);
  const Tensor f = exp(x * y) * sin(x) + pow(y, x);
  const double xy = derivative(derivative(f, x), y).item();
  const double yx = derivative(derivative(f, y), x).item();
  EXPECT_NEAR(xy, yx, 1e-13);
}

TEST(SecondDerivative, of_something_linear_is_zero) {
  const Tensor x = variable({1.0, 2.0});
  const Tensor first = derivative(sum(3 * x), x);
  EXPECT_TRUE(equals(first, {2}, {3, 3}));
  EXPECT_TRUE(equals(gradients(sum(first), {x}).at(x), {2}, {0, 0}));
}

TEST(Gradients, record_nothing_unless_a_graph_of_them_is_asked_for) {
  const Tensor x = variable(2.0);
  EXPECT_FALSE(gradients(pow(x, 3), {x}).at(x).requires_grad());
  EXPECT_TRUE(derivative(pow(x, 3), x).requires_grad());
}

TEST(Jvp, is_the_derivative_along_a_direction) {
  const Tensor x = variable({1.0, 2.0, 3.0});
  EXPECT_TRUE(close(jvp(square(x), x, tensor({1.0, 0.0, -1.0})), {2, 0, -6}));
  EXPECT_TRUE(close(jvp(sum(square(x)), x, tensor({1.0, 1.0, 1.0})), {12}));
}

TEST(Jvp, refuses_a_tangent_of_another_shape) {
  const Tensor x = variable({1.0, 2.0, 3.0});
  const Tensor y = square(x);
  EXPECT_TRUE(mentions(message_of<ShapeError>([&] {
                         jvp(y, x, tensor({1.0, 2.0}));
                       }),
                       {"jvp", "(3,)", "(2,)"}));
}

}  // namespace
}  // namespace chainrule::test
