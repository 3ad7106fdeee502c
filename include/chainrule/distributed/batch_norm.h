/// \file
/// Batch normalisation over the samples of all ranks.
/// A layer as those of nn/normalization.h, whose sums go through the World.

#pragma once

#include "chainrule/distributed/world.h"
#include "chainrule/nn/normalization.h"

namespace CHAINRULE_API chainrule {
namespace distributed {

/// A BatchNorm whose mean and variance in training are those of the samples of all ranks, as many as each
/// has. Running statistics are the same on all. Evaluated it is a BatchNorm, and sends nothing. As PyTorch's
/// SyncBatchNorm.
///
/// Errors: those of BatchNorm, on all ranks. Threads: as World, which must outlive it.
class SyncBatchNorm : public BatchNorm {
 public:
  /// As a BatchNorm, with statistics over all ranks.
  SyncBatchNorm(const World& world, std::int64_t channels, const BatchNormOptions& options = {},
                DType dtype = default_dtype());
  /// Shares the parameters and buffers of a layer.
  SyncBatchNorm(const World& world, const BatchNorm& layer);

  /// In training all ranks must call it.
  Tensor operator()(const Operand& x) const;

 private:
  const World* world_;
};

}  // namespace distributed
}  // namespace chainrule
