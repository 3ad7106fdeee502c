// A backward pass that takes the graph apart on its way, for std::move(loss).backward(). It observes the
// engine's walk over a traversal, and gives back each node as soon as it has been passed.

#pragma once

#include "array/inline_vector.h"
#include "graph/traversal.h"

namespace chainrule {

/// Takes a graph apart while the gradient passes through it. What a node held on to passes to us when
/// the node goes, so that nothing is counted for the nodes that nobody else knows, and each lives until its
/// turn.
class Consumption {
 public:
  Consumption(Traversal& order, Tensor&& root) : order_(order) {
    held_.assign_zeros(order.size());
    held_.back() = Node::handle;
    TensorAccess::give_up(root);
  }
  ~Consumption() {
    // First all that is not ours to keep alive: it may go with what is.
    for (std::size_t i = 0; i < held_.size(); ++i)
      if (held_[i] == 0 && !order_.is_forgotten(i)) order_.forget(i);
    for (std::size_t i = 0; i < held_.size(); ++i) {
      if (held_[i] == 0) continue;
      Node& node = order_[i];
      order_.forget(i);
      node.drop(held_[i]);
    }
  }
  Consumption(const Consumption&) = delete;
  Consumption& operator=(const Consumption&) = delete;

  /// Deletes the node that is the last one not to have had its turn yet. One that somebody else holds stays,
  /// with all it depends on, and we hold it until the end, as the other may let go of it at any time.
  void release(std::size_t last) {
    Node* const node = &order_[last];
    if (!node->are_all(held_[last])) return;
    order_.forget(last);
    held_[last] = 0;
    Node::dismantle(node, [&](Node& input, std::uint64_t what) {
      const std::uint32_t position = order_.position(input);
      if (position != Traversal::absent)
        held_[position] += what;
      else
        input.drop(what);
    });
  }

 private:
  Traversal& order_;
  InlineVector<std::uint64_t, 64> held_;  // references to each node that passed to us
};

}  // namespace chainrule
