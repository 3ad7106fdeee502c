#include "autograd/engine.h"

#include <algorithm>
#include <array>

#include "chainrule/ops.h"
#include "graph/call_error.h"
#include "graph/traversal.h"

namespace chainrule {

/// Takes a graph apart while the gradient passes through it. What a node held on to passes to us when
/// the node goes, so that nothing is counted for the nodes that nobody else knows, and each lives until its
/// turn.
class Consumption {
 public:
  Consumption(Traversal& order, Tensor&& root) : order_(order), left_(order.size()) {
    held_.assign_zeros(left_);
    held_[left_ - 1] = Node::handle;
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

  /// Deletes the last node that has not had its turn yet. One that somebody else holds stays, with all it
  /// depends on, and we hold it until the end, as the other may let go of it at any time.
  void release_last() {
    --left_;
    Node* const node = &order_[left_];
    if (!node->are_all(held_[left_])) return;
    order_.forget(left_);
    held_[left_] = 0;
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
  std::size_t left_;
  InlineVector<std::uint64_t, 64> held_;  // references to each node that passed to us
};

namespace {

/// Records what is computed inside it only if told, whatever the mode around it.
class RecordOnly {
 public:
  explicit RecordOnly(bool record) : before_(recording_mode) {
    if (!record) recording_mode = {.off = true, .keep_values = false};
  }
  ~RecordOnly() { recording_mode = before_; }
  RecordOnly(const RecordOnly&) = delete;
  RecordOnly& operator=(const RecordOnly&) = delete;

 private:
  RecordingMode before_;
};

/// Empty for dL/dL = 1 of a scalar.
Tensor checked_seed(std::string_view called, const Tensor& root, const Tensor& seed) {
  if (!root.requires_grad())
    throw GradError(std::string(called) +
                    ": nothing to differentiate: the result depends on no variable that needs a gradient");
  if (seed.is_empty()) {
    if (root.size() != 1)
      throw GradError(std::string(called) + ": the result has shape " + to_string(root.shape()) +
                      ", not one element; reduce it, as sum(x), or give a seed of its shape");
    return root.rank() == 0 ? Tensor() : ones_like(root);
  }
  if (seed.shape() != root.shape())
    throw ShapeError(std::string(called) + ": the seed has shape " + to_string(seed.shape()) +
                     ", the result " + to_string(root.shape()) + "; they must be equal");
  return cast(seed, root.dtype());
}

/// The gradients that have arrived so far at each node. Unless they are to be differentiated again, those of
/// scalars are kept as bare numbers, without a node.
class Arrived {
 public:
  Arrived(const Traversal& order, bool as_nodes) : order_(order), as_nodes_(as_nodes) {
    sums_.resize(order.size());
    kinds_.assign_zeros(order.size());
  }
  ~Arrived() {
    for (std::size_t i = 0; i < sums_.size(); ++i) (void)take(i);
  }
  Arrived(const Arrived&) = delete;
  Arrived& operator=(const Arrived&) = delete;

  bool any(const Node& node) const { return kinds_[order_.position(node)] != Kind::nothing; }
  void add(const Node& node, double more) {
    const std::uint32_t position = order_.position(node);
    if (as_nodes_) return add(position, scalar(more, node.dtype()));
    Sum& sum = sums_[position];
    sum.number = kinds_[position] == Kind::number ? sum.number + more : more;
    kinds_[position] = Kind::number;
  }
  void add(const Node& node, Tensor more) {
    if (as_nodes_ || node.shape().rank() != 0) return add(order_.position(node), std::move(more));
    const Array& value = value_of(more);
    add(node, dispatch_floating(value.dtype(), [&]<class T>() -> double { return value.item<T>(); }));
  }

  bool is_number(std::size_t position) const { return kinds_[position] == Kind::number; }
  double take_number(std::size_t position) {
    kinds_[position] = Kind::nothing;
    return sums_[position].number;
  }
  /// Empty where nothing has arrived.
  Tensor take(std::size_t position) {
    if (std::exchange(kinds_[position], Kind::nothing) != Kind::tensor) return {};
    return TensorAccess::adopt(sums_[position].tensor);
  }

 private:
  enum class Kind : std::uint8_t { nothing, number, tensor };
  union Sum {
    double number;
    Node* tensor;
  };

  void add(std::uint32_t position, Tensor&& more) {
    Tensor total = kinds_[position] == Kind::tensor ? add_up(take(position), more) : std::move(more);
    sums_[position].tensor = TensorAccess::give_up(total);
    kinds_[position] = Kind::tensor;
  }

  const Traversal& order_;
  InlineVector<Sum, 64> sums_;
  InlineVector<Kind, 64> kinds_;
  bool as_nodes_;
};

/// A gradient that leaves: what is put off would hold values of the graph.
Tensor settled(Tensor gradient) {
  const Array& value = value_of(gradient);
  if (value.use_deferred([](const Deferred& deferred) { return deferred.elementwise() != nullptr; }))
    (void)value.raw();
  return gradient;
}

void differentiate(const Node& node, const Tensor& g, Cotangents& to) {
  try {
    node.vjp(Borrowed(&node), g, to);
  } catch (...) {
    rethrow_in_backward(node);
  }
}

void check(const Node& node, const Node& input, const Node& gradient, bool may_be_unexpanded) {
  const bool fits = gradient.shape() == input.shape() ||
                    (may_be_unexpanded && recording_mode.off && expands_to(gradient.shape(), input.shape()));
  if (fits && gradient.dtype() == input.dtype()) [[likely]]
    return;
  try {
    throw GradError("backward: the gradient for an input of shape " + to_string(input.shape()) +
                    " and dtype " + std::string(to_string(input.dtype())) + " came out as " +
                    to_string(gradient.shape()) + ", " + std::string(to_string(gradient.dtype())));
  } catch (...) {
    rethrow_in_backward(node);
  }
}

/// Adds what a node sends to what its inputs already have.
void distribute(const Node& node, Tensor g, const Cotangents& to, std::span<Tensor> sent, Arrived& arrived) {
  const Node* heir = nullptr;  // where g itself goes, once all others have what they need of it
  for (std::size_t i = 0; i < sent.size(); ++i) {
    const Node& input = *node.inputs()[i].node();
    if (to.passes_on(i)) {
      check(node, input, *g.node(), true);
      if (arrived.any(input)) {
        arrived.add(input, g);
      } else {
        if (heir != nullptr) arrived.add(*heir, g);
        heir = &input;
      }
    } else if (!sent[i].is_empty()) {
      check(node, input, *sent[i].node(), to.may_be_unexpanded(i));
      arrived.add(input, std::move(sent[i]));
    }
  }
  if (heir != nullptr) arrived.add(*heir, std::move(g));
}

/// Sends the inputs of a node their shares of its gradient.
void pass_on(const Node& node, Tensor g, Arrived& arrived) {
  const auto inputs = node.inputs();
  std::array<Tensor, 4> few;
  std::vector<Tensor> many(inputs.size() > few.size() ? inputs.size() : 0);
  const std::span<Tensor> sent = many.empty() ? std::span(few).first(inputs.size()) : std::span(many);
  Cotangents to(sent, inputs, true);
  differentiate(node, g, to);
  distribute(node, std::move(g), to, sent, arrived);
}

/// The same in bare numbers; false where the operation has no rule for them.
bool pass_on(const Node& node, double g, Arrived& arrived) {
  std::array<double, 2> sent;
  if (!node.scalar_vjp(g, sent)) return false;
  for (std::size_t i = 0; const Tensor& input : node.inputs()) {
    if (input.node()->requires_grad()) arrived.add(*input.node(), sent[i]);
    ++i;
  }
  return true;
}

}  // namespace

void Backpropagation::deliver_number(const Node& node, double gradient) {
  deliver(node, scalar(gradient, node.dtype()));
}

void Backpropagation::run(const Tensor& root, const Tensor& seed, bool create_graph) {
  const Tensor first = checked_seed(called, root, seed);
  Traversal order(*root.node(), Traversal::Nodes::needing_gradient);
  propagate(order, first, create_graph, nullptr);
}

void Backpropagation::run_and_consume(Tensor&& root, const Tensor& seed) {
  const Tensor first = checked_seed(called, root, seed);
  Traversal order(*root.node(), Traversal::Nodes::needing_gradient);
  Consumption consumption(order, std::move(root));
  propagate(order, first, false, &consumption);
}

void Backpropagation::propagate(const Traversal& order, const Tensor& seed, bool create_graph,
                                Consumption* consumption) {
  const RecordOnly mode(create_graph);
  Arrived arrived(order, create_graph);
  const Node& root = order[order.size() - 1];
  if (!seed.is_empty())
    arrived.add(root, seed);
  else
    arrived.add(root, 1.0);
  start(order);
  for (std::size_t position = order.size(); position-- > 0;) {
    const Node& node = order[position];
    if (arrived.is_number(position)) {
      const double g = arrived.take_number(position);
      if (wants(position, node)) deliver_number(node, g);
      if (!node.is_leaf() && !pass_on(node, g, arrived)) pass_on(node, scalar(g, node.dtype()), arrived);
    } else if (Tensor g = arrived.take(position); !g.is_empty()) {
      if (g.node()->shape() != node.shape() && !node.takes_unexpanded())
        g = expanded(std::move(g), node.shape());
      const bool wanted = wants(position, node);
      if (!node.is_leaf()) {
        if (wanted) deliver(node, settled(g));
        pass_on(node, std::move(g), arrived);
      } else if (wanted) {
        deliver(node, settled(std::move(g)));
      }
    }
    if (consumption != nullptr) consumption->release_last();
  }
}

}  // namespace chainrule
