// Functions with derivatives of the user's own: any number of arguments and results, saved values,
// derivatives of derivatives, errors, and how they are shown; stopped and reversed gradients.

#include "chainrule/custom_gradient.h"

#include <cmath>
#include <sstream>

#include "chainrule/autograd.h"
#include "chainrule/derivatives.h"
#include "chainrule/draw.h"
#include "chainrule/functions.h"
#include "chainrule/gradcheck.h"
#include "chainrule/graph.h"
#include "chainrule/implicit.h"
#include "chainrule/linalg.h"
#include "chainrule/nn.h"
#include "chainrule/statistics.h"
#include "chainrule/vmap.h"
#include "chainrule/walk.h"
#include "support.h"

namespace chainrule::test {
namespace {

/// A C function, element by element.
Tensor from_c(const Tensor& x, double (*function)(double)) {
  std::vector<double> y = x.to_vector<double>();
  for (double& each : y) each = function(each);
  return tensor(y, x.shape());
}

const auto cube_root = custom_gradient(
    "cube_root", [](const Tensor& x) { return from_c(x, &std::cbrt); },
    [](const Tensor&, const Tensor& y, const Tensor& g) { return g / (3 * square(y)); });

TEST(CustomGradient, of_a_c_function_is_right_to_the_third_order) {
  const Tensor x = tensor({8.0, 0.3, -2.0});
  EXPECT_TRUE(close(cube_root(x), {2, std::cbrt(0.3), std::cbrt(-2.0)}));
  const auto check = gradcheck([](const std::vector<Tensor>& in) { return cube_root(in[0]); }, {x});
  EXPECT_TRUE(check.passed) << check.message;
  const auto total = [](const Tensor& at) { return sum(cube_root(at)); };
  const auto of_second = gradcheck([&](const std::vector<Tensor>& in) { return grad(total)(in[0]); }, {x});
  EXPECT_TRUE(of_second.passed) << of_second.message;
  // x^(1/3): 1/3, −2/9, 10/27 times powers of x.
  const Tensor eight(8.0);
  EXPECT_NEAR(grad(total)(eight).item(), 1.0 / 12, 1e-15);
  EXPECT_NEAR(grad(grad(total))(eight).item(), -2.0 / 9 / 32, 1e-15);
  EXPECT_NEAR(grad(grad(grad(total)))(eight).item(), 10.0 / 27 / 256, 1e-15);
  EXPECT_NEAR(jet(cube_root, eight, Tensor(1.0), 3)[3].item(), 10.0 / 27 / 256 / 6, 1e-15);
}

TEST(CustomGradient, replaces_the_derivative_that_the_operations_have) {
  const auto straight_through = custom_gradient(
      "straight_through", [](const Tensor& x) { return round(x); },
      [](const Tensor&, const Tensor&, const Tensor& g) { return g; });
  const Tensor x = variable({0.3, 1.7});
  const Tensor y = straight_through(x);
  EXPECT_TRUE(equals(y, {2}, {0, 2}));
  sum(y * y).backward();
  EXPECT_TRUE(equals(x.grad(), {2}, {0, 4}));
  EXPECT_FALSE(straight_through(tensor({1.0})).requires_grad());
  EXPECT_FALSE(no_grad([&] { return straight_through(x); }).requires_grad());
}

struct Polar {
  Tensor radius, angle;
  CHAINRULE_MEMBERS(radius, angle)
};

TEST(CustomGradient, takes_and_gives_several_tensors_and_structures) {
  const auto polar = custom_gradient(
      "polar",
      [](const Tensor& x, const Tensor& y, double scale) {
        return Polar{scale * sqrt(x * x + y * y), atan2(y, x)};
      },
      [](const Tensor& x, const Tensor& y, double scale, const Polar& p, const Polar& g) {
        const Tensor r = p.radius / scale;
        return std::pair(g.radius * scale * x / r - g.angle * y / square(r),
                         g.radius * scale * y / r + g.angle * x / square(r));
      });
  const Tensor x = tensor({3.0, -1.0}), y = tensor({4.0, 0.5});
  const auto total = [&](const auto& f) {
    return [&f](const std::vector<Tensor>& in) {
      const Polar p = f(in[0], in[1], 2.0);
      return sum(p.radius * p.radius * p.angle) + p.angle[0];
    };
  };
  const auto check = gradcheck(total(polar), {x, y});
  EXPECT_TRUE(check.passed) << check.message;
  const auto second = gradcheck(
      [&](const std::vector<Tensor>& in) {
        const std::vector<Tensor> g = grad(total(polar))(in);
        return g[0] * g[1];
      },
      {x, y});
  EXPECT_TRUE(second.passed) << second.message;
  // Only one of the results is used.
  const Tensor a = variable(3.0), b = variable(4.0);
  EXPECT_EQ(gradients(polar(a, b, 2.0).radius, {a}).at(a).item(), 2 * 3.0 / 5);
}

// What its results stand for under jvp is differentiated from outside.
TEST(CustomGradient, of_several_results_is_right_reverse_over_forward) {
  using Two = std::pair<Tensor, Tensor>;
  const auto by_gradient = custom_gradient(
      "own_two", [](const Tensor& x) { return Two(sin(x), x * x); },
      [](const Tensor& x, const Two&, const Two& g) { return g.first * cos(x) + 2 * x * g.second; });
  const auto by_tangent = custom_jvp(
      "own_two", [](const Tensor& x) { return Two(sin(x), x * x); },
      [](const Tensor& x, const Two&, const Tensor& t) { return Two(t * cos(x), 2 * x * t); });
  const auto expect_right = [](const auto& f) {
    const auto product = [&](const Tensor& x) {  // x² sin x
      const auto [a, b] = f(x);
      return a * b;
    };
    const auto slope = [&](const Tensor& x) { return jvp(product, x, ones_like(x)).tangent; };
    const double x = 0.7, expected = 2 * std::sin(x) + 4 * x * std::cos(x) - x * x * std::sin(x);
    EXPECT_NEAR(grad(slope)(x).item(), expected, 1e-14);
    EXPECT_NEAR(vmap(grad(slope))(tensor({x})).item(), expected, 1e-14);
    EXPECT_NEAR(jvp(slope, tensor(x), tensor(1.0)).tangent.item(), expected, 1e-14);
  };
  expect_right(by_gradient);
  expect_right(by_tangent);
}

TEST(CustomGradient, keeps_dtypes_and_results_that_are_no_floating_numbers) {
  const auto split = custom_gradient(
      "split", [](const Tensor& x) { return std::tuple(2 * x, x > 1, cast(3 * x, DType::float64)); },
      [](const Tensor&, const auto& y, const auto& g) {
        EXPECT_EQ(std::get<1>(y).dtype(), DType::boolean);
        EXPECT_TRUE(std::get<1>(g).is_empty());
        EXPECT_EQ(std::get<0>(g).dtype(), DType::float32);
        return std::get<0>(g) * 2 + std::get<2>(g) * 3;  // float64, and cast
      });
  const Tensor x = variable({1.0F, 2.0F});
  const auto [twice, above, thrice] = split(x);
  EXPECT_EQ(twice.dtype(), DType::float32);
  EXPECT_EQ(thrice.dtype(), DType::float64);
  EXPECT_TRUE(equals(above, {2}, {0, 1}));
  const Tensor g = gradients(sum(twice) + sum(thrice * thrice), {x}).at(x);
  EXPECT_EQ(g.dtype(), DType::float32);
  EXPECT_TRUE(equals(g, {2}, {2 + 18, 2 + 36}));
}

TEST(CustomGradient, hands_saved_values_to_the_rule) {
  const auto f = custom_gradient(
      "softplus_saving",
      [](const Tensor& x) {
        const Tensor e = exp(x);
        return saving(log1p(e), e);
      },
      [](const Tensor&, const Tensor&, const Tensor& e, const Tensor& g) { return g * e / (1 + e); });
  const Tensor x = variable(0.7);
  EXPECT_NEAR(gradients(f(x), {x}).at(x).item(), 1 / (1 + std::exp(-0.7)), 1e-15);
  const std::string message = message_of<GradError>([&] { grad(grad(f))(0.7); });
  EXPECT_TRUE(mentions(message, {"softplus_saving", "saved", "differentiated again"}));
  // Of the gradient it is linear in: that derivative is known.
  EXPECT_NEAR(jvp(f, Tensor(0.7), Tensor(2.0)).tangent.item(), 2 / (1 + std::exp(-0.7)), 1e-15);
  const auto counted = custom_gradient(
      "counted", [](const Tensor& x0) { return saving(x0 * 2, std::string("kept")); },
      [](const Tensor&, const Tensor&, const std::string& kept, const Tensor& g) {
        EXPECT_EQ(kept, "kept");
        return 2 * g;
      });
  EXPECT_EQ(grad(counted)(1.0).item(), 2);
}

TEST(CustomGradient, has_what_it_saved_for_each_sample_when_the_vmap_is_over) {
  const auto f = custom_gradient(
      "scaled",
      [](const Tensor& x, const Tensor& w) {
        const Tensor e = exp(x);
        return saving(w * e, std::pair(e, Tensor(2.0)));
      },
      [](const Tensor&, const Tensor& w, const Tensor&, const std::pair<Tensor, Tensor>& saved,
         const Tensor& g) { return std::pair(g * w * saved.first, g * saved.first * saved.second / 2); });
  const auto plain = [](const Tensor& x, const Tensor& w) { return w * exp(x); };
  const Tensor x = tensor({{0.1, 0.2, 0.3}, {-0.4, 0.5, 0.6}}), w = tensor({1.0, 2.0, -3.0});
  const auto check = [&](const auto& transformed) {
    const auto [x_gradient, w_gradient] = transformed(f);
    const auto [x_expected, w_expected] = transformed(plain);
    EXPECT_TRUE(allclose(x_gradient, x_expected));
    EXPECT_TRUE(allclose(w_gradient, w_expected));
  };
  const auto both = [&](const auto& total) { return grad(total, argnums<0, 1>)(x, w); };
  check([&](const auto& of) {
    return both([&](const Tensor& a, const Tensor& b) {
      return sum(vmap(of, {.in_axes = {0, no_axis}})(a, b) * x);
    });
  });
  check([&](const auto& of) {  // both vmaps are over
    return both([&](const Tensor& a, const Tensor& b) {
      return sum(vmap(vmap(of), {.in_axes = {0, no_axis}})(a, b) * x);
    });
  });
  check([&](const auto& of) {  // one inside, one outside
    const auto each = [&](const Tensor& a, const Tensor& b) {
      return grad([&](const Tensor& c, const Tensor& d) { return sum(vmap(of)(c, d) * d); }, argnums<0, 1>)(
          a, b);
    };
    return vmap(each, {.in_axes = {0, no_axis}})(x, w);
  });
  check([&](const auto& of) {
    const auto rows = [&](const Tensor& a) { return vmap(of, {.in_axes = {0, no_axis}})(a, w); };
    return std::pair(jacobian(rows)(x), jvp(rows, x, ones_like(x)).tangent);
  });
  const auto twice = [&] {
    return grad([&](const Tensor& a) {
      return sum(vmap(grad([&](const Tensor& c) { return sum(f(c, w)); }))(a));
    })(x);
  };
  EXPECT_TRUE(mentions(message_of<GradError>(twice), {"scaled", "saved", "differentiated again"}));
}

TEST(CustomGradient, by_a_c_function_has_first_derivatives_and_says_so_where_more_are_asked_for) {
  const auto f = custom_gradient(
      "sine", [](const Tensor& x) { return from_c(x, &std::sin); },
      [](const Tensor& x, const Tensor&, const Tensor& g) { return g * from_c(x, &std::cos); });
  EXPECT_NEAR(grad(f)(0.3).item(), std::cos(0.3), 1e-15);
  EXPECT_TRUE(mentions(message_of<GradError>([&] { grad(grad(f))(0.3); }),
                       {"sine", "numbers", "differentiated again", "operations"}));
  EXPECT_NEAR(grad(f)(0.3).item(), std::cos(0.3), 1e-15);  // afterwards as before
}

TEST(CustomGradient, refuses_gradients_of_other_shapes_and_numbers) {
  const Tensor x = variable({1.0, 2.0}), y = variable(3.0);
  const auto product = [](const auto& rule) {
    return custom_gradient(
        "product", [](const Tensor& a, const Tensor& b) { return a * b; }, rule);
  };
  const auto whole = product([](const Tensor& a, const Tensor& b, const Tensor&, const Tensor& g) {
    return std::pair(g * b, g * a);
  });
  EXPECT_TRUE(mentions(message_of<ShapeError>([&] { sum(whole(x, y)).backward(); }),
                       {"product", "(2,)", "argument 1", "()", "custom_gradient_test.cpp"}));
  const auto one =
      product([](const Tensor&, const Tensor& b, const Tensor&, const Tensor& g) { return g * b; });
  EXPECT_TRUE(
      mentions(message_of<ShapeError>([&] { sum(one(x, y)).backward(); }), {"product", "1 tensors, not 2"}));
  const auto none = product([](const Tensor&, const Tensor& b, const Tensor&, const Tensor& g) {
    return std::pair(g * b, Tensor());
  });
  EXPECT_TRUE(equals(gradients(sum(none(x, y)), {y}).at(y), {}, {0}));
}

TEST(CustomGradient, is_shown_by_its_name_and_frees_what_it_holds) {
  const Tensor x = variable(8.0, "x");
  const KeepValues keep;
  const Tensor y = cube_root(x).named("y");
  const Graph graph(y);
  EXPECT_EQ(graph.output().operation, "cube_root");
  EXPECT_NE(graph.output().here.line, 0U);
  std::ostringstream dot;
  write_dot(dot, y);
  EXPECT_NE(dot.str().find("cube_root"), std::string::npos);
  EXPECT_NE(walk_text(Walk(y * 2)).find("cube_root"), std::string::npos);
  EXPECT_NEAR(local_gradient(y, 0, Tensor(1.0)).item(), 1.0 / 12, 1e-15);
}

TEST(CustomGradient, has_no_nan_of_a_masked_branch_if_its_rule_asks_where_g_is_0) {
  const auto root = custom_gradient(
      "root", [](const Tensor& x) { return sqrt(x); },
      [](const Tensor&, const Tensor& y, const Tensor& g) { return where(g == 0, 0, g / (2 * y)); });
  const auto f = [&](const Tensor& x) { return sum(where(x > 0, root(x) * x, 0)); };
  const Tensor x = tensor({0.0, 4.0});
  EXPECT_TRUE(close(grad(f)(x), {0, 3}));
  EXPECT_TRUE(close(hessian(f)(x), {0, 0, 0, 0.375}));
  EXPECT_EQ(jvp(f, x, tensor({1.0, 1.0})).tangent.item(), 3);
}

TEST(CustomGradient, of_a_parameter_reaches_it) {
  const Parameter w(tensor({8.0, 27.0}), "w");
  sum(cube_root(w)).backward();
  EXPECT_TRUE(close(w.grad(), {1.0 / 12, 1.0 / 27}));
  Tensor loss = sum(cube_root(cube_root(w)));
  std::move(loss).backward();
  EXPECT_TRUE(
      close(w.grad(), {1.0 / 12 + std::pow(8.0, -8.0 / 9) / 9, 1.0 / 27 + std::pow(27.0, -8.0 / 9) / 9}));
}

TEST(CustomJvp, gives_gradients_by_transposing_its_rule) {
  const auto f = custom_jvp(
      "weighted", [](const Tensor& x, const Tensor& w) { return sum(square(x) * w); },
      [](const Tensor& x, const Tensor& w, const Tensor&, const Tensor& tx, const Tensor& tw) {
        return sum(2 * x * w * tx + square(x) * tw);
      });
  const Tensor x = tensor({1.0, 2.0}), w = tensor({3.0, -1.0});
  const auto [by_x, by_w] = grad(f, argnums<0, 1>)(x, w);
  EXPECT_TRUE(close(by_x, {6, -4}));
  EXPECT_TRUE(close(by_w, {1, 4}));
  EXPECT_TRUE(close(hessian(f)(x, w), {6, 0, 0, -2}));
  const auto both = [&](const std::vector<Tensor>& in) { return f(in[0], in[1]) * sum(in[1]); };
  const auto check = gradcheck(both, {x, w});
  EXPECT_TRUE(check.passed) << check.message;
  EXPECT_NEAR(jvp(f, std::tuple(x, w), std::tuple(tensor({1.0, 0.0}), tensor({0.0, 1.0}))).tangent.item(), 10,
              1e-14);
}

TEST(CustomJvp, and_gradients_take_tuples_of_arguments_as_plain_functions_do) {
  const auto product = custom_gradient(
      "product", [](const Tensor& a, const Tensor& b) { return a * b; },
      [](const Tensor& a, const Tensor& b, const Tensor&, const Tensor& g) {
        return std::pair(g * b, g * a);
      });
  const std::tuple<Tensor, Tensor> at = {2.0, 3.0}, along = {1.0, 0.5};
  EXPECT_EQ(jvp(product, at, along).tangent.item(), 4);
  EXPECT_EQ(jvp(grad(product, argnums<1>), at, along).tangent.item(), 1);
}

// What the factors of the rule depend on moves, too.
TEST(CustomJvp, has_second_derivatives_forward_over_reverse_and_the_other_way_round) {
  const auto f = custom_jvp(
      "own_exp_sin", [](const Tensor& x) { return exp(sin(x)); },
      [](const Tensor& x, const Tensor& y, const Tensor& t) { return t * y * cos(x); });
  const Tensor x = tensor(0.7), one = tensor(1.0);
  const double expected = (exp(sin(x)) * (square(cos(x)) - sin(x))).item();
  EXPECT_NEAR(jvp(grad(f), x, one).tangent.item(), expected, 1e-15);
  EXPECT_NEAR(grad([&](const Tensor& at) { return jvp(f, at, one).tangent; })(x).item(), expected, 1e-15);
  EXPECT_NEAR(hessian(f)(x).item(), expected, 1e-15);
  EXPECT_NEAR(vmap(grad(grad(f)))(reshape(x, {1})).item(), expected, 1e-15);
}

TEST(CustomJvp, may_compute_its_factors_by_numbers_but_not_its_tangents) {
  const auto f = custom_jvp(
      "sine", [](const Tensor& x) { return from_c(x, &std::sin); },
      [](const Tensor& x, const Tensor&, const Tensor& t) { return from_c(x, &std::cos) * t; });
  EXPECT_NEAR(grad(f)(0.3).item(), std::cos(0.3), 1e-15);
  EXPECT_TRUE(mentions(message_of<GradError>([&] { grad(grad(f))(0.3); }), {"sine", "differentiated again"}));
  const auto by_numbers = custom_jvp(
      "twice", [](const Tensor& x) { return 2 * x; },
      [](const Tensor&, const Tensor&, const Tensor& t) { return tensor({2 * t.item()}).reshape({}); });
  EXPECT_TRUE(
      mentions(message_of<GradError>([&] { grad(by_numbers)(0.3); }), {"twice", "tangent", "operations"}));
  const auto constant = custom_jvp(
      "twice", [](const Tensor& x) { return 2 * x; },
      [](const Tensor&, const Tensor&, const Tensor&) { return Tensor(2.0); });
  EXPECT_TRUE(mentions(message_of<GradError>([&] { grad(constant)(0.3); }), {"twice", "does not depend"}));
}

// Operations look at elements themselves, as norm for infinities and lstsq at the rank, and so do solvers.
TEST(CustomJvp, may_be_written_in_derivatives_of_operations_that_look_at_elements) {
  const Tensor x = tensor({{1.0, 2.0}, {3.0, -1.0}, {0.5, 4.0}});
  const auto plain = [](const Tensor& m) {
    const auto bowl = [](const Tensor& z, const Tensor& a) { return sum(z * z - exp(a) * z); };
    return sum(norm(m, 0)) + sum(lstsq(m, ones({3}))) + sum(minimize(bowl, zeros({2}), m[0]));
  };
  const auto by_tangent = custom_jvp("own", plain, [&](const Tensor& m, const Tensor&, const Tensor& t) {
    return jvp(plain, m, t).tangent;
  });
  const auto by_gradient = custom_gradient(
      "own", plain,
      [&](const Tensor& m, const Tensor&, const Tensor& g) { return vjp(plain, m).pull_back(g); });
  const Tensor expected = hessian(plain)(x);
  EXPECT_TRUE(close(hessian(by_tangent)(x), expected.to_vector<double>()));
  EXPECT_TRUE(close(hessian(by_gradient)(x), expected.to_vector<double>()));
}

TEST(CustomJvp, may_give_zeros) {
  const auto steps = custom_jvp(
      "steps", [](const Tensor& x) { return round(x); },
      [](const Tensor& x, const Tensor&, const Tensor&) { return zeros_like(x); });
  const auto f = [&](const Tensor& x) { return sum(x * steps(x)); };
  const Tensor x = tensor({1.2, 2.9});
  EXPECT_TRUE(close(grad(f)(x), {1, 3}));
  EXPECT_TRUE(close(hessian(f)(x), {0, 0, 0, 0}));
}

TEST(StopGradient, leaves_the_values_and_stops_the_gradient) {
  const Tensor x = variable(3.0);
  EXPECT_EQ(gradients(x * stop_gradient(x), {x}).at(x).item(), 3);
  const std::pair<Tensor, std::vector<Tensor>> several = {x, {x, x * x}};
  const auto stopped = stop_gradient(several);
  EXPECT_FALSE(stopped.first.requires_grad());
  EXPECT_EQ(stopped.second[1].item(), 9);
  EXPECT_EQ(grad(grad([](const Tensor& at) { return at * at * stop_gradient(at); }))(5.0).item(), 10);
}

TEST(ReverseGradient, flips_or_scales_the_gradient_at_every_order) {
  const Tensor x = variable({1.0, 2.0});
  EXPECT_TRUE(equals(reverse_gradient(x), {2}, {1, 2}));
  EXPECT_TRUE(equals(gradients(sum(square(reverse_gradient(x))), {x}).at(x), {2}, {-2, -4}));
  EXPECT_TRUE(equals(gradients(sum(square(reverse_gradient(x, 0.5))), {x}).at(x), {2}, {1, 2}));
  // d/dx (−0.5 · 3 r²) with r as x: −0.5 times −0.5 times 6 x.
  const auto cube = [](const Tensor& at) {
    const Tensor r = reverse_gradient(at, -0.5);
    return r * r * r;
  };
  EXPECT_EQ(grad(grad(cube))(2.0).item(), 0.25 * 12);
  EXPECT_TRUE(mentions(message_of<std::invalid_argument>([&] { reverse_gradient(x, INFINITY); }),
                       {"reverse_gradient", "inf"}));
  EXPECT_TRUE(mentions(message_of<DTypeError>([&] {
                         reverse_gradient(tensor({1, 2}));
                       }),
                       {"reverse_gradient", "int64"}));
}

}  // namespace
}  // namespace chainrule::test
