// Two results as one graph, for those who draw or record both. A node that has both as inputs and computes
// nothing, so that one traversal finds all.

#pragma once

#include <array>

#include "graph/node.h"

namespace chainrule {

/// What leads to two results, for one snapshot of both graphs, which leaves this node out. It lists what the
/// first was computed from, and the first, before the rest.
class Together final : public Node {
 public:
  static Tensor of(const Tensor& first, const Tensor& second) {
    return TensorAccess::adopt(new Together(first, second));
  }
  NodeKind kind() const override { return NodeKind::operation; }

 private:
  Together(const Tensor& first, const Tensor& second)
      : Node(Array(0.0), false),
        inputs_{TensorAccess::share(first.node()), TensorAccess::share(second.node())} {
    set_inputs(inputs_.data(), inputs_.size(), reads_everything, {});
  }
  std::array<Tensor, 2> inputs_;
};

}  // namespace chainrule
