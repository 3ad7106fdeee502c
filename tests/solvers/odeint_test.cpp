// Solutions and their derivatives against closed forms and differences, by the adjoint and by the steps
// taken.

#include "chainrule/odeint.h"

#include <cmath>

#include "chainrule/chainrule.h"
#include "support.h"

namespace chainrule::test {
namespace {

Tensor decay(const Tensor& y, const Tensor&, const Tensor& rate) { return -rate * y; }
/// y'' = -w² y, and a push that grows with time.
Tensor oscillator(const Tensor& y, const Tensor& t, const Tensor& w, const Tensor& push) {
  return stack({y[1], -w * w * y[0] + push * t});
}
constexpr OdeOptions precise = {.rtol = 1e-11, .atol = 1e-13};
constexpr OdeOptions by_steps = {.rtol = 1e-11, .atol = 1e-13, .adjoint = OdeAdjoint::discrete};

TEST(Odeint, of_exponential_decay_is_the_exponential_at_every_time) {
  const Tensor t = tensor({0.0, 0.1, 0.7, 0.71, 3.0});
  const Tensor y = odeint(decay, precise, tensor({1.0, -2.0}), t, tensor(0.8));
  EXPECT_TRUE(close(y, matmul(reshape(exp(-0.8 * t), {-1, 1}), tensor({{1.0, -2.0}})), 1e-10));
  EXPECT_TRUE(equals(y[0], {2}, {1, -2}));
  EXPECT_FALSE(y.requires_grad());
  // Back in time, and with the tolerances of OdeOptions.
  EXPECT_TRUE(close(odeint(decay, 2.0, tensor({1.0, 0.5, -1.0}), 0.8),
                    {2, 2 * std::exp(0.4), 2 * std::exp(1.6)}, 1e-6));
  EXPECT_TRUE(equals(odeint(decay, 2.0, tensor({1}), 0.8), {1}, {2}));
  const Tensor narrow = odeint(decay, tensor({1.0f}), tensor({0.0f, 1.0f}), tensor(1.0f));
  EXPECT_EQ(narrow.dtype(), DType::float32);
  EXPECT_TRUE(close(narrow, {1, std::exp(-1.0)}, 1e-5));
}

TEST(Odeint, of_the_harmonic_oscillator_has_the_derivatives_of_the_closed_form) {
  // y = cos(wt) + sin(wt)/w: dy/dw = -t sin(wt) + t cos(wt)/w - sin(wt)/w²
  for (const OdeOptions& options : {precise, by_steps}) {
    const auto end = [&](const Tensor& y0, const Tensor& w, const Tensor& times) {
      return odeint(oscillator, options, y0, times, w, tensor(0.0))[{-1, 0}];
    };
    const double w = 1.3, t = 2.5, s = std::sin(w * t), c = std::cos(w * t);
    const auto [value, g] =
        value_and_grad(end, argnums<0, 1, 2>)(tensor({1.0, 1.0}), w, tensor({0.0, 1.0, t}));
    const auto& [by_start, by_w, by_times] = g;
    EXPECT_NEAR(value.item(), c + s / w, 1e-9);
    EXPECT_TRUE(close(by_start, {c, s / w}, 1e-9));
    EXPECT_NEAR(by_w.item(), -t * s + t * c / w - s / (w * w), 1e-8);
    // Moved at the end by the velocity; at the start by as much the other way.
    EXPECT_TRUE(close(by_times, {w * s - c, 0, -w * s + c}, 1e-8));
  }
}

TEST(Odeint, agrees_with_differences_in_everything_it_depends_on) {
  struct State {
    Tensor place, speed;
    CHAINRULE_MEMBERS(place, speed)
  };
  for (const OdeOptions& options : {precise, by_steps}) {
    for (const double direction : {1.0, -1.0}) {
      const auto loss = [&](const Tensor& place, const Tensor& t, const std::pair<Tensor, Tensor>& p) {
        const auto f = [captured = p.second](const State& y, const Tensor& time, const Tensor& k) {
          return State{y.speed * captured, -k * sin(y.place) + 0.1 * time * sum(y.place)};
        };
        const State y = odeint(f, options, State{place, tensor({0.3, 0.5})}, t, p.first);
        return sum(square(y.place) * tensor({{1.0, 2.0}, {0.5, -1.0}, {3.0, 1.0}})) + sum(y.speed[2]);
      };
      const auto at = std::tuple(tensor({1.0, -0.4}), direction * tensor({0.2, 0.9, 1.6}),
                                 std::pair(tensor({1.5, 0.7}), tensor(0.9)));
      const auto first = gradcheck(loss, at, {.step = 1e-4, .tolerance = 1e-6});
      EXPECT_TRUE(first.passed) << first.message;
    }
  }
}

TEST(Odeint, takes_steps_that_its_derivatives_allow_where_the_solution_does_not_move) {
  const Tensor times = tensor({0.0, 1.0, 6.0});
  for (const OdeOptions& options : {precise, by_steps}) {
    // At rest at 1, towards which it decays.
    const auto at_rest = [&](const Tensor& y0) {
      return odeint([](const Tensor& y, const Tensor&) { return 1 - y; }, options, y0, times);
    };
    EXPECT_TRUE(close(jacobian(at_rest)(tensor(1.0)), {1, std::exp(-1.0), std::exp(-6.0)}, 1e-9));
    // Nothing pushes as long as the push is 0, as an argument or captured.
    const auto pushed = [&](const Tensor& push) {
      return odeint([](const Tensor&, const Tensor& t, const Tensor& by) { return by * cos(t); }, options,
                    0.0, times, push);
    };
    const auto pushed_by_captured = [&](const Tensor& push) {
      return odeint([&](const Tensor&, const Tensor& t) { return push * cos(t); }, options, 0.0, times);
    };
    EXPECT_TRUE(close(jacobian(pushed)(tensor(0.0)), {0, std::sin(1.0), std::sin(6.0)}, 1e-9));
    EXPECT_TRUE(close(jacobian(pushed_by_captured)(tensor(0.0)), {0, std::sin(1.0), std::sin(6.0)}, 1e-9));
    EXPECT_NEAR(jvp(pushed, tensor(0.0), tensor(1.0)).tangent[2].item(), std::sin(6.0), 1e-9);
    EXPECT_TRUE(close(vmap(grad([&](const Tensor& push) { return pushed(push)[1]; }))(zeros({2})),
                      {std::sin(1.0), std::sin(1.0)}, 1e-9));
  }
}

TEST(Odeint, has_derivatives_by_steps_where_f_has_no_second_ones_or_none_that_are_finite) {
  const auto rate = custom_gradient(
      "rate", [](const Tensor& y) { return tensor(-0.5 * y.item()); },
      [](const Tensor&, const Tensor&, const Tensor& g) { return tensor(-0.5 * g.item()); });
  const auto by_numbers = [&](const Tensor& y0) {
    return odeint([&](const Tensor& y, const Tensor&) { return rate(y); }, by_steps, y0,
                  tensor({0.0, 2.0}))[1];
  };
  EXPECT_NEAR(grad(by_numbers)(3.0).item(), std::exp(-1.0), 1e-9);
  // It could leave 0 as 2y = t², and does not.
  const auto root = [&](const Tensor& y0) {
    return odeint([](const Tensor& y, const Tensor&) { return sqrt(2 * y); }, by_steps, y0,
                  tensor({0.0, 1.0}))[1];
  };
  const auto [value, slope] = value_and_grad(root)(0.0);
  EXPECT_EQ(value.item(), 0);
  EXPECT_FALSE(std::isfinite(slope.item()));
}

TEST(Odeint, can_be_differentiated_twice) {
  for (const OdeOptions& options : {precise, by_steps}) {
    const auto end = [&](const Tensor& rate) {
      return odeint(decay, options, 1.0, tensor({0.0, 0.4, 1.5}), rate)[-1];
    };
    EXPECT_NEAR(grad(end)(0.7).item(), -1.5 * std::exp(-1.05), 1e-9);
    EXPECT_NEAR(grad(grad(end))(0.7).item(), 2.25 * std::exp(-1.05), 1e-8);
    const Tensor rate = variable(0.7);
    const auto captured = [&](const Tensor& y0) {
      return odeint([&](const Tensor& y, const Tensor&) { return -rate * y; }, options, y0,
                    tensor({0.0, 1.5}))[-1];
    };
    const Tensor slope = grad(captured)(2.0);  // exp(-1.5 rate)
    EXPECT_NEAR(slope.item(), std::exp(-1.05), 1e-9);
    EXPECT_NEAR(gradients(slope, {rate})[rate].item(), -1.5 * std::exp(-1.05), 1e-8);
  }
}

TEST(Odeint, can_be_differentiated_twice_in_what_is_captured_and_shared) {
  for (const OdeOptions& options : {precise, by_steps}) {
    // y = exp(-sin(w) w² t), at t = w, from y0 = w: everything depends on w, one thing as captured.
    const auto end = [&](const Tensor& w) {
      const Tensor captured = sin(w);
      return odeint([captured](const Tensor& y, const Tensor& t,
                               const Tensor& rate) { return decay(y, t, rate) * captured; },
                    options, w, stack({w * 0.0, w}), w * w)[-1];
    };
    const auto closed = [](const Tensor& w) { return w * exp(-sin(w) * w * w * w); };
    const Tensor w = tensor(0.7);
    EXPECT_NEAR(grad(end)(w).item(), grad(closed)(w).item(), 1e-8);
    EXPECT_NEAR(grad(grad(end))(w).item(), grad(grad(closed))(w).item(), 1e-7);
  }
}

TEST(Odeint, differentiates_a_network) {
  Generator generator(5);
  const Linear layer(2, 2, generator);
  const auto loss = [](const Linear& by, const OdeOptions& options) {
    const auto f = [](const Tensor& y, const Tensor&, const Linear& of) { return tanh(of(y)); };
    return sum(square(odeint(f, options, tensor({{0.5, -1.0}, {0.1, 0.2}}), tensor({0.0, 0.5, 1.0}), by)));
  };
  const Linear a = grad([&](const Linear& by) { return loss(by, precise); })(layer);
  const Linear b = grad([&](const Linear& by) { return loss(by, by_steps); })(layer);
  EXPECT_TRUE(close(a.weight().leaf(), b.weight().leaf(), 1e-8));
  EXPECT_TRUE(close(a.bias().leaf(), b.bias().leaf(), 1e-8));
  EXPECT_GT(norm(a.weight().leaf()).item(), 0.1);
}

TEST(Odeint, goes_the_same_steps_for_all_samples_of_a_vmap) {
  // y = y0·e^(-rt) at 1 is e^(-r)·y0, whatever the others are.
  const Tensor rates = tensor({0.5, 2.0, -1.0}), times = tensor({0.0, 0.25, 1.0});
  for (const OdeAdjoint adjoint : {OdeAdjoint::continuous, OdeAdjoint::discrete}) {
    const OdeOptions options{.rtol = 1e-10, .atol = 1e-12, .adjoint = adjoint};
    const auto end = [&](const Tensor& rate) {
      return odeint([](const Tensor& y, const Tensor&, const Tensor& r) { return -r * y; }, options, 2.0,
                    times, rate)[2];
    };
    const Tensor expected = 2 * exp(-rates);
    EXPECT_TRUE(close(vmap(end)(rates), expected, 1e-8));
    EXPECT_TRUE(close(vmap(grad(end))(rates), -expected, 1e-8));
    EXPECT_TRUE(close(vmap(grad(grad(end)))(rates), expected, 1e-8));
    EXPECT_TRUE(close(grad([&](const Tensor& r) { return sum(vmap(end)(r)); })(rates), -expected, 1e-8));
    // Jacobians and Hessians have cotangents for each row.
    const auto squares = [&](const Tensor& y0, const Tensor& t) {
      return odeint([](const Tensor& y, const Tensor&) { return y * y; }, options, y0, t);
    };
    const Tensor by_times = jacobian([&](const Tensor& t) { return squares(0.5, t); })(times);
    const Tensor y = 0.5 / (1 - 0.5 * times);
    EXPECT_TRUE(close(
        by_times,
        {0, 0, 0, -pow(y[1], 2).item(), pow(y[1], 2).item(), 0, -pow(y[2], 2).item(), 0, pow(y[2], 2).item()},
        1e-7));
    const Tensor curvature = hessian([&](const Tensor& y0) { return squares(y0, times)[2]; })(tensor(0.5));
    EXPECT_NEAR(curvature.item(), 2 / std::pow(0.5, 3), 1e-6);  // of y0/(1 - y0·t)
  }
  EXPECT_TRUE(mentions(message_of<GradError>([&] {
                         vmap([](const Tensor& t) {
                           return odeint([](const Tensor& y, const Tensor&) { return y; }, 1.0, t);
                         })(tensor({{0.0, 1.0}, {0.0, 2.0}}));
                       }),
                       {"odeint: the times", "vmap", "same times"}));
}

TEST(Odeint, says_what_is_wrong) {
  const auto squares = [](const Tensor& y, const Tensor&) { return y * y; };  // 1 / (1 - t)
  const Tensor to_two = tensor({0.0, 2.0});
  EXPECT_TRUE(mentions(message_of<SolverError>([&] { odeint(squares, 1.0, to_two); }),
                       {"odeint: at t = 1 ", "the step has become"}));
  EXPECT_TRUE(mentions(message_of<SolverError>([&] { odeint(squares, {.steps = 5}, 1.0, to_two); }),
                       {"odeint: at t = ", "after 5 steps", "stiff"}));
  EXPECT_TRUE(mentions(message_of<SolverError>([&] {
                         odeint([](const Tensor& y, const Tensor&) { return log(y); }, -1.0, to_two);
                       }),
                       {"odeint: at t = 0 the function has NaN"}));
  EXPECT_TRUE(mentions(message_of<SolverError>([&] {
                         odeint([](const Tensor&, const Tensor& t) { return sqrt(1 - t); }, 1.0, to_two);
                       }),
                       {"odeint: at t = 1 ", "numbers are not finite"}));
  EXPECT_TRUE(mentions(message_of<std::invalid_argument>([&] {
                         odeint(squares, 1.0, tensor({0.0, 1.0, 1.0}));
                       }),
                       {"odeint: the times must increase", "t[1] = 1", "sort"}));
  EXPECT_TRUE(mentions(message_of<ShapeError>([&] { odeint(squares, 1.0, tensor(1.0)); }),
                       {"odeint: the times have shape ()"}));
  EXPECT_TRUE(mentions(message_of<ShapeError>([&] {
                         odeint([](const Tensor& y, const Tensor&) { return sum(y); }, ones({2}), to_two);
                       }),
                       {"odeint: the result of the function has the shapes ()", "(2,)"}));
  EXPECT_TRUE(mentions(message_of<std::invalid_argument>([&] { odeint(squares, {.rtol = -1}, 1.0, to_two); }),
                       {"odeint", "rtol", "-1"}));
  const auto stiff = [](const Tensor& y, const Tensor& t, const Tensor& rate) {
    return -rate * (y - cos(t));
  };
  const auto end = [&](OdeAdjoint adjoint) {
    return grad([&, adjoint](const Tensor& rate) {
      return odeint(stiff, {.adjoint = adjoint}, 0.0, tensor({0.0, 1.0}), rate)[1];
    })(1e3);
  };
  EXPECT_TRUE(mentions(message_of<SolverError>([&] { end(OdeAdjoint::continuous); }),
                       {"odeint: at t = ", "on the way back", "OdeAdjoint::discrete"}));
  EXPECT_NEAR(end(OdeAdjoint::discrete).item(), -std::sin(1) / 1e6 + 2 * std::cos(1) / 1e9, 1e-9);
}

}  // namespace
}  // namespace chainrule::test
