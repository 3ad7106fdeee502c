#include "graph/node.h"

#include <array>
#include <mutex>

#include "chainrule/autograd.h"
#include "chainrule/ops.h"

namespace chainrule {

constinit thread_local RecordingMode recording_mode;

namespace {

// Labels and accumulated gradients are rarely touched: a few locks serve all nodes.
std::mutex& lock_of(const Node* node) {
  static std::array<std::mutex, 64> locks;
  return locks[(reinterpret_cast<std::uintptr_t>(node) >> 7) % locks.size()];
}

}  // namespace

Node::~Node() { delete label_.load(std::memory_order_relaxed); }

void Node::drop(std::uint64_t what) noexcept {
  std::uint64_t before = counts_.load(std::memory_order_acquire);
  for (;;) {
    // The only reference to the node is ours: nobody can take another one meanwhile.
    if ((before & (value_reference - 1)) == 1 && (what & node_reference) != 0) return destroy(this);
    std::uint64_t after = before - what;
    const bool value_unused = ((after & ~value_released) >> 32) == 0;
    if (value_unused) after |= value_released;
    if (counts_.compare_exchange_weak(before, after, std::memory_order_acq_rel, std::memory_order_acquire)) {
      if (value_unused && (before & value_released) == 0) value_.release();
      return;
    }
  }
}

// Iterative: dropping the inputs of a node may destroy them in turn, down chains of any length.
void Node::destroy(Node* node) noexcept {
  struct Queue {
    Node* first = nullptr;
    bool running = false;
  };
  [[gnu::tls_model("initial-exec")]] static constinit thread_local Queue queue;
  node->visitor_.store(queue.first, std::memory_order_relaxed);
  queue.first = node;
  if (queue.running) return;
  queue.running = true;
  while (queue.first != nullptr) {
    Node* const next = queue.first;
    queue.first = static_cast<Node*>(const_cast<void*>(next->visitor_.load(std::memory_order_relaxed)));
    for (std::uint32_t i = 0; i < next->input_count_; ++i) {
      const bool reads = (next->reads_ & reads_input(i)) != 0;
      TensorAccess::give_up(next->inputs_[i])->drop(reads ? handle : node_reference);
    }
    delete next;
  }
  queue.running = false;
}

void Node::take_inputs(Tensor* inputs, std::size_t count, Reads reads, Here here) noexcept {
  inputs_ = inputs;
  input_count_ = static_cast<std::uint32_t>(count);
  reads_ = recording_mode.keep_values ? reads_everything : reads;
  file_ = here.file;
  line_ = here.line;
  if ((reads_ & reads_output) != 0) acquire(value_reference);  // never dropped: it goes with the node
  for (std::size_t i = 0; i < count; ++i)
    if ((reads_ & reads_input(i)) == 0) inputs[i].node()->drop(value_reference);
}

std::string Node::label() const {
  const std::lock_guard lock(lock_of(this));
  const std::string* label = label_.load(std::memory_order_relaxed);
  return label == nullptr ? std::string() : *label;
}

void Node::set_label(std::string label) {
  auto fresh = std::make_unique<std::string>(std::move(label));
  const std::lock_guard lock(lock_of(this));
  delete label_.exchange(fresh.release(), std::memory_order_relaxed);
}

void Node::vjp(const Tensor&, const Tensor&, Cotangents&) const {}

LocalFormula Node::local_formula(std::size_t, std::span<const std::string>, const std::string&) const {
  return {};
}

void Variable::accumulate(const Tensor& gradient) const {
  Tensor before;  // destroyed outside the lock
  {
    const std::lock_guard lock(lock_of(this));
    before = gradient_;
  }
  for (;;) {
    const Tensor sum = before ? no_grad([&] { return before + gradient; }) : gradient;
    const std::lock_guard lock(lock_of(this));
    if (gradient_.node() == before.node()) {
      gradient_ = sum;
      return;
    }
    before = gradient_;
  }
}

Tensor Variable::gradient() const {
  const std::lock_guard lock(lock_of(this));
  return gradient_;
}

void Variable::zero_gradient() const {
  Tensor before;
  const std::lock_guard lock(lock_of(this));
  before = std::exchange(gradient_, Tensor());
}

const Array& value_of(const Tensor& tensor) {
  const Node* node = tensor.node();
  if (node == nullptr) throw GradError("tensor: an empty handle has no value; assign a tensor to it first");
  if (!node->has_value() && node->value().size() > 0 && node->value().byte_count() > 8)
    throw GradError(
        "tensor: the value of " +
        (node->operation().empty() ? std::string("a leaf") : std::string(node->operation())) +
        " with shape " + to_string(node->shape()) +
        " has been released, as no handle was left; keep one, or build the graph under KeepValues");
  return node->value();
}

}  // namespace chainrule
