// What a function has captured: variables, and tensors that are computed from some. Found by walking the
// recorded graph back to what was there before the call.

#include "autograd/captured.h"

#include <algorithm>
#include <string>

#include "chainrule/detail/trace.h"
#include "chainrule/graph.h"
#include "graph/scope.h"
#include "graph/traversal.h"

namespace chainrule {
namespace {

// When there are no more numbers for scopes, nothing tells what was made in the function but where it ends:
// the leaves, all of them variables.
constexpr int no_scope = -1;

bool is_within(std::uint16_t scope, std::uint16_t around) {
  while (scope != around && scope != 0) scope = scope_entry(scope).parent;
  return scope == around;
}

}  // namespace

CapturingCall::CapturingCall(std::string_view name, std::span<const Tensor> in,
                             FunctionRef<std::vector<Tensor>(std::span<const Tensor>)> call) {
  const std::uint16_t around = recording_mode.scope;
  std::uint16_t scope = around;
  {
    const detail::Recorded recorded;
    const Scope opened(name);
    scope = recording_mode.scope;
    results = call(in);
  }
  for (const Tensor& result : results) {
    if (result.is_empty())
      throw GradError(std::string(name) + ": the function gives an empty handle; return a tensor");
    if (result.requires_grad()) find_captured(result, in, scope == around ? no_scope : scope);
  }
  std::ranges::sort(captured, {}, &Tensor::node);
  const auto same = [](const Tensor& a, const Tensor& b) { return a.node() == b.node(); };
  captured.erase(std::unique(captured.begin(), captured.end(), same), captured.end());
}

void CapturingCall::find_captured(const Tensor& result, std::span<const Tensor> in, int scope) {
  const Traversal order(*result.node(), Traversal::Nodes::needing_gradient);
  InlineVector<bool, 64> reached, given;
  reached.assign_zeros(order.size());
  given.assign_zeros(order.size());
  for (const Tensor& each : in)
    if (const auto position = order.position(*each.node()); position != Traversal::absent)
      given[position] = true;
  reached[order.size() - 1] = true;
  std::uint16_t last = 0;
  bool last_is_within = false;
  for (std::size_t i = order.size(); i-- > 0;) {
    if (!reached[i] || given[i]) continue;
    Node& node = order[i];
    if (i + 1 == order.size() || node.scope() != last) {
      last = node.scope();
      last_is_within = scope == no_scope ? true : is_within(last, static_cast<std::uint16_t>(scope));
    }
    if (!last_is_within || (scope == no_scope && node.is_leaf())) {
      captured.push_back(TensorAccess::share(&node));
      continue;
    }
    for (const Tensor& input : node.inputs())
      if (const auto position = order.position(*input.node()); position != Traversal::absent)
        reached[position] = true;
  }
}

}  // namespace chainrule
