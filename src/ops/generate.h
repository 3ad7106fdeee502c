// Constants whose elements a function gives, one after the other: random numbers, ranges, identities.
// Relies on graph/node.h alone.

#pragma once

#include <string_view>
#include <utility>

#include "graph/node.h"

namespace chainrule {

/// A constant with element i = function(i), which is called for one after the other and gives a C++ number.
template <class Function>
Tensor generate(std::string_view operation, const Shape& shape, DType dtype, Function function) {
  Array value = new_array(operation, shape, dtype);
  dispatch_stored(dtype, [&]<class T>() {
    T* out = value.mutable_data<T>();
    for (std::int64_t i = 0, n = value.size(); i < n; ++i) out[i] = convert<T>(function(i));
  });
  return constant(std::move(value));
}

}  // namespace chainrule
