// Where optimisers write.
// Values that somebody else holds are copied first, so that graphs and handles keep what they had.

#pragma once

#include "chainrule/nn.h"
#include "graph/node.h"

namespace chainrule::optim {

/// The elements of a tensor that the caller owns: a state, or an average.
template <class T>
T* writable(Tensor& tensor) {
  if (!tensor.node()->is_unique()) tensor = constant(value_of(tensor));
  return tensor.node()->mutable_value().mutable_data<T>();
}

/// The elements of a parameter whose leaf no graph and no other handle has, as in Optimizer::update.
inline Array& value_to_change(const Parameter& parameter) { return parameter.leaf().node()->mutable_value(); }
template <class T>
T* writable(const Parameter& parameter) {
  return value_to_change(parameter).mutable_data<T>();
}

}  // namespace chainrule::optim
