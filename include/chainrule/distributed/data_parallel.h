/// \file
/// The same network on all ranks, which learns from what each has seen. Gradients are averaged while the
/// backward pass goes on; relies on world.h for what goes between ranks, and on backward.h for when a
/// gradient is complete.

#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "chainrule/distributed/world.h"
#include "chainrule/nn/module.h"

namespace CHAINRULE_API chainrule {
namespace distributed {

/// How gradients are sent.
struct DataParallelOptions {
  /// Gradients are sent in buckets of about so many bytes. Larger ones cost fewer messages, smaller ones are
  /// ready earlier.
  std::int64_t bucket_bytes = std::int64_t{1} << 20;
  /// std::invalid_argument that names the option and what is allowed.
  void check() const;
};

/// Gives all ranks the mean of their gradients.
///
///     DataParallel parallel(world, network);
///     Adam optimizer(parameters(network));
///     for (const auto& batch : sampler.batches(epoch)) {
///       parallel.backward(mse_loss(network(x_of(batch)), y_of(batch)));
///       clip_grad_norm(parameters(network), 1);  // of the gradients of all ranks, as these are the same
///       optimizer.step();
///     }
///
/// With a loss that is the mean over the samples of a rank, and as many of them on each, a step is that of
/// one process with the samples of all. Parameters stay equal to the bit, as each rank does the same with the
/// same gradients. A network may use others of its parameters on each rank, or none.
///
/// A bucket of gradients is sent as soon as all in it are complete, while the backward pass goes on. They are
/// in the order in which the first pass has completed them on rank 0. MPI gets on with it whenever a further
/// gradient is complete.
///
/// Threads: as World. It must outlive this.
class DataParallel {
 public:
  /// Gives all ranks rank 0's values of the parameters and buffers, and compares what came by its hash. The
  /// module may be a std::vector of parameters. Errors, on all ranks: DistributedError for other parameters,
  /// ShapeError or DTypeError for one of another shape or dtype, which name it.
  DataParallel(const World& world, const ModuleRef& module, const DataParallelOptions& options = {});
  ~DataParallel();
  DataParallel(const DataParallel&) = delete;
  DataParallel& operator=(const DataParallel&) = delete;

  /// loss.backward(seed), and then each parameter has the mean over all ranks of the gradients that it has
  /// accumulated, where a rank on which nothing has reached it counts as zeros. Those that nothing has
  /// reached on any rank are left without a gradient. All ranks call it, if with other losses.
  /// `std::move(loss)` releases the graph on the way. Errors as of Tensor::backward; DistributedError where
  /// others do something else. What fails half way leaves the World of no use, as others wait for gradients.
  void backward(Tensor loss, const Tensor& seed = {});

  /// Until it goes out of scope, backward() sends nothing: gradients of several batches add up on each rank,
  /// and the next backward() sends their sum. On all ranks alike.
  class [[nodiscard]] NoSync {
   public:
    /// Of the counter of the DataParallel, which it raises until its end.
    explicit NoSync(int& depth) : depth_(depth) { ++depth_; }
    ~NoSync() { --depth_; }
    NoSync(const NoSync&) = delete;
    NoSync& operator=(const NoSync&) = delete;

   private:
    int& depth_;
  };
  /// Until the end of what it gives, gradients are only added up on each rank.
  NoSync no_sync() { return NoSync(no_sync_); }

  /// DistributedError, on all ranks, that names the first parameter that has other bits on another rank.
  void check_equal() const;

  /// What the last backward() that sent gradients has cost this rank.
  struct Cost {
    /// What went to other ranks.
    World::Traffic sent;
    /// How many buckets that were.
    std::int64_t buckets = 0;
    double seconds = 0;  ///< from the first bucket sent until the last mean has come
    double waited = 0;   ///< of these, after the pass was over
    /// The share of the communication that was hidden behind the pass.
    [[nodiscard]] double overlap() const { return seconds > 0 ? 1 - waited / seconds : 0; }
  };
  /// Of the last backward().
  [[nodiscard]] const Cost& cost() const { return cost_; }

 private:
  class Buckets;
  class Pass;
  void take_order(const std::vector<std::int64_t>& completed);

  const World& world_;
  DataParallelOptions options_;
  std::vector<Parameter> parameters_;
  std::unique_ptr<Buckets> buckets_;
  bool ordered_ = false;  // by what the first pass has completed first
  int no_sync_ = 0;
  Cost cost_;
};

}  // namespace distributed
}  // namespace chainrule
