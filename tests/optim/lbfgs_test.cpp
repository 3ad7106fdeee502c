// L-BFGS, step by step as PyTorch's, and what can go wrong: flat losses, NaN, and states from elsewhere.
// support.h compares the numbers.

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>

#include "chainrule/optim/lbfgs.h"
#include "optim/reference_data.h"
#include "support.h"

namespace chainrule::test {
namespace {

void read(const json& from, LbfgsOptions& o) {
  Reader{from}("learning_rate", o.learning_rate)("iterations", o.iterations)("history", o.history)(
      "line_search", o.line_search);
}
TEST(Lbfgs, follows_pytorch_through_a_chain_of_valleys) {
  for (const json& one : reference("lbfgs")) {
    SCOPED_TRACE(one["options"].dump());
    const Parameter left(tensor({-1.2, 1.0}), "left"), right(tensor({-0.5, 0.75}), "right");
    LbfgsOptions options;
    read(one["options"], options);
    Lbfgs optimizer({left, right}, options);
    const auto loss = [&] {
      const Tensor x = concatenate({left, right});
      const Tensor before = x[{Slice{0, 3}}], after = x[{Slice{1, 4}}];
      return sum(10 * square(after - square(before)) + square(1 - before));
    };
    for (const json& expected : one["steps"]) {
      EXPECT_TRUE(agree(optimizer.step(loss), expected["loss"], 1e-10));
      EXPECT_TRUE(close(concatenate({left, right}), expected["x"].get<Numbers>(), 1e-10));
    }
  }
}

double rosenbrock_start(const Parameter& x, const LbfgsOptions& options, int steps) {
  Lbfgs optimizer({x}, options);
  double loss = 0;
  for (int i = 0; i < steps; ++i)
    loss = optimizer.step([&] {
      const Tensor a = x.leaf()[0], b = x.leaf()[1];
      return 100 * square(b - square(a)) + square(1 - a);
    });
  return loss;
}

TEST(Lbfgs, finds_the_minimum_of_a_curved_valley_in_both_dtypes) {
  const Parameter x(tensor({-1.2, 1.0}), "x"), y(tensor({-1.2F, 1.0F}), "y");
  rosenbrock_start(x, {}, 5);
  EXPECT_TRUE(close(x, {1, 1}, 1e-4));
  EXPECT_LT(rosenbrock_start(y, {}, 6), 1e-5);
  EXPECT_EQ(y.dtype(), DType::float32);
  EXPECT_EQ(values(x.grad()), (Numbers{0, 0}));
}

TEST(Lbfgs, continues_to_the_bit_from_a_saved_state) {
  const Parameter x(tensor({-1.2, 1.0, 0.3}), "x");
  const auto loss_of = [](const Parameter& p) {
    return [&p] { return sum(square(square(p) - tensor({1.0, 2.0, 3.0}))) + sum(p); };
  };
  const LbfgsOptions options{.iterations = 3, .history = 4};
  Lbfgs optimizer({x}, options);
  EXPECT_EQ(optimizer.state().size(), 4U);
  for (int i = 0; i < 2; ++i) optimizer.step(loss_of(x));
  const NamedTensors state = optimizer.state();
  const Parameter copy = x.clone();
  Lbfgs restored({copy}, options);
  restored.load_state(state);
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(optimizer.step(loss_of(x)), restored.step(loss_of(copy)));
    EXPECT_EQ(values(x), values(copy));
  }
  NamedTensors missing = state;
  missing.pop_back();
  EXPECT_TRUE(mentions(message_of<std::invalid_argument>([&] { restored.load_state(missing); }),
                       {"Lbfgs::load_state", "history"}));
  Lbfgs other({x, Parameter(tensor({1.0}), "more")}, options);
  EXPECT_THROW(other.load_state(state), ShapeError);
}

TEST(Lbfgs, goes_less_far_where_the_loss_is_not_finite) {
  const Parameter x(tensor(3.0), "x");
  Lbfgs optimizer({x}, {.learning_rate = 100});
  for (int i = 0; i < 5; ++i) optimizer.step([&] { return x - log(x); });  // NaN below 0
  EXPECT_NEAR(x.leaf().item(), 1, 1e-6);
}

TEST(Lbfgs, leaves_the_parameters_at_the_last_good_place_when_the_loss_throws) {
  for (const int last : {1, 2, 3, 5}) {
    const Parameter x(tensor({3.0, 4.0}), "x");
    Lbfgs optimizer({x});
    int calls = 0;
    double least = std::numeric_limits<double>::infinity();
    const auto loss = [&] { return sum(exp(0.1 * square(x))); };
    EXPECT_THROW(optimizer.step([&] {
      if (++calls == last) throw std::runtime_error("no more");
      const Tensor now = loss();
      least = std::min(least, now.item());
      return now;
    }),
                 std::runtime_error);
    EXPECT_EQ(calls, last);
    if (last <= 2) {
      EXPECT_EQ(values(x), (Numbers{3, 4}));
    }
    if (last > 1) {
      EXPECT_EQ(loss().item(), least);
    }
    for (int i = 0; i < 3; ++i) optimizer.step(loss);
    EXPECT_TRUE(close(x, {0, 0}, 1e-4));
  }
}

TEST(Lbfgs, stays_at_a_minimum_and_takes_empty_parameters) {
  const Parameter x(tensor({0.0}), "x"), empty(zeros({0}, DType::float64), "empty");
  EXPECT_EQ(Lbfgs({x, empty}).step([&] { return sum(square(x)) + sum(empty); }), 0);
  EXPECT_EQ(values(x), (Numbers{0}));
  EXPECT_EQ(Lbfgs({empty}).step([&] { return sum(empty); }), 0);
}

TEST(Lbfgs, says_what_it_cannot_work_with) {
  const Parameter x(tensor({1.0, 2.0}), "x"), single(tensor({1.0F}), "single");
  Lbfgs optimizer({x});
  const auto message = [&](const auto& loss) { return message_of<GradError>([&] { optimizer.step(loss); }); };
  EXPECT_TRUE(mentions(message([&] { return square(x); }), {"Lbfgs::step", "(2,)", "reduce"}));
  EXPECT_TRUE(mentions(message([&] { return sum(log(x - 5)); }), {"Lbfgs::step", "nan", "finite"}));
  const Tensor other = variable({1.0});
  EXPECT_TRUE(mentions(message([&] { return sum(other); }), {"Lbfgs::step", "no parameter", "'x'"}));
  Optimizer& any = optimizer;
  sum(x).backward();
  EXPECT_TRUE(mentions(message_of<GradError>([&] { any.step(); }), {"Lbfgs::step", "step(loss)"}));
  EXPECT_EQ(values(x), (Numbers{1, 2}));
  EXPECT_TRUE(mentions(message_of<DTypeError>([&] {
                         Lbfgs({x, single});
                       }),
                       {"Lbfgs", "'x'", "'single'", "float32"}));
  const auto refuses = [&](const LbfgsOptions& options) {
    return message_of<std::invalid_argument>([&] { Lbfgs({x}, options); });
  };
  EXPECT_TRUE(mentions(refuses({.learning_rate = 0}), {"Lbfgs: learning_rate is 0", "> 0"}));
  EXPECT_TRUE(mentions(refuses({.iterations = 0}), {"Lbfgs: iterations is 0", "at least 1"}));
  EXPECT_TRUE(mentions(refuses({.history = 0}), {"Lbfgs: history is 0"}));
  EXPECT_TRUE(mentions(refuses({.change_tolerance = -1}), {"Lbfgs: change_tolerance is -1"}));
  Lbfgs diverging({x}, {.learning_rate = 1e200, .line_search = false});
  EXPECT_TRUE(mentions(message_of<GradError>([&] {
                         for (int i = 0; i < 3; ++i) diverging.step([&] { return sum(exp(square(x))); });
                       }),
                       {"Lbfgs::step", "learning_rate", "line_search"}));
}

}  // namespace
}  // namespace chainrule::test
