// Derivatives of solutions against closed forms, differences, and solutions of linear systems by hand, in
// every order and mode.

#include "chainrule/implicit.h"

#include <cmath>
#include <numbers>

#include "chainrule/chainrule.h"
#include "support.h"

namespace chainrule::test {
namespace {

Tensor cos_of(const Tensor& x, const Tensor& a) { return cos(a * x); }
Tensor square_less(const Tensor& x, const Tensor& a) { return x * x - a; }

TEST(FixedPoint, of_the_cosine_has_the_derivatives_of_the_implicit_function) {
  const auto at = [](const Tensor& a) { return fixed_point(cos_of, 1.0, a); };
  const double x = at(1.0).item();
  EXPECT_NEAR(x, 0.7390851332151607, 1e-12);  // Dottie's number
  // x = cos(ax): x' = -s (x + a x'), so that x' = -s x / (1 + a s) with s = sin(ax)
  const double s = std::sin(x), first = -s * x / (1 + s);
  EXPECT_NEAR(grad(at)(1.0).item(), first, 1e-11);
  // x'' = -x u² - s (2 x' + x''), with u = x + a x'
  const double u = x + first, second = -(x * u * u + 2 * s * first) / (1 + s);
  EXPECT_NEAR(grad(grad(at))(1.0).item(), second, 1e-10);
}

TEST(FixedPoint, is_found_where_the_plain_iteration_runs_away) {
  const auto f = [](const Tensor& x, const Tensor& m, const Tensor& b) { return matmul(m, x) + b; };
  const Tensor m = tensor({{0.0, -3.0}, {2.0, 1.5}}), b = tensor({1.0, -2.0});
  const Tensor expected = solve(tensor({{1.0, 3.0}, {-2.0, -0.5}}), b);
  EXPECT_TRUE(close(fixed_point(f, zeros({2}), m, b), expected, 1e-10));
  const std::string message =
      message_of<SolverError>([&] { fixed_point(f, {.iterations = 40, .history = 0}, zeros({2}), m, b); });
  EXPECT_TRUE(mentions(message, {"fixed_point: not converged after 40 steps", "residual is", "damping"}));
}

TEST(FixedPoint, of_structures_has_gradients_for_parameters_and_captured_variables) {
  struct State {
    Tensor u, v;
    CHAINRULE_MEMBERS(u, v)
  };
  const Tensor shift = variable({0.5, -0.25});
  const auto f = [&](const State& x, const std::vector<Tensor>& p) {
    return State{0.5 * tanh(x.v) + p[0] * shift, 0.3 * sum(x.u) + p[1]};
  };
  const auto loss = [&](const Tensor& a, const Tensor& b) {
    const State end = fixed_point(f, State{zeros({2}), tensor(0.0)}, std::vector<Tensor>{a, b});
    return sum(square(end.u)) + end.v * end.v;
  };
  EXPECT_TRUE(gradcheck(loss, std::tuple(tensor(1.5), tensor(0.4))).passed);
  EXPECT_TRUE(gradgradcheck(loss, std::tuple(tensor(1.5), tensor(0.4))).passed);
  const auto of_shift = [&](const Tensor& moved) {
    const auto g = [moved](const State& x, const Tensor& a) {
      return State{0.5 * tanh(x.v) + a * moved, 0.3 * sum(x.u) + 0.4};
    };
    const State end = fixed_point(g, State{zeros({2}), tensor(0.0)}, tensor(1.5));
    return sum(square(end.u)) + end.v * end.v;
  };
  EXPECT_TRUE(close(gradients(loss(1.5, 0.4), {shift})[shift], grad(of_shift)(shift), 1e-12));
  EXPECT_TRUE(gradcheck(of_shift, shift.detach()).passed);
  EXPECT_TRUE(gradgradcheck(of_shift, shift.detach()).passed);
}

TEST(Root, of_a_square_has_all_derivatives_of_the_square_root) {
  const auto at = [](const Tensor& a) { return root(square_less, 1.0, a); };
  EXPECT_NEAR(at(4.0).item(), 2, 1e-15);
  EXPECT_NEAR(grad(at)(4.0).item(), 0.25, 1e-14);
  EXPECT_NEAR(grad(grad(at))(4.0).item(), -1.0 / 32, 1e-14);
  EXPECT_NEAR(grad(grad(grad(at)))(4.0).item(), 3.0 / 256, 1e-13);
  EXPECT_NEAR(root(square_less, -1.0, 4.0).item(), -2, 1e-15);
}

TEST(Root, evaluates_its_function_at_the_solution_and_beside_it_for_a_derivative) {
  int calls = 0;
  const auto f = [&](const Tensor& x, const Tensor& a) {
    ++calls;
    return x * x * x - a;
  };
  const Tensor a = variable(5.0), x = root(f, 1.0, a);
  calls = 0;
  const Tensor first = gradients(x, {a}, {.create_graph = true})[a];
  EXPECT_EQ(calls, 2);
  calls = 0;
  // Once more through the first derivative, in which the linear system at the solution is not looked at
  // twice.
  EXPECT_NEAR(gradients(first, {a})[a].item(), -2.0 / 9 * std::pow(5.0, -5.0 / 3), 1e-14);
  EXPECT_LE(calls, 3);
}

TEST(Root, takes_no_derivative_from_where_it_began) {
  const Tensor x0 = variable(1.0), a = variable(9.0);
  const Tensor x = root(square_less, x0, a);
  const Gradients g = gradients(x, {x0, a});
  EXPECT_EQ(g[x0].item(), 0);
  EXPECT_NEAR(g[a].item(), 1.0 / 6, 1e-15);
  EXPECT_FALSE(no_grad([&] { return root(square_less, x0, a); }).requires_grad());
  EXPECT_FALSE(root(square_less, x0, 9.0).requires_grad());
}

TEST(Root, needs_the_line_search_where_newton_jumps_too_far) {
  const auto f = [](const Tensor& x, const Tensor& a) { return atan(x) - a; };
  EXPECT_NEAR(root(f, 10.0, tensor(0.5)).item(), std::tan(0.5), 1e-14);
}

TEST(Root, of_float32_and_of_many_unknowns) {
  const Tensor small = root(square_less, tensor({1.0f, 1.0f}), tensor({2.0f, 3.0f}));
  EXPECT_EQ(small.dtype(), DType::float32);
  EXPECT_TRUE(close(small, {1.4142135, 1.7320508}, 2e-7));
  // Beyond 256 unknowns by GMRES: -x'' + 2x + x³ = a on a grid.
  const auto f = [](const Tensor& x, const Tensor& a) {
    const Tensor around = pad(x, {1, 1});
    return 4 * x - around[{Slice{{}, -2}}] - around[{Slice{2, {}}}] + x * x * x - a;
  };
  const auto total = [&](const Tensor& a) { return sum(root(f, zeros({300}), a)); };
  const Tensor a = linspace(0.5, 1.5, 300);
  const auto check = gradcheck(total, a, {.tolerance = 1e-5});
  EXPECT_TRUE(check.passed) << check.message;
  const Tensor direction = cos(linspace(0, 9, 300));
  const Tensor difference = (grad(total)(a + 1e-4 * direction) - grad(total)(a - 1e-4 * direction)) / 2e-4;
  EXPECT_TRUE(close(hvp(total, a, direction), difference, 1e-6));
}

TEST(Root, agrees_with_the_derivative_of_solving_a_linear_system) {
  const auto by_root = [](const Tensor& m, const Tensor& b) {
    return root(
        [](const Tensor& x, const Tensor& matrix, const Tensor& right) { return matmul(matrix, x) - right; },
        zeros({2}), m, b);
  };
  const Tensor m = tensor({{3.0, 1.0}, {-1.0, 2.0}}), b = tensor({1.0, 4.0});
  const auto [a, c] = jacobian(by_root, argnums<0, 1>)(m, b);
  const auto [d, e] =
      jacobian([](const Tensor& p, const Tensor& q) { return solve(p, q); }, argnums<0, 1>)(m, b);
  EXPECT_TRUE(close(a, d, 1e-14));
  EXPECT_TRUE(close(c, e, 1e-14));
  EXPECT_TRUE(close(jvp(by_root, std::tuple(m, b), std::tuple(ones_like(m), ones_like(b))).tangent,
                    jvp([](const Tensor& p, const Tensor& q) { return solve(p, q); }, std::tuple(m, b),
                        std::tuple(ones_like(m), ones_like(b)))
                        .tangent,
                    1e-14));
}

TEST(Root, is_pushed_forward_also_without_recording_and_by_other_transforms) {
  const auto f = [](const Tensor& a) {
    return root([](const Tensor& x, const Tensor& of) { return x * x * x - of; }, tensor({1.0}), a)[0];
  };
  const Tensor a = 8.0, one = 1.0;
  const NoGrad off;
  EXPECT_NEAR(jvp(f, a, one).tangent.item(), 1.0 / 12, 1e-12);
  const auto slope = [&](const Tensor& at) { return jvp(f, at, ones_like(at)).tangent; };
  EXPECT_NEAR(jvp(slope, a, one).tangent.item(), -1.0 / 144, 1e-12);  // -2/9 a^(-5/3)
  const NoGrad on(false);
  EXPECT_NEAR(grad(slope)(a).item(), -1.0 / 144, 1e-12);
  EXPECT_NEAR(jvp(grad(f), a, one).tangent.item(), -1.0 / 144, 1e-12);
}

TEST(Root, refuses_tangents_that_the_function_has_captured) {
  const auto f = [](const Tensor& a) {
    return root([&](const Tensor& x) { return x * x - a; }, tensor({1.0}))[0];
  };
  EXPECT_NEAR(grad(f)(Tensor(4.0)).item(), 0.25, 1e-12);
  EXPECT_TRUE(mentions(
      message_of<GradError>([&] { (void)jvp(f, Tensor(4.0), Tensor(1.0)); }),
      {"root: the function has captured a tensor that is differentiated by jvp", "pass it as an argument"}));
}

TEST(Minimize, of_ridge_regression_has_the_derivative_of_the_closed_form) {
  const Tensor x = tensor({{1.0, 0.5}, {-0.3, 2.0}, {0.8, -1.0}}), y = tensor({1.0, -0.5, 2.0});
  const auto by_minimize = [&](const Tensor& decay) {
    return minimize(
        [&](const Tensor& w, const Tensor& d) { return sum(square(matmul(x, w) - y)) + d * sum(square(w)); },
        zeros({2}), decay);
  };
  const auto closed = [&](const Tensor& decay) {
    return solve(matmul(transpose(x), x) + decay * eye(2), matmul(transpose(x), y));
  };
  EXPECT_TRUE(close(by_minimize(0.7), closed(0.7), 1e-14));
  EXPECT_TRUE(close(jacobian(by_minimize)(0.7), jacobian(closed)(0.7), 1e-13));
  EXPECT_TRUE(close(jacobian(jacobian(by_minimize))(0.7), jacobian(jacobian(closed))(0.7), 1e-12));
}

TEST(Minimize, finds_the_minimum_of_rosenbrock_and_how_it_moves) {
  // (a - x)² + b (y - x²)² is least at (a, a²).
  const auto f = [](const std::pair<Tensor, Tensor>& at, const Tensor& a, const Tensor& b) {
    return square(a - at.first) + b * square(at.second - square(at.first));
  };
  const auto place = [&](const Tensor& a) {
    return minimize(f, std::pair(tensor(-1.2), tensor(1.0)), a, tensor(100.0));
  };
  const auto [x, y] = place(1.5);
  EXPECT_NEAR(x.item(), 1.5, 1e-12);
  EXPECT_NEAR(y.item(), 2.25, 1e-12);
  EXPECT_NEAR(grad([&](const Tensor& a) { return place(a).second; })(1.5).item(), 3, 1e-9);
  EXPECT_NEAR(grad(grad([&](const Tensor& a) { return place(a).second; }))(1.5).item(), 2, 1e-7);
}

TEST(Minimize, leaves_the_gradients_of_leaves_alone) {
  const Tensor center = variable(3.0), scale = variable(2.0);
  const Tensor x =
      minimize([&](const Tensor& w, const Tensor& c) { return scale * square(w - c); }, 0.0, center);
  EXPECT_NEAR(x.item(), 3, 1e-14);
  EXPECT_EQ(center.grad().item(), 0);
  x.backward();
  EXPECT_NEAR(center.grad().item(), 1, 1e-14);
  EXPECT_NEAR(scale.grad().item(), 0, 1e-14);
}

TEST(Minimize, differentiates_a_layer_of_parameters) {
  Generator generator(3);
  const Linear layer(2, 4, generator);
  const auto place = [](const Linear& of) {
    return sum(minimize(
        [](const Tensor& x, const Linear& by) { return sum(square(tanh(by(x)))) + sum(square(x - 1)); },
        zeros({2}), of));
  };
  const Tensor by_bias = grad(place)(layer).bias().leaf();
  const auto moved = [&](double by) {
    const Linear other = layer.clone();
    other.bias().assign(other.bias().leaf().detach() + tensor({0.0, by, 0.0, 0.0}));
    return place(other).item();
  };
  EXPECT_NEAR(by_bias[1].item(), (moved(1e-5) - moved(-1e-5)) / 2e-5, 1e-9);
  EXPECT_GT(std::abs(by_bias[1].item()), 1e-3);
}

/// f of each number of a, its first and second derivative and those along tangents, under vmap.
void expect_a_loop(const std::function<Tensor(const Tensor& a)>& f, const Tensor& a, double tolerance) {
  const auto slope = grad(f);
  const auto along = [&](const Tensor& at) { return jvp(f, at, Tensor(1.0)).tangent; };
  const Tensor values = vmap(f)(a), slopes = vmap(slope)(a), second = vmap(grad(slope))(a),
               tangents = vmap(along)(a);
  const Tensor outside = grad([&](const Tensor& all) { return sum(vmap(f)(all)); })(a);
  for (std::int64_t i = 0; i < a.size(); ++i) {
    EXPECT_TRUE(close(values[i], f(a[i]), tolerance));
    EXPECT_TRUE(close(slopes[i], slope(a[i]), tolerance));
    EXPECT_TRUE(close(second[i], grad(slope)(a[i]), tolerance));
    EXPECT_TRUE(close(tangents[i], slope(a[i]), tolerance));
    EXPECT_TRUE(close(outside[i], slope(a[i]), tolerance));
  }
}

TEST(Solvers, go_the_same_steps_for_all_samples_of_a_vmap) {
  const Tensor a = tensor({0.5, 1.5, 4.0});
  expect_a_loop([](const Tensor& p) { return sum(root(square_less, tensor({1.0, -2.0}), p)[0]); }, a, 1e-9);
  expect_a_loop([](const Tensor& p) { return fixed_point(cos_of, 1.0, p / 4); }, a, 1e-9);
  const auto lowest = [](const Tensor& p) {
    return minimize([](const Tensor& x, const Tensor& q) { return cosh(x - q * q) + square(x); }, 0.0, p);
  };
  expect_a_loop(lowest, a / 2, 1e-7);
  // From a start of each sample's own.
  const Tensor roots = vmap([](const Tensor& x0) { return root(square_less, x0, 4.0); })(tensor({1.0, -5.0}));
  EXPECT_TRUE(close(roots, {2, -2}));
  // A captured tensor with samples would get no derivative, also beside others that have samples.
  const auto captures = [](const Tensor& p, const Tensor& q) {
    return root([p](const Tensor& x, const Tensor& r) { return x * x - p * r; }, 1.0, q);
  };
  const auto expect_refusal = [](const auto& call) {
    EXPECT_TRUE(mentions(message_of<GradError>(call), {"root", "captured", "pass it as an argument"}));
  };
  expect_refusal([&] { vmap(captures, {.in_axes = {0, no_axis}})(a, a[0]); });
  expect_refusal([&] { vmap(captures)(a, a); });
  expect_refusal([&] { (void)jvp([&](const Tensor& p) { return captures(p, 2.0); }, a[0], Tensor(1.0)); });
}

TEST(Solvers, say_what_is_wrong) {
  const Tensor one = tensor(1.0);
  EXPECT_TRUE(mentions(message_of<SolverError>([&] { root([](const Tensor& x) { return x * x + 1; }, 0.7); }),
                       {"root: not converged after", "residual is"}));
  EXPECT_TRUE(mentions(message_of<SolverError>([&] { root([](const Tensor& x) { return log(x); }, -1.0); }),
                       {"root: the residual has NaN", "at x0"}));
  EXPECT_TRUE(mentions(message_of<SolverError>([&] { root([](const Tensor& x) { return x * 0 + 1; }, one); }),
                       {"root: the Jacobian is singular"}));
  EXPECT_TRUE(
      mentions(message_of<ShapeError>([&] { root([](const Tensor& x) { return sum(x); }, ones({3})); }),
               {"root: the result of the function has the shapes ()", "(3,)"}));
  EXPECT_TRUE(
      mentions(message_of<ShapeError>([&] { minimize([](const Tensor& x) { return x; }, ones({3})); }),
               {"minimize: the function gives a tensor of shape (3,)", "one number"}));
  EXPECT_TRUE(
      mentions(message_of<SolverError>([&] { minimize([](const Tensor& x) { return -x * x; }, one); }),
               {"minimize: "}));
  EXPECT_TRUE(
      mentions(message_of<SolverError>([&] { minimize([](const Tensor& x) { return log(x); }, -one); }),
               {"minimize: the function has NaN", "at x0"}));
  EXPECT_TRUE(mentions(
      message_of<SolverError>([&] { fixed_point([](const Tensor& x) { return sqrt(x - 2); }, 1.0); }),
      {"fixed_point: the function has NaN", "at x0"}));
  EXPECT_TRUE(mentions(message_of<DTypeError>([&] {
                         root(square_less, tensor({1, 2}), one);
                       }),
                       {"root: x0 is int64"}));
  EXPECT_TRUE(
      mentions(message_of<GradError>([&] { root(square_less, 1.0, Tensor()); }), {"root: ", "empty handle"}));
  EXPECT_TRUE(
      mentions(message_of<std::invalid_argument>([&] { fixed_point(cos_of, {.damping = 1.5}, 1.0, one); }),
               {"fixed_point", "damping", "1.5"}));
}

TEST(Minimize, says_what_is_wrong_with_a_function_without_curvature) {
  const auto linear = [](const Tensor& at) { return 2 * at; };
  EXPECT_TRUE(mentions(message_of<SolverError>([&] { minimize(linear, 1.0); }),
                       {"minimize: the Hessian is singular", "linear"}));
}

TEST(Solvers, have_no_derivative_where_the_solution_is_singular) {
  const Tensor a = variable(0.0);
  const Tensor x = root([](const Tensor& at, const Tensor& p) { return at * at * at - p; }, 0.0, a);
  EXPECT_TRUE(mentions(message_of<SolverError>([&] { x.backward(); }), {"root: the Jacobian is singular"}));
  // Where rounding leaves something of it: double roots begun at and come to, a triple one, and two unknowns.
  const auto expect_none = [](const auto& f, double x0, double p) {
    EXPECT_TRUE(mentions(
        message_of<SolverError>([&] { (void)grad([&](const Tensor& at) { return root(f, x0, at); })(p); }),
        {"root: the Jacobian is singular"}))
        << x0;
    EXPECT_THROW((void)jvp([&](const Tensor& at) { return root(f, x0, at); }, tensor(p), tensor(1.0)),
                 SolverError);
  };
  const auto touching = [](const Tensor& at, const Tensor& p) { return cos(at) + p; };
  const auto square = [](const Tensor& at, const Tensor& p) { return (at - p) * (at - p); };
  expect_none(touching, std::numbers::pi, 1.0);
  expect_none(square, 3.0, 1.0);
  expect_none(square, 1.0, 1.0);
  expect_none([](const Tensor& at, const Tensor& p) { return at * at * at - p; }, 1.0, 0.0);
  EXPECT_THROW((void)jacobian([&](const Tensor& p) {
                 return root([&](const Tensor& at, const Tensor& by) { return cos(at) + by; },
                             tensor({std::numbers::pi, 1.0}), p);
               })(tensor({1.0, 0.0})),
               SolverError);
  // But not where it is only small, or turns quickly.
  for (const double size : {1e-6, 1e-3, 1e3, 1e8}) {
    const auto f = [&](const Tensor& at, const Tensor& p) { return size * (at * at - p); };
    EXPECT_NEAR(grad([&](const Tensor& p) { return root(f, 1.0, p); })(1e-6).item(), 500, 1e-9);
  }
}

}  // namespace
}  // namespace chainrule::test
