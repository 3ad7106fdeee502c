// Convolutions and transposed ones over one to three axes, and what their derivatives are made of.
#include "kernels/convolution.h"

#include "ops/networks/spatial.h"
#include "ops/registry.h"

namespace chainrule {
namespace ops {
namespace {

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
    return {{"kernel", kernel}, {"stride", stride}, {"dilation", dilation},        {"before", before},
            {"in", in},         {"out", out},       {"groups", convolution.groups}};
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
  /// Of such a result, the stack.
  static Tensor as_stack(const Tensor& result, std::int64_t size, std::size_t axis) {
    const Shape& shape = result.shape();
    std::vector<std::int64_t> sizes(shape.begin(), shape.end());
    sizes[axis] /= std::max<std::int64_t>(size, 1);
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
    op.multiply(at.size, groups);
    const Tensor from = groups ? more_groups(at.batched(0)) : more_samples(at.batched(0)),
                 weight = groups ? more_samples(at.in[1]) : at.in[1];
    Tensor result = as_stack(apply(op, {}, Argument(from), Argument(weight)), at.size, groups ? 1 : 0);
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
    const auto add = [&](const Tensor& part) { sum = sum.is_empty() ? part : sum + part; };
    if (!tangents[0].is_empty()) add(apply(Op(op), {}, Argument(tangents[0]), Argument(in[1])));
    if (!tangents[1].is_empty()) add(apply(Op(op), {}, Argument(in[0]), Argument(tangents[1])));
    if (tangents.size() == 3 && !tangents[2].is_empty()) {
      Shape one = Shape::filled(out.rank(), 1);
      one[1] = tangents[2].shape()[0];
      add(broadcast_to(reshape(tangents[2], one), out.shape()));
    }
    return sum;
  }
  Tensor to_x(const Tensor& y, const Tensor& weight) const;
  Tensor to_weight(const Tensor& x, const Tensor& y) const;
  Tensor to_y(const Tensor& x, const Tensor& weight) const;
};

}  // namespace

/// y from x and weight, and a bias.
struct Convolve : Trilinear {
  static constexpr std::string_view
      name = "convolution",
      formula =
          "∂conv(x, w): to x: g transposed-convolved with w,  to w: x convolved "
          "with g,  to the bias: Σ g";
  Array forward(Values in) const {
    return run(y_shape, in[0]->dtype(), [&]<class T>(T* out) {
      kernels::convolve(convolution, in[0]->data<T>(), in[1]->data<T>(), bias<T>(in), out);
    });
  }
  Tensor batch(const Unwrapped& at) const { return of_all(*this, at); }
  Tensor jvp(Inputs in, const Tensor& out, Inputs tangents) const { return along(*this, in, out, tangents); }
  void vjp(Inputs in, const Tensor&, const Tensor& g, Cotangents& to) const {
    if (to.wants(0)) to[0] = to_x(g, in[1]);
    if (to.wants(1)) to[1] = to_weight(in[0], g);
    if (in.size() == 3) to_bias(g, to);
  }
  LocalFormula local_formula(std::size_t input, std::span<const std::string> names,
                             const std::string&) const {
    return {input == 0   ? "conv_transpose(g, " + names[1] + ")"
            : input == 1 ? "conv(" + names[0] + ", g)"
                         : "Σ g",
            false};
  }
};

/// x from y and weight, and a bias.
struct ConvolveBack : Trilinear {
  static constexpr std::string_view name = "transposed_convolution",
                                    formula =
                                        "∂conv_transpose(y, w): to y: g convolved with w,  to w: g convolved "
                                        "with y,  to the bias: Σ g";
  Array forward(Values in) const {
    return run(x_shape, in[0]->dtype(), [&]<class T>(T* out) {
      kernels::convolve_back(convolution, in[0]->data<T>(), in[1]->data<T>(), bias<T>(in), out);
    });
  }
  Tensor batch(const Unwrapped& at) const { return of_all(*this, at); }
  Tensor jvp(Inputs in, const Tensor& out, Inputs tangents) const { return along(*this, in, out, tangents); }
  void vjp(Inputs in, const Tensor&, const Tensor& g, Cotangents& to) const {
    if (to.wants(0)) to[0] = to_y(g, in[1]);
    if (to.wants(1)) to[1] = to_weight(g, in[0]);
    if (in.size() == 3) to_bias(g, to);
  }
  LocalFormula local_formula(std::size_t input, std::span<const std::string> names,
                             const std::string&) const {
    return {input == 0   ? "conv(g, " + names[1] + ")"
            : input == 1 ? "conv(g, " + names[0] + ")"
                         : "Σ g",
            false};
  }
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
    return as_stack(apply(op, {}, Argument(x), Argument(y)), at.size, 0);
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

namespace {

Tensor Trilinear::to_x(const Tensor& y, const Tensor& weight) const {
  return apply(ConvolveBack{*this}, Here::now(), Argument(y), Argument(weight));
}
Tensor Trilinear::to_weight(const Tensor& x, const Tensor& y) const {
  return apply(ConvolutionWeight{*this}, Here::now(), Argument(x), Argument(y));
}
Tensor Trilinear::to_y(const Tensor& x, const Tensor& weight) const {
  return apply(Convolve{*this}, Here::now(), Argument(x), Argument(weight));
}

/// What a call is checked and planned with.
struct Call {
  std::string operation;
  std::size_t spatial;
  const Shape &x, &weight;

  [[noreturn]] void fail(const std::string& what) const { throw ShapeError(operation + ": " + what); }
  std::string x_is() const { return "x " + layout("N", "C", spatial) + " = " + to_string(x); }
  std::string weight_is() const { return "weight " + to_string(weight); }

  /// `across` is the axis of the weight that x's channels are divided over, `filters` that of the result's.
  void check(std::int64_t groups, const char* weight_layout) const {
    if (weight.rank() != spatial + 2)
      fail("weight has shape " + to_string(weight) + "; it must have " + std::to_string(spatial + 2) +
           " axes: " + weight_layout);
    for (std::size_t axis = 2; axis < weight.rank(); ++axis)
      if (weight[axis] == 0) fail(weight_is() + " has a kernel of size 0; give it at least one element");
    if (groups < 1) fail("groups is " + std::to_string(groups) + "; it must be at least 1");
  }
  void check_bias(const Operand* bias, std::int64_t channels) const {
    if (bias == nullptr) return;
    const Shape shape = bias->as_tensor().shape();
    if (shape != Shape{channels})
      fail("bias has shape " + to_string(shape) + ", weight " + to_string(weight) + " makes " +
           std::to_string(channels) + " channels; it must be (" + std::to_string(channels) + ",)");
  }
  /// Size `axis` of a shape (two axes, spatial...).
  static std::int64_t size(const Shape& shape, std::size_t axis) {
    if (shape[axis + 2] >= largest_step)
      throw ShapeError("convolution: an axis of " + to_string(shape) + " has 2³⁰ elements or more; cut it");
    return shape[axis + 2];
  }
};

template <class Op>
Tensor run(const Op& op, const Tensor& x, const Operand& weight, const Operand* bias, Here here) {
  const DType dtype = x.dtype();
  if (bias == nullptr) return apply(op, here, Argument(x), Argument(weight, dtype));
  return apply(op, here, Argument(x), Argument(weight, dtype), Argument(*bias, dtype));
}

DType dtype_of_all(const Operand& x, const Operand& weight, const Operand* bias) {
  return real_dtype(bias == nullptr ? common_dtype(x, weight) : common_dtype(x, weight, *bias));
}

/// y's shape (N, channels, the sizes that `windows` says).
Shape result_shape(std::int64_t samples, std::int64_t channels, std::size_t spatial, const auto& size) {
  Shape shape = Shape::filled(spatial + 2, samples);
  shape[1] = channels;
  for (std::size_t axis = 0; axis < spatial; ++axis) shape[axis + 2] = size(axis);
  (void)shape.size();  // countable
  return shape;
}

Tensor convolution(const std::string& operation, std::size_t spatial, const Operand& x, const Operand& weight,
                   const Operand* bias, const ConvOptions& options) {
  const Tensor in = x.as(dtype_of_all(x, weight, bias));
  const Shape weight_shape = weight.as_tensor().shape();
  return in_batch(operation, in, spatial, [&](const Tensor& batch) {
    const Shape shape = batch.shape();
    const Call call{operation, spatial, shape, weight_shape};
    const std::int64_t groups = options.groups;
    call.check(groups, "(out, C / groups, kernel...)");
    if (shape[1] % groups != 0 || weight_shape[0] % groups != 0)
      call.fail(std::to_string(groups) + " groups do not divide the " + std::to_string(shape[1]) +
                " channels of x and the " + std::to_string(weight_shape[0]) +
                " of the result; choose a divisor of both");
    if (shape[1] / groups != weight_shape[1])
      call.fail(call.x_is() + " has " + std::to_string(shape[1]) + " channels, " + call.weight_is() +
                " takes " + std::to_string(weight_shape[1]) +
                (groups > 1 ? " in each of " + std::to_string(groups) + " groups" : "") +
                "; weight must be (out, C / groups, kernel...)");
    call.check_bias(bias, weight_shape[0]);
    Convolve op;
    op.convolution = {{}, shape[0], groups, weight_shape[1], weight_shape[0] / groups};
    for (std::size_t axis = 0; axis < spatial; ++axis) {
      kernels::WindowAxis& along = op.convolution.windows.axes[3 - spatial + axis];
      along.in = Call::size(shape, axis);
      along.kernel = Call::size(weight_shape, axis);
      along.stride = per_axis(operation, "stride", options.stride, axis, spatial, 1);
      along.dilation = per_axis(operation, "dilation", options.dilation, axis, spatial, 1);
      const std::int64_t reach = along.dilation * (along.kernel - 1) + 1;
      std::int64_t padded = along.in;
      if (options.padding.is_same()) {
        if (along.stride != 1)
          call.fail("padding 'same' with stride " + to_string(options.stride) +
                    "; it keeps the size, so stride must be 1");
        along.before = (reach - 1) / 2;
        padded += reach - 1;
      } else {
        along.before = per_axis(operation, "padding", options.padding.sizes(), axis, spatial, 0);
        padded += 2 * along.before;
      }
      if (reach > padded)
        call.fail("the kernel of " + call.weight_is() + ", which reaches over " + std::to_string(reach) +
                  " elements, is larger than the " + std::to_string(padded) + " of " + call.x_is() +
                  " with its padding" + " along axis " + std::to_string(axis + 2) +
                  "; use a smaller kernel or more padding");
      along.out = (padded - reach) / along.stride + 1;
    }
    const auto& axes = op.convolution.windows.axes;
    op.x_shape = shape;
    op.weight_shape = weight_shape;
    op.y_shape = result_shape(shape[0], weight_shape[0], spatial,
                              [&](std::size_t axis) { return axes[3 - spatial + axis].out; });
    return run(op, batch, weight, bias, x.here());
  });
}

Tensor transposed_convolution(const std::string& operation, std::size_t spatial, const Operand& x,
                              const Operand& weight, const Operand* bias,
                              const ConvTransposeOptions& options) {
  const Tensor in = x.as(dtype_of_all(x, weight, bias));
  const Shape weight_shape = weight.as_tensor().shape();
  return in_batch(operation, in, spatial, [&](const Tensor& batch) {
    const Shape shape = batch.shape();
    const Call call{operation, spatial, shape, weight_shape};
    const std::int64_t groups = options.groups;
    call.check(groups, "(C, out / groups, kernel...)");
    if (shape[1] != weight_shape[0])
      call.fail(call.x_is() + " has " + std::to_string(shape[1]) + " channels, " + call.weight_is() +
                " takes " + std::to_string(weight_shape[0]) +
                "; weight must be (C, out / groups, kernel...)");
    if (shape[1] % groups != 0)
      call.fail(std::to_string(groups) + " groups do not divide the " + std::to_string(shape[1]) +
                " channels of x; choose a divisor");
    std::int64_t channels = 0;
    if (__builtin_mul_overflow(weight_shape[1], groups, &channels))
      call.fail("too many channels; choose fewer groups");
    call.check_bias(bias, channels);
    ConvolveBack op;
    op.convolution = {{}, shape[0], groups, weight_shape[1], shape[1] / groups};
    for (std::size_t axis = 0; axis < spatial; ++axis) {
      kernels::WindowAxis& along = op.convolution.windows.axes[3 - spatial + axis];
      along.out = Call::size(shape, axis);
      along.kernel = Call::size(weight_shape, axis);
      along.stride = per_axis(operation, "stride", options.stride, axis, spatial, 1);
      along.dilation = per_axis(operation, "dilation", options.dilation, axis, spatial, 1);
      along.before = per_axis(operation, "padding", options.padding, axis, spatial, 0);
      const std::int64_t more =
          per_axis(operation, "output_padding", options.output_padding, axis, spatial, 0);
      if (more >= std::max(along.stride, along.dilation))
        call.fail("output_padding " + to_string(options.output_padding) +
                  " must be below stride or dilation, which it chooses between; here " +
                  std::to_string(std::max(along.stride, along.dilation)));
      along.in =
          (along.out - 1) * along.stride - 2 * along.before + along.dilation * (along.kernel - 1) + more + 1;
      if (along.in < 1)
        call.fail("of " + call.x_is() + " nothing is left along axis " + std::to_string(axis + 2) +
                  ": the size of the result would be " + std::to_string(along.in) + "; use less padding");
    }
    const auto& axes = op.convolution.windows.axes;
    op.y_shape = shape;
    op.weight_shape = weight_shape;
    op.x_shape = result_shape(shape[0], channels, spatial,
                              [&](std::size_t axis) { return axes[3 - spatial + axis].in; });
    return run(op, batch, weight, bias, x.here());
  });
}

/// stride, padding, dilation and groups from the arguments from number 3 on.
ConvOptions conv_options(Arguments& a, std::size_t spatial) {
  const Padding padding = !a.is_word(4)                         ? Padding(per_axis_argument(a, 4, spatial))
                          : a.choice(4, {"valid", "same"}) == 1 ? Pad::same
                                                                : Pad::valid;
  return {.stride = per_axis_argument(a, 3, spatial),
          .padding = padding,
          .dilation = per_axis_argument(a, 5, spatial),
          .groups = a.integer(6)};
}
/// The same with output_padding and groups before dilation, as PyTorch has them.
ConvTransposeOptions conv_transpose_options(Arguments& a, std::size_t spatial) {
  return {.stride = per_axis_argument(a, 3, spatial),
          .padding = per_axis_argument(a, 4, spatial),
          .output_padding = per_axis_argument(a, 5, spatial),
          .dilation = per_axis_argument(a, 7, spatial),
          .groups = a.integer(6)};
}

template <std::size_t spatial>
constexpr Entry conv(std::string_view name, std::string_view example) {
  return {.name = name,
          .parameters = "x|input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1",
          .call = [](Arguments& a) -> Result {
            const std::optional<Operand> bias = a.given(2) ? std::optional(a[2]) : std::nullopt;
            return detail::convolution(spatial, a[0], a[1], bias ? &*bias : nullptr,
                                       conv_options(a, spatial));
          },
          .formula = Convolve::formula,
          .example = example};
}
template <std::size_t spatial>
constexpr Entry conv_transpose(std::string_view name, std::string_view example) {
  return {
      .name = name,
      .parameters = "x|input, weight, bias=None, stride=1, padding=0, output_padding=0, groups=1, dilation=1",
      .call = [](Arguments& a) -> Result {
        const std::optional<Operand> bias = a.given(2) ? std::optional(a[2]) : std::nullopt;
        return detail::transposed_convolution(spatial, a[0], a[1], bias ? &*bias : nullptr,
                                              conv_transpose_options(a, spatial));
      },
      .formula = ConvolveBack::formula,
      .example = example};
}

}  // namespace
}  // namespace ops

Tensor detail::convolution(std::size_t spatial, const Operand& x, const Operand& weight, const Operand* bias,
                           const ConvOptions& options) {
  const std::string called = "conv" + std::to_string(spatial) + "d";
  try {
    return ops::convolution(called, spatial, x, weight, bias, options);
  } catch (...) {
    bias != nullptr ? rethrow_in_call(called, x, weight, *bias) : rethrow_in_call(called, x, weight);
  }
}

Tensor detail::transposed_convolution(std::size_t spatial, const Operand& x, const Operand& weight,
                                      const Operand* bias, const ConvTransposeOptions& options) {
  const std::string called = "conv_transpose" + std::to_string(spatial) + "d";
  try {
    return ops::transposed_convolution(called, spatial, x, weight, bias, options);
  } catch (...) {
    bias != nullptr ? rethrow_in_call(called, x, weight, *bias) : rethrow_in_call(called, x, weight);
  }
}

namespace ops {

Entries convolution_operations() {
  static constexpr Entry table[] = {
      conv<1>("conv1d", "conv1d([[1, 2, 3, 4]], [[[1, -1]]])"),
      conv<2>("conv2d", "conv2d([[[1, 2], [3, 4]]], [[[[1, 0], [0, 1]]]], padding='same')"),
      conv<3>("conv3d", "conv3d(ones(1, 2, 2, 2), ones(1, 1, 2, 2, 2))"),
      conv_transpose<1>("conv_transpose1d", "conv_transpose1d([[1, 2]], [[[1, 1, 1]]], stride=2)"),
      conv_transpose<2>("conv_transpose2d",
                        "conv_transpose2d([[[1, 2], [3, 4]]], [[[[1, 1], [1, 1]]]], stride=2)"),
      conv_transpose<3>("conv_transpose3d", "conv_transpose3d(ones(1, 1, 1, 1), ones(1, 1, 2, 2, 2))"),
      inner<Convolve>(),
      inner<ConvolveBack>(),
      inner<ConvolutionWeight>(),
  };
  return table;
}

}  // namespace ops
}  // namespace chainrule
