// Axes permuted, shapes changed, and boxes taken out of tensors or replaced in them. kernels/copy.h moves
// elements; reshapes share them.

#include <algorithm>
#include <cstring>
#include <numeric>

#include "kernels/copy.h"
#include "kernels/repeated.h"
#include "ops/batching.h"
#include "ops/data_movement.h"
#include "ops/elementwise.h"
#include "ops/registry.h"
#include "ops/shape_ops.h"

namespace chainrule {
namespace ops {

/// The same box of each array in a stack of this many.
static kernels::Box of_all(std::int64_t size, kernels::Box box) {
  box.starts.insert(box.starts.begin(), 0);
  box.steps.insert(box.steps.begin(), 1);
  box.shape = with_first(size, box.shape);
  return box;
}

static Attributes attributes_of(const kernels::Box& box, std::string_view name, const Shape& shape) {
  return {{"starts", box.starts},
          {"steps", box.steps},
          {"sizes", as_attribute(box.shape)},
          {name, as_attribute(shape)}};
}

struct Permute : DataMovement {
  static constexpr bool any_dtype = true;
  static constexpr std::string_view name = "permute", formula = "the gradient's axes go back to their places";
  std::vector<std::size_t> order;
  Array forward(Values in) const { return kernels::permute(*in[0], order); }
  Tensor batch(const Unwrapped& at) const {
    Permute each{{}, {0}};
    for (const std::size_t axis : order) each.order.push_back(axis + 1);
    return apply(std::move(each), {}, Argument(at.in[0]));
  }
  Attributes attributes() const { return {{"order", std::vector<std::int64_t>(order.begin(), order.end())}}; }
  void vjp(Inputs, const Tensor&, const Tensor& g, Cotangents& to) const {
    if (!to.wants(0)) return;
    std::vector<std::int64_t> back(order.size());
    for (std::size_t i = 0; i < order.size(); ++i) back[order[i]] = static_cast<std::int64_t>(i);
    to[0] = permute(g, back);
  }
};

struct Reshape : DataMovement {
  static constexpr bool any_dtype = true;
  static constexpr std::string_view name = "reshape", formula = "the gradient in x's shape";
  Shape shape;
  Attributes attributes() const { return {{"shape", as_attribute(shape)}}; }
  Array forward(Values in) const { return in[0]->reshaped(shape); }
  Tensor batch(const Unwrapped& at) const { return reshape(at.in[0], with_first(at.size, shape)); }
  void vjp(Inputs in, const Tensor&, const Tensor& g, Cotangents& to) const {
    if (to.wants(0)) to[0] = reshape(g, in[0].shape());
  }
};

/// Does an array of shape `from` broadcast to exactly `to`?
static bool stretches(const Shape& from, const Shape& to) {
  if (from.rank() > to.rank()) return false;
  const std::size_t added = to.rank() - from.rank();
  for (std::size_t axis = 0; axis < from.rank(); ++axis)
    if (from[axis] != 1 && from[axis] != to[added + axis]) return false;
  return true;
}

struct BroadcastTo : DataMovement {
  static constexpr bool any_dtype = true;
  static constexpr std::string_view name = "broadcast_to",
                                    formula = "the gradient summed over the stretched axes";
  Shape shape;
  Attributes attributes() const { return {{"shape", as_attribute(shape)}}; }
  Array forward(Values in) const {
    if (!stretches(in[0]->shape(), shape))
      throw ShapeError("broadcast_to: shape " + to_string(in[0]->shape()) + " does not stretch to " +
                       to_string(shape) + "; only axes of size 1 stretch");
    return kernels::repeated(*in[0], shape);
  }
  Tensor batch(const Unwrapped& at) const {
    if (!stretches(at.shape(0), shape)) return broadcast_to(zeros(at.shape(0)), shape);  // its error
    return broadcast_to(at.aligned(0, shape.rank()), with_first(at.size, shape));
  }
  void vjp(Inputs in, const Tensor&, const Tensor& g, Cotangents& to) const {
    if (to.wants(0)) to[0] = sum_to(g, in[0].shape());
  }
};

struct Scatter;

/// A box out of an array, then without the axes that a position has removed.
struct TakeBox : DataMovement {
  static constexpr bool any_dtype = true;
  static constexpr std::string_view name = "index",
                                    formula = "the gradient in the place it was taken from, 0 elsewhere";
  kernels::Box box;
  Shape shape;
  Array forward(Values in) const { return kernels::gather(*in[0], box).reshaped(shape); }
  Tensor batch(const Unwrapped& at) const {
    return apply(TakeBox{{}, of_all(at.size, box), with_first(at.size, shape)}, {}, Argument(at.in[0]));
  }
  Attributes attributes() const { return attributes_of(box, "shape", shape); }
  void vjp(Inputs in, const Tensor&, const Tensor& g, Cotangents& to) const;
};

/// The reverse of TakeBox: zeros but for a box.
struct Scatter : DataMovement {
  static constexpr bool any_dtype = true;
  static constexpr std::string_view name = "index_gradient", formula = "the gradient at the place it was put";
  kernels::Box box;
  Shape shape;
  Attributes attributes() const { return attributes_of(box, "shape", shape); }
  Array forward(Values in) const {
    Array out = kernels::zeros(shape, in[0]->dtype());
    kernels::scatter(*in[0], box, out);
    return out;
  }
  Tensor batch(const Unwrapped& at) const {
    return apply(Scatter{{}, of_all(at.size, box), with_first(at.size, shape)}, {}, Argument(at.in[0]));
  }
  void vjp(Inputs in, const Tensor&, const Tensor& g, Cotangents& to) const {
    if (to.wants(0)) to[0] = apply(TakeBox{{}, box, in[0].shape()}, Here::now(), Argument(g));
  }
};

void TakeBox::vjp(Inputs in, const Tensor&, const Tensor& g, Cotangents& to) const {
  if (to.wants(0)) to[0] = apply(Scatter{{}, box, in[0].shape()}, Here::now(), Argument(g));
}

/// An array with a box of it replaced, by a part that stretches to `part`: the box without the axes that a
/// position has removed.
struct SliceUpdate {
  static constexpr bool any_dtype = true;
  static constexpr std::string_view
      name = "slice_update",
      formula = "to x the gradient with 0 in the part, to the values that of the part";
  kernels::Box box;
  Shape part;
  Attributes attributes() const { return attributes_of(box, "part", part); }
  Array forward(Values in) const {
    const Shape& given = in[1]->shape();
    if (!stretches(given, part))
      throw ShapeError("slice_update: values of shape " + to_string(given) +
                       " do not stretch to the part of shape " + to_string(part) + " of " +
                       to_string(in[0]->shape()) + "; only axes of size 1 stretch");
    Array out(in[0]->shape(), in[0]->dtype());
    if (out.byte_count() != 0) std::memcpy(out.mutable_raw(), in[0]->raw(), out.byte_count());
    kernels::scatter((given == part ? *in[1] : kernels::repeated(*in[1], part)).reshaped(box.shape), box,
                     out);
    return out;
  }
  static constexpr bool linear = true;
  Tensor batch(const Unwrapped& at) const {
    if (!stretches(at.shape(1), part)) return broadcast_to(zeros(at.shape(1)), part);  // its error
    const Tensor whole = at.batched(0), values = at.aligned(1, part.rank());
    return apply(SliceUpdate{of_all(at.size, box), with_first(at.size, part)}, {}, Argument(whole),
                 Argument(values));
  }
  static std::int64_t flops(Inputs, const Shape&) { return 0; }
  Reads reads(Wanted) const { return 0; }
  void vjp(Inputs in, const Tensor&, const Tensor& g, Cotangents& to) const {
    const Tensor zero = scalar(0, g.dtype());
    if (to.wants(0)) to[0] = apply(SliceUpdate(*this), Here::now(), Argument(g), Argument(zero));
    if (to.wants(1)) to[1] = sum_to(apply(TakeBox{{}, box, part}, Here::now(), Argument(g)), in[1].shape());
  }
  LocalFormula local_formula(std::size_t input, std::span<const std::string>, const std::string&) const {
    return {input == 0 ? "g with 0 in the part" : "g in the part", false};
  }
};

/// transpose(x), NumPy's transpose(x, (2, 0, 1)) or x.transpose(2, 0, 1), and PyTorch's transpose(x, 0, 1),
/// which exchanges two axes.
static Result transposed(Arguments& a) {
  if (!a.given(1)) return transpose(a[0]);
  if (!a.given(2)) return permute(a[0], a.integers(1));
  std::vector<std::int64_t> order = a.integers(3);
  if (order.empty()) return swapaxes(a[0], a.integer(1), a.integer(2));
  order.insert(order.begin(), {a.integer(1), a.integer(2)});
  return permute(a[0], order);
}

Entries shape_operations() {
  static constexpr Entry table[] = {
      {.name = Permute::name,
       .parameters = "x|input, *dims|axes",
       .call = [](Arguments& a) -> Result { return permute(a[0], a.integers(1)); },
       .formula = Permute::formula,
       .example = "permute([[1, 2, 3]], 1, 0)"},
      {.name = "transpose",
       .parameters = "x|a|input, axes|dim0=None, dim1=None, *rest",
       .call = transposed,
       .formula = "as permute",
       .example = "transpose([[1, 2, 3]])",
       .note = "two numbers exchange these axes, as in PyTorch"},
      {.name = "t",
       .parameters = one_input,
       .call = [](Arguments& a) -> Result {
         if (a.tensor(0).rank() > 2) a.fail(0, "a matrix or a vector; permute and swapaxes take others");
         return transpose(a[0]);
       },
       .formula = "as permute",
       .example = "t([[1, 2, 3]])"},
      {.name = "swapaxes",
       .parameters = "x|a|input, axis1|axis0|dim0, axis2|dim1",
       .call = [](Arguments& a) -> Result { return swapaxes(a[0], a.integer(1), a.integer(2)); },
       .formula = "as permute",
       .aliases = "swapdims",
       .example = "swapaxes([[1, 2, 3]], 0, 1)"},
      {.name = Reshape::name,
       .parameters = "x|a|input, *shape|newshape",
       .call = [](Arguments& a) -> Result { return reshape(a[0], Shape(a.integers(1))); },
       .formula = Reshape::formula,
       .aliases = "view",
       .example = "reshape([1, 2, 3, 4], 2, -1)"},
      {.name = BroadcastTo::name,
       .parameters = "x|array|input, *shape|size",
       .call = [](Arguments& a) -> Result { return broadcast_to(a[0], a.shape(1)); },
       .formula = BroadcastTo::formula,
       .example = "broadcast_to([1, 2], 3, 2)"},
      inner<TakeBox>(),
      inner<Scatter>(),
      {.name = SliceUpdate::name,
       .parameters = "part, values",
       .call = [](Arguments& a) -> Result { return slice_update(a.part(0).whole, a.part(0).where, a[1]); },
       .formula = SliceUpdate::formula,
       .aliases = "set",
       .example = "x = [1, 2, 3]; x.at[0].set(5)"},
  };
  return table;
}

namespace {

Shape with_inferred_size(const Shape& from, const Shape& wanted) {
  const auto fail = [&](const std::string& why) {
    throw ShapeError("reshape: " + to_string(from) + " to " + to_string(wanted) + ": " + why);
  };
  Shape to = wanted;
  std::optional<std::size_t> open;
  for (std::size_t axis = 0; axis < to.rank(); ++axis) {
    if (to[axis] < -1) fail("a size is negative; only one -1 may stand for what is left");
    if (to[axis] == -1 && open) fail("more than one size is -1; give all but one");
    if (to[axis] == -1) open = axis;
  }
  const std::int64_t size = from.size();
  if (open) to[*open] = 1;
  std::int64_t given = 0;
  try {
    given = to.size();
  } catch (const ShapeError&) {
    fail("the sizes make too many elements to count");
  }
  if (open) {
    if (given == 0 || size % given != 0) fail("the size for -1 is not whole; change the others");
    to[*open] = size / given;
  } else if (given != size) {
    fail(std::to_string(size) + " elements do not make " + std::to_string(given) +
         "; the number of elements must stay the same");
  }
  return to;
}

/// Which elements of an axis a slice takes: `count` of them from `first` on.
struct Taken {
  std::int64_t first, count, step;
};

Taken resolve(const char* operation, const Slice& slice, std::int64_t size) {
  if (slice.step == 0)
    throw ShapeError(std::string(operation) + ": a slice with step 0 goes nowhere; use 1 or -1");
  const bool forward = slice.step > 0;
  const auto clamp = [&](std::int64_t position) {
    if (position < 0) position += size;
    return std::clamp<std::int64_t>(position, forward ? 0 : -1, forward ? size : size - 1);
  };
  const std::int64_t start = slice.start ? clamp(*slice.start) : forward ? 0 : size - 1;
  const std::int64_t stop = slice.stop ? clamp(*slice.stop) : forward ? size : -1;
  const std::int64_t span = forward ? stop - start : start - stop;
  if (span <= 0) return {0, 0, 1};
  // A step past the end leads nowhere, and would be too far to count in strides.
  if (slice.step >= span || slice.step <= -span) return {start, 1, 1};
  return {start, (span - 1) / std::abs(slice.step) + 1, slice.step};
}

TakeBox make_index(const char* operation, const Shape& shape, std::span<const chainrule::Index> where) {
  std::size_t named = 0, ellipses = 0;
  for (const auto& entry : where)
    ++(std::holds_alternative<std::monostate>(entry.entry()) ? ellipses : named);
  if (ellipses > 1) throw ShapeError(std::string(operation) + ": more than one `...`; write it once");
  if (named > shape.rank())
    throw ShapeError(std::string(operation) + ": " + std::to_string(named) + " indices for shape " +
                     to_string(shape) + ", which has " + std::to_string(shape.rank()) +
                     " axes; leave some out");
  TakeBox op;
  op.box.shape = shape;
  op.box.starts.assign(shape.rank(), 0);
  op.box.steps.assign(shape.rank(), 1);
  std::vector<bool> removed(shape.rank(), false);
  std::size_t axis = 0;
  for (const auto& entry : where) {
    if (std::holds_alternative<std::monostate>(entry.entry())) {
      axis += shape.rank() - named;
      continue;
    }
    if (const auto* slice = std::get_if<Slice>(&entry.entry())) {
      const Taken taken = resolve(operation, *slice, shape[axis]);
      op.box.starts[axis] = taken.first;
      op.box.shape[axis] = taken.count;
      op.box.steps[axis] = taken.step;
    } else {
      const std::int64_t position = std::get<std::int64_t>(entry.entry()), size = shape[axis];
      if (position < -size || position >= size)
        throw ShapeError(std::string(operation) + ": position " + std::to_string(position) +
                         " is out of range on axis " + std::to_string(axis) + " of shape " +
                         to_string(shape) + "; its size is " + std::to_string(size));
      op.box.starts[axis] = position < 0 ? position + size : position;
      op.box.shape[axis] = 1;
      removed[axis] = true;
    }
    ++axis;
  }
  std::vector<std::int64_t> sizes;
  for (std::size_t i = 0; i < shape.rank(); ++i)
    if (!removed[i]) sizes.push_back(op.box.shape[i]);
  op.shape = Shape(sizes);
  return op;
}

}  // namespace
}  // namespace ops

Tensor permute(const Operand& x, const std::vector<std::int64_t>& order) try {
  const Tensor in = x.as_tensor();
  AxisMask seen;
  ops::Permute op;
  for (const std::int64_t axis : order) op.order.push_back(normalize_axis("permute", axis, in.shape()));
  for (const std::size_t axis : op.order) seen.set(axis);
  if (order.size() != in.rank() || seen.count() != in.rank()) {
    std::string given;
    for (const std::int64_t axis : order) given += (given.empty() ? "" : ", ") + std::to_string(axis);
    throw ShapeError("permute: order (" + given + ") for shape " + to_string(in.shape()) +
                     "; name each axis exactly once");
  }
  return apply(op, x.here(), Argument(in));
} catch (...) {
  rethrow_in_call(x);
}

Tensor transpose(const Operand& x) try {
  std::vector<std::int64_t> order(x.as_tensor().rank());
  std::iota(order.rbegin(), order.rend(), 0);
  return permute(x, order);
} catch (...) {
  rethrow_in_call("transpose", x);
}

Tensor swapaxes(const Operand& x, Integer a, Integer b) try {
  const Tensor in = x.as_tensor();
  std::vector<std::int64_t> order(in.rank());
  std::iota(order.begin(), order.end(), 0);
  std::swap(order[normalize_axis("swapaxes", a, in.shape())],
            order[normalize_axis("swapaxes", b, in.shape())]);
  return permute(x, order);
} catch (...) {
  rethrow_in_call(x);
}

Tensor reshape(const Operand& x, const Shape& shape) try {
  Tensor in = x.as_tensor();
  if (in.shape() == shape) return in;
  return apply(ops::Reshape{{}, ops::with_inferred_size(in.shape(), shape)}, x.here(), Argument(in));
} catch (...) {
  rethrow_in_call(x);
}

Tensor broadcast_to(const Operand& x, const Shape& shape) {
  Tensor in = x.as_tensor();
  if (in.shape() == shape) return in;
  return apply(ops::BroadcastTo{{}, shape}, x.here(), Argument(in));
}

Tensor index(const Operand& x, std::span<const Index> where) try {
  const Tensor in = x.as_tensor();
  return apply(ops::make_index("index", in.shape(), where), x.here(), Argument(in));
} catch (...) {
  rethrow_in_call(x);
}

Tensor slice_update(const Operand& x, std::span<const Index> where, const Operand& values) try {
  const DType dtype = ops::common_dtype(x, values);
  const Argument in(x, dtype);
  ops::TakeBox part = ops::make_index("slice_update", in->shape(), where);
  return apply(ops::SliceUpdate{std::move(part.box), std::move(part.shape)}, x.here(), in,
               Argument(values, dtype));
} catch (...) {
  rethrow_in_call(x, values);
}

}  // namespace chainrule
