#pragma once

#include "graph/node.h"

namespace chainrule {

class Consumption;

/// What one backward pass is asked to do.
class Backpropagation {
 public:
  virtual ~Backpropagation() = default;
  /// Called once, when the order of the nodes is known.
  virtual void start(const Traversal&) {}
  /// Sees each node that a gradient reaches, with its complete gradient, from the root to the leaves. That
  /// of a leaf it may keep; that of another node may be unexpanded.
  virtual void deliver(std::size_t position, const Node& node, Tensor& gradient) = 0;

  /// The chain rule over everything `root` depends on: each node passes the gradient that it has received
  /// on to its inputs, multiplied by its derivative. The sums are complete because every node comes after
  /// all its uses. An empty seed stands for dL/dL = 1.
  void run(const Tensor& root, const Tensor& seed, bool create_graph);
  /// The same, and the graph is released on the way: a node goes as soon as it has passed its gradient
  /// on, unless somebody else holds it.
  void run_and_consume(Tensor root, const Tensor& seed);

 private:
  void propagate(const Traversal& order, Tensor seed, bool create_graph, Consumption* consumption);
};

}  // namespace chainrule
