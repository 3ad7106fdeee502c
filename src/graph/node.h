// A node of the graph: its value, its inputs, the rule of its derivative, and the two counts that keep it
// alive. Relies on array.h for values; it knows no operation but through virtual functions.

#pragma once

#include <atomic>
#include <memory>
#include <span>
#include <string>

#include "array/array.h"
#include "chainrule/graph.h"
#include "chainrule/tensor.h"
#include "graph/attributes.h"
#include "graph/thread_id.h"

namespace chainrule {

class Traversal;

/// Which values a derivative reads: bit i for input i (bit 14 for all further ones), reads_output for the
/// result. What nobody reads is given back as soon as the last handle is gone. A node keeps 16 bits.
using Reads = std::uint32_t;
constexpr Reads reads_output = Reads{1} << 15;
constexpr Reads reads_input(std::size_t i) { return Reads{1} << (i < 14 ? i : 14); }
constexpr Reads reads_everything = ~Reads{0};

class Cotangent;
class Cotangents;

/// What this thread records: see NoGrad, KeepValues and Scope.
struct RecordingMode {
  bool off = false;
  bool keep_values = false;
  std::uint16_t scope = 0;
  std::uint16_t transforms = 0;  ///< that trace values, see graph/traced.h
};
[[gnu::tls_model("initial-exec")]] extern constinit thread_local RecordingMode recording_mode;

/// A step of a computation: its value, its inputs, and how a gradient passes back through it. Immutable
/// once built, but for the reference counts, the mark of its thread's traversal, and a label.
class Node {
 public:
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;
  static void* operator new(std::size_t bytes) { return pool::allocate(bytes); }
  static void operator delete(void* node, std::size_t bytes) { pool::deallocate(node, bytes); }

  const Array& value() const { return value_; }
  const Shape& shape() const { return value_.shape(); }
  DType dtype() const { return value_.dtype(); }
  std::span<const Tensor> inputs() const { return {inputs_, input_count_}; }
  bool requires_grad() const { return requires_grad_; }
  bool is_leaf() const { return input_count_ == 0; }
  bool is_variable() const { return is_leaf() && requires_grad_; }
  /// False once the value has been released; small ones never are.
  bool has_value() const {
    return (counts_.load(std::memory_order_acquire) & value_released) == 0 || value_.byte_count() <= 8;
  }
  /// Does its own derivative read the value?
  bool reads_itself() const { return (reads_ & reads_output) != 0; }
  Here here() const { return {file_, line_}; }
  /// The scope it was made in: see graph/scope.h.
  std::uint16_t scope() const { return scope_; }
  std::string label() const;
  void set_label(std::string label);

  virtual NodeKind kind() const = 0;
  virtual std::string_view operation() const { return {}; }
  virtual Notation notation() const { return {operation()}; }
  /// Sets in `to` the wanted cotangents of the inputs, from g, that of this node.
  virtual void vjp(const Cotangent& g, Cotangents& to) const;
  /// About how many additions, products and values of functions computing the value took.
  virtual std::int64_t flops() const { return 0; }
  /// The operation's parameters by name.
  virtual Attributes attributes() const { return {}; }
  /// The operation on other inputs, as many. GradError for what is no operation of the library's kind:
  /// leaves, and rules that came with a value.
  virtual Tensor again(std::span<const Tensor> in) const;
  virtual LocalFormula local_formula(std::size_t input, std::span<const std::string> names,
                                     const std::string& name) const;

  // One word counts both kinds of references, so that taking or dropping a handle is one atomic
  // operation: the low half those that keep the node (handles and the nodes it is an input of), the
  // high half those that keep its value (handles and the derivatives that read it).
  static constexpr std::uint64_t node_reference = 1;
  static constexpr std::uint64_t value_reference = std::uint64_t{1} << 32;
  static constexpr std::uint64_t handle = node_reference | value_reference;
  void acquire(std::uint64_t what) noexcept { fetch_add(counts_, what, std::memory_order_relaxed); }
  /// Drops references that the caller holds, one or several.
  void drop(std::uint64_t what) noexcept {
    const std::uint64_t now = counts_.load(std::memory_order_acquire);
    // All references to the node are ours: nobody can take another one meanwhile.
    if (are_all(what, now)) return destroy(this);
    drop_some(what, now);
  }
  /// Turns the caller's handle into a reference to the node alone. The caller knows that no other thread
  /// uses that handle.
  void keep_without_value() noexcept {
    if (!is_unique()) return drop(value_reference);
    // Nobody else has a reference of any kind, so no atomic operation is needed.
    counts_.store(node_reference | value_released, std::memory_order_relaxed);
    value_.release_elements();
  }
  /// Is the one handle that the caller holds the only reference of any kind?
  bool is_unique() const { return counts_.load(std::memory_order_acquire) == handle; }
  /// Are the references that the caller holds all that there are to the node?
  bool are_all(std::uint64_t held) const { return are_all(held, counts_.load(std::memory_order_acquire)); }
  /// Deletes a node to which the caller holds all references. take(input, what) gets each input, and which
  /// references to it the node held and the callee holds now.
  template <class Take>
  static void dismantle(Node* node, const Take& take) noexcept {
    for (std::uint32_t i = 0; i < node->input_count_; ++i)
      take(give_up(node->inputs_[i]), (node->reads_ & reads_input(i)) != 0 ? handle : node_reference);
    delete node;
  }
  /// For the engine's running sums and parameter updates, which own the node alone.
  Array& mutable_value() { return value_; }

 protected:
  Node(Array&& value, bool requires_grad)
      : requires_grad_(requires_grad), value_(std::move(value)), scope_(recording_mode.scope) {}
  /// With inputs, which hold the references that `reads` says: see Argument::enter. (A value is an array, or
  /// what one is made of.)
  template <class Value>
  Node(Value&& value, bool requires_grad, Tensor* inputs, std::uint32_t count, Reads reads, Here here)
      : counts_((reads & reads_output) == 0 ? handle : handle + value_reference),
        line_(here.line),
        file_(here.file),
        inputs_(inputs),
        input_count_(count & ~(std::uint32_t{1} << 31)),
        requires_grad_(requires_grad),
        reads_(static_cast<std::uint16_t>(reads)),
        value_(std::forward<Value>(value)),
        scope_(recording_mode.scope) {}
  virtual ~Node();

  /// As the constructor with inputs, where these get their place later.
  void set_inputs(Tensor* inputs, std::size_t count, Reads reads, Here here) noexcept {
    inputs_ = inputs;
    input_count_ = static_cast<std::uint32_t>(count) & ~(std::uint32_t{1} << 31);
    reads_ = static_cast<std::uint16_t>(reads);
    file_ = here.file;
    line_ = here.line;
    // Never dropped: it goes with the node. No other thread knows the node yet.
    if ((reads & reads_output) != 0)
      counts_.store(counts_.load(std::memory_order_relaxed) + value_reference, std::memory_order_relaxed);
  }
  /// flops() of what does one thing for each element of the value, or of an input that has more.
  std::int64_t flops_by_element() const;

 private:
  friend class Traversal;
  static Node& give_up(Tensor& input) noexcept;
  static constexpr std::uint64_t value_released = std::uint64_t{1} << 63;
  static bool are_all(std::uint64_t held, std::uint64_t counts) {
    return ((held ^ counts) & (value_reference - 1)) == 0;
  }
  void drop_some(std::uint64_t what, std::uint64_t before) noexcept;
  static void destroy(Node* node) noexcept;

  // The order keeps a scalar node with two inputs at 128 bytes, two cache lines.
  std::atomic<std::uint64_t> counts_{handle};
  // The traversal that is visiting this node, and its position there: only for the thread that made the
  // node, see Traversal. While a node waits to be destroyed, the next one in the queue.
  const void* visitor_ = nullptr;
  std::uint32_t position_ = 0;
  std::uint32_t line_ = 0;
  const char* file_ = "";
  std::atomic<std::string*> label_{nullptr};
  Tensor* inputs_ = nullptr;
  std::uint32_t input_count_ : 31 = 0;
  bool requires_grad_ : 1;
  std::uint16_t reads_ = 0;
  ThreadId maker_ = this_thread();
  [[no_unique_address]] Array value_;  // scope_ moves into its padding
  std::uint16_t scope_;
};

/// The engine's way into a handle.
class TensorAccess {
 public:
  /// A handle that takes over one reference of each kind that the caller holds.
  static Tensor adopt(Node* node) {
    Tensor tensor;
    tensor.node_ = node;
    return tensor;
  }
  /// A further handle.
  static Tensor share(Node* node) {
    node->acquire(Node::handle);
    return adopt(node);
  }
  static Node* give_up(Tensor& tensor) { return std::exchange(tensor.node_, nullptr); }
  static const void* raw(const Tensor& tensor, DType expected) { return tensor.raw(expected, Here()); }
};

inline Node& Node::give_up(Tensor& input) noexcept { return *TensorAccess::give_up(input); }

/// A handle that counts no reference, for passing a node that somebody else keeps alive.
class Borrowed {
 public:
  explicit Borrowed(const Node* node) : tensor_(TensorAccess::adopt(const_cast<Node*>(node))) {}
  ~Borrowed() { TensorAccess::give_up(tensor_); }
  Borrowed(const Borrowed&) = delete;
  Borrowed& operator=(const Borrowed&) = delete;
  operator const Tensor&() const { return tensor_; }  // NOLINT(google-explicit-constructor)

 private:
  Tensor tensor_;
};

/// A value that was given, not computed: no gradient flows through it.
class Constant final : public Node {
 public:
  explicit Constant(Array&& value) : Node(std::move(value), false) {}
  NodeKind kind() const override { return NodeKind::constant; }
};

/// A leaf that gradients are wanted for. backward() adds up its gradient here (autograd/leaf.cpp).
class Variable final : public Node {
 public:
  explicit Variable(Array value, NodeKind kind = NodeKind::variable)
      : Node(std::move(value), true), kind_(kind) {}
  NodeKind kind() const override { return kind_; }
  void accumulate(Cotangent&& gradient) const;
  /// Has anything been accumulated?
  bool has_gradient() const;
  /// Empty when nothing has been.
  Tensor gradient() const;
  void zero_gradient() const;

 private:
  /// Held for moments only, and hardly ever by two threads at once.
  class Lock;
  void add(double gradient) const;
  void add(Tensor gradient) const;
  void give_back(Tensor gradient) const;
  mutable std::atomic<bool> locked_{false};
  NodeKind kind_;
  mutable bool has_number_ = false;
  mutable double number_ = 0;  // the gradient of a scalar,
  mutable Tensor gradient_;    // and of any other
};

inline Tensor constant(Array value) { return TensorAccess::adopt(new Constant(std::move(value))); }
/// The same for results of operations, out of line as they all need it. If `read_now`, it is computed by
/// then.
Tensor unrecorded(Array&& value, bool read_now);
/// The leaf in a Parameter.
inline Tensor parameter(Array value, std::string name) {
  return TensorAccess::adopt(new Variable(std::move(value), NodeKind::parameter)).named(std::move(name));
}

inline Tensor scalar(double number, DType dtype) {
  return constant(dispatch_stored(dtype, [&]<class T>() { return Array(convert<T>(number)); }));
}

/// Says that the value of a node, or of null, is not there. GradError.
[[noreturn]] CHAINRULE_API void report_no_value(const Node* node);

/// The value of a tensor; GradError when it has been released.
inline const Array& value_of(const Tensor& tensor) {
  const Node* node = tensor.node();
  if (node == nullptr || !node->has_value()) [[unlikely]]
    report_no_value(node);
  return node->value();
}

}  // namespace chainrule
