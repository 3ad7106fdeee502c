// Parameters: leaves, copies, gradients, and graphs that were made before a step.
// support.h compares the numbers.

#include "chainrule/autograd.h"
#include "chainrule/graph.h"
#include "chainrule/map.h"
#include "chainrule/nn.h"
#include "chainrule/optim.h"

#include "support.h"

namespace chainrule::test {
namespace {

TEST(Parameter, names_its_leaf) {
  const Parameter weight(tensor({1.0, 2.0}), "weight");
  EXPECT_EQ(weight.name(), "weight");
  EXPECT_EQ(weight.leaf().name(), "weight");
  EXPECT_TRUE(weight.leaf().is_leaf());
  EXPECT_TRUE(weight.leaf().requires_grad());
}

TEST(Parameter, copies_share_the_slot) {
  const Parameter weight(tensor({1.0, 2.0}), "weight");
  const Parameter copy = weight;
  weight.assign(tensor({3.0, 4.0}));
  EXPECT_TRUE(same(copy, weight));
  EXPECT_EQ(values(copy), (std::vector<double>{3, 4}));
}

TEST(Parameter, assigned_anew_leaves_old_graphs_as_they_were) {
  const Parameter weight(tensor({1.0, 2.0}), "weight");
  const Tensor before = weight;
  const Tensor loss = sum(square(weight));
  weight.assign(tensor({10.0, 20.0}));

  loss.backward();
  EXPECT_EQ(values(before), (std::vector<double>{1, 2}));
  EXPECT_EQ(values(before.grad()), (std::vector<double>{2, 4}));
  EXPECT_EQ(values(weight.grad()), (std::vector<double>{0, 0}));
}

TEST(Parameter, adds_up_gradients_until_they_are_zeroed) {
  const Parameter weight(tensor({1.0, 2.0}), "weight");
  sum(square(weight)).backward();
  sum(3.0 * weight).backward();
  EXPECT_EQ(values(weight.grad()), (std::vector<double>{5, 7}));
  weight.zero_grad();
  EXPECT_EQ(values(weight.grad()), (std::vector<double>{0, 0}));
}

TEST(Parameter, does_not_share_memory_with_what_it_was_made_from) {
  const Tensor initial = tensor({1.0, 2.0, 3.0});
  const Parameter weight(initial, "weight");
  weight.assign(tensor({4.0, 5.0, 6.0}));
  EXPECT_EQ(values(initial), (std::vector<double>{1, 2, 3}));
}

TEST(Parameter, keeps_its_shape_and_dtype) {
  const Parameter weight(tensor({1.0, 2.0}), "weight");
  EXPECT_TRUE(mentions(message_of<ShapeError>([&] {
                         weight.assign(tensor({1.0, 2.0, 3.0}));
                       }),
                       {"weight", "(2,)", "(3,)"}));
  EXPECT_TRUE(mentions(message_of<DTypeError>([&] {
                         weight.assign(tensor({1.0F, 2.0F}));
                       }),
                       {"weight", "float32", "float64"}));
}

TEST(Parameter, must_be_floating) { EXPECT_THROW(Parameter(tensor({1, 2}), "count"), DTypeError); }

TEST(Parameter, stands_for_its_leaf_wherever_a_tensor_is_wanted) {
  const Parameter w(tensor({1.0, 2.0}), "w"), b(tensor({3.0, 4.0}), "b");
  const Tensor loss =
      sum(square(w) * b + 2.0 * w - w / b + maximum(w, 0) + map([](auto x, auto y) { return x * y; }, w, b));
  const Gradients g = gradients(loss, {w, b});
  EXPECT_TRUE(close(g[w], {6 + 2 - 1.0 / 3 + 1 + 3, 16 + 2 - 1.0 / 4 + 1 + 4}));
  EXPECT_TRUE(equals(concatenate({w, b}), {4}, {1, 2, 3, 4}));
  EXPECT_TRUE(equals(-w, {2}, {-1, -2}));
  const Tensor handle = w;
  EXPECT_TRUE(same(handle, w.leaf()));
  EXPECT_EQ(to_string(w.shape()), "(2,)");
  EXPECT_EQ(w.dtype(), DType::float64);
}

TEST(Parameter, remembers_the_line_where_it_was_used) {
  const Parameter w(tensor({1.0, 2.0}), "w");
  const Tensor y = exp(w);
  EXPECT_EQ(Graph(y).output().here.line, __LINE__ - 1);
}

TEST(Parameter, cloned_goes_its_own_way_from_the_same_value) {
  const Parameter w(tensor({1.0, 2.0, 3.0}), "w"), clone = w.clone();
  EXPECT_EQ(clone.name(), "w");
  EXPECT_FALSE(same(clone, w));
  Sgd optimizer({w}, {.learning_rate = 1});
  sum(w).backward();
  EXPECT_EQ(values(clone.grad()), (std::vector<double>{0, 0, 0}));
  optimizer.step();
  EXPECT_EQ(values(w), (std::vector<double>{0, 1, 2}));
  EXPECT_EQ(values(clone), (std::vector<double>{1, 2, 3}));
  clone.assign(tensor({7.0, 7.0, 7.0}));
  EXPECT_EQ(values(w), (std::vector<double>{0, 1, 2}));
}

}  // namespace
}  // namespace chainrule::test
