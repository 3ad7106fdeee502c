// Sums, means, extrema and logsumexp over any axes.
// What reductions share is in axis_reduction.h, the loops in kernels/reduce.h.

#include "kernels/reduce.h"

#include <algorithm>
#include <limits>
#include <optional>

#include "chainrule/statistics.h"
#include "kernels/extremum.h"
#include "kernels/repeated.h"
#include "kernels/softmax.h"
#include "ops/axis_reduction.h"
#include "ops/registry.h"

namespace chainrule {
namespace ops {

struct Sum : AxisReduction {
  static constexpr bool streams = true, linear = true;
  static constexpr Notation notation = {"Σ"};
  static constexpr std::string_view name = "sum", formula = "∂Σx/∂xᵢ = 1";
  Array forward(Values in) const { return finish(kernels::sum(*in[0], axes), in[0]->shape()); }
  Tensor batch(const Unwrapped& at) const { return reduce_each(*this, at); }
  Reads reads(Wanted) const { return 0; }
  void vjp(Inputs in, const Tensor&, const Tensor& g, Cotangents& to) const {
    if (!to.wants(0)) return;
    const Tensor part = kept(g, in[0]);
    to[0] = to.in_numbers() ? constant(kernels::repeated(value_of(part), in[0].shape()))
                            : broadcast_to(part, in[0].shape());
  }
  LocalFormula local_formula(std::size_t, std::span<const std::string>, const std::string&) const {
    return {"1"};
  }
};

/// The sum of those that are numbers.
struct Nansum : AxisReduction {
  static constexpr std::string_view name = "nansum", formula = "∂Σx/∂xᵢ = 1 if xᵢ is a number else 0";
  Array forward(Values in) const {
    const Array& x = *in[0];
    return dispatch_floating(x.dtype(), [&]<class T>() {
      return finish(kernels::sum(kernels::elementwise<NumberOrZero, T, 1>(x.shape(), {&x}), axes), x.shape());
    });
  }
  Tensor batch(const Unwrapped& at) const { return reduce_each(*this, at); }
  Reads reads(Wanted wanted) const { return wanted(0) ? reads_input(0) : 0; }
  void vjp(Inputs in, const Tensor&, const Tensor& g, Cotangents& to) const {
    if (to.wants(0)) to[0] = where(in[0] == in[0], kept(g, in[0]), 0);
  }
  LocalFormula local_formula(std::size_t, std::span<const std::string> names, const std::string&) const {
    return {"1 if " + names[0] + " is a number else 0"};
  }

 private:
  struct NumberOrZero {
    auto operator()(auto x) const { return where(x == x, x, 0); }
  };
};

struct Mean : AxisReduction {
  static constexpr bool streams = true, linear = true;
  static constexpr std::string_view name = "mean", formula = "∂mean(x)/∂xᵢ = 1/n";
  Array forward(Values in) const {
    require_elements(name, in[0]->shape());
    const double n = count(in[0]->shape());
    Array total = kernels::sum(*in[0], axes);
    dispatch_floating(total.dtype(), [&]<class T>() {
      T* elements = total.mutable_data<T>();
      std::for_each_n(elements, total.size(), [n](T& each) { each /= static_cast<T>(n); });
      // A sum may overflow where the mean does not.
      mend<T>(
          total, [](T each) { return !std::isfinite(each); },
          [&] {
            const NoGrad guard;
            return kernels::sum(value_of(constant(*in[0]) / n), axes);
          });
    });
    return finish(total, in[0]->shape());
  }
  Tensor batch(const Unwrapped& at) const { return reduce_each(*this, at); }
  Reads reads(Wanted) const { return 0; }
  void vjp(Inputs in, const Tensor&, const Tensor& g, Cotangents& to) const {
    if (to.wants(0)) to[0] = broadcast_to(kept(g, in[0]) / count(in[0].shape()), in[0].shape());
  }
  LocalFormula local_formula(std::size_t, std::span<const std::string>, const std::string&) const {
    return {"1/n"};
  }
};

/// max and min: the gradient goes to the elements that equal the result, in even shares.
template <class Op>
struct Extremum : AxisReduction {
  static constexpr bool streams = true, integers = true;
  /// Where each result was found.
  struct Saved {
    std::optional<Array> places;
  };

  Array forward(Values in, Saved& saved, Wanted wanted) const {
    const Array& x = *in[0];
    require_elements(Op::name, x.shape());
    const auto lines = kernels::neighbouring(x.shape(), axes);
    if (!wanted(0) || !lines) return finish(Op::kernel(x, axes), x.shape());
    const Shape shape = reduced(x.shape(), axes, keepdims);
    Array result(shape, x.dtype());
    Op::kernel(x, *lines, result, saved.places.emplace(shape, DType::int64));
    return result;
  }
  Tensor batch(const Unwrapped& at) const { return reduce_each(static_cast<const Op&>(*this), at); }
  Reads reads(Wanted wanted) const { return wanted(0) ? reads_input(0) | reads_output : 0; }
  void vjp(Inputs in, const Tensor& out, const Tensor& g, Cotangents& to, const Saved& saved) const {
    if (!to.wants(0)) return;
    if (saved.places && to.in_numbers()) {
      const Array& x = value_of(in[0]);
      to[0] = constant(kernels::extremum_gradient(x, *kernels::neighbouring(x.shape(), axes), value_of(out),
                                                  *saved.places, value_of(g)));
      return;
    }
    const Tensor hit = in[0] == kept(out, in[0]);
    const Tensor ties = maximum(sum(cast(hit, g.dtype()), listed(in[0].rank()), true), 1);  // none equals NaN
    to[0] = where(hit, kept(g, in[0]) / ties, 0);
  }
  LocalFormula local_formula(std::size_t, std::span<const std::string> names,
                             const std::string& result) const {
    return {"1/ties if " + names[0] + " = " + result + " else 0"};
  }
};
struct Max : Extremum<Max> {
  static constexpr std::string_view name = "max", formula = "∂max(x)/∂xᵢ = 1/ties if xᵢ = max(x) else 0";
  static auto kernel(auto&&... arguments) { return kernels::max(arguments...); }
};
struct Min : Extremum<Min> {
  static constexpr std::string_view name = "min", formula = "∂min(x)/∂xᵢ = 1/ties if xᵢ = min(x) else 0";
  static auto kernel(auto&&... arguments) { return kernels::min(arguments...); }
};

struct Logsumexp : AxisReduction {
  static constexpr std::string_view name = "logsumexp", formula = "∂logsumexp(x)/∂xᵢ = softmax(x)ᵢ";
  Array forward(Values in) const {
    require_elements(name, in[0]->shape());
    return finish(kernels::logsumexp(*in[0], axes), in[0]->shape());
  }
  Tensor batch(const Unwrapped& at) const { return reduce_each(*this, at); }
  Reads reads(Wanted wanted) const { return wanted(0) ? reads_input(0) | reads_output : 0; }
  void vjp(Inputs in, const Tensor& out, const Tensor& g, Cotangents& to) const {
    if (to.wants(0)) to[0] = strong_product(kept(g, in[0]), shares(in[0], out));
  }
  LocalFormula local_formula(std::size_t, std::span<const std::string> names, const std::string&) const {
    return {"softmax(" + names[0] + ")"};
  }

 private:
  /// softmax over the axes. Not exp(x - total), as total has lost the digits of what is beside a large x.
  Tensor shares(const Tensor& x, const Tensor& out) const {
    constexpr double infinity = std::numeric_limits<double>::infinity();
    if (any_infinite(out) && axes.any()) {  // those that are infinite share evenly, as in logaddexp
      const Tensor total = kept(out, x);
      return softmax_over(where(x == infinity, 0, where(total == infinity, -infinity, x)));
    }
    return softmax_over(x);
  }
  Tensor softmax_over(const Tensor& x) const {
    if (axes.count() == 1)
      for (std::size_t axis = 0; axis < x.rank(); ++axis)
        if (axes[axis]) return softmax(x, static_cast<std::int64_t>(axis));
    return in_rows(x, [](const Tensor& rows) { return softmax(rows, 1); });
  }
};

/// max(1, 2) and max(x, 0.5) mean what maximum does: two values, where these reduce one along axes. So does
/// max(x, 2) where x has no such axis, but not max(x, axis=2).
static void refuse_two_values(Arguments& a, const std::string& meant) {
  const std::string first = a.text(0), second = a.text(1);
  const Tensor& x = a.tensor(0);
  if (!a.given(1) || a.are_axes_of(1, x.rank())) return;
  a.refuse(std::string(a.called()) + " reduces one tensor along axes, and " + second +
           " is no axis of shape " + to_string(x.shape()) + "; for two values, use " + meant + "(" + first +
           ", " + second + ")");
}
static Result largest(Arguments& a) {
  refuse_two_values(a, "maximum");
  return max(a[0], a.axes(1), a.flag(2));
}
static Result smallest(Arguments& a) {
  refuse_two_values(a, "minimum");
  return min(a[0], a.axes(1), a.flag(2));
}

Entries reduction_operations() {
  static constexpr Entry table[] = {
      {.name = Sum::name,
       .parameters = over_axes_in_dtype,
       .call = [](Arguments& a) -> Result { return sum(a.in_dtype(3), a.axes(1), a.flag(2)); },
       .formula = Sum::formula,
       .example = "sum([[1, 2], [3, 4]], 0)",
       .notation = Sum::notation},
      {.name = Nansum::name,
       .parameters = over_axes_in_dtype,
       .call = [](Arguments& a) -> Result { return nansum(a.in_dtype(3), a.axes(1), a.flag(2)); },
       .formula = Nansum::formula,
       .example = "nansum([1, nan, 2])"},
      {.name = Mean::name,
       .parameters = over_axes_in_dtype,
       .call = [](Arguments& a) -> Result { return mean(a.in_dtype(3), a.axes(1), a.flag(2)); },
       .formula = Mean::formula,
       .example = "mean([[1, 2], [3, 4]], axis=0)"},
      {.name = Max::name,
       .parameters = over_axes,
       .call = largest,
       .formula = Max::formula,
       .aliases = "amax",
       .example = "max([[1, 5], [3, 4]], 1)",
       .note = "equal elements share the gradient evenly"},
      {.name = Min::name,
       .parameters = over_axes,
       .call = smallest,
       .formula = Min::formula,
       .aliases = "amin",
       .example = "min([[1, 5], [3, 4]], 1)",
       .note = "equal elements share the gradient evenly"},
      {.name = Logsumexp::name,
       .parameters = over_axes,
       .call = [](Arguments& a) -> Result { return logsumexp(a[0], a.axes(1), a.flag(2)); },
       .formula = Logsumexp::formula,
       .example = "logsumexp([1000, 1000])"},
  };
  return table;
}

AxisMask axis_mask(std::string_view operation, const Axes& axes, const Shape& shape) {
  AxisMask mask;
  if (!axes.list()) {
    for (std::size_t axis = 0; axis < shape.rank(); ++axis) mask.set(axis);
    return mask;
  }
  for (const std::int64_t axis : *axes.list()) {
    if (shape.rank() == 0 && (axis == 0 || axis == -1)) continue;  // a scalar's one axis, as PyTorch has it
    const std::size_t index = normalize_axis(operation, axis, shape);
    if (mask[index])
      throw ShapeError(std::string(operation) + ": axis " + std::to_string(axis) +
                       " is given twice, for shape " + to_string(shape) + "; name each axis once");
    mask.set(index);
  }
  return mask;
}

Tensor with_kept_axes(const Tensor& tensor, const Shape& original, const AxisMask& axes) {
  const Shape& sizes = tensor.shape();
  if (sizes.rank() == 0 || sizes.rank() == original.rank()) return tensor;
  Shape kept = reduced(original, axes, true);
  for (std::size_t axis = 0, i = 0; axis < original.rank(); ++axis)
    if (!axes[axis]) kept[axis] = sizes[i++];
  return reshape(tensor, kept);
}

Tensor stretched(const Tensor& tangent, const Shape& shape) {
  return tangent.shape() == shape ? tangent : broadcast_to(tangent, shape);
}

Tensor sum_to(Tensor g, const Shape& shape) {
  const Shape from = g.shape();
  if (from == shape) return g;
  const std::size_t added = from.rank() - shape.rank();
  Sum over;
  over.keepdims = true;
  for (std::size_t axis = 0; axis < from.rank(); ++axis)
    if (axis < added || shape[axis - added] != from[axis]) over.axes.set(axis);
  if (may_be_in_numbers({&g}) && is_floating(g.dtype()) && !is_only_stored(g)) {
    if (!g.node()->is_unique()) evaluate_deferred(value_of(g));  // as somebody else may want it later
    Array total = kernels::sum(value_of(g), over.axes);
    return constant(added == 0 ? std::move(total) : total.reshaped(shape));
  }
  const Operand all(std::move(g));
  g = reduce(over, all.here(), Argument(all, all.dtype()));
  return added == 0 ? g : reshape(g, shape);
}

/// The sum of truth values, as numbers.
static Tensor counted(const Operand& x, const Axes& axes, bool keepdims) try {
  Sum op;
  op.axes = axis_mask(Sum::name, axes, x.tensor()->shape());
  op.keepdims = keepdims;
  return constant(op.forward(std::array{&value_of(*x.tensor())}));
} catch (...) {
  rethrow_in_call(x);
}

/// The largest or smallest, of bool as bool.
template <class Op>
static Tensor extreme(const Operand& x, const Axes& axes, bool keepdims) {
  const DType dtype = x.dtype();  // the operand may give its tensor away
  const Tensor found = reduce<Op>(x, axes, keepdims, number_dtype(dtype));
  return dtype == DType::boolean ? cast(found, DType::boolean) : found;
}

}  // namespace ops

Axes::Axes(std::initializer_list<Integer> axes) : axes_(std::in_place, axes.begin(), axes.end()) {}

Tensor sum(const Operand& x, const Axes& axes, Flag keepdims) {
  // Truth values are counted without a pass that makes numbers of them, where nobody looks at that.
  if (const Tensor* truth = x.tensor(); truth != nullptr && truth->node() != nullptr &&
                                        x.dtype() == DType::boolean && may_be_in_numbers({truth}))
    return ops::counted(x, axes, keepdims);
  return ops::reduce<ops::Sum>(x, axes, keepdims, promote(x.dtype(), DType::int64));
}
Tensor nansum(const Operand& x, const Axes& axes, Flag keepdims) {
  if (!is_floating(x.dtype())) return sum(x, axes, keepdims);
  return ops::reduce<ops::Nansum>(x, axes, keepdims, x.dtype());
}
Tensor mean(const Operand& x, const Axes& axes, Flag keepdims) {
  return ops::reduce<ops::Mean>(x, axes, keepdims, ops::real_dtype(x.dtype()));
}
Tensor max(const Operand& x, const Axes& axes, Flag keepdims) {
  return ops::extreme<ops::Max>(x, axes, keepdims);
}
Tensor min(const Operand& x, const Axes& axes, Flag keepdims) {
  return ops::extreme<ops::Min>(x, axes, keepdims);
}
Tensor logsumexp(const Operand& x, const Axes& axes, Flag keepdims) {
  return ops::reduce<ops::Logsumexp>(x, axes, keepdims, ops::real_dtype(x.dtype()));
}

}  // namespace chainrule
