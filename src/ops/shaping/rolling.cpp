// Axes rolled: one pass over the elements, of which kernels/shift.h moves runs.

#include "array/axes.h"
#include "chainrule/shaping.h"
#include "kernels/shift.h"
#include "ops/data_movement.h"

namespace chainrule {
namespace ops {

/// Elements that move along their axes, and from the end on to the beginning.
struct Roll : DataMovement {
  static constexpr bool any_dtype = true;
  static constexpr std::string_view name = "roll", formula = "the gradient rolled back";
  std::vector<std::int64_t> shifts;  // for each axis from 0 on, below its size
  Attributes attributes() const { return {{"shifts", shifts}}; }
  Array forward(Values in) const { return kernels::roll(*in[0], shifts); }
  Tensor batch(const Unwrapped& at) const {
    Roll each = *this;
    each.shifts.insert(each.shifts.begin(), 0);
    return apply(std::move(each), {}, Argument(at.in[0]));
  }
  void vjp(Inputs in, const Tensor&, const Tensor& g, Cotangents& to) const {
    if (!to.wants(0)) return;
    Roll back = *this;
    for (std::size_t axis = 0; axis < shifts.size(); ++axis)
      if (back.shifts[axis] != 0) back.shifts[axis] = in[0].shape()[axis] - shifts[axis];
    to[0] = apply(std::move(back), Here::now(), Argument(g));
  }
};

}  // namespace ops

Tensor roll(const Operand& x, const std::vector<std::int64_t>& shifts, const Axes& axes) try {
  Tensor result = x.as_tensor();
  const Shape shape = result.shape();
  const std::size_t count = axes.list() ? axes.list()->size() : 1;
  if (shifts.size() != count)
    throw ShapeError("roll: " + std::to_string(shifts.size()) + " shifts for " + std::to_string(count) +
                     " axes of shape " + to_string(shape) + "; give one for each");
  if (!axes.list()) result = reshape(x, {result.size()});
  ops::Roll roll;
  roll.shifts.assign(result.rank(), 0);
  bool moves = false;
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t axis = axes.list() ? normalize_axis("roll", (*axes.list())[i], shape) : 0;
    const std::int64_t size = result.shape()[axis];
    if (size == 0) continue;
    roll.shifts[axis] = (shifts[i] % size + size + roll.shifts[axis]) % size;
  }
  for (const std::int64_t shift : roll.shifts) moves = moves || shift != 0;
  if (moves) result = apply(std::move(roll), x.here(), Argument(result));
  return axes.list() ? result : reshape({result, x.here()}, shape);
} catch (...) {
  rethrow_in_call("roll", x);
}

}  // namespace chainrule
