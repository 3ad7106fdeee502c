/// \file
/// Learning rates that change while an optimiser learns.
///
/// Threads: any number may read one Schedule; a Scheduler is used by one at a time, as its optimiser.

#pragma once

#include <functional>
#include <limits>
#include <vector>

#include "chainrule/optim/optimizer.h"

namespace CHAINRULE_API chainrule {

/// Of Schedule::one_cycle().
struct OneCycleOptions {
  double highest_rate = 0;     ///< the learning rate at the top; must be given
  std::int64_t steps = 0;      ///< of the whole cycle; must be given
  double rising = 0.3;         ///< part of the steps that the rate rises in
  bool linear = false;         ///< straight lines rather than halves of a cosine
  bool three_phases = false;   ///< falls as long as it has risen, and then on to the lowest
  double start_divisor = 25;   ///< begins with highest_rate / start_divisor
  double end_divisor = 1e4;    ///< ends with that divided by end_divisor
  bool cycle_momentum = true;  ///< moves the optimiser's momentum (or beta1) the other way
  /// Of the momentum, at the top and at both ends.
  double lowest_momentum = 0.85, highest_momentum = 0.95;
};

/// The course of a learning rate: what it is after t = 0, 1, 2, ... steps, given the one the optimiser was
/// made with, which is `rate` in the formulas. The meanings are those of torch.optim.lr_scheduler, in closed
/// form, so that nothing adds up over many steps. All are std::invalid_argument for numbers that make no
/// sense.
class Schedule {
 public:
  /// The rate after so many steps, of the one it began with.
  using Function = std::function<double(std::int64_t steps, double rate)>;

  /// Any function, as [](std::int64_t t, double rate) { return rate / (1 + t); }.
  explicit Schedule(Function rate) : rate_(std::move(rate)) {}

  /// rate * gammaᵏ after every `size` steps: k = ⌊t / size⌋.
  static Schedule step(Integer size, double gamma = 0.1);
  /// rate * gammaᵏ, where k is how many of the milestones are <= t.
  static Schedule multi_step(std::vector<std::int64_t> milestones, double gamma = 0.1);
  /// rate * factor for the first steps, then rate.
  static Schedule constant(double factor = 1.0 / 3, Integer steps = 5);
  /// From rate * start to rate * end in equal parts, where it stays: a linear warm-up.
  static Schedule linear(double start = 1.0 / 3, double end = 1, Integer steps = 5);
  /// rate * gammaᵗ.
  static Schedule exponential(double gamma);
  /// rate * (1 - t / steps)^power, and 0 from then on.
  static Schedule polynomial(Integer steps = 5, double power = 1);
  /// lowest + (rate - lowest) * (1 + cos(π t / steps)) / 2: down within `steps`, and up again if it goes on.
  static Schedule cosine(Integer steps, double lowest = 0);
  /// Half a cosine down to lowest, again and again from the top, each time `multiplier` times as long as
  /// before. Source: Loshchilov and Hutter, "SGDR: stochastic gradient descent with warm restarts", 2017.
  static Schedule cosine_with_restarts(Integer first_steps, Integer multiplier = 1, double lowest = 0);
  /// From highest_rate / start_divisor up to highest_rate and down far below, whatever the optimiser's rate.
  /// After the last step it stays; std::out_of_range one step later.
  /// Source: Smith and Topin, "Super-convergence", 2018.
  static Schedule one_cycle(const OneCycleOptions& options);
  /// One after another: the next one begins, at its t = 0, when t reaches a milestone.
  static Schedule sequential(std::vector<Schedule> schedules, std::vector<std::int64_t> milestones);
  /// All at once: the rate of each is that of the one before, so factors are multiplied.
  static Schedule chained(std::vector<Schedule> schedules);

  /// The learning rate after so many steps.
  [[nodiscard]] double rate(std::int64_t steps, double rate) const { return rate_(steps, rate); }
  /// Does it move the momentum, too? To which value, then.
  [[nodiscard]] bool has_momentum() const { return static_cast<bool>(momentum_); }
  /// The momentum after so many steps. To be called where has_momentum().
  [[nodiscard]] double momentum(std::int64_t steps) const { return momentum_(steps); }

 private:
  Function rate_;
  std::function<double(std::int64_t)> momentum_;
};

/// Sets an optimiser's learning rates as a schedule says, each group's from the rate it began with.
///
///     Scheduler scheduler(optimizer, Schedule::cosine(epochs));
///     for (...) { ...; optimizer.step(); scheduler.step(); }
///
/// The optimiser must outlive it, and only one scheduler may set its rates: chain schedules instead. Nobody
/// else sets them meanwhile.
class Scheduler {
 public:
  /// Sets the rates for t = 0. std::invalid_argument for a schedule of the momentum where the optimiser has
  /// none.
  Scheduler(Optimizer& optimizer, Schedule schedule);

  /// Counts on, and sets every group's rate.
  void step();
  /// How many there have been.
  [[nodiscard]] std::int64_t steps() const { return steps_; }

  /// "steps", and the rate each group began with. load_state goes on from there: the optimiser has the rates
  /// that belong to it. Errors as in Optimizer.
  [[nodiscard]] NamedTensors state() const;
  /// Goes on from state(). Errors as in Optimizer.
  void load_state(const NamedTensors& state);

 private:
  void set() const;
  Optimizer& optimizer_;
  Schedule schedule_;
  std::vector<double> initial_;
  std::int64_t steps_ = 0;
};

/// Of ReduceOnPlateau.
struct PlateauOptions {
  bool maximize = false;          ///< is a higher metric better?
  double factor = 0.1;            ///< what the learning rate is multiplied with, in [0, 1)
  std::int64_t patience = 10;     ///< so many steps without improvement are let go
  double threshold = 1e-4;        ///< an improvement is one by more than this,
  bool relative = true;           ///< times the best metric, or as it is
  std::int64_t cooldown = 0;      ///< steps after a reduction in which nothing is counted
  double lowest = 0;              ///< no rate becomes less
  double smallest_change = 1e-8;  ///< a rate that would change by less stays
  /// std::invalid_argument that names the option and what is allowed.
  void check() const;
};

/// Lowers the learning rates when a metric, as the loss of a validation set, has stopped improving. As
/// PyTorch's ReduceLROnPlateau. A metric that is NaN is no improvement.
class ReduceOnPlateau {
 public:
  /// Of all groups of the optimiser, which must outlive it.
  explicit ReduceOnPlateau(Optimizer& optimizer, const PlateauOptions& options = {});

  /// Counts on, with what the metric is now.
  void step(double metric);
  /// The best metric so far: infinite before the first.
  [[nodiscard]] double best() const { return best_; }

  /// "best", "bad_steps" and "cooldown". Errors as in Optimizer. The rates are part of the optimiser's state.
  [[nodiscard]] NamedTensors state() const;
  /// Goes on from state(). Errors as in Optimizer.
  void load_state(const NamedTensors& state);

 private:
  bool is_better(double metric) const;
  Optimizer& optimizer_;
  PlateauOptions options_;
  double best_;
  std::int64_t bad_steps_ = 0, cooldown_ = 0;
};

}  // namespace chainrule
