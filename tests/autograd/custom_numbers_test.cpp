// Functions of numbers with derivatives of the user's own, element by element: in every mode, with
// broadcasting and dtypes.

#include <cmath>

#include "chainrule/autograd.h"
#include "chainrule/custom_gradient.h"
#include "chainrule/derivatives.h"
#include "chainrule/draw.h"
#include "chainrule/functions.h"
#include "chainrule/gradcheck.h"
#include "chainrule/graph.h"
#include "chainrule/statistics.h"
#include "chainrule/vmap.h"
#include "support.h"

namespace chainrule::test {
namespace {

TEST(CustomGradient, of_a_function_of_numbers_works_element_by_element) {
  const auto tanh_of = custom_gradient(
      "tanh_of", [](double x) { return std::tanh(x); }, [](auto, auto y, auto g) { return g * (1 - y * y); });
  const Tensor x = tensor({{0.5, -1.0, 0.0}, {2.0, 0.1, -0.3}});
  EXPECT_TRUE(allclose(tanh_of(x), tanh(x), 1e-15));
  EXPECT_EQ(tanh_of(0.5).item(), std::tanh(0.5));
  EXPECT_EQ(tanh_of(tensor({0.5F})).dtype(), DType::float32);
  EXPECT_EQ(tanh_of(tensor({1, 2})).dtype(), default_dtype());
  const auto total = [&](const Tensor& at) { return sum(square(tanh_of(at))); };
  const auto reference = [](const Tensor& at) { return sum(square(tanh(at))); };
  EXPECT_TRUE(allclose(grad(total)(x), grad(reference)(x)));
  EXPECT_TRUE(allclose(hessian(total)(x), hessian(reference)(x)));
  EXPECT_NEAR(grad(grad(grad(total)))(Tensor(0.4)).item(), grad(grad(grad(reference)))(Tensor(0.4)).item(),
              1e-12);
  EXPECT_TRUE(allclose(vmap(grad(total))(x), vmap(grad(reference))(x)));
  EXPECT_TRUE(allclose(jacobian(tanh_of)(x), jacobian([](const Tensor& at) { return tanh(at); })(x)));
  const auto check = gradcheck([&](const std::vector<Tensor>& in) { return tanh_of(in[0]); }, {x},
                               {.forward_mode = true, .batched = true});
  EXPECT_TRUE(check.passed) << check.message;
  EXPECT_TRUE(gradgradcheck([&](const std::vector<Tensor>& in) { return tanh_of(in[0]); }, {x}).passed);
}

// By numbers and by operations, in which the rule alone would give 0 / 0.
TEST(CustomGradient, of_a_function_of_numbers_leaves_zero_at_zero_in_every_mode) {
  const auto root = custom_gradient(
      "own_sqrt", [](double x) { return std::sqrt(x); }, [](auto, auto y, auto g) { return g / (2 * y); });
  const auto masked = [&](const Tensor& at) { return where(at > 1, root(at), 0); };
  const auto total = [&](const Tensor& at) { return sum(masked(at)); };
  const Tensor x = tensor({0.0, 4.0});
  EXPECT_TRUE(equals(grad(total)(x), {2}, {0, 0.25}));
  EXPECT_TRUE(equals(vmap(grad(masked))(x), {2}, {0, 0.25}));
  EXPECT_TRUE(equals(jvp(total, x, ones_like(x)).tangent, {}, {0.25}));
  for (const auto mode : {JacobianMode::forward, JacobianMode::reverse})
    EXPECT_TRUE(equals(jacobian(masked, {.mode = mode})(x), {2, 2}, {0, 0, 0, 0.25}));
  EXPECT_TRUE(equals(hessian(total)(x), {2, 2}, {0, 0, 0, -1.0 / 32}));
  EXPECT_TRUE(equals(jvp(grad(total), x, ones_like(x)).tangent, {2}, {0, -1.0 / 32}));
}

TEST(CustomGradient, of_a_function_of_several_numbers_broadcasts) {
  const auto check = [](const auto& f) {
    const std::vector<Tensor> in = {tensor({{1.5}, {0.7}}), tensor({0.3, 2.0, -1.0}), Tensor(0.25)};
    const auto run = [&](const std::vector<Tensor>& at) { return f(at[0], at[1], at[2]); };
    EXPECT_TRUE(allclose(run(in), in[0] * in[1] * in[1] + in[2]));
    const auto result = gradcheck(run, in, {.forward_mode = true, .batched = true});
    EXPECT_TRUE(result.passed) << result.message;
    return gradgradcheck(run, in).passed;
  };
  const auto f = [](double a, double b, double c) { return a * b * b + c; };
  EXPECT_TRUE(
      check(custom_gradient("in_operations", f,
                            [](const Tensor& a, const Tensor& b, const Tensor&, const Tensor&,
                               const Tensor& g) { return std::tuple(g * b * b, 2 * g * a * b, g); })));
  EXPECT_TRUE(check(custom_jvp("of_tangents", f, [](auto a, auto b, auto, auto, auto s, auto t, auto u) {
    return s * b * b + 2 * a * b * t + u;
  })));
  EXPECT_THROW(check(custom_gradient("in_numbers", f,
                                     [](double a, double b, double, double, double g) {
                                       return std::tuple(g * b * b, 2 * g * a * b, g);
                                     })),
               GradError);
  const auto power = custom_gradient(
      "power", [](double a, double b) { return std::pow(a, b); },
      [](double a, double b, double y, double g) {
        return std::pair(g * b * std::pow(a, b - 1), g * y * std::log(a));
      });
  const Tensor a = variable(2.0), b = variable(3.0);
  const Gradients of_scalars = gradients(power(a, b) * 2, {a, b});
  EXPECT_EQ(of_scalars.at(a).item(), 24);
  EXPECT_EQ(of_scalars.at(b).item(), 16 * std::log(2.0));
}

TEST(CustomGradient, of_a_rule_of_numbers_is_linear_in_what_comes_from_above_and_says_where_it_ends) {
  const auto root = custom_gradient(
      "root", [](double x) { return std::sqrt(x); }, [](double, double y, double g) { return g / (2 * y); });
  const Tensor x = tensor({4.0, 0.0}), w = tensor({3.0, 0.0});
  // 0 from above stays 0, where the slope is infinite.
  EXPECT_TRUE(equals(grad([&](const Tensor& at) { return sum(w * root(at)); })(x), {2}, {0.75, 0}));
  EXPECT_TRUE(equals(jvp(root, x, tensor({1.0, 0.0})).tangent, {2}, {0.25, 0}));
  EXPECT_TRUE(equals(vmap(grad(root))(tensor({4.0, 1.0})), {2}, {0.25, 0.5}));
  EXPECT_TRUE(mentions(message_of<GradError>([&] { root(Tensor()); }), {"root", "empty handle", "assign"}));
  const std::string message = message_of<GradError>([&] { grad(grad(root))(4.0); });
  EXPECT_TRUE(mentions(message, {"root", "numbers", "differentiated again", "auto"}));
  EXPECT_TRUE(
      mentions(message_of<GradError>([&] { hessian([&](const Tensor& at) { return sum(root(at)); })(x); }),
               {"root", "differentiated again"}));
  EXPECT_TRUE(mentions(message_of<ShapeError>([&] {
                         const auto wrong = custom_gradient(
                             "wrong", [](double at) { return at; },
                             [](const Tensor&, const Tensor&, const Tensor& g) {
                               return concatenate({g, g});
                             });
                         grad([&](const Tensor& at) { return sum(wrong(at)); })(x);
                       }),
                       {"wrong", "(4,)", "(2,)", "element by element"}));
}

}  // namespace
}  // namespace chainrule::test
