// Sums of the cotangents that meet at a node, whether numbers, tensors or products that are only added up.
// Recorded sums are operations; those in numbers are kernels/accumulate.h.

#include "autograd/accumulator.h"

#include "chainrule/ops.h"
#include "graph/deferral.h"
#include "graph/stored.h"
#include "kernels/accumulate.h"

namespace chainrule {

Tensor add_up(Tensor&& sum, const Tensor& more) {
  Node& node = *sum.node();
  if (is_only_stored(more))
    return cast(sum, computed_in(node.dtype())) + cast(more, computed_in(node.dtype()));
  if (!recording_mode.off || recording_mode.transforms != 0 || !node.is_unique() || !node.is_leaf())
    return sum + more;
  Array& total = node.mutable_value();
  const Array& part = value_of(more);
  if (adds_up_later(total, part)) return sum + more;
  const bool is_last = more.node()->is_unique();
  if (!part.use_deferred([&](const Deferred& deferred) {
        return deferred.add_to(total, 1) || (is_last && kernels::accumulate(total, deferred));
      }))
    kernels::accumulate(total, part);
  return std::move(sum);
}

Cotangent rounded(Cotangent sum, DType dtype) { return cast(std::move(sum).tensor(dtype), dtype); }

}  // namespace chainrule
