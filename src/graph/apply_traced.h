// What apply.h does with values that stand for others under a transform: the operation's rule for batches or
// for tangents, or one that follows from its derivative. A part of apply.h, which includes it at its end.

#pragma once

#include <vector>

#include "graph/apply.h"
#include "graph/traced.h"

namespace chainrule {

template <std::size_t N, Operation Op>
Tensor batched_result(const Op& op, Here here, const Unwrapped& at) {
  if constexpr (requires { op.batch(at); })
    return op.batch(at);
  else
    return at.one_by_one(op.name,
                         [&](const std::vector<Tensor>& sample) { return apply_again<N>(op, here, sample); });
}

/// The tangent of a result that is not constant.
template <std::size_t N, Operation Op>
Tensor tangent_of_result(const Op& op, Here here, const Unwrapped& at, const Tensor& out,
                         const SavedOf<Op>& saved) {
  if constexpr (requires { Op::linear; })
    return apply_again<N>(op, here, at.all_tangents());
  else if constexpr (requires { op.jvp(Inputs(), out, Inputs()); })
    return op.jvp(at.in, out, at.tangents);
  else
    return pushed_through(out, at.in, at.tangents,
                          [&](const Tensor& v, Cotangents& to) { vjp_by(op, at.in, out, v, to, saved); });
}

/// The value of an operation some of whose inputs stand for others under a transform.
template <std::size_t N, Operation Op>
Array compute_traced(const Op& op, Here here, std::span<const Tensor* const> tensors,
                     [[maybe_unused]] const SavedOf<Op>& known) {
  if constexpr (requires { op.composed(Inputs()); }) {
    std::vector<Tensor> in;
    for (const Tensor* tensor : tensors) in.push_back(*tensor);
    return value_of(op.composed(in));
  } else {
    SavedOf<Op> saved = known;
    return traced_value(
        tensors,
        {.batched = [&](const Unwrapped& at) { return batched_result<N>(op, here, at); },
         .again = [&](Inputs in) { return apply_again<N>(op, here, in, saved); },
         .tangent = [&](const Unwrapped& at,
                        const Tensor& out) { return tangent_of_result<N>(op, here, at, out, saved); }});
  }
}

}  // namespace chainrule
