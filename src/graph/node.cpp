// The life of a node: references, release without recursion, labels. What a node holds is in node.h; labels
// are behind locks that nodes share.

#include "graph/node.h"

#include <algorithm>
#include <array>
#include <mutex>

#include "graph/argument.h"
#include "graph/cotangent.h"

namespace chainrule {

constinit thread_local RecordingMode recording_mode;

namespace {

// Labels are rarely touched: a few locks serve all nodes.
std::mutex& lock_of(const Node* node) {
  static std::array<std::mutex, 64> locks;
  return locks[(reinterpret_cast<std::uintptr_t>(node) >> 7) % locks.size()];
}

}  // namespace

Tensor Node::again(std::span<const Tensor>) const {
  throw GradError("again: " + std::string(operation().empty() ? "a leaf" : operation()) +
                  " is no operation of the library's kind, so it cannot be run on other inputs");
}

Node::~Node() { delete label_.load(std::memory_order_relaxed); }

void Node::drop_some(std::uint64_t what, std::uint64_t before) noexcept {
  for (;;) {
    // Meanwhile the others may have gone.
    if (are_all(what, before)) return destroy(this);
    std::uint64_t after = before - what;
    const bool value_unused = ((after & ~value_released) >> 32) == 0;
    if (value_unused) after |= value_released;
    const bool alone = is_single_threaded();
    if (alone) counts_.store(after, std::memory_order_relaxed);
    if (alone ||
        counts_.compare_exchange_weak(before, after, std::memory_order_acq_rel, std::memory_order_acquire)) {
      if (value_unused && (before & value_released) == 0) value_.release_elements();
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
  if (node->is_leaf() && !node->requires_grad_) return delete node;  // a constant: nothing to drop
  node->visitor_ = queue.first;
  queue.first = node;
  if (queue.running) return;
  queue.running = true;
  while (queue.first != nullptr) {
    Node* const next = queue.first;
    queue.first = static_cast<Node*>(const_cast<void*>(next->visitor_));
    dismantle(next, [](Node& input, std::uint64_t what) { input.drop(what); });
  }
  queue.running = false;
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

void Node::vjp(const Cotangent&, Cotangents&) const {}

std::int64_t Node::flops_by_element() const {
  std::int64_t elements = shape().size();
  for (const Tensor& input : inputs()) elements = std::max(elements, input.node()->shape().size());
  return elements;
}

LocalFormula Node::local_formula(std::size_t, std::span<const std::string>, const std::string&) const {
  return {};
}

void drop_all(std::span<const Argument* const> in) {
  for (std::size_t i = 0; i < in.size(); ++i) in[i]->drop(in.subspan(i + 1));
}

Tensor unrecorded(Array&& value, bool read_now) {
  Tensor result = constant(std::move(value));
  if (read_now) (void)value_of(result).raw();
  return result;
}

void report_no_value(const Node* node) {
  if (node == nullptr) throw GradError("tensor: an empty handle has no value; assign a tensor to it first");
  throw GradError("tensor: the value of " +
                  (node->operation().empty() ? std::string("a leaf") : std::string(node->operation())) +
                  " with shape " + to_string(node->shape()) +
                  " has been released, as no handle was left; keep one, or build the graph under KeepValues");
}

}  // namespace chainrule
