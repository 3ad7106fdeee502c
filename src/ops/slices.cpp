// Boxes of a tensor: taken out by positions and slices, and replaced. Where a box begins, and how it steps,
// is found here; kernels/boxes.h moves the elements.

#include <algorithm>
#include <cstring>

#include "kernels/boxes.h"
#include "kernels/copy.h"
#include "kernels/repeated.h"
#include "kernels/shift.h"
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
  if (!to.wants(0)) return;
  constexpr std::int64_t worth_waiting = 4096;
  const Shape& whole = in[0].shape();
  if (to.in_numbers() && whole.size() >= worth_waiting && !is_only_stored(g.dtype()))
    to[0] = constant(kernels::deferred_box(value_of(g), box, whole));
  else
    to[0] = apply(Scatter{{}, box, in[0].shape()}, Here::now(), Argument(g));
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
    const bool is_run = std::ranges::all_of(box.steps, [](std::int64_t step) { return step == 1; });
    Array out;
    if (const auto same = kernels::repeated_part(*in[0])) {  // written once, as around what is padded
      if (same->size() == 1 && is_run && given == part)
        return kernels::surrounded(*in[1], box, *same, in[0]->shape());
      out = kernels::repeated(*same, in[0]->shape());
    } else {
      out = Array(in[0]->shape(), in[0]->dtype());
      if (out.byte_count() != 0) std::memcpy(out.mutable_raw(), in[0]->raw(), out.byte_count());
    }
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

Entries slice_operations() {
  static constexpr Entry table[] = {
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
    throw ShapeError(std::string(operation) + ": " + std::to_string(named) +
                     (named == 1 ? " index" : " indices") + " for shape " + to_string(shape) +
                     ", which has " + std::to_string(shape.rank()) + " axes; leave some out");
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
