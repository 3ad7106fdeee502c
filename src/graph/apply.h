#pragma once

#include <array>
#include <concepts>

#include "chainrule/autograd.h"
#include "graph/node.h"

/// How an operation becomes a node.
///
/// An operation is one struct. Its members are the parameters, as the axes of a sum; it has
///   name, formula                      what people read
///   Array forward(Values in) const     checks the shapes, then computes; throws ShapeError, DTypeError
///   Reads reads(wanted) const          which values the derivative reads, if `wanted(i)` inputs need one
///   void vjp(in, out, g, to) const     the vector-Jacobian product, in terms of the public operations
/// and, for people, `LocalFormula local_formula(input, names, name) const`.
namespace chainrule {

/// The values of the inputs.
using Values = std::span<const Array* const>;
/// The inputs as tensors, in a derivative.
using Inputs = std::span<const Tensor>;

/// Which inputs need a gradient.
class Wanted {
 public:
  explicit Wanted(Inputs inputs) : inputs_(inputs) {}
  bool operator()(std::size_t input) const { return inputs_[input].requires_grad(); }

 private:
  Inputs inputs_;
};

template <class Op>
concept Operation = requires(const Op& op, Values values, Inputs in, const Tensor& tensor, Cotangents& to) {
  { Op::name } -> std::convertible_to<std::string_view>;
  { Op::formula } -> std::convertible_to<std::string_view>;
  { op.forward(values) } -> std::same_as<Array>;
  { op.reads(Wanted(in)) } -> std::same_as<Reads>;
  { op.vjp(in, tensor, tensor, to) } -> std::same_as<void>;
  {
    op.local_formula(std::size_t{}, std::span<const std::string>{}, std::string{})
    } -> std::same_as<LocalFormula>;
};

template <Operation Op>
class OperationNode : public Node {
 public:
  NodeKind kind() const final { return NodeKind::operation; }
  std::string_view operation() const final { return Op::name; }
  void vjp(const Tensor& out, const Tensor& g, Cotangents& to) const final { op_.vjp(inputs(), out, g, to); }
  LocalFormula local_formula(std::size_t input, std::span<const std::string> names,
                             const std::string& name) const final {
    return op_.local_formula(input, names, name);
  }

 protected:
  OperationNode(Array value, bool requires_grad, const Op& op)
      : Node(std::move(value), requires_grad), op_(op) {}
  const Op& op() const { return op_; }

 private:
  [[no_unique_address]] Op op_;
};

/// With its inputs in place.
template <Operation Op, std::size_t N>
class FixedNode final : public OperationNode<Op> {
 public:
  FixedNode(Array value, bool requires_grad, const Op& op, std::array<Tensor, N>&& inputs, Here here)
      : OperationNode<Op>(std::move(value), requires_grad, op), inputs_(std::move(inputs)) {
    this->take_inputs(inputs_.data(), N, op.reads(Wanted(inputs_)), here);
  }

 private:
  std::array<Tensor, N> inputs_;
};

/// With any number of inputs.
template <Operation Op>
class VariadicNode final : public OperationNode<Op> {
 public:
  VariadicNode(Array value, bool requires_grad, const Op& op, std::vector<Tensor>&& inputs, Here here)
      : OperationNode<Op>(std::move(value), requires_grad, op), inputs_(std::move(inputs)) {
    this->take_inputs(inputs_.data(), inputs_.size(), op.reads(Wanted(inputs_)), here);
  }

 private:
  std::vector<Tensor> inputs_;
};

/// Computes the value and, where a gradient may be asked for, records how.
template <Operation Op, std::same_as<Tensor>... In>
Tensor apply(const Op& op, Here here, const In&... in) {
  const std::array<const Array*, sizeof...(In)> values = {&value_of(in)...};
  Array value = op.forward(values);
  const bool requires_grad = !recording_mode.off && is_floating(value.dtype()) && (in.requires_grad() || ...);
  if (!requires_grad && !recording_mode.keep_values) return constant(std::move(value));
  return TensorAccess::adopt(new FixedNode<Op, sizeof...(In)>(
      std::move(value), requires_grad, op, std::array<Tensor, sizeof...(In)>{in...}, here));
}

template <Operation Op>
Tensor apply(const Op& op, Here here, std::vector<Tensor> in) {
  std::vector<const Array*> values;
  bool requires_grad = false;
  for (const Tensor& tensor : in) {
    values.push_back(&value_of(tensor));
    requires_grad = requires_grad || tensor.requires_grad();
  }
  Array value = op.forward(values);
  requires_grad = requires_grad && !recording_mode.off && is_floating(value.dtype());
  if (!requires_grad && !recording_mode.keep_values) return constant(std::move(value));
  return TensorAccess::adopt(new VariadicNode<Op>(std::move(value), requires_grad, op, std::move(in), here));
}

}  // namespace chainrule
