// The derivative of one operation along tangents, by its rule for cotangents.

#include <array>

#include "autograd/engine.h"
#include "chainrule/detail/trace.h"
#include "chainrule/ops.h"
#include "graph/traced.h"

namespace chainrule {

Tensor pushed_through(const Tensor& out, std::span<const Tensor> in, std::span<const Tensor> tangents,
                      FunctionRef<void(const Tensor&, Cotangents&)> send) {
  Wanted among;
  bool differentiated = needs_gradient_inside(out);
  for (std::size_t i = 0; i < in.size(); ++i) {
    if (!tangents[i].is_empty()) among.add(i);
    differentiated = differentiated || needs_gradient_inside(in[i]) || needs_gradient_inside(tangents[i]);
  }
  const bool record = differentiated && !recording_mode.off;
  Tensor v, along;
  {
    const detail::Recorded recorded;
    // Not zeros, as some rules look whether anything comes from above.
    v = variable(ones_like(out));
    std::vector<Cotangent> sent(in.size());
    Cotangents to(sent, in, {.only_needed = false, .among = among});
    send(v, to);
    for (std::size_t i = 0; i < in.size(); ++i) {
      if (tangents[i].is_empty() || sent[i].is_nothing()) continue;
      const Tensor part = sum(std::move(sent[i]).tensor(in[i].dtype()) * tangents[i]);
      along = along.is_empty() ? part : along + part;
    }
  }
  if (along.is_empty()) return {};
  return gradients_at("jvp", along, {}, std::span(&v, 1), record).front();
}

}  // namespace chainrule
