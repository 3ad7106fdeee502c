// Which dtype an operation's result has, for every pair of dtypes and for C++ numbers that meet tensors.
// support.h reads and compares tensors.

#include "chainrule/autograd.h"
#include "chainrule/graph.h"
#include "support.h"

namespace chainrule::test {
namespace {

const Tensor& boolean() {
  static const Tensor x = tensor({true, false});
  return x;
}
const Tensor& whole() {
  static const Tensor x = tensor({3, -4});
  return x;
}
const Tensor& single() {
  static const Tensor x = tensor({1.5F, -2.5F});
  return x;
}
const Tensor& precise() {
  static const Tensor x = tensor({0.25, -0.5});
  return x;
}

TEST(Promotion, of_two_tensors_takes_the_later_in_the_order_bool_int64_float32_float64) {
  const std::vector<Tensor> all = {boolean(), whole(), single(), precise()};
  for (std::size_t i = 0; i < all.size(); ++i)
    for (std::size_t j = 0; j < all.size(); ++j) {
      const DType expected = all[std::max(i, j)].dtype();
      EXPECT_EQ(promote(all[i].dtype(), all[j].dtype()), expected);
      EXPECT_EQ(where(boolean(), all[i], all[j]).dtype(), expected) << i << ", " << j;
      if (i + j > 0) {
        EXPECT_EQ((all[i] * all[j]).dtype(), expected) << i << ", " << j;
        EXPECT_EQ(maximum(all[i], all[j]).dtype(), expected) << i << ", " << j;
      }
    }
}

TEST(Promotion, lets_a_literal_take_the_dtype_of_the_tensor) {
  EXPECT_EQ((single() * 2.0).dtype(), DType::float32);
  EXPECT_EQ((2.0 * single()).dtype(), DType::float32);
  EXPECT_EQ((single() + 1).dtype(), DType::float32);
  EXPECT_EQ((precise() * 2.0F).dtype(), DType::float64);
  EXPECT_EQ((whole() * 2).dtype(), DType::int64);
  EXPECT_EQ((boolean() + 1).dtype(), DType::int64);
  EXPECT_EQ(maximum(single(), 0).dtype(), DType::float32);
  EXPECT_EQ(where(boolean(), single(), 0.0).dtype(), DType::float32);
}

TEST(Promotion, makes_float64_of_whole_numbers_that_meet_a_fraction) {
  EXPECT_EQ((whole() * 0.5).dtype(), DType::float64);
  EXPECT_TRUE(equals(whole() * 0.5, {2}, {1.5, -2}));
  EXPECT_TRUE(equals(whole() * 0.5F, {2}, {1.5, -2}));
  EXPECT_TRUE(equals(whole() > 2.5, {2}, {1, 0}));
}

TEST(Promotion, keeps_integers_that_no_float64_can_hold) {
  const std::int64_t large = 9007199254740993;
  EXPECT_EQ((tensor(large) + 0).item<std::int64_t>(), large);
  EXPECT_EQ((tensor(std::int64_t{0}) + large).item<std::int64_t>(), large);
  EXPECT_EQ(sum(tensor(std::vector<std::int64_t>{large, 0})).item<std::int64_t>(), large);
  EXPECT_EQ(max(tensor(std::vector<std::int64_t>{large, large - 1})).item<std::int64_t>(), large);
  EXPECT_TRUE(equals(tensor(large) > large - 1, {}, {1}));
}

TEST(Promotion, of_float32_with_float64_goes_through_a_visible_cast) {
  const Tensor x = variable(tensor({1.5F, -2.5F}));
  const Tensor y = variable(precise());
  const Tensor z = x * y;
  EXPECT_EQ(z.dtype(), DType::float64);
  const Graph graph(z);
  const GraphNode& product = graph.output();
  ASSERT_EQ(product.inputs.size(), 2U);
  const GraphNode& cast_node = graph.nodes()[product.inputs[0]];
  EXPECT_EQ(cast_node.operation, "cast");
  EXPECT_TRUE(same(graph.nodes()[cast_node.inputs[0]].tensor, x));
  EXPECT_TRUE(same(graph.nodes()[product.inputs[1]].tensor, y));

  const Gradients g = gradients(sum(z), {x, y});
  EXPECT_EQ(g.at(x).dtype(), DType::float32);
  EXPECT_EQ(g.at(y).dtype(), DType::float64);
  EXPECT_TRUE(equals(g.at(x), {2}, {0.25, -0.5}));
  EXPECT_TRUE(equals(g.at(y), {2}, {1.5, -2.5}));
}

TEST(Promotion, with_whole_numbers_sends_no_gradient_to_them) {
  const Tensor x = variable({1.0, 2.0});
  EXPECT_TRUE(equals(gradients(sum(x * whole()), {x}).at(x), {2}, {3, -4}));
  EXPECT_FALSE((whole() * whole()).requires_grad());
}

TEST(TrueDivision, of_whole_numbers_gives_float64) {
  const Tensor half = tensor({1, -7}) / tensor({2, 2});
  EXPECT_EQ(half.dtype(), DType::float64);
  EXPECT_TRUE(equals(half, {2}, {0.5, -3.5}));
  EXPECT_TRUE(equals(whole() / 2, {2}, {1.5, -2}));
}

TEST(RealFunctions, turn_whole_numbers_and_booleans_into_float64) {
  for (const auto& function : {sqrt, exp, log, sin, cos, tanh, sigmoid}) {
    EXPECT_EQ(function(whole()).dtype(), DType::float64);
    EXPECT_EQ(function(boolean()).dtype(), DType::float64);
    EXPECT_EQ(function(single()).dtype(), DType::float32);
  }
  EXPECT_TRUE(close(exp(whole()), {std::exp(3.0), std::exp(-4.0)}));
  EXPECT_TRUE(close(softmax(whole()), {1 / (1 + std::exp(-7.0)), 1 / (1 + std::exp(7.0))}));
  EXPECT_EQ(logsumexp(whole()).dtype(), DType::float64);
  EXPECT_EQ(mean(whole()).dtype(), DType::float64);
  EXPECT_TRUE(equals(mean(boolean()), {}, {0.5}));
}

TEST(IntegerArithmetic, stays_int64) {
  for (const Tensor& result : {whole() + whole(), whole() - 1, whole() * whole(), -whole(), square(whole()),
                               abs(whole()), sign(whole()), maximum(whole(), 0), sum(whole()), max(whole()),
                               min(whole()), whole()[0], whole().reshape({2, 1}), stack({whole(), whole()})})
    EXPECT_EQ(result.dtype(), DType::int64);
  EXPECT_TRUE(equals(square(whole()), {2}, {9, 16}));
  EXPECT_TRUE(equals(abs(whole()), {2}, {3, 4}));
  EXPECT_TRUE(equals(sign(whole()), {2}, {1, -1}));
  EXPECT_TRUE(equals(max(whole()), {}, {3}));
}

TEST(Sum, of_booleans_counts_them) {
  const Tensor count = sum(tensor({true, false, true, true}));
  EXPECT_EQ(count.dtype(), DType::int64);
  EXPECT_EQ(count.item<int>(), 3);
}

TEST(Comparisons, give_booleans_without_a_gradient) {
  const Tensor x = variable({1.0, 2.0});
  for (const Tensor& result : {x<1.5, x <= x, x> 1, x >= whole(), x == x, x != single()}) {
    EXPECT_EQ(result.dtype(), DType::boolean);
    EXPECT_FALSE(result.requires_grad());
  }
  EXPECT_TRUE(equals(boolean() == boolean(), {2}, {1, 1}));
  EXPECT_TRUE(equals(1.5 < x, {2}, {0, 1}));
}

TEST(Where, refuses_a_condition_that_is_not_bool) {
  EXPECT_TRUE(mentions(message_of<DTypeError>([] { where(whole(), 1.0, 2.0); }), {"where", "int64", "bool"}));
}

TEST(Where, of_two_numbers_takes_their_dtype) {
  EXPECT_EQ(where(boolean(), 1, 0).dtype(), DType::int64);
  EXPECT_EQ(where(boolean(), 1.0, 0).dtype(), DType::float64);
}

TEST(Cast, converts_as_numpy_does) {
  EXPECT_TRUE(equals(cast(tensor({2.9, -2.9, 0.0}), DType::int64), {3}, {2, -2, 0}));
  EXPECT_TRUE(equals(cast(tensor({0.5, 0.0, -1.0}), DType::boolean), {3}, {1, 0, 1}));
  EXPECT_TRUE(equals(cast(boolean(), DType::float32), {2}, {1, 0}));
}

TEST(Cast, to_the_same_dtype_is_the_tensor_itself) {
  EXPECT_TRUE(same(cast(single(), DType::float32), single()));
}

TEST(Matmul, of_whole_numbers_works) {
  const Tensor a = tensor({{1, 2}, {3, 4}});
  EXPECT_TRUE(equals(matmul(a, a), {2, 2}, {7, 10, 15, 22}));
}

}  // namespace
}  // namespace chainrule::test
