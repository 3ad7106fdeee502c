// Axes added, removed, joined and moved.
// Compositions of reshape and permute, with NumPy's and PyTorch's checks.

#include "chainrule/shaping.h"

#include <algorithm>
#include <numeric>

#include "array/axes.h"
#include "ops/registry.h"
#include "ops/shape_ops.h"

namespace chainrule {
namespace ops {

Entries shaping_operations() {
  static constexpr Entry table[] = {
      {.name = "squeeze",
       .parameters = "x|a|input, axis|dim=None",
       .call = call<squeeze>,
       .formula = "as reshape",
       .example = "squeeze([[1, 2]])",
       .note = "refuses an axis of another size than 1, as NumPy's"},
      {.name = "expand_dims",
       .parameters = "x|a|input, axis|dim",
       .call = call<expand_dims>,
       .formula = "as reshape",
       .aliases = "unsqueeze",
       .example = "expand_dims([1, 2], 0)"},
      {.name = "flatten",
       .parameters = "x|input, start|start_dim=0, end|end_dim=-1",
       .call = call<flatten>,
       .formula = "as reshape",
       .example = "flatten([[[1, 2]], [[3, 4]]], 1)"},
      {.name = "ravel",
       .parameters = "x|a|input",
       .call = call<ravel>,
       .formula = "as reshape",
       .example = "ravel([[1, 2], [3, 4]])"},
      {.name = "unflatten",
       .parameters = "x|input, axis|dim, sizes|unflattened_size",
       .call = [](Arguments& a) -> Result { return unflatten(a[0], a.integer(1), Shape(a.integers(2))); },
       .formula = "as reshape",
       .example = "unflatten([1, 2, 3, 4], 0, (2, -1))"},
      {.name = "movedim",
       .parameters = "x|a|input, from|source, to|destination",
       .call = [](Arguments& a) -> Result { return movedim(a[0], a.integers(1), a.integers(2)); },
       .formula = "as permute",
       .aliases = "moveaxis",
       .example = "movedim([[1, 2, 3]], 0, 1)"},
      {.name = "expand",
       .parameters = "x|input, *shape|size",
       .call = [](Arguments& a) -> Result { return expand(a[0], Shape(a.integers(1))); },
       .formula = "as broadcast_to",
       .example = "expand([[1], [2]], -1, 3)"},
      {.name = "atleast_1d",
       .parameters = "x|input",
       .call = call<atleast_1d>,
       .formula = "as reshape",
       .example = "atleast_1d(5)",
       .weak = false},
      {.name = "atleast_2d",
       .parameters = "x|input",
       .call = call<atleast_2d>,
       .formula = "as reshape",
       .example = "atleast_2d([1, 2])",
       .weak = false},
      {.name = "atleast_3d",
       .parameters = "x|input",
       .call = call<atleast_3d>,
       .formula = "as reshape",
       .example = "atleast_3d([1, 2])",
       .weak = false},
  };
  return table;
}

}  // namespace ops

Tensor squeeze(const Operand& x, const Axes& axes) try {
  const Shape shape = x.as_tensor().shape();
  const AxisMask mask = ops::axis_mask("squeeze", axes, shape);
  std::vector<std::int64_t> sizes;
  for (std::size_t axis = 0; axis < shape.rank(); ++axis) {
    if (!mask[axis] || (!axes.list() && shape[axis] != 1)) {
      sizes.push_back(shape[axis]);
    } else if (shape[axis] != 1) {
      throw ShapeError("squeeze: axis " + std::to_string(axis) + " of shape " + to_string(shape) +
                       " has size " + std::to_string(shape[axis]) + ", not 1; name axes of size 1");
    }
  }
  return reshape(x, Shape(sizes));
} catch (...) {
  rethrow_in_call("squeeze", x);
}

Tensor expand_dims(const Operand& x, const Axes& axes) try {
  const Shape shape = x.as_tensor().shape();
  const auto added = axes.list() ? axes.list()->size() : 0;
  const Shape whole = Shape::filled(shape.rank() + added, 1);
  const auto rank = static_cast<std::int64_t>(whole.rank());
  for (const std::int64_t axis : axes.list().value_or(std::vector<std::int64_t>()))
    if (axis < -rank || axis >= rank)
      throw ShapeError("expand_dims: axis " + std::to_string(axis) + " is no place for a new axis in shape " +
                       to_string(shape) + "; give one from " + std::to_string(-rank) + " to " +
                       std::to_string(rank - 1));
  const AxisMask mask = axes.list() ? ops::axis_mask("expand_dims", axes, whole) : AxisMask();
  std::vector<std::int64_t> sizes;
  for (std::size_t axis = 0, i = 0; axis < whole.rank(); ++axis) sizes.push_back(mask[axis] ? 1 : shape[i++]);
  return reshape(x, Shape(sizes));
} catch (...) {
  rethrow_in_call("expand_dims", x);
}

Tensor unsqueeze(const Operand& x, Integer axis) try { return expand_dims(x, axis); } catch (...) {
  rethrow_in_call("unsqueeze", x);
}

Tensor flatten(const Operand& x, Integer start, Integer end) try {
  Shape shape = x.as_tensor().shape();
  if (shape.rank() == 0) shape = {1};
  const std::size_t first = normalize_axis("flatten", start, shape),
                    last = normalize_axis("flatten", end, shape);
  if (first > last)
    throw ShapeError("flatten: axis " + std::to_string(start) + " comes after axis " + std::to_string(end) +
                     " in shape " + to_string(shape) + "; give the first one first");
  std::vector<std::int64_t> sizes(shape.begin(), shape.begin() + first);
  sizes.push_back(
      std::accumulate(shape.begin() + first, shape.begin() + last + 1, std::int64_t{1}, std::multiplies<>()));
  sizes.insert(sizes.end(), shape.begin() + last + 1, shape.end());
  return reshape(x, Shape(sizes));
} catch (...) {
  rethrow_in_call("flatten", x);
}

Tensor ravel(const Operand& x) { return reshape(x, {x.as_tensor().size()}); }

Tensor unflatten(const Operand& x, Integer axis, const Shape& sizes) try {
  const Shape shape = x.as_tensor().shape();
  const std::size_t at = normalize_axis("unflatten", axis, shape);
  // What -1 stands for depends on this axis alone, also where another is empty.
  const Shape inside = reshape(broadcast_to(0, {shape[at]}), sizes).shape();
  std::vector<std::int64_t> result(shape.begin(), shape.begin() + at);
  result.insert(result.end(), inside.begin(), inside.end());
  result.insert(result.end(), shape.begin() + at + 1, shape.end());
  return reshape(x, Shape(result));
} catch (...) {
  rethrow_in_call("unflatten", x);
}

Tensor movedim(const Operand& x, const std::vector<std::int64_t>& from,
               const std::vector<std::int64_t>& to) try {
  const Shape shape = x.as_tensor().shape();
  if (from.size() != to.size())
    throw ShapeError("movedim: " + std::to_string(from.size()) + " axes of shape " + to_string(shape) +
                     " to " + std::to_string(to.size()) + " places; give a place for each");
  const AxisMask moved = ops::axis_mask("movedim", from, shape), taken = ops::axis_mask("movedim", to, shape);
  if (shape.rank() == 0) return x.as_tensor();
  std::vector<std::int64_t> order(shape.rank());
  for (std::size_t i = 0; i < from.size(); ++i)
    order[normalize_axis("movedim", to[i], shape)] =
        static_cast<std::int64_t>(normalize_axis("movedim", from[i], shape));
  for (std::size_t axis = 0, i = 0; axis < shape.rank(); ++axis) {
    if (taken[axis]) continue;
    while (moved[i]) ++i;
    order[axis] = static_cast<std::int64_t>(i++);
  }
  return std::is_sorted(order.begin(), order.end()) ? x.as_tensor() : permute(x, order);
} catch (...) {
  rethrow_in_call("movedim", x);
}

Tensor moveaxis(const Operand& x, Integer from, Integer to) try { return movedim(x, from, to); } catch (...) {
  rethrow_in_call("moveaxis", x);
}

Tensor swapdims(const Operand& x, Integer a, Integer b) try { return swapaxes(x, a, b); } catch (...) {
  rethrow_in_call("swapdims", x);
}

Tensor expand(const Operand& x, const Shape& shape) try {
  const Shape own = x.as_tensor().shape();
  Shape wanted = shape;
  for (std::size_t axis = 0; axis < shape.rank() && own.rank() <= shape.rank(); ++axis) {
    const std::size_t added = shape.rank() - own.rank();
    if (shape[axis] != -1) continue;
    if (axis < added)
      throw ShapeError("expand: -1 for a new axis: shape " + to_string(own) + " to " + to_string(shape) +
                       "; give its size");
    wanted[axis] = own[axis - added];
  }
  return broadcast_to(x, wanted);
} catch (...) {
  rethrow_in_call("expand", x);
}

Tensor atleast_1d(const Operand& x) {
  const Tensor in = x.as_tensor();
  return in.rank() >= 1 ? in : reshape(x, {1});
}
Tensor atleast_2d(const Operand& x) {
  const Tensor in = x.as_tensor();
  return in.rank() >= 2 ? in : reshape(x, {1, in.size()});
}
Tensor atleast_3d(const Operand& x) {
  Tensor in = x.as_tensor();
  if (in.rank() >= 3) return in;
  return in.rank() < 2 ? reshape(x, {1, in.size(), 1}) : reshape(x, {in.shape()[0], in.shape()[1], 1});
}

}  // namespace chainrule
