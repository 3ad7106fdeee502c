#include "chainrule/nn.h"

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
  EXPECT_TRUE(same(copy.leaf(), weight.leaf()));
  EXPECT_EQ(values(copy.leaf()), (std::vector<double>{3, 4}));
}

TEST(Parameter, assigned_anew_leaves_old_graphs_as_they_were) {
  const Parameter weight(tensor({1.0, 2.0}), "weight");
  const Tensor before = weight.leaf();
  const Tensor loss = sum(square(weight.leaf()));
  weight.assign(tensor({10.0, 20.0}));

  loss.backward();
  EXPECT_EQ(values(before), (std::vector<double>{1, 2}));
  EXPECT_EQ(values(before.grad()), (std::vector<double>{2, 4}));
  EXPECT_EQ(values(weight.grad()), (std::vector<double>{0, 0}));
}

TEST(Parameter, adds_up_gradients_until_they_are_zeroed) {
  const Parameter weight(tensor({1.0, 2.0}), "weight");
  sum(square(weight.leaf())).backward();
  sum(3.0 * weight.leaf()).backward();
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

}  // namespace
}  // namespace chainrule::test
