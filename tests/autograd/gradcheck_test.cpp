#include "chainrule/gradcheck.h"

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

}  // namespace
}  // namespace chainrule::test
