// Handles that are empty, and handles that are moved from and used in one operation: values are given up only
// where nobody else has them. support.h reads and compares tensors.

#include <sstream>

#include "chainrule/autograd.h"
#include "chainrule/data.h"
#include "chainrule/draw.h"
#include "chainrule/gradcheck.h"
#include "chainrule/io.h"
#include "chainrule/map.h"
#include "chainrule/nn.h"
#include "chainrule/optim.h"
#include "chainrule/report.h"
#include "chainrule/walk.h"
#include "op_cases.h"

namespace chainrule::test {
namespace {

// ---- Empty handles -----------------------------------------------------------------------------------

class EmptyHandle : public ::testing::TestWithParam<Case> {};

TEST_P(EmptyHandle, as_an_operand_is_an_error) {
  PRINT_SEED_ON_FAILURE();
  const Case& one = GetParam();
  Engine engine(seed());
  for (const Shapes& shapes : one.variant->shapes) {
    const Inputs inputs = one.draw(shapes, engine);
    const std::size_t required = one.row->optional_inputs ? 1 : inputs.size();
    for (std::size_t i = 0; i < required; ++i) {
      Inputs broken = inputs;
      broken[i] = Tensor();
      EXPECT_THROW(one.variant->call(broken), GradError) << "operand " << i;
      EXPECT_THROW(one.variant->call(Inputs(broken)), GradError) << "a temporary as operand " << i;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Operations, EmptyHandle, ::testing::ValuesIn(all_cases()), case_name);

TEST(EmptyHandle, is_an_error_in_every_function_that_takes_a_tensor) {
  const Tensor none, one = variable(2.0, "x"), loss = one * one;
  Generator random(1);
  EXPECT_THROW((void)none.shape(), GradError);
  EXPECT_THROW((void)none.dtype(), GradError);
  EXPECT_THROW((void)none.size(), GradError);
  EXPECT_THROW((void)none.item(), GradError);
  EXPECT_THROW((void)none.data<float>(), GradError);
  EXPECT_THROW((void)none.to_vector<double>(), GradError);
  EXPECT_THROW((void)none.requires_grad(), GradError);
  EXPECT_THROW((void)none.is_leaf(), GradError);
  EXPECT_THROW((void)none.named("x"), GradError);
  EXPECT_THROW((void)none.name(), GradError);
  EXPECT_THROW(none.backward(), GradError);
  EXPECT_THROW(Tensor().backward(), GradError);
  EXPECT_THROW((void)none.grad(), GradError);
  EXPECT_THROW(none.zero_grad(), GradError);
  EXPECT_THROW((void)none.detach(), GradError);
  EXPECT_THROW((void)none[0], GradError);
  EXPECT_THROW((void)none.T(), GradError);
  EXPECT_THROW((void)none.reshape({1}), GradError);
  EXPECT_THROW(variable(none), GradError);
  EXPECT_THROW(zeros_like(none), GradError);
  EXPECT_THROW(ones_like(none), GradError);
  EXPECT_THROW((void)to_string(none), GradError);
  std::ostringstream out;
  EXPECT_THROW(out << none, GradError);

  EXPECT_THROW(gradients(none, {one}), GradError);
  EXPECT_THROW(gradients(loss, {none}), GradError);
  EXPECT_THROW((void)gradients(loss, {one}).at(none), GradError);
  EXPECT_THROW(jvp(none, one, one), GradError);
  EXPECT_THROW(jvp(loss, none, one), GradError);
  EXPECT_THROW(jvp(loss, one, none), GradError);
  EXPECT_THROW(gradcheck([](const std::vector<Tensor>& x) { return x[0]; }, {none}), GradError);
  EXPECT_THROW(gradcheck([](const std::vector<Tensor>&) { return Tensor(); }, {tensor(1.0)}), GradError);
  EXPECT_THROW(map([](auto x) { return x; }, none), GradError);
  EXPECT_THROW(concatenate({one, none}), GradError);
  EXPECT_THROW(stack({none}), GradError);

  EXPECT_THROW((void)Graph{none}, GradError);
  EXPECT_THROW((void)Graph(loss).position(none), GradError);
  EXPECT_THROW((void)GraphRecord{none}, GradError);
  EXPECT_THROW((void)Walk{none}, GradError);
  EXPECT_THROW((void)summary(none), GradError);
  EXPECT_THROW(save_graph(none, "/nowhere/graph.json"), GradError);
  EXPECT_THROW(write_dot(out, none), GradError);
  EXPECT_THROW(save_npy("/nowhere/x.npy", none), GradError);

  EXPECT_THROW(Parameter(none, "w"), GradError);
  EXPECT_THROW(Parameter(one, "w").assign(none), GradError);
  EXPECT_THROW(Linear(3, 2, random)(none), GradError);
  EXPECT_THROW(Mlp({3, 2}, random)(none), GradError);
  EXPECT_THROW(take_rows(none, std::vector<std::int64_t>{0}), GradError);
  EXPECT_THROW(split(Dataset{}, 0.5, random), GradError);
  EXPECT_THROW(Batches(Dataset{}, 1, random), GradError);
  EXPECT_THROW(Standardizer{none}, GradError);
  EXPECT_THROW(predicted_classes(none), GradError);
  EXPECT_THROW(accuracy(none, none), GradError);
  EXPECT_THROW(evaluate([](const Tensor& x) { return x; }, Dataset{}), GradError);
}

TEST(EmptyHandle, is_an_error_where_one_step_of_the_chain_rule_is_asked_for) {
  const Tensor x = variable(3.0, "x"), product = x * 2.0;
  const std::vector<std::string> names = {"x", "2"};
  EXPECT_THROW(local_gradient(Tensor(), 0, tensor(1.0)), GradError);
  EXPECT_THROW(local_gradient(product, 0, Tensor()), GradError);
  EXPECT_THROW(local_gradient(product, 0, tensor({1.0, 2.0})), ShapeError);
  EXPECT_THROW(local_formula(Tensor(), 0, names, "y"), GradError);
  EXPECT_TRUE(mentions(
      message_of<GradError>([&] { (void)local_formula(product, 0, std::span(names).first(1), "y"); }),
      {"local_formula: 1 names for the 2 inputs of mul"}));
  EXPECT_THROW((void)local_formula(product, 1, {}, "y"), GradError);
  EXPECT_EQ(local_formula(product, 0, names, "y").text, "2");
  EXPECT_EQ(local_formula(product, 2, names, "y").text, "") << "there is no such input";
}

// ---- Moved and used in one operation -----------------------------------------------------------------

using Operation = std::function<Tensor(const Operand&, const Operand&)>;

/// Calls with one handle for both operands, moved from as the first, the second, or both.
void expect_right_however_it_is_moved(const Operation& operation, const Tensor& value) {
  const auto gradient_of = [&](const auto& call) {
    const Tensor x = variable(value, "x");
    Tensor y = x * 1.0;  // its last handle
    const Tensor z = call(y);
    return std::pair(z.detach(), gradients(sum(z), {x})[x]);
  };
  const auto [expected, slope] = gradient_of([&](Tensor& y) { return operation(y, y); });
  const auto check = [&, &expected = expected, &slope = slope](const char* which, const auto& call) {
    const auto [result, gradient] = gradient_of(call);
    EXPECT_TRUE(equals(result, expected.shape(), values(expected))) << which;
    EXPECT_TRUE(equals(gradient, slope.shape(), values(slope))) << which;
  };
  check("first", [&](Tensor& y) { return operation(std::move(y), y); });
  check("second", [&](Tensor& y) { return operation(y, std::move(y)); });
  check("both", [&](Tensor& y) { return operation(std::move(y), std::move(y)); });
}

TEST(MovedHandle, used_again_in_the_same_operation_has_its_value) {
  const Tensor vector = tensor({0.5, 2.0, -1.0}), matrix = tensor({{1.0, 2.0}, {3.0, 5.0}});
  const auto check = [](const Operation& operation, const Tensor& value) {
    expect_right_however_it_is_moved(operation, value);
    expect_right_however_it_is_moved(operation, cast(value, DType::float32));
    const KeepValues keep;
    expect_right_however_it_is_moved(operation, value);
  };
  for (const Tensor& value : {vector, matrix, tensor(1.5)}) {
    check(add, value);
    check(sub, value);
    check(mul, value);
    check(div, value);
    check(maximum, value);
    check(minimum, value);
    check(logaddexp, value);
    check([](auto& a, auto& b) { return where(true, a, b); }, value);
    check([](auto& a, auto& b) { return where(false, a, b); }, value);
    check([](auto& a, auto& b) { return clamp(a, b, 3); }, value);
    check([](auto& a, auto& b) { return clamp(0.25, a, b); }, value);
    check([](auto& a, auto& b) { return map([](auto x, auto y) { return x * exp(y); }, a, b); }, value);
  }
  check(pow, abs(vector));
  check(matmul, vector);
  check(matmul, matrix);
  check([](auto& a, auto& b) { return linear(a, b); }, matrix);
  check([](auto& a, auto& b) { return linear(a, b, tensor({1.0, 2.0})); }, matrix);
}

TEST(MovedHandle, is_taken_over_where_nothing_else_refers_to_it) {
  Tensor y = variable({1.0, 2.0}) * 2.0;
  const Node* node = y.node();
  const Tensor z = std::move(y) * 3.0;
  EXPECT_EQ(y.node(), nullptr);
  EXPECT_EQ(Graph(z).nodes()[2].tensor.node(), node);
}

TEST(MovedHandle, that_is_cast_stays_for_the_other_operands) {
  const Tensor x = variable({1.0F, 4.0F}), big = tensor({2.0, 2.0});
  Tensor y = x * 1.0F;
  const Tensor z = clamp(std::move(y), y * 0.5F, big);
  EXPECT_EQ(z.dtype(), DType::float64);
  EXPECT_TRUE(equals(z, {2}, {1, 2}));
  y = x * 1.0F;
  EXPECT_TRUE(equals(where(big > 3, std::move(y), y + big), {2}, {3, 6}));
  y = x * 1.0F;
  EXPECT_TRUE(
      equals(linear(reshape(big, {1, 2}), reshape(std::move(y), {1, 2}), tensor({1.0})), {1, 1}, {11}));
  const KeepValues keep;
  Tensor n = tensor({6, 8});
  n = std::move(n) / n;
  EXPECT_TRUE(equals(n, {2}, {1, 1}));
}

TEST(MovedHandle, may_be_assigned_the_result) {
  const Tensor x = variable(3.0);
  Tensor y = x * 1.0;
  y = std::move(y) * y;
  EXPECT_EQ(y.item(), 9);
  for (int i = 0; i < 3; ++i) y = std::move(y) + y;
  EXPECT_EQ(y.item(), 72);
  EXPECT_EQ(gradients(y, {x})[x].item(), 48);
}

TEST(MovedHandle, may_be_its_own_seed) {
  const Tensor x = variable({1.0, 2.0});
  Tensor y = x * 3.0;
  std::move(y).backward(y);
  EXPECT_TRUE(equals(x.grad(), {2}, {9, 18}));
}

TEST(MovedHandle, stays_when_its_graph_cannot_be_consumed) {
  Tensor y = variable({1.0, 2.0}) * 3.0;
  EXPECT_THROW(std::move(y).backward(), GradError);
  EXPECT_TRUE(equals(y, {2}, {3, 6}));
}

}  // namespace
}  // namespace chainrule::test
