// A shorter way to the node that apply() makes, for operations on scalars alone: their values need no array
// on the way and no question about shapes, which is half of what a node of a graph of scalars takes to make.

#pragma once

#include "graph/apply.h"

namespace chainrule::ops {

/// The node of a scalar in a dtype in which operations compute derivatives, or null for any other operand.
inline const Node* scalar_of(const Operand& operand) {
  const Node* const node = operand.tensor() != nullptr ? operand.tensor()->node() : nullptr;
  if (node == nullptr || !node->value().is_scalar_in_place()) return nullptr;
  return node->dtype() == DType::float64 || node->dtype() == DType::float32 ? node : nullptr;
}

/// Is the operation on these one that apply_to_scalars() is for: on scalars of one dtype, to be recorded,
/// with nobody who watches?
template <std::same_as<Operand>... In>
[[gnu::always_inline]] inline bool are_recorded_scalars(const In&... in) {
  if (recording_mode.off || recording_mode.keep_values || recording_mode.transforms != 0) return false;
  const std::array<const Node*, sizeof...(In)> nodes = {scalar_of(in)...};
  bool wanted = false;
  for (const Node* node : nodes) {
    if (node == nullptr || node->dtype() != nodes[0]->dtype()) return false;
    wanted |= node->requires_grad();
  }
  return wanted;
}

/// y = Op::value(in...).
template <Operation Op, std::size_t... I>
[[gnu::always_inline]] inline Tensor apply_to_scalars(std::index_sequence<I...> indices,
                                                      const std::array<const Operand*, sizeof...(I)>& in) {
  const std::array<const Tensor*, sizeof...(I)> tensors = {in[I]->tensor()...};
  Array::Scalar result{.dtype = tensors[0]->node()->dtype()};
  dispatch_floating(result.dtype, [&]<class T>() {
    const T y = Op::value(tensors[I]->node()->value().template item_in_place<T>()...);
    std::memcpy(&result.bytes, &y, sizeof y);
  });
  const std::array<Argument, sizeof...(I)> arguments = {{{*tensors[I], in[I]->is_movable()}...}};
  const Reads reads = Op{}.reads(Recording::wanted_of(tensors));
  return OperationNode<Op, sizeof...(I)>::make(result, true, Op{}, {}, reads, in[0]->here(), [&] {
    return enter_all<sizeof...(I)>({&arguments[I]...}, reads, indices);
  });
}
template <Operation Op, std::same_as<Operand>... In>
[[gnu::always_inline]] inline Tensor apply_to_scalars(const In&... in) {
  return apply_to_scalars<Op>(std::index_sequence_for<In...>(), {&in...});
}

}  // namespace chainrule::ops
