#include "graph/traversal.h"

namespace chainrule {

Traversal::Traversal(const Node& root, Nodes which) {
  struct Visit {
    Node* node;
    std::uint32_t next_input;
  };
  InlineVector<Visit, 64> path;  // from the root to the node being visited
  auto enter = [&](Node& node) {
    if (claim(node)) path.push_back({&node, 0});
  };
  enter(const_cast<Node&>(root));
  while (!path.empty()) {
    Visit& visit = path.back();
    const auto inputs = visit.node->inputs();
    if (visit.next_input < inputs.size()) {
      Node& input = *inputs[visit.next_input++].node();
      if (which == Nodes::all || input.requires_grad()) enter(input);
    } else {
      set_position(*visit.node, static_cast<std::uint32_t>(order_.size()));
      order_.push_back(visit.node);
      path.pop_back();
    }
  }
}

Traversal::~Traversal() {
  for (Node* node : order_)
    if (node != nullptr) unclaim(*node);
}

void Traversal::forget(std::size_t position) { unclaim(*std::exchange(order_[position], nullptr)); }

/// True when the node had not been reached yet.
bool Traversal::claim(Node& node) {
  const void* holder = node.visitor_.load(std::memory_order_relaxed);
  if (holder == this || (!elsewhere_.empty() && elsewhere_.contains(&node))) return false;
  if (holder == nullptr && node.visitor_.compare_exchange_strong(holder, this, std::memory_order_acquire,
                                                                 std::memory_order_relaxed))
    return true;
  return elsewhere_.emplace(&node, absent).second;
}

void Traversal::set_position(Node& node, std::uint32_t position) {
  if (node.visitor_.load(std::memory_order_relaxed) == this)
    node.position_ = position;
  else
    elsewhere_[&node] = position;
}

void Traversal::unclaim(Node& node) {
  if (node.visitor_.load(std::memory_order_relaxed) == this)
    node.visitor_.store(nullptr, std::memory_order_release);
  else
    elsewhere_.erase(&node);
}

}  // namespace chainrule
