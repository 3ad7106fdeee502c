#pragma once

#include <optional>
#include <tuple>

#include "chainrule/detail/structure.h"
#include "chainrule/networks.h"
#include "chainrule/nn/linear.h"

/// Convolutions and pooling as layers, over one to three spatial axes: x is (N, C, spatial...), or one sample
/// without N. What they compute, and their options, are in networks.h.
namespace CHAINRULE_API chainrule {

/// conv1d, conv2d and conv3d with a weight (out, C / groups, kernel...) and a bias (out,). Its node is in a
/// Scope of the weight's name, here and below.
template <std::size_t spatial>
class Conv {
 public:
  /// kaiming_normal weight, zero bias. ShapeError for sizes that are not positive, and groups that do not
  /// divide both channels.
  Conv(std::int64_t in_channels, std::int64_t out_channels, const PerAxis& kernel, Generator& generator,
       const ConvOptions& options = {}, Bias bias = Bias::learned, DType dtype = default_dtype());

  Tensor operator()(const Operand& x) const;

  Parameter weight;
  std::optional<Parameter> bias;
  ConvOptions options;
  CHAINRULE_MEMBERS(weight, bias)
};
using Conv1d = Conv<1>;
using Conv2d = Conv<2>;
using Conv3d = Conv<3>;
extern template class Conv<1>;
extern template class Conv<2>;
extern template class Conv<3>;

/// conv_transpose1d, ... with a weight (C, out / groups, kernel...) and a bias (out,).
template <std::size_t spatial>
class ConvTranspose {
 public:
  /// As a Conv; the variance of the weight is that by the numbers that go into each result for a stride of 1.
  ConvTranspose(std::int64_t in_channels, std::int64_t out_channels, const PerAxis& kernel,
                Generator& generator, const ConvTransposeOptions& options = {}, Bias bias = Bias::learned,
                DType dtype = default_dtype());

  Tensor operator()(const Operand& x) const;

  Parameter weight;
  std::optional<Parameter> bias;
  ConvTransposeOptions options;
  CHAINRULE_MEMBERS(weight, bias)
};
using ConvTranspose1d = ConvTranspose<1>;
using ConvTranspose2d = ConvTranspose<2>;
using ConvTranspose3d = ConvTranspose<3>;
extern template class ConvTranspose<1>;
extern template class ConvTranspose<2>;
extern template class ConvTranspose<3>;

/// max_pool1d, ...: MaxPool2d(2), or MaxPool2d(3, {.stride = 2}).
template <std::size_t spatial>
class MaxPool {
 public:
  explicit MaxPool(const PerAxis& kernel, const MaxPoolOptions& options = {});

  Tensor operator()(const Operand& x) const;

  PerAxis kernel;
  MaxPoolOptions options;
  CHAINRULE_MEMBERS()
};
using MaxPool1d = MaxPool<1>;
using MaxPool2d = MaxPool<2>;
using MaxPool3d = MaxPool<3>;
extern template class MaxPool<1>;
extern template class MaxPool<2>;
extern template class MaxPool<3>;

/// avg_pool1d, ...
template <std::size_t spatial>
class AvgPool {
 public:
  explicit AvgPool(const PerAxis& kernel, const AvgPoolOptions& options = {});

  Tensor operator()(const Operand& x) const;

  PerAxis kernel;
  AvgPoolOptions options;
  CHAINRULE_MEMBERS()
};
using AvgPool1d = AvgPool<1>;
using AvgPool2d = AvgPool<2>;
using AvgPool3d = AvgPool<3>;
extern template class AvgPool<1>;
extern template class AvgPool<2>;
extern template class AvgPool<3>;

/// adaptive_avg_pool1d, ...: AdaptiveAvgPool2d(1) is the mean of each channel.
template <std::size_t spatial>
class AdaptiveAvgPool {
 public:
  explicit AdaptiveAvgPool(const PerAxis& size);

  Tensor operator()(const Operand& x) const;

  PerAxis size;
  CHAINRULE_MEMBERS()
};
using AdaptiveAvgPool1d = AdaptiveAvgPool<1>;
using AdaptiveAvgPool2d = AdaptiveAvgPool<2>;
using AdaptiveAvgPool3d = AdaptiveAvgPool<3>;
extern template class AdaptiveAvgPool<1>;
extern template class AdaptiveAvgPool<2>;
extern template class AdaptiveAvgPool<3>;

/// adaptive_max_pool1d, ...
template <std::size_t spatial>
class AdaptiveMaxPool {
 public:
  explicit AdaptiveMaxPool(const PerAxis& size);

  Tensor operator()(const Operand& x) const;

  PerAxis size;
  CHAINRULE_MEMBERS()
};
using AdaptiveMaxPool1d = AdaptiveMaxPool<1>;
using AdaptiveMaxPool2d = AdaptiveMaxPool<2>;
using AdaptiveMaxPool3d = AdaptiveMaxPool<3>;
extern template class AdaptiveMaxPool<1>;
extern template class AdaptiveMaxPool<2>;
extern template class AdaptiveMaxPool<3>;

}  // namespace chainrule
