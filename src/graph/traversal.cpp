#include "graph/traversal.h"

namespace chainrule {

/// True when the node had not been reached yet.
inline bool Traversal::claim(Node& node) {
  if (node.maker_ == thread_ && thread_ != no_thread) [[likely]] {
    if (node.visitor_ == this) return false;
    if (node.visitor_ == nullptr) [[likely]] {
      node.visitor_ = this;
      return true;
    }
  }
  return claim_elsewhere(node);
}

inline void Traversal::append(Node& node) {
  const auto position = static_cast<std::uint32_t>(order_.size());
  if (is_marked(node)) [[likely]]
    node.position_ = position;
  else
    (*elsewhere_)[&node] = position;
  order_.push_back(&node);
}

Traversal::Traversal(const Node& root, Nodes which) {
  struct Visit {
    Node* node;
    const Tensor *next, *end;  // the inputs that are left
  };
  InlineVector<Visit, 64> path;  // from the root to the node being visited
  const auto enter = [&](Node& node) {
    if (!claim(node)) return;
    const auto inputs = node.inputs();
    if (inputs.empty())
      append(node);
    else
      path.push_back({&node, inputs.data(), inputs.data() + inputs.size()});
  };
  enter(const_cast<Node&>(root));
  while (!path.empty()) {
    Visit& visit = path.back();
    if (visit.next != visit.end) {
      Node& input = *(visit.next++)->node();
      if (which == Nodes::all || input.requires_grad()) enter(input);
    } else {
      append(*visit.node);
      path.pop_back();
    }
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
