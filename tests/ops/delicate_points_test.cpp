// Each line of the table at the top of ops.h: the (sub)gradients that were chosen where a derivative is not
// unique, or where the obvious formula gives NaN. support.h reads and compares tensors.

#include "chainrule/autograd.h"
#include "chainrule/derivatives.h"
#include "chainrule/functions.h"
#include "chainrule/losses.h"
#include "chainrule/random.h"
#include "chainrule/shaping.h"
#include "chainrule/statistics.h"
#include "chainrule/testing.h"
#include "ops/gradient_of.h"
#include "support.h"

namespace chainrule::test {
namespace {

const Function relu_of = [](const Tensor& x) { return relu(x); };
const Function abs_of = [](const Tensor& x) { return abs(x); };
const Function sqrt_of = [](const Tensor& x) { return sqrt(x); };
const BinaryFunction maximum_of = [](const Tensor& a, const Tensor& b) { return maximum(a, b); };
const BinaryFunction minimum_of = [](const Tensor& a, const Tensor& b) { return minimum(a, b); };
const BinaryFunction power_of = [](const Tensor& a, const Tensor& b) { return pow(a, b); };

using Numbers = std::vector<double>;

TEST(Relu, has_gradient_zero_at_zero_of_either_sign) {
  EXPECT_EQ(gradient_of(relu_of, tensor({-1.0, -0.0, 0.0, 1.0})), (Numbers{0, 0, 0, 1}));
}

TEST(Relu, has_a_mask_as_derivative_and_never_a_matrix) {
  const Tensor x = variable({-1.0, 2.0, 3.0});
  const Gradients g = gradients(relu(x), {x}, {.seed = tensor({10.0, 20.0, 30.0})});
  EXPECT_TRUE(equals(g.at(x), {3}, {0, 20, 30}));
}

TEST(Abs, has_gradient_zero_at_zero) {
  EXPECT_EQ(gradient_of(abs_of, tensor({-2.0, -0.0, 0.0, 2.0})), (Numbers{-1, 0, 0, 1}));
}

TEST(Sign, has_gradient_zero_everywhere) {
  EXPECT_EQ(gradient_of([](const Tensor& x) { return sign(x); }, tensor({-2.0, 0.0, 2.0})),
            (Numbers{0, 0, 0}));
}

TEST(Maximum, shares_the_gradient_of_equal_numbers_in_halves) {
  EXPECT_EQ(gradient_of(maximum_of, 3, 3), (Pair{0.5, 0.5}));
  EXPECT_EQ(gradient_of(maximum_of, 4, 3), (Pair{1, 0}));
  EXPECT_EQ(gradient_of(maximum_of, 3, 4), (Pair{0, 1}));
}

TEST(Minimum, shares_the_gradient_of_equal_numbers_in_halves) {
  EXPECT_EQ(gradient_of(minimum_of, 3, 3), (Pair{0.5, 0.5}));
  EXPECT_EQ(gradient_of(minimum_of, 4, 3), (Pair{0, 1}));
  EXPECT_EQ(gradient_of(minimum_of, 3, 4), (Pair{1, 0}));
}

TEST(Maximum, of_a_tensor_with_itself_has_gradient_one) {
  EXPECT_EQ(gradient_of([](const Tensor& x) { return maximum(x, x); }, tensor({1.0, -1.0})), (Numbers{1, 1}));
}

TEST(Max, shares_the_gradient_of_ties_evenly) {
  EXPECT_EQ(gradient_of([](const Tensor& x) { return max(x); }, tensor({2.0, 5.0, 5.0, 1.0, 5.0, 5.0})),
            (Numbers{0, 0.25, 0.25, 0, 0.25, 0.25}));
  EXPECT_EQ(gradient_of([](const Tensor& x) { return max(x, 1); }, tensor({{3.0, 3.0}, {1.0, 2.0}})),
            (Numbers{0.5, 0.5, 0, 1}));
}

TEST(Max, shares_the_gradient_of_ties_in_each_of_many_short_lines) {
  Numbers x, slopes;
  for (int line = 0; line < 5000; ++line)
    for (int i = 0; i < 3; ++i) {
      const bool ties = line % 7 == 0;
      x.push_back(ties || i == line % 3 ? 1 : 0);
      slopes.push_back(ties ? 1.0 / 3 : x.back());
    }
  EXPECT_EQ(gradient_of([](const Tensor& t) { return max(reshape(t, {5000, 3}), 1); }, tensor(x)), slopes);
}

TEST(Min, shares_the_gradient_of_ties_evenly) {
  EXPECT_EQ(gradient_of([](const Tensor& x) { return min(x); }, tensor({2.0, 1.0, 5.0, 1.0})),
            (Numbers{0, 0.5, 0, 0.5}));
  EXPECT_EQ(gradient_of([](const Tensor& x) { return min(x, 0); }, tensor({{3.0, 3.0}, {3.0, 2.0}})),
            (Numbers{0.5, 0, 0.5, 1}));
}

TEST(Max, is_nan_where_any_element_is) {
  EXPECT_TRUE(equals(max(tensor({{1.0, nan}, {2.0, 3.0}}), 1), {2}, {nan, 3}));
  EXPECT_TRUE(equals(min(tensor({{nan, 1.0}, {2.0, 3.0}}), 1), {2}, {nan, 2}));
}

TEST(Max, of_infinities_is_found) {
  EXPECT_TRUE(equals(max(tensor({-infinity, -infinity})), {}, {-infinity}));
  EXPECT_TRUE(equals(min(tensor({infinity, infinity})), {}, {infinity}));
}

TEST(Clamp, has_gradient_one_at_its_bounds_and_zero_beyond_them) {
  const Function held = [](const Tensor& x) { return clamp(x, -1, 2); };
  EXPECT_EQ(gradient_of(held, tensor({-1.5, -1.0, 0.0, 2.0, 2.5})), (Numbers{0, 1, 1, 1, 0}));
}

TEST(Clamp, gives_the_gradient_to_the_bound_that_holds) {
  const Tensor x = variable({-5.0, 0.0, 5.0}), low = variable(-1.0), high = variable(2.0);
  const Gradients g = gradients(sum(clamp(x, low, high)), {x, low, high});
  EXPECT_TRUE(equals(g.at(x), {3}, {0, 1, 0}));
  EXPECT_EQ(g.at(low).item(), 1);
  EXPECT_EQ(g.at(high).item(), 1);
}

TEST(Clamp, is_the_upper_bound_where_that_is_below_the_lower) {
  const Tensor x = variable({-5.0, 0.0, 5.0}), low = variable(2.0), high = variable(1.0);
  const Tensor held = clamp(x, low, high);
  EXPECT_TRUE(equals(held, {3}, {1, 1, 1}));
  const Gradients g = gradients(sum(held), {low, high});
  EXPECT_EQ(g.at(low).item(), 0);
  EXPECT_EQ(g.at(high).item(), 3);
}

TEST(Clamp, leaves_nan_and_holds_infinities) {
  const std::vector<double> held = values(clamp(tensor({nan, -infinity, infinity}), 0, 1));
  EXPECT_TRUE(std::isnan(held[0]));
  EXPECT_EQ(held[1], 0);
  EXPECT_EQ(held[2], 1);
  EXPECT_TRUE(equals(clamp(tensor({-3, 0, 3}), -1, 1), {3}, {-1, 0, 1}));  // integers stay integers
}

TEST(Norm, of_zeros_has_gradient_zero) {
  const Function norm_of = [](const Tensor& x) { return norm(x); };
  EXPECT_EQ(gradient_of(norm_of, tensor({0.0, -0.0})), (Numbers{0, 0}));
  EXPECT_EQ(gradient_of(norm_of, tensor({3.0, 4.0})), (Numbers{3.0 / 5, 4.0 / 5}));
}

TEST(Norm, neither_overflows_nor_vanishes) {
  const Function norm_of = [](const Tensor& x) { return norm(x); };
  const auto expect = [&](const Tensor& x, double length, const Numbers& direction) {
    EXPECT_TRUE(close(norm(x) / length, Numbers{1}, x.dtype() == DType::float32 ? 1e-6 : 1e-15));
    EXPECT_TRUE(close(tensor(gradient_of(norm_of, x)), direction, 1e-6));
  };
  expect(tensor({1e20F, 1.0F, 1.0F}), 1e20F, {1, 1e-20, 1e-20});
  expect(tensor({3e-30F, -4e-30F}), 5e-30F, {0.6, -0.8});
  expect(tensor({3e200, 4e200}), 5e200, {0.6, 0.8});
  expect(tensor({3e-200, 4e-200}), 5e-200, {0.6, 0.8});
  expect(tensor({0x3p-1070, 0x4p-1070}), 0x5p-1070, {0.6, 0.8});
  expect(tensor({1e-200, 1e-160}), 1e-160, {1e-40, 1});
  expect(tensor({1.7e308}), 1.7e308, {1});
  const Tensor rows = tensor({{3e200, 0.0, 3e-200}, {4e200, 0.0, 4e-200}});
  const Tensor lengths = norm(rows, 0);
  EXPECT_TRUE(close(lengths / tensor({5e200, 1.0, 5e-200}), {1, 0, 1}));
  EXPECT_TRUE(close(tensor(gradient_of([](const Tensor& x) { return norm(x, 0); }, rows)),
                    {0.6, 0, 0.6, 0.8, 0, 0.8}));
  const Tensor block = reshape(tensor({2e200, 1.0, 2e200, 1.0, 2e200, 1.0, 2e200, 1.0}), {2, 2, 2});
  EXPECT_TRUE(close(norm(block, {0, 1}) / tensor({4e200, 2.0}), {1, 1}));
  EXPECT_TRUE(close(norm(block, {0, 2}) / 2.8284271247461903e200, {1, 1}));
}

TEST(Norm, with_infinite_elements_points_along_them_evenly) {
  const Function norm_of = [](const Tensor& x) { return norm(x); };
  EXPECT_EQ(norm(tensor({1.0, -infinity})).item(), infinity);
  EXPECT_EQ(gradient_of(norm_of, tensor({1.0, -infinity})), (Numbers{0, -1}));
  EXPECT_TRUE(close(tensor(gradient_of(norm_of, tensor({infinity, 3.0, -infinity}))),
                    {std::sqrt(0.5), 0, -std::sqrt(0.5)}));
  EXPECT_TRUE(std::isnan(norm(tensor({nan, 1.0})).item()));
}

TEST(Norm, of_zeros_has_second_derivative_zero_in_every_mode) {
  const Tensor a = variable({1.0, 2.0}), b = variable({1.0, 2.0});
  for (const auto& [y, x] : {std::pair{norm(a - b), a}, std::pair{norm(a - a.detach()), a}}) {
    const Tensor first = gradients(y, {x}, {.create_graph = true}).at(x);
    EXPECT_TRUE(equals(first, {2}, {0, 0}));
    EXPECT_TRUE(equals(jvp(y, x, ones_like(x)), {}, {0}));
    EXPECT_TRUE(equals(jvp(first, x, ones_like(x)), {2}, {0, 0}));
    for (const bool create_graph : {false, true}) {
      const Gradients second =
          gradients(first, {x}, {.seed = tensor({1.0, -2.0}), .create_graph = create_graph});
      EXPECT_TRUE(equals(second.at(x), {2}, {0, 0}));
    }
  }
}

TEST(Mean, of_huge_numbers_does_not_overflow) {
  EXPECT_EQ(mean(tensor({1e308, 1e308})).item(), 1e308);
  EXPECT_EQ(mean(tensor({3e38F, 3e38F, 3e38F})).item<float>(), 3e38F);
  EXPECT_TRUE(equals(mean(tensor({{1e308, 1.0}, {1e308, 3.0}}), 0), {2}, {1e308, 2}));
  EXPECT_EQ(mean(tensor({1e308, infinity})).item(), infinity);
  EXPECT_TRUE(std::isnan(mean(tensor({infinity, -infinity})).item()));
  EXPECT_NEAR(mse_loss(tensor({1e154, 1e154}), 0).item() / 1e308, 1, 1e-15);
}

TEST(Prod, is_right_where_parts_of_it_are_out_of_range) {
  PRINT_SEED_ON_FAILURE();
  Generator generator(seed());
  const double infinity = std::numeric_limits<double>::infinity();
  for (const DType dtype : {DType::float64, DType::float32}) {
    const double large = dtype == DType::float64 ? 0x1p530 : 0x1p65, tiny = 1 / large / large,
                 rtol = dtype == DType::float64 ? 1e-11 : 1e-3;
    for (const std::int64_t n : {3, 40, 700, 150'000}) {
      // A number and its reciprocal, those of a kind one after the other.
      const Tensor some = exp(randn({4, n}, generator) * 9),
                   all = cast(concatenate({some, 1 / some}, 1), DType::float64);
      const Tensor x = cast(all, dtype), exact = cast(x, DType::float64);
      const Tensor expected = exp(sum(log(exact), 1));
      EXPECT_THAT(prod(x, 1), IsClose(cast(expected, dtype), rtol)) << n;
      EXPECT_THAT(prod(transpose(x), 0), IsClose(prod(x, 1), rtol));
    }
    const auto of = [&](const Tensor& x) { return prod(cast(x, dtype)).item(); };
    EXPECT_EQ(of(concatenate({full({70}, tiny), full({140}, -large)})), 1);
    EXPECT_EQ(of(concatenate({full({99}, 1e30), zeros({5}), full({99}, -1.0)})), 0);
    EXPECT_EQ(of(concatenate({full({40}, 1e-30), full({3}, -infinity), full({40}, 1e-30)})), -infinity);
    EXPECT_TRUE(std::isnan(of(concatenate({full({40}, 1e-30), full({1}, infinity), zeros({40})}))));
    EXPECT_TRUE(std::isnan(of(concatenate({full({40}, 1e-30), full({1}, std::nan("")), full({40}, 1e30)}))));
    EXPECT_EQ(of(full({64}, 1e30)), infinity);
    EXPECT_EQ(of(full({64}, -1e-30)), 0);
  }
  // Each near 1, so that no exponent tells how small a part is.
  EXPECT_NEAR(prod(concatenate({full({500'000}, 0.72), full({500'000}, 1.388)})).item() / 9.578004842e-140, 1,
              1e-8);
}

TEST(Prod, with_zeros_has_the_product_of_the_others_as_gradient) {
  const Function prod_of = [](const Tensor& x) { return prod(x); };
  EXPECT_EQ(gradient_of(prod_of, tensor({2.0, 3.0, 5.0, 7.0, 11.0})), (Numbers{1155, 770, 462, 330, 210}));
  EXPECT_EQ(gradient_of(prod_of, tensor({2.0, 0.0, 5.0, 7.0, 11.0})), (Numbers{0, 770, 0, 0, 0}));
  EXPECT_EQ(gradient_of(prod_of, tensor({2.0, 0.0, 0.0, 7.0, 11.0})), (Numbers{0, 0, 0, 0, 0}));
}

TEST(Prod, with_two_zeros_still_has_the_product_of_the_others_as_second_derivative) {
  const Tensor x = variable({0.0, 0.0, 5.0});
  const Tensor first = gradients(prod(x), {x}, {.create_graph = true}).at(x);
  EXPECT_TRUE(equals(gradients(first[0], {x}).at(x), {3}, {0, 5, 0}));
}

TEST(Sqrt, has_an_infinite_gradient_at_zero) {
  EXPECT_EQ(gradient_of(sqrt_of, tensor({0.0})), Numbers{infinity});
}

TEST(Sqrt, has_gradient_zero_at_zero_when_nothing_flows_from_above) {
  const Tensor x = variable({0.0, 4.0});
  const Gradients g = gradients(sqrt(x), {x}, {.seed = tensor({0.0, 1.0})});
  EXPECT_TRUE(equals(g.at(x), {2}, {0, 0.25}));
}

TEST(Sqrt, in_a_masked_branch_makes_no_nan) {
  EXPECT_EQ(gradient_of([](const Tensor& x) { return where(x > 0, sqrt(x), 0); }, tensor({0.0, 4.0})),
            (Numbers{0, 0.25}));
}

TEST(Pow, with_exponent_zero_is_one_and_has_gradient_zero_in_the_base) {
  for (const double base : {0.0, 2.0, -3.0, 1e300}) {
    EXPECT_EQ(pow(base, 0.0).item(), 1);
    const Tensor x = variable(base);
    EXPECT_EQ(gradients(pow(x, 0.0), {x}).at(x).item(), 0) << base;
  }
}

TEST(Pow, of_zero_has_gradient_zero_in_a_nonnegative_exponent) {
  for (const double exponent : {0.0, 0.5, 1.0, 2.0})
    EXPECT_EQ(gradient_of(power_of, 0, exponent).b, 0) << exponent;
}

TEST(Pow, of_zero_has_the_gradient_of_the_polynomial_in_the_base) {
  EXPECT_EQ(gradient_of(power_of, 0, 1).a, 1);
  EXPECT_EQ(gradient_of(power_of, 0, 2).a, 0);
  EXPECT_EQ(gradient_of(power_of, 0, 0.5).a, infinity);
}

TEST(Pow, of_a_negative_number_to_a_whole_one_has_a_gradient) {
  const Tensor x = variable({-2.0, -3.0});
  const Gradients g = gradients(sum(pow(x, 3)), {x});
  EXPECT_TRUE(close(g.at(x), {12, 27}));
}

TEST(Where, gives_exactly_zero_to_the_branch_not_taken_even_if_it_is_nan_or_infinite) {
  const Tensor condition = tensor({true, false, true, false});
  const Tensor a = variable({1.0, nan, 2.0, infinity});
  const Tensor b = variable({nan, 3.0, -infinity, 4.0});
  const Tensor y = where(condition, a, b);
  EXPECT_TRUE(equals(y, {4}, {1, 3, 2, 4}));
  const Gradients g = gradients(sum(y), {a, b});
  EXPECT_TRUE(equals(g.at(a), {4}, {1, 0, 1, 0}));
  EXPECT_TRUE(equals(g.at(b), {4}, {0, 1, 0, 1}));
}

TEST(Where, drops_even_an_infinite_gradient_of_the_branch_not_taken) {
  const Tensor a = variable({1.0, 1.0});
  const Gradients g = gradients(where(tensor({true, false}), a, 0.0), {a}, {.seed = tensor({1.0, infinity})});
  EXPECT_TRUE(equals(g.at(a), {2}, {1, 0}));
}

// -1/x has an infinite slope at 0, and exp of it none: what softmax gives no weight does not count.
TEST(Softmax, leaves_zero_at_zero_forward_as_backward) {
  const Tensor x = tensor({0.0, 2.0, 2.0});
  const auto third = [](const Tensor& at) { return softmax(-1 / at)[2]; };
  EXPECT_TRUE(equals(grad(third)(x), {3}, {0, -0.0625, 0.0625}));
  EXPECT_TRUE(equals(jvp(third, x, tensor({1.0, 0.0, 1.0})).tangent, {}, {0.0625}));
  const auto log_third = [](const Tensor& at) { return log_softmax(-1 / at)[2]; };
  EXPECT_TRUE(equals(grad(log_third)(x), {3}, {0, -0.125, 0.125}));
  EXPECT_TRUE(equals(jvp(log_third, x, tensor({1.0, 0.0, 1.0})).tangent, {}, {0.125}));
  for (const double each : values(hessian(third)(x))) EXPECT_TRUE(std::isfinite(each));
  for (const double each : values(jacobian([](const Tensor& at) { return softmax(-1 / at); })(x)))
    EXPECT_TRUE(std::isfinite(each));
}

TEST(Pow, of_infinity_to_a_negative_exponent_has_gradient_zero_in_it) {
  EXPECT_EQ(gradient_of(power_of, infinity, -1).b, 0);
  EXPECT_EQ(gradient_of(power_of, 0, -1).b, -infinity);
}

/// ∂²f/∂a∂b in both orders, and each by both modes.
Numbers mixed_derivatives(const BinaryFunction& f, double a, double b) {
  const auto by_a = grad(f, argnums<0>);
  const auto by_b = grad(f, argnums<1>);
  const auto along_b = [&](const Tensor& at) { return by_a(Tensor(a), at); };
  const auto along_a = [&](const Tensor& at) { return by_b(at, Tensor(b)); };
  return {grad(along_b)(Tensor(b)).item(), grad(along_a)(Tensor(a)).item(),
          jvp(along_b, Tensor(b), Tensor(1.0)).tangent.item(),
          jvp(along_a, Tensor(a), Tensor(1.0)).tangent.item()};
}

TEST(Pow, has_mixed_derivatives_at_exponent_zero) {
  for (const double base : {-2.0, 0.5, 1.0, 2.0, 1e300})
    EXPECT_EQ(mixed_derivatives(power_of, base, 0), Numbers(4, 1 / base)) << base;
  const Tensor smallest = variable(std::numeric_limits<double>::denorm_min());
  EXPECT_EQ(gradients(pow(smallest, Tensor(0.0)), {smallest})[smallest].item(), 0);
}

// A rule that chooses a number where an input has a special value says nothing of how the slope changes
// there.
TEST(FunctionsOfTwoNumbers, have_the_same_mixed_derivatives_in_any_order_at_special_points) {
  const std::vector<std::pair<std::string, BinaryFunction>> functions = {
      {"pow", power_of},
      {"div", [](const Tensor& a, const Tensor& b) { return a / b; }},
      {"maximum", maximum_of},
      {"logaddexp", [](const Tensor& a, const Tensor& b) { return logaddexp(a, b); }},
      {"atan2", [](const Tensor& a, const Tensor& b) { return atan2(a, b); }},
      {"hypot", [](const Tensor& a, const Tensor& b) { return hypot(a, b); }},
      {"xlogy", [](const Tensor& a, const Tensor& b) { return xlogy(a, b); }},
      {"remainder", [](const Tensor& a, const Tensor& b) { return remainder(a * b, b); }},
      {"sinc", [](const Tensor& a, const Tensor& b) { return sinc(a) * b; }},
      {"norm",
       [](const Tensor& a, const Tensor& b) {
         return norm(stack({a, b}));
       }},
      {"vector_norm",
       [](const Tensor& a, const Tensor& b) {
         return vector_norm(stack({a, b, 1.0}), 3);
       }},
      {"prod",
       [](const Tensor& a, const Tensor& b) {
         return prod(stack({a, b, a}));
       }},
      {"kl_div", [](const Tensor& a, const Tensor& b) { return kl_div(a, b); }},
      {"std",
       [](const Tensor& a, const Tensor& b) {
         return chainrule::std(stack({a, b, 1.0}));
       }},
  };
  for (const auto& [name, f] : functions)
    for (const double a : {-1.0, 0.0, 0.5, 1.0, 2.0})
      for (const double b : {-1.0, 0.0, 0.5, 1.0, 2.0}) {
        if (name == "pow" && a == 0) continue;  // chosen
        const Numbers all = mixed_derivatives(f, a, b);
        for (const double each : all)
          EXPECT_THAT(tensor(each), IsClose(tensor(all[0]), 1e-13, 1e-13))
              << name << " at " << a << ", " << b;
      }
}

TEST(Div, has_the_right_gradient_where_its_parts_overflow) {
  const BinaryFunction quotient = [](const Tensor& a, const Tensor& b) { return a / b; };
  EXPECT_NEAR(gradient_of(quotient, 1e200, 1e250).b / -1e-300, 1, 1e-15);
}

}  // namespace
}  // namespace chainrule::test
