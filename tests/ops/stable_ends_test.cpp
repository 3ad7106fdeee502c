// Functions that neither overflow nor lose their digits at their ends: logsumexp, sigmoid, softplus and their
// kin, and long sums. support.h reads and compares tensors.

#include <cmath>

#include "chainrule/autograd.h"
#include "ops/gradient_of.h"
#include "support.h"

namespace chainrule::test {
namespace {

using Numbers = std::vector<double>;

TEST(Logsumexp, does_not_overflow) {
  EXPECT_TRUE(close(logsumexp(tensor({1000.0, 1000.0})), {1000 + std::log(2.0)}));
  EXPECT_TRUE(close(logsumexp(tensor({-1000.0, -1000.0})), {-1000 + std::log(2.0)}));
  const Tensor x = variable({1000.0, 1000.0});
  EXPECT_TRUE(close(gradients(logsumexp(x), {x}).at(x), {0.5, 0.5}));
}

TEST(Logsumexp, has_gradient_softmax_however_large_the_numbers) {
  const Function total = [](const Tensor& x) { return logsumexp(x); };
  EXPECT_EQ(gradient_of(total, tensor({1e50, 1e50})), (Numbers{0.5, 0.5}));
  EXPECT_EQ(gradient_of(total, tensor({10000.0F, 10000.0F})), (Numbers{0.5, 0.5}));
  EXPECT_EQ(gradient_of(total, tensor({1e300, -1e300})), (Numbers{1, 0}));
  for (const Axes& axes : {Axes({0, 2}), Axes({0, 1}), Axes({1, 2}), Axes(1), Axes()}) {
    const Tensor x = variable(full({2, 3, 4}, 1e30, DType::float64));
    const Tensor y = logsumexp(x, axes);
    const double share = static_cast<double>(y.size()) / 24;
    for (const bool create_graph : {false, true}) {
      const Gradients g = gradients(sum(y), {x}, {.create_graph = create_graph});
      EXPECT_TRUE(close(g.at(x), std::vector<double>(24, share), 1e-15));
    }
  }
}

TEST(Logsumexp, of_infinities_shares_the_gradient_among_them) {
  const Function total = [](const Tensor& x) { return logsumexp(x); };
  EXPECT_EQ(gradient_of(total, tensor({infinity, 1.0})), (Numbers{1, 0}));
  EXPECT_EQ(gradient_of(total, tensor({infinity, infinity})), (Numbers{0.5, 0.5}));
  EXPECT_EQ(gradient_of(total, tensor({-infinity, infinity, 3.0})), (Numbers{0, 1, 0}));
  EXPECT_EQ(
      gradient_of([](const Tensor& x) { return logsumexp(x, 1); }, tensor({{infinity, 1.0}, {2.0, 2.0}})),
      (Numbers{1, 0, 0.5, 0.5}));
  const Tensor x = variable({infinity, 1.0});
  const Tensor first = gradients(logsumexp(x), {x}, {.create_graph = true}).at(x);
  EXPECT_TRUE(equals(gradients(first, {x}, {.seed = tensor({1.0, 2.0})}).at(x), {2}, {0, 0}));
  EXPECT_TRUE(equals(jvp(logsumexp(x), x, tensor({2.0, 3.0})), {}, {2}));
}

TEST(Logsumexp, of_minus_infinities_is_minus_infinity_with_gradient_zero) {
  EXPECT_TRUE(equals(logsumexp(tensor({-infinity, -infinity})), {}, {-infinity}));
  EXPECT_EQ(gradient_of([](const Tensor& x) { return logsumexp(x); }, tensor({-infinity, -infinity})),
            (Numbers{0, 0}));
}

TEST(Logsumexp, with_one_infinity_is_that_infinity) {
  EXPECT_TRUE(equals(logsumexp(tensor({1.0, infinity})), {}, {infinity}));
  EXPECT_TRUE(equals(logsumexp(tensor({1.0, -infinity})), {}, {1}));
}

TEST(Sigmoid, is_stable_at_both_ends) {
  const Tensor x = tensor({-1000.0, -40.0, 40.0, 1000.0});
  EXPECT_TRUE(close(sigmoid(x), {0, std::exp(-40.0), 1, 1}, 1e-30));
  for (const double number : gradient_of([](const Tensor& t) { return sigmoid(t); }, x)) {
    EXPECT_GE(number, 0);
    EXPECT_LE(number, 1e-17);
  }
}

TEST(Softplus, is_stable_at_both_ends) {
  const Tensor x = tensor({-1000.0, -40.0, 0.0, 40.0, 1000.0});
  EXPECT_TRUE(close(softplus(x), {0, std::exp(-40.0), std::log(2.0), 40, 1000}, 1e-14));
  EXPECT_TRUE(equals(softplus(tensor({-infinity, infinity})), {2}, {0, infinity}));
  EXPECT_EQ(
      gradient_of([](const Tensor& t) { return softplus(t); }, tensor({-infinity, -1000.0, 0.0, 1000.0})),
      (Numbers{0, 0, 0.5, 1}));
}

TEST(Logaddexp, is_stable_at_both_ends) {
  EXPECT_EQ(logaddexp(1000.0, -1000.0).item(), 1000);
  EXPECT_NEAR(logaddexp(-1000.0, -1000.0).item(), -1000 + std::log(2.0), 1e-12);
  EXPECT_EQ(logaddexp(-infinity, 3.0).item(), 3);
  EXPECT_EQ(logaddexp(infinity, infinity).item(), infinity);
  EXPECT_EQ(logaddexp(-infinity, -infinity).item(), -infinity);
  EXPECT_TRUE(std::isnan(logaddexp(nan, 1.0).item()));
}

TEST(Logaddexp, shares_the_gradient_without_nan) {
  const BinaryFunction both = [](const Tensor& a, const Tensor& b) { return logaddexp(a, b); };
  EXPECT_EQ(gradient_of(both, 1000, -1000), (Pair{1, 0}));
  EXPECT_EQ(gradient_of(both, -infinity, 3), (Pair{0, 1}));
  EXPECT_EQ(gradient_of(both, -infinity, -infinity), (Pair{0.5, 0.5}));
  EXPECT_EQ(gradient_of(both, infinity, infinity), (Pair{0.5, 0.5}));
}

TEST(Log1pAndExpm1, keep_their_digits_near_zero_and_at_the_ends) {
  for (const double x : {1e-20, -1e-20, 1e-300, -0.0}) {
    EXPECT_EQ(log1p(x).item(), x);
    EXPECT_EQ(expm1(x).item(), x);
    EXPECT_TRUE(equals(log1p(tensor({x, x, x})), {3}, {x, x, x}));
    EXPECT_TRUE(equals(expm1(tensor({x, x, x})), {3}, {x, x, x}));
  }
  EXPECT_TRUE(equals(log1p(tensor({-1.0, infinity})), {2}, {-infinity, infinity}));
  EXPECT_TRUE(equals(expm1(tensor({-infinity, infinity, 1000.0})), {3}, {-1, infinity, infinity}));
  // The derivative of expm1 has all its digits where expm1 itself is about -1.
  const std::vector<double> slope =
      gradient_of([](const Tensor& x) { return expm1(x); }, tensor({-40.0, -700.0}));
  EXPECT_NEAR(slope[0] / std::exp(-40.0), 1, 1e-14);
  EXPECT_NEAR(slope[1] / std::exp(-700.0), 1, 1e-14);
}

TEST(Sum, of_many_numbers_is_pairwise_accurate) {
  // Adding one by one would be off by thousands; the bound is that of pairwise summation, n·ε·log2(n)/2.
  constexpr std::int64_t count = 1 << 20;
  const double exact = count * static_cast<double>(0.1F);
  const double bound = exact * 0x1p-24 * 20;
  const Tensor tenths = full({count}, 0.1, DType::float32);
  EXPECT_NEAR(sum(tenths).item(), exact, bound);
  for (const double total : values(sum(full({count, 3}, 0.1, DType::float32), 0)))
    EXPECT_NEAR(total, exact, bound);
  for (const double total : values(sum(full({3, count}, 0.1, DType::float32), 1)))
    EXPECT_NEAR(total, exact, bound);
  for (const double average : values(mean(full({2, count, 2}, 0.1, DType::float32), 1)))
    EXPECT_NEAR(average, 0.1, bound / count);
}

}  // namespace
}  // namespace chainrule::test
