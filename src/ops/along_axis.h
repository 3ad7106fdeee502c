// What functions along one axis share: the axis checked and moved last, and back.
// For functions that are made of operations.

#pragma once

#include <algorithm>
#include <optional>

#include "array/axes.h"
#include "chainrule/ops.h"

namespace chainrule::ops {

/// An array seen as (outer, n, inner), where `n` is the size of an axis.
struct AlongAxis {
  std::int64_t outer = 1, n = 1, inner = 1;

  AlongAxis(const Shape& shape, std::size_t axis) : n(shape[axis]) {
    for (std::size_t i = 0; i < axis; ++i) outer *= shape[i];
    for (std::size_t i = axis + 1; i < shape.rank(); ++i) inner *= shape[i];
  }
  /// The most lines that a block has.
  static constexpr std::int64_t most = 256;
  /// Calls f(first, lines) for blocks of lines that are neighbours: element i of line j of a block is at
  /// first + i * inner + j. So they can go on side by side, as they lie in memory.
  template <class F>
  void for_each_block(const F& f) const {
    if (n == 0) return;
    for (std::int64_t o = 0; o < outer; ++o)
      for (std::int64_t j = 0; j < inner; j += most) f(o * n * inner + j, std::min(most, inner - j));
  }
};

/// x and the axis, or without one x as a vector, and axis 0. A scalar has one axis in PyTorch, 0 or -1: there
/// it is taken as a vector, and what is found is a scalar.
struct OfAxis {
  Tensor x;
  std::size_t axis = 0;
  bool is_scalar = false;

  OfAxis(std::string_view operation, const Tensor& in, std::optional<std::int64_t> given) : x(in) {
    if (given && in.rank() != 0)
      axis = normalize_axis(operation, *given, in.shape());
    else if (given && *given != 0 && *given != -1)
      (void)normalize_axis(operation, *given, in.shape());
    else
      x = reshape(in, {in.size()});
    is_scalar = given && in.rank() == 0;
  }
  Tensor result(const Tensor& found) const { return is_scalar ? reshape(found, {}) : found; }
  std::int64_t size() const { return x.shape()[axis]; }
  /// What an index says of x, as it says it of the vector.
  Tensor index(const Operand& given) const {
    return is_scalar && given.as_tensor().rank() == 0 ? reshape(given, {1}) : given.as_tensor();
  }
};

}  // namespace chainrule::ops
