// Random numbers: that they have the moments and ranges of their distributions, and the same seed the same
// numbers; and the implicit derivative of gamma samples.

#include "chainrule/distributions.h"

#include <algorithm>
#include <cmath>

#include "chainrule/autograd.h"
#include "chainrule/functions.h"
#include "chainrule/shaping.h"
#include "chainrule/statistics.h"
#include "chainrule/testing.h"
#include "ops/statistics/gamma_samples.h"
#include "support.h"

namespace chainrule::test {
namespace {

/// F(z; α) by its series.
long double gamma_distribution(long double alpha, long double z) {
  long double term = 1 / alpha, sum = term;
  for (int n = 1; n < 2000; ++n) sum += term *= z / (alpha + static_cast<long double>(n));
  return std::exp(alpha * std::log(z) - z - std::lgamma(alpha)) * sum;
}

TEST(GammaSlope, is_that_of_the_quantiles) {
  for (const double alpha : {0.01, 0.3, 1.0, 2.5, 40.0, 300.0})
    for (const double place : {-2.0, 0.0, 0.7, 3.0}) {
      const double z = alpha * std::exp(place / std::sqrt(alpha + 1));
      const long double h = alpha * 1e-4L,
                        density = std::exp((alpha - 1) * std::log(static_cast<long double>(z)) - z -
                                           std::lgamma(static_cast<long double>(alpha)));
      const auto slope = [&](long double by) {
        return (gamma_distribution(alpha + by, z) - gamma_distribution(alpha - by, z)) / (2 * by);
      };
      const long double to_alpha = (4 * slope(h) - slope(2 * h)) / 3, expected = -to_alpha / (z * density);
      EXPECT_NEAR(ops::gamma_slope(alpha, std::log(z)), static_cast<double>(expected),
                  1e-9 * std::abs(static_cast<double>(expected)))
          << alpha << ", " << z;
    }
  EXPECT_NEAR(ops::gamma_slope(1e7, std::log(1.0003e7)), ops::gamma_slope(1.0000001e7, std::log(1.0003e7)),
              1e-13);
}

TEST(GammaSlope, has_derivatives_that_are_those_of_its_differences) {
  const auto expect = [](const auto& function, double by, double tolerance, double derivative, auto... at) {
    const double once = function(by) - function(-by), twice = function(2 * by) - function(-2 * by),
                 thrice = function(3 * by) - function(-3 * by);
    const double expected = (45 * once - 9 * twice + thrice) / (60 * by);
    EXPECT_NEAR(derivative, expected, tolerance * std::abs(expected))
        << ::testing::PrintToString(std::tuple(at...));
  };
  for (const double alpha : {0.01, 0.3, 1.0, 2.5, 40.0, 300.0, 1e6})
    for (const double place : {-2.0, 0.0, 0.7, 3.0}) {
      const double log_z = std::log(alpha) + place / std::sqrt(alpha + 1),
                   width = 0.03 / std::sqrt(alpha + 1);
      expect([&](double by) { return ops::gamma_slope(alpha * (1 + by), log_z); }, width, 1e-6,
             ops::gamma_slope_by_alpha(alpha, log_z) * alpha, alpha, place);
      expect([&](double by) { return ops::gamma_slope(alpha, log_z + by); }, width, 1e-6,
             ops::gamma_slope_by_log(alpha, log_z), alpha, place);
    }
  // Where the formulas change.
  for (const auto& f : {ops::gamma_slope_by_alpha, ops::gamma_slope_by_log})
    for (const double z : {0.9995e7, 1e7, 1.0003e7})
      EXPECT_NEAR(f(1e7, std::log(z)) / f(1.0000001e7, std::log(z)), 1, 1e-6) << z;
}

TEST(Samples, have_the_moments_of_their_distributions) {
  Generator generator(1);
  constexpr std::int64_t n = 20000;
  const auto expect_moments = [](const Operand& x, double mean_, double variance) {
    EXPECT_NEAR(mean(x).item(), mean_, 4 * std::sqrt(variance / n));
    EXPECT_NEAR(var(x).item(), variance, 0.1 * variance);
  };
  expect_moments(normal(2, 3, {n}, generator), 2, 9);
  expect_moments(uniform(-1, 3, {n}, generator), 1, 16.0 / 12);
  expect_moments(exponential(2, {n}, generator), 0.5, 0.25);
  expect_moments(gamma(3, 2, {n}, generator), 1.5, 0.75);
  expect_moments(gamma(0.5, 1, {n}, generator), 0.5, 0.5);
  expect_moments(beta(2, 3, {n}, generator), 0.4, 0.04);
  expect_moments(bernoulli(full({n}, 0.3), generator), 0.3, 0.21);
  expect_moments(cast(categorical(broadcast_to(tensor({2.0, 0.0, 6.0}), {n, 3}), generator), DType::float64),
                 1.5, 0.75);
  expect_moments(cast(randint(3, 6, {n}, generator), DType::float64), 4, 2.0 / 3);
  expect_moments(dropout(ones({n}), 0.2, generator), 1, 0.25);
}

TEST(Samples, of_further_distributions_have_their_moments) {
  Generator generator(7);
  constexpr std::int64_t n = 20000;
  const auto expect_moments = [](const Operand& x, double mean_, double variance) {
    EXPECT_NEAR(mean(x).item(), mean_, 4 * std::sqrt(variance / n));
    EXPECT_NEAR(var(x).item(), variance, 0.1 * variance);
  };
  expect_moments(laplace(1, 2, {n}, generator), 1, 8);
  expect_moments(gumbel(1, 2, {n}, generator), 1 + 2 * 0.5772156649, 4 * 1.6449340668);
  expect_moments(log_normal(0, 0.5, {n}, generator), std::exp(0.125), (std::exp(0.25) - 1) * std::exp(0.25));
  expect_moments(student_t(8, {n}, generator), 0, 8.0 / 6);
  for (const double rate : {0.1, 3.0, 9.9, 10.0, 45.5, 1e6, 1e12})
    expect_moments(poisson(rate, {n}, generator), rate, rate);
  for (const double p : {0.001, 0.2, 0.5, 0.9})
    for (const double count : {1.0, 12.0, 40.0, 1000.0, 1e7})
      if (count * p * (1 - p) > 0.05)
        expect_moments(binomial(count, p, {n}, generator), count * p, count * p * (1 - p));
  expect_moments(geometric(0.3, {n}, generator), 1 / 0.3, 0.7 / 0.09);
  const Tensor covariance = tensor({{2.0, 0.6}, {0.6, 1.0}}),
               vectors = multivariate_normal({1, -1}, covariance, {n}, generator);
  EXPECT_EQ(vectors.shape(), (Shape{n, 2}));
  EXPECT_THAT(mean(vectors, 0), IsClose({1, -1}, 0.05));
  EXPECT_THAT(cov(transpose(vectors)), IsClose(covariance, 0.06, 0.02));
}

TEST(Counts, have_their_probabilities) {
  Generator generator(8);
  constexpr std::int64_t n = 40000;
  const auto expect_shares = [](const Tensor& drawn, std::int64_t from, const std::vector<double>& shares) {
    const auto all = drawn.to_vector<double>();
    for (std::size_t k = 0; k < shares.size(); ++k) {
      const auto count =
          std::count(all.begin(), all.end(), static_cast<double>(from) + static_cast<double>(k));
      EXPECT_NEAR(static_cast<double>(count) / n, shares[k], 5 * std::sqrt(shares[k] / n)) << k;
    }
  };
  std::vector<double> of_poisson, of_binomial;
  for (int k = 10; k < 30; ++k) of_poisson.push_back(std::exp(k * std::log(20.0) - 20 - std::lgamma(k + 1)));
  expect_shares(poisson(20, {n}, generator), 10, of_poisson);
  for (int k = 20; k < 40; ++k)
    of_binomial.push_back(std::exp(std::lgamma(101) - std::lgamma(k + 1) - std::lgamma(101 - k) +
                                   k * std::log(0.3) + (100 - k) * std::log(0.7)));
  expect_shares(binomial(100, 0.3, {n}, generator), 20, of_binomial);
  expect_shares(geometric(0.4, {n}, generator), 1, {0.4, 0.24, 0.144, 0.0864});
  EXPECT_TRUE(equals(poisson({0, 0}, generator), {2}, {0, 0}));
  EXPECT_TRUE(equals(binomial({5, 5, 0}, {0.0, 1.0, 0.5}, generator), {3}, {0, 5, 0}));
  EXPECT_TRUE(equals(geometric({1.0}, generator), {1}, {1}));
  EXPECT_EQ(poisson(cast(tensor({2.0}), DType::float32), generator).dtype(), DType::float32);
  EXPECT_FALSE(poisson(variable(2.0), generator).requires_grad());
  EXPECT_FALSE(geometric(variable(0.5), generator).requires_grad());
}

TEST(Counts, are_those_of_one_draw_after_the_other_whether_parameters_repeat_or_not) {
  Generator together(9), alone(9);
  const std::vector<double> rates = {3, 3, 50, 50, 3, 0, 50, 2e6, 2e6, 3}, counts = {5, 5, 90, 90, 5, 90},
                            chances = {0.5, 0.9, 0.9, 0.9, 0.5, 0.5};
  const std::vector<double> events = poisson(tensor(rates), together).to_vector<double>();
  for (std::size_t i = 0; i < rates.size(); ++i) EXPECT_EQ(events[i], poisson(rates[i], alone).item()) << i;
  const std::vector<double> successes =
      binomial(tensor(counts), tensor(chances), together).to_vector<double>();
  for (std::size_t i = 0; i < counts.size(); ++i)
    EXPECT_EQ(successes[i], binomial(counts[i], chances[i], alone).item()) << i;
}

TEST(Counts, refuse_what_no_distribution_has) {
  Generator generator(9);
  EXPECT_TRUE(
      mentions(message_of<ShapeError>([&] { (void)poisson(-1, generator); }), {"poisson", "0 or more"}));
  EXPECT_TRUE(
      mentions(message_of<ShapeError>([&] { (void)binomial(2.5, 0.5, generator); }), {"binomial", "whole"}));
  EXPECT_TRUE(mentions(message_of<ShapeError>([&] { (void)binomial(2, 1.5, generator); }),
                       {"binomial", "from 0 to 1"}));
  EXPECT_TRUE(mentions(message_of<ShapeError>([&] { (void)geometric(0, generator); }), {"geometric"}));
  EXPECT_TRUE(mentions(message_of<ShapeError>([&] { (void)laplace(0, -1, generator); }), {"laplace"}));
  EXPECT_TRUE(
      mentions(message_of<ShapeError>([&] { (void)poisson(ones({3}), {2}, generator); }), {"(3,)", "(2,)"}));
}

TEST(GumbelSoftmax, draws_each_class_with_its_probability) {
  Generator generator(10);
  const Tensor p = tensor({0.2, 0.3, 0.5}), logits = variable(broadcast_to(log(p), {20000, 3}));
  const Tensor hard = gumbel_softmax(logits, generator, 0.5, true);
  EXPECT_THAT(mean(hard, 0), IsClose(p, 0.05));
  EXPECT_THAT(sum(hard, 1), IsClose(ones({20000})));
  EXPECT_TRUE(all((hard == 0) | (hard == 1)));
  EXPECT_TRUE(any(gradients(sum(hard * tensor({1.0, 2.0, 3.0})), {logits}).at(logits) != 0));
  EXPECT_THROW((void)gumbel_softmax(logits, generator, 0), ShapeError);
}

TEST(Samples, have_derivatives_of_the_expected_value) {
  // The mean of gamma(a, r) is a / r, that of beta(a, b) is a / (a + b).
  Generator generator(2);
  const Tensor a = variable(2.0), b = variable(3.0);
  const Gradients of_gamma = gradients(mean(gamma(a, b, {20000}, generator)), {a, b});
  EXPECT_NEAR(of_gamma.at(a).item(), 1.0 / 3, 0.01);
  EXPECT_NEAR(of_gamma.at(b).item(), -2.0 / 9, 0.01);
  const Gradients of_beta = gradients(mean(beta(a, b, {20000}, generator)), {a, b});
  EXPECT_NEAR(of_beta.at(a).item(), 3.0 / 25, 0.01);
  EXPECT_NEAR(of_beta.at(b).item(), -2.0 / 25, 0.01);
}

TEST(Samples, have_second_derivatives_of_the_expected_value) {
  // The mean of gamma(a, r)² is a (a + 1) / r², that of beta(a, b) a / (a + b), that of the first part of
  // dirichlet(c) squared c₀ (c₀ + 1) / (s (s + 1)), where s is the sum of c.
  Generator generator(2);
  const auto second = [](const Tensor& of, const Tensor& to, const std::vector<Tensor>& then) {
    return gradients(sum(gradients(of, {to}, {.create_graph = true}).at(to)), then);
  };
  const Tensor a = variable(2.0), b = variable(3.0), one = gamma(a, 1, generator);
  const double slope = ops::gamma_slope(2, std::log(one.item())),
               curve = ops::gamma_slope_by_alpha(2, std::log(one.item())) +
                       ops::gamma_slope_by_log(2, std::log(one.item())) * slope,
               exact = one.item() * (slope * slope + curve);
  EXPECT_NEAR(second(one, a, {a}).at(a).item(), exact, 1e-12 * std::abs(exact));
  const Tensor squares = mean(square(gamma(a, b, {10000}, generator)));
  const Gradients of_squares = second(squares, a, {a, b});
  EXPECT_NEAR(of_squares.at(a).item(), 2.0 / 9, 0.03);
  EXPECT_NEAR(of_squares.at(b).item(), -10.0 / 27, 0.03);
  const Gradients of_parts = second(mean(beta(a, b, {10000}, generator)), a, {a, b});
  EXPECT_NEAR(of_parts.at(a).item(), -6.0 / 125, 0.005);
  EXPECT_NEAR(of_parts.at(b).item(), -1.0 / 125, 0.005);
  const Tensor c = variable(tensor({1.0, 2.0, 1.5})),
               rows = dirichlet(broadcast_to(c, {10000, 3}), generator);
  // Row 0 of the Hessian, summed: along the first number and along all three.
  const auto expected = [](double first, double every) {
    const double p = 1 + first + every, total = 4.5 + first + 3 * every;
    return p * (p + 1) / (total * (total + 1));
  };
  const double h = 1e-3,
               mixed = (expected(h, h) - expected(h, -h) - expected(-h, h) + expected(-h, -h)) / (4 * h * h);
  const Tensor first_parts = mean(square(index(rows, {Index::ellipsis(), 0})));
  EXPECT_NEAR(values(second(first_parts, c, {c}).at(c))[0], mixed, 0.005);
  const Tensor twice =
      gradients(gradients(squares, {a}, {.create_graph = true}).at(a), {a}, {.create_graph = true}).at(a);
  EXPECT_TRUE(mentions(message_of<GradError>([&] { twice.backward(); }), {"gamma", "once more", "detach"}));
}

TEST(Samples, stay_within_their_range_for_the_smallest_parameters) {
  Generator generator(3);
  const Tensor x = beta(1e-4, 1e-4, {100}, generator), parts = dirichlet(full({50, 3}, 1e-4), generator);
  EXPECT_TRUE(all((x >= 0) & (x <= 1)));
  EXPECT_THAT(sum(parts, 1), IsClose(ones({50})));
  EXPECT_THROW((void)gamma(0, 1, generator), ShapeError);
  EXPECT_THROW((void)bernoulli(1.5, generator), ShapeError);
  EXPECT_THROW((void)normal(zeros({3}), 1, {2}, generator), ShapeError);
  EXPECT_TRUE(equals(bernoulli({0, 1}, generator), {2}, {0, 1}));
  EXPECT_TRUE(equals(dropout({1, 2}, 1, generator), {2}, {0, 0}));
}

TEST(Samples, without_replacement_are_different) {
  Generator generator(4);
  for (int i = 0; i < 20; ++i) {
    auto drawn = multinomial({0.5, 0.0, 0.2, 0.3}, 3, false, generator).to_vector<std::int64_t>();
    std::sort(drawn.begin(), drawn.end());
    EXPECT_EQ(drawn, (std::vector<std::int64_t>{0, 2, 3}));
  }
  EXPECT_EQ(to_string(multinomial(ones({2, 3}), 5, true, generator).shape()), "(2, 5)");
  EXPECT_THROW((void)multinomial({0.5, 0.0}, 2, false, generator), ShapeError);
  EXPECT_THROW((void)categorical({-0.5, 1.0}, generator), ShapeError);
}

TEST(Samples, of_distributions_that_are_none_are_refused) {
  Generator generator(1);
  const double nan = std::nan("");
  for (const double wrong : {-1.0, nan}) {
    EXPECT_THROW((void)normal(0, {1, wrong}, generator), ShapeError);
    EXPECT_THROW((void)exponential({1, wrong}, generator), ShapeError);
    EXPECT_THROW((void)gamma(1, {1, wrong}, generator), ShapeError);
    EXPECT_THROW((void)gamma({1, wrong}, 1, generator), ShapeError);
    EXPECT_THROW((void)bernoulli({1, wrong}, generator), ShapeError);
  }
  EXPECT_THROW((void)exponential(0, generator), ShapeError);
  EXPECT_EQ(normal(2, 0, generator).item(), 2);
}

TEST(Samples, of_parameters_in_halves_are_halves) {
  Generator generator(1);
  for (const DType dtype : {DType::float16, DType::bfloat16}) {
    const Tensor a = full({100}, 0.5, dtype);
    for (const Tensor& x :
         {gamma(a, 1, generator), beta(a, a, generator), dirichlet(a, generator), bernoulli(a, generator)}) {
      EXPECT_EQ(x.dtype(), dtype);
      const double largest = max(x).item();
      EXPECT_TRUE(largest > 0 && largest < 10) << largest;
    }
  }
}

TEST(Samples, of_one_seed_are_the_same) {
  const auto drawn = [] {
    Generator generator(5);
    return concatenate(
        {gamma(0.3, 1, {3}, generator), beta(2, 3, {3}, generator), normal(0, 1, {3}, generator)});
  };
  EXPECT_TRUE(array_equal(drawn(), drawn()));
}

}  // namespace
}  // namespace chainrule::test
