// First weights: their moments in many numbers, fans, and gains as PyTorch has them.
// support.h compares the numbers.

#include <cmath>
#include <functional>

#include "chainrule/linalg.h"
#include "chainrule/nn.h"
#include "chainrule/shaping.h"
#include "chainrule/statistics.h"
#include "support.h"

namespace chainrule::test {
namespace {

using Initializer = std::function<Tensor(const Shape&, Generator&)>;

/// Mean 0 and this variance in 60,000 numbers, within six deviations of their estimates.
void expect_moments(const Initializer& initializer, double variance, bool is_uniform) {
  PRINT_SEED_ON_FAILURE();
  Generator generator(seed());
  const Tensor w = initializer({100, 50, 3, 4}, generator);
  EXPECT_EQ(w.shape(), (Shape{100, 50, 3, 4}));
  EXPECT_FALSE(w.requires_grad());
  EXPECT_NEAR(mean(w).item(), 0, 6 * std::sqrt(variance / 60000));
  const double kurtosis = is_uniform ? 1.8 : 3;
  EXPECT_NEAR(mean(square(w)).item(), variance, 6 * variance * std::sqrt((kurtosis - 1) / 60000));
  const double largest = max(abs(w)).item() / std::sqrt(3 * variance);
  if (is_uniform)
    EXPECT_TRUE(largest > 0.999 && largest <= 1) << largest;
  else
    EXPECT_GT(largest, 2);
}

TEST(Fans, count_the_kernel) {
  EXPECT_EQ(fans_of({10, 20}).in, 20);
  EXPECT_EQ(fans_of({10, 20}).out, 10);
  EXPECT_EQ(fans_of({10, 20, 3, 4}).in, 240);
  EXPECT_EQ(fans_of({10, 20, 3, 4}).out, 120);
  EXPECT_TRUE(mentions(message_of<ShapeError>([] { fans_of({3}); }), {"fans_of", "(3,)", "two axes"}));
  EXPECT_TRUE(mentions(message_of<ShapeError>([] { fans_of({3, 0}); }), {"(3, 0)", "positive"}));
}

TEST(Gain, is_that_of_pytorch) {
  // torch.nn.init.calculate_gain
  EXPECT_EQ(gain_of(Nonlinearity::linear), 1);
  EXPECT_EQ(gain_of(Nonlinearity::sigmoid), 1);
  EXPECT_DOUBLE_EQ(gain_of(Nonlinearity::tanh), 1.6666666666666667);
  EXPECT_DOUBLE_EQ(gain_of(Nonlinearity::relu), 1.4142135623730951);
  EXPECT_DOUBLE_EQ(gain_of(Nonlinearity::leaky_relu), 1.4141428569978354);
  EXPECT_DOUBLE_EQ(gain_of(Nonlinearity::leaky_relu, 0.2), 1.3867504905630728);
  EXPECT_DOUBLE_EQ(gain_of(Nonlinearity::selu), 0.75);
}

TEST(Initializers, have_the_variance_that_their_papers_give) {
  // 600 in, 1200 out.
  const double in = 600, out = 1200;
  expect_moments([](const Shape& s, Generator& g) { return kaiming_normal(s, g); }, 2 / in, false);
  expect_moments([](const Shape& s, Generator& g) { return kaiming_uniform(s, g); }, 2 / in, true);
  expect_moments(
      [](const Shape& s, Generator& g) {
        return kaiming_normal(s, g, {.nonlinearity = Nonlinearity::tanh, .fan = Fan::out});
      },
      25.0 / 9 / out, false);
  expect_moments(
      [](const Shape& s, Generator& g) {
        return kaiming_uniform(s, g, {.nonlinearity = Nonlinearity::leaky_relu, .slope = 1});
      },
      1 / in, true);
  expect_moments([](const Shape& s, Generator& g) { return xavier_normal(s, g); }, 2 / (in + out), false);
  expect_moments([](const Shape& s, Generator& g) { return xavier_uniform(s, g, 2); }, 8 / (in + out), true);
  expect_moments([](const Shape& s, Generator& g) { return lecun_normal(s, g); }, 1 / in, false);
  expect_moments([](const Shape& s, Generator& g) { return lecun_uniform(s, g); }, 1 / in, true);
}

TEST(Initializers, give_the_dtype_and_the_same_numbers_for_the_same_seed) {
  Generator one(3), two(3);
  EXPECT_EQ(values(xavier_uniform({2, 3}, one)), values(xavier_uniform({2, 3}, two)));
  EXPECT_EQ(kaiming_normal({2, 3}, one, {}, DType::float32).dtype(), DType::float32);
  EXPECT_EQ(orthogonal({2, 3}, one, 1, DType::float32).dtype(), DType::float32);
  EXPECT_EQ(truncated_normal({2, 3}, one, {}, DType::float32).dtype(), DType::float32);
}

TEST(Initializers, name_the_shape_that_has_no_fans) {
  Generator generator;
  EXPECT_TRUE(
      mentions(message_of<ShapeError>([&] { xavier_normal({3}, generator); }), {"xavier_normal", "(3,)"}));
  EXPECT_TRUE(mentions(message_of<ShapeError>([&] { orthogonal({}, generator); }), {"orthogonal", "()"}));
}

TEST(Orthogonal, has_orthonormal_rows_or_columns) {
  PRINT_SEED_ON_FAILURE();
  Generator generator(seed());
  const Tensor square_one = orthogonal({5, 5}, generator), wide = orthogonal({3, 2, 4}, generator, 2),
               tall = orthogonal({8, 3}, generator);
  EXPECT_TRUE(close(matmul(square_one, square_one.T()), eye(5), 1e-14));
  const Tensor rows = wide.reshape({3, 8});
  EXPECT_TRUE(close(matmul(rows, rows.T()), 4 * eye(3), 1e-14));
  EXPECT_TRUE(close(matmul(tall.T(), tall), eye(3), 1e-14));
}

TEST(Orthogonal, is_as_likely_to_turn_as_to_mirror) {
  PRINT_SEED_ON_FAILURE();
  Generator generator(seed());
  int mirrors = 0;
  double corner = 0;
  for (int i = 0; i < 400; ++i) {
    const Tensor q = orthogonal({2, 2}, generator);
    mirrors += det(q).item() < 0 ? 1 : 0;
    corner += q[{0, 0}].item();
  }
  EXPECT_NEAR(mirrors, 200, 6 * 10);
  EXPECT_NEAR(corner / 400, 0, 6 * std::sqrt(0.5 / 400));
}

TEST(TruncatedNormal, is_between_its_bounds_with_the_variance_that_is_left) {
  PRINT_SEED_ON_FAILURE();
  Generator generator(seed());
  const Tensor x = truncated_normal({40000}, generator);
  EXPECT_GE(min(x).item(), -2);
  EXPECT_LE(max(x).item(), 2);
  EXPECT_GT(max(x).item(), 1.99);
  // 1 - 4 φ(2) / (2 Φ(2) - 1)
  const double variance = 0.7737413;
  EXPECT_NEAR(mean(x).item(), 0, 6 * std::sqrt(variance / 40000));
  EXPECT_NEAR(mean(square(x)).item(), variance, 6 * std::sqrt(1.0 / 40000));
  // One-sided: the mean of what is above its own middle is √(2/π) deviations from it.
  const Tensor half =
      truncated_normal({40000}, generator, {.mean = 3, .deviation = 0.5, .low = 3, .high = 100});
  EXPECT_GE(min(half).item(), 3);
  EXPECT_NEAR(mean(half).item(), 3.3989423, 6 * 0.302 / 200);
  EXPECT_TRUE(mentions(
      message_of<std::invalid_argument>([&] { truncated_normal({2}, generator, {.low = 2, .high = 1}); }),
      {"truncated_normal", "low < high"}));
}

}  // namespace
}  // namespace chainrule::test
