// Graphs of every form: shared nodes, unused inputs, very deep and very wide ones. support.h reads and
// compares tensors.

#include "chainrule/autograd.h"
#include "support.h"

namespace chainrule::test {
namespace {

constexpr std::size_t mebibyte = std::size_t{1} << 20;
/// The sanitizers' own memory would not fit.
constexpr int ten_million = sanitized ? 200'000 : 10'000'000;

TEST(Gradients, of_x_plus_x_are_two) {
  const Tensor x = variable(3.0);
  EXPECT_EQ(gradients(x + x, {x}).at(x).item(), 2);
  EXPECT_EQ(gradients(x * x, {x}).at(x).item(), 6);
  EXPECT_EQ(gradients(x - x, {x}).at(x).item(), 0);
  EXPECT_EQ(gradients(x / x, {x}).at(x).item(), 0);
}

TEST(Gradients, add_up_over_both_sides_of_a_diamond) {
  const Tensor x = variable(3.0);
  const Tensor top = x * 2;
  const Tensor left = square(top);
  const Tensor right = sin(top);
  const Tensor y = left * right + left;
  const double u = 6;
  const double expected = 2 * (2 * u * std::sin(u) + u * u * std::cos(u) + 2 * u);
  EXPECT_NEAR(gradients(y, {x}).at(x).item(), expected, 1e-12);
}

TEST(Gradients, of_a_scalar_add_up_over_scalars_and_tensors) {
  const Tensor x = variable(0.5F), ones = tensor({1.0F, 1.0F, 1.0F});
  const Tensor shared = exp(x);
  const Tensor y = shared * shared + sum(shared * ones) + index(stack({shared, x}), {0});
  const Gradients g = gradients(y, {x, shared}), recorded = gradients(y, {x, shared}, {.create_graph = true});
  EXPECT_EQ(g.at(shared).dtype(), DType::float32);
  EXPECT_FLOAT_EQ(g.at(shared).item<float>(), 2 * std::exp(0.5F) + 4);
  EXPECT_EQ(g.at(shared).item(), recorded.at(shared).item());
  EXPECT_EQ(g.at(x).item(), recorded.at(x).item());
}

TEST(Gradients, of_a_scalar_that_is_its_own_result_are_the_seed) {
  const Tensor x = variable(2.0F);
  EXPECT_EQ(gradients(x, {x}).at(x).item(), 1);
  EXPECT_EQ(gradients(x, {x}, {.seed = tensor(3.0)}).at(x).item(), 3);
}

TEST(Gradients, wait_for_every_use_of_a_node_however_far_away) {
  // The node is used at once and again 50 steps later; a traversal in the wrong order would be off.
  const Tensor x = variable(1.5);
  const Tensor shared = square(x);
  Tensor y = shared;
  for (int i = 0; i < 50; ++i) y = y + 1;
  EXPECT_NEAR(gradients(y * shared, {x}).at(x).item(), 2 * (2 * shared.item() + 50) * x.item(), 1e-12);
}

TEST(Gradients, of_sixty_doublings_take_no_exponential_time) {
  const Tensor x = variable(1.0);
  Tensor y = x;
  for (int i = 0; i < 60; ++i) y = y + y;
  EXPECT_EQ(y.item(), 0x1p60);
  EXPECT_EQ(gradients(y, {x}).at(x).item(), 0x1p60);
}

TEST(Gradients, of_an_unused_input_are_zeros_of_its_shape_and_dtype) {
  const Tensor x = variable(2.0);
  const Tensor unused = variable(tensor({{1.0F, 2.0F}, {3.0F, 4.0F}}));
  const Tensor y = square(x);
  const Tensor gradient = gradients(y, {x, unused}).at(unused);
  EXPECT_TRUE(equals(gradient, {2, 2}, {0, 0, 0, 0}));
  EXPECT_EQ(gradient.dtype(), DType::float32);
  y.backward();
  EXPECT_TRUE(equals(unused.grad(), {2, 2}, {0, 0, 0, 0}));
}

TEST(Gradients, of_a_constant_result_are_zeros) {
  const Tensor x = variable({1.0, 2.0});
  EXPECT_TRUE(equals(gradients(tensor(3.0), {x}).at(x), {2}, {0, 0}));
  EXPECT_TRUE(equals(gradients(sum(x.detach()), {x}).at(x), {2}, {0, 0}));
}

TEST(Gradients, of_a_part_of_the_graph_stop_there) {
  const Tensor x = variable(3.0);
  const Tensor middle = square(x);
  const Tensor y = middle * x;
  const Gradients g = gradients(y, {middle});
  EXPECT_EQ(g.at(middle).item(), 3);
  EXPECT_EQ(g.size(), 1U);
  EXPECT_FALSE(g.contains(x));
}

TEST(Gradients, of_tensors_asked_for_twice_are_given_once) {
  const Tensor x = variable(3.0);
  const Gradients g = gradients(square(x), {x, x});
  EXPECT_EQ(g.at(x).item(), 6);
  EXPECT_EQ(g.size(), 1U);
}

TEST(Gradients, of_all_nodes_are_kept_on_request) {
  const Tensor x = variable(-2.0);
  const Tensor y = variable(5.0);
  const Tensor z = variable(-4.0);
  const Tensor q = x + y;
  const Tensor loss = q * z;
  const Gradients g = gradients(loss, {x}, {.all_nodes = true});
  EXPECT_EQ(g.size(), 5U);
  EXPECT_EQ(g.at(loss).item(), 1);
  EXPECT_EQ(g.at(q).item(), -4);
  EXPECT_EQ(g.at(z).item(), 3);
  EXPECT_EQ(g[y].item(), -4);
}

TEST(Gradients, do_not_share_memory_that_later_sums_would_change) {
  // add passes one gradient to both inputs; adding to one of them must not change the other.
  const Tensor x = variable({1.0, 1.0, 1.0});
  const Tensor y = variable({1.0, 1.0, 1.0});
  const Tensor s = x + y;
  const Gradients g = gradients(sum(s + x * 10.0 + s), {x, y, s});
  EXPECT_TRUE(equals(g.at(x), {3}, {12, 12, 12}));
  EXPECT_TRUE(equals(g.at(y), {3}, {2, 2, 2}));
  EXPECT_TRUE(equals(g.at(s), {3}, {2, 2, 2}));
}

TEST(Gradients, that_were_added_in_place_are_not_sent_again_to_a_constant) {
  const Tensor p = variable({1.0, 2.0});
  const Tensor x = 3.0 * p;  // its gradient is a sum, and its first input a constant scalar
  const Tensor slopes = gradients(sum(square(x) + tanh(x)), {p}).at(p);
  for (const std::int64_t i : {0, 1}) {
    const double at = 3.0 * p[i].item();
    EXPECT_NEAR(slopes[i].item(), 3 * (2 * at + 1 - std::tanh(at) * std::tanh(at)), 1e-12);
  }
}

TEST(Gradients, leave_the_seed_as_it_was) {
  const Tensor x = variable({1.0, 2.0});
  const Tensor seed = tensor({1.0, 10.0});
  const Gradients g = gradients(x + x, {x}, {.seed = seed});
  EXPECT_TRUE(equals(g.at(x), {2}, {2, 20}));
  EXPECT_TRUE(equals(seed, {2}, {1, 10}));
}

TEST(DeepGraph, of_ten_million_nodes_is_differentiated_and_destroyed_on_a_small_stack) {
  double gradient = 0;
  double result = 0;
  run_on_stack(mebibyte, [&] {
    const Tensor x = variable(1.0);
    Tensor y = x;
    for (int i = 0; i < ten_million; ++i) y = -y;
    result = y.item();
    gradient = gradients(y, {x}).at(x).item();
  });
  EXPECT_EQ(result, 1);
  EXPECT_EQ(gradient, 1);
}

TEST(DeepGraph, that_is_consumed_by_backward_needs_only_a_small_stack) {
  double gradient = 0;
  run_on_stack(mebibyte, [&] {
    const Tensor x = variable(1.0);
    const Tensor one = tensor(1.0);
    Tensor y = x;
    for (int i = 0; i < 1'000'000; ++i) y = y * one + x;
    std::move(y).backward();
    gradient = x.grad().item();
  });
  EXPECT_EQ(gradient, 1'000'001);
}

TEST(DeepGraph, that_was_never_differentiated_is_destroyed_on_a_small_stack) {
  run_on_stack(mebibyte, [] {
    Tensor y = variable({1.0, 2.0});
    for (int i = 0; i < 1'000'000; ++i) y = y + y;
    y = Tensor();
  });
}

TEST(DeepGraph, can_be_differentiated_twice_on_a_small_stack) {
  double second = 0;
  run_on_stack(mebibyte, [&] {
    const Tensor x = variable(1.0);
    Tensor y = square(x);
    for (int i = 0; i < 100'000; ++i) y = y * 1.0;
    const Tensor first = gradients(y, {x}, {.create_graph = true}).at(x);
    second = gradients(first, {x}).at(x).item();
  });
  EXPECT_EQ(second, 2);
}

TEST(WideGraph, of_a_hundred_thousand_uses_of_one_node_adds_them_all) {
  const Tensor x = variable(2.0);
  const Tensor shared = square(x);
  std::vector<Tensor> uses;
  for (int i = 0; i < 100'000; ++i) uses.push_back(shared * static_cast<double>(i % 2));
  const Tensor y = sum(stack(uses));
  EXPECT_EQ(gradients(y, {x}).at(x).item(), 50'000 * 4.0);
}

}  // namespace
}  // namespace chainrule::test
