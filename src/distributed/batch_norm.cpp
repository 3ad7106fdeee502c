// Statistics over the samples of all ranks: sums of each channel, added up by all_reduce, whose derivative
// goes between ranks, too.

#include "chainrule/distributed/batch_norm.h"

#include "chainrule/autograd.h"
#include "chainrule/ops.h"

namespace chainrule::distributed {
namespace {

/// Of x (N, C, ...) the sums over all axes but that of the channels.
Tensor channel_sums(const Tensor& x) {
  std::vector<std::int64_t> others;
  for (std::size_t axis = 0; axis < x.rank(); ++axis)
    if (axis != 1) others.push_back(static_cast<std::int64_t>(axis));
  return sum(x, others);
}

}  // namespace

SyncBatchNorm::SyncBatchNorm(const World& world, std::int64_t channels, const BatchNormOptions& given,
                             DType dtype)
    : BatchNorm(channels, given, dtype), world_(&world) {}

SyncBatchNorm::SyncBatchNorm(const World& world, const BatchNorm& layer) : BatchNorm(layer), world_(&world) {}

Tensor SyncBatchNorm::operator()(const Operand& operand) const {
  if (!training) return BatchNorm::operator()(operand);
  const std::int64_t channels = running_mean.value().shape()[0];
  const Tensor x = operand.as(is_floating(operand.dtype()) ? operand.dtype() : running_mean.value().dtype());
  const Shape& shape = x.shape();
  if (shape.rank() < 2 || shape[1] != channels)
    throw ShapeError("SyncBatchNorm: x " + to_string(shape) + " for a layer of " + std::to_string(channels) +
                     " channels; it takes (N, " + std::to_string(channels) + ", ...)");
  const Tensor own = tensor(x.size() / channels);
  const double count = world_->all_reduce(own).item();
  if (count < 2)
    throw ShapeError("SyncBatchNorm: all ranks together have " +
                     to_string(tensor(static_cast<std::int64_t>(count))) +
                     " elements in a channel; a variance takes two at least");
  Shape across = Shape::filled(shape.rank(), 1);
  across[1] = channels;
  // The mean first: a large one costs the variance no digits.
  const Tensor mean = world_->all_reduce(channel_sums(x)) / count;
  const Tensor variance = world_->all_reduce(channel_sums(square(x - reshape(mean, across)))) / count;
  NormOptions affine{.eps = options.eps};
  if (weight) affine.weight = weight->leaf();
  if (bias) affine.bias = bias->leaf();
  take_in(mean, no_grad([&] { return variance * (count / (count - 1)); }));
  return batch_norm(x, mean, variance, affine);
}

}  // namespace chainrule::distributed
