// detach, no_grad, KeepValues and names: what changes how a graph is recorded. support.h reads and compares
// tensors.

#include "chainrule/autograd.h"
#include "chainrule/graph.h"
#include "support.h"

namespace chainrule::test {
namespace {

TEST(Detach, cuts_a_value_off_from_its_history) {
  const Tensor x = variable(3.0);
  const Tensor y = square(x);
  const Tensor cut = y.detach();
  EXPECT_EQ(cut.item(), 9);
  EXPECT_FALSE(cut.requires_grad());
  EXPECT_TRUE(cut.is_leaf());
  EXPECT_EQ(gradients(y * cut, {x}).at(x).item(), 9 * 6);
}

TEST(Detach, makes_no_copy) {
  const Tensor x = variable({1.0, 2.0, 3.0});
  const Tensor detached = x.detach();
  EXPECT_EQ(detached.data<double>().data(), x.data<double>().data());
}

TEST(Detach, of_part_of_a_loss_trains_only_the_other_part) {
  const Tensor x = variable(2.0);
  const Tensor y = variable(5.0);
  const Gradients g = gradients(square(x - y.detach()), {x, y});
  EXPECT_EQ(g.at(x).item(), -6);
  EXPECT_EQ(g.at(y).item(), 0);
}

TEST(NoGrad, records_nothing_until_it_goes_out_of_scope) {
  const Tensor x = variable(3.0);
  {
    const NoGrad guard;
    const Tensor y = square(x);
    EXPECT_EQ(y.item(), 9);
    EXPECT_FALSE(y.requires_grad());
    EXPECT_TRUE(y.is_leaf());
  }
  EXPECT_TRUE(square(x).requires_grad());
}

TEST(NoGrad, nests_and_can_be_lifted) {
  const Tensor x = variable(3.0);
  const NoGrad outer;
  {
    const NoGrad lifted(false);
    EXPECT_TRUE(square(x).requires_grad());
    {
      const NoGrad inner;
      EXPECT_FALSE(square(x).requires_grad());
    }
    EXPECT_TRUE(square(x).requires_grad());
  }
  EXPECT_FALSE(square(x).requires_grad());
}

TEST(NoGrad, is_lifted_by_an_exception) {
  const Tensor x = variable({1.0, 2.0});
  EXPECT_THROW(no_grad([&] { return x + tensor({1.0, 2.0, 3.0}); }), ShapeError);
  EXPECT_TRUE(square(x).requires_grad());
}

TEST(NoGrad, as_a_function_returns_what_it_wraps) {
  const Tensor x = variable(3.0);
  const Tensor y = no_grad([&] { return square(x); });
  EXPECT_EQ(y.item(), 9);
  EXPECT_FALSE(y.requires_grad());
}

TEST(NoGrad, leaves_a_graph_built_before_differentiable) {
  const Tensor x = variable(3.0);
  const Tensor y = square(x);
  const NoGrad guard;
  EXPECT_EQ(gradients(y, {x}).at(x).item(), 6);
  y.backward();
  EXPECT_EQ(x.grad().item(), 6);
}

TEST(NoGrad, still_makes_variables) {
  EXPECT_TRUE(no_grad([] { return variable(1.0); }).requires_grad());
}

TEST(KeepValues, records_operations_on_constants_too) {
  const Tensor a = tensor(2.0);
  EXPECT_EQ(Graph(a * 3.0 + 1.0).nodes().size(), 1U);
  const KeepValues keep;
  const Tensor y = a * 3.0 + 1.0;
  const Graph graph(y);
  EXPECT_EQ(graph.nodes().size(), 5U);
  EXPECT_EQ(graph.output().operation, "add");
  EXPECT_FALSE(y.requires_grad());
}

TEST(KeepValues, ends_with_its_scope) {
  const Tensor a = tensor(2.0);
  {
    const KeepValues keep;
    const KeepValues again;
  }
  EXPECT_EQ(Graph(a * 3.0).nodes().size(), 1U);
}

TEST(Name, is_given_and_returned) {
  const Tensor x = variable(2.0, "x");
  EXPECT_EQ(x.name(), "x");
  EXPECT_EQ(square(x).name(), "");
  const Tensor y = square(x).named("y");
  EXPECT_EQ(y.name(), "y");
  EXPECT_EQ(variable({1.0, 2.0}, "row").name(), "row");
  EXPECT_EQ(variable({{1.0, 2.0}}, "matrix").name(), "matrix");
}

TEST(Name, belongs_to_the_node_so_all_handles_see_it) {
  const Tensor x = variable(2.0);
  const Tensor other = x;
  const Tensor named = x.named("first").named("second");
  EXPECT_EQ(other.name(), "second");
  EXPECT_TRUE(same(named, x));
}

TEST(Name, changes_no_gradient) {
  const Tensor x = variable(3.0, "x");
  const Tensor y = square(x).named("y");
  EXPECT_EQ(gradients(y * y, {x, y}).at(x).item(), 108);
}

TEST(Leaf, is_what_no_recorded_operation_made) {
  const Tensor x = variable(2.0);
  const Tensor c = tensor(2.0);
  EXPECT_TRUE(x.is_leaf());
  EXPECT_TRUE(c.is_leaf());
  EXPECT_TRUE((c * 2.0).is_leaf());
  EXPECT_FALSE((x * 2.0).is_leaf());
  EXPECT_TRUE(x.requires_grad());
  EXPECT_FALSE(c.requires_grad());
}

TEST(Variable, holds_the_value_it_was_made_from_without_a_copy) {
  const Tensor from = tensor({1.0, 2.0, 3.0});
  const Tensor x = variable(from);
  EXPECT_EQ(x.data<double>().data(), from.data<double>().data());
  EXPECT_FALSE(from.requires_grad());
}

TEST(Variable, of_an_operation_is_a_leaf_of_its_own) {
  const Tensor x = variable(3.0);
  const Tensor y = variable(square(x));
  EXPECT_EQ(gradients(y * x, {x, y}).at(x).item(), 9);
  EXPECT_EQ(gradients(y * x, {x, y}).at(y).item(), 3);
}

TEST(Variable, of_a_number_is_float64_unless_it_is_a_float) {
  EXPECT_EQ(variable(2).dtype(), DType::float64);
  EXPECT_EQ(variable(2.0).dtype(), DType::float64);
  EXPECT_EQ(variable(2.0F).dtype(), DType::float32);
}

}  // namespace
}  // namespace chainrule::test
