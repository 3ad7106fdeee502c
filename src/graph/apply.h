// How an operation becomes a node: its value is computed, and recorded if a gradient may be asked for. Every
// operation of the library passes here; what one has to have is said in operation.h.

#pragma once

#include <algorithm>
#include <array>
#include <concepts>

#include "chainrule/autograd.h"
#include "graph/argument.h"
#include "graph/call_error.h"
#include "graph/cotangent.h"
#include "graph/deferral.h"
#include "graph/known.h"
#include "graph/observer.h"
#include "graph/operation.h"
#include "graph/stored.h"
#include "graph/traced.h"

namespace chainrule {

/// The same operation on other inputs, as many: N, or any number where N is 0.
template <std::size_t N, Operation Op>
[[gnu::noinline]] Tensor apply_again(const Op& op, Here here, std::span<const Tensor> in, SavedOf<Op>& saved);
template <std::size_t N, Operation Op>
Tensor apply_again(const Op& op, Here here, std::span<const Tensor> in) {
  SavedOf<Op> saved{};
  return apply_again<N>(op, here, in, saved);
}

/// With N inputs in place, or with any number of them where N is 0. (One class, as a base with a derived
/// class for each kind of inputs would give each operation a second table of virtual functions and
/// destructors.)
template <Operation Op, std::size_t N>
class OperationNode final : public Node {
 public:
  using Held = std::conditional_t<N == 0, std::vector<Tensor>, std::array<Tensor, N>>;
  /// `enter` gives the inputs, when nothing can fail any more.
  template <class Value, class Enter>
  static Tensor make(Value&& value, bool requires_grad, Op&& op, SavedOf<Op>&& saved, Reads reads, Here here,
                     const Enter& enter) {
    void* const room = Node::operator new(sizeof(OperationNode));
    return TensorAccess::adopt(::new (room) OperationNode(
        std::forward<Value>(value), requires_grad, std::move(op), std::move(saved), reads, here, enter()));
  }
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
    return flops_by_element();
  }
  [[gnu::cold]] Attributes attributes() const final {
    static_assert(
        std::is_empty_v<Op> || requires { op_.attributes(); },
        "an operation with members says what they are: attributes()");
    if constexpr (!std::is_empty_v<Op>) return op_.attributes();
    return {};
  }
  Tensor again(std::span<const Tensor> in) const final { return apply_again<N>(op_, here(), in); }

 private:
  template <class Value>
  OperationNode(Value&& value, bool requires_grad, Op&& op, SavedOf<Op>&& saved, Reads reads, Here here,
                Held&& inputs) noexcept
      : Node(std::forward<Value>(value), requires_grad, place_of(inputs),
             static_cast<std::uint32_t>(inputs.size()), reads, here),
        op_(std::move(op)),
        saved_(std::move(saved)),
        inputs_(std::move(inputs)) {}
  /// Where the inputs will be: those of a vector stay where they are.
  Tensor* place_of(Held& inputs) {
    if constexpr (N == 0)
      return inputs.data();
    else
      return reinterpret_cast<Tensor*>(&inputs_);
  }

  [[no_unique_address]] const Op op_;
  [[no_unique_address]] const SavedOf<Op> saved_;
  Held inputs_;
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
    rethrow_in_operation(op.name, here, tensors);
  }
}

/// On inputs some of which are in a dtype in which nothing is computed.
template <std::size_t N, Operation Op>
[[gnu::cold]] Tensor apply_to_stored(const Op& op, Here here, std::span<const Tensor* const> tensors,
                                     SavedOf<Op>& saved) {
  bool keeps_integers = false;
  if constexpr (requires { Op::integers; }) keeps_integers = Op::integers;
  return apply_to_stored(here, tensors, keeps_integers,
                         [&](Inputs in) { return apply_again<N>(op, here, in, saved); });
}

/// Does the operation take inputs of these dtypes as they are?
template <Operation Op>
bool takes(Values in) {
  if constexpr (requires { Op::takes_int32(); })
    if (Op::takes_int32() &&
        std::ranges::all_of(in, [](const Array* value) { return value->dtype() == DType::int32; }))
      return true;
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
  if (recording_mode.transforms != 0) [[unlikely]]
    if (Node* const known = known_result<OperationNode<Op, count>>(op, tensors))
      return TensorAccess::share(known);
  Array value = compute<count>(op, here, values, tensors, saved);
  const Recording recording(value.dtype(), tensors);
  const Reads reads = recording.needed ? recording.reads(op) : 0;
  const std::array<const Argument*, count> arguments = {&in...};
  const bool read_now = value.is_deferred() && !stays_deferred(value, reads, arguments);
  if (!recording.needed) {
    if constexpr (requires { Op::integers; }) drop_all(arguments);  // elementwise: it may wait
    return unrecorded(std::move(value), read_now);
  }
  Tensor out = OperationNode<Op, count>::make(std::move(value), recording.requires_grad, std::move(op),
                                              SavedOf<Op>(saved), reads, here,
                                              [&] { return entered<count>(arguments, reads); });
  if (recording_mode.keep_values) [[unlikely]]
    Observer::show_made(*out.node());
  // By now temporaries among the inputs have been given up, so that theirs need not be computed.
  if (read_now) (void)value_of(out).raw();
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
  if (!recording.needed) return unrecorded(std::move(value), false);
  std::vector<Tensor> held(in.size());
  Tensor out = OperationNode<Op, 0>::make(std::move(value), recording.requires_grad, std::move(op),
                                          SavedOf<Op>(saved), reads, here, [&] {
                                            for (std::size_t i = 0; i < in.size(); ++i)
                                              held[i] = Argument(in[i]).enter((reads & reads_input(i)) != 0);
                                            return std::move(held);
                                          });
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

}  // namespace chainrule

#include "graph/apply_traced.h"
