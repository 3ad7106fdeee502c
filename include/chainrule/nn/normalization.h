/// \file
/// Normalisation as layers, with weight, bias and running statistics as PyTorch names them.
/// What they compute is in networks.h.

#pragma once

#include <optional>

#include "chainrule/detail/structure.h"
#include "chainrule/networks.h"
#include "chainrule/nn/parameter.h"

namespace CHAINRULE_API chainrule {

/// Of BatchNorm.
struct BatchNormOptions {
  double eps = 1e-5;  ///< added to the variance
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
  /// Of so many channels.
  explicit BatchNorm(Integer channels, const BatchNormOptions& options = {}, DType dtype = default_dtype());

  /// x (N, C, ...), normalised.
  Tensor operator()(const Operand& x) const;

  /// (C,), where they are learned.
  std::optional<Parameter> weight, bias;
  /// (C,), and how many batches they are of.
  Buffer running_mean, running_var, num_batches_tracked;
  /// What it was made with.
  BatchNormOptions options;
  bool training = true;  ///< by the batch, and not by the running statistics?
  CHAINRULE_MEMBERS(weight, bias, running_mean, running_var, num_batches_tracked)

 protected:
  /// Takes mean and variance (C,) of a batch into the running ones.
  void take_in(const Tensor& mean, const Tensor& variance) const;
};

/// Of LayerNorm and GroupNorm.
struct AffineNormOptions {
  double eps = 1e-5;   ///< added to the variance
  bool affine = true;  ///< are a weight and a bias learned?
};

/// layer_norm over the last axes, of this shape; weight and bias have it, too, and start at 1 and 0.
/// Source: Ba, Kiros and Hinton, "Layer normalization", 2016.
class LayerNorm {
 public:
  /// Over last axes of this shape.
  explicit LayerNorm(const Shape& normalized, const AffineNormOptions& options = {},
                     DType dtype = default_dtype());

  /// x, normalised.
  Tensor operator()(const Operand& x) const;

  /// Where they are learned.
  std::optional<Parameter> weight, bias;
  Shape normalized;  ///< the last axes
  double eps;        ///< added to the variance
  CHAINRULE_MEMBERS(weight, bias)
};

/// rms_norm over the last axes, of this shape, as has the weight, which starts at 1. Without an eps it is
/// that of x's dtype. Source: Zhang and Sennrich, "Root mean square layer normalization", 2019.
class RmsNorm {
 public:
  /// Over last axes of this shape.
  explicit RmsNorm(const Shape& normalized, std::optional<double> eps = {}, DType dtype = default_dtype());

  /// x, divided.
  Tensor operator()(const Operand& x) const;

  /// Of the shape of the last axes.
  Parameter weight;
  std::optional<double> eps;  ///< added to the mean of the squares
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

  /// (C,), where they are learned.
  std::optional<Parameter> weight, bias;
  /// How many there are.
  std::int64_t groups, channels;
  double eps;  ///< added to the variance
  CHAINRULE_MEMBERS(weight, bias)
};

}  // namespace chainrule
