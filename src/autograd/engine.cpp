// The chain rule over a graph: its nodes are sorted (graph/traversal.h), each propagates the cotangent that
// has arrived at it to its inputs, and where the caller has given the graph away, is released.

#include "autograd/engine.h"

#include <array>

#include "autograd/accumulator.h"
#include "autograd/consumption.h"
#include "chainrule/ops.h"
#include "graph/call_error.h"
#include "graph/deferral.h"
#include "graph/known.h"
#include "graph/observer.h"
#include "graph/reading.h"
#include "kernels/evaluation.h"

namespace chainrule {

namespace {

/// Records what is computed inside it only if told, whatever the mode around it.
class RecordOnly {
 public:
  explicit RecordOnly(bool record) : before_(recording_mode) {
    if (record) return;
    recording_mode.off = true;
    recording_mode.keep_values = false;
  }
  ~RecordOnly() { recording_mode = before_; }
  RecordOnly(const RecordOnly&) = delete;
  RecordOnly& operator=(const RecordOnly&) = delete;

 private:
  RecordingMode before_;
};

Tensor checked_seed_of_any(std::string_view called, const Tensor& root, const Tensor& seed) {
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

/// Empty for dL/dL = 1 of a scalar.
inline Tensor checked_seed(std::string_view called, const Tensor& root, const Tensor& seed) {
  const Node* const node = root.node();
  if (node != nullptr && node->requires_grad() && node->shape().rank() == 0 && seed.is_empty()) [[likely]]
    return {};
  return checked_seed_of_any(called, root, seed);
}

/// One that leaves the engine: what is put off would hold values of the graph.
Cotangent leaving(Cotangent g) {
  if (g.node() != nullptr) evaluate_deferred(g.node()->value());
  return g;
}

/// Gradients of leaves that wait to be computed: a few together, as they have much in common.
class Leaving {
 public:
  void take(const Cotangent& g) {
    if (g.node() == nullptr || !holds_values(g.node()->value())) return;
    if (waiting_.size() == most) finish();
    waiting_.push_back(g.node()->value());
  }
  void finish() {
    if (waiting_.empty()) return;
    if (waiting_.size() == 1)
      (void)waiting_.front().raw();
    else
      kernels::evaluate_together(waiting_);
    waiting_.clear();
  }

 private:
  static constexpr std::size_t most = 4;  // as they keep alive what they are computed from
  std::vector<Array> waiting_;
};

/// Has a node's rule set what it sends to its inputs.
void differentiate(const Node& node, const Cotangent& g, Cotangents& to) {
  try {
    if (recording_mode.transforms == 0) [[likely]]
      return node.vjp(g, to);
    const Borrowed result(&node);
    const KnownTangents known(result);
    node.vjp(g, to);
  } catch (...) {
    rethrow_in_backward(node);
  }
}

void check(const Node& node, const Node& input, const Cotangent& sent) {
  const Node* const gradient = sent.node();
  if (gradient == nullptr || (gradient->shape() == input.shape() && gradient->dtype() == input.dtype()))
      [[likely]]
    return;
  try {
    throw GradError("backward: the gradient for an input of shape " + to_string(input.shape()) +
                    " and dtype " + std::string(to_string(input.dtype())) + " came out as " +
                    to_string(gradient->shape()) + ", " + std::string(to_string(gradient->dtype())));
  } catch (...) {
    rethrow_in_backward(node);
  }
}

/// Adds what a node sends to what its inputs already have. What a rule sends on as it came goes last, to one
/// of those inputs as the very handle that came, so that a sum of it can be made in place.
void distribute(const Node& node, Cotangent&& g, std::span<Cotangent> sent, CotangentAccumulator& arrived) {
  const Node* forwarded = nullptr;
  for (std::size_t i = 0; i < sent.size(); ++i) {
    if (sent[i].is_nothing()) continue;
    const Node& input = *node.inputs()[i].node();
    if (sent[i].is_number()) {
      arrived.add(input, sent[i].take_number());
      continue;
    }
    check(node, input, sent[i]);
    if (g.node() == nullptr || sent[i].node() != g.node() || arrived.any(input)) {
      arrived.add(input, std::move(sent[i]));
    } else {
      if (forwarded != nullptr) arrived.add(*forwarded, g.tensor(forwarded->dtype()));
      sent[i] = {};
      forwarded = &input;
    }
  }
  if (forwarded != nullptr) arrived.add(*forwarded, std::move(g));
}

}  // namespace

void Backpropagation::show(const Node& node, const Cotangent& g, std::span<const Cotangent> shares) {
  if (observed_) Observer::show_sent(node, g, shares);
  if (observes)
    for (std::size_t i = 0; i < shares.size(); ++i)
      if (!shares[i].is_nothing()) sent(node, i, shares[i]);
}

/// Sends the inputs of a node their shares of its cotangent. (In its one caller it takes a tenth of the
/// instructions less, which a graph of scalars feels.)
[[gnu::always_inline]] inline void Backpropagation::propagate(const Node& node, Cotangent&& g,
                                                              bool in_numbers,
                                                              CotangentAccumulator& arrived) {
  const auto inputs = node.inputs();
  const std::span<Cotangent> shares = arrived.shares(inputs.size());
  Cotangents to(shares, inputs, {.only_needed = true, .in_numbers = in_numbers});
  if (observed_) [[unlikely]]
    Observer::show_begin(node);
  differentiate(node, g, to);
  if (observed_ || observes) [[unlikely]]
    show(node, g, shares);
  distribute(node, std::move(g), shares, arrived);
}

void Backpropagation::run(const Tensor& root, const Tensor& seed, bool create_graph) {
  const Tensor first = checked_seed(called, root, seed);
  Traversal order(*root.node(), Traversal::Nodes::needing_gradient);
  propagate_all(order, first, create_graph, nullptr);
}

void Backpropagation::run_and_consume(Tensor&& root, const Tensor& seed) {
  const Tensor first = checked_seed(called, root, seed);
  Traversal order(*root.node(), Traversal::Nodes::needing_gradient);
  Consumption consumption(order, std::move(root));
  propagate_all(order, first, false, &consumption);
}

void Backpropagation::propagate_all(const Traversal& order, const Tensor& seed, bool create_graph,
                                    Consumption* consumption) {
  const RecordOnly mode(create_graph);
  const NumbersAllowed allowed;
  // Under a transform, numbers may stand for others, which only operations know.
  const bool is_traced = recording_mode.transforms != 0;
  const bool in_numbers = !recording_mode.keep_values && recording_mode.off && !is_traced;
  observed_ = Observer::newest() != nullptr;
  CotangentAccumulator arrived(order, create_graph || is_traced);
  if (const Node& root = order[order.size() - 1]; seed.is_empty())
    arrived.add(root, 1.0);
  else
    arrived.add(root, Cotangent(seed));
  start(order);
  Leaving leaves;
  for (std::size_t position = order.size(); position-- > 0;) {
    const Node& node = order[position];
    if (Cotangent g = arrived.take(position); !g.is_nothing()) {
      const bool wanted = only_of_variables ? node.is_leaf() : wants(position, node);
      if (!node.is_leaf()) {
        if (wanted) receive(node, leaving(g.is_number() ? Cotangent(g.number()) : g.tensor(node.dtype())));
        if (passes_on(position)) propagate(node, std::move(g), in_numbers, arrived);
      } else if (wanted) {
        if (in_numbers)
          leaves.take(g);
        else
          g = leaving(std::move(g));
        receive(node, std::move(g));
      }
    }
    if (consumption != nullptr) consumption->release(position);
  }
  leaves.finish();
}

}  // namespace chainrule
