/// \file
/// Convolutions and pooling as layers, over one to three spatial axes: x is (N, C, spatial...), or one sample
/// without N. What they compute, and their options, are in networks.h.

#pragma once

#include <optional>

#include "chainrule/detail/structure.h"
#include "chainrule/networks.h"
#include "chainrule/nn/linear.h"

namespace CHAINRULE_API chainrule {

/// conv1d, conv2d and conv3d with a weight (out, C / groups, kernel...) and a bias (out,). Its node is in a
/// Scope of the weight's name, here and below.
template <std::size_t spatial>
class Conv {
 public:
  /// kaiming_normal weight, zero bias. ShapeError for sizes that are not positive, and groups that do not
  /// divide both channels.
  Conv(Integer in_channels, Integer out_channels, const PerAxis& kernel, Generator& generator,
       const ConvOptions& options = {}, Bias bias = Bias::learned, DType dtype = default_dtype());

  /// x (N, C, spatial...) gives (N, out, spatial...).
  Tensor operator()(const Operand& x) const;

  /// (out, C / groups, kernel...)
  Parameter weight;
  /// (out,), if there is one.
  std::optional<Parameter> bias;
  /// Stride, padding, dilation and groups.
  ConvOptions options;
  CHAINRULE_MEMBERS(weight, bias)
};
/// Over one axis.
using Conv1d = Conv<1>;
/// Over images.
using Conv2d = Conv<2>;
/// Over volumes.
using Conv3d = Conv<3>;
extern template class Conv<1>;
extern template class Conv<2>;
extern template class Conv<3>;

/// conv_transpose1d, ... with a weight (C, out / groups, kernel...) and a bias (out,).
template <std::size_t spatial>
class ConvTranspose {
 public:
  /// As a Conv; the variance of the weight is that by the numbers that go into each result for a stride of 1.
  ConvTranspose(Integer in_channels, Integer out_channels, const PerAxis& kernel, Generator& generator,
                const ConvTransposeOptions& options = {}, Bias bias = Bias::learned,
                DType dtype = default_dtype());

  /// x (N, C, spatial...) gives (N, out, spatial...).
  Tensor operator()(const Operand& x) const;

  /// (C, out / groups, kernel...)
  Parameter weight;
  /// (out,), if there is one.
  std::optional<Parameter> bias;
  /// Stride, padding, dilation and groups.
  ConvTransposeOptions options;
  CHAINRULE_MEMBERS(weight, bias)
};
/// Over one axis.
using ConvTranspose1d = ConvTranspose<1>;
/// Over images.
using ConvTranspose2d = ConvTranspose<2>;
/// Over volumes.
using ConvTranspose3d = ConvTranspose<3>;
extern template class ConvTranspose<1>;
extern template class ConvTranspose<2>;
extern template class ConvTranspose<3>;

/// max_pool1d, ...: MaxPool2d(2), or MaxPool2d(3, {.stride = 2}).
template <std::size_t spatial>
class MaxPool {
 public:
  /// A stride of the kernel's size unless the options say another one.
  explicit MaxPool(PerAxis kernel, MaxPoolOptions options = {});

  /// x (N, C, spatial...) with a number for each window.
  Tensor operator()(const Operand& x) const;

  /// The size of a window.
  PerAxis kernel;
  /// Stride, padding and dilation.
  MaxPoolOptions options;
  CHAINRULE_MEMBERS()
};
/// Over one axis.
using MaxPool1d = MaxPool<1>;
/// Over images.
using MaxPool2d = MaxPool<2>;
/// Over volumes.
using MaxPool3d = MaxPool<3>;
extern template class MaxPool<1>;
extern template class MaxPool<2>;
extern template class MaxPool<3>;

/// avg_pool1d, ...
template <std::size_t spatial>
class AvgPool {
 public:
  /// A stride of the kernel's size unless the options say another one.
  explicit AvgPool(PerAxis kernel, AvgPoolOptions options = {});

  /// x (N, C, spatial...) with a number for each window.
  Tensor operator()(const Operand& x) const;

  /// The size of a window.
  PerAxis kernel;
  /// Stride and padding, and what is divided by.
  AvgPoolOptions options;
  CHAINRULE_MEMBERS()
};
/// Over one axis.
using AvgPool1d = AvgPool<1>;
/// Over images.
using AvgPool2d = AvgPool<2>;
/// Over volumes.
using AvgPool3d = AvgPool<3>;
extern template class AvgPool<1>;
extern template class AvgPool<2>;
extern template class AvgPool<3>;

/// adaptive_avg_pool1d, ...: AdaptiveAvgPool2d(1) is the mean of each channel.
template <std::size_t spatial>
class AdaptiveAvgPool {
 public:
  /// The size of the result along each axis.
  explicit AdaptiveAvgPool(PerAxis size);

  /// x (N, C, spatial...) gives (N, C, size...).
  Tensor operator()(const Operand& x) const;

  /// Of the result.
  PerAxis size;
  CHAINRULE_MEMBERS()
};
/// Over one axis.
using AdaptiveAvgPool1d = AdaptiveAvgPool<1>;
/// Over images.
using AdaptiveAvgPool2d = AdaptiveAvgPool<2>;
/// Over volumes.
using AdaptiveAvgPool3d = AdaptiveAvgPool<3>;
extern template class AdaptiveAvgPool<1>;
extern template class AdaptiveAvgPool<2>;
extern template class AdaptiveAvgPool<3>;

/// adaptive_max_pool1d, ...
template <std::size_t spatial>
class AdaptiveMaxPool {
 public:
  /// The size of the result along each axis.
  explicit AdaptiveMaxPool(PerAxis size);

  /// x (N, C, spatial...) gives (N, C, size...).
  Tensor operator()(const Operand& x) const;

  /// Of the result.
  PerAxis size;
  CHAINRULE_MEMBERS()
};
/// Over one axis.
using AdaptiveMaxPool1d = AdaptiveMaxPool<1>;
/// Over images.
using AdaptiveMaxPool2d = AdaptiveMaxPool<2>;
/// Over volumes.
using AdaptiveMaxPool3d = AdaptiveMaxPool<3>;
extern template class AdaptiveMaxPool<1>;
extern template class AdaptiveMaxPool<2>;
extern template class AdaptiveMaxPool<3>;

}  // namespace chainrule
