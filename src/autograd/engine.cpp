#include "autograd/engine.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "chainrule/ops.h"
#include "graph/traversal.h"
#include "kernels/accumulate.h"

namespace chainrule {

/// Takes a graph apart while the gradient passes through it. What a node held on to passes to us when
/// the node goes, so that nothing is counted for the nodes that nobody else knows, and each lives until its
/// turn.
class Consumption {
 public:
  Consumption(Traversal& order, Tensor root) : order_(order), left_(order.size()) {
    held_.resize(left_);
    std::fill(held_.begin(), held_.end(), Held::nothing);
    held_[left_ - 1] = Held::handle;
    TensorAccess::give_up(root);
  }
  ~Consumption() {
    // First all that is not ours to keep alive: it may go with what is.
    for (std::size_t i = 0; i < held_.size(); ++i)
      if (held_[i] == Held::nothing && !order_.is_forgotten(i)) order_.forget(i);
    for (std::size_t i = 0; i < held_.size(); ++i) {
      if (held_[i] == Held::nothing) continue;
      Node& node = order_[i];
      order_.forget(i);
      node.drop(held_[i] == Held::handle ? Node::handle : Node::node_reference);
    }
  }
  Consumption(const Consumption&) = delete;
  Consumption& operator=(const Consumption&) = delete;

  /// Deletes the last node that has not had its turn yet. One that somebody else holds stays, with all it
  /// depends on, and we hold it until the end, as the other may let go of it at any time.
  void release_last() {
    --left_;
    Node* const node = &order_[left_];
    if (held_[left_] == Held::nothing || !node->is_last_reference()) return;
    order_.forget(left_);
    held_[left_] = Held::nothing;
    Node::dismantle(node, [&](Node& input, std::uint64_t what) {
      const std::uint32_t position = order_.position(input);
      if (position != Traversal::absent && held_[position] == Held::nothing)
        held_[position] = what == Node::handle ? Held::handle : Held::node;
      else
        input.drop(what);
    });
  }

 private:
  enum class Held : std::uint8_t { nothing, node, handle };

  Traversal& order_;
  std::size_t left_;
  InlineVector<Held, 64> held_;
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

Tensor checked_seed(const Tensor& root, const Tensor& seed) {
  if (!root.requires_grad())
    throw GradError(
        "backward: nothing to differentiate: the result depends on no variable that needs a gradient");
  if (!seed) {
    if (root.size() != 1)
      throw GradError("backward: the result has shape " + to_string(root.shape()) +
                      ", not one element; reduce it, as sum(x), or give a seed of its shape");
    Array one = root.dtype() == DType::float32 ? Array(1.0F) : Array(1.0);
    return constant(root.rank() == 0 ? std::move(one) : one.reshaped(root.shape()));
  }
  if (seed.shape() != root.shape())
    throw ShapeError("backward: the seed has shape " + to_string(seed.shape()) + ", the result " +
                     to_string(root.shape()) + "; they must be equal");
  return cast(seed, root.dtype());
}

/// The gradients that have arrived so far, by the position of their node.
class Arrived {
 public:
  explicit Arrived(std::size_t count) {
    sums_.resize(count);
    std::memset(sums_.begin(), 0, count * sizeof(Node*));
  }
  ~Arrived() {
    for (Node* sum : sums_)
      if (sum != nullptr) sum->drop(Node::handle);
  }
  Arrived(const Arrived&) = delete;
  Arrived& operator=(const Arrived&) = delete;

  Tensor take(std::size_t position) { return TensorAccess::adopt(std::exchange(sums_[position], nullptr)); }
  bool any(std::size_t position) const { return sums_[position] != nullptr; }
  void add(std::size_t position, Tensor&& more) {
    Tensor taken = std::move(more);
    if (any(position))
      add_to_sum(position, taken);
    else
      sums_[position] = TensorAccess::give_up(taken);
  }
  void add(std::size_t position, const Tensor& more) {
    if (any(position))
      add_to_sum(position, more);
    else
      add(position, Tensor(more));
  }

 private:
  /// In place where the sum is ours alone.
  void add_to_sum(std::size_t position, const Tensor& more) {
    Node* sum = sums_[position];
    if (recording_mode.off && sum->is_unique() && sum->is_leaf() &&
        expands_to(more.node()->shape(), sum->shape()))
      return kernels::accumulate(sum->mutable_value(), value_of(more));
    Tensor total = take(position) + more;
    sums_[position] = TensorAccess::give_up(total);
  }

  InlineVector<Node*, 64> sums_;
};

template <class Error>
[[noreturn]] void rethrow_with_place(const Error& error, const Node& node) {
  const Here here = node.here();
  const std::string label = node.label();
  throw Error(std::string(error.what()) + "; in the backward pass of " + std::string(node.operation()) +
              (label.empty() ? "" : " '" + label + "'") + " at " + here.file + ":" +
              std::to_string(here.line));
}

void differentiate(const Node& node, const Tensor& g, Cotangents& to) {
  try {
    node.vjp(Borrowed(&node), g, to);
  } catch (const ShapeError& error) {
    rethrow_with_place(error, node);
  } catch (const DTypeError& error) {
    rethrow_with_place(error, node);
  } catch (const GradError& error) {
    rethrow_with_place(error, node);
  }
}

void check(const Node& node, const Node& input, const Node& gradient, bool may_be_unexpanded) {
  const bool fits = gradient.shape() == input.shape() ||
                    (may_be_unexpanded && recording_mode.off && expands_to(gradient.shape(), input.shape()));
  if (fits && gradient.dtype() == input.dtype()) [[likely]]
    return;
  rethrow_with_place(GradError("backward: the gradient for an input of shape " + to_string(input.shape()) +
                               " and dtype " + std::string(to_string(input.dtype())) + " came out as " +
                               to_string(gradient.shape()) + ", " + std::string(to_string(gradient.dtype()))),
                     node);
}

/// Adds what a node sends to what its inputs already have.
void distribute(const Node& node, Tensor g, const Cotangents& to, std::span<Tensor> sent,
                const Traversal& order, Arrived& arrived) {
  constexpr std::size_t none = Traversal::absent;
  std::size_t heir = none;  // where g itself goes, once all others have what they need of it
  for (std::size_t i = 0; i < sent.size(); ++i) {
    const Node& input = *node.inputs()[i].node();
    if (to.passes_on(i)) {
      check(node, input, *g.node(), true);
      const std::size_t position = order.position(input);
      if (arrived.any(position)) {
        arrived.add(position, g);
      } else {
        if (heir != none) arrived.add(heir, g);
        heir = position;
      }
    } else if (sent[i]) {
      check(node, input, *sent[i].node(), to.may_be_unexpanded(i));
      arrived.add(order.position(input), std::move(sent[i]));
    }
  }
  if (heir != none) arrived.add(heir, std::move(g));
}

}  // namespace

void Backpropagation::run(const Tensor& root, const Tensor& seed, bool create_graph) {
  Tensor first = checked_seed(root, seed);
  Traversal order(*root.node(), Traversal::Nodes::needing_gradient);
  propagate(order, std::move(first), create_graph, nullptr);
}

void Backpropagation::run_and_consume(Tensor root, const Tensor& seed) {
  Tensor first = checked_seed(root, seed);
  Traversal order(*root.node(), Traversal::Nodes::needing_gradient);
  Consumption consumption(order, std::move(root));
  propagate(order, std::move(first), false, &consumption);
}

void Backpropagation::propagate(const Traversal& order, Tensor seed, bool create_graph,
                                Consumption* consumption) {
  const RecordOnly mode(create_graph);
  Arrived arrived(order.size());
  arrived.add(order.size() - 1, std::move(seed));
  start(order);
  std::array<Tensor, 4> few;
  std::vector<Tensor> many;
  for (std::size_t position = order.size(); position-- > 0;) {
    const Node& node = order[position];
    if (Tensor g = arrived.take(position)) {
      if (g.node()->shape() != node.shape() && !node.takes_unexpanded())
        g = expanded(std::move(g), node.shape());
      deliver(position, node, g);
      if (!node.is_leaf()) {
        const auto inputs = node.inputs();
        std::span<Tensor> sent(few.data(), std::min(few.size(), inputs.size()));
        if (inputs.size() > few.size()) {
          many.resize(inputs.size());
          sent = many;
        }
        Cotangents to(sent, inputs, true);
        differentiate(node, g, to);
        distribute(node, std::move(g), to, sent, order, arrived);
      }
    }
    if (consumption != nullptr) consumption->release_last();
  }
}

}  // namespace chainrule
