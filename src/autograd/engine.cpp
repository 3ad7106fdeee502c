#include "autograd/engine.h"

#include <array>
#include <memory_resource>

#include "chainrule/ops.h"
#include "graph/traversal.h"
#include "kernels/accumulate.h"

namespace chainrule {
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
    return constant(one.reshaped(root.shape()));
  }
  if (seed.shape() != root.shape())
    throw ShapeError("backward: the seed has shape " + to_string(seed.shape()) + ", the result " +
                     to_string(root.shape()) + "; they must be equal");
  return cast(seed, root.dtype());
}

/// Keeps the nodes of a graph alive until each has had its turn, also when one of them throws.
class Consumption {
 public:
  Consumption(Traversal& order, bool active) : order_(order), left_(active ? order.size() : 0) {
    for (std::size_t i = 0; i < left_; ++i) order_[i].acquire(Node::node_reference);
  }
  ~Consumption() {
    while (left_ > 0) release_last();
  }
  Consumption(const Consumption&) = delete;
  Consumption& operator=(const Consumption&) = delete;
  bool active() const { return left_ > 0; }
  void release_last() {
    Node& node = order_[--left_];
    order_.forget(left_);
    node.drop(Node::node_reference);
  }

 private:
  Traversal& order_;
  std::size_t left_;
};

void add_to(Tensor& sum, Tensor more) {
  if (!sum) {
    sum = std::move(more);
  } else if (recording_mode.off && sum.node()->is_unique() && sum.node()->kind() == NodeKind::constant) {
    kernels::accumulate(sum.node()->mutable_value(), value_of(more));
  } else {
    sum = sum + more;
  }
}

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

void check(const Node& node, const Node& input, const Node& gradient) {
  if (gradient.shape() == input.shape() && gradient.dtype() == input.dtype()) [[likely]]
    return;
  rethrow_with_place(GradError("backward: the gradient for an input of shape " + to_string(input.shape()) +
                               " and dtype " + std::string(to_string(input.dtype())) + " came out as " +
                               to_string(gradient.shape()) + ", " + std::string(to_string(gradient.dtype()))),
                     node);
}

}  // namespace

void Backpropagation::run(Tensor root, const Tensor& seed, bool create_graph, bool consume) {
  Tensor first = checked_seed(root, seed);
  const RecordOnly mode(create_graph);
  Traversal order(*root.node(), Traversal::Nodes::needing_gradient);
  Consumption consumption(order, consume);
  if (consume) root = Tensor();

  std::byte memory[1024];  // small graphs need no allocation
  std::pmr::monotonic_buffer_resource small(memory, sizeof memory);
  std::pmr::vector<Tensor> gradients(order.size(), &small);
  gradients.back() = std::move(first);
  std::array<Tensor, 4> few;
  std::vector<Tensor> many;
  for (std::size_t position = order.size(); position-- > 0;) {
    const Node& node = order[position];
    if (Tensor g = std::move(gradients[position])) {
      const auto inputs = node.inputs();
      std::span<Tensor> sent(few.data(), std::min(few.size(), inputs.size()));
      if (inputs.size() > few.size()) {
        many.resize(inputs.size());
        sent = many;
      }
      if (!inputs.empty()) {
        Cotangents to(sent, inputs, true);
        differentiate(node, g, to);
      }
      for (std::size_t i = 0; i < inputs.size(); ++i) {
        if (!sent[i]) continue;
        const Node& input = *inputs[i].node();
        check(node, input, *sent[i].node());
        add_to(gradients[order.position(input)], std::move(sent[i]));
      }
      deliver(node, std::move(g));
    }
    if (consume) consumption.release_last();
  }
}

}  // namespace chainrule
