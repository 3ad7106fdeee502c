#include "chainrule/walk.h"

#include "chainrule/ops.h"
#include "draw/walk/equation.h"
#include "support.h"

namespace chainrule::test {
namespace {

Walk walkthrough() {
  const KeepValues keep;
  const Tensor x = variable(-2.0, "x"), y = variable(5.0, "y"), z = variable(-4.0, "z");
  return Walk(((x + y).named("q") * z).named("L"), "(x + y) * z");
}

TEST(Walk, has_one_step_per_value_and_per_use_of_a_node) {
  const Walk walk = walkthrough();
  std::vector<std::string> steps;
  for (const WalkStep& step : walk.steps()) steps.push_back(plain(step));
  const std::vector<std::string> expected = {"x = -2",
                                             "y = 5",
                                             "q = x + y = -2 + 5 = 3",
                                             "z = -4",
                                             "L = q · z = 3 · (-4) = -12",
                                             "dL/dL = 1",
                                             "dL/dq = dL/dL · ∂L/∂q = 1 · z = -4",
                                             "dL/dz = dL/dL · ∂L/∂z = 1 · q = 3",
                                             "dL/dx = dL/dq · ∂q/∂x = -4 · 1 = -4",
                                             "dL/dy = dL/dq · ∂q/∂y = -4 · 1 = -4"};
  EXPECT_EQ(steps, expected);
}

TEST(Walk, knows_the_numbers_of_each_step_and_which_edge_it_uses) {
  const Walk walk = walkthrough();
  const WalkStep& step = walk.steps()[8];
  EXPECT_EQ(step.kind, WalkStep::Kind::chain_rule);
  EXPECT_EQ(walk.graph().nodes()[step.node].label, "x");
  EXPECT_EQ(walk.graph().nodes()[step.from].label, "q");
  EXPECT_EQ(step.input, 0U);
  EXPECT_EQ(step.result.item(), -4);
  EXPECT_EQ(step.total.item(), -4);
}

TEST(Walk, agrees_with_the_engine_on_every_gradient) {
  const KeepValues keep;
  const Tensor w = variable({{1.0, -2.0}, {3.0, 4.0}}, "W"), x = variable({1.0, 2.0}, "x");
  const Tensor h = tanh(matmul(w, x) + x);
  const Tensor loss = sum(h * h + x / 2.0);
  const Gradients expected = gradients(loss, {w, x}, {.all_nodes = true});
  const Walk walk(loss);
  std::vector<Tensor> last(walk.graph().nodes().size());
  for (const WalkStep& step : walk.steps())
    if (step.is_backward()) last[step.node] = step.total;
  for (std::size_t i = 0; i < last.size(); ++i)
    if (!last[i].is_empty()) {
      EXPECT_TRUE(close(last[i], expected.at(walk.graph().nodes()[i].tensor), 1e-12)) << i;
    }
}

TEST(Walk, repeats_the_product_in_numbers_only_where_the_formula_has_names) {
  const auto in_numbers = [](const Walk& walk) {
    std::string found;
    for (const WalkStep& step : walk.steps())
      for (const Side& side : step.equation)
        if (side.in_numbers) found += plain(side.terms) + "\n";
    return found;
  };
  EXPECT_EQ(in_numbers(walkthrough()), "1 · (-4)\n1 · 3\n") << "∂L/∂q = z and ∂L/∂z = q, but ∂q/∂x = 1";
  const KeepValues keep;
  const Tensor x = variable({1.0, 2.0}, "x");
  EXPECT_EQ(in_numbers(Walk(sum(x * x))), "[1, 1] ⊙ [1, 2]\n[1, 1] ⊙ [1, 2]\n");
}

TEST(Walk, tells_how_the_gradient_of_what_is_used_twice_grows) {
  const KeepValues keep;
  const Tensor x = variable(3.0, "x");
  const WalkStep last = Walk((x * x).named("y")).steps().back();
  EXPECT_EQ(plain(last), "dy/dx += dy/dy · ∂y/∂x = 1 · x = 3, so dy/dx = 6");
  ASSERT_EQ(last.sum.size(), 3U);
  EXPECT_EQ(plain(last.sum[1].terms), "3 + 3");
}

TEST(Walk, gives_nan_no_sign) {
  const KeepValues keep;
  const Tensor x = variable(0.0, "x");
  EXPECT_EQ(plain(Walk((x / -x).named("y")).steps()[2]), "y = x / v1 = 0 / 0 = nan");
}

TEST(Walk, says_what_is_missing) {
  EXPECT_EQ(message_of<GradError>([] {
              Walk(variable({1.0, 2.0}, "x"));
            }),
            "walk: the result has shape (2,); only a scalar has gradients, so reduce it, with sum or mean");
  const Tensor x = variable({1.0, 2.0}, "x");
  EXPECT_EQ(message_of<GradError>([&] { Walk(sum(x + x)); }),
            "walk: the value of v1 has been released; make a KeepValues before you compute");
  EXPECT_EQ(Walk((tensor(3.0) < 2.0).named("y")).no_gradients(),
            "y depends on no variable, or not smoothly: all gradients are 0");
}

}  // namespace
}  // namespace chainrule::test
