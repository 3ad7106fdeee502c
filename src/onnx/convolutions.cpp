// Convolutions of one to three spatial axes, and the sum of patches that is the reverse of cutting them out.
// Padding that differs on the two sides is added first.

#include "chainrule/functions.h"
#include "chainrule/indexing.h"
#include "chainrule/networks.h"
#include "chainrule/shaping.h"
#include "onnx/operators.h"
#include "onnx/windows.h"

namespace chainrule::onnx {
namespace {

void require_spatial(const Tensor& x, const Tensor& weight) {
  if (x.rank() < 3 || x.rank() > 5 || weight.rank() != x.rank())
    Call::fail("it needs one to three spatial axes, and has shapes " + to_string(x.shape()) + " and " +
               to_string(weight.shape()));
}
std::vector<std::int64_t> kernel_of(const Tensor& weight) {
  return {weight.shape().begin() + 2, weight.shape().end()};
}

Tensor convolved(const Tensor& x, const Tensor& weight, const Tensor& bias, const ConvOptions& options) {
  switch (x.rank()) {
    case 3: return bias.is_empty() ? conv1d(x, weight, options) : conv1d(x, weight, bias, options);
    case 4: return bias.is_empty() ? conv2d(x, weight, options) : conv2d(x, weight, bias, options);
    default: return bias.is_empty() ? conv3d(x, weight, options) : conv3d(x, weight, bias, options);
  }
}

Values convolve(const Call& call) {
  const Tensor &x = call[0], &weight = call[1];
  require_spatial(x, weight);
  const Windows windows = windows_of(call, x, kernel_of(weight));
  std::vector<std::int64_t> sizes = {x.shape()[0], weight.shape()[0]};
  sizes.insert(sizes.end(), windows.count.begin(), windows.count.end());
  call.require_size(sizes);
  ConvOptions options{.stride = per_axis(windows.stride),
                      .dilation = per_axis(windows.dilation),
                      .groups = call.integer("group", 1)};
  if (windows.is_symmetric()) {
    options.padding = per_axis(windows.before);
    return one(convolved(x, weight, call.maybe(2), options));
  }
  return one(convolved(padded(x, windows, 0, false), weight, call.maybe(2), options));
}

/// Without padding, which then takes away at the ends: before and behind, or as output_shape asks.
Values convolve_transposed(const Call& call) {
  const Tensor &x = call[0], &weight = call[1];
  require_spatial(x, weight);
  const std::size_t axes = x.rank() - 2;
  const auto list = [&](const char* name, std::size_t count, std::int64_t otherwise) {
    std::vector<std::int64_t> result = call.integers(name).value_or(std::vector<std::int64_t>());
    if (result.empty()) result.assign(count, otherwise);
    if (result.size() != count)
      Call::fail("its attribute '" + std::string(name) + "' is not of " + std::to_string(count) + " numbers");
    for (const std::int64_t number : result)
      if (number < 0 || number > 1 << 30)
        Call::fail("its attribute '" + std::string(name) + "' has " + std::to_string(number));
    return result;
  };
  const std::vector<std::int64_t> kernel = kernel_of(weight), said = list("kernel_shape", axes, 0);
  if (call.has("kernel_shape") && said != kernel) Call::fail("its kernel is not of the shape that it says");
  const std::vector<std::int64_t> stride = list("strides", axes, 1), dilation = list("dilations", axes, 1);
  const std::vector<std::int64_t> more = list("output_padding", axes, 0), pads = list("pads", 2 * axes, 0);
  std::optional<std::vector<std::int64_t>> wanted;
  if (call.has("output_shape")) wanted = list("output_shape", axes, 0);
  const std::size_t automatic = call.choice("auto_pad", {"NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID"});
  const ConvTransposeOptions options{
      .stride = per_axis(stride), .dilation = per_axis(dilation), .groups = call.integer("group", 1)};

  if (options.groups < 1 || options.groups > 1 << 30) Call::fail("its attribute 'group' must be positive");
  std::vector<std::int64_t> whole = {x.shape()[0], weight.shape()[1] * options.groups};
  for (std::size_t i = 0; i < axes; ++i)
    whole.push_back(stride[i] * (x.shape()[i + 2] - 1) + dilation[i] * (kernel[i] - 1) + 1 + more[i]);
  call.require_size(whole);
  std::vector<std::int64_t> sizes;  // to be added around, from the last axis on
  for (std::size_t i = axes; i-- > 0;) {
    std::int64_t before = pads[i], after = pads[i + axes];
    if (wanted || automatic == 1 || automatic == 2) {
      const std::int64_t size = wanted ? (*wanted)[i] : x.shape()[i + 2] * stride[i];
      const std::int64_t both = whole[i + 2] - size;
      before = automatic == 1 ? both / 2 : both - both / 2;
      if (wanted && automatic == 0) before = both / 2;
      after = both - before;
    } else if (automatic == 3) {
      before = after = 0;
    }
    sizes.push_back(-before);
    sizes.push_back(more[i] - after);
    whole[i + 2] -= before + after;
  }
  call.require_size(whole);
  Tensor result;
  switch (axes) {
    case 1: result = conv_transpose1d(x, weight, options); break;
    case 2: result = conv_transpose2d(x, weight, options); break;
    default: result = conv_transpose3d(x, weight, options); break;
  }
  result = pad(result, sizes);
  if (!call.has(2)) return one(result);
  std::vector<std::int64_t> along(x.rank(), 1);
  along[1] = -1;
  return one(result + call[2].reshape(Shape(along)));
}

/// Patches (N, C · block, count) added up in the places of an image that they were cut from: by position,
/// with one scatter_add over all.
Values sum_of_patches(const Call& call) {
  const Tensor& x = call[0];
  const std::vector<std::int64_t> image = call.list(1), block = call.list(2);
  if (image.size() != block.size() || image.empty() || x.rank() != 3)
    Call::fail("its image, block and patches do not fit");
  std::vector<std::int64_t> sizes = {1, 1};
  sizes.insert(sizes.end(), image.begin(), image.end());
  call.require_size(sizes);
  std::int64_t patch = 1;
  for (const std::int64_t size : block) {
    if (size < 1) Call::fail("its block has a size of " + std::to_string(size));
    if (__builtin_mul_overflow(patch, size, &patch)) Call::fail("its block is too large");
  }
  if (x.shape()[1] % patch != 0)
    Call::fail("its block does not divide the channels of " + to_string(x.shape()));
  const std::int64_t n = x.shape()[0], c = x.shape()[1] / patch;
  const Windows windows = windows_of(call, zeros(Shape(sizes), DType::float32), block);
  // The place of each element of each patch in the padded image, in its row-major order.
  std::vector<std::int64_t> around = {1, 1};
  std::int64_t places_in_all = 1, patches = 1;
  for (std::size_t i = 0; i < image.size(); ++i) {
    around.push_back(image[i] + windows.before[i] + windows.after[i]);
    places_in_all *= around.back();
    patches *= windows.count[i];
  }
  if (patches != x.shape()[2])
    Call::fail("there are " + std::to_string(x.shape()[2]) + " patches, and " + std::to_string(patches) +
               " places for them");
  Windows inside = windows;
  inside.before.assign(image.size(), 0);
  inside.after = inside.beyond = inside.before;
  const Tensor numbers = unfolded(call, arange(0, places_in_all).reshape(Shape(around)), inside, 0);
  const Tensor places = transpose(numbers.reshape({patches, patch})).reshape({1, 1, patch * patches});
  const Tensor values = x.reshape({n, c, patch * patches});
  Tensor result =
      scatter_add(zeros({n, c, places_in_all}, x.dtype()), 2, broadcast_to(places, values.shape()), values);
  around[0] = n;
  around[1] = c;
  std::vector<std::int64_t> less;
  for (std::size_t i = image.size(); i-- > 0;) {
    less.push_back(-windows.before[i]);
    less.push_back(-windows.after[i]);
  }
  return one(pad(result.reshape(Shape(around)), less));
}

/// Each channel by itself, over what came before and is kept: x (N, C, L), weight (C, 1, k), state (N, C, k -
/// 1). Also the state after it.
Values causal_convolve(const Call& call) {
  const Tensor &x = call[0], &weight = call[1];
  const std::size_t activation = call.choice("activation", {"none", "silu", "swish"});
  require_spatial(x, weight);
  if (x.rank() != 3) Call::fail("it needs (N, C, L), and has shape " + to_string(x.shape()));
  const std::int64_t kept = weight.shape()[2] - 1;
  const Tensor state = call.has(3) ? call[3] : zeros({x.shape()[0], x.shape()[1], kept}, x.dtype());
  const Tensor parts[] = {state, x};
  const Tensor all = concatenate(parts, 2);
  const Tensor y = convolved(all, weight, call.maybe(2), {.groups = x.shape()[1]});
  return {activation == 0 ? y : silu(y), narrow(all, 2, all.shape()[2] - kept, kept)};
}

constexpr Operator table[] = {
    {"CausalConvWithState", causal_convolve},
    {"Col2Im", sum_of_patches},
    {"Conv", convolve},
    {"ConvTranspose", convolve_transposed},
};

}  // namespace

std::span<const Operator> convolution_operators() { return table; }

}  // namespace chainrule::onnx
