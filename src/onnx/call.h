// What an operator's function sees of its node: inputs, attributes, the opset. All that reads checks, and
// throws a ModelError without the node's place, which evaluate() puts in front.

#pragma once

#include <functional>
#include <initializer_list>

#include "chainrule/ops.h"
#include "onnx/graph.h"

namespace chainrule::onnx {

class Call {
 public:
  /// What an operator with graphs among its attributes runs them with.
  using Run = std::function<Values(const Graph&, Values inputs)>;

  Call(const Node& node, std::vector<const Value*> inputs, std::int64_t most_elements, const Run& run)
      : node_(node), inputs_(std::move(inputs)), most_elements_(most_elements), run_(run) {}

  std::int64_t opset() const { return node_.opset; }
  const std::string& op() const { return node_.op; }

  // ---- Inputs and outputs

  /// How many inputs stand in the node, those that are left out included.
  std::size_t inputs() const { return inputs_.size(); }
  bool has(std::size_t i) const { return i < inputs_.size() && inputs_[i] != nullptr; }
  const Value& value(std::size_t i) const;
  const Tensor& operator[](std::size_t i) const { return value(i).tensor; }
  ElementType type(std::size_t i) const { return value(i).type; }
  /// An empty handle where it is left out.
  Tensor maybe(std::size_t i) const { return has(i) ? inputs_[i]->tensor : Tensor(); }
  /// All of them; none may be left out.
  std::vector<Tensor> all() const;
  /// The elements of an input of whole numbers.
  std::vector<std::int64_t> list(std::size_t i) const;
  /// The only element.
  std::int64_t whole(std::size_t i) const;
  double real(std::size_t i) const;
  /// Is it wanted?
  bool wants(std::size_t output) const {
    return output < node_.outputs.size() && node_.outputs[output] != no_slot;
  }
  std::size_t outputs() const { return node_.outputs.size(); }

  // ---- Attributes, with the value where there is none

  bool has(std::string_view name) const { return find(name) != nullptr; }
  std::int64_t integer(std::string_view name, std::int64_t otherwise) const;
  bool flag(std::string_view name, bool otherwise = false) const {
    return integer(name, otherwise ? 1 : 0) != 0;
  }
  double number(std::string_view name, double otherwise) const;
  std::string text(std::string_view name, const std::string& otherwise) const;
  /// Which of these it is; the first one where there is none.
  std::size_t choice(std::string_view name, std::initializer_list<std::string_view> words) const;
  std::optional<std::vector<std::int64_t>> integers(std::string_view name) const;
  std::optional<std::vector<double>> numbers(std::string_view name) const;
  std::optional<std::vector<std::string>> texts(std::string_view name) const;
  /// Null where there is none.
  const Value* tensor(std::string_view name) const;
  ElementType element_type(std::string_view name, ElementType otherwise) const;
  const Graph& graph(std::string_view name) const;
  /// Attributes that change nothing here.
  void ignore(std::initializer_list<std::string_view> names) const {
    for (const std::string_view name : names) (void)find(name);
  }
  /// ModelError for an attribute that the function has not asked for: it would have been ignored silently.
  void require_all_read() const;

  Values run(const Graph& graph, Values inputs) const { return run_(graph, std::move(inputs)); }

  // ---- Checks

  [[noreturn]] static void fail(const std::string& what) { throw ModelError(what); }
  /// [[noreturn]] Unsupported.
  [[noreturn]] static void refuse(const std::string& what, const std::string& reason) {
    throw Unsupported(what + ", which is not for this engine", reason);
  }
  /// From 0 on. ModelError for an axis that a tensor of this rank has not.
  static std::int64_t axis(std::int64_t axis, std::size_t rank);
  /// ModelError where LoadOptions do not allow as many elements. Asked before anything is made whose size the
  /// model's numbers say.
  void require_size(std::span<const std::int64_t> sizes) const;
  /// The same for what two tensors broadcast to, as far as they do.
  void require_broadcast(const Tensor& a, const Tensor& b) const;
  std::int64_t most_elements() const { return most_elements_; }

 private:
  const Attribute* find(std::string_view name) const;
  template <class T>
  const T* get(std::string_view name, const char* kind) const;

  const Node& node_;
  std::vector<const Value*> inputs_;
  std::int64_t most_elements_;
  const Run& run_;
  mutable std::vector<std::string_view> read_;
};

/// What a function gives that has one result.
inline Values one(Tensor result) {
  Values values;
  values.emplace_back(std::move(result));
  return values;
}
inline Values one(Tensor result, ElementType type) {
  Values values;
  values.emplace_back(std::move(result), type);
  return values;
}

}  // namespace chainrule::onnx
