// Layers that normalise: their options, weights and running statistics.
// The functions are in networks.h.

#include "chainrule/nn/normalization.h"

#include "chainrule/autograd.h"
#include "chainrule/ops.h"
#include "nn/layer.h"

namespace chainrule {
namespace {

std::optional<Parameter> scale(bool affine, const Shape& shape, const std::string& layer, DType dtype) {
  if (!affine) return {};
  return Parameter(ones(shape, dtype), layer + ".weight");
}

std::optional<Parameter> offset(bool affine, const Shape& shape, const std::string& layer, DType dtype) {
  if (!affine) return {};
  return Parameter(zeros(shape, dtype), layer + ".bias");
}

/// The channels of a layer, or the sizes of its axes.
Shape checked(std::string_view layer, const char* what, const Shape& sizes) {
  for (const std::int64_t size : sizes) nn::require_positive(layer, {{what, size}});
  return sizes;
}

NormOptions options_of(const std::optional<Parameter>& weight, const std::optional<Parameter>& bias,
                       double eps) {
  return {.weight = nn::leaf_or_none(weight), .bias = nn::leaf_or_none(bias), .eps = eps};
}

void require_channels(const char* layer, const Operand& x, std::int64_t channels) {
  const Shape shape = x.as_tensor().shape();
  if (shape.rank() < 2 || shape[1] != channels)
    throw ShapeError(std::string(layer) + ": x " + to_string(shape) + " for a layer of " +
                     std::to_string(channels) + " channels; it takes (N, " + std::to_string(channels) +
                     ", ...)");
}

}  // namespace

BatchNorm::BatchNorm(Integer channels, const BatchNormOptions& given, DType dtype)
    : weight(scale(given.affine, checked("BatchNorm", "channels", {channels}), "batch_norm", dtype)),
      bias(offset(given.affine, {channels}, "batch_norm", dtype)),
      running_mean(zeros({channels}, dtype)),
      running_var(ones({channels}, dtype)),
      num_batches_tracked(zeros({}, DType::int64)),
      options(given) {}

Tensor BatchNorm::operator()(const Operand& x) const {
  require_channels("BatchNorm", x, running_mean.value().shape()[0]);
  const Scope scope(nn::scope_of(weight));
  const NormOptions affine = options_of(weight, bias, options.eps);
  if (!training) return batch_norm(x, running_mean.value(), running_var.value(), affine);
  const BatchNormed batch = batch_norm_training(x, affine);
  take_in(batch.mean, batch.variance);
  return batch.y;
}

void BatchNorm::take_in(const Tensor& mean, const Tensor& variance) const {
  const NoGrad guard;
  num_batches_tracked.assign(num_batches_tracked.value() + 1);
  const double share = options.momentum.value_or(1 / num_batches_tracked.value().item());
  const auto moved = [share](const Buffer& running, const Tensor& now) {
    running.assign((1 - share) * running.value() + share * cast(now, running.value().dtype()));
  };
  moved(running_mean, mean);
  moved(running_var, variance);
}

LayerNorm::LayerNorm(const Shape& shape, const AffineNormOptions& options, DType dtype)
    : weight(
          scale(options.affine, checked("LayerNorm", "a size of the last axes", shape), "layer_norm", dtype)),
      bias(offset(options.affine, shape, "layer_norm", dtype)),
      normalized(shape),
      eps(options.eps) {}

Tensor LayerNorm::operator()(const Operand& x) const {
  const Scope scope(nn::scope_of(weight));
  return layer_norm(x, normalized, options_of(weight, bias, eps));
}

RmsNorm::RmsNorm(const Shape& normalized, std::optional<double> given, DType dtype)
    : weight(ones(checked("RmsNorm", "a size of the last axes", normalized), dtype), "rms_norm.weight"),
      eps(given) {}

Tensor RmsNorm::operator()(const Operand& x) const {
  const Scope scope(nn::scope_of(weight));
  return rms_norm(x, weight.shape(), weight, eps);
}

GroupNorm::GroupNorm(Integer parts, Integer size, const AffineNormOptions& options, DType dtype)
    : weight(scale(options.affine, checked("GroupNorm", "channels", {size}), "group_norm", dtype)),
      bias(offset(options.affine, {size}, "group_norm", dtype)),
      groups(parts),
      channels(size),
      eps(options.eps) {
  nn::require_positive("GroupNorm", {{"groups", groups}});
  if (channels % groups != 0)
    throw ShapeError("GroupNorm: " + std::to_string(groups) + " groups do not divide " +
                     std::to_string(channels) + " channels");
}

Tensor GroupNorm::operator()(const Operand& x) const {
  require_channels("GroupNorm", x, channels);
  const Scope scope(nn::scope_of(weight));
  return group_norm(x, groups, options_of(weight, bias, eps));
}

}  // namespace chainrule
