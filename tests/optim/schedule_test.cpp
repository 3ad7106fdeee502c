// Schedules of learning rates, step by step as PyTorch's, and their states.
// support.h compares the numbers.

#include <cmath>
#include <limits>
#include <map>

#include "chainrule/optim/adaptive.h"
#include "chainrule/optim/schedule.h"
#include "chainrule/optim/sgd.h"
#include "optim/reference_data.h"
#include "support.h"

namespace chainrule::test {
namespace {

void read(const json& from, PlateauOptions& o) {
  Reader{from}("maximize", o.maximize)("factor", o.factor)("patience", o.patience)("threshold", o.threshold)(
      "relative", o.relative)("cooldown", o.cooldown)("lowest", o.lowest);
}

const std::map<std::string, Schedule>& schedules() {
  static const std::map<std::string, Schedule> schedules = {
      {"step", Schedule::step(7, 0.5)},
      {"multi_step", Schedule::multi_step({21, 5, 20}, 0.3)},
      {"constant", Schedule::constant(0.25, 6)},
      {"linear", Schedule::linear(0.1, 0.9, 12)},
      {"linear_default", Schedule::linear()},
      {"exponential", Schedule::exponential(0.93)},
      {"polynomial", Schedule::polynomial(30, 1.7)},
      {"cosine", Schedule::cosine(20, 0.003)},
      {"cosine_with_restarts", Schedule::cosine_with_restarts(5, 2, 0.001)},
      {"cosine_with_equal_restarts", Schedule::cosine_with_restarts(8)},
      {"function", Schedule([](std::int64_t t, double rate) { return rate / (1 + static_cast<double>(t)); })},
      {"one_cycle", Schedule::one_cycle({.highest_rate = 0.4, .steps = 46})},
      {"one_cycle_in_lines", Schedule::one_cycle({.highest_rate = 0.4,
                                                  .steps = 46,
                                                  .rising = 0.25,
                                                  .linear = true,
                                                  .three_phases = true,
                                                  .start_divisor = 10,
                                                  .end_divisor = 100,
                                                  .lowest_momentum = 0.7,
                                                  .highest_momentum = 0.9})},
      {"sequential",
       Schedule::sequential({Schedule::linear(0.1, 1, 5), Schedule::cosine(20), Schedule::exponential(0.9)},
                            {5, 25})},
      {"chained",
       Schedule::chained({Schedule::constant(0.1, 4), Schedule::exponential(0.9), Schedule::step(10, 0.5)})}};
  return schedules;
}

TEST(Scheduler, sets_the_learning_rates_of_pytorch) {
  const json data = reference("schedules")["schedules"];
  ASSERT_EQ(data.size(), schedules().size());
  for (const auto& [name, schedule] : schedules()) {
    SCOPED_TRACE(name);
    const Parameter x(tensor({0.0}), "x"), y(tensor({0.0}), "y");
    Sgd optimizer({x}, {.learning_rate = 0.1, .momentum = 0.9});
    optimizer.add_group({y}, {.learning_rate = 0.02, .momentum = 0.9});
    Scheduler scheduler(optimizer, schedule);
    const json &rates = data[name]["rates"], &momenta = data[name]["momenta"];
    for (std::size_t t = 0; t < rates.size(); ++t) {
      EXPECT_NEAR(optimizer.learning_rate(0), rates[t][0].get<double>(), 1e-15) << "step " << t;
      EXPECT_NEAR(optimizer.learning_rate(1), rates[t][1].get<double>(), 1e-15) << "step " << t;
      EXPECT_NEAR(*optimizer.momentum(0), momenta[t].get<double>(), 1e-14) << "step " << t;
      if (t + 1 < rates.size()) scheduler.step();
    }
  }
}

TEST(ReduceOnPlateau, lowers_the_rate_when_pytorch_does) {
  const json data = reference("schedules");
  for (const json& one : data["plateaus"]) {
    SCOPED_TRACE(one["options"].dump());
    const Parameter x(tensor({0.0}), "x");
    Sgd optimizer({x}, {.learning_rate = 0.1});
    PlateauOptions options;
    read(one["options"], options);
    ReduceOnPlateau plateau(optimizer, options);
    for (std::size_t i = 0; i < data["metrics"].size(); ++i) {
      plateau.step(data["metrics"][i]);
      EXPECT_NEAR(optimizer.learning_rate(), one["rates"][i].get<double>(), 1e-15) << "step " << i;
    }
    EXPECT_LT(optimizer.learning_rate(), 0.1);
  }
}

// By PyTorch.
TEST(ReduceOnPlateau, asks_for_more_than_the_threshold_and_waits_and_leaves_out_small_changes) {
  const auto rates = [](const std::vector<double>& metrics, const PlateauOptions& options) {
    const Parameter x(tensor({0.0}), "x");
    Sgd optimizer({x}, {.learning_rate = 0.1});
    ReduceOnPlateau plateau(optimizer, options);
    std::vector<double> all;
    for (const double metric : metrics) {
      plateau.step(metric);
      all.push_back(optimizer.learning_rate());
    }
    return all;
  };
  using Rates = std::vector<double>;
  EXPECT_EQ(rates({1, 1.05, 1.2, 1.25, 1.3, 1.35},
                  {.maximize = true, .factor = 0.5, .patience = 0, .threshold = 0.1}),
            (Rates{0.1, 0.05, 0.05, 0.025, 0.0125, 0.0125}));
  EXPECT_EQ(rates(Rates(9, 1), {.factor = 0.5, .patience = 0, .cooldown = 2}),
            (Rates{0.1, 0.05, 0.05, 0.05, 0.025, 0.025, 0.025, 0.0125, 0.0125}));
  EXPECT_EQ(rates(Rates(5, 1), {.factor = 0.5, .patience = 0, .smallest_change = 0.04}),
            (Rates{0.1, 0.05, 0.05, 0.05, 0.05}));
}

TEST(Scheduler, continues_from_a_saved_state) {
  const Parameter x(tensor({0.0}), "x"), y(tensor({0.0}), "y");
  Sgd optimizer({x}, {.learning_rate = 0.1}), restored({y}, {.learning_rate = 0.1});
  Scheduler scheduler(optimizer, Schedule::cosine(20));
  for (int i = 0; i < 7; ++i) scheduler.step();
  Scheduler other(restored, Schedule::cosine(20));
  other.load_state(scheduler.state());
  EXPECT_EQ(restored.learning_rate(), optimizer.learning_rate());
  EXPECT_EQ(other.steps(), 7);
  scheduler.step();
  other.step();
  EXPECT_EQ(restored.learning_rate(), optimizer.learning_rate());
  EXPECT_TRUE(mentions(message_of<std::invalid_argument>([&] { other.load_state({}); }),
                       {"Scheduler::load_state", "'steps'"}));
}

TEST(Scheduler, takes_a_group_that_was_added_later) {
  const Parameter x(tensor({0.0}), "x"), y(tensor({0.0}), "y");
  Sgd optimizer({x}, {.learning_rate = 1});
  Scheduler scheduler(optimizer, Schedule::exponential(0.5));
  scheduler.step();
  optimizer.add_group({y}, {.learning_rate = 8});
  scheduler.step();
  EXPECT_EQ(optimizer.learning_rate(0), 0.25);
  EXPECT_EQ(optimizer.learning_rate(1), 2);
}

TEST(Scheduler, moves_a_momentum_only_where_there_is_one) {
  const Parameter x(tensor({0.0}), "x");
  Adagrad optimizer({x});
  const Schedule cycle = Schedule::one_cycle({.highest_rate = 0.4, .steps = 10});
  EXPECT_TRUE(mentions(message_of<std::invalid_argument>([&] { Scheduler(optimizer, cycle); }),
                       {"Scheduler", "momentum", "cycle_momentum = false"}));
  EXPECT_EQ(optimizer.learning_rate(), 0.01);
}

TEST(Schedule, of_one_cycle_ends) {
  const Schedule cycle = Schedule::one_cycle({.highest_rate = 0.4, .steps = 10});
  EXPECT_EQ(cycle.rate(10, 0), cycle.rate(9, 0));
  EXPECT_TRUE(mentions(message_of<std::out_of_range>([&] { (void)cycle.rate(11, 0); }),
                       {"one_cycle", "step 11", "cycle of 10"}));
  for (const double rising : {0.0, 0.1, 1.0})
    for (std::int64_t t = 0; t < 10; ++t) {
      const Schedule one = Schedule::one_cycle({.highest_rate = 0.4, .steps = 10, .rising = rising});
      EXPECT_TRUE(one.rate(t, 0) >= 0 && one.rate(t, 0) <= 0.4) << rising << ", step " << t;
    }
}

TEST(Schedule, can_be_a_million_steps_long) {
  EXPECT_NEAR(Schedule::cosine(1000000).rate(500000, 1), 0.5, 1e-12);
  EXPECT_EQ(Schedule::polynomial(1000000).rate(2000000, 1), 0);
  const Schedule restarts = Schedule::cosine_with_restarts(1, 2);
  EXPECT_EQ(restarts.rate((std::int64_t{1} << 40) - 1, 1), 1);
  EXPECT_TRUE(std::isfinite(restarts.rate(std::numeric_limits<std::int64_t>::max(), 1)));
}

TEST(Schedule, refuses_numbers_that_make_no_sense) {
  const auto message = [](const auto& make) { return message_of<std::invalid_argument>(make); };
  EXPECT_TRUE(mentions(message([] { Schedule::step(0); }), {"step's size is 0", "at least 1"}));
  EXPECT_TRUE(mentions(message([] { Schedule::exponential(-1); }), {"gamma is -1", ">= 0"}));
  EXPECT_TRUE(mentions(message([] { Schedule::linear(2); }), {"linear's start is 2", "<= 1"}));
  EXPECT_TRUE(mentions(message([] { Schedule::constant(0.5, -1); }), {"constant's steps is -1"}));
  EXPECT_TRUE(mentions(message([] { Schedule::cosine(0); }), {"cosine's steps is 0"}));
  EXPECT_TRUE(mentions(message([] { Schedule::cosine_with_restarts(5, 0); }), {"multiplier is 0"}));
  EXPECT_TRUE(mentions(message([] { Schedule::polynomial(0); }), {"polynomial's steps is 0"}));
  EXPECT_TRUE(mentions(message([] { Schedule::one_cycle({.steps = 5}); }), {"highest_rate is 0", "> 0"}));
  EXPECT_TRUE(mentions(message([] { Schedule::one_cycle({.highest_rate = 1}); }), {"steps is 0"}));
  EXPECT_TRUE(mentions(message([] { Schedule::chained({}); }), {"chained", "no schedules"}));
  const Schedule one = Schedule::exponential(0.5);
  EXPECT_TRUE(mentions(message([&] {
                         Schedule::sequential({one, one}, {});
                       }),
                       {"sequential", "2 schedules and 0 milestones"}));
  EXPECT_TRUE(mentions(message([&] {
                         Schedule::sequential({one, one, one}, {5, 5});
                       }),
                       {"milestone 1 is 5", "ascending"}));
  const Schedule cycle = Schedule::one_cycle({.highest_rate = 0.4, .steps = 10});
  EXPECT_TRUE(mentions(message([&] { Schedule::sequential({one, cycle}, {5}); }), {"momentum"}));
  EXPECT_TRUE(mentions(message([&] { Schedule::chained({cycle, cycle}); }), {"momentum"}));
  EXPECT_TRUE(Schedule::chained({one, cycle}).has_momentum());
}

TEST(ReduceOnPlateau, continues_from_a_saved_state_and_refuses_what_makes_no_sense) {
  const Parameter x(tensor({0.0}), "x");
  Sgd optimizer({x}, {.learning_rate = 1});
  ReduceOnPlateau plateau(optimizer, {.factor = 0.5, .patience = 1}),
      other(optimizer, {.factor = 0.5, .patience = 1});
  plateau.step(1);
  plateau.step(std::numeric_limits<double>::quiet_NaN());
  EXPECT_EQ(plateau.best(), 1);
  other.load_state(plateau.state());
  other.step(1);
  EXPECT_EQ(optimizer.learning_rate(), 0.5);
  EXPECT_TRUE(mentions(message_of<std::invalid_argument>([&] { ReduceOnPlateau(optimizer, {.factor = 1}); }),
                       {"ReduceOnPlateau: factor is 1", "< 1"}));
  EXPECT_TRUE(
      mentions(message_of<std::invalid_argument>([&] { ReduceOnPlateau(optimizer, {.patience = -1}); }),
               {"patience is -1"}));
}

}  // namespace
}  // namespace chainrule::test
