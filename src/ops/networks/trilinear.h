// The three operations of convolutions, each of which the derivatives of the others are made of.
// Relies on kernels/convolution.h.

#pragma once

#include "autograd/total.h"
#include "kernels/convolution.h"
#include "ops/networks/spatial.h"

namespace chainrule::ops {

/// A number that is linear in x, weight and y (see kernels::Convolution), of which each operation is the
/// derivative by one. So the derivatives of each are the two others.
struct Trilinear {
  kernels::Convolution convolution;
  Shape x_shape, weight_shape, y_shape;

  static Array run(const Shape& shape, DType dtype, const auto& f) {
    Array out(shape, dtype);
    dispatch_floating(dtype, [&]<class T>() { f(out.mutable_data<T>()); });
    return out;
  }
  template <class T>
  static const T* bias(Values in) {
    return in.size() == 3 ? in[2]->data<T>() : nullptr;
  }
  std::int64_t flops(Inputs, const Shape&) const {
    const std::int64_t depth = convolution.in_channels * convolution.windows.kernel_size();
    return 2 * y_shape.size() * depth;
  }
  /// Of the last axes, as many as there may be; the others have kernels of 1.
  Attributes attributes() const {
    std::vector<std::int64_t> kernel, stride, dilation, before, in, out;
    for (const kernels::WindowAxis& axis : convolution.windows.axes) {
      kernel.push_back(axis.kernel);
      stride.push_back(axis.stride);
      dilation.push_back(axis.dilation);
      before.push_back(axis.before);
      in.push_back(axis.in);
      out.push_back(axis.out);
    }
    return {{"kernel", kernel},
            {"stride", stride},
            {"dilation", dilation},
            {"before", before},
            {"in", in},
            {"out", out},
            {"groups", convolution.groups},
            {"x", as_attribute(x_shape)},
            {"weight", as_attribute(weight_shape)},
            {"y", as_attribute(y_shape)}};
  }
  Reads reads(Wanted wanted) const {
    return (wanted(0) ? reads_input(1) : 0) | (wanted(1) ? reads_input(0) : 0);
  }
  /// To the bias of each channel.
  static void to_bias(const Tensor& g, Cotangents& to) {
    if (!to.wants(2)) return;
    std::vector<std::int64_t> axes;
    for (std::size_t axis = 0; axis < g.rank(); ++axis)
      if (axis != 1) axes.push_back(static_cast<std::int64_t>(axis));
    to[2] = sum(g, axes);
  }
  /// The three arrays, with those of all samples of a vmap as one: beside each other as further samples where
  /// the weight is one for all, otherwise as further groups.
  static Tensor more_samples(const Tensor& stack) { return merged(stack, 0); }
  static Tensor more_groups(const Tensor& stack) { return merged(swapaxes(stack, 0, 1), 1); }
  static Tensor merged(const Tensor& turned, std::size_t axis) {
    const Shape& shape = turned.shape();
    std::vector<std::int64_t> sizes(shape.begin(), shape.end());
    sizes[axis + 1] *= sizes[axis];
    sizes.erase(sizes.begin() + static_cast<std::ptrdiff_t>(axis));
    return reshape(turned, Shape(sizes));
  }
  /// Of such a result, the stack: each sample has so many along the axis.
  static Tensor as_stack(const Tensor& result, std::int64_t size, std::size_t axis, std::int64_t each) {
    const Shape& shape = result.shape();
    std::vector<std::int64_t> sizes(shape.begin(), shape.end());
    sizes[axis] = each;  // not a share, which without samples says nothing
    sizes.insert(sizes.begin() + static_cast<std::ptrdiff_t>(axis), size);
    const Tensor stack = reshape(result, Shape(sizes));
    return axis == 0 ? stack : swapaxes(stack, 0, 1);
  }
  void multiply(std::int64_t size, bool groups) {
    (groups ? convolution.groups : convolution.samples) *= size;
    x_shape[groups ? 1 : 0] *= size;
    y_shape[groups ? 1 : 0] *= size;
    if (groups) weight_shape[0] *= size;
  }
  /// y from x, or x from y, with a weight.
  template <class Op>
  static Tensor of_all(Op op, const Unwrapped& at) {
    const bool groups = at.has(1);
    const std::size_t axis = groups ? 1 : 0;
    const std::int64_t each = (Op::is_transposed ? op.x_shape : op.y_shape)[axis];
    op.multiply(at.size, groups);
    const Tensor from = groups ? more_groups(at.batched(0)) : more_samples(at.batched(0)),
                 weight = groups ? more_samples(at.in[1]) : at.in[1];
    Tensor result = as_stack(apply(op, {}, Argument(from), Argument(weight)), at.size, axis, each);
    return at.in.size() == 3 ? result + bias_of(at, result.rank() - 1) : result;
  }
  static Tensor bias_of(const Unwrapped& at, std::size_t rank) {
    Shape one = Shape::filled(rank, 1);
    one[1] = at.shape(2)[0];
    return reshape(at.in[2], at.has(2) ? with_first(at.size, one) : one);
  }
  /// Linear in both, and in the bias.
  template <class Op>
  static Tensor along(const Op& op, Inputs in, const Tensor& out, Inputs tangents) {
    Tensor sum;
    if (!tangents[0].is_empty()) add_to(sum, apply(Op(op), {}, Argument(tangents[0]), Argument(in[1])));
    if (!tangents[1].is_empty()) add_to(sum, apply(Op(op), {}, Argument(in[0]), Argument(tangents[1])));
    if (tangents.size() == 3 && !tangents[2].is_empty()) {
      Shape one = Shape::filled(out.rank(), 1);
      one[1] = tangents[2].shape()[0];
      add_to(sum, broadcast_to(reshape(tangents[2], one), out.shape()));
    }
    return sum;
  }
  Tensor to_x(const Tensor& y, const Tensor& weight) const;
  Tensor to_weight(const Tensor& x, const Tensor& y) const;
  Tensor to_y(const Tensor& x, const Tensor& weight) const;
};

/// One of x and y from the other and the weight, and a bias.
template <class Op>
struct WithWeight : Trilinear {
  Array forward(Values in) const {
    const Shape& shape = Op::is_transposed ? x_shape : y_shape;
    return run(shape, in[0]->dtype(), [&]<class T>(T* out) {
      const T *from = in[0]->data<T>(), *weight = in[1]->data<T>();
      if constexpr (Op::is_transposed)
        kernels::convolve_back(convolution, from, weight, bias<T>(in), out);
      else
        kernels::convolve(convolution, from, weight, bias<T>(in), out);
    });
  }
  Tensor batch(const Unwrapped& at) const { return of_all(op(), at); }
  Tensor jvp(Inputs in, const Tensor& out, Inputs tangents) const { return along(op(), in, out, tangents); }
  void vjp(Inputs in, const Tensor&, const Tensor& g, Cotangents& to) const {
    if (to.wants(0)) to[0] = Op::is_transposed ? to_y(g, in[1]) : to_x(g, in[1]);
    if (to.wants(1)) to[1] = Op::is_transposed ? to_weight(g, in[0]) : to_weight(in[0], g);
    if (in.size() == 3) to_bias(g, to);
  }
  LocalFormula local_formula(std::size_t input, std::span<const std::string> names,
                             const std::string&) const {
    if (input == 2) return {"Σ g", false};
    if (input == 1)
      return {Op::is_transposed ? "conv(g, " + names[0] + ")" : "conv(" + names[0] + ", g)", false};
    return {(Op::is_transposed ? "conv(g, " : "conv_transpose(g, ") + names[1] + ")", false};
  }

 private:
  const Op& op() const { return static_cast<const Op&>(*this); }
};

/// y from x.
struct Convolve : WithWeight<Convolve> {
  static constexpr bool is_transposed = false;
  static constexpr std::string_view
      name = "convolution",
      formula =
          "∂conv(x, w): to x: g transposed-convolved with w,  to w: x convolved "
          "with g,  to the bias: Σ g";
};

/// x from y.
struct ConvolveBack : WithWeight<ConvolveBack> {
  static constexpr bool is_transposed = true;
  static constexpr std::string_view name = "transposed_convolution",
                                    formula =
                                        "∂conv_transpose(y, w): to y: g convolved with w,  to w: g convolved "
                                        "with y,  to the bias: Σ g";
};

/// The weight from x and y.
struct ConvolutionWeight : Trilinear {
  static constexpr std::string_view name = "convolution_weight",
                                    formula =
                                        "to x: y transposed-convolved with g,  to y: x convolved with g";
  Array forward(Values in) const {
    return run(weight_shape, in[0]->dtype(), [&]<class T>(T* out) {
      kernels::convolution_weight(convolution, in[0]->data<T>(), in[1]->data<T>(), out);
    });
  }
  Tensor batch(const Unwrapped& at) const {
    ConvolutionWeight op = *this;
    op.multiply(at.size, true);
    const Tensor x = more_groups(at.batched(0)), y = more_groups(at.batched(1));
    return as_stack(apply(op, {}, Argument(x), Argument(y)), at.size, 0, weight_shape[0]);
  }
  Tensor jvp(Inputs in, const Tensor& out, Inputs tangents) const { return along(*this, in, out, tangents); }
  void vjp(Inputs in, const Tensor&, const Tensor& g, Cotangents& to) const {
    if (to.wants(0)) to[0] = to_x(in[1], g);
    if (to.wants(1)) to[1] = to_y(in[0], g);
  }
  LocalFormula local_formula(std::size_t input, std::span<const std::string> names,
                             const std::string&) const {
    return {input == 0 ? "conv_transpose(" + names[1] + ", g)" : "conv(" + names[0] + ", g)", false};
  }
};

inline Tensor Trilinear::to_x(const Tensor& y, const Tensor& weight) const {
  return apply(ConvolveBack{{*this}}, Here::now(), Argument(y), Argument(weight));
}
inline Tensor Trilinear::to_weight(const Tensor& x, const Tensor& y) const {
  return apply(ConvolutionWeight{*this}, Here::now(), Argument(x), Argument(y));
}
inline Tensor Trilinear::to_y(const Tensor& x, const Tensor& weight) const {
  return apply(Convolve{{*this}}, Here::now(), Argument(x), Argument(weight));
}

}  // namespace chainrule::ops
