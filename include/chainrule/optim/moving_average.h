/// \file
/// Averages of weights over the course of training, which often do better than the last ones. It follows
/// parameters beside any optimiser, and changes places with them for evaluation.

#pragma once

#include "chainrule/optim/optimizer.h"

namespace CHAINRULE_API chainrule {

/// The exponential moving average of parameters: average = decay * average + (1 - decay) * value. It begins
/// with the values at its making.
///
///     MovingAverage average(network.parameters(), 0.999);
///     for (...) { ...; optimizer.step(); average.update(); }
///     average.swap();  // evaluate with the averages, then swap() again to go on learning
///
/// Threads: as an optimiser.
class MovingAverage {
 public:
  /// A parameter that is listed twice counts once. std::invalid_argument without parameters, or for a decay
  /// outside [0, 1].
  explicit MovingAverage(const std::vector<Parameter>& parameters, double decay = 0.999);

  /// Takes the present values in, after a step, in one pass over each.
  void update();
  /// The parameters get the averages, and the averages what the parameters had.
  void swap();
  /// The parameters get the averages, which stay.
  void assign() const;

  /// The share that each average keeps of itself.
  double decay() const { return decay_; }
  /// For an average that forgets its beginnings sooner, as min(0.999, (1 + n) / (10 + n)) in update n.
  void set_decay(double decay);
  /// How many there have been.
  std::int64_t updates() const { return updates_; }
  /// In the order of the parameters.
  const std::vector<Tensor>& averages() const { return averages_; }

  /// "layer1.weight.average" and so on, and "updates". load_state as in Optimizer.
  [[nodiscard]] NamedTensors state() const;
  /// Goes on from state(). Errors as in Optimizer.
  void load_state(const NamedTensors& state);

 private:
  std::vector<Parameter> parameters_;
  std::vector<Tensor> averages_;
  double decay_;
  std::int64_t updates_ = 0;
};

}  // namespace chainrule
