/// \file
/// The graph for those who look at it: nodes with their values, gradients and formulas, and scopes that name
/// parts. It is a snapshot in plain data; nothing here changes a graph or keeps it alive.

#pragma once

#include "chainrule/autograd.h"
#include "chainrule/detail/api.h"
#include "chainrule/tensor.h"

namespace CHAINRULE_API chainrule {

/// What a node is to the person who looks at the graph.
enum class NodeKind : std::uint8_t {
  constant,
  variable,   ///< a leaf that gradients are wanted for
  parameter,  ///< the same, held by a Parameter
  operation
};

/// Until it goes out of scope, the nodes that this thread makes belong to a part of the program with this
/// name, as `Scope layer("encoder");` Scopes nest; the same name in the same place is the same part again.
/// Drawings frame them, and fold them. Layers open their own. Names are kept for the life of the program,
/// up to 65,535 of them, beyond which a scope is part of the one around it: number layers, not steps. An
/// empty name opens no scope.
class [[nodiscard]] Scope {
 public:
  /// Opens a scope of this name within those that are open in this thread, until its end.
  [[nodiscard]] explicit Scope(std::string_view name);
  ~Scope();
  Scope(const Scope&) = delete;
  Scope& operator=(const Scope&) = delete;

 private:
  std::uint16_t before_;
};

/// A part of a graph: see Scope.
struct GraphScope {
  /// As the Scope was called.
  std::string name;
  std::size_t parent = 0;  ///< position in Graph::scopes()
};

/// How an operation is written.
struct Notation {
  /// What stands for it on a board: "×"; its name where this is empty.
  std::string_view symbol = {};
  /// What stands between its two arguments in an equation, or before its one: "·"; empty for a call by name.
  std::string_view sign = {};
};

/// One node of a graph, for drawing and stepping through.
struct GraphNode {
  /// What the node holds.
  Tensor tensor;
  /// A leaf, a constant, or a result.
  NodeKind kind = NodeKind::constant;
  std::string_view operation;       ///< "mul"; empty for leaves
  std::vector<std::size_t> inputs;  ///< positions in Graph::nodes(), in the order of the arguments
  std::string
      label;  ///< its name, or a generated one: v1, v2, ... and the number itself for scalar constants
  Here here;  ///< where the forward call was made
  bool has_value = true;   ///< false when the value has been released (see KeepValues)
  std::int64_t flops = 0;  ///< about how many additions, products and values of functions computing it took
  std::size_t scope = 0;   ///< position in Graph::scopes()
  Notation notation = {};  ///< of the operation; the symbol is never empty
};

/// A snapshot of everything a tensor was computed from, inputs before what uses them. Threads: several may
/// take and read snapshots at once, also of graphs that they share.
class [[nodiscard]] Graph {
 public:
  /// All that leads to this tensor.
  explicit Graph(const Tensor& output);
  /// From the leaves to the output: each after what it is made of.
  [[nodiscard]] const std::vector<GraphNode>& nodes() const& { return nodes_; }
  std::vector<GraphNode> nodes() && { return std::move(nodes_); }
  /// The scopes of the nodes, each after the one that it is in. The first, without a name, is outside all.
  [[nodiscard]] const std::vector<GraphScope>& scopes() const& { return scopes_; }
  std::vector<GraphScope> scopes() && { return std::move(scopes_); }
  /// The position of a tensor in nodes(); GradError when it is not part of the graph.
  [[nodiscard]] std::size_t position(const Tensor& tensor) const;
  /// The last of the nodes.
  [[nodiscard]] const GraphNode& output() const& { return nodes_.back(); }
  GraphNode output() && { return std::move(nodes_.back()); }

 private:
  std::vector<GraphNode> nodes_;
  std::vector<GraphScope> scopes_;
  std::vector<std::pair<const Node*, std::size_t>> positions_;  // in the order of addresses
};

/// What `node`'s operation sends to its input number `input` for the upstream gradient g (of the node's
/// shape): one step of the chain rule. Empty when no gradient flows to that input, or there is none of that
/// number. GradError for an empty handle, ShapeError when g does not have the node's shape.
Tensor local_gradient(const Tensor& node, std::size_t input, const Tensor& g);

/// That step in symbols. For elementwise operations the local derivative, as "z" for q·z with respect to
/// q, or "1 − t²"; for the others the whole product, written with g, as "g @ bᵀ".
struct [[nodiscard]] LocalFormula {
  /// For people, as "∂sin(x)/∂x = cos(x)".
  std::string text;
  bool is_factor = true;  ///< true: the gradient is g times this; false: text contains g
  /// Of what is no factor: is the tangent the operation on that of this input, as W @ dx?
  bool is_linear = false;
};
/// `names` are what to call the inputs, `name` what to call the node itself. GradError for an empty handle,
/// and for fewer names than inputs.
LocalFormula local_formula(const Tensor& node, std::size_t input, std::span<const std::string> names,
                           const std::string& name);

/// One line of `chainrule ops`.
struct OperationInfo {
  std::string_view name;     ///< "tanh"
  std::string_view formula;  ///< "∂tanh(x)/∂x = 1 − tanh(x)²"
};
/// Every operation of the library, by name.
[[nodiscard]] std::vector<OperationInfo> operations();

}  // namespace chainrule
