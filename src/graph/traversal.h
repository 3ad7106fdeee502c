#pragma once

#include <unordered_map>

#include "array/inline_vector.h"
#include "graph/node.h"

namespace chainrule {

/// Everything a node was computed from, each node after its inputs, the root last. It is the one
/// traversal that backward, drawing and all else go by; iterative, so that depth costs no stack.
///
/// A node remembers the traversal that claimed it and its position there, which makes `position` one
/// comparison. Where another thread is visiting the same node, the position goes into a map instead, so
/// several threads can traverse shared graphs. The root must outlive the traversal.
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
    if (node.visitor_.load(std::memory_order_relaxed) == this) return node.position_;
    if (elsewhere_.empty()) return absent;
    const auto found = elsewhere_.find(&node);
    return found == elsewhere_.end() ? absent : found->second;
  }
  /// Stops caring for a node, so that it may be destroyed.
  void forget(std::size_t position);

 private:
  bool claim(Node& node);
  void set_position(Node& node, std::uint32_t position);
  void unclaim(Node& node);

  InlineVector<Node*, 64> order_;
  std::unordered_map<const Node*, std::uint32_t> elsewhere_;
};

}  // namespace chainrule
