// How an operation becomes a node: its value is computed, and recorded if a gradient may be asked for. Every
// operation of the library passes here; what one has to have is said below.

#pragma once

#include <algorithm>
#include <array>
#include <concepts>

#include "chainrule/autograd.h"
#include "graph/argument.h"
#include "graph/call_error.h"
#include "graph/cotangent.h"
#include "graph/deferral.h"
#include "graph/observer.h"
#include "graph/stored.h"
#include "graph/traced.h"

/// How an operation becomes a node.
///
/// An operation is one struct. Its members are the parameters, as the axes of a sum, which never change, so
/// that it can be run again on other inputs (Node::again); it has
///   name, formula                      what people read
///   Array forward(Values in) const     checks the shapes, then computes; throws ShapeError, DTypeError
///   Reads reads(wanted) const          which values the derivative reads, if `wanted(i)` inputs need one
///   void vjp(in, out, g, to) const     the vector-Jacobian product, in terms of public operations, or by a
///                                      kernel where to.in_numbers()
///   LocalFormula local_formula(input, names, name) const    vjp for people
/// where it has members
///   Attributes attributes() const      them by name, for those who compare, print or write a graph
/// and may have
///   Notation notation                  how drawings write it, unless by its name
///   void scalar_vjp(in, value, g, to) const    vjp in bare numbers, for a scalar and its scalar inputs
///   std::int64_t flops(in, shape) const    unless it does one thing per element
///   struct Saved                       what forward leaves for the derivative beside inputs and result, or
///                                      finds known already. The node keeps it, and these are then
///                                      forward(in, saved, wanted) and
///                                      vjp(in, out, g, to, saved)
/// and, for values under a transform (graph/traced.h), where forward is not called, so that the derivative
/// finds Saved as it was:
///   Tensor composed(in) const              the same in other operations, which then follow these rules
///   Tensor batch(at) const                 the physical result, batch axis first, of at.in, of which
///                                          at.has(i) are physical; without it, sample after sample
///   static constexpr bool linear = true    the derivative along tangents is the operation on them
///   Tensor jvp(in, out, tangents) const    that derivative; without it, from vjp
/// (graph/stored.h has two more, of dtypes that are only stored).
namespace chainrule {

/// The values of the inputs.
using Values = std::span<const Array* const>;
/// The inputs as tensors, in a derivative.
using Inputs = std::span<const Tensor>;

/// What forward leaves for the derivative; of most operations nothing.
template <class Op>
struct SavedByOperation {
  struct type {};
};
template <class Op>
requires requires { typename Op::Saved; }
struct SavedByOperation<Op> {
  using type = typename Op::Saved;
};
template <class Op>
using SavedOf = typename SavedByOperation<Op>::type;
template <class Op>
constexpr bool saves = requires {
  typename Op::Saved;
};

template <class Op>
Array value_by(const Op& op, Values in, [[maybe_unused]] SavedOf<Op>& saved, [[maybe_unused]] Wanted wanted) {
  if constexpr (saves<Op>)
    return op.forward(in, saved, wanted);
  else
    return op.forward(in);
}
template <class Op>
void vjp_by(const Op& op, Inputs in, const Tensor& out, const Tensor& g, Cotangents& to,
            [[maybe_unused]] const SavedOf<Op>& saved) {
  if constexpr (saves<Op>)
    op.vjp(in, out, g, to, saved);
  else
    op.vjp(in, out, g, to);
}

template <class Op>
concept HasRules = saves<Op> ||
    requires(const Op& op, Values values, Inputs in, const Tensor& tensor, Cotangents& to) {
  { op.forward(values) } -> std::same_as<Array>;
  { op.vjp(in, tensor, tensor, to) } -> std::same_as<void>;
};

template <class Op>
concept Operation = HasRules<Op> && requires(const Op& op) {
  { op.name } -> std::convertible_to<std::string_view>;
  { op.formula } -> std::convertible_to<std::string_view>;
  { op.reads(Wanted()) } -> std::same_as<Reads>;
  {
    op.local_formula(std::size_t{}, std::span<const std::string>{}, std::string{})
    } -> std::same_as<LocalFormula>;
};

template <Operation Op>
class OperationNode : public Node {
 public:
  NodeKind kind() const final { return NodeKind::operation; }
  std::string_view operation() const final { return op_.name; }
  Notation notation() const final {
    if constexpr (requires { Op::notation; }) return Op::notation;
    return {op_.name};
  }
  void vjp(const Cotangent& g, Cotangents& to) const final {
    if constexpr (requires { op_.scalar_vjp(inputs(), Node::value(), double(), to); })
      if (g.is_number()) return op_.scalar_vjp(inputs(), Node::value(), g.number(), to);
    const Borrowed out(this);
    if (g.node() != nullptr) return vjp_by(op_, inputs(), out, Borrowed(g.node()), to, saved_);
    vjp_by(op_, inputs(), out, scalar(g.number(), dtype()), to, saved_);
  }
  // Cold, as what is for people is to be small.
  [[gnu::cold]] LocalFormula local_formula(std::size_t input, std::span<const std::string> names,
                                           const std::string& name) const final {
    return op_.local_formula(input, names, name);
  }
  std::int64_t flops() const final {
    if constexpr (requires { op_.flops(inputs(), shape()); }) return op_.flops(inputs(), shape());
    std::int64_t elements = shape().size();
    for (const Tensor& input : inputs()) elements = std::max(elements, input.node()->shape().size());
    return elements;
  }
  [[gnu::cold]] Attributes attributes() const final {
    static_assert(
        std::is_empty_v<Op> || requires { op_.attributes(); },
        "an operation with members says what they are: attributes()");
    if constexpr (!std::is_empty_v<Op>) return op_.attributes();
    return {};
  }

 protected:
  OperationNode(Array&& value, bool requires_grad, Op&& op, SavedOf<Op>&& saved)
      : Node(std::move(value), requires_grad), op_(std::move(op)), saved_(std::move(saved)) {}
  template <class Value>
  OperationNode(Value&& value, bool requires_grad, Op&& op, SavedOf<Op>&& saved, std::span<Tensor> inputs,
                Reads reads, Here here)
      : Node(std::forward<Value>(value), requires_grad, inputs.data(),
             static_cast<std::uint32_t>(inputs.size()), reads, here),
        op_(std::move(op)),
        saved_(std::move(saved)) {}
  const Op& op() const { return op_; }

 private:
  [[no_unique_address]] const Op op_;
  [[no_unique_address]] const SavedOf<Op> saved_;
};

/// The same operation on other inputs, as many.
template <std::size_t N, Operation Op>
Tensor apply_again(const Op& op, Here here, std::span<const Tensor> in, SavedOf<Op>& saved);
template <std::size_t N, Operation Op>
Tensor apply_again(const Op& op, Here here, std::span<const Tensor> in) {
  SavedOf<Op> saved{};
  return apply_again<N>(op, here, in, saved);
}

/// With N inputs in place.
template <Operation Op, std::size_t N>
class FixedNode final : public OperationNode<Op> {
 public:
  /// `enter` gives the inputs, when nothing can fail any more.
  template <class Value, class Enter>
  static Tensor make(Value&& value, bool requires_grad, Op&& op, SavedOf<Op>&& saved, Reads reads, Here here,
                     const Enter& enter) {
    void* const room = Node::operator new(sizeof(FixedNode));
    return TensorAccess::adopt(::new (room) FixedNode(std::forward<Value>(value), requires_grad,
                                                      std::move(op), std::move(saved), reads, here, enter()));
  }
  Tensor again(std::span<const Tensor> in) const override {
    return apply_again<N>(this->op(), this->here(), in);
  }

 private:
  template <class Value>
  FixedNode(Value&& value, bool requires_grad, Op&& op, SavedOf<Op>&& saved, Reads reads, Here here,
            std::array<Tensor, N>&& inputs) noexcept
      : OperationNode<Op>(std::forward<Value>(value), requires_grad, std::move(op), std::move(saved),
                          {reinterpret_cast<Tensor*>(&inputs_), N}, reads, here),
        inputs_(std::move(inputs)) {}
  std::array<Tensor, N> inputs_;
};

/// With any number of inputs.
template <Operation Op>
class VariadicNode final : public OperationNode<Op> {
 public:
  VariadicNode(Array&& value, bool requires_grad, Op&& op, SavedOf<Op>&& saved, Reads reads, Here here,
               const std::vector<Tensor>& in)
      : OperationNode<Op>(std::move(value), requires_grad, std::move(op), std::move(saved)),
        inputs_(in.size()) {
    for (std::size_t i = 0; i < in.size(); ++i)
      inputs_[i] = Argument(in[i]).enter((reads & reads_input(i)) != 0);
    this->set_inputs(inputs_.data(), inputs_.size(), reads, here);
  }
  Tensor again(std::span<const Tensor> in) const override {
    return apply_again<0>(this->op(), this->here(), in);
  }

 private:
  std::vector<Tensor> inputs_;
};

/// What there is to record of an operation with these inputs.
struct Recording {
  bool requires_grad = false;
  bool needed = false;
  Wanted wanted;

  /// Of which inputs the gradient may be asked for.
  template <class In>
  static Wanted wanted_of(const In& inputs) {
    Wanted wanted;
    if (recording_mode.off) return wanted;
    std::size_t i = 0;
    for (const Tensor* input : inputs) {
      if (input->node()->requires_grad()) wanted.add(i);
      ++i;
    }
    return wanted;
  }
  template <class In>
  Recording(DType result, const In& inputs) {
    if (is_floating(result)) wanted = wanted_of(inputs);
    requires_grad = wanted.any();
    needed = requires_grad || recording_mode.keep_values;
  }
  template <class Op>
  Reads reads(const Op& op) const {
    return recording_mode.keep_values ? reads_everything : op.reads(wanted);
  }
};

/// Has the value of a tensor computed. By now temporaries among the inputs have been given up, so that theirs
/// need not be.
inline Tensor read(Tensor tensor) {
  (void)value_of(tensor).raw();
  return tensor;
}

template <std::size_t N, Operation Op>
Array compute_traced(const Op& op, Here here, std::span<const Tensor* const> tensors,
                     const SavedOf<Op>& known);

/// The value; its errors know the call. Of N inputs; 0 stands for any number.
template <std::size_t N, Operation Op>
Array compute(const Op& op, Here here, Values in, std::span<const Tensor* const> tensors,
              SavedOf<Op>& saved) {
  try {
    if (recording_mode.transforms != 0) [[unlikely]]
      if (any_traced(in)) return compute_traced<N>(op, here, tensors, saved);
    return value_by(op, in, saved, saves<Op> ? Recording::wanted_of(tensors) : Wanted());
  } catch (...) {
    rethrow_in_call(here, tensors);
  }
}

template <std::size_t N, Operation Op>
[[gnu::cold]] Tensor apply_to_stored(const Op& op, Here here, std::span<const Tensor* const> tensors,
                                     SavedOf<Op>& saved);

/// Does the operation take inputs of these dtypes as they are?
template <Operation Op>
bool takes(Values in) {
  if constexpr (requires { Op::any_dtype; })
    return true;
  else
    return std::ranges::none_of(in, [](const Array* value) { return is_only_stored(value->dtype()); });
}

/// Computes the value and, where a gradient may be asked for, records how. `saved` is what is known already
/// of what forward leaves, as a factorization of the same matrix, and after it all of that.
template <Operation Op, std::same_as<Argument>... In>
Tensor apply(Op op, Here here, SavedOf<Op>& saved, const In&... in) {
  constexpr std::size_t count = sizeof...(In);
  const std::array<const Array*, count> values = {&value_of(*in)...};
  const std::array<const Tensor*, count> tensors = {&*in...};
  if (!takes<Op>(values)) [[unlikely]]
    return apply_to_stored<count>(op, here, tensors, saved);
  Array value = compute<count>(op, here, values, tensors, saved);
  const Recording recording(value.dtype(), tensors);
  const Reads reads = recording.needed ? recording.reads(op) : 0;
  const bool read_now = value.is_deferred() && !stays_deferred(value, reads, tensors);
  if (!recording.needed) {
    if constexpr (requires { Op::integers; })
      drop_all(std::array<const Argument*, count>{&in...});  // elementwise: it may wait
    return read_now ? read(constant(std::move(value))) : constant(std::move(value));
  }
  Tensor out =
      FixedNode<Op, count>::make(std::move(value), recording.requires_grad, std::move(op), SavedOf<Op>(saved),
                                 reads, here, [&] { return entered<count>({&in...}, reads); });
  if (recording_mode.keep_values) [[unlikely]]
    Observer::show_made(*out.node());
  if (read_now) return read(std::move(out));
  return out;
}
template <Operation Op, std::same_as<Argument>... In>
Tensor apply(Op op, Here here, const In&... in) {
  SavedOf<Op> saved{};
  return apply(std::move(op), here, saved, in...);
}

template <Operation Op>
Tensor apply(Op op, Here here, SavedOf<Op>& saved, const std::vector<Tensor>& in) {
  std::vector<const Array*> values;
  std::vector<const Tensor*> tensors;
  for (const Tensor& tensor : in) {
    values.push_back(&value_of(tensor));
    tensors.push_back(&tensor);
  }
  if (!takes<Op>(values)) [[unlikely]]
    return apply_to_stored<0>(op, here, tensors, saved);
  Array value = compute<0>(op, here, values, tensors, saved);
  const Recording recording(value.dtype(), tensors);
  const Reads reads = recording.needed ? recording.reads(op) : 0;
  if (value.is_deferred() && !stays_deferred(value, reads, tensors)) (void)value.raw();
  if (!recording.needed) return constant(std::move(value));
  Tensor out = TensorAccess::adopt(new VariadicNode<Op>(std::move(value), recording.requires_grad,
                                                        std::move(op), SavedOf<Op>(saved), reads, here, in));
  if (recording_mode.keep_values) [[unlikely]]
    Observer::show_made(*out.node());
  return out;
}
template <Operation Op>
Tensor apply(Op op, Here here, const std::vector<Tensor>& in) {
  SavedOf<Op> saved{};
  return apply(std::move(op), here, saved, in);
}

template <std::size_t N, Operation Op>
Tensor apply_again(const Op& op, Here here, std::span<const Tensor> in, SavedOf<Op>& saved) {
  if constexpr (N == 0)
    return apply(Op(op), here, saved, std::vector<Tensor>(in.begin(), in.end()));
  else
    return [&]<std::size_t... I>(std::index_sequence<I...>) {
      return apply(Op(op), here, saved, Argument(in[I])...);
    }
  (std::make_index_sequence<N>());
}

/// On inputs some of which are in a dtype in which nothing is computed.
template <std::size_t N, Operation Op>
Tensor apply_to_stored(const Op& op, Here here, std::span<const Tensor* const> tensors, SavedOf<Op>& saved) {
  const ComputedInputs computed(here, tensors);
  bool keeps_integers = false;
  if constexpr (requires { Op::integers; }) keeps_integers = Op::integers;
  return computed.stored(apply_again<N>(op, here, computed.in, saved), keeps_integers);
}

template <std::size_t N, Operation Op>
Tensor batched_result(const Op& op, Here here, const Unwrapped& at) {
  if constexpr (requires { op.batch(at); })
    return op.batch(at);
  else
    return at.one_by_one(op.name,
                         [&](const std::vector<Tensor>& sample) { return apply_again<N>(op, here, sample); });
}

/// The tangent of a result, empty for zeros.
template <std::size_t N, Operation Op>
Tensor tangent_of_result(const Op& op, Here here, const Unwrapped& at, const Tensor& out,
                         const SavedOf<Op>& saved) {
  if (!is_floating(out.node()->dtype())) return {};
  if constexpr (requires { Op::linear; }) {
    std::vector<Tensor> tangents = at.tangents;
    for (std::size_t i = 0; i < tangents.size(); ++i)
      if (tangents[i].is_empty()) tangents[i] = zeros_like(at.in[i]);
    return apply_again<N>(op, here, tangents);
  } else if constexpr (requires { op.jvp(Inputs(), out, Inputs()); }) {
    return op.jvp(at.in, out, at.tangents);
  } else {
    return pushed_through(out, at.in, at.tangents,
                          [&](const Tensor& v, Cotangents& to) { vjp_by(op, at.in, out, v, to, saved); });
  }
}

/// The value of an operation some of whose inputs stand for others under a transform.
template <std::size_t N, Operation Op>
Array compute_traced(const Op& op, Here here, std::span<const Tensor* const> tensors,
                     [[maybe_unused]] const SavedOf<Op>& known) {
  if constexpr (requires { op.composed(Inputs()); }) {
    std::vector<Tensor> in;
    for (const Tensor* tensor : tensors) in.push_back(*tensor);
    return value_of(op.composed(in));
  } else {
    const Unwrapped at(tensors);
    if (at.kind == Traced::Kind::batched) return batched_value(at.level, batched_result<N>(op, here, at));
    SavedOf<Op> saved = known;
    const Tensor out = apply_again<N>(op, here, at.in, saved);
    const bool is_constant = std::ranges::all_of(at.tangents, &Tensor::is_empty);
    return dual_value(at.level, out, is_constant ? Tensor() : tangent_of_result<N>(op, here, at, out, saved));
  }
}

}  // namespace chainrule
