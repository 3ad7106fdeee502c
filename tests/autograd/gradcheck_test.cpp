// Comparison of gradients with differences: what passes, what is found, and the reason that is given.
// Mistakes are put in by custom gradients.

#include "chainrule/gradcheck.h"

#include "chainrule/autograd.h"
#include "chainrule/custom_gradient.h"
#include "chainrule/functions.h"
#include "chainrule/indexing.h"
#include "chainrule/nn.h"

#include "support.h"

namespace chainrule::test {
namespace {

using Inputs = std::vector<Tensor>;

TEST(Gradcheck, accepts_right_gradients_of_scalars_and_tensors) {
  const Tensor x = tensor({{0.3, -0.7}, {1.2, 0.1}});
  const Tensor w = tensor({0.5, -2.0});
  const auto scalar = gradcheck([](const Inputs& in) { return sum(tanh(matmul(in[0], in[1]))); }, {x, w});
  EXPECT_TRUE(scalar.passed) << scalar.message;
  EXPECT_LT(scalar.worst_error, 1e-6);
  const auto matrix = gradcheck([](const Inputs& in) { return exp(in[0]) * in[1]; }, {x, w});
  EXPECT_TRUE(matrix.passed) << matrix.message;
}

TEST(Gradcheck, finds_a_gradient_that_is_half_of_what_it_should_be) {
  const auto half = [](const Inputs& in) { return in[0] * in[0].detach(); };
  const auto result = gradcheck(half, {tensor({1.0, 2.0})});
  EXPECT_FALSE(result.passed);
  EXPECT_GT(result.worst_error, 0.1);
  EXPECT_FALSE(result.message.empty());
}

TEST(Gradcheck, finds_one_wrong_element_of_one_wrong_input) {
  const auto wrong = [](const Inputs& in) {
    const Tensor spoiled = in[1] * tensor({1.0, 1.0, 1.0 + 1e-3});
    return in[0] + spoiled + (in[1] - spoiled).detach();
  };
  const auto result = gradcheck(wrong, {tensor({1.0, 2.0, 3.0}), tensor({4.0, 5.0, 6.0})});
  EXPECT_FALSE(result.passed);
  EXPECT_TRUE(mentions(result.message, {"input 1", "2"}));
}

TEST(Gradcheck, finds_a_missing_gradient) {
  const auto result =
      gradcheck([](const Inputs& in) { return square(in[0].detach()) + 0 * in[0]; }, {tensor({3.0})});
  EXPECT_FALSE(result.passed);
}

TEST(Gradcheck, finds_the_error_of_a_derivative_at_a_kink) {
  // abs has the derivative 0 at 0 by choice, and central differences agree; relu's are one half.
  EXPECT_TRUE(gradcheck([](const Inputs& in) { return abs(in[0]); }, {tensor({0.0})}).passed);
  EXPECT_FALSE(gradcheck([](const Inputs& in) { return relu(in[0]); }, {tensor({0.0})}).passed);
}

TEST(Gradcheck, allows_the_tolerance_it_is_given) {
  const auto nearly = [](const Inputs& in) { return in[0] * 0.999 + in[0].detach() * 0.001; };
  EXPECT_FALSE(gradcheck(nearly, {tensor({1.0})}).passed);
  EXPECT_TRUE(gradcheck(nearly, {tensor({1.0})}, {.tolerance = 1e-2}).passed);
}

TEST(Gradcheck, needs_float64) {
  EXPECT_TRUE(mentions(message_of<DTypeError>([] {
                         gradcheck([](const Inputs& in) { return square(in[0]); }, {tensor({1.0F})});
                       }),
                       {"gradcheck", "float32", "float64"}));
}

/// x·x whose derivative is wrong by a factor in every element.
Tensor wrong_square(const Tensor& x, double factor) {
  return custom_gradient(
      "wrong_square", [](const Tensor& at) { return at * at; },
      [factor](const Tensor& at, const Tensor&, const Tensor& g) { return 2 * factor * at * g; })(x);
}

// Whatever the size, each with its reason, by a random direction as by all elements.
TEST(Gradcheck, gives_the_same_reasons_for_gradients_whose_squares_are_no_numbers) {
  const auto wrong = custom_gradient(
      "wrong", [](const Tensor& x) { return sin(x); },
      [](const Tensor& x, const Tensor&, const Tensor& g) { return g * cos(x) * 1.001; });
  const auto wrong_again = custom_gradient(
      "wrong_again", [](const Tensor& x) { return x * x * x; },
      [](const Tensor& x, const Tensor&, const Tensor& g) { return g * (x * x + 2 * stop_gradient(x * x)); });
  const Tensor x = tensor({0.0, 0.7});
  for (const double size : {1e-200, 1e-160, 1.0, 1e160, 1e200}) {
    const auto cause = [&](const auto& f) {
      return gradcheck([&](const Tensor& at) { return sum(f(at)) * size; }, x).cause;
    };
    EXPECT_EQ(cause([](const Tensor& at) { return sin(at) * at; }), GradcheckCause::none) << size;
    EXPECT_EQ(cause(wrong), GradcheckCause::wrong_rule) << size;
    EXPECT_EQ(cause([](const Tensor& at) { return at * stop_gradient(at); }), GradcheckCause::wrong_rule)
        << size;
    EXPECT_EQ(cause([](const Tensor& at) { return relu(at); }), GradcheckCause::kink) << size;
    EXPECT_EQ(cause([](const Tensor& at) { return sin(at.detach()); }), GradcheckCause::cut_graph) << size;
    const auto second = [&](const auto& f) {
      return gradgradcheck([&](const Tensor& at) { return sum(f(at)) * size; }, x).passed;
    };
    EXPECT_TRUE(second([](const Tensor& at) { return sin(at) * at; })) << size;
    EXPECT_FALSE(second(wrong_again)) << size;
  }
}

TEST(Gradcheck, finds_wrong_rules_where_values_are_tiny_or_huge) {
  for (const double scale : {1e-12, 1e-6, 1.0, 1e6, 1e12}) {
    const Tensor x = scale * tensor({1.0, -2.0, 0.5});
    const auto right = gradcheck([](const Inputs& in) { return wrong_square(in[0], 1); }, {x});
    EXPECT_TRUE(right.passed) << right.message;
    EXPECT_LT(right.worst_error, 1e-7);
    const auto wrong = gradcheck([](const Inputs& in) { return wrong_square(in[0], 1.001); }, {x});
    EXPECT_FALSE(wrong.passed) << scale;
    EXPECT_EQ(wrong.cause, GradcheckCause::wrong_rule) << wrong.message;
    EXPECT_NEAR(wrong.worst_error, 0.001, 1e-4);
  }
}

TEST(Gradcheck, names_the_likely_reason) {
  const Tensor x = tensor({1.0, 2.0, 3.0});
  const auto cause_of = [&](const auto& f, const Tensor& at) {
    const GradcheckResult result = gradcheck(f, at);
    EXPECT_FALSE(result.passed);
    EXPECT_FALSE(result.message.empty());
    return result.cause;
  };
  EXPECT_EQ(cause_of([](const Tensor& at) { return relu(at - 2); }, x), GradcheckCause::kink);
  EXPECT_EQ(cause_of([](const Tensor& at) { return square(at.detach()); }, x), GradcheckCause::cut_graph);
  Generator generator(1);
  EXPECT_EQ(cause_of([&](const Tensor& at) { return at * randn({3}, generator); }, x),
            GradcheckCause::not_deterministic);
  EXPECT_EQ(cause_of([](const Tensor& at) { return log(at - 4); }, x), GradcheckCause::not_finite);
  // A small slope on a large number that is lost to the rounding inside the function.
  const auto coarse = [](const Tensor& at) { return (at + 1e6) - 1e6; };
  EXPECT_EQ(cause_of(coarse, x), GradcheckCause::precision);
  // The error falls with the step, but is never gone.
  const auto in_float32 = [](const Tensor& at) {
    return cast(sin(cast(at, DType::float32)), DType::float64);
  };
  EXPECT_EQ(cause_of(in_float32, x), GradcheckCause::precision);
}

TEST(Gradcheck, accepts_a_slope_of_zero_where_differences_vanish_with_the_step) {
  const Tensor x = tensor({0.0, 0.0});
  const auto cube = [](const Tensor& at) { return at * at * at; };
  const auto rest = [](const Tensor& at) { return sin(at) - at; };
  for (const bool full : {false, true}) {
    EXPECT_EQ(gradcheck(cube, x, {.full_jacobian = full}).message, "");
    EXPECT_EQ(gradcheck(rest, x, {.full_jacobian = full}).message, "");
    EXPECT_EQ(gradcheck([&](const Tensor& at) { return cube(at).detach() + at.detach(); }, x).cause,
              GradcheckCause::cut_graph);
  }
}

TEST(Gradcheck, finds_wrong_rules_beside_large_values_by_longer_steps) {
  const Tensor x = tensor({0.3, -0.7});
  const auto by = [](double factor) {
    return custom_gradient(
        "offset", [](const Tensor& at) { return sin(at) + 1e6; },
        [factor](const Tensor& at, const Tensor&, const Tensor& g) { return factor * g * cos(at); });
  };
  EXPECT_EQ(gradcheck(by(1), x).message, "");
  EXPECT_EQ(gradcheck(by(1.01), x).cause, GradcheckCause::wrong_rule);
}

TEST(Gradcheck, tells_jumps_rounding_and_one_missing_element_apart) {
  EXPECT_EQ(gradgradcheck([](const Tensor& at) { return abs(at); }, tensor({0.0, 1.0})).cause,
            GradcheckCause::kink);
  const auto one_missing = custom_gradient(
      "square", [](const Tensor& at) { return at * at; },
      [](const Tensor& at, const Tensor&, const Tensor& g) {
        return g * 2 * at * tensor({1.0, 0.0});
      });
  EXPECT_EQ(gradcheck(one_missing, tensor({1.0, 2.0}), {.full_jacobian = true}).cause,
            GradcheckCause::wrong_rule);
  const auto in_float32 = [](const Tensor& at) {
    return cast(sin(cast(at, DType::float32)), DType::float64);
  };
  Generator generator(3);
  for (int i = 0; i < 10; ++i) {
    const Tensor at = randn({3}, generator);
    EXPECT_EQ(gradcheck(in_float32, at).cause, GradcheckCause::precision) << at;
  }
}

TEST(Gradcheck, compares_modes_of_functions_that_differentiate) {
  const GradcheckOptions options = {.forward_mode = true, .batched = true};
  const auto f = [](const Tensor& at) { return sin(at) * at; };
  EXPECT_EQ(gradgradcheck(f, tensor({0.3, -0.7}), options).message, "");
  const auto slope = [](const Tensor& at) {
    const Tensor x = variable(tensor({0.3, 0.4}));
    return gradients(sum(sin(x) * at), {x}, {.create_graph = true})[x];
  };
  EXPECT_EQ(gradcheck(slope, tensor({0.3, -0.7}), options).message, "");
}

TEST(Gradcheck, says_where_and_by_how_much) {
  const GradcheckResult result =
      gradcheck([](const Tensor& x, const std::vector<Tensor>& y) { return wrong_square(y[1], 2) * x; },
                std::tuple(Tensor(1.0), std::vector{Tensor(1.0), tensor({2.0, 3.0})}));
  EXPECT_TRUE(mentions(result.message,
                       {"gradcheck: argument 1[1], element", "analytic", "numeric", "wrong derivative"}));
  const GradcheckResult full =
      gradcheck([](const Tensor& x) { return std::pair(sum(x), wrong_square(x, 2)); }, tensor({2.0}),
                {.full_jacobian = true});
  EXPECT_TRUE(
      mentions(full.message, {"result 1, element 0", "argument 0, element 0", "analytic 8", "numeric 4"}));
}

TEST(Gradcheck, takes_structures_layers_and_several_results) {
  Generator generator(1);
  const Linear layer(3, 2, generator);
  const auto f = [](const Linear& l, const Tensor& x) { return std::tuple(tanh(l(x)), sum(x), argmax(x)); };
  for (const bool full : {false, true}) {
    const auto result = gradcheck(f, std::tuple(layer, tensor({0.3, -0.7, 1.2})), {.full_jacobian = full});
    EXPECT_TRUE(result.passed) << result.message;
  }
  const auto second = gradgradcheck(f, std::tuple(layer, tensor({0.3, -0.7, 1.2})));
  EXPECT_TRUE(second.passed) << second.message;
}

TEST(Gradcheck, runs_the_function_a_few_times_where_all_is_right) {
  int runs = 0;
  const auto f = [&](const Tensor& x) {
    ++runs;
    return sum(square(x));
  };
  EXPECT_TRUE(gradcheck(f, linspace(-1, 1, 1000)).passed);
  EXPECT_LE(runs, 4);
}

TEST(Gradgradcheck, finds_a_wrong_second_derivative_of_a_right_first_one) {
  const auto f = custom_gradient(
      "cube", [](const Tensor& x) { return x * x * x; },
      [](const Tensor& x, const Tensor&, const Tensor& g) { return 3 * x * x.detach() * g; });
  EXPECT_TRUE(gradcheck(f, tensor({1.0, 2.0})).passed);
  const auto result = gradgradcheck(f, tensor({1.0, 2.0}));
  EXPECT_FALSE(result.passed);
  EXPECT_TRUE(mentions(result.message, {"gradgradcheck: argument 0", "element"}));
  EXPECT_TRUE(
      gradgradcheck([](const Inputs& in) { return exp(in[0]) * in[1]; }, {Tensor(0.5), Tensor(2.0)}).passed);
}

TEST(Gradcheck, refuses_senseless_options) {
  EXPECT_TRUE(mentions(message_of<std::invalid_argument>(
                           [] { gradcheck([](const Tensor& x) { return x; }, Tensor(1.0), {.step = 0}); }),
                       {"gradcheck", "step"}));
}

}  // namespace
}  // namespace chainrule::test
