// Axes permuted and shapes changed.
// kernels/copy.h moves elements, reshapes share them, and what is broadcast repeats them.

#include <algorithm>
#include <numeric>

#include "kernels/copy.h"
#include "kernels/permuted.h"
#include "kernels/repeated.h"
#include "ops/along_axis.h"
#include "ops/batching.h"
#include "ops/data_movement.h"
#include "ops/elementwise.h"
#include "ops/registry.h"
#include "ops/shape_ops.h"

namespace chainrule {
namespace ops {

struct Permute : DataMovement {
  static constexpr bool any_dtype = true;
  static constexpr std::string_view name = "permute", formula = "the gradient's axes go back to their places";
  std::vector<std::size_t> order;
  Array forward(Values in) const { return kernels::permuted(*in[0], order); }
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

struct Reshape : MovementInOrder {
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

struct BroadcastTo : MovementInOrder {
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

}  // namespace

bool is_transpose(const Tensor& x) {
  if (x.node()->operation() != Permute::name) return false;
  const Attributes attributes = x.node()->attributes();
  const auto* order =
      attributes.empty() ? nullptr : std::get_if<std::vector<std::int64_t>>(&attributes[0].second);
  return order != nullptr && kernels::Permutation{{}, {order->begin(), order->end()}}.is_transpose();
}

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
  const ops::OfAxis of("swapaxes", x.as_tensor(), a), other("swapaxes", of.x, b);
  if (of.is_scalar) return x.as_tensor();
  std::vector<std::int64_t> order(of.x.rank());
  std::iota(order.begin(), order.end(), 0);
  std::swap(order[of.axis], order[other.axis]);
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

}  // namespace chainrule
