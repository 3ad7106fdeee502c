// Tensors cut into pieces, seen through windows, turned, and put together again. Compositions of slices,
// windows, permutations and concatenations.

#include <algorithm>

#include "array/axes.h"
#include "chainrule/shaping.h"
#include "ops/registry.h"
#include "ops/shape_ops.h"
#include "ops/shaping/windows.h"

namespace chainrule {
namespace ops {

/// split(x, 2) and split(x, (1, 2)), as in PyTorch.
static Result pieces(Arguments& a) {
  if (a.tensor(1).rank() > 0) return split(a[0], a.integers(1), a.integer(2));
  return split(a[0], a.integer(1), a.integer(2));
}

/// array_split(x, 3) and array_split(x, [2, 5]), as in NumPy.
static Result pieces_of_numpy(Arguments& a) {
  if (a.tensor(1).rank() > 0) return array_split(a[0], a.integers(1), a.integer(2));
  if (a.integer(1) > a.most_elements()) a.fail(1, "a number of pieces that fit into memory");
  return array_split(a[0], a.integer(1), a.integer(2));
}

static Result turned(Arguments& a) {
  if (!a.given(2)) return rot90(a[0], a.integer(1));
  const auto axes = a.integers(2);
  if (axes.size() != 2) a.fail(2, "two axes");
  return rot90(a[0], a.integer(1), {axes[0], axes[1]});
}

Entries piece_operations() {
  constexpr std::string_view joined = "as concatenate", cut = "each piece's gradient in its place",
                             tensors = "tensors|arrays|tup";
  static constexpr Entry table[] = {
      inner<TakeWindows>(),
      inner<AddWindows>(),
      {.name = "split",
       .parameters = "x|input|tensor, sizes|split_size_or_sections, axis|dim=0",
       .call = pieces,
       .formula = cut,
       .example = "split([1, 2, 3], 2)",
       .note = "a number is the size of the pieces, as in PyTorch; NumPy's split is array_split"},
      {.name = "array_split",
       .parameters = "x|ary|input, sections|indices_or_sections, axis|dim=0",
       .call = pieces_of_numpy,
       .formula = cut,
       .aliases = "tensor_split",
       .example = "array_split([1, 2, 3], 2)",
       .note = "a list says where pieces after the first begin"},
      {.name = "chunk",
       .parameters = "x|input, chunks, axis|dim=0",
       .call = call<chunk>,
       .formula = cut,
       .example = "chunk([1, 2, 3], 2)"},
      {.name = "unbind",
       .parameters = "x|input, axis|dim=0",
       .call = call<unbind>,
       .formula = cut,
       .example = "unbind([[1, 2], [3, 4]])"},
      {.name = "select",
       .parameters = "x|input, axis|dim, position|index",
       .call = call<select>,
       .formula = "as index",
       .example = "select([[1, 2], [3, 4]], 1, 0)"},
      {.name = "narrow",
       .parameters = "x|input, axis|dim, start, length",
       .call = call<narrow>,
       .formula = "as index",
       .example = "narrow([1, 2, 3, 4], 0, 1, 2)"},
      {.name = "unfold",
       .parameters = "x|input, axis|dimension, size, step=1",
       .call = call<unfold>,
       .formula = TakeWindows::formula,
       .example = "unfold([1, 2, 3, 4], 0, 2, 1)"},
      {.name = "sliding_window_view",
       .parameters = "x, window|window_shape, axis=None",
       .call = call<sliding_window_view>,
       .formula = "as unfold",
       .example = "sliding_window_view([1, 2, 3, 4], 3)"},
      {.name = "flip",
       .parameters = "x|m|input, axis|dims=None",
       .call = call<flip>,
       .formula = "the gradient flipped back",
       .example = "flip([1, 2, 3])"},
      {.name = "fliplr",
       .parameters = "x|m|input",
       .call = call<fliplr>,
       .formula = "as flip",
       .example = "fliplr([[1, 2], [3, 4]])"},
      {.name = "flipud",
       .parameters = "x|m|input",
       .call = call<flipud>,
       .formula = "as flip",
       .example = "flipud([[1, 2], [3, 4]])"},
      {.name = "roll",
       .parameters = "x|a|input, shifts|shift, axis|dims=None",
       .call = [](Arguments& a) -> Result { return roll(a[0], a.integers(1), a.axes(2)); },
       .formula = "the gradient rolled back",
       .example = "roll([1, 2, 3], 1)",
       .note = "without an axis, of all elements in row-major order"},
      {.name = "rot90",
       .parameters = "x|m|input, k=1, axes|dims=None",
       .call = turned,
       .formula = "the gradient turned back",
       .example = "rot90([[1, 2], [3, 4]])"},
      {.name = "hstack",
       .parameters = tensors,
       .call = call<static_cast<Tensor (*)(std::span<const Tensor>, Here)>(hstack)>,
       .formula = joined,
       .example = "hstack([[1, 2], [3]])"},
      {.name = "vstack",
       .parameters = tensors,
       .call = call<static_cast<Tensor (*)(std::span<const Tensor>, Here)>(vstack)>,
       .formula = joined,
       .aliases = "row_stack",
       .example = "vstack([[1, 2], [3, 4]])"},
      {.name = "dstack",
       .parameters = tensors,
       .call = call<static_cast<Tensor (*)(std::span<const Tensor>, Here)>(dstack)>,
       .formula = joined,
       .example = "dstack([[1, 2], [3, 4]])"},
      {.name = "column_stack",
       .parameters = tensors,
       .call = call<static_cast<Tensor (*)(std::span<const Tensor>, Here)>(column_stack)>,
       .formula = joined,
       .example = "column_stack([[1, 2], [3, 4]])"},
  };
  return table;
}

namespace {

/// One entry of an index along an axis, all of the others.
Tensor index_along(const Operand& x, std::size_t axis, chainrule::Index entry) {
  std::vector<chainrule::Index> where(axis + 1, Slice{});
  where[axis] = entry;
  return index(x, where);
}

std::vector<Tensor> cut(const Operand& x, std::size_t axis, const std::vector<std::int64_t>& sizes) {
  std::vector<Tensor> parts;
  std::int64_t start = 0;
  for (const std::int64_t size : sizes) {
    parts.push_back(index_along(x, axis, Slice{start, start + size}));
    start += size;
  }
  return parts;
}

/// Pieces of one size and a rest.
std::vector<Tensor> cut_evenly(const Operand& x, std::size_t axis, std::int64_t whole, std::int64_t size) {
  std::vector<std::int64_t> sizes;
  for (std::int64_t start = 0; start < whole; start += std::min(size, whole - start))
    sizes.push_back(std::min(size, whole - start));
  if (sizes.empty()) sizes.push_back(0);
  return cut(x, axis, sizes);
}

template <class F>
Tensor joined(const char* name, std::span<const Tensor> tensors, std::size_t axis, Here here,
              const F& shaped) try {
  std::vector<Tensor> parts;
  for (const Tensor& tensor : tensors) parts.push_back(shaped(Operand(tensor, here)));
  if (axis == 1 && !parts.empty() && parts[0].rank() < 2) axis = 0;
  return concatenate(parts, static_cast<std::int64_t>(axis), here);
} catch (...) {
  std::vector<const Tensor*> pointers;
  for (const Tensor& tensor : tensors) pointers.push_back(&tensor);
  rethrow_in_call(name, here, pointers);
}

Tensor as_column(const Operand& x) {
  const Tensor in = x.as_tensor();
  return in.rank() < 2 ? reshape(x, {in.size(), 1}) : in;
}

}  // namespace
}  // namespace ops

std::vector<Tensor> split(const Operand& x, Integer size, Integer axis) try {
  const Shape shape = x.as_tensor().shape();
  const std::size_t at = normalize_axis("split", axis, shape);
  if (size < 1)
    throw ShapeError("split: pieces of size " + std::to_string(size) + " of shape " + to_string(shape) +
                     "; give at least 1");
  return ops::cut_evenly(x, at, shape[at], size);
} catch (...) {
  rethrow_in_call("split", x);
}

std::vector<Tensor> split(const Operand& x, const std::vector<std::int64_t>& sizes, Integer axis) try {
  const Shape shape = x.as_tensor().shape();
  const std::size_t at = normalize_axis("split", axis, shape);
  std::int64_t left = shape[at];
  for (const std::int64_t size : sizes)
    if (size < 0 || size > left) {
      left = -1;
      break;
    } else {
      left -= size;
    }
  if (left != 0)
    throw ShapeError("split: sizes " + to_string(Shape(sizes)) + " of axis " + std::to_string(at) +
                     " of shape " + to_string(shape) + "; they must add up to its size");
  return ops::cut(x, at, sizes);
} catch (...) {
  rethrow_in_call("split", x);
}

std::vector<Tensor> array_split(const Operand& x, Integer sections, Integer axis) try {
  const Shape shape = x.as_tensor().shape();
  const std::size_t at = normalize_axis("array_split", axis, shape);
  if (sections < 1)
    throw ShapeError("array_split: " + std::to_string(sections) + " pieces of shape " + to_string(shape) +
                     "; give at least 1");
  std::vector<std::int64_t> sizes;
  for (std::int64_t i = 0; i < sections; ++i)
    sizes.push_back(shape[at] / sections + static_cast<std::int64_t>(i < shape[at] % sections));
  return ops::cut(x, at, sizes);
} catch (...) {
  rethrow_in_call("array_split", x);
}

std::vector<Tensor> array_split(const Operand& x, const std::vector<std::int64_t>& starts, Integer axis) try {
  const std::size_t at = normalize_axis("array_split", axis, x.as_tensor().shape());
  std::vector<Tensor> parts;
  Slice piece{0, {}};
  for (const std::int64_t start : starts) {
    piece.stop = start;
    parts.push_back(ops::index_along(x, at, piece));
    piece = {start, {}};
  }
  parts.push_back(ops::index_along(x, at, piece));
  return parts;
} catch (...) {
  rethrow_in_call("array_split", x);
}

std::vector<Tensor> chunk(const Operand& x, Integer chunks, Integer axis) try {
  const Shape shape = x.as_tensor().shape();
  const std::size_t at = normalize_axis("chunk", axis, shape);
  if (chunks < 1)
    throw ShapeError("chunk: " + std::to_string(chunks) + " pieces of shape " + to_string(shape) +
                     "; give at least 1");
  // Fewer pieces where the axis is short, but of an empty one as many as asked for, as PyTorch has it.
  if (shape[at] == 0) return array_split(x, chunks, axis);
  const std::int64_t size = shape[at] / chunks + static_cast<std::int64_t>(shape[at] % chunks != 0);
  return ops::cut_evenly(x, at, shape[at], size);
} catch (...) {
  rethrow_in_call("chunk", x);
}

std::vector<Tensor> unbind(const Operand& x, Integer axis) try {
  const Shape shape = x.as_tensor().shape();
  const std::size_t at = normalize_axis("unbind", axis, shape);
  std::vector<Tensor> parts;
  for (std::int64_t i = 0; i < shape[at]; ++i) parts.push_back(ops::index_along(x, at, i));
  return parts;
} catch (...) {
  rethrow_in_call("unbind", x);
}

Tensor select(const Operand& x, Integer axis, Integer position) try {
  return ops::index_along(x, normalize_axis("select", axis, x.as_tensor().shape()), std::int64_t{position});
} catch (...) {
  rethrow_in_call("select", x);
}

Tensor narrow(const Operand& x, Integer axis, Integer start, Integer length) try {
  const Shape shape = x.as_tensor().shape();
  const std::size_t at = normalize_axis("narrow", axis, shape);
  const std::int64_t size = shape[at], first = start < 0 ? start + size : std::int64_t{start};
  if (first < 0 || first > size || length < 0 || length > size - first)
    throw ShapeError("narrow: " + std::to_string(length) + " positions from " + std::to_string(start) +
                     " on along axis " + std::to_string(at) + " of shape " + to_string(shape) +
                     "; there are " + std::to_string(size));
  return ops::index_along(x, at, Slice{first, first + length});
} catch (...) {
  rethrow_in_call("narrow", x);
}

Tensor unfold(const Operand& x, Integer axis, Integer size, Integer step) try {
  const ops::OfAxis of("unfold", x.as_tensor(), axis);  // a window of a scalar is a vector
  const Tensor& in = of.x;
  const Shape& shape = in.shape();
  const std::size_t at = of.axis;
  if (size < 0 || size > shape[at] || step < 1)
    throw ShapeError("unfold: windows of size " + std::to_string(size) + " every " + std::to_string(step) +
                     " along axis " + std::to_string(at) + " of shape " + to_string(shape) +
                     "; they must fit, and the step be at least 1");
  // A longer step leads nowhere either, and would be too far to count in strides.
  const ops::TakeWindows take{{}, at, size, std::min<std::int64_t>(step, shape[at] - size + 1)};
  Tensor windows;
  if (size == step) {  // one behind the other, they stay where they are
    const std::int64_t count = take.count(shape[at]);
    const Tensor whole =
        count * size == shape[at] ? in : ops::index_along({in, x.here()}, at, Slice{0, count * size});
    windows = reshape({whole, x.here()}, ops::with_axis_replaced(shape, at, {count, size}));
  } else {
    windows = apply(ops::TakeWindows(take), x.here(), Argument(in));
  }
  if (of.is_scalar) return reshape(windows, {size});
  return movedim({windows, x.here()}, static_cast<std::int64_t>(at) + 1, -1);
} catch (...) {
  rethrow_in_call("unfold", x);
}

Tensor sliding_window_view(const Operand& x, const std::vector<std::int64_t>& window, const Axes& axes) try {
  Tensor result = x.as_tensor();
  const Shape shape = result.shape();
  std::vector<std::size_t> along;
  if (axes.list())
    for (const std::int64_t axis : *axes.list())
      along.push_back(normalize_axis("sliding_window_view", axis, shape));
  else
    for (std::size_t axis = 0; axis < shape.rank(); ++axis) along.push_back(axis);
  if (along.size() != window.size())
    throw ShapeError("sliding_window_view: windows of " + std::to_string(window.size()) + " sizes along " +
                     std::to_string(along.size()) + " axes of shape " + to_string(shape) +
                     "; give one for each axis");
  for (std::size_t i = 0; i < along.size(); ++i)
    result = unfold({result, x.here()}, static_cast<std::int64_t>(along[i]), window[i]);
  return result;
} catch (...) {
  rethrow_in_call("sliding_window_view", x);
}

Tensor flip(const Operand& x, const Axes& axes) try {
  const Shape shape = x.as_tensor().shape();
  const AxisMask mask = ops::axis_mask("flip", axes, shape);
  std::vector<Index> where;
  for (std::size_t axis = 0; axis < shape.rank(); ++axis)
    where.emplace_back(mask[axis] ? Slice{.step = -1} : Slice{});
  return mask.none() ? x.as_tensor() : index(x, where);
} catch (...) {
  rethrow_in_call("flip", x);
}
Tensor fliplr(const Operand& x) try { return flip(x, 1); } catch (...) {
  rethrow_in_call("fliplr", x);
}
Tensor flipud(const Operand& x) try {
  (void)normalize_axis("flip", 0, x.as_tensor().shape());  // a scalar has no rows
  return flip(x, 0);
} catch (...) {
  rethrow_in_call("flipud", x);
}

Tensor rot90(const Operand& x, Integer k, std::pair<std::int64_t, std::int64_t> axes) try {
  Tensor in = x.as_tensor();
  const auto [a, b] = axes;
  if (normalize_axis("rot90", a, in.shape()) == normalize_axis("rot90", b, in.shape()))
    throw ShapeError("rot90: axes " + std::to_string(a) + " and " + std::to_string(b) + " of shape " +
                     to_string(in.shape()) + " are the same; give two");
  switch ((k % 4 + 4) % 4) {
    case 0: return in;
    case 1: return swapaxes({flip(x, b), x.here()}, a, b);
    case 2: return flip(x, {a, b});
    default: return flip({swapaxes(x, a, b), x.here()}, b);
  }
} catch (...) {
  rethrow_in_call("rot90", x);
}

Tensor hstack(std::span<const Tensor> tensors, Here here) {
  return ops::joined("hstack", tensors, 1, here, atleast_1d);
}
Tensor vstack(std::span<const Tensor> tensors, Here here) {
  return ops::joined("vstack", tensors, 0, here, atleast_2d);
}
Tensor dstack(std::span<const Tensor> tensors, Here here) {
  return ops::joined("dstack", tensors, 2, here, atleast_3d);
}
Tensor column_stack(std::span<const Tensor> tensors, Here here) {
  return ops::joined("column_stack", tensors, 1, here, ops::as_column);
}

}  // namespace chainrule
