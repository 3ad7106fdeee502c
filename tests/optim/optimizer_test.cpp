// What every optimiser does, whatever its rule: groups, states, errors, and one that a user writes.
// support.h compares the numbers.

#include <cmath>
#include <limits>

#include "chainrule/autograd.h"
#include "chainrule/functions.h"
#include "chainrule/random.h"
#include "optim/optimizers.h"
#include "support.h"
#include "thread_counts.h"

namespace chainrule::test {
namespace {

class EachOptimizer : public ::testing::TestWithParam<OptimizerKind> {};

INSTANTIATE_TEST_SUITE_P(Kind, EachOptimizer, ::testing::ValuesIn(optimizer_kinds()),
                         [](const auto& kind) { return kind.param.name; });

/// A few steps, each with other gradients, the second parameter reached by every other one.
void train(Optimizer& optimizer, const std::vector<Parameter>& parameters, int first, int count) {
  for (int step = first; step < first + count; ++step) {
    Tensor loss = sum(sin(parameters[0] * static_cast<double>(step)));
    if (step % 2 == 0 && parameters.size() > 1) loss = std::move(loss) + sum(square(parameters[1] - 0.3));
    std::move(loss).backward();
    optimizer.step();
  }
}

std::vector<Parameter> two_parameters(DType dtype) {
  Generator generator(3);
  return {Parameter(randn({3, 7}, generator, dtype), "w"), Parameter(randn({5}, generator, dtype), "b")};
}

TEST_P(EachOptimizer, continues_to_the_bit_from_a_saved_state) {
  for (const DType dtype : {DType::float32, DType::float64}) {
    const std::vector<Parameter> parameters = two_parameters(dtype);
    const auto optimizer = GetParam().make(parameters);
    optimizer->set_learning_rate(0.05);
    train(*optimizer, parameters, 1, 5);
    const NamedTensors state = optimizer->state();
    const std::vector<Parameter> copies = {parameters[0].clone(), parameters[1].clone()};
    train(*optimizer, parameters, 6, 5);

    const auto restored = GetParam().make(copies);
    restored->load_state(state);
    EXPECT_EQ(restored->learning_rate(), 0.05);
    train(*restored, copies, 6, 5);
    for (std::size_t i = 0; i < 2; ++i) EXPECT_EQ(values(copies[i]), values(parameters[i]));
    const NamedTensors one = optimizer->state(), other = restored->state();
    ASSERT_EQ(one.size(), other.size());
    for (std::size_t i = 0; i < one.size(); ++i) {
      EXPECT_EQ(one[i].first, other[i].first);
      EXPECT_EQ(values(one[i].second), values(other[i].second)) << one[i].first;
    }
  }
}

TEST_P(EachOptimizer, leaves_a_state_that_was_taken_as_it_was) {
  const std::vector<Parameter> parameters = two_parameters(DType::float64);
  const auto optimizer = GetParam().make(parameters);
  train(*optimizer, parameters, 1, 2);
  const NamedTensors state = optimizer->state();
  std::vector<std::vector<double>> before;
  for (const auto& [name, tensor] : state) before.push_back(values(tensor));
  train(*optimizer, parameters, 3, 2);
  for (std::size_t i = 0; i < state.size(); ++i)
    EXPECT_EQ(values(state[i].second), before[i]) << state[i].first;
}

TEST_P(EachOptimizer, treats_a_parameter_without_a_gradient_as_one_with_zeros) {
  const std::vector<Parameter> without = two_parameters(DType::float64),
                               zeros = two_parameters(DType::float64);
  const auto first = GetParam().make(without), second = GetParam().make(zeros);
  for (const auto& [parameters, optimizer] :
       {std::pair(&without, first.get()), std::pair(&zeros, second.get())}) {
    sum(square((*parameters)[0]) + sum((*parameters)[1])).backward();
    optimizer->step();
    Tensor loss = sum((*parameters)[0]);
    if (parameters == &zeros) loss = loss + 0.0 * sum((*parameters)[1]);
    loss.backward();
    optimizer->step();
  }
  for (std::size_t i = 0; i < 2; ++i) EXPECT_EQ(values(without[i]), values(zeros[i]));
}

TEST_P(EachOptimizer, refuses_a_step_for_which_no_parameter_has_a_gradient) {
  const Parameter p(tensor({1.0, 2.0}), "weight");
  const auto optimizer = GetParam().make({p});
  EXPECT_TRUE(mentions(message_of<GradError>([&] { optimizer->step(); }),
                       {GetParam().name + "::step", "weight", "backward()", "allow_no_gradient"}));
  EXPECT_EQ(values(p), (std::vector<double>{1, 2}));
}

TEST_P(EachOptimizer, steps_empty_parameters_and_scalars) {
  const Parameter empty(zeros({0, 3}, DType::float64), "empty"),
      scalar(full({}, 2, DType::float64), "scalar");
  const auto optimizer = GetParam().make({empty, scalar});
  for (int step = 0; step < 3; ++step) {
    (sum(empty) + square(scalar)).backward();
    optimizer->step();
  }
  EXPECT_LT(scalar.leaf().item(), 2);
  EXPECT_EQ(empty.shape(), (Shape{0, 3}));
  EXPECT_EQ(empty.leaf().size(), 0);
}

TEST_P(EachOptimizer, gives_the_same_bits_with_any_number_of_threads) {
  for (const DType dtype : {DType::float32, DType::float64}) {
    std::vector<double> expected;
    with_each_thread_count([&](int count) {
      Generator generator(4);
      const Parameter p(randn({300007}, generator, dtype), "p");
      const auto optimizer = GetParam().make({p});
      for (int step = 1; step <= 2; ++step) {
        sum(sin(p * static_cast<double>(step))).backward();
        optimizer->step();
      }
      if (count == 1) expected = values(p);
      EXPECT_EQ(values(p), expected) << count << " threads";
    });
  }
}

TEST_P(EachOptimizer, steps_every_element_alike_wherever_it_stands) {
  for (const DType dtype : {DType::float32, DType::float64})
    for (const std::int64_t n : {1, 3, 4, 7, 16, 33}) {
      const Parameter p(full({n}, 0.7, dtype), "p");
      const auto optimizer = GetParam().make({p});
      for (int step = 0; step < 3; ++step) {
        sum(sin(p)).backward();
        optimizer->step();
      }
      const std::vector<double> all = values(p);
      for (const double element : all) EXPECT_NEAR(element, all[0], dtype == DType::float32 ? 1e-7 : 1e-15);
      EXPECT_LT(all[0], 0.7);
    }
}

TEST_P(EachOptimizer, leaves_handles_from_before_the_step_as_they_were) {
  const Tensor initial = tensor({1.0, 2.0, 3.0});
  const Parameter p(initial, "p");
  const auto optimizer = GetParam().make({p});
  const Tensor before = p;
  sum(square(p)).backward();
  optimizer->step();
  EXPECT_EQ(values(before), (std::vector<double>{1, 2, 3}));
  EXPECT_EQ(values(before.grad()), (std::vector<double>{2, 4, 6}));
  EXPECT_EQ(values(initial), (std::vector<double>{1, 2, 3}));
  EXPECT_NE(values(p), (std::vector<double>{1, 2, 3}));
  EXPECT_EQ(values(p.grad()), (std::vector<double>{0, 0, 0}));
}

TEST_P(EachOptimizer, updates_a_parameter_that_nobody_else_holds_in_place) {
  const Parameter p(full({1000}, 2, DType::float32), "p");
  const auto optimizer = GetParam().make({p});
  sum(p).backward();
  optimizer->step();
  const void* memory = p.leaf().data<float>().data();
  for (int step = 0; step < 3; ++step) {
    sum(square(p)).backward();
    optimizer->step();
    EXPECT_EQ(memory, p.leaf().data<float>().data());
  }
}

// ---- Groups
// -------------------------------------------------------------------------------------------------

TEST(OptimizerGroups, step_each_with_its_own_options) {
  const Parameter p(tensor({1.0}), "p"), q(tensor({1.0}), "q");
  Sgd optimizer({p}, {.learning_rate = 0.5});
  optimizer.add_group({q}, {.learning_rate = 0.25, .weight_decay = 1});
  EXPECT_EQ(optimizer.groups(), 2U);
  EXPECT_EQ(optimizer.learning_rate(1), 0.25);
  EXPECT_EQ(optimizer.parameters().size(), 2U);
  (sum(p) + sum(q)).backward();
  optimizer.step();
  EXPECT_EQ(values(p), (std::vector<double>{0.5}));
  EXPECT_EQ(values(q), (std::vector<double>{0.5}));
  optimizer.set_learning_rate(1, 1);
  EXPECT_EQ(optimizer.learning_rate(0), 0.5);
  EXPECT_EQ(optimizer.options(1).learning_rate, 1);
  EXPECT_EQ(optimizer.options(1).weight_decay, 1);
  optimizer.set_learning_rate(0.125);
  EXPECT_EQ(optimizer.learning_rate(0), 0.125);
  EXPECT_EQ(optimizer.learning_rate(1), 0.125);
  optimizer.set_options({.learning_rate = 2, .momentum = 0.5}, 1);
  EXPECT_EQ(*optimizer.momentum(1), 0.5);
}

TEST(OptimizerGroups, refuse_what_does_not_fit) {
  const Parameter p(tensor({1.0}), "p"), q(tensor({1.0}), "q");
  Sgd optimizer({p}, {.learning_rate = 0.5});
  const auto message = [&](const auto& call) { return message_of<std::invalid_argument>(call); };
  EXPECT_TRUE(mentions(message([&] { optimizer.add_group({q, p}); }), {"Sgd::add_group", "'p'", "earlier"}));
  EXPECT_TRUE(mentions(message([&] { optimizer.add_group({}); }), {"Sgd", "no parameters"}));
  EXPECT_TRUE(mentions(message([&] { optimizer.add_group({q}, {.momentum = 2}); }), {"momentum", "2"}));
  EXPECT_TRUE(mentions(message([&] { optimizer.set_options({.learning_rate = -1}); }), {"learning_rate"}));
  EXPECT_TRUE(mentions(message([&] { optimizer.set_momentum(1, 0); }), {"momentum", "1"}));
  EXPECT_EQ(optimizer.groups(), 1U);
  EXPECT_EQ(optimizer.learning_rate(), 0.5);
  EXPECT_TRUE(mentions(message_of<std::out_of_range>([&] { optimizer.set_learning_rate(1, 1); }),
                       {"group 1", "there are 1"}));
  EXPECT_THROW((void)optimizer.options(1), std::out_of_range);
  Adagrad without({q});
  EXPECT_FALSE(without.momentum().has_value());
  EXPECT_TRUE(mentions(message([&] { without.set_momentum(0.5, 0); }), {"Adagrad", "no momentum"}));
}

TEST(OptimizerGroups, allow_steps_without_gradients_if_one_of_them_does) {
  const Parameter p(tensor({1.0}), "p"), q(tensor({4.0}), "q");
  Sgd optimizer({p});
  optimizer.add_group({q}, {.learning_rate = 0.5, .weight_decay = 0.5, .allow_no_gradient = true});
  optimizer.step();
  EXPECT_EQ(values(p), (std::vector<double>{1}));
  EXPECT_EQ(values(q), (std::vector<double>{3}));
}

// ---- Saved states
// -------------------------------------------------------------------------------------------

std::vector<std::string> names_of(const NamedTensors& state) {
  std::vector<std::string> names;
  for (const auto& [name, tensor] : state) names.push_back(name);
  return names;
}

TEST(OptimizerState, has_a_name_for_everything) {
  const Parameter w(tensor({1.0}), "w"), again(tensor({2.0}), "w");
  Sgd optimizer({w, again}, {.momentum = 0.5});
  (sum(w) + sum(again)).backward();
  optimizer.step();
  EXPECT_EQ(names_of(optimizer.state()),
            (std::vector<std::string>{"w.steps", "w.velocity", "w#2.steps", "w#2.velocity",
                                      "group0.learning_rate", "group0.momentum"}));
}

TEST(OptimizerState, that_does_not_fit_changes_nothing) {
  const std::vector<Parameter> parameters = two_parameters(DType::float64);
  Adam optimizer(parameters);
  train(optimizer, parameters, 1, 3);
  const NamedTensors good = optimizer.state();
  const auto changed = [&](const std::string& name, const Tensor& tensor) {
    NamedTensors state = good;
    for (auto& entry : state)
      if (entry.first == name) entry.second = tensor;
    return state;
  };
  NamedTensors missing = good, unknown = good, twice = good;
  missing.erase(missing.begin());
  unknown.emplace_back("other.steps", tensor(1));
  twice.push_back(good[1]);
  const auto message = [&]<class Error = std::invalid_argument>(const NamedTensors& state) {
    return message_of<Error>([&] { optimizer.load_state(state); });
  };
  EXPECT_TRUE(mentions(message(missing), {"Adam::load_state", "no 'w.steps'"}));
  EXPECT_TRUE(mentions(message(unknown), {"nothing here", "'other.steps'"}));
  EXPECT_TRUE(mentions(message(twice), {"twice"}));
  EXPECT_TRUE(mentions(message(changed("w.steps", tensor(-1))), {"'w.steps' is -1"}));
  EXPECT_TRUE(mentions(message(changed("group0.learning_rate", full({}, -1.0, DType::float64))),
                       {"learning_rate", "-1"}));
  EXPECT_TRUE(mentions(message(changed("w.first_moment", Tensor())), {"'w.first_moment'", "nothing"}));
  EXPECT_TRUE(mentions(message.operator()<ShapeError>(changed("w.first_moment", zeros({4}, DType::float64))),
                       {"'w.first_moment'", "(4,)", "(3, 7)"}));
  EXPECT_TRUE(mentions(message.operator()<DTypeError>(changed("b.second_moment", zeros({5}, DType::float32))),
                       {"'b.second_moment'", "float32", "float64"}));
  const NamedTensors after = optimizer.state();
  for (std::size_t i = 0; i < good.size(); ++i) EXPECT_EQ(values(after[i].second), values(good[i].second));
}

// ---- Options
// ------------------------------------------------------------------------------------------------

TEST(OptimizerOptions, name_what_makes_no_sense) {
  const Parameter p(tensor({1.0}), "p");
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const auto refuses = [&](const auto& make, const std::vector<std::string>& words) {
    EXPECT_TRUE(mentions(message_of<std::invalid_argument>(make), words));
  };
  refuses([&] { Sgd({p}, {.momentum = 0.5, .dampening = 2}); }, {"Sgd: dampening is 2", "<= 1"});
  refuses([&] { Sgd({p}, {.nesterov = true}); }, {"nesterov", "momentum 0", "momentum > 0"});
  refuses([&] { Sgd({p}, {.momentum = 0.5, .dampening = 0.5, .nesterov = true}); }, {"dampening 0.5"});
  refuses([&] { Adam({p}, {.learning_rate = nan}); }, {"Adam: learning_rate is nan", "finite"});
  refuses([&] { Adam({p}, {.beta1 = 1}); }, {"Adam: beta1 is 1", "0 <= beta1 < 1"});
  refuses([&] { AdamW({p}, {.beta2 = -0.5}); }, {"AdamW: beta2 is -0.5"});
  refuses([&] { Adam({p}, {.epsilon = -1}); }, {"Adam: epsilon is -1", ">= 0"});
  refuses([&] { AdamW({p}, {.weight_decay = -1}); }, {"AdamW: weight_decay is -1"});
  refuses([&] { NAdam({p}, {.momentum_decay = -1}); }, {"NAdam: momentum_decay is -1"});
  refuses([&] { RmsProp({p}, {.alpha = 1}); }, {"RmsProp: alpha is 1"});
  refuses([&] { RmsProp({p}, {.momentum = 1}); }, {"RmsProp: momentum is 1"});
  refuses([&] { Adagrad({p}, {.initial_sum = -1}); }, {"Adagrad: initial_sum is -1"});
  refuses([&] { Adagrad({p}, {.learning_rate_decay = -1}); }, {"Adagrad: learning_rate_decay is -1"});
  refuses([&] { Adadelta({p}, {.rho = 1}); }, {"Adadelta: rho is 1"});
  refuses([&] { Lion({p}, {.beta2 = 1}); }, {"Lion: beta2 is 1"});
  refuses([&] { Lion({}); }, {"Lion: no parameters"});
}

TEST(Lion, steps_by_one_size_and_not_at_all_without_a_gradient) {
  for (const DType dtype : {DType::float32, DType::float64}) {
    const Parameter p(cast(tensor({1.0, 1.0, 1.0}), dtype), "p");
    Lion optimizer({p}, {.learning_rate = 0.25});
    sum(p * cast(tensor({5.0, -0.001, 0.0}), dtype)).backward();
    optimizer.step();
    EXPECT_EQ(values(p), (std::vector<double>{0.75, 1.25, 1}));
  }
}

TEST(RmsProp, divides_by_epsilon_where_a_centered_gradient_never_changes) {
  // Its variance is 0 up to rounding, which may leave it negative: no NaN.
  for (const DType dtype : {DType::float32, DType::float64}) {
    const Parameter p(full({50}, 0, dtype), "p");
    RmsProp optimizer({p}, {.learning_rate = 1e-4, .alpha = 0.5, .epsilon = 1, .centered = true});
    for (int step = 0; step < 200; ++step) {
      sum(p * 0.1).backward();
      optimizer.step();
    }
    EXPECT_TRUE(all(isfinite(p)));
    EXPECT_NEAR(values(p)[0], -200 * 1e-5, 2e-5);
  }
}

// ---- An optimiser of a user
// ---------------------------------------------------------------------------------

struct SignOptions {
  double learning_rate = 0.01, momentum = 0.9;
};

class SignDescent final : public OptimizerWith<SignOptions> {
 public:
  explicit SignDescent(const std::vector<Parameter>& parameters, const SignOptions& options = {})
      : OptimizerWith("SignDescent", {"mean"}) {
    add_group(parameters, options);
  }

 private:
  void update(Learned& it, const Tensor& gradient) override {
    const auto& [rate, momentum] = options(it.group());
    it.state(0) = momentum * it.state(0) + (1 - momentum) * gradient;
    it.parameter().assign(it.parameter() - rate * sign(it.state(0)));
  }
};

TEST(OwnOptimizer, needs_a_few_lines_and_has_groups_schedules_and_a_state) {
  const Parameter p(tensor({1.0F, 2.0F}), "p"), q(tensor({1.0}), "q");
  SignDescent optimizer({p}, {.learning_rate = 0.5, .momentum = 0.25});
  optimizer.add_group({q}, {.learning_rate = 0.125});
  Scheduler scheduler(optimizer, Schedule::exponential(0.5));
  (sum(square(p)) - sum(q)).backward();
  optimizer.step();
  EXPECT_EQ(values(p), (std::vector<double>{0.5, 1.5}));
  EXPECT_EQ(values(q), (std::vector<double>{1.125}));
  EXPECT_FALSE(p.grad().requires_grad());
  EXPECT_TRUE(p.leaf().is_leaf());
  scheduler.step();
  const NamedTensors state = optimizer.state();
  EXPECT_EQ(names_of(state),
            (std::vector<std::string>{"p.steps", "p.mean", "q.steps", "q.mean", "group0.learning_rate",
                                      "group0.momentum", "group1.learning_rate", "group1.momentum"}));
  sum(p).backward();
  optimizer.step();
  EXPECT_EQ(values(p), (std::vector<double>{0.25, 1.25}));
  EXPECT_EQ(values(q), (std::vector<double>{1.1875}));
  SignDescent restored({p});
  restored.add_group({q});
  restored.load_state(state);
  EXPECT_EQ(restored.learning_rate(1), 0.0625);
  EXPECT_EQ(*restored.momentum(0), 0.25);
  EXPECT_TRUE(mentions(message_of<GradError>([&] { restored.step(); }), {"SignDescent::step"}));
}

}  // namespace
}  // namespace chainrule::test
