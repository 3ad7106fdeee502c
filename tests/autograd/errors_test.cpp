// What the engine says of wrong calls, and of operations whose derivative is wrong:
// mistakes that users make, and what they read then.

#include "chainrule/autograd.h"
#include "chainrule/graph.h"
#include "graph/apply.h"
#include "support.h"

namespace chainrule::test {
namespace {

TEST(GradientErrors, say_that_a_result_is_not_a_scalar_and_what_to_do) {
  const Tensor x = variable({1.0, 2.0, 3.0});
  const Tensor y = square(x);
  EXPECT_TRUE(mentions(message_of<GradError>([&] { y.backward(); }), {"backward", "(3,)", "seed"}));
  EXPECT_TRUE(mentions(message_of<GradError>([&] { gradients(y, {x}); }), {"(3,)", "seed"}));
  EXPECT_TRUE(mentions(message_of<GradError>([&] { square(x).backward(); }), {"backward", "(3,)", "seed"}));
}

TEST(GradientErrors, say_that_a_result_needs_no_gradient) {
  const Tensor constant = tensor(3.0);
  EXPECT_TRUE(mentions(message_of<GradError>([&] { constant.backward(); }), {"backward", "variable"}));
  EXPECT_TRUE(
      mentions(message_of<GradError>([&] { (constant * 2.0).backward(); }), {"backward", "variable"}));
}

TEST(GradientErrors, say_that_a_seed_has_the_wrong_shape) {
  const Tensor x = variable({1.0, 2.0, 3.0});
  const Tensor y = square(x);
  EXPECT_TRUE(mentions(message_of<ShapeError>([&] {
                         y.backward(tensor({1.0, 2.0}));
                       }),
                       {"seed", "(3,)", "(2,)"}));
  EXPECT_TRUE(mentions(message_of<ShapeError>([&] { gradients(y, {x}, {.seed = tensor(1.0)}); }),
                       {"seed", "(3,)", "()"}));
}

TEST(GradientErrors, say_that_only_leaves_accumulate) {
  const Tensor x = variable(2.0);
  const Tensor y = square(x);
  y.backward();
  EXPECT_TRUE(mentions(message_of<GradError>([&] { y.grad(); }), {"grad", "leaf", "gradients("}));
  EXPECT_TRUE(mentions(message_of<GradError>([&] { tensor(1.0).grad(); }), {"grad", "variable"}));
}

TEST(GradientErrors, say_that_a_gradient_was_not_asked_for) {
  const Tensor x = variable(2.0, "x");
  const Tensor y = variable(3.0, "y");
  const Gradients g = gradients(x * y, {x});
  EXPECT_TRUE(mentions(message_of<GradError>([&] { g.at(y); }), {"y"}));
}

TEST(GradientErrors, refuse_empty_handles) {
  const Tensor x = variable(2.0);
  EXPECT_THROW(gradients(Tensor(), {x}), std::logic_error);
  EXPECT_THROW(gradients(square(x), {Tensor()}), std::logic_error);
  EXPECT_THROW(add(Tensor(), x), std::logic_error);
  EXPECT_THROW(Tensor().backward(), std::logic_error);
}

TEST(Variable, of_whole_numbers_or_booleans_is_refused) {
  EXPECT_TRUE(mentions(message_of<DTypeError>([] { variable(tensor({1, 2})); }), {"variable", "int64"}));
  EXPECT_TRUE(mentions(message_of<DTypeError>([] { variable(tensor({true})); }), {"variable", "bool"}));
}

TEST(Item, of_more_or_less_than_one_element_is_refused) {
  EXPECT_TRUE(mentions(message_of<ShapeError>([] { tensor({1.0, 2.0}).item(); }), {"item", "(2,)"}));
  EXPECT_TRUE(mentions(message_of<ShapeError>([] { zeros({0}).item(); }), {"item", "(0,)"}));
  EXPECT_EQ(tensor({{7.0}}).item(), 7);
}

TEST(Data, of_another_dtype_is_refused) {
  EXPECT_TRUE(mentions(message_of<DTypeError>([] {
                         const Tensor x = tensor({1.0});
                         (void)x.data<float>();
                       }),
                       {"float64", "float32"}));
}

// ---- Errors in backward name the forward call -----------------------------------------------------------

/// An operation with a mistake in its derivative, to see what the engine makes of it.
struct Mistaken {
  static constexpr std::string_view name = "mistaken", formula = "wrong on purpose";
  bool throws = false;
  Attributes attributes() const { return {{"throws", throws}}; }
  Array forward(Values in) const { return *in[0]; }
  Reads reads(Wanted) const { return 0; }
  void vjp(::chainrule::Inputs, const Tensor&, const Tensor& g, Cotangents& to) const {
    if (throws) throw ShapeError("mul: made up for a test");
    to[0] = sum(g);
  }
  LocalFormula local_formula(std::size_t, std::span<const std::string>, const std::string&) const {
    return {};
  }
};

TEST(BackwardErrors, name_the_operation_and_the_line_of_the_forward_call) {
  for (const bool throws : {false, true}) {
    const Tensor x = variable({1.0, 2.0}, "x");
    const Here here = Here::now();
    const Tensor y = apply(Mistaken{throws}, here, Argument(x)).named("culprit");
    const Tensor loss = sum(y * 2.0);
    const std::string place = "errors_test.cpp:" + std::to_string(here.line);
    const auto& words = throws ? std::vector<std::string>{"mistaken", "culprit", place, "made up for a test"}
                               : std::vector<std::string>{"mistaken", "culprit", place, "(2,)", "()"};
    const auto message = [&](const auto& run) {
      return throws ? message_of<ShapeError>(run) : message_of<std::logic_error>(run);
    };
    EXPECT_TRUE(mentions(message([&] { loss.backward(); }), words));
    EXPECT_TRUE(mentions(message([&] { gradients(loss, {x}); }), words));
  }
}

TEST(BackwardErrors, leave_the_graph_usable) {
  const Tensor x = variable({1.0, 2.0});
  const Tensor fine = square(x);
  const Tensor mistaken = sum(apply(Mistaken{true}, Here::now(), Argument(fine)));
  EXPECT_THROW(mistaken.backward(), ShapeError);
  EXPECT_TRUE(equals(x.grad(), {2}, {0, 0}));
  sum(fine).backward();
  EXPECT_TRUE(equals(x.grad(), {2}, {2, 4}));
}

TEST(ForwardCalls, are_remembered_with_file_and_line) {
  const Tensor x = variable(2.0);
  const auto place_of = [](const Tensor& y) { return Graph(y).output().here; };
  const auto expect_line = [&](const Tensor& y, std::uint32_t line) {
    EXPECT_EQ(place_of(y).line, line);
    EXPECT_NE(std::string(place_of(y).file).find("errors_test.cpp"), std::string::npos);
  };
  expect_line(sin(x), __LINE__);
  expect_line(x * 2.0, __LINE__);
  expect_line(2.0 * x, __LINE__);
  expect_line(sum(x), __LINE__);
  expect_line(concatenate({x.reshape({1}), x.reshape({1})}), __LINE__);
}

TEST(BackwardErrors, leave_a_consumed_graph_without_leaks_and_what_is_held_intact) {
  const Tensor x = variable({1.0, 2.0}, "x");
  const Tensor kept = x * 3.0;
  Tensor loss = sum(apply(Mistaken{}, Here::now(), Argument(exp(kept) + x)) * 2.0);
  EXPECT_THROW(std::move(loss).backward(), std::logic_error);
  EXPECT_TRUE(loss.is_empty());
  EXPECT_EQ(kept.to_vector<double>(), (std::vector<double>{3, 6}));
  sum(kept).backward();
  EXPECT_EQ(x.grad().to_vector<double>(), (std::vector<double>{3, 3}));
}

}  // namespace
}  // namespace chainrule::test
