#include "graph/node.h"

#include <array>
#include <mutex>
#include <thread>

#include "chainrule/autograd.h"
#include "chainrule/ops.h"
#include "kernels/accumulate.h"

namespace chainrule {

constinit thread_local RecordingMode recording_mode;

namespace {

// Labels are rarely touched: a few locks serve all nodes.
std::mutex& lock_of(const Node* node) {
  static std::array<std::mutex, 64> locks;
  return locks[(reinterpret_cast<std::uintptr_t>(node) >> 7) % locks.size()];
}

}  // namespace

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

void Node::vjp(const Tensor&, const Tensor&, Cotangents&) const {}

LocalFormula Node::local_formula(std::size_t, std::span<const std::string>, const std::string&) const {
  return {};
}

class Variable::Lock {
 public:
  explicit Lock(const Variable& variable) : locked_(variable.locked_) {
    if (is_single_threaded()) return;
    while (locked_.exchange(true, std::memory_order_acquire)) std::this_thread::yield();
  }
  ~Lock() { locked_.store(false, std::memory_order_release); }
  Lock(const Lock&) = delete;
  Lock& operator=(const Lock&) = delete;

 private:
  std::atomic<bool>& locked_;
};

// The sum is computed outside the lock, and again should another thread have added its own meanwhile.
void Variable::accumulate(Tensor gradient) const {
  if (shape().rank() == 0) return accumulate(gradient.item());
  for (;;) {
    Tensor before;
    {
      const Lock lock(*this);
      std::swap(before, gradient_);
      if (before.is_empty()) {
        gradient_ = std::move(gradient);
        return;
      }
    }
    try {
      // What is added up while it is computed could fail half way, and leave neither this sum nor the next.
      const Array& more = value_of(gradient);
      if (more.use_deferred([](const Deferred& pass) { return pass.elementwise() != nullptr; }))
        (void)more.raw();
      gradient = no_grad([&] { return add_up(std::move(before), gradient); });
    } catch (...) {
      give_back(std::move(before));
      throw;
    }
  }
}

void Variable::give_back(Tensor gradient) const {
  for (Tensor other;;
       gradient = no_grad([&] { return add_up(std::move(gradient), std::exchange(other, {})); })) {
    const Lock lock(*this);
    std::swap(other, gradient_);
    if (other.node() == nullptr) {
      gradient_ = std::move(gradient);
      return;
    }
  }
}

void Variable::accumulate(double gradient) const {
  const Lock lock(*this);
  number_ = has_number_ ? number_ + gradient : gradient;
  has_number_ = true;
}

bool Variable::has_gradient() const {
  const Lock lock(*this);
  return has_number_ || gradient_.node() != nullptr;
}

Tensor Variable::gradient() const {
  const Lock lock(*this);
  return has_number_ ? scalar(number_, dtype()) : gradient_;
}

void Variable::zero_gradient() const {
  Tensor before;  // destroyed after the lock is gone
  const Lock lock(*this);
  has_number_ = false;
  std::swap(before, gradient_);
}

Tensor add_up(Tensor&& sum, const Tensor& more) {
  if (!recording_mode.off) return sum + more;
  Node& node = *sum.node();
  if (!node.is_unique() || !node.is_leaf() || !expands_to(more.node()->shape(), node.shape()))
    return sum + more;
  Array& total = node.mutable_value();
  const Array& part = value_of(more);
  const auto is_pass = [](const Deferred& deferred) { return deferred.elementwise() != nullptr; };
  if (total.shape() == part.shape() && total.use_deferred(is_pass)) return sum + more;  // later, in one pass
  const bool is_last = more.node()->is_unique();
  if (!part.use_deferred([&](const Deferred& deferred) {
        return deferred.add_to(total, 1) || (is_last && kernels::accumulate(total, deferred));
      }))
    kernels::accumulate(total, part);
  return std::move(sum);
}

bool expands_to(const Shape& gradient, const Shape& shape) {
  if (gradient.rank() == 0) return true;
  if (gradient.rank() != shape.rank()) return false;
  for (std::size_t axis = 0; axis < shape.rank(); ++axis)
    if (gradient[axis] != shape[axis] && gradient[axis] != 1) return false;
  return true;
}

Tensor expanded(Tensor gradient, const Shape& shape) {
  if (gradient.node()->shape() == shape) return gradient;
  return no_grad([&] { return broadcast_to(gradient, shape); });
}

bool stays_deferred(const Array& value, Reads reads, std::span<const Tensor* const> inputs) {
  if (recording_mode.keep_values) return false;
  std::size_t kept = 0;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const Node& input = *inputs[i]->node();
    const Array& array = value_of(*inputs[i]);
    std::size_t bytes = array.byte_count();
    array.use_deferred([&](const Deferred& deferred) {
      bytes = deferred.kept_bytes;
      return true;
    });
    if (!input.is_variable() && !input.reads_itself() && (reads & reads_input(i)) == 0) kept += bytes;
  }
  value.use_deferred([&](Deferred& deferred) {
    deferred.kept_bytes = kept;
    return true;
  });
  return kept <= value.byte_count();
}

void report_no_value(const Node* node) {
  if (node == nullptr) throw GradError("tensor: an empty handle has no value; assign a tensor to it first");
  throw GradError("tensor: the value of " +
                  (node->operation().empty() ? std::string("a leaf") : std::string(node->operation())) +
                  " with shape " + to_string(node->shape()) +
                  " has been released, as no handle was left; keep one, or build the graph under KeepValues");
}

}  // namespace chainrule
