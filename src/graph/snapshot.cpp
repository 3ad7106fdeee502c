// A graph as a list of nodes, for those who look at one, and derivatives of single nodes. Relies on one
// traversal for the order, and on each node's own formula and rule.

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "chainrule/graph.h"
#include "graph/call_error.h"
#include "graph/cotangent.h"
#include "graph/scope.h"
#include "graph/together.h"
#include "graph/traversal.h"

namespace chainrule {
namespace {

/// A scalar constant is called by its number, as "2" in 2 · x.
std::string number_label(const Tensor& tensor) {
  if (tensor.size() != 1 || tensor.rank() != 0) return {};
  std::string text = to_string(tensor);
  if (text.ends_with(".0")) text.resize(text.size() - 2);
  return text;
}

/// The scopes of a graph in the order in which its nodes need them.
class ScopeList {
 public:
  explicit ScopeList(std::vector<GraphScope>& scopes) : scopes_(scopes) {
    scopes_.push_back({});
    positions_.emplace(0, 0);
  }
  /// With the scopes that it is in, which come before it.
  std::size_t position(std::uint16_t scope) {
    std::vector<std::uint16_t> added;
    while (!positions_.contains(scope)) {
      added.push_back(scope);
      scope = scope_entry(scope).parent;
    }
    std::size_t position = positions_.at(scope);
    for (; !added.empty(); added.pop_back()) {
      scopes_.push_back({scope_entry(added.back()).name, position});
      position = scopes_.size() - 1;
      positions_.emplace(added.back(), position);
    }
    return position;
  }

 private:
  std::vector<GraphScope>& scopes_;
  std::unordered_map<std::uint16_t, std::size_t> positions_;
};

}  // namespace

Graph::Graph(const Tensor& output) {
  if (output.is_empty()) throw GradError("graph: an empty handle has no graph; assign a tensor to it first");
  const Traversal order(*output.node(), Traversal::Nodes::all);
  const std::size_t count = order.size() - (dynamic_cast<const Together*>(output.node()) != nullptr ? 1 : 0);
  std::unordered_set<std::string> taken;
  for (std::size_t i = 0; i < count; ++i) taken.insert(order[i].label());
  std::size_t unnamed = 0;
  ScopeList scopes(scopes_);
  for (std::size_t i = 0; i < count; ++i) {
    Node& node = order[i];
    GraphNode entry;
    entry.tensor = TensorAccess::share(&node);
    entry.kind = node.kind();
    entry.operation = node.operation();
    entry.notation = node.notation();
    for (const Tensor& input : node.inputs()) entry.inputs.push_back(order.position(*input.node()));
    entry.label = node.label();
    entry.here = node.here();
    entry.has_value = node.has_value();
    entry.flops = node.flops();
    entry.scope = scopes.position(node.scope());
    if (entry.label.empty() && entry.kind == NodeKind::constant) entry.label = number_label(entry.tensor);
    while (entry.label.empty())
      if (std::string label = "v" + std::to_string(++unnamed); !taken.contains(label))
        entry.label = std::move(label);
    positions_.emplace_back(&node, i);
    nodes_.push_back(std::move(entry));
  }
  std::sort(positions_.begin(), positions_.end());
}

std::size_t Graph::position(const Tensor& tensor) const {
  const auto found = std::lower_bound(positions_.begin(), positions_.end(),
                                      std::pair<const Node*, std::size_t>(tensor.node(), 0));
  if (found == positions_.end() || found->first != tensor.node())
    throw GradError(
        "graph: " +
        (!tensor.is_empty() && !tensor.name().empty() ? "'" + tensor.name() + "'" : "the tensor") +
        " is not part of this graph");
  return found->second;
}

Tensor local_gradient(const Tensor& tensor, std::size_t input, const Tensor& g) {
  if (g.shape() != tensor.shape())
    throw ShapeError("local_gradient: the upstream gradient has shape " + to_string(g.shape()) +
                     ", the node " + to_string(tensor.shape()) + "; they must be equal");
  const Node& node = *tensor.node();
  const auto inputs = node.inputs();
  if (input >= inputs.size() || !is_floating(inputs[input].dtype())) return {};
  const NoGrad guard;
  std::vector<Cotangent> sent(inputs.size());
  Cotangents to(sent, inputs, {.only_needed = false, .in_numbers = recording_mode.transforms == 0});
  try {
    node.vjp(g, to);
  } catch (...) {
    rethrow_in_backward(node);
  }
  return std::move(sent[input]).tensor(inputs[input].dtype());
}

LocalFormula local_formula(const Tensor& tensor, std::size_t input, std::span<const std::string> names,
                           const std::string& name) {
  (void)tensor.shape();  // GradError for an empty handle
  const Node& node = *tensor.node();
  const std::size_t count = node.inputs().size();
  if (input >= count) return {};
  if (names.size() < count)
    throw GradError("local_formula: " + std::to_string(names.size()) + " names for the " +
                    std::to_string(count) + " inputs of " + std::string(node.operation()) +
                    "; give one for each");
  return node.local_formula(input, names, name);
}

}  // namespace chainrule
