#pragma once

#include "graph/node.h"

namespace chainrule {

/// What one backward pass is asked to do.
class Backpropagation {
 public:
  virtual ~Backpropagation() = default;
  /// Sees each node with its complete gradient, from the root to the leaves.
  virtual void deliver(const Node& node, Tensor gradient) = 0;

  /// The chain rule over everything `root` depends on: each node passes the gradient that it has received
  /// on to its inputs, multiplied by its derivative. The sums are complete because every node comes after
  /// all its uses. An empty seed stands for dL/dL = 1. With `consume` the graph is released on the way: a
  /// node goes as soon as it has passed its gradient on, unless somebody else holds it.
  void run(Tensor root, const Tensor& seed, bool create_graph, bool consume);
};

}  // namespace chainrule
