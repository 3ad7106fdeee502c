// Values in dtypes that are only stored: casts on the way into an operation and out of it, as nodes of the
// graph. apply.h calls it, so that no kernel and no derivative knows of these dtypes.

#pragma once

#include <span>

#include "chainrule/detail/function_ref.h"
#include "graph/node.h"

/// Values that are only stored. Operations compute in bool, int64, float32 and float64: what comes in another
/// dtype is cast on its way in, and the result back on its way out, so that no kernel and no derivative has
/// to know of it. These casts are nodes of the graph as any other.
///
/// An operation may have
///   static constexpr bool any_dtype = true    elements are moved or cast: it takes them as they are
///   static constexpr bool integers = true     of whole numbers it makes numbers of their kind: of int32
///                                             ones int32. (A sum, a count and a place are int64.)
///   static constexpr bool takes_int32()       it computes int32 ones of int32 ones by itself
namespace chainrule {

inline bool is_only_stored(const Tensor& tensor) { return is_only_stored(tensor.node()->dtype()); }

/// The result of an operation on inputs some of which are only stored. `computed` gives it of inputs in which
/// it computes.
Tensor apply_to_stored(Here here, std::span<const Tensor* const> tensors, bool keeps_integers,
                       FunctionRef<Tensor(std::span<const Tensor> in)> computed);

}  // namespace chainrule
