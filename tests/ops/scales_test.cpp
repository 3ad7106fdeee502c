// Functions whose squares, in between, would overflow or vanish though their results do neither, at scales
// from tiny to huge.

#include <gtest/gtest.h>

#include <cmath>
#include <tuple>

#include "chainrule/autograd.h"
#include "chainrule/functions.h"
#include "chainrule/linalg.h"
#include "chainrule/losses.h"
#include "chainrule/networks.h"
#include "chainrule/statistics.h"
#include "chainrule/transforms.h"
#include "support.h"

namespace chainrule::test {
namespace {

struct Scaled {
  std::string name;
  std::function<Tensor(const Tensor&)> of;
  double degree = 0;    ///< f(s x) = s^degree f(x)
  bool of_tiny = true;  ///< does that also hold for small s?
};

const std::vector<Scaled> scaled = {
    {"norm", [](const Tensor& x) { return norm(x, 1); }, 1},
    {"std", [](const Tensor& x) { return chainrule::std(x, 1); }, 1},
    {"hypot", [](const Tensor& x) { return hypot(x[0], x[1]); }, 1},
    {"layer_norm", [](const Tensor& x) { return layer_norm(x, {3}, {.eps = 0}); }},
    {"rms_norm", [](const Tensor& x) { return rms_norm(x, {3}, {}, 0.0); }},
    {"layer_norm_with_eps", [](const Tensor& x) { return layer_norm(x * 1e5, {3}, {.eps = 1e-30}); }, 0,
     false},
    {"cosine_similarity", [](const Tensor& x) { return cosine_similarity(x[0], x[1], 0, 0); }},
    {"cosine_embedding_loss",
     [](const Tensor& x) { return cosine_embedding_loss(x[0] * 1e5, x[1] * 1e5, 1); }, 0, false},
    {"local_response_norm",
     [](const Tensor& x) {
       return local_response_norm(reshape(x, {1, 3, 2}), 3, 0.5, 0.75, 0);
     },
     -0.5},
    {"local_response_norm_of_large_numbers",
     [](const Tensor& x) {
       return local_response_norm(reshape(x, {1, 3, 2}) * 1e5, 2, 0.5, 0.5, 1e-30);
     },
     0, false},
    {"gaussian_nll_loss",
     [](const Tensor& x) {
       const Tensor v = abs(x[1]) * 1e5;
       return gaussian_nll_loss(x[0] * 1e5, 0.0, v) - mean(log(v)) / 2;
     },
     1, false},
    {"pinv", [](const Tensor& x) { return pinv(x); }, -1},
    {"lstsq",
     [](const Tensor& x) {
       return lstsq(x, tensor({1.0, 2.0}));
     },
     -1},
    {"singular_vectors",
     [](const Tensor& x) {
       return square(svd(x).U)[{0, 0}];
     }},
    {"right_singular_vectors", [](const Tensor& x) { return square(svd(x).Vh); }},
    {"eigenvectors",
     [](const Tensor& x) {
       const Tensor corner = x[{Slice{}, Slice{0, 2}}];
       return square(eigh(corner + swapaxes(corner, 0, 1)).eigenvectors)[0];
     }},
    {"hardswish", [](const Tensor& x) { return hardswish(x * 1e5); }, 1, false},
};

class Scales : public ::testing::TestWithParam<Scaled> {};

/// The value, the gradient in numbers and recorded, a second derivative, and the same forward.
std::vector<Tensor> all_of(const std::function<Tensor(const Tensor&)>& f, DType dtype) {
  const Tensor x = variable(cast(tensor({{1.0, -2.0, 3.0}, {4.5, -0.5, 0.75}}), dtype));
  const Tensor along = cast(tensor({{1.0, 0.5, -1.0}, {0.25, -1.0, 2.0}}), dtype);
  const Tensor y = f(x), seed = ones_like(y);
  const Tensor recorded = gradients(y, {x}, {.seed = seed, .create_graph = true}).at(x);
  return {y, gradients(y, {x}, {.seed = seed}).at(x), recorded,
          gradients(recorded, {x}, {.seed = along}).at(x), jvp(f, x, along).tangent};
}

TEST_P(Scales, change_results_as_they_should) {
  const Scaled& one = GetParam();
  for (const DType dtype : {DType::float32, DType::float64})
    for (const bool is_large : {true, false}) {
      if (!is_large && !one.of_tiny) continue;
      const double scale = std::exp2((is_large ? 1 : -1) * (dtype == DType::float32 ? 70 : 600));
      const auto rescaled = [&](const Tensor& x) { return one.of(x * scale) * std::pow(scale, -one.degree); };
      const std::vector<Tensor> expected = all_of(one.of, dtype), found = all_of(rescaled, dtype);
      for (std::size_t i = 0; i < expected.size(); ++i)
        EXPECT_TRUE(close(found[i], expected[i], dtype == DType::float32 ? 1e-5 : 1e-13))
            << to_string(dtype) << " times " << scale << ", result " << i;
    }
}

INSTANTIATE_TEST_SUITE_P(Of, Scales, ::testing::ValuesIn(scaled),
                         [](const auto& one) { return one.param.name; });

TEST(Product, is_in_range_where_parts_of_it_are_not) {
  for (const DType dtype : {DType::float32, DType::float64}) {
    const double large = dtype == DType::float32 ? 0x1p100 : 0x1p900;
    const std::vector<double> numbers = {large, 3 / large, -2.0, large, 1 / large};
    const auto f = [](const Tensor& x) { return prod(x); };
    const Tensor x = variable(cast(tensor(numbers), dtype));
    EXPECT_TRUE(close(f(x), std::vector<double>{-6}, 0));
    for (const bool create_graph : {false, true})
      EXPECT_TRUE(
          close(gradients(f(x), {x}, {.create_graph = create_graph}).at(x) * cast(tensor(numbers), dtype),
                std::vector<double>(5, -6), 0));
    EXPECT_TRUE(close(jvp(f, x, ones_like(x)).tangent * (1 / large), std::vector<double>{-8}, 1e-6));
    EXPECT_TRUE(close(f(x * cast(tensor({1, 1, 0, 1, 1}), dtype)), std::vector<double>{0}, 0));
    const Tensor huge = full({40}, large, dtype);
    EXPECT_EQ(f(huge).item(), INFINITY);
    EXPECT_EQ(f(1 / huge).item(), 0);
  }
}

TEST(PoissonNllLoss, of_large_numbers_and_targets_is_their_difference) {
  const Tensor x = tensor({1e38f}), target = tensor({1e37f});
  const double loss = poisson_nll_loss(x, target, false, true).item();
  EXPECT_NEAR(loss / (1e38 - 1e37 * (std::log(10.0) + 1)), 1, 1e-5);
}

TEST(Scales, of_norms_are_powers_of_two_so_that_what_is_exact_stays_so) {
  for (const auto& [a, b, c] : {std::tuple{3, 4, 5}, {20, 99, 101}, {57, 176, 185}, {95, 168, 193}}) {
    const Tensor x = tensor({1.0 * a, 1.0 * b});
    for (const int exponent : {-1060, -1000, -530, -300, 0, 300, 530, 1000})
      EXPECT_EQ(norm(x * std::ldexp(1, exponent)).item(), std::ldexp(c, exponent)) << c << " " << exponent;
    for (const int exponent : {-140, -130, -70, 0, 70, 120})
      EXPECT_EQ(norm(cast(x, DType::float32) * std::ldexp(1, exponent)).item(), std::ldexp(c, exponent))
          << c << " " << exponent;
  }
  EXPECT_EQ(norm({5e-324, 0}).item(), 5e-324);
  EXPECT_EQ(norm({1.7e308, 1.7e308}).item(), HUGE_VAL);
  EXPECT_EQ(norm({1e200, HUGE_VAL}).item(), HUGE_VAL);
}

}  // namespace
}  // namespace chainrule::test
