// Reductions over any axes as passes over neighbouring ones.
// Relies on array/axes.h for the marks, and on lines.h for each pass.

#pragma once

#include "array/axes.h"
#include "kernels/lines.h"

namespace chainrule::kernels {

/// Reduces the marked axes, which remain with size 1: calls pass(x, lines, out) for each group of
/// neighbouring ones, from the last to the first, so that later passes are over less and less. `out` holds
/// one element for each line of x.
template <class Pass>
Array reduce_groups(Array x, const AxisMask& axes, const Pass& pass) {
  for (std::size_t end = x.shape().rank(); end > 0;) {
    if (!axes[end - 1]) {
      --end;
      continue;
    }
    std::size_t begin = end;
    while (begin > 0 && axes[begin - 1]) --begin;
    Shape shape = x.shape();
    Lines lines{1, 1, 1};
    for (std::size_t axis = 0; axis < shape.rank(); ++axis)
      (axis < begin ? lines.outer : axis < end ? lines.n : lines.inner) *= shape[axis];
    for (std::size_t axis = begin; axis < end; ++axis) shape[axis] = 1;
    Array out(shape, x.dtype() == DType::boolean ? DType::int64 : x.dtype());  // which are counted
    pass(std::as_const(x), lines, out);
    x = std::move(out);
    end = begin;
  }
  return x;
}

}  // namespace chainrule::kernels
