// Clipping gradients as PyTorch does, by norm and by value, and norms that are not finite.
// support.h compares the numbers.

#include <cmath>
#include <limits>

#include "chainrule/optim/clip.h"
#include "optim/reference_data.h"
#include "support.h"

namespace chainrule::test {
namespace {

TEST(ClipGradNorm, scales_as_pytorch_does) {
  const json data = reference("clipping");
  const Tensor first = tensor(flat(data["gradients"][0]), {2, 2}),
               second = tensor(flat(data["gradients"][1]));
  for (const json& one : data["cases"]) {
    const Parameter p(zeros({2, 2}, DType::float64), "p"), q(zeros({3}, DType::float64), "q"),
        none(zeros({3}, DType::float64), "none");
    (sum(p * first) + sum(q * second)).backward();
    const double order = std::stod(one["order"].get<std::string>());
    EXPECT_NEAR(clip_grad_norm({p, q, none, q}, one["max_norm"], order), one["norm"].get<double>(), 1e-13);
    EXPECT_TRUE(close(reshape(p.grad(), {-1}), flat(one["clipped"][0]), 1e-14));
    EXPECT_TRUE(close(q.grad(), flat(one["clipped"][1]), 1e-14));
  }
}

TEST(ClipGradNorm, returns_the_norm_and_changes_nothing_below_the_limit) {
  const Parameter p(tensor({3.0F, 4.0F}), "p"), scalar(tensor(2.0), "scalar");
  (0.5 * sum(square(p)) + 12 * scalar).backward();
  const Tensor kept = p.grad();
  EXPECT_EQ(clip_grad_norm({p, scalar}, 20), 13);
  EXPECT_EQ(values(p.grad()), (Numbers{3, 4}));
  clip_grad_norm({p, scalar}, 1.3);
  EXPECT_TRUE(close(p.grad(), {0.3, 0.4}, 1e-6));
  EXPECT_NEAR(scalar.grad().item(), 1.2, 1e-6);
  EXPECT_EQ(p.grad().dtype(), DType::float32);
  EXPECT_EQ(values(kept), (Numbers{3, 4}));
  EXPECT_EQ(clip_grad_norm({Parameter(tensor({1.0}), "none")}, 1), 0);
  EXPECT_EQ(clip_grad_norm({}, 1), 0);
}

TEST(ClipGradNorm, makes_all_of_it_nan_where_some_is) {
  const Parameter p(tensor({1.0, 2.0}), "p"), q(tensor(3.0), "q");
  (sum(p * tensor({std::nan(""), 0.5})) + q).backward();
  EXPECT_TRUE(std::isnan(clip_grad_norm({p, q}, 1)));
  for (const double each : values(p.grad())) EXPECT_TRUE(std::isnan(each));
  EXPECT_TRUE(std::isnan(q.grad().item()));
}

TEST(ClipGradNorm, says_so_when_the_norm_is_not_finite_if_told) {
  const Parameter p(tensor({0.0, 1.0}), "p");
  sum(sqrt(p)).backward();
  EXPECT_TRUE(
      mentions(message_of<GradError>([&] { clip_grad_norm({p}, 1, 2, true); }), {"clip_grad_norm", "inf"}));
  EXPECT_EQ(values(p.grad())[1], 0.5);
  EXPECT_EQ(clip_grad_norm({p}, 1), std::numeric_limits<double>::infinity());
  EXPECT_EQ(values(p.grad())[1], 0);
  const auto message = [&](double limit, double order) {
    return message_of<std::invalid_argument>([&] { clip_grad_norm({p}, limit, order); });
  };
  EXPECT_TRUE(mentions(message(-1, 2), {"clip_grad_norm: max_norm is -1", ">= 0"}));
  EXPECT_TRUE(mentions(message(1, 0), {"clip_grad_norm: order is 0", "> 0"}));
}

TEST(ClipGradValue, puts_every_element_between_the_limits) {
  const Parameter p(tensor({0.0, 0.0, 0.0}), "p"), scalar(tensor(1.0), "scalar"), none(tensor({1.0}), "none");
  (sum(p * tensor({-3.0, 0.25, 7.0})) - 9 * scalar).backward();
  clip_grad_value({p, scalar, none}, 0.5);
  EXPECT_EQ(values(p.grad()), (Numbers{-0.5, 0.25, 0.5}));
  EXPECT_EQ(scalar.grad().item(), -0.5);
  EXPECT_EQ(values(none.grad()), (Numbers{0}));
  EXPECT_TRUE(mentions(message_of<std::invalid_argument>([&] { clip_grad_value({p}, -1); }),
                       {"clip_grad_value: limit is -1"}));
}

}  // namespace
}  // namespace chainrule::test
