// The steps of walks: one for each value and use, their numbers and equations, and the same gradients as the
// engine's.

#include "chainrule/walk.h"

#include <stdexcept>

#include "chainrule/custom_gradient.h"
#include "chainrule/derivatives.h"
#include "chainrule/fft.h"
#include "chainrule/functions.h"
#include "chainrule/linalg.h"
#include "chainrule/ops.h"
#include "chainrule/shaping.h"
#include "chainrule/statistics.h"
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
              (void)Walk(variable({1.0, 2.0}, "x"));
            }),
            "walk: the result has shape (2,); only a scalar has gradients, so reduce it, with sum or mean");
  const Tensor x = variable({1.0, 2.0}, "x");
  EXPECT_EQ(message_of<GradError>([&] { (void)Walk(sum(x + x)); }),
            "walk: the value of v1 has been released; make a KeepValues before you compute");
  EXPECT_EQ(Walk((tensor(3.0) < 2.0).named("y")).no_gradients(),
            "y depends on no variable, or not smoothly: all gradients are 0");
}

std::vector<std::string> lines_of(const Walk& walk) {
  std::vector<std::string> lines;
  for (const WalkStep& step : walk.steps()) lines.push_back(plain(step));
  return lines;
}

TEST(WalkForward, computes_each_tangent_from_those_of_the_inputs) {
  const KeepValues keep;
  const Tensor x = variable(-2.0, "x"), y = variable(5.0, "y"), z = variable(-4.0, "z");
  const Tensor output = ((x + y).named("q") * z).named("L");
  const std::vector<std::string> along_x = {"x = -2",
                                            "dx/dx = 1",
                                            "y = 5",
                                            "q = x + y = -2 + 5 = 3",
                                            "dq/dx = ∂q/∂x · dx/dx = 1 · 1 = 1",
                                            "z = -4",
                                            "L = q · z = 3 · (-4) = -12",
                                            "dL/dx = ∂L/∂q · dq/dx = z · 1 = -4"};
  EXPECT_EQ(lines_of(Walk::in_forward_mode(output, {{x, tensor(1.0)}})), along_x);
  const Walk both = Walk::in_forward_mode(output, {{x, tensor(1.0)}, {z, tensor(2.0)}});
  EXPECT_EQ(plain(both.steps().back()), "dL/dt = ∂L/∂q · dq/dt + ∂L/∂z · dz/dt = z · 1 + q · 2 = 2");
  EXPECT_EQ(both.steps().back().result.item(), 2);
}

TEST(WalkForward, agrees_with_jvp_also_for_what_is_no_scalar) {
  const auto f = [](const Tensor& w, const Tensor& x) {
    return softmax(tanh(matmul(w, x)) / norm(x) + max(w));
  };
  const Tensor w0 = tensor({{1.0, -2.0}, {3.0, 4.0}}), x0 = tensor({0.1, 0.2});
  const Tensor dw = tensor({{0.5, 0.0}, {0.0, -1.0}}), dx = tensor({2.0, 1.0});
  const Tensor expected = jvp(f, std::tuple(w0, x0), std::tuple(dw, dx)).tangent;
  const KeepValues keep;
  const Tensor w = variable(w0, "W"), x = variable(x0, "x");
  const Walk walk = Walk::in_forward_mode(f(w, x), {{w, dw}, {x, dx}});
  EXPECT_TRUE(close(walk.steps().back().result, expected, 1e-14));
  EXPECT_TRUE(mentions(walk_text(walk), {"Forward\n", "= dW/dt @ x + W @ dx/dt = "}));
}

TEST(WalkForward, sums_what_a_reduction_gathers) {
  const KeepValues keep;
  const Tensor x = variable({1.0, 2.0}, "x");
  EXPECT_EQ(plain(Walk::in_forward_mode(sum(x).named("s"), {{x, tensor({1.0, 3.0})}}).steps().back()),
            "ds/dt = sum(∂s/∂x · dx/dt) = sum(1 · [1, 3]) = 4");
}

TEST(WalkForward, says_what_cannot_move_and_what_does_not) {
  const KeepValues keep;
  const Tensor x = variable(1.0, "x"), other = variable(1.0, "u");
  const Tensor y = (x * 2.0).named("y");
  EXPECT_EQ(message_of<GradError>([&] {
              (void)Walk::in_forward_mode(y, {{other, tensor(1.0)}});
            }),
            "walk: the output does not depend on 'u', which is to move; choose what it was computed from");
  EXPECT_EQ(message_of<ShapeError>([&] {
              (void)Walk::in_forward_mode(y, {{x, tensor({1.0, 2.0})}});
            }),
            "walk: the tangent of 'x' has shape (2,), its value (); they must be equal");
  EXPECT_EQ(message_of<std::invalid_argument>([&] { (void)Walk::in_forward_mode(y, {}); }),
            "walk: nothing moves; give a tensor and a tangent of its shape");
  EXPECT_EQ(Walk::in_forward_mode((x < 2.0).named("b"), {{x, tensor(1.0)}}).no_gradients(),
            "b does not depend on what moves, or not smoothly: its tangent is 0");
}

TEST(WalkForward, writes_the_operation_on_a_tangent_only_where_it_is_linear) {
  const KeepValues keep;
  const Tensor x = variable({1.0, 2.0}, "x"), dx = tensor({1.0, 0.0});
  const auto last = [&](Tensor y) {
    return plain(Walk::in_forward_mode(std::move(y).named("y"), {{x, dx}}).steps().back());
  };
  EXPECT_EQ(last(cumsum(x, 0)), "dy/dt = ∂y/∂x · dx/dt = cumsum(dx/dt) = [1, 1]");
  EXPECT_EQ(last(cumprod(x, 0)), "dy/dt = ∂y/∂x · dx/dt = [1, 2]");  // cumprod of dx/dt is [1, 0]
  const auto square_of = custom_gradient(
      "square_of", [](const Tensor& v) { return v * v; },
      [](const Tensor& v, const Tensor&, const Tensor& g) { return 2 * v * g; });
  EXPECT_EQ(last(square_of(x)), "dy/dt = ∂y/∂x · dx/dt = [2, 0]");
  EXPECT_EQ(last(svd(matmul(reshape(x, {2, 1}), reshape(x, {1, 2}))).S.named("y")).find("svd("),
            std::string::npos);
}

TEST(WalkSteps, have_no_factor_where_elements_are_elsewhere) {
  const KeepValues keep;
  const Tensor x = variable({1.0, 2.0}, "x"), dx = tensor({3.0, 5.0});
  const auto lines = [&](const Tensor& result) {  // not "1 · 1 = [0, 1]", nor "sum(1 · [3, 5]) = 5"
    const Tensor y = result.named("y");
    return std::pair(plain(Walk(sum(y).named("s")).steps().back()),
                     plain(Walk::in_forward_mode(y, {{x, dx}}).steps().back()));
  };
  using Lines = std::pair<std::string, std::string>;
  EXPECT_EQ(lines(x[1]),
            Lines("ds/dx = ds/dy in its place = [0, 1]", "dy/dt = ∂y/∂x · dx/dt = index(dx/dt) = 5"));
  EXPECT_EQ(lines(roll(x, {1}, 0)),
            Lines("ds/dx = ds/dy in its place = [1, 1]", "dy/dt = ∂y/∂x · dx/dt = roll(dx/dt) = [5, 3]"));
  EXPECT_EQ(lines(concatenate({x, tensor({0.0})})),
            Lines("ds/dx = its part of ds/dy = [1, 1]", "dy/dt = ∂y/∂x · dx/dt = [3, 5, 0]"));
  EXPECT_EQ(lines(reshape(x, {2, 1})), Lines("ds/dx = ds/dy · ∂y/∂x = [[1], [1]] · 1 = [1, 1]",
                                             "dy/dt = ∂y/∂x · dx/dt = 1 · [3, 5] = [[3], [5]]"));
}

TEST(WalkSecond, writes_a_matrix_that_a_product_reads_transposed_so) {
  const KeepValues keep;
  const Tensor w = variable({{1.0, 2.0}, {3.0, 5.0}}, "W"), x = variable({1.0, 2.0}, "x");
  const std::string matrices = walk_text(
      Walk::of_second_order(sum(square(matmul(w, w))).named("L"), {{w, tensor({{1.0, 0.0}, {0.0, 0.0}})}}));
  EXPECT_TRUE(mentions(matrices, {"v6 = dL/dv1 @ Wᵀ = ", "v7 = Wᵀ @ dL/dv1 = "})) << matrices;
  EXPECT_TRUE(mentions(
      matrices, {"d²L/dt dW = dL/dv1 @ (d(dL/dt)/dv7)ᵀ = ", "d²L/dt dW += (d(dL/dt)/dv6)ᵀ @ dL/dv1 = "}))
      << matrices;
  const std::string vectors =
      walk_text(Walk::of_second_order(sum(square(matmul(w, x))).named("L"), {{x, tensor({1.0, 0.0})}}));
  EXPECT_TRUE(mentions(vectors, {"dL/dx = dL/dv1 @ W = "})) << vectors;
}

TEST(WalkSecond, tells_an_operation_from_its_way_back) {
  const KeepValues keep;
  const Tensor w = variable({{1.0, 2.0}, {3.0, 5.0}}, "W"), x = variable({1.0, 2.0}, "x");
  const std::vector<Movement> along = {{x, tensor({1.0, 0.0})}};
  EXPECT_TRUE(mentions(walk_text(Walk::of_second_order(sum(square(cumsum(x, 0))), along)),
                       {"v1 = cumsum(x) = ", "/dx = cumsum(dv3/dv1, from_end) = "}));
  EXPECT_TRUE(mentions(walk_text(Walk::of_second_order(sum(square(fft(reshape(x, {1, 2}), {}, 0))), along)),
                       {"v2 = fft(v1) = ", "= fft(dv4/dv2, sign=1) = "}));
  const std::string solved = walk_text(Walk::of_second_order(sum(square(solve(w, x))), along));
  EXPECT_TRUE(mentions(solved, {"v2 = solve(W, v1) = ", "= solve(W, dv5/dv2, transposed) = ",
                                " = −dv5/dv1 (W⁻¹ d(dv5/dt)/d(dv5/dv1))ᵀ = "}))
      << solved;
}

TEST(WalkForward, shows_what_moves_also_where_the_derivative_is_0) {
  const KeepValues keep;
  const Tensor x = variable(1.0, "x"), y = variable(2.0, "y");
  EXPECT_EQ(
      lines_of(Walk::in_forward_mode(heaviside(x, y).named("h"), {{x, tensor(1.0)}})),
      (std::vector<std::string>{"x = 1", "dx/dx = 1", "y = 2", "h = heaviside(x, y) = heaviside(1, 2) = 1",
                                "dh/dx = ∂h/∂x · dx/dx = 0 · 1 = 0"}));
}

TEST(WalkSecond, goes_back_through_the_recorded_backward_pass) {
  const KeepValues keep;
  const Tensor x = variable(3.0, "x"), y = variable(2.0, "y");
  const Walk walk = Walk::of_second_order((square(x) * y).named("L"), {{x, tensor(1.0)}});
  EXPECT_TRUE(mentions(walk_text(walk),
                       {"Forward\n  x = 3\n", "\nBackward\n  dL/dL = 1\n  dL/dv1 = dL/dL · y = 1 · 2 = 2\n",
                        "\nSecond backward\n  d(dL/dx)/d(dL/dx) = 1\n"}));
  EXPECT_EQ(plain(walk.derivative(walk.graph().position(x))), "d²L/dx²");
  EXPECT_EQ(plain(walk.derivative(walk.graph().position(y))), "d²L/dx dy");
}

TEST(WalkSecond, ends_with_the_hessian_times_the_direction) {
  const auto f = [](const Tensor& w, const Tensor& x) { return sum(square(tanh(matmul(w, x)))); };
  const Tensor w0 = tensor({{0.1, -0.2}, {0.3, 0.4}}), x0 = tensor({0.5, 0.2});
  const Tensor dw = tensor({{0.5, 0.0}, {0.0, -1.0}}), dx = tensor({2.0, 1.0});
  const auto [expected_w, expected_x] = hvp(f, std::tuple(w0, x0), std::tuple(dw, dx));
  const KeepValues keep;
  const Tensor w = variable(w0, "W"), x = variable(x0, "x");
  const Walk walk = Walk::of_second_order(f(w, x), {{w, dw}, {x, dx}});
  std::vector<Tensor> last(walk.graph().nodes().size());
  for (const WalkStep& step : walk.steps())
    if (step.is_backward()) last[step.node] = step.total;
  EXPECT_TRUE(close(last[walk.graph().position(w)], expected_w, 1e-12));
  EXPECT_TRUE(close(last[walk.graph().position(x)], expected_x, 1e-12));
}

TEST(WalkSecond, says_when_the_gradient_is_constant) {
  const KeepValues keep;
  const Tensor x = variable(3.0, "x");
  EXPECT_EQ(Walk::of_second_order((x * 2.0).named("L"), {{x, tensor(1.0)}}).no_gradients(),
            "dL/dx depends on no variable: all second derivatives are 0");
  EXPECT_EQ(message_of<GradError>([&] {
              const Tensor c = tensor(1.0).named("c");
              (void)Walk::of_second_order(x * c, {{c, tensor(1.0)}});
            }),
            "walk: 'c' is to move, but has no gradient; make it a variable");
}

}  // namespace
}  // namespace chainrule::test
