// A graph as drawings need it: of each node the numbers in a few figures, not the tensors. A recorded graph
// can be drawn, saved and read again without the tensors that it is of.

#include <algorithm>
#include <cmath>

#include "array/array.h"
#include "chainrule/draw.h"
#include "chainrule/ops.h"
#include "draw/numbers.h"

namespace chainrule {
namespace {

template <class T>
NumbersSummary summarize(std::span<const T> elements) {
  NumbersSummary summary;
  double sum = 0, squares = 0;
  std::int64_t finite = 0;
  for (const T element : elements) {
    const auto x = static_cast<double>(element);
    if (!std::isfinite(x)) {
      ++(std::isnan(x) ? summary.nans : summary.infinities);
      continue;
    }
    summary.min = finite == 0 ? x : std::min(summary.min, x);
    summary.max = finite == 0 ? x : std::max(summary.max, x);
    sum += x;
    squares += x * x;
    ++finite;
  }
  if (finite > 0) summary.mean = sum / static_cast<double>(finite);
  summary.norm = std::sqrt(squares);
  return summary;
}

/// Finds the innermost scope that two scopes are in.
class ScopeTree {
 public:
  explicit ScopeTree(const std::vector<GraphScope>& scopes) : scopes_(scopes), depths_(scopes.size()) {
    for (std::size_t i = 1; i < scopes.size(); ++i) depths_[i] = depths_[scopes[i].parent] + 1;
  }
  std::size_t common(std::size_t a, std::size_t b) const {
    while (a != b) (depths_[a] < depths_[b] ? b : a) = scopes_[depths_[a] < depths_[b] ? b : a].parent;
    return a;
  }

 private:
  const std::vector<GraphScope>& scopes_;
  std::vector<std::size_t> depths_;
};

/// Parameters are made long before the layers that use them run, and a constant's place tells nobody
/// anything.
void move_leaves_to_uses(GraphRecord& graph) {
  constexpr std::size_t unused = ~std::size_t{0};
  const ScopeTree tree(graph.scopes);
  std::vector<std::size_t> uses(graph.nodes.size(), unused);
  for (const RecordedNode& node : graph.nodes)
    for (const std::size_t input : node.inputs)
      uses[input] = uses[input] == unused ? node.scope : tree.common(uses[input], node.scope);
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    RecordedNode& node = graph.nodes[i];
    const bool moves =
        node.kind == NodeKind::parameter || (node.kind == NodeKind::constant && !node.is_named);
    // Not out of the scope that it was made in.
    if (moves && uses[i] != unused && tree.common(uses[i], node.scope) == node.scope) node.scope = uses[i];
  }
}

bool is_known_scalar(const GraphNode& node) { return node.has_value && node.tensor.rank() == 0; }

RecordedNode::Derivative derivative(const Graph& graph, const GraphNode& node, std::size_t input) {
  std::vector<std::string> names;
  bool known = is_known_scalar(node);
  for (const std::size_t each : node.inputs) {
    names.push_back(graph.nodes()[each].label);
    known = known && is_known_scalar(graph.nodes()[each]);
  }
  LocalFormula formula = local_formula(node.tensor, input, names, node.label);
  RecordedNode::Derivative derivative{std::move(formula.text), formula.is_factor, {}};
  if (formula.is_factor && known)
    if (const Tensor factor = local_gradient(node.tensor, input, ones_like(node.tensor)); !factor.is_empty())
      derivative.value = factor.item();
  return derivative;
}

RecordedNode recorded(const Graph& graph, const GraphNode& node, const Gradients* gradients) {
  RecordedNode result;
  result.kind = node.kind;
  result.label = node.label;
  result.is_named = !node.tensor.name().empty();
  result.operation = node.operation;
  result.symbol = node.notation.symbol;
  result.inputs = node.inputs;
  for (std::size_t i = 0; i < node.inputs.size(); ++i) {
    const bool flows = graph.nodes()[node.inputs[i]].tensor.requires_grad();
    result.derivatives.push_back(flows ? derivative(graph, node, i) : RecordedNode::Derivative());
  }
  result.shape = node.tensor.shape();
  result.dtype = node.tensor.dtype();
  if (node.has_value) result.value = summary(node.tensor);
  if (gradients != nullptr && gradients->contains(node.tensor))
    result.gradient = summary(gradients->at(node.tensor));
  result.flops = node.flops;
  result.file = node.here.file;
  result.line = node.here.line;
  result.scope = node.scope;
  return result;
}

}  // namespace

NumbersSummary summary(const Tensor& tensor) {
  if (is_only_stored(tensor.dtype())) return summary(cast(tensor.detach(), computed_in(tensor.dtype())));
  NumbersSummary summary = dispatch(tensor.dtype(), [&]<class T>() { return summarize(tensor.data<T>()); });
  if (is_small(tensor)) summary.elements = tensor.to_vector<double>();
  return summary;
}

std::int64_t RecordedNode::bytes() const { return static_cast<std::int64_t>(bytes_of(shape, dtype)); }

GraphRecord::GraphRecord(const Tensor& output, const Gradients* gradients, const Profile* profile) {
  const Graph graph(output);
  scopes = graph.scopes();
  nodes.reserve(graph.nodes().size());
  for (const GraphNode& node : graph.nodes()) nodes.push_back(recorded(graph, node, gradients));
  move_leaves_to_uses(*this);
  if (profile == nullptr) return;
  std::vector<Tensor> tensors;
  for (const GraphNode& node : graph.nodes()) tensors.push_back(node.tensor);
  const std::vector<NodeTime> times = profile->times(tensors);
  for (std::size_t i = 0; i < nodes.size(); ++i)
    if (nodes[i].kind == NodeKind::operation) nodes[i].time = times[i];
}

}  // namespace chainrule
