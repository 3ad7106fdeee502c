// Derivatives along tangents, for operations that only have a rule for cotangents: that rule is linear, and
// is transposed by the engine. Relies on rules being written in public operations.

#include <algorithm>
#include <array>

#include "autograd/engine.h"
#include "autograd/total.h"
#include "chainrule/detail/trace.h"
#include "chainrule/ops.h"
#include "graph/reading.h"
#include "graph/traced.h"

namespace chainrule {

std::vector<Tensor> pushed_through(std::string_view called, std::span<const Tensor> out,
                                   std::span<const Tensor> in, std::span<const Tensor> tangents,
                                   FunctionRef<std::vector<Tensor>(std::span<const Tensor>)> send) {
  bool differentiated = false;
  for (const std::span<const Tensor> list : {out, in, tangents})
    differentiated = differentiated || std::ranges::any_of(list, needs_gradient_inside);
  const bool record = differentiated && !recording_mode.off;
  std::vector<Tensor> v, wrt;
  Tensor along;
  {
    const detail::Recorded recorded;
    // Not zeros, as some rules look whether anything comes from above.
    for (const Tensor& each : out) {
      v.push_back(is_floating(each.dtype()) ? variable(ones_like(each)) : Tensor());
      if (!v.back().is_empty()) wrt.push_back(v.back());
    }
    const NumbersAllowed allowed;
    const std::vector<Tensor> sent = send(v);
    for (std::size_t i = 0; i < in.size(); ++i) {
      if (tangents[i].is_empty() || sent[i].is_empty()) continue;
      add_to(along, sum(sent[i] * tangents[i]));
    }
  }
  std::vector<Tensor> pushed(out.size());
  if (along.is_empty()) return pushed;
  const std::vector<Tensor> found = gradients_at(called, along, {}, wrt, record);
  for (std::size_t k = 0, next = 0; k < out.size(); ++k)
    if (!v[k].is_empty()) pushed[k] = found[next++];
  return pushed;
}

Tensor pushed_through(const Tensor& out, std::span<const Tensor> in, std::span<const Tensor> tangents,
                      FunctionRef<void(const Tensor&, Cotangents&)> send) {
  const auto sent_by = [&](std::span<const Tensor> v) {
    Wanted among;
    for (std::size_t i = 0; i < in.size(); ++i)
      if (!tangents[i].is_empty()) among.add(i);
    std::vector<Cotangent> sent(in.size());
    Cotangents to(sent, in, {.only_needed = false, .among = among});
    send(v.front(), to);
    std::vector<Tensor> tensors(in.size());
    for (std::size_t i = 0; i < in.size(); ++i)
      if (!tangents[i].is_empty() && !sent[i].is_nothing())
        tensors[i] = std::move(sent[i]).tensor(in[i].dtype());
    return tensors;
  };
  return pushed_through("jvp", std::span(&out, 1), in, tangents, sent_by).front();
}

}  // namespace chainrule
