// The first NaN or infinity is reported where it is made, in forward and backward, and nothing else is:
// DetectAnomaly by the messages it gives.

#include "chainrule/anomaly.h"

#include <cmath>

#include "chainrule/autograd.h"
#include "chainrule/custom_gradient.h"
#include "chainrule/derivatives.h"
#include "chainrule/graph.h"
#include "chainrule/map.h"
#include "chainrule/ops.h"
#include "chainrule/transforms.h"
#include "chainrule/vmap.h"
#include "support.h"

namespace chainrule::test {
namespace {

TEST(DetectAnomaly, reports_the_forward_call_that_makes_the_first_one) {
  const DetectAnomaly detect;
  const Tensor x = variable({2.0, 0.0, -1.0}, "x");
  const std::string message = message_of<AnomalyError>([&] {
    const Scope outer("encoder"), inner("layer 2");
    (void)(log(x) * 2);
  });
  EXPECT_TRUE(mentions(message, {"log in scope 'encoder/layer 2': makes -inf at element 1 of shape (3,)",
                                 "'x' (3,) float64 in [-1, 2]", "anomaly_test.cpp:"}));
  EXPECT_THROW((void)no_grad([&] { return tensor({1.0}) / tensor({0.0}); }), AnomalyError);
  EXPECT_THROW((void)sum(exp(tensor({1000.0F}))), AnomalyError);
  EXPECT_THROW((void)map([](auto a) { return sqrt(a); }, tensor({-1.0})), AnomalyError);
}

TEST(DetectAnomaly, reports_the_derivative_that_makes_the_first_one) {
  const DetectAnomaly detect;
  const Tensor x = variable({4.0, 0.0}, "x");
  const Tensor root = sqrt(x).named("root");
  const std::string message = message_of<AnomalyError>([&] { sum(root).backward(); });
  EXPECT_TRUE(
      mentions(message, {"sqrt 'root': its derivative makes inf at element 1 of the gradient of input 0",
                         "'x' (2,) float64 in [0, 4]", "anomaly_test.cpp:"}));
  const Tensor s = variable(0.0);
  EXPECT_TRUE(
      mentions(message_of<AnomalyError>([&] { sqrt(s).backward(); }), {"sqrt", "derivative makes inf"}));
  EXPECT_THROW((void)grad([](const Tensor& at) { return sqrt(at); })(0.0), AnomalyError);
  const auto f = custom_gradient(
      "own", [](const Tensor& at) { return 2 * at; },
      [](const Tensor&, const Tensor&, const Tensor& g) { return g * NAN; });
  EXPECT_TRUE(
      mentions(message_of<AnomalyError>([&] { f(s).backward(); }), {"own: its derivative makes nan"}));
}

// Under transforms, what the user has called, not what its rule is made of.
TEST(DetectAnomaly, names_the_operation_of_the_user_under_transforms) {
  const DetectAnomaly detect;
  const Tensor x = tensor({1.0, 0.0, 2.0});
  const auto root = [](const Tensor& at) { return sqrt(at).named("root"); };
  const auto root_of_all = [&](const Tensor& at) { return sum(root(at)); };
  EXPECT_TRUE(mentions(message_of<AnomalyError>([&] { (void)jvp(root, x, ones_like(x)); }),
                       {"sqrt in scope 'jvp': makes inf at element 1 of its tangent, of shape (3,)",
                        "(3,) float64 in [0, 2]", "anomaly_test.cpp:"}));
  EXPECT_TRUE(mentions(
      message_of<AnomalyError>([&] { (void)vmap([](const Tensor& at) { return log(at); })(x); }),
      {"log in scope 'vmap': makes -inf at element 1 of all samples along axis 0", "anomaly_test.cpp:"}));
  const std::string by_its_derivative = "sqrt 'root': its derivative makes inf at element ";
  const std::string per_sample = message_of<AnomalyError>([&] { (void)vmap(grad(root))(x); }),
                    second = message_of<AnomalyError>([&] { (void)hessian(root_of_all)(x); });
  EXPECT_TRUE(
      mentions(per_sample, {"its derivative makes inf at element 1", "samples", "anomaly_test.cpp:"}));
  EXPECT_TRUE(mentions(second, {by_its_derivative, "anomaly_test.cpp:"}));
  for (const auto mode : {JacobianMode::forward, JacobianMode::reverse})
    EXPECT_TRUE(mentions(message_of<AnomalyError>([&] { (void)jacobian(root, {.mode = mode})(x); }),
                         {by_its_derivative, "anomaly_test.cpp:"}));
}

TEST(DetectAnomaly, leaves_alone_what_was_given_so) {
  const DetectAnomaly detect;
  const Tensor x = variable({1.0, 2.0});
  const Tensor masked = where(tensor({true, false}), x, tensor({-INFINITY, -INFINITY}));
  const Tensor p = softmax(masked);
  sum(square(p)).backward();
  EXPECT_EQ(p[1].item(), 0);
  EXPECT_TRUE(std::isnan((x * NAN)[0].item()));
}

TEST(DetectAnomaly, ends_with_its_scope) {
  { const DetectAnomaly detect; }
  const Tensor x = variable(0.0);
  EXPECT_TRUE(std::isinf(log(x).item()));
  EXPECT_TRUE((tensor(1.0) * 2).is_leaf()) << "as nothing is kept any more";
}

}  // namespace
}  // namespace chainrule::test
