// Windows along an axis, and their reverse: each is the other's derivative.

#pragma once

#include "kernels/copy.h"
#include "ops/along_axis.h"
#include "ops/data_movement.h"
#include "ops/places/places.h"

namespace chainrule::ops {

/// Windows of `size` neighbours along an axis, one every `step`. The axis becomes two: which window, and
/// which of its elements.
struct TakeWindows : DataMovement {
  static constexpr bool any_dtype = true;
  static constexpr std::string_view name = "windows", formula = "the gradients of all windows added up";
  std::size_t axis;
  std::int64_t size, step;

  std::int64_t count(std::int64_t n) const { return (n - size) / step + 1; }
  kernels::WindowsAlong of(const Shape& shape) const {
    const AlongAxis along(shape, axis);
    return {along.outer, along.n, along.inner, count(along.n), size, step};
  }
  Attributes attributes() const { return {{"axis", as_attribute(axis)}, {"size", size}, {"step", step}}; }
  Array forward(Values in) const {
    const Shape& shape = in[0]->shape();
    return kernels::take_windows(*in[0], of(shape),
                                 with_axis_replaced(shape, axis, {count(shape[axis]), size}));
  }
  Tensor batch(const Unwrapped& at) const {
    return apply(TakeWindows{{}, axis + 1, size, step}, {}, Argument(at.in[0]));
  }
  void vjp(Inputs in, const Tensor&, const Tensor& g, Cotangents& to) const;
};

/// The reverse of TakeWindows, to an axis of size `n`.
struct AddWindows : DataMovement {
  static constexpr std::string_view name = "windows_gradient", formula = "the windows of the gradient";
  TakeWindows windows;
  std::int64_t n;

  Attributes attributes() const {
    Attributes all = windows.attributes();
    all.emplace_back("n", n);
    return all;
  }
  Array forward(Values in) const {
    std::vector<std::int64_t> sizes(in[0]->shape().begin(), in[0]->shape().end());
    sizes.erase(sizes.begin() + as_attribute(windows.axis) + 1);
    sizes[windows.axis] = n;
    const Shape shape(sizes);
    return kernels::add_windows(*in[0], windows.of(shape), shape);
  }
  static std::int64_t flops(Inputs in, const Shape&) { return in[0].size(); }
  Tensor batch(const Unwrapped& at) const {
    return apply(AddWindows{{}, {{}, windows.axis + 1, windows.size, windows.step}, n}, {},
                 Argument(at.in[0]));
  }
  void vjp(Inputs, const Tensor&, const Tensor& g, Cotangents& to) const {
    if (to.wants(0)) to[0] = apply(TakeWindows(windows), Here::now(), Argument(g));
  }
};

inline void TakeWindows::vjp(Inputs in, const Tensor&, const Tensor& g, Cotangents& to) const {
  if (to.wants(0)) to[0] = apply(AddWindows{{}, *this, in[0].shape()[axis]}, Here::now(), Argument(g));
}

}  // namespace chainrule::ops
