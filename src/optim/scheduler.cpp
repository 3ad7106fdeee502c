// What sets an optimiser's learning rates: by a schedule, or by a metric.
// It keeps each group's first rate.

#include <cmath>
#include <limits>
#include <stdexcept>

#include "chainrule/optim/schedule.h"
#include "optim/named_state.h"
#include "optim/options.h"

namespace chainrule {
namespace {

std::string initial_name(std::size_t group) { return "group" + std::to_string(group) + ".initial_rate"; }

}  // namespace

Scheduler::Scheduler(Optimizer& optimizer, Schedule schedule)
    : optimizer_(optimizer), schedule_(std::move(schedule)) {
  for (std::size_t group = 0; group < optimizer_.groups(); ++group) {
    initial_.push_back(optimizer_.learning_rate(group));
    if (schedule_.has_momentum() && !optimizer_.momentum(group))
      throw std::invalid_argument(
          "Scheduler: the schedule moves the momentum, but the optimiser has none; set cycle_momentum = "
          "false");
  }
  set();
}

void Scheduler::set() const {
  for (std::size_t group = 0; group < initial_.size(); ++group) {
    optimizer_.set_learning_rate(schedule_.rate(steps_, initial_[group]), group);
    if (schedule_.has_momentum()) optimizer_.set_momentum(schedule_.momentum(steps_), group);
  }
}

void Scheduler::step() {
  // A group that has been added meanwhile begins with the rate it has.
  while (initial_.size() < optimizer_.groups()) initial_.push_back(optimizer_.learning_rate(initial_.size()));
  ++steps_;
  set();
}

NamedTensors Scheduler::state() const {
  NamedTensors state = {{"steps", tensor(steps_)}};
  for (std::size_t group = 0; group < initial_.size(); ++group)
    state.emplace_back(initial_name(group), full({}, initial_[group], DType::float64));
  return state;
}

void Scheduler::load_state(const NamedTensors& state) {
  optim::NamedState from("Scheduler", state);
  const std::int64_t steps = from.count("steps");
  std::vector<double> initial;
  for (std::size_t group = 0; group < optimizer_.groups(); ++group)
    initial.push_back(from.number(initial_name(group)));
  from.require_all_used();
  steps_ = steps;
  initial_ = std::move(initial);
  set();
}

void PlateauOptions::check() const {
  optim::require_share("ReduceOnPlateau", "factor", factor);
  optim::require_count("ReduceOnPlateau", "patience", patience, 0);
  optim::require_not_negative("ReduceOnPlateau", "threshold", threshold);
  optim::require_count("ReduceOnPlateau", "cooldown", cooldown, 0);
  optim::require_not_negative("ReduceOnPlateau", "lowest", lowest);
  optim::require_not_negative("ReduceOnPlateau", "smallest_change", smallest_change);
}

ReduceOnPlateau::ReduceOnPlateau(Optimizer& optimizer, const PlateauOptions& options)
    : optimizer_(optimizer),
      options_(options),
      best_(options.maximize ? -std::numeric_limits<double>::infinity()
                             : std::numeric_limits<double>::infinity()) {
  options.check();
}

bool ReduceOnPlateau::is_better(double metric) const {
  const double by = options_.threshold;
  if (options_.maximize) return metric > (options_.relative ? best_ * (1 + by) : best_ + by);
  return metric < (options_.relative ? best_ * (1 - by) : best_ - by);
}

void ReduceOnPlateau::step(double metric) {
  if (is_better(metric)) {
    best_ = metric;
    bad_steps_ = 0;
  } else {
    ++bad_steps_;
  }
  if (cooldown_ > 0) {
    --cooldown_;
    bad_steps_ = 0;
  }
  if (bad_steps_ <= options_.patience) return;
  cooldown_ = options_.cooldown;
  bad_steps_ = 0;
  for (std::size_t group = 0; group < optimizer_.groups(); ++group) {
    const double before = optimizer_.learning_rate(group);
    const double rate = std::max(before * options_.factor, options_.lowest);
    if (before - rate > options_.smallest_change) optimizer_.set_learning_rate(rate, group);
  }
}

NamedTensors ReduceOnPlateau::state() const {
  return {{"best", full({}, best_, DType::float64)},
          {"bad_steps", tensor(bad_steps_)},
          {"cooldown", tensor(cooldown_)}};
}

void ReduceOnPlateau::load_state(const NamedTensors& state) {
  optim::NamedState from("ReduceOnPlateau", state);
  const double best = from.number("best");
  const std::int64_t bad_steps = from.count("bad_steps"), cooldown = from.count("cooldown");
  from.require_all_used();
  best_ = best;
  bad_steps_ = bad_steps;
  cooldown_ = cooldown;
}

}  // namespace chainrule
