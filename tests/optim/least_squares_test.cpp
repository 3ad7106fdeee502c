// Levenberg-Marquardt, step by step as its formulas in NumPy, and what can go wrong on the way.
// support.h compares the numbers.

#include <cmath>
#include <stdexcept>

#include "chainrule/optim/least_squares.h"
#include "optim/reference_data.h"
#include "support.h"

namespace chainrule::test {
namespace {

TEST(LevenbergMarquardt, follows_the_formulas_to_the_best_fit) {
  const json data = reference("levenberg_marquardt");
  const Tensor t = tensor(data["t"].get<Numbers>()), y = tensor(data["y"].get<Numbers>());
  // Of few residuals the matrix of derivatives is made row by row, of many column by column.
  for (const std::int64_t copies : {1, 3}) {
    const Tensor times = concatenate(std::vector<Tensor>(copies, t));
    const Tensor measured = concatenate(std::vector<Tensor>(copies, y));
    const Parameter a(tensor(data["begin"][0].get<double>()), "a");
    const Parameter b(tensor({data["begin"][1].get<double>(), data["begin"][2].get<double>()}), "b");
    LevenbergMarquardt fit({a, b});
    for (const json& expected : data["steps"]) {
      const LeastSquaresStep step =
          fit.step([&] { return a * exp(b.leaf()[0] * times) + b.leaf()[1] - measured; });
      EXPECT_TRUE(step.moved);
      EXPECT_TRUE(agree(step.loss / static_cast<double>(copies), expected["loss"], 1e-10));
      EXPECT_TRUE(close(concatenate({reshape(a, {1}), b}), expected["x"].get<Numbers>(), 1e-9));
      EXPECT_NEAR(fit.damping() / expected["damping"].get<double>(), 1, 1e-6);
    }
  }
}

TEST(LevenbergMarquardt, fits_in_float32_too) {
  const Tensor t = linspace(0, 1, 20, DType::float32), y = 2 * exp(-1.5 * t);
  const Parameter a(tensor(1.0F), "a"), b(tensor(0.0F), "b");
  LevenbergMarquardt fit({a, b});
  for (int i = 0; i < 50; ++i)
    if (!fit.step([&] { return a * exp(b * t) - y; }).moved) break;
  EXPECT_NEAR(a.leaf().item(), 2, 1e-4);
  EXPECT_NEAR(b.leaf().item(), -1.5, 1e-4);
  EXPECT_EQ(a.dtype(), DType::float32);
}

TEST(LevenbergMarquardt, says_when_it_has_arrived) {
  const Parameter a(tensor({5.0}), "a"), without_influence(tensor({7.0}), "b");
  LevenbergMarquardt fit({a, without_influence, a});
  const auto residuals = [&] { return concatenate({2 * a - 4, 0.5 * a - 1, a * 0}); };
  int steps = 0;
  while (fit.step(residuals).moved) ASSERT_LT(++steps, 40);
  EXPECT_TRUE(close(a, Numbers{2}, 1e-12));
  EXPECT_EQ(values(without_influence), (Numbers{7}));
  const double damping = fit.damping();
  const LeastSquaresStep last = fit.step(residuals);
  EXPECT_FALSE(last.moved);
  EXPECT_EQ(last.loss, last.loss_before);
  EXPECT_EQ(fit.damping(), damping);
}

TEST(LevenbergMarquardt, continues_to_the_bit_from_a_saved_state) {
  const Tensor t = linspace(0, 2, 9, DType::float64), y = 1 / (1 + t);
  const Parameter a(tensor({3.0, -4.0}), "a");
  const auto residuals = [&](const Parameter& p) {
    return [&, p] { return p.leaf()[0] * exp(p.leaf()[1] * t) - y; };
  };
  LevenbergMarquardt fit({a});
  for (int i = 0; i < 3; ++i) fit.step(residuals(a));
  const Parameter copy = a.clone();
  LevenbergMarquardt restored({copy});
  restored.load_state(fit.state());
  for (int i = 0; i < 3; ++i) {
    fit.step(residuals(a));
    restored.step(residuals(copy));
    EXPECT_EQ(values(a), values(copy));
    EXPECT_EQ(fit.damping(), restored.damping());
  }
  EXPECT_TRUE(mentions(message_of<std::invalid_argument>([&] { restored.load_state({}); }),
                       {"LevenbergMarquardt::load_state", "'damping'"}));
}

TEST(LevenbergMarquardt, leaves_the_parameters_where_they_were_when_residuals_throw) {
  const Parameter a(tensor({5.0}), "a");
  LevenbergMarquardt fit({a});
  int calls = 0;
  EXPECT_THROW(fit.step([&]() -> Tensor {
    if (++calls == 2) throw std::runtime_error("no more");
    return a - 1;
  }),
               std::runtime_error);
  EXPECT_EQ(calls, 2);
  EXPECT_EQ(values(a), (Numbers{5}));
}

TEST(LevenbergMarquardt, says_what_it_cannot_work_with) {
  const Parameter a(tensor({-1.0}), "a"), single(tensor({1.0F}), "single");
  LevenbergMarquardt fit({a});
  const auto message = [&](const auto& residuals) {
    return message_of<GradError>([&] { fit.step(residuals); });
  };
  EXPECT_TRUE(mentions(message([&] { return log(a); }), {"LevenbergMarquardt::step", "nan", "finite"}));
  EXPECT_TRUE(
      mentions(message([&] { return tensor({1.0}); }), {"LevenbergMarquardt::step", "no parameter", "'a'"}));
  EXPECT_TRUE(mentions(message([&] { return sqrt(a + 1); }), {"derivatives", "finite"}));
  EXPECT_EQ(values(a), (Numbers{-1}));
  EXPECT_TRUE(mentions(message_of<std::invalid_argument>([] { LevenbergMarquardt({}); }), {"no parameters"}));
  EXPECT_TRUE(mentions(message_of<std::invalid_argument>([&] { LevenbergMarquardt({a}, {.damping = 0}); }),
                       {"LevenbergMarquardt: damping is 0", "> 0"}));
  EXPECT_TRUE(mentions(message_of<std::invalid_argument>([&] { LevenbergMarquardt({a}, {.attempts = 0}); }),
                       {"attempts is 0"}));
  EXPECT_TRUE(mentions(message_of<DTypeError>([&] {
                         LevenbergMarquardt({a, single});
                       }),
                       {"'single'", "float32"}));
}

}  // namespace
}  // namespace chainrule::test
