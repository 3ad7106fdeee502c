/// \file
/// An optimiser whose state is shared out between the ranks. Any optimiser of optim.h can be shared out: each
/// rank steps its part of all parameters in a row, and the parts are put together.

#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "chainrule/distributed/world.h"
#include "chainrule/optim/optimizer.h"

namespace CHAINRULE_API chainrule {
namespace distributed {

/// What Sharded has of no particular optimiser.
class ShardedOptimizer {
 public:
  virtual ~ShardedOptimizer();
  ShardedOptimizer(const ShardedOptimizer&) = delete;
  ShardedOptimizer& operator=(const ShardedOptimizer&) = delete;

  /// Moves this rank's part of the parameters along their gradients, which are the same on all ranks, as
  /// after DataParallel::backward, and gives all ranks the new values. Parameters are left without a
  /// gradient. One that nothing has reached counts as having gradient zero.
  void step();
  /// Forgets the gradients gathered since the last step.
  void zero_grad() const;
  /// All parameters, also those that other ranks step.
  [[nodiscard]] const std::vector<Parameter>& parameters() const { return parameters_; }

  /// How many numbers of the parameters this rank steps: its optimiser keeps as many of each kind.
  [[nodiscard]] std::int64_t part() const;
  /// The optimiser of this rank's part: for learning rates and a Scheduler, on all ranks alike.
  [[nodiscard]] Optimizer& local() const { return *local_; }

  /// The state of all ranks, on each: that which the optimiser has that steps all parameters, under the same
  /// names and of the same shapes. So it may be saved by rank 0, and loaded on another number of ranks, or by
  /// one process alone.
  [[nodiscard]] NamedTensors state() const;
  /// Takes this rank's part of a state, which all ranks give. Errors as Optimizer::load_state().
  void load_state(const NamedTensors& state);

 protected:
  /// For derived classes. All ranks must give the same parameters.
  ShardedOptimizer(const World& world, const std::vector<Parameter>& parameters);
  /// What the optimiser of this rank steps: parts of parameters, one axis each.
  [[nodiscard]] std::vector<Parameter> parts() const;
  /// What steps this rank's part.
  void step_by(std::unique_ptr<Optimizer> local) { local_ = std::move(local); }

 private:
  /// Elements begin .. end - 1 of a parameter.
  struct Part {
    std::size_t parameter;
    std::int64_t begin, end;
    Parameter own;
  };
  Tensor cut(const Part& part, const Tensor& whole) const;
  void share_out(DType dtype);
  void give_all(DType dtype) const;
  const Part* part_of(const std::string& name) const;

  const World& world_;
  std::vector<Parameter> parameters_;
  std::vector<std::string> names_;  // each once
  std::vector<Part> parts_;
  std::unique_ptr<Optimizer> local_;
};

/// An optimiser that moves each element by itself (Sgd, Adam, AdamW, RmsProp, Lion, ...; not Lbfgs) with its
/// state in equal parts on the ranks: Sharded<Adam> on 4 ranks keeps a quarter of the moments on each. It
/// steps as the optimiser does that has all. Source: Rajbhandari, Rasley, Ruwase and He, "ZeRO: memory
/// optimizations toward training trillion parameter models", 2020, stage 1.
///
///     Sharded<Adam> optimizer(world, parameters(network), {.learning_rate = 1e-3});
///
/// Its functions are collective. Threads: as World, which must outlive it.
template <class Of>
class Sharded final : public ShardedOptimizer {
 public:
  /// Those of the optimiser that is sharded.
  using Options = std::remove_cvref_t<decltype(std::declval<const Of&>().options(0))>;

  /// Errors as those of the optimiser; std::invalid_argument for lazy_rows, as parts have no rows.
  Sharded(const World& world, const std::vector<Parameter>& parameters, const Options& options = {})
      : ShardedOptimizer(world, parameters) {
    if constexpr (requires { options.lazy_rows; })
      if (options.lazy_rows)
        throw std::invalid_argument(
            "Sharded: lazy_rows is not possible, as ranks have parts of rows; turn it off");
    step_by(std::make_unique<Of>(parts(), options));
  }
};

}  // namespace distributed
}  // namespace chainrule
