// Normalisations, dropout, and rotary positions.
// Statistics are given, but for a batch normalisation that says that it trains.

#include <cmath>

#include "chainrule/functions.h"
#include "chainrule/indexing.h"
#include "chainrule/networks.h"
#include "chainrule/shaping.h"
#include "chainrule/statistics.h"
#include "onnx/call.h"
#include "onnx/operators.h"

namespace chainrule::onnx {
namespace {

std::vector<std::int64_t> axes_from(std::int64_t first, std::size_t rank) {
  std::vector<std::int64_t> axes;
  for (std::int64_t axis = first; axis < static_cast<std::int64_t>(rank); ++axis) axes.push_back(axis);
  return axes;
}

/// (C,) as (C, 1, ...) with as many axes as x has from its second one on.
Tensor along_channels(const Tensor& weight, const Tensor& x) {
  std::vector<std::int64_t> sizes(x.rank() - 1, 1);
  sizes[0] = -1;
  return weight.reshape(Shape(sizes));
}

Values batch_normalization(const Call& call) {
  if (!call.flag("spatial", true)) Call::refuse("it normalises each element by itself", "opset 8");
  const Tensor &x = call[0], &mean = call[3], &variance = call[4];
  const NormOptions options{.weight = call[1], .bias = call[2], .eps = call.number("epsilon", 1e-5)};
  const double momentum = call.number("momentum", 0.9);
  if (!call.flag("training_mode")) return one(batch_norm(x, mean, variance, options));
  if (x.rank() < 2) Call::fail("it needs (N, C, ...), and has shape " + to_string(x.shape()));
  std::vector<std::int64_t> all_but_channels = axes_from(2, x.rank());
  all_but_channels.insert(all_but_channels.begin(), 0);
  // The variance is that of the elements themselves.
  const VarMean batch = var_mean(x, all_but_channels, false, 0);
  return {batch_norm_training(x, options).y, mean * momentum + batch.mean * (1 - momentum),
          variance * momentum + batch.var * (1 - momentum)};
}

Values instance_normalization(const Call& call) {
  return one(
      instance_norm(call[0], {.weight = call[1], .bias = call[2], .eps = call.number("epsilon", 1e-5)}));
}

/// From opset 21 on there is a weight for each channel, before for each group.
Values group_normalization(const Call& call) {
  call.ignore({"stash_type"});
  const Tensor& x = call[0];
  const std::int64_t groups = call.integer("num_groups", 0);
  const double eps = call.number("epsilon", 1e-5);
  if (call.opset() >= 21) return one(group_norm(x, groups, {.weight = call[1], .bias = call[2], .eps = eps}));
  const Tensor normed = group_norm(x, groups, {.eps = eps});
  const std::int64_t each = x.shape()[1] / groups;
  const auto for_channels = [&](const Tensor& weight) {
    return along_channels(repeat_interleave(weight, each), x);
  };
  return one(normed * for_channels(call[1]) + for_channels(call[2]));
}

/// Over the last axes from `axis` on; also the mean and 1 / √(variance + eps), if wanted.
Values layer_normalization(const Call& call) {
  call.ignore({"stash_type"});
  const Tensor& x = call[0];
  const std::int64_t axis = Call::axis(call.integer("axis", -1), x.rank());
  const double eps = call.number("epsilon", 1e-5);
  const Shape last(std::vector<std::int64_t>(x.shape().begin() + axis, x.shape().end()));
  const Axes axes = axes_from(axis, x.rank());
  Tensor y = layer_norm(x, last, {.eps = eps}) * call[1];
  if (call.has(2)) y = y + call[2];
  Values values = one(y);
  if (call.wants(1)) values.emplace_back(mean(x, axes, true));
  if (call.wants(2)) {
    values.resize(2);
    if (values[1].tensor.is_empty()) values[1] = mean(x, axes, true);
    values.emplace_back(rsqrt(var(x, axes, true, 0) + eps));
  }
  return values;
}

Values rms_normalization(const Call& call) {
  call.ignore({"stash_type"});
  const Tensor& x = call[0];
  const std::int64_t axis = Call::axis(call.integer("axis", -1), x.rank());
  const Shape last(std::vector<std::int64_t>(x.shape().begin() + axis, x.shape().end()));
  return one(rms_norm(x, last, {}, call.number("epsilon", 1e-5)) * call[1]);
}

/// (x - mean) / √variance over axes, by default those of all but the channels.
Values mean_variance_normalization(const Call& call) {
  const Tensor& x = call[0];
  const std::vector<std::int64_t> axes = call.integers("axes").value_or(std::vector<std::int64_t>{0, 2, 3});
  const Tensor centred = x - mean(x, axes, true);
  return one(centred / (chainrule::std(x, axes, true, 0) + 1e-9));
}

/// x divided by its norm along an axis, and 0 where that is 0.
Values lp_normalization(const Call& call) {
  const Tensor& x = call[0];
  const std::int64_t axis = Call::axis(call.integer("axis", -1), x.rank()), p = call.integer("p", 2);
  if (p != 1 && p != 2) Call::fail("its attribute 'p' must be 1 or 2");
  const Tensor size = vector_norm(x, static_cast<double>(p), axis, true);
  return one(where(size == 0, zeros_like(x), x / where(size == 0, ones_like(size), size)));
}

/// ONNX's window of an even size reaches one channel further behind than before.
Values local_response_normalization(const Call& call) {
  const Tensor& x = call[0];
  const std::int64_t size = call.integer("size", 0);
  const double alpha = call.number("alpha", 1e-4), beta = call.number("beta", 0.75),
               bias = call.number("bias", 1);
  if (size < 1 || x.rank() < 2) Call::fail("its attribute 'size' must be positive");
  if (size % 2 == 1) return one(local_response_norm(x, size, alpha, beta, bias));
  const std::int64_t before = (size - 1) / 2;
  std::vector<std::int64_t> pads(2 * (x.rank() - 1), 0);
  pads[pads.size() - 2] = before;
  pads[pads.size() - 1] = size - 1 - before;
  const Tensor squares = sum(unfold(pad(square(x), pads), 1, size), -1);
  return one(x / pow(squares * (alpha / static_cast<double>(size)) + bias, beta));
}

/// Inference: x itself, and a mask of what is kept.
Values dropout(const Call& call) {
  call.ignore({"seed"});
  const Tensor& x = call[0];
  double ratio = call.number("ratio", 0.5);
  if (call.has(1)) ratio = call.real(1);
  const bool training = call.has(2) && call[2].item<bool>();
  if (training && ratio != 0) Call::refuse("in training it drops elements at random", "random numbers");
  return {call.value(0), Value(broadcast_to(tensor(true), x.shape()), ElementType::boolean)};
}

/// Pairs of features turned by the angle of their position: x (N, heads, L, E) or (N, L, heads · E). The
/// first `rotary_embedding_dim` features are, or all. Source: Su et al., "RoFormer", 2021, arXiv:2104.09864.
Values rotary_embedding(const Call& call) {
  const Tensor& given = call[0];
  const bool interleaved = call.flag("interleaved");
  const std::int64_t heads = call.integer("num_heads", 0);
  std::int64_t part = call.integer("rotary_embedding_dim", 0);
  Tensor x = given;  // (N, L, heads, E)
  if (given.rank() == 4) {
    x = swapaxes(given, 1, 2);
  } else if (given.rank() == 3 && heads > 0 && given.shape()[2] % heads == 0) {
    x = given.reshape({given.shape()[0], given.shape()[1], heads, given.shape()[2] / heads});
  } else {
    Call::fail("its heads do not fit " + to_string(given.shape()));
  }
  const std::int64_t features = x.shape()[3];
  if (part == 0) part = features;
  if (part < 0 || part > features || part % 2 != 0)
    Call::fail("it cannot turn " + std::to_string(part) + " of " + std::to_string(features) + " features");
  Tensor cosine = call[1], sine = call[2];
  if (call.has(3)) {
    cosine = take(cosine, call[3], 0);
    sine = take(sine, call[3], 0);
  }
  cosine = expand_dims(cosine, 2);  // (N, L, 1, part / 2)
  sine = expand_dims(sine, 2);
  const Tensor turning = narrow(x, 3, 0, part);
  const Shape pairs = interleaved ? Shape{x.shape()[0], x.shape()[1], x.shape()[2], part / 2, 2}
                                  : Shape{x.shape()[0], x.shape()[1], x.shape()[2], 2, part / 2};
  const std::int64_t axis = interleaved ? 4 : 3;
  const Tensor paired = turning.reshape(pairs), a = select(paired, axis, 0), b = select(paired, axis, 1);
  const Tensor turned = stack({a * cosine - b * sine, a * sine + b * cosine}, axis).reshape(turning.shape());
  const Tensor parts[] = {turned, narrow(x, 3, part, features - part)};
  const Tensor result = part == features ? turned : concatenate(parts, 3);
  return one(given.rank() == 4 ? swapaxes(result, 1, 2) : result.reshape(given.shape()));
}

constexpr Operator table[] = {
    {"BatchNormalization", batch_normalization}, {"Dropout", dropout},
    {"GroupNormalization", group_normalization}, {"InstanceNormalization", instance_normalization},
    {"LRN", local_response_normalization},       {"LayerNormalization", layer_normalization},
    {"LpNormalization", lp_normalization},       {"MeanVarianceNormalization", mean_variance_normalization},
    {"RMSNormalization", rms_normalization},     {"RotaryEmbedding", rotary_embedding},
};

}  // namespace

std::span<const Operator> normalization_operators() { return table; }

}  // namespace chainrule::onnx
