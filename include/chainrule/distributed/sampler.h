/// \file
/// Which samples each rank sees. Every rank draws the same order by the same seed and takes its part, so
/// nothing has to be sent. Relies on world.h for how many there are.

#pragma once

#include <cstdint>
#include <vector>

#include "chainrule/distributed/world.h"

namespace CHAINRULE_API chainrule {
namespace distributed {

/// How samples are dealt to ranks.
struct SamplerOptions {
  std::int64_t batch_size = 32;  ///< of each rank
  /// Of the order; the same on all ranks.
  std::uint64_t seed = 0;
  /// In a new random order in each epoch?
  bool shuffle = true;
  /// Leaves out, in each epoch, the last samples that make no batch of this size on all ranks. Else the first
  /// samples of the epoch's order come a second time where there are too few for all ranks to have as many,
  /// and the last batch may be smaller.
  bool drop_last = false;
};

/// Deals the samples 0 .. samples - 1 to the ranks: as many to each, in as many batches of the same sizes.
/// The order of an epoch follows from the seed and the epoch alone, and is dealt to the ranks in turn. So the
/// batches of all ranks, taken together, are those of one rank with a batch_size as large as all of theirs.
///
/// Threads: any number.
class Sampler {
 public:
  /// DistributedError unless samples and seed are the same on all ranks. std::invalid_argument for samples or
  /// a batch_size that are not positive, or where drop_last leaves none.
  Sampler(const World& world, std::int64_t samples, const SamplerOptions& options = {});
  /// Of a rank among so many.
  Sampler(int rank, int ranks, std::int64_t samples, const SamplerOptions& options = {});

  /// The samples of this rank in an epoch, batch by batch: for take_rows().
  [[nodiscard]] std::vector<std::vector<std::int64_t>> batches(std::int64_t epoch) const;
  /// How many batches there are in each epoch.
  [[nodiscard]] std::int64_t size() const;

 private:
  std::int64_t samples_of_rank() const;
  int rank_, ranks_;
  std::int64_t samples_;
  SamplerOptions options_;
};

}  // namespace distributed
}  // namespace chainrule
