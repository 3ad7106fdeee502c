// The courses of learning rates, each as a function of the number of steps, with PyTorch's names and
// formulas.

#include "chainrule/optim/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <stdexcept>

#include "optim/options.h"

namespace chainrule {
namespace {

constexpr auto owner = "Schedule";

/// From start to end as part goes from 0 to 1.
double along_cosine(double start, double end, double part) {
  return end + (start - end) / 2 * (1 + std::cos(std::numbers::pi * part));
}
double along_line(double start, double end, double part) { return start + (end - start) * part; }

double part_of(std::int64_t steps, std::int64_t of) {
  return static_cast<double>(steps) / static_cast<double>(of);
}

void require_ascending(const std::vector<std::int64_t>& milestones, const char* schedule) {
  for (std::size_t i = 0; i < milestones.size(); ++i)
    if (milestones[i] < 1 || (i > 0 && milestones[i] <= milestones[i - 1]))
      throw std::invalid_argument("Schedule::" + std::string(schedule) + ": milestone " + std::to_string(i) +
                                  " is " + std::to_string(milestones[i]) +
                                  "; they must be positive and ascending");
}

/// One stretch of a cycle: up to step `end`, between two values each of the rate and of the momentum.
struct Phase {
  double end;
  double rate_from, rate_to;
  double momentum_from, momentum_to;
};

class OneCycle {
 public:
  explicit OneCycle(const OneCycleOptions& o) : line_(o.linear), last_(o.steps - 1) {
    const double top = o.highest_rate, start = top / o.start_divisor, end = start / o.end_divisor;
    const double low = o.lowest_momentum, high = o.highest_momentum;
    const double rise = o.rising * static_cast<double>(o.steps), last = static_cast<double>(last_);
    phases_.push_back({rise - 1, start, top, high, low});
    if (o.three_phases) {
      phases_.push_back({2 * rise - 2, top, start, low, high});
      phases_.push_back({last, start, end, high, high});
    } else {
      phases_.push_back({last, top, end, low, high});
    }
  }
  double rate(std::int64_t steps) const {
    const auto [phase, part] = find(steps);
    return between(phase.rate_from, phase.rate_to, part);
  }
  double momentum(std::int64_t steps) const {
    const auto [phase, part] = find(steps);
    return between(phase.momentum_from, phase.momentum_to, part);
  }

 private:
  std::pair<Phase, double> find(std::int64_t steps) const {
    if (steps > last_ + 1)
      throw std::out_of_range("Schedule::one_cycle: step " + std::to_string(steps) + " of a cycle of " +
                              std::to_string(last_ + 1) + "; make it as long as the training");
    const auto at = static_cast<double>(std::min(steps, last_));
    double begin = 0;
    for (std::size_t i = 0; i + 1 < phases_.size(); ++i) {
      if (at <= phases_[i].end) return {phases_[i], part(at, begin, phases_[i].end)};
      begin = phases_[i].end;
    }
    return {phases_.back(), part(at, begin, phases_.back().end)};
  }
  /// A stretch of no length has been gone through.
  static double part(double at, double begin, double end) {
    return end > begin ? (at - begin) / (end - begin) : 1;
  }
  double between(double from, double to, double part) const {
    return line_ ? along_line(from, to, part) : along_cosine(from, to, part);
  }
  bool line_;
  std::int64_t last_;
  std::vector<Phase> phases_;
};

}  // namespace

Schedule Schedule::step(Integer size, double gamma) {
  optim::require_count(owner, "step's size", size, 1);
  optim::require_not_negative(owner, "step's gamma", gamma);
  return Schedule([=](std::int64_t t, double rate) {
    const std::int64_t times = t / size;
    return rate * std::pow(gamma, static_cast<double>(times));
  });
}

Schedule Schedule::multi_step(std::vector<std::int64_t> milestones, double gamma) {
  optim::require_not_negative(owner, "multi_step's gamma", gamma);
  std::sort(milestones.begin(), milestones.end());
  return Schedule([=, all = std::move(milestones)](std::int64_t t, double rate) {
    const auto passed = std::upper_bound(all.begin(), all.end(), t) - all.begin();
    return rate * std::pow(gamma, static_cast<double>(passed));
  });
}

Schedule Schedule::constant(double factor, Integer steps) {
  optim::require_part(owner, "constant's factor", factor);
  optim::require_count(owner, "constant's steps", steps, 0);
  return Schedule([=](std::int64_t t, double rate) { return t < steps ? rate * factor : rate; });
}

Schedule Schedule::linear(double start, double end, Integer steps) {
  optim::require_part(owner, "linear's start", start);
  optim::require_part(owner, "linear's end", end);
  optim::require_count(owner, "linear's steps", steps, 1);
  return Schedule([=](std::int64_t t, double rate) {
    return rate * along_line(start, end, part_of(std::min<std::int64_t>(t, steps), steps));
  });
}

Schedule Schedule::exponential(double gamma) {
  optim::require_not_negative(owner, "exponential's gamma", gamma);
  return Schedule(
      [=](std::int64_t t, double rate) { return rate * std::pow(gamma, static_cast<double>(t)); });
}

Schedule Schedule::polynomial(Integer steps, double power) {
  optim::require_count(owner, "polynomial's steps", steps, 1);
  optim::require_not_negative(owner, "polynomial's power", power);
  return Schedule([=](std::int64_t t, double rate) {
    return rate * std::pow(1 - part_of(std::min<std::int64_t>(t, steps), steps), power);
  });
}

Schedule Schedule::cosine(Integer steps, double lowest) {
  optim::require_count(owner, "cosine's steps", steps, 1);
  optim::require_not_negative(owner, "cosine's lowest", lowest);
  return Schedule([=](std::int64_t t, double rate) { return along_cosine(rate, lowest, part_of(t, steps)); });
}

Schedule Schedule::cosine_with_restarts(Integer first_steps, Integer multiplier, double lowest) {
  optim::require_count(owner, "cosine_with_restarts' first_steps", first_steps, 1);
  optim::require_count(owner, "cosine_with_restarts' multiplier", multiplier, 1);
  optim::require_not_negative(owner, "cosine_with_restarts' lowest", lowest);
  return Schedule([=](std::int64_t t, double rate) {
    std::int64_t length = first_steps;
    if (multiplier == 1) t %= length;
    // At most 63 rounds: the lengths at least double, and none exceeds what is left.
    while (multiplier > 1 && t >= length) {
      t -= length;
      if (__builtin_mul_overflow(length, std::int64_t{multiplier}, &length))
        length = std::numeric_limits<std::int64_t>::max();
    }
    return along_cosine(rate, lowest, part_of(t, length));
  });
}

Schedule Schedule::one_cycle(const OneCycleOptions& options) {
  optim::require_positive(owner, "one_cycle's highest_rate", options.highest_rate);
  optim::require_count(owner, "one_cycle's steps", options.steps, 1);
  optim::require_part(owner, "one_cycle's rising", options.rising);
  optim::require_positive(owner, "one_cycle's start_divisor", options.start_divisor);
  optim::require_positive(owner, "one_cycle's end_divisor", options.end_divisor);
  optim::require_share(owner, "one_cycle's lowest_momentum", options.lowest_momentum);
  optim::require_share(owner, "one_cycle's highest_momentum", options.highest_momentum);
  const OneCycle cycle(options);
  Schedule schedule([=](std::int64_t t, double) { return cycle.rate(t); });
  if (options.cycle_momentum) schedule.momentum_ = [=](std::int64_t t) { return cycle.momentum(t); };
  return schedule;
}

Schedule Schedule::sequential(std::vector<Schedule> schedules, std::vector<std::int64_t> milestones) {
  if (schedules.empty() || milestones.size() + 1 != schedules.size())
    throw std::invalid_argument("Schedule::sequential: " + std::to_string(schedules.size()) +
                                " schedules and " + std::to_string(milestones.size()) +
                                " milestones; there must be one milestone between each two");
  require_ascending(milestones, "sequential");
  Schedule joined([](std::int64_t, double rate) { return rate; });
  const auto find = [all = std::move(milestones)](std::int64_t t) {
    const auto k = static_cast<std::size_t>(std::upper_bound(all.begin(), all.end(), t) - all.begin());
    return std::pair(k, k > 0 ? t - all[k - 1] : t);
  };
  const bool momentum =
      std::any_of(schedules.begin(), schedules.end(), [](const Schedule& one) { return one.has_momentum(); });
  if (momentum && !std::all_of(schedules.begin(), schedules.end(),
                               [](const Schedule& one) { return one.has_momentum(); }))
    throw std::invalid_argument(
        "Schedule::sequential: some schedules move the momentum, others do not; set cycle_momentum = false");
  if (momentum)
    joined.momentum_ = [=](std::int64_t t) {
      const auto [k, since] = find(t);
      return schedules[k].momentum(since);
    };
  joined.rate_ = [=](std::int64_t t, double rate) {
    const auto [k, since] = find(t);
    return schedules[k].rate(since, rate);
  };
  return joined;
}

Schedule Schedule::chained(std::vector<Schedule> schedules) {
  if (schedules.empty()) throw std::invalid_argument("Schedule::chained: no schedules; give it at least one");
  Schedule joined([](std::int64_t, double rate) { return rate; });
  for (const Schedule& one : schedules) {
    if (!one.has_momentum()) continue;
    if (joined.has_momentum())
      throw std::invalid_argument(
          "Schedule::chained: two schedules move the momentum; set cycle_momentum = false of one");
    joined.momentum_ = one.momentum_;
  }
  joined.rate_ = [all = std::move(schedules)](std::int64_t t, double rate) {
    for (const Schedule& one : all) rate = one.rate(t, rate);
    return rate;
  };
  return joined;
}

}  // namespace chainrule
