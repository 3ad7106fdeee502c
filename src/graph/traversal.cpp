// The one traversal of a graph: depth first, without recursion, each node after all its inputs. Positions are
// kept in the nodes themselves, unless another thread goes through them at the same time.

#include "graph/traversal.h"

namespace chainrule {

/// Where the position of a node that had not been reached yet is kept; until it has one, the number of its
/// inputs that were visited. Null for others.
inline std::uint32_t* Traversal::claim(Node& node) {
  if (node.maker_ == thread_) [[likely]] {
    if (node.visitor_ == this) return nullptr;
    if (node.visitor_ == nullptr) [[likely]] {
      node.visitor_ = this;
      return &node.position_;
    }
  }
  return claim_elsewhere(node);
}

/// The same of a node that is claimed.
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

inline void Traversal::append(Node& node, std::uint32_t& place) {
  place = static_cast<std::uint32_t>(order_.size());
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
    std::uint32_t* const place = claim(node);
    if (place == nullptr) return false;
    if (node.is_leaf()) {
      append(node, *place);
      return false;
    }
    *place = 0;
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
    append(node, next);
    // The way back up is known, and in a large graph no longer in the cache.
    if (path.size() > ahead) __builtin_prefetch(path[path.size() - ahead], 1);
  }
}

Traversal::~Traversal() {
  for (Node* node : order_)
    if (node != nullptr) unclaim(*node);
}

std::uint32_t* Traversal::claim_elsewhere(const Node& node) {
  if (elsewhere_ == nullptr) elsewhere_ = std::make_unique<Positions>();
  const auto [found, is_new] = elsewhere_->emplace(&node, absent);
  return is_new ? &found->second : nullptr;
}

void Traversal::unclaim_elsewhere(const Node& node) { elsewhere_->erase(&node); }

std::uint32_t Traversal::position_elsewhere(const Node& node) const {
  if (elsewhere_ == nullptr) return absent;
  const auto found = elsewhere_->find(&node);
  return found == elsewhere_->end() ? absent : found->second;
}

}  // namespace chainrule
