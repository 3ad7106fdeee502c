// The one traversal of a graph: depth first, without recursion, each node after all its inputs. Positions are
// kept in the nodes themselves, unless another thread goes through them at the same time.

#include "graph/traversal.h"

namespace chainrule {

/// True when the node had not been reached yet.
inline bool Traversal::claim(Node& node) {
  if (node.maker_ == thread_) [[likely]] {
    if (node.visitor_ == this) return false;
    if (node.visitor_ == nullptr) [[likely]] {
      node.visitor_ = this;
      return true;
    }
  }
  return claim_elsewhere(node);
}

/// Where a claimed node's position is kept; until it has one, the number of its inputs that were visited.
inline std::uint32_t& Traversal::place(Node& node) {
  return is_marked(node) ? node.position_ : (*elsewhere_)[&node];
}

inline void Traversal::push(Path& to, Node& node) {
  try {
    to.push_back(&node);
  } catch (...) {  // no memory; then nobody else would
    unclaim(node);
    throw;
  }
}

inline void Traversal::append(Node& node) {
  place(node) = static_cast<std::uint32_t>(order_.size());
  push(order_, node);
}

// Delegates, so that the destructor takes the marks away when there is not enough memory to finish.
Traversal::Traversal(const Node& root, Nodes which) : Traversal() {
  constexpr std::size_t ahead = 8;
  struct Visited : Path {  // from the root to the node being visited
    Traversal& traversal;
    explicit Visited(Traversal& of) : traversal(of) {}
    ~Visited() {
      for (Node* node : *this) traversal.unclaim(*node);
    }
  } path(*this);
  // True when the node's inputs come first.
  const auto enter = [&](Node& node) {
    if (!claim(node)) return false;
    if (node.is_leaf()) {
      append(node);
      return false;
    }
    place(node) = 0;
    push(path, node);
    return true;
  };
  enter(const_cast<Node&>(root));
  while (!path.empty()) {
    Node& node = *path.back();
    std::uint32_t& next = place(node);
    const auto inputs = node.inputs();
    bool entered = false;
    while (!entered && next < inputs.size()) {
      Node& input = *inputs[next++].node();
      if (which == Nodes::all || input.requires_grad()) entered = enter(input);
    }
    if (entered) continue;
    path.pop_back();
    append(node);
    // The way back up is known, and in a large graph no longer in the cache.
    if (path.size() > ahead) __builtin_prefetch(path[path.size() - ahead], 1);
  }
}

Traversal::~Traversal() {
  for (Node* node : order_)
    if (node != nullptr) unclaim(*node);
}

bool Traversal::claim_elsewhere(const Node& node) {
  if (elsewhere_ == nullptr) elsewhere_ = std::make_unique<Positions>();
  return elsewhere_->emplace(&node, absent).second;
}

void Traversal::unclaim(Node& node) {
  if (is_marked(node))
    node.visitor_ = nullptr;
  else
    elsewhere_->erase(&node);
}

std::uint32_t Traversal::position_elsewhere(const Node& node) const {
  if (elsewhere_ == nullptr) return absent;
  const auto found = elsewhere_->find(&node);
  return found == elsewhere_->end() ? absent : found->second;
}

}  // namespace chainrule
