// Layers of convolutions and of pooling, over one to three axes. What they compute is in networks.h; here are
// weights, their names and how they begin.

#include "chainrule/nn/convolution.h"

#include <array>
#include <utility>

#include "nn/layer.h"

namespace chainrule {
namespace {

std::string name_of(const char* layer, std::size_t spatial) { return layer + std::to_string(spatial) + "d"; }

/// (first, second, kernel...), after checks of all sizes.
Shape weight_shape(const std::string& layer, std::size_t spatial, std::int64_t in_channels,
                   std::int64_t out_channels, const PerAxis& kernel, std::int64_t groups,
                   bool transposed = false) {
  nn::require_positive(layer,
                       {{"in_channels", in_channels}, {"out_channels", out_channels}, {"groups", groups}});
  if (in_channels % groups != 0 || out_channels % groups != 0)
    throw ShapeError(layer + ": " + std::to_string(groups) + " groups do not divide " +
                     std::to_string(in_channels) + " channels in and " + std::to_string(out_channels) +
                     " out");
  if (kernel.rank() != 1 && kernel.rank() != spatial)
    throw ShapeError(layer + ": a kernel of " + to_string(kernel) + " for " + std::to_string(spatial) +
                     " axes; give one number, or one for each");
  Shape shape = Shape::filled(spatial + 2, 1);
  shape[0] = transposed ? in_channels : out_channels;
  shape[1] = (transposed ? out_channels : in_channels) / groups;
  for (std::size_t axis = 0; axis < spatial; ++axis) {
    shape[axis + 2] = kernel[kernel.rank() == 1 ? 0 : axis];
    nn::require_positive(layer, {{"a size of the kernel", shape[axis + 2]}});
  }
  return shape;
}

std::optional<Parameter> zero_bias(Bias bias, std::int64_t channels, const std::string& name, DType dtype) {
  if (bias == Bias::none) return {};
  return Parameter(zeros({channels}, dtype), name + ".bias");
}

}  // namespace

template <std::size_t spatial>
Conv<spatial>::Conv(Integer in_channels, Integer out_channels, const PerAxis& kernel, Generator& generator,
                    const ConvOptions& given, Bias with_bias, DType dtype)
    : weight(kaiming_normal(weight_shape(name_of("Conv", spatial), spatial, in_channels, out_channels, kernel,
                                         given.groups),
                            generator, {}, dtype),
             name_of("conv", spatial) + ".weight"),
      bias(zero_bias(with_bias, out_channels, name_of("conv", spatial), dtype)),
      options(given) {}

template <std::size_t spatial>
Tensor Conv<spatial>::operator()(const Operand& x) const {
  const Scope scope(nn::scope_of(weight));
  const Operand added = bias ? Operand(*bias) : Operand(0);
  return detail::convolution(spatial, x, weight, bias ? &added : nullptr, options);
}

template <std::size_t spatial>
ConvTranspose<spatial>::ConvTranspose(Integer in_channels, Integer out_channels, const PerAxis& kernel,
                                      Generator& generator, const ConvTransposeOptions& given, Bias with_bias,
                                      DType dtype)
    // As many numbers as the weight of a convolution the other way, and the variance of one this way.
    : weight(kaiming_normal(weight_shape(name_of("ConvTranspose", spatial), spatial, in_channels,
                                         out_channels, kernel, given.groups),
                            generator, {}, dtype)
                 .reshape(weight_shape("", spatial, in_channels, out_channels, kernel, given.groups, true)),
             name_of("conv_transpose", spatial) + ".weight"),
      bias(zero_bias(with_bias, out_channels, name_of("conv_transpose", spatial), dtype)),
      options(given) {}

template <std::size_t spatial>
Tensor ConvTranspose<spatial>::operator()(const Operand& x) const {
  const Scope scope(nn::scope_of(weight));
  const Operand added = bias ? Operand(*bias) : Operand(0);
  return detail::transposed_convolution(spatial, x, weight, bias ? &added : nullptr, options);
}

template <std::size_t spatial>
MaxPool<spatial>::MaxPool(PerAxis given, MaxPoolOptions given_options)
    : kernel(std::move(given)), options(std::move(given_options)) {}

template <std::size_t spatial>
Tensor MaxPool<spatial>::operator()(const Operand& x) const {
  constexpr std::array pools = {&max_pool1d, &max_pool2d, &max_pool3d};
  return pools[spatial - 1](x, kernel, options);
}

template <std::size_t spatial>
AvgPool<spatial>::AvgPool(PerAxis given, AvgPoolOptions given_options)
    : kernel(std::move(given)), options(std::move(given_options)) {}

template <std::size_t spatial>
Tensor AvgPool<spatial>::operator()(const Operand& x) const {
  constexpr std::array pools = {&avg_pool1d, &avg_pool2d, &avg_pool3d};
  return pools[spatial - 1](x, kernel, options);
}

template <std::size_t spatial>
AdaptiveAvgPool<spatial>::AdaptiveAvgPool(PerAxis given) : size(std::move(given)) {}

template <std::size_t spatial>
Tensor AdaptiveAvgPool<spatial>::operator()(const Operand& x) const {
  constexpr std::array pools = {&adaptive_avg_pool1d, &adaptive_avg_pool2d, &adaptive_avg_pool3d};
  return pools[spatial - 1](x, size);
}

template <std::size_t spatial>
AdaptiveMaxPool<spatial>::AdaptiveMaxPool(PerAxis given) : size(std::move(given)) {}

template <std::size_t spatial>
Tensor AdaptiveMaxPool<spatial>::operator()(const Operand& x) const {
  constexpr std::array pools = {&adaptive_max_pool1d, &adaptive_max_pool2d, &adaptive_max_pool3d};
  return pools[spatial - 1](x, size);
}

template class Conv<1>;
template class Conv<2>;
template class Conv<3>;
template class ConvTranspose<1>;
template class ConvTranspose<2>;
template class ConvTranspose<3>;
template class MaxPool<1>;
template class MaxPool<2>;
template class MaxPool<3>;
template class AvgPool<1>;
template class AvgPool<2>;
template class AvgPool<3>;
template class AdaptiveAvgPool<1>;
template class AdaptiveAvgPool<2>;
template class AdaptiveAvgPool<3>;
template class AdaptiveMaxPool<1>;
template class AdaptiveMaxPool<2>;
template class AdaptiveMaxPool<3>;

}  // namespace chainrule
