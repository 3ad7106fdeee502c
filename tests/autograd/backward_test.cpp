// backward(): sums in leaves, what is shown of gradients on the way, and graphs that are released while it
// goes.

#include "chainrule/backward.h"
#include "array/pool.h"
#include "chainrule/autograd.h"
#include "chainrule/graph.h"
#include "support.h"

namespace chainrule::test {
namespace {

TEST(Backward, twice_doubles_the_gradients_of_the_leaves) {
  const Tensor x = variable(3.0);
  const Tensor y = square(x);
  y.backward();
  EXPECT_EQ(x.grad().item(), 6);
  y.backward();
  EXPECT_EQ(x.grad().item(), 12);
}

TEST(Backward, of_two_results_adds_up_in_their_common_leaf) {
  const Tensor x = variable({1.0, 2.0});
  sum(square(x)).backward();
  sum(3 * x).backward();
  EXPECT_TRUE(equals(x.grad(), {2}, {5, 7}));
}

TEST(Backward, shows_each_leaf_once_when_its_gradient_is_complete) {
  const Tensor w = variable({1.0, 2.0}, "w"), v = variable({3.0, 4.0}, "v"), unused = variable(1.0, "unused");
  std::vector<std::string> shown;
  std::vector<double> then;
  const auto ready = [&](const Tensor& leaf) {
    shown.push_back(leaf.name());
    then.push_back(leaf.grad().to_vector<double>().back());
  };
  const auto loss = [&] { return sum(v * (w * w)) + sum(w); };
  backward(loss(), ready);
  const Tensor kept = loss();
  backward(kept, ready, tensor(2.0));
  EXPECT_EQ(shown, (std::vector<std::string>{"w", "v", "w", "v"}));
  EXPECT_EQ(then, (std::vector<double>{17, 4, 51, 12}));
  kept.backward();  // which it has left whole
  EXPECT_TRUE(equals(w.grad(), {2}, {4 * 7, 4 * 17}));
}

TEST(Backward, ends_with_what_is_thrown_where_a_leaf_is_shown) {
  const Tensor w = variable({1.0, 2.0}), v = variable({3.0, 4.0});
  const auto refuse = [](const Tensor&) { throw std::runtime_error("no more"); };
  EXPECT_THROW(backward(sum(v * (w * w)), refuse), std::runtime_error);
  EXPECT_TRUE(equals(w.grad(), {2}, {6, 16}));
  EXPECT_TRUE(equals(v.grad(), {2}, {0, 0}));
  EXPECT_THROW(backward(w * w, refuse), GradError);
}

TEST(Backward, leaves_a_gradient_that_was_read_before_as_it_was) {
  const Tensor x = variable({1.0, 2.0});
  sum(square(x)).backward();
  const Tensor before = x.grad();
  sum(square(x)).backward();
  EXPECT_TRUE(equals(before, {2}, {2, 4}));
  EXPECT_TRUE(equals(x.grad(), {2}, {4, 8}));
}

TEST(Backward, gives_each_of_two_leaves_its_own_gradient) {
  // Both receive the same gradient from one addition, and only one of them more.
  const Tensor x = variable({1.0, 2.0});
  const Tensor y = variable({1.0, 2.0});
  sum(x + y).backward();
  sum(x).backward();
  EXPECT_TRUE(equals(x.grad(), {2}, {2, 2}));
  EXPECT_TRUE(equals(y.grad(), {2}, {1, 1}));
}

TEST(Backward, of_a_leaf_itself_gives_it_one) {
  const Tensor x = variable(3.0);
  x.backward();
  EXPECT_EQ(x.grad().item(), 1);
}

TEST(Backward, finds_zeros_in_a_leaf_that_nothing_has_reached) {
  const Tensor x = variable({1.0F, 2.0F});
  EXPECT_TRUE(equals(x.grad(), {2}, {0, 0}));
  EXPECT_EQ(x.grad().dtype(), DType::float32);
}

TEST(Backward, adds_up_products_of_which_nobody_has_read_the_value) {
  const Tensor weight = variable(ones({4, 8}, DType::float64));
  const auto row = [](double first) {
    return reshape(linspace(first, first + 7, 8, DType::float64), {1, 8});
  };
  const auto loss = [&] {  // the second and third sums of products are added to the first
    return sum(linear(row(0), weight)) + sum(linear(row(10), weight)) + sum(matmul(row(20), weight.T()));
  };
  std::vector<double> expected;
  for (int i = 0; i < 32; ++i) expected.push_back(30 + 3 * (i % 8));
  EXPECT_EQ(values(gradients(loss(), {weight})[weight]), expected);
  loss().backward();
  const Tensor once = weight.grad();
  loss().backward();
  EXPECT_EQ(values(once), expected);
  for (double& number : expected) number *= 2;
  EXPECT_EQ(values(weight.grad()), expected);
}

TEST(ZeroGrad, forgets_what_backward_has_accumulated) {
  const Tensor x = variable(3.0);
  square(x).backward();
  x.zero_grad();
  EXPECT_EQ(x.grad().item(), 0);
  square(x).backward();
  EXPECT_EQ(x.grad().item(), 6);
}

TEST(Seed, weighs_the_elements_of_a_result_that_is_not_a_scalar) {
  const Tensor x = variable({1.0, 2.0, 3.0});
  const Tensor y = square(x);
  y.backward(tensor({1.0, 10.0, 100.0}));
  EXPECT_TRUE(equals(x.grad(), {3}, {2, 40, 600}));
  EXPECT_TRUE(equals(gradients(y, {x}, {.seed = tensor({0.0, 1.0, 0.0})}).at(x), {3}, {0, 4, 0}));
}

TEST(Seed, scales_a_scalar) {
  const Tensor x = variable(3.0);
  EXPECT_EQ(gradients(square(x), {x}, {.seed = tensor(2.0)}).at(x).item(), 12);
}

TEST(Seed, of_another_dtype_is_converted) {
  const Tensor x = variable({1.0, 2.0});
  const Tensor gradient = gradients(square(x), {x}, {.seed = tensor({10, 100})}).at(x);
  EXPECT_TRUE(equals(gradient, {2}, {20, 400}));
  EXPECT_EQ(gradient.dtype(), DType::float64);
}

TEST(Seed, through_a_consuming_backward_gives_the_same) {
  const Tensor x = variable({1.0, 2.0, 3.0});
  square(x).backward(tensor({1.0, 10.0, 100.0}));
  EXPECT_TRUE(equals(x.grad(), {3}, {2, 40, 600}));
}

TEST(ConsumingBackward, gives_the_same_gradients) {
  const Tensor x = variable(0.5);
  const Tensor y = variable(1.5);
  const auto build = [&] { return sin(x * y) * exp(x) + square(y) * x; };
  const Gradients expected = gradients(build(), {x, y});
  Tensor loss = build();
  std::move(loss).backward();
  EXPECT_EQ(x.grad().item(), expected.at(x).item());
  EXPECT_EQ(y.grad().item(), expected.at(y).item());
}

TEST(ConsumingBackward, leaves_an_empty_handle) {
  const Tensor x = variable(3.0);
  Tensor y = square(x);
  std::move(y).backward();
  EXPECT_TRUE(y.is_empty());
  EXPECT_THROW(y.backward(), GradError);
  EXPECT_THROW(square(y), GradError);
}

TEST(ConsumingBackward, spares_the_nodes_that_others_still_hold) {
  const Tensor x = variable(3.0);
  const Tensor middle = square(x);
  Tensor y = middle * x;
  std::move(y).backward();
  EXPECT_EQ(x.grad().item(), 27);
  EXPECT_EQ(middle.item(), 9);
  EXPECT_EQ(gradients(middle, {x}).at(x).item(), 6);
}

TEST(ConsumingBackward, of_a_result_that_others_hold_leaves_it_to_them) {
  const Tensor x = variable(3.0);
  Tensor y = square(x);
  const Tensor other = y;
  std::move(y).backward();
  EXPECT_EQ(x.grad().item(), 6);
  EXPECT_EQ(other.item(), 9);
  EXPECT_EQ(gradients(other, {x}).at(x).item(), 6);
}

TEST(ConsumingBackward, releases_memory_while_it_runs) {
  SKIP_WITHOUT_POOL();
  // 64 values of 4 MiB are held by the graph; while it goes back, those released make room for the
  // gradients, so that the system is asked for hardly any more memory.
  constexpr int depth = 64;
  const Tensor x = variable(full({1 << 19}, 0.5, DType::float64));
  Tensor y = x;
  for (int i = 0; i < depth; ++i) y = sin(y);
  Tensor loss = sum(y);
  y = Tensor();
  const std::size_t before = pool::statistics().system_allocations;
  std::move(loss).backward();
  EXPECT_LE(pool::statistics().system_allocations - before, 8U);
  EXPECT_GT(pool::statistics().cached_bytes, std::size_t{32} << 22);
}

/// Of the nodes sin and mul below a result, in the order of the graph: which have lost their value?
std::vector<bool> released(const Tensor& output) {
  std::vector<bool> gone;
  const Graph graph(output);
  for (const GraphNode& node : graph.nodes())
    if (node.operation == "sin" || node.operation == "mul") gone.push_back(!node.has_value);
  return gone;
}

TEST(ValueLifetime, ends_with_the_last_handle_when_no_derivative_reads_it) {
  const Tensor x = variable({1.0, 2.0, 3.0});
  const Tensor w = tensor({2.0, 3.0, 4.0});
  const Tensor added = sum(sin(x) + x * w);
  EXPECT_EQ(released(added), (std::vector<bool>{true, true})) << "add reads nothing";
  const Tensor exponential = exp(sin(x));
  EXPECT_EQ(released(exponential), (std::vector<bool>{true})) << "exp reads its result only";
  const Tensor weighted = sum(sin(x) * w);
  EXPECT_EQ(released(weighted), (std::vector<bool>{true, true})) << "mul reads the other input only";
}

TEST(ValueLifetime, lasts_as_long_as_a_derivative_that_reads_it) {
  const Tensor x = variable({1.0, 2.0, 3.0});
  const Tensor y = cos(sin(x));
  EXPECT_EQ(released(y), (std::vector<bool>{false}));
}

TEST(ValueLifetime, lasts_as_long_as_a_handle) {
  const Tensor x = variable({1.0, 2.0, 3.0});
  const Tensor held = sin(x);
  const Tensor y = sum(held + x);
  EXPECT_EQ(released(y), (std::vector<bool>{false}));
}

TEST(ValueLifetime, lasts_as_long_as_the_graph_under_keep_values) {
  const KeepValues keep;
  const Tensor x = variable({1.0, 2.0, 3.0});
  const Tensor y = sum(sin(x) + x * 2.0);
  EXPECT_EQ(released(y), (std::vector<bool>{false, false}));
}

TEST(ValueLifetime, of_a_released_value_ends_with_a_clear_error) {
  const Tensor x = variable({1.0, 2.0, 3.0});
  const Tensor y = sum(sin(x) + x);
  const Graph graph(y);
  for (const GraphNode& node : graph.nodes()) {
    if (node.has_value) continue;
    EXPECT_TRUE(
        mentions(message_of<GradError>([&] { node.tensor.to_vector<double>(); }), {"sin", "KeepValues"}));
    return;
  }
  FAIL() << "no value was released";
}

}  // namespace
}  // namespace chainrule::test
