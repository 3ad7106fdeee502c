// What reductions have in common: over which axes, and whether these stay with size 1; their rules under
// transforms. Relies on elementwise.h for registering and casting.

#pragma once

#include <algorithm>
#include <cmath>

#include "ops/elementwise.h"

namespace chainrule::ops {

/// What reductions have in common: over which axes, and whether these stay with size 1.
struct AxisReduction {
  /// Does forward read the input once, from its first element to the last?
  static constexpr bool streams = false;

  AxisMask axes;
  bool keepdims = false;

  Array finish(const Array& kept, const Shape& in) const {
    return kept.reshaped(reduced(in, axes, keepdims));
  }
  Attributes attributes() const {
    std::vector<std::int64_t> list;
    for (std::size_t axis = 0; axis < axes.size(); ++axis)
      if (axes[axis]) list.push_back(static_cast<std::int64_t>(axis));
    return {{"axes", std::move(list)}, {"keepdims", keepdims}};
  }
  /// g or the result, with the reduced axes back in place.
  Tensor kept(const Tensor& tensor, const Tensor& in) const {
    return with_kept_axes(tensor, in.shape(), axes);
  }
  double count(const Shape& in) const {
    std::int64_t count = 1;
    for (std::size_t axis = 0; axis < in.rank(); ++axis)
      if (axes[axis]) count *= in[axis];
    return static_cast<double>(count);
  }
  /// x with the reduced axes last, and the order that they have there.
  Tensor reduced_last(const Tensor& x, std::vector<std::int64_t>& order) const {
    for (const bool is_reduced : {false, true})
      for (std::size_t axis = 0; axis < x.rank(); ++axis)
        if (axes[axis] == is_reduced) order.push_back(static_cast<std::int64_t>(axis));
    return std::is_sorted(order.begin(), order.end()) ? x : permute(x, order);
  }
  /// What f makes of x as a matrix of its shape, where what is reduced is a row.
  template <class F>
  Tensor in_rows(const Tensor& x, const F& f) const {
    std::vector<std::int64_t> order, back(x.rank());
    const Tensor turned = reduced_last(x, order);
    for (std::size_t i = 0; i < order.size(); ++i)
      back[static_cast<std::size_t>(order[i])] = static_cast<std::int64_t>(i);
    const auto n = static_cast<std::int64_t>(count(x.shape()));
    const Tensor result = reshape(f(reshape(turned, {n == 0 ? 0 : x.size() / n, n})), turned.shape());
    return std::is_sorted(back.begin(), back.end()) ? result : permute(result, back);
  }
  /// The axes, for the public operations on a tensor of this rank.
  Axes listed(std::size_t rank) const {
    std::vector<std::int64_t> list;
    for (std::size_t axis = 0; axis < rank; ++axis)
      if (axes[axis]) list.push_back(static_cast<std::int64_t>(axis));
    return list;
  }
  /// Is any element infinite? (So few look, and it costs so little, that results are looked through.)
  static bool any_infinite(const Tensor& result) {
    if (traced(result) != nullptr) return true;  // cannot be told: there may be some
    return dispatch_floating(result.dtype(), [&]<class T>() {
      const std::span<const T> elements = result.data<T>();
      return std::any_of(elements.begin(), elements.end(), [](T element) { return std::isinf(element); });
    });
  }
  /// Computes the elements again, by again(), where some are not what they should be.
  template <class T, class Wrong, class Again>
  static void mend(Array& result, const Wrong& wrong, const Again& again) {
    T* const elements = result.mutable_data<T>();
    T* const end = elements + result.size();
    if (std::none_of(elements, end, wrong)) return;
    const Array mended = again();
    std::transform(elements, end, mended.data<T>(), elements,
                   [&](T element, T other) { return wrong(element) ? other : element; });
  }
  void require_elements(std::string_view name, const Shape& in) const {
    if (count(in) == 0)
      throw ShapeError(std::string(name) + ": nothing to reduce: shape " + to_string(in) +
                       " has no elements along the axes; check that the tensor is not empty");
  }
};

/// Of each sample under vmap: over the same axes, which come after that of the batch.
template <class Op>
Tensor reduce_each(Op op, const Unwrapped& at) {
  op.axes <<= 1;
  return apply(op, {}, Argument(at.in[0]));
}

template <class Op>
Tensor reduce(const Op& op, Here here, const Argument& in) {
  // Deferred elements are gone through once, unless somebody else may want them later, or the derivative.
  if (!Op::streams || !in.is_last() || op.reads(Recording::wanted_of(std::array{&*in})) != 0)
    evaluate_deferred(value_of(*in));
  return apply(op, here, in);
}

template <class Op>
Tensor reduce(const Operand& x, const Axes& axes, bool keepdims, DType dtype) try {
  const Argument in(x, dtype);
  Op op;
  op.axes = axis_mask(Op::name, axes, in->shape());
  op.keepdims = keepdims;
  return reduce(op, x.here(), in);
} catch (...) {
  rethrow_in_call(x);
}

}  // namespace chainrule::ops
