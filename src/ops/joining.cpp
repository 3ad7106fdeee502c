// Tensors put together along an axis: concatenate and stack.
// The derivative takes the boxes out again; kernels/boxes.h moves both.

#include "kernels/boxes.h"
#include "kernels/runs.h"
#include "ops/along_axis.h"
#include "ops/data_movement.h"
#include "ops/elementwise.h"
#include "ops/registry.h"
#include "ops/shape_ops.h"

namespace chainrule {
namespace ops {

struct Concatenate : DataMovement {
  static constexpr bool any_dtype = true;
  static constexpr std::string_view name = "concatenate", formula = "each part's own piece of the gradient";
  std::size_t axis = 0;
  Attributes attributes() const { return {{"axis", static_cast<std::int64_t>(axis)}}; }
  Array forward(Values in) const {
    Shape shape = in[0]->shape();
    shape[axis] = 0;
    for (const Array* part : in) {
      Shape fitted = part->shape();
      if (fitted.rank() == shape.rank()) fitted[axis] = shape[axis];
      if (fitted != shape)
        throw ShapeError("concatenate: shapes " + to_string(in[0]->shape()) + " and " +
                         to_string(part->shape()) + " differ beside axis " + std::to_string(axis) +
                         "; only that axis may differ");
      if (__builtin_add_overflow(shape[axis], part->shape()[axis], &shape[axis]))
        throw ShapeError("concatenate: too many elements along axis " + std::to_string(axis) +
                         "; their number must be below 2⁶³");
    }
    Array out(shape, in[0]->dtype());
    const AlongAxis along(shape, axis);
    const auto bytes = static_cast<std::size_t>(along.inner) * item_size(out.dtype());
    constexpr std::size_t short_run = 256, few = 4;
    if (along.outer > 1 && in.size() > few && along.n > 0 &&
        bytes * static_cast<std::size_t>(along.n) / in.size() <= short_run) {
      join_lines(in, bytes, along.outer, out);
      return out;
    }
    kernels::Box box{
        std::vector<std::int64_t>(shape.rank(), 0), std::vector<std::int64_t>(shape.rank(), 1), {}};
    for (const Array* part : in) {
      box.shape = part->shape();
      kernels::scatter(*part, box, out);
      box.starts[axis] += part->shape()[axis];
    }
    return out;
  }
  Tensor batch(const Unwrapped& at) const {
    std::vector<Tensor> parts;
    for (std::size_t i = 0; i < at.in.size(); ++i) parts.push_back(at.batched(i));
    return apply(Concatenate{{}, axis + 1}, {}, parts);
  }
  LocalFormula local_formula(std::size_t, std::span<const std::string>, const std::string&) const {
    return {"its part of g", false};
  }
  void vjp(Inputs in, const Tensor&, const Tensor& g, Cotangents& to) const {
    std::vector<chainrule::Index> where(axis + 1, Slice{});
    std::int64_t start = 0;
    const AlongAxis along(g.shape(), axis);
    const bool are_runs = along.outer == 1 && to.in_numbers() && !value_of(g).is_deferred();
    for (std::size_t i = 0; i < in.size(); ++i) {
      const std::int64_t stop = start + in[i].shape()[axis];
      where[axis] = Slice{start, stop};
      constexpr std::size_t large = 1U << 16;  // a copy takes longer than a reference to the whole
      if (to.wants(i))
        to[i] = are_runs && bytes_of(in[i].shape(), g.dtype()) >= large
                    ? constant(Array::part_of(value_of(g), start * along.inner, in[i].shape()))
                    : index(g, where);
      start = stop;
    }
  }

 private:
  /// Line after line, where parts are too short to be copied one after the other: each line of the result is
  /// far from the next one.
  void join_lines(Values in, std::size_t bytes, std::int64_t lines, Array& out) const {
    struct Part {
      const std::byte* from;
      std::size_t bytes;
    };
    std::vector<Part> parts;
    for (const Array* part : in)
      parts.push_back({static_cast<const std::byte*>(part->raw()),
                       static_cast<std::size_t>(part->shape()[axis]) * bytes});
    auto* to = static_cast<std::byte*>(out.mutable_raw());
    for (std::int64_t line = 0; line < lines; ++line)
      for (Part& part : parts) {
        kernels::copy_run<16>(part.from, to, static_cast<std::int64_t>(part.bytes));
        to += part.bytes;
        part.from += part.bytes;
      }
  }
};

Entries joining_operations() {
  static constexpr Entry table[] = {
      {.name = Concatenate::name,
       .parameters = "tensors|arrays, axis|dim=0",
       .call = [](Arguments& a) -> Result { return concatenate(a.tensors(0), a.integer(1)); },
       .formula = Concatenate::formula,
       .aliases = "concat cat",
       .example = "concatenate([[1, 2], [3]])"},
      {.name = "stack",
       .parameters = "tensors|arrays, axis|dim=0",
       .call = [](Arguments& a) -> Result { return stack(a.tensors(0), a.integer(1)); },
       .formula = "as concatenate, along a new axis",
       .example = "stack([[1, 2], [3, 4]], 1)"},
  };
  return table;
}

namespace {

template <class T>  // tensors or operands
std::vector<Tensor> of_one_dtype(const char* operation, std::span<const T> tensors, Here here) try {
  if (tensors.empty()) throw ShapeError(std::string(operation) + ": no tensors; give at least one");
  CommonDType common;
  for (const T& tensor : tensors) common.meet(tensor);
  std::vector<Tensor> result;
  result.reserve(tensors.size());
  for (const T& tensor : tensors) result.push_back(Operand(tensor).as(common.result()));
  return result;
} catch (...) {
  rethrow_in_call(operation, here, std::span<const Tensor* const>());
}

Tensor concatenate(const std::vector<Tensor>& parts, std::int64_t axis, Here here) try {
  return apply(Concatenate{{}, normalize_axis("concatenate", axis, parts[0].shape())}, here, parts);
} catch (...) {
  rethrow_in_call(here, std::span<const Tensor>(parts));
}

Tensor stack(const std::vector<Tensor>& parts, std::int64_t axis, Here here) try {
  const Shape shape = parts[0].shape();
  for (const Tensor& part : parts)
    if (part.shape() != shape)
      throw ShapeError("stack: shapes " + to_string(shape) + " and " + to_string(part.shape()) +
                       " differ; all must be the same");
  const auto rank = static_cast<std::int64_t>(shape.rank());
  if (axis < -rank - 1 || axis > rank)
    throw ShapeError("stack: axis " + std::to_string(axis) + " is no place for a new axis in shape " +
                     to_string(shape) + "; give one from " + std::to_string(-rank - 1) + " to " +
                     std::to_string(rank));
  const auto at = axis < 0 ? axis + rank + 1 : axis;
  std::vector<std::int64_t> sizes(shape.begin(), shape.end());
  if (at < rank) {  // what is joined along that axis has the same elements in the same order
    sizes.insert(sizes.begin() + at, static_cast<std::int64_t>(parts.size()));
    return reshape({apply(Concatenate{{}, static_cast<std::size_t>(at)}, here, parts), here}, Shape(sizes));
  }
  sizes.push_back(1);
  std::vector<Tensor> reshaped;
  reshaped.reserve(parts.size());
  for (const Tensor& part : parts) reshaped.push_back(reshape({part, here}, Shape(sizes)));
  return apply(Concatenate{{}, static_cast<std::size_t>(at)}, here, reshaped);
} catch (...) {
  rethrow_in_call(here, std::span<const Tensor>(parts));
}

}  // namespace
}  // namespace ops

Tensor concatenate(std::span<const Tensor> tensors, Integer axis, Here here) {
  return ops::concatenate(ops::of_one_dtype("concatenate", tensors, here), axis, here);
}
Tensor concatenate(std::initializer_list<Operand> tensors, Integer axis, Here here) {
  return ops::concatenate(ops::of_one_dtype("concatenate", std::span(tensors.begin(), tensors.size()), here),
                          axis, here);
}

Tensor stack(std::span<const Tensor> tensors, Integer axis, Here here) {
  return ops::stack(ops::of_one_dtype("stack", tensors, here), axis, here);
}
Tensor stack(std::initializer_list<Operand> tensors, Integer axis, Here here) {
  return ops::stack(ops::of_one_dtype("stack", std::span(tensors.begin(), tensors.size()), here), axis, here);
}

}  // namespace chainrule
