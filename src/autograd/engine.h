// One backward pass over a graph, which asks its caller where gradients are wanted. Who wants something else
// on the way, as showing steps or releasing nodes, derives from it and observes.

#pragma once

#include <vector>

#include "array/inline_vector.h"
#include "chainrule/detail/function_ref.h"
#include "graph/cotangent.h"

namespace chainrule {

class Consumption;
class CotangentAccumulator;

/// What one backward pass is asked to do.
class Backpropagation {
 public:
  virtual ~Backpropagation() = default;
  /// The function that the user called, for errors.
  std::string_view called = "backward";
  /// Unless it is empty: from which nodes the gradient goes on to their inputs, by position. What start() may
  /// fill, so that nothing is computed beyond what is wanted.
  InlineVector<bool, 64> goes_on;
  /// Called once, when the order of the nodes is known.
  virtual void start(const Traversal&) {}
  /// Is this node's gradient wanted: asked for each that one reaches, from the root to the leaves, unless
  /// only those of variables are.
  virtual bool wants(std::size_t /*position*/, const Node& node) { return node.is_variable(); }
  bool only_of_variables = false;
  /// Gets the complete gradient of a wanted node.
  virtual void receive(const Node& node, Cotangent&& gradient) = 0;
  /// Where `observes` is set: is shown what a node sends to one of its inputs, in order.
  virtual void sent(const Node& /*from*/, std::size_t /*input*/, const Cotangent& /*cotangent*/) {}
  bool observes = false;

  /// The chain rule over everything `root` depends on: each node passes the gradient that it has received
  /// on to its inputs, multiplied by its derivative. The sums are complete because every node comes after
  /// all its uses. An empty seed stands for dL/dL = 1.
  void run(const Tensor& root, const Tensor& seed, bool create_graph);
  /// The same, and the graph is released on the way: a node goes as soon as it has passed its gradient
  /// on, unless somebody else holds it. What fails before that leaves the root as it was.
  void run_and_consume(Tensor&& root, const Tensor& seed);

 private:
  bool passes_on(std::size_t position) const { return goes_on.empty() || goes_on[position]; }
  void show(const Node& node, const Cotangent& g, std::span<const Cotangent> shares);
  void propagate(const Node& node, Cotangent&& g, bool in_numbers, CotangentAccumulator& arrived);
  void propagate_all(const Traversal& order, const Tensor& seed, bool create_graph, Consumption* consumption);
  bool observed_ = false;  // see graph/observer.h
};

/// The gradients of `root` with respect to these tensors, in their order, each taken as a variable of its
/// own: what reaches one of them only through another does not count. Zeros where it depends on none, or is
/// an empty handle. What does not lead to them is left alone. Errors are those of `called`.
std::vector<Tensor> gradients_at(std::string_view called, const Tensor& root, const Tensor& seed,
                                 std::span<const Tensor> wrt, bool create_graph);
/// The same of several results, with a seed for each: an empty handle is zeros.
std::vector<Tensor> pulled_back(std::string_view called, std::span<const Tensor> results,
                                std::span<const Tensor> seeds, std::span<const Tensor> wrt,
                                bool create_graph);

/// What an operation sends to its inputs that can be composed of others: their rules say it. Each input is
/// taken for itself, though one may be made of another.
void send_through(std::string_view called, FunctionRef<Tensor(std::span<const Tensor>)> composed,
                  std::span<const Tensor> in, const Tensor& g, Cotangents& to);

}  // namespace chainrule
