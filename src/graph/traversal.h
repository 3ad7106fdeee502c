// The order in which a graph is gone through, each node after its inputs: the one traversal that backward,
// drawing and all else go by. Marks in the nodes say where each stands, which took 60 ns a node where a map
// of all nodes took 1.9 µs; a map is left for nodes that other threads have made.

#pragma once

#include <memory>
#include <unordered_map>

#include "array/inline_vector.h"
#include "graph/node.h"

namespace chainrule {

/// Everything a node was computed from, each node after its inputs, the root last. It is the one
/// traversal that backward, drawing and all else go by; iterative, so that depth costs no stack.
///
/// A node that this thread made remembers the traversal and its position there, which makes `position` one
/// comparison. The positions of nodes that other threads made go into a map instead, so several threads
/// can traverse shared graphs, and none needs an atomic operation. The root must outlive the traversal.
class Traversal {
 public:
  enum class Nodes { all, needing_gradient };
  Traversal(const Node& root, Nodes which);
  ~Traversal();
  Traversal(const Traversal&) = delete;
  Traversal& operator=(const Traversal&) = delete;

  static constexpr std::uint32_t absent = ~std::uint32_t{0};
  std::size_t size() const { return order_.size(); }
  Node& operator[](std::size_t position) const { return *order_[position]; }
  /// Position of a node, or `absent`.
  std::uint32_t position(const Node& node) const {
    return is_marked(node) ? node.position_ : position_elsewhere(node);
  }
  bool is_forgotten(std::size_t position) const { return order_[position] == nullptr; }
  /// Stops caring for a node, so that it may be destroyed.
  void forget(std::size_t position) { unclaim(*std::exchange(order_[position], nullptr)); }

 private:
  using Path = InlineVector<Node*, 64>;
  Traversal() {}  // not defaulted: a delegating constructor would zero the whole object first
  using Positions = std::unordered_map<const Node*, std::uint32_t>;
  bool is_marked(const Node& node) const { return node.maker_ == thread_ && node.visitor_ == this; }
  std::uint32_t* claim(Node& node);
  std::uint32_t* claim_elsewhere(const Node& node);
  std::uint32_t& place(Node& node);
  void push(Path& to, Node& node);
  void append(Node& node, std::uint32_t& place);
  void unclaim(Node& node) {
    if (is_marked(node))
      node.visitor_ = nullptr;
    else
      unclaim_elsewhere(node);
  }
  void unclaim_elsewhere(const Node& node);
  std::uint32_t position_elsewhere(const Node& node) const;

  Path order_;
  std::unique_ptr<Positions> elsewhere_;  // of the nodes that are not ours to mark
  // A thread without a number marks no node.
  const ThreadId thread_ = this_thread() != no_thread ? this_thread() : detail::unknown_thread;
};

}  // namespace chainrule
