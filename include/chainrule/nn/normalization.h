/// \file
/// Normalisation as layers, with weight, bias and running statistics as PyTorch names them.
/// What they compute is in networks.h.

#pragma once

#include <optional>

#include "chainrule/detail/structure.h"
#include "chainrule/networks.h"
#include "chainrule/nn/parameter.h"

namespace CHAINRULE_API chainrule {

struct BatchNormOptions {
  double eps = 1e-5;
  /// Share of each batch in the running statistics. Nothing: they are the mean over all batches so far.
  std::optional<double> momentum = 0.1;
  bool affine = true;  ///< are a weight and a bias learned?
};

/// Each channel of x (N, C, ...) less its mean and divided by its deviation, times weight (C,), which starts
/// at 1, plus bias (C,), which starts at 0. In training mean and variance are the batch's, and are also taken
/// into the running ones; evaluated, they are the running ones. Those of PyTorch's BatchNorm1d, 2d and 3d.
/// ShapeError for other channels, and in training for less than two elements of each.
/// Threads: in training one at a time, as the running statistics change.
/// Source: Ioffe and Szegedy, "Batch normalization", 2015.
class BatchNorm {
 public:
  explicit BatchNorm(Integer channels, const BatchNormOptions& options = {}, DType dtype = default_dtype());

  Tensor operator()(const Operand& x) const;

  std::optional<Parameter> weight, bias;
  Buffer running_mean, running_var, num_batches_tracked;
  BatchNormOptions options;
  bool training = true;
  CHAINRULE_MEMBERS(weight, bias, running_mean, running_var, num_batches_tracked)

 protected:
  /// Takes mean and variance (C,) of a batch into the running ones.
  void take_in(const Tensor& mean, const Tensor& variance) const;
};

struct AffineNormOptions {
  double eps = 1e-5;
  bool affine = true;  ///< are a weight and a bias learned?
};

/// layer_norm over the last axes, of this shape; weight and bias have it, too, and start at 1 and 0.
/// Source: Ba, Kiros and Hinton, "Layer normalization", 2016.
class LayerNorm {
 public:
  explicit LayerNorm(const Shape& normalized, const AffineNormOptions& options = {},
                     DType dtype = default_dtype());

  Tensor operator()(const Operand& x) const;

  std::optional<Parameter> weight, bias;
  Shape normalized;
  double eps;
  CHAINRULE_MEMBERS(weight, bias)
};

/// rms_norm over the last axes, of this shape, as has the weight, which starts at 1. Without an eps it is
/// that of x's dtype. Source: Zhang and Sennrich, "Root mean square layer normalization", 2019.
class RmsNorm {
 public:
  explicit RmsNorm(const Shape& normalized, std::optional<double> eps = {}, DType dtype = default_dtype());

  Tensor operator()(const Operand& x) const;

  Parameter weight;
  std::optional<double> eps;
  CHAINRULE_MEMBERS(weight)
};

/// group_norm: the channels of each sample in equal groups; weight and bias (C,) start at 1 and 0.
/// Source: Wu and He, "Group normalization", 2018.
class GroupNorm {
 public:
  /// ShapeError where groups do not divide the channels.
  GroupNorm(Integer groups, Integer channels, const AffineNormOptions& options = {},
            DType dtype = default_dtype());

  /// ShapeError for other channels.
  Tensor operator()(const Operand& x) const;

  std::optional<Parameter> weight, bias;
  std::int64_t groups, channels;
  double eps;
  CHAINRULE_MEMBERS(weight, bias)
};

}  // namespace chainrule
