// What only moves elements: shapes, axes, pieces, padding.
// In older opsets axes and sizes are attributes, in newer ones inputs.

#include "chainrule/shaping.h"

#include <algorithm>
#include <numeric>

#include "onnx/call.h"
#include "onnx/operators.h"

namespace chainrule::onnx {
namespace {

std::vector<std::int64_t> sizes_of(const Tensor& x) { return {x.shape().begin(), x.shape().end()}; }

/// Axes given as an input in newer opsets, as an attribute in older ones; from 0 on.
std::optional<std::vector<std::int64_t>> axes_of(const Call& call, std::size_t input, std::size_t rank) {
  std::optional<std::vector<std::int64_t>> axes = call.integers("axes");
  if (call.has(input)) axes = call.list(input);
  if (axes)
    for (std::int64_t& axis : *axes) axis = Call::axis(axis, rank);
  return axes;
}

Values identity(const Call& call) { return {call.value(0)}; }

/// 0 keeps a size, unless `allowzero`; -1 is computed.
Values reshape_to(const Call& call) {
  const Tensor& x = call[0];
  std::vector<std::int64_t> sizes = call.list(1);
  if (!call.flag("allowzero"))
    for (std::size_t i = 0; i < sizes.size(); ++i)
      if (sizes[i] == 0) {
        if (i >= x.rank()) Call::fail("its shape keeps the size of an axis that its input has not");
        sizes[i] = x.shape()[i];
      }
  return one(reshape(x, Shape(sizes)));
}

Values flatten_to_matrix(const Call& call) {
  const Tensor& x = call[0];
  std::int64_t axis = call.integer("axis", 1);
  if (axis < 0) axis += static_cast<std::int64_t>(x.rank());
  if (axis < 0 || axis > static_cast<std::int64_t>(x.rank())) Call::fail("its axis does not exist");
  std::int64_t rows = 1, columns = 1;
  for (std::size_t i = 0; i < x.rank(); ++i)
    (static_cast<std::int64_t>(i) < axis ? rows : columns) *= x.shape()[i];
  return one(reshape(x, {rows, columns}));
}

Values transpose_to(const Call& call) {
  const auto order = call.integers("perm");
  return one(order ? permute(call[0], *order) : transpose(call[0]));
}

Values squeeze_axes(const Call& call) {
  const auto axes = axes_of(call, 1, call[0].rank());
  return one(axes ? squeeze(call[0], *axes) : squeeze(call[0]));
}

Values unsqueeze_axes(const Call& call) {
  const auto axes = call.has(1) ? call.list(1) : call.integers("axes");
  if (!axes) Call::fail("its axes are missing");
  return one(expand_dims(call[0], *axes));
}

Values expand_to(const Call& call) {
  const Tensor& x = call[0];
  std::vector<std::int64_t> sizes = call.list(1);
  // Both broadcast: a size of 1 there keeps that of x.
  const std::vector<std::int64_t> own = sizes_of(x);
  if (own.size() > sizes.size()) sizes.insert(sizes.begin(), own.size() - sizes.size(), 1);
  for (std::size_t i = 0; i < own.size(); ++i) {
    std::int64_t& size = sizes[sizes.size() - own.size() + i];
    if (size == 1) size = own[i];
  }
  call.require_size(sizes);
  return one(broadcast_to(x, Shape(sizes)));
}

Values concat(const Call& call) {
  std::vector<Tensor> parts = call.all();
  if (!call.has("axis")) Call::fail("its attribute 'axis' is missing");
  return one(concatenate(parts, Call::axis(call.integer("axis", 0), parts[0].rank())));
}

Values split_along(const Call& call) {
  const Tensor& x = call[0];
  const std::int64_t axis = Call::axis(call.integer("axis", 0), x.rank());
  const std::int64_t size = x.shape()[static_cast<std::size_t>(axis)];
  std::optional<std::vector<std::int64_t>> sizes = call.integers("split");
  if (call.has(1)) sizes = call.list(1);
  const auto parts = static_cast<std::int64_t>(call.outputs());
  const std::int64_t count = call.integer("num_outputs", parts);
  if (!sizes) {
    if (count != parts)
      Call::fail("it says that it has " + std::to_string(count) + " results, and names " +
                 std::to_string(parts));
    if (parts < 1) Call::fail("it has no results");
    // Of equal size, the last one smaller if need be.
    const std::int64_t each = (size + parts - 1) / parts;
    sizes.emplace();
    for (std::int64_t i = 0; i < parts; ++i)
      sizes->push_back(std::clamp(size - i * each, std::int64_t{0}, each));
  }
  Values results;
  for (Tensor& part : split(x, *sizes, axis)) results.emplace_back(std::move(part));
  return results;
}

/// Bounds beyond the ends are the ends, as in NumPy; all of them are inputs from opset 10 on.
Values slice(const Call& call) {
  const Tensor& x = call[0];
  const bool attributes = call.opset() < 10;
  const auto given = [&](std::size_t input, const char* name) {
    const auto from_attribute = call.integers(name);
    return attributes ? from_attribute : call.has(input) ? std::optional(call.list(input)) : std::nullopt;
  };
  const auto starts = given(1, "starts"), ends = given(2, "ends");
  if (!starts || !ends || starts->size() != ends->size()) Call::fail("it needs as many starts as ends");
  std::vector<std::int64_t> every(starts->size());
  std::iota(every.begin(), every.end(), 0);
  const std::vector<std::int64_t> axes = given(3, "axes").value_or(every);
  const std::vector<std::int64_t> steps =
      attributes || !call.has(4) ? std::vector<std::int64_t>(axes.size(), 1) : call.list(4);
  if (axes.size() != starts->size() || steps.size() != starts->size())
    Call::fail("its starts, ends, axes and steps are not equally many");
  std::vector<Index> where(x.rank(), Slice{});
  for (std::size_t i = 0; i < axes.size(); ++i) {
    const auto axis = static_cast<std::size_t>(Call::axis(axes[i], x.rank()));
    const std::int64_t size = x.shape()[axis], step = steps[i];
    if (step == 0) Call::fail("a step of 0 leads nowhere");
    const std::int64_t first = step > 0 ? 0 : -1, last = step > 0 ? size : size - 1;
    const auto bound = [&](std::int64_t at) { return std::clamp(at < 0 ? at + size : at, first, last); };
    const std::int64_t start = bound((*starts)[i]);
    const std::int64_t stop = bound((*ends)[i]);
    // -1 as a bound would be the last element: before the first there is nothing to say.
    if (step < 0 && start < 0) {
      where[axis] = Slice{0, 0, 1};
    } else {
      where[axis] =
          Slice{start, stop < 0 ? std::nullopt : std::optional(stop), std::clamp(step, -size - 1, size + 1)};
    }
  }
  return one(index(x, where));
}

Values tile_all(const Call& call) {
  const Tensor& x = call[0];
  const std::vector<std::int64_t> times = call.list(1);
  if (times.size() != x.rank())
    Call::fail("it needs a number of repeats for each of " + std::to_string(x.rank()) + " axes");
  std::vector<std::int64_t> sizes = sizes_of(x);
  for (std::size_t i = 0; i < sizes.size(); ++i)
    if (__builtin_mul_overflow(sizes[i], times[i], &sizes[i])) Call::fail("its repeats are too large");
  call.require_size(sizes);
  return one(tile(x, times));
}

/// Sizes stand axis by axis: all before, then all after.
Values pad_around(const Call& call) {
  const Tensor& x = call[0];
  const bool attributes = call.opset() < 11;
  const std::size_t mode = call.choice("mode", {"constant", "reflect", "edge", "wrap"});
  const std::optional<std::vector<std::int64_t>> given = call.integers("pads");
  const double number = call.number("value", 0);
  std::vector<std::int64_t> axes(x.rank());
  std::iota(axes.begin(), axes.end(), 0);
  if (call.has(3)) axes = call.list(3);
  if (attributes && !given) Call::fail("its attribute 'pads' is missing");
  const std::vector<std::int64_t> pads = attributes ? *given : call.list(1);
  if (pads.size() != 2 * axes.size())
    Call::fail("it needs two sizes for each of " + std::to_string(axes.size()) + " axes, not " +
               std::to_string(pads.size()));
  std::vector<std::int64_t> sizes(2 * x.rank(), 0), result = sizes_of(x);
  for (std::size_t i = 0; i < axes.size(); ++i) {
    const auto axis = static_cast<std::size_t>(Call::axis(axes[i], x.rank()));
    const std::size_t from_last = 2 * (x.rank() - 1 - axis);
    sizes[from_last] = pads[i];
    sizes[from_last + 1] = pads[i + axes.size()];
    if (__builtin_add_overflow(result[axis], pads[i], &result[axis]) ||
        __builtin_add_overflow(result[axis], pads[i + axes.size()], &result[axis]))
      Call::fail("its sizes are too large");
  }
  call.require_size(result);
  constexpr PadMode modes[] = {PadMode::constant, PadMode::reflect, PadMode::replicate, PadMode::circular};
  const Tensor value = attributes ? tensor(number) : call.maybe(2);
  // As a double a large whole number would be rounded.
  const bool as_number = !value.is_empty() && !value.requires_grad() && value.dtype() != DType::int64;
  if (mode != 0 || value.is_empty() || as_number)
    return one(pad(x, sizes, modes[mode], value.is_empty() ? 0 : value.item()));
  // The padding's value has a gradient, too.
  const Tensor inside = pad(ones(x.shape(), DType::int64), sizes) != 0;
  return one(where(inside, pad(x, sizes), value.reshape({})));
}

/// Cut, or filled with zeros, around the middle.
Values center_crop_pad(const Call& call) {
  const Tensor& x = call[0];
  const std::vector<std::int64_t> wanted = call.list(1);
  std::vector<std::int64_t> axes(x.rank());
  std::iota(axes.begin(), axes.end(), 0);
  if (const auto given = call.integers("axes")) axes = *given;
  if (axes.size() != wanted.size())
    Call::fail("it needs a size for each of " + std::to_string(axes.size()) + " axes");
  std::vector<std::int64_t> sizes(2 * x.rank(), 0), result = sizes_of(x);
  for (std::size_t i = 0; i < axes.size(); ++i) {
    const auto axis = static_cast<std::size_t>(Call::axis(axes[i], x.rank()));
    call.require_size(std::span(&wanted[i], 1));
    const std::int64_t more = wanted[i] - result[axis], before = more >= 0 ? more / 2 : -(-more / 2);
    sizes[2 * (x.rank() - 1 - axis)] = before;
    sizes[2 * (x.rank() - 1 - axis) + 1] = more - before;
    result[axis] = wanted[i];
  }
  call.require_size(result);
  return one(pad(x, sizes));
}

/// (N, C b², H, W) to (N, C, H b, W b).
Values depth_to_space(const Call& call) {
  const Tensor& x = call[0];
  const std::int64_t b = call.integer("blocksize", 0);
  const bool columns_first = call.choice("mode", {"DCR", "CRD"}) == 1;
  if (x.rank() != 4 || b <= 0 || b > 1 << 15 || x.shape()[1] % (b * b) != 0)
    Call::fail("blocks of size " + std::to_string(b) + " do not fit " + to_string(x.shape()));
  const std::int64_t n = x.shape()[0], c = x.shape()[1] / (b * b), h = x.shape()[2], w = x.shape()[3];
  const Tensor blocks = columns_first ? permute(x.reshape({n, c, b, b, h, w}), {0, 1, 4, 2, 5, 3})
                                      : permute(x.reshape({n, b, b, c, h, w}), {0, 3, 4, 1, 5, 2});
  return one(blocks.reshape({n, c, h * b, w * b}));
}

Values space_to_depth(const Call& call) {
  const Tensor& x = call[0];
  const std::int64_t b = call.integer("blocksize", 0);
  if (x.rank() != 4 || b <= 0 || b > 1 << 15 || x.shape()[2] % b != 0 || x.shape()[3] % b != 0)
    Call::fail("blocks of size " + std::to_string(b) + " do not fit " + to_string(x.shape()));
  const std::int64_t n = x.shape()[0], c = x.shape()[1], h = x.shape()[2] / b, w = x.shape()[3] / b;
  return one(permute(x.reshape({n, c, h, b, w, b}), {0, 3, 5, 1, 2, 4}).reshape({n, c * b * b, h, w}));
}

Values trilu(const Call& call) {
  constexpr std::int64_t far = std::int64_t{1} << 40;  // beyond every axis
  const std::int64_t diagonal = std::clamp(call.has(1) ? call.whole(1) : 0, -far, far);
  return one(call.flag("upper", true) ? triu(call[0], diagonal) : tril(call[0], diagonal));
}

constexpr Operator table[] = {
    {"CenterCropPad", center_crop_pad},
    {"Concat", concat},
    {"DepthToSpace", depth_to_space},
    {"Expand", expand_to},
    {"Flatten", flatten_to_matrix},
    {"Identity", identity},
    {"Pad", pad_around},
    {"Reshape", reshape_to},
    {"Slice", slice},
    {"SpaceToDepth", space_to_depth},
    {"Split", split_along},
    {"Squeeze", squeeze_axes},
    {"Tile", tile_all},
    {"Transpose", transpose_to},
    {"Trilu", trilu},
    {"Unsqueeze", unsqueeze_axes},
};

}  // namespace

std::span<const Operator> shape_operators() { return table; }

}  // namespace chainrule::onnx
