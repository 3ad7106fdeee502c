// Convolutions and transposed ones over one to three axes: arguments, checks and shapes. The operations,
// which are each other's derivatives, are in trilinear.h.

#include "ops/networks/trilinear.h"
#include "ops/registry.h"

namespace chainrule {
namespace ops {
namespace {

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
    const Shape& shape = batch.shape();
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
    const Shape& shape = batch.shape();
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
