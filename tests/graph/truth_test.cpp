// Tensors as conditions, and the logic of bool tensors: one element is its value, several are an error.
// support.h reads and compares tensors.

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

#include "chainrule/autograd.h"
#include "support.h"

namespace chainrule {
namespace {

using test::equals;
using test::mentions;
using test::message_of;

bool holds(const Tensor& condition) { return condition ? true : false; }

TEST(Truth, of_one_element_is_its_value_in_every_dtype) {
  for (const DType dtype : {DType::boolean, DType::int64, DType::float32, DType::float64}) {
    EXPECT_FALSE(holds(zeros({}, dtype))) << dtype;
    EXPECT_TRUE(holds(ones({}, dtype))) << dtype;
    EXPECT_TRUE(holds(ones({1, 1}, dtype))) << dtype;
  }
  EXPECT_TRUE(holds(tensor(0.5F)));
  EXPECT_FALSE(holds(tensor(-0.0)));
  EXPECT_TRUE(holds(tensor(std::numeric_limits<double>::quiet_NaN()))) << "as in Python";
}

TEST(Truth, makes_comparisons_of_scalars_conditions) {
  const Tensor loss = variable(0.5), bound = 0.1;
  EXPECT_FALSE(holds(loss < 0.1));
  EXPECT_TRUE(holds(loss > bound));
  EXPECT_TRUE(holds(!(loss < 0.1)));
  EXPECT_TRUE(same(std::max(loss, bound), loss));
  EXPECT_TRUE(same(std::min(loss, bound), bound));
  const bool late = true;
  EXPECT_FALSE(late && loss < 0.1);
}

TEST(Truth, of_several_elements_or_none_is_an_error_that_names_all_and_any) {
  const Tensor a = tensor({1, 2}), b = tensor({1, 2});
  EXPECT_TRUE(
      mentions(message_of<ShapeError>([&] { holds(a == b); }), {"(2,)", "all(", "any(", "is_empty()"}));
  EXPECT_TRUE(mentions(message_of<ShapeError>([&] { holds(zeros({0})); }), {"(0,)"}));
  EXPECT_TRUE(mentions(message_of<ShapeError>([&] { std::max(a, b); }), {"(2,)"}));
  EXPECT_TRUE(holds(all(a == b)));
  EXPECT_FALSE(holds(any(a != b)));
}

TEST(Truth, of_an_empty_handle_is_an_error) {
  const Tensor nothing;
  EXPECT_TRUE(nothing.is_empty());
  EXPECT_TRUE(mentions(message_of<GradError>([&] { holds(nothing); }), {"empty handle"}));
  EXPECT_TRUE(mentions(message_of<GradError>([&] { holds(!nothing); }), {"empty handle"}));
}

TEST(Logic, works_element_by_element) {
  const Tensor a = tensor({true, true, false, false}), b = tensor({true, false, true, false});
  EXPECT_TRUE(equals(a & b, {4}, {1, 0, 0, 0}));
  EXPECT_TRUE(equals(a | b, {4}, {1, 1, 1, 0}));
  EXPECT_TRUE(equals(a ^ b, {4}, {0, 1, 1, 0}));
  EXPECT_TRUE(equals(~a, {4}, {0, 0, 1, 1}));
  EXPECT_TRUE(equals(!a, {4}, {0, 0, 1, 1}));
  EXPECT_TRUE(equals(a & true, {4}, {1, 1, 0, 0}));
  EXPECT_EQ((a & b).dtype(), DType::boolean);
  Tensor mask = a;
  mask &= b;
  mask |= ~a;
  mask ^= b;
  EXPECT_TRUE(equals(mask, {4}, {0, 0, 0, 1}));
  EXPECT_TRUE(equals(a, {4}, {1, 1, 0, 0})) << "other handles keep what they had";
}

TEST(Logic, selects_with_where) {
  const Tensor x = variable({-1.0, 0.5, 2.0});
  const Tensor y = sum(where((x > 0) & (x < 1), 10 * x, where(!(x > 0), 3 * x, x)));
  EXPECT_EQ(y.item(), 4);
  EXPECT_TRUE(equals(gradients(y, {x})[x], {3}, {3, 10, 1}));
}

TEST(Logic, of_numbers_is_for_the_functions_alone) {
  const Tensor x = tensor({0.0, 2.0}), n = tensor({0, 3});
  EXPECT_TRUE(equals(logical_and(x, n), {2}, {0, 1}));
  EXPECT_TRUE(equals(logical_not(x), {2}, {1, 0}));
  EXPECT_TRUE(mentions(message_of<DTypeError>([&] { x&(x > 0); }), {"&", "float64", "x > 0", "logical_and"}));
  EXPECT_TRUE(mentions(message_of<DTypeError>([&] { (x > 0) | n; }), {"|", "int64", "logical_or"}));
  EXPECT_TRUE(mentions(message_of<DTypeError>([&] { (x > 0) ^ 1.5; }), {"^", "logical_xor"}));
  EXPECT_TRUE(mentions(message_of<DTypeError>([&] { ~x; }), {"~", "float64", "logical_not"}));
  EXPECT_TRUE(equals(~n, {2}, {-1, -4})) << "the bits of whole numbers";
}

TEST(All, and_any_of_nothing_and_of_numbers) {
  EXPECT_TRUE(holds(all(zeros({0}))));
  EXPECT_FALSE(holds(any(zeros({0}))));
  EXPECT_TRUE(holds(all(tensor({1.0, -2.0, std::numeric_limits<double>::quiet_NaN()}))));
  EXPECT_TRUE(equals(all(tensor({{1, 0}, {1, 1}}), 1), {2}, {0, 1}));
  EXPECT_TRUE(equals(any(tensor({{0, 0}, {0, 1}}), 0, true), {1, 2}, {0, 1}));
  EXPECT_EQ(all(tensor({1, 2})).dtype(), DType::boolean);
}

TEST(Assignment, with_an_operation_rebinds_the_handle) {
  const Tensor x = variable(3.0);
  Tensor y = x, before = y;
  y *= x;
  y += 1;
  y -= 2.0;
  y /= 2;
  EXPECT_EQ(y.item(), 4);
  EXPECT_EQ(gradients(y, {x})[x].item(), 3);
  EXPECT_TRUE(same(before, x));
  y += y;
  EXPECT_EQ(y.item(), 8);
}

TEST(SliceUpdate, has_a_gradient_for_both) {
  const Tensor x = variable({{1, 2, 3}, {4, 5, 6}}), v = variable(10);
  const Tensor y = slice_update(x, {Slice{}, 1}, v);
  EXPECT_TRUE(equals(y, {2, 3}, {1, 10, 3, 4, 10, 6}));
  EXPECT_TRUE(equals(x, {2, 3}, {1, 2, 3, 4, 5, 6})) << "a new tensor";
  const Gradients g = gradients(sum(y * y), {x, v});
  EXPECT_TRUE(equals(g[x], {2, 3}, {2, 0, 6, 8, 0, 12}));
  EXPECT_EQ(g[v].item(), 40);
}

}  // namespace
}  // namespace chainrule
