// Arrays whose axes have changed places, and which wait to be written out so. A Deferred; products of
// matrices, sums and elementwise passes read the array as it was instead.

#pragma once

#include <optional>
#include <span>
#include <vector>

#include "array/array.h"

namespace chainrule::kernels {

/// An array in another order of its axes: axis i of it is axis order[i] of x.
struct Permutation {
  Array x;
  std::vector<std::size_t> order;

  /// The shape that x has where the array has this one.
  Shape shape_before(const Shape& shape) const;
  /// An array of as many axes, which then broadcasts beside x as it has done beside the array.
  Array undone(const Array& beside) const;
  /// Are the last two axes exchanged, and no others?
  bool is_transpose() const;
};

/// x with its axes in this order. If it is not little, it is not written out before somebody reads it.
Array permuted(const Array& x, std::span<const std::size_t> order);

/// What this is in another order, where that is known: while it waits, and, once it has been written out, for
/// as long as somebody else has that array too. So what is computed from that has the same bits whether
/// somebody has read this or not.
inline std::optional<Permutation> unpermuted(const Array& array) {
  std::optional<Permutation> found;
  array.use_permuted([&](const Deferred& deferred) {
    if (const Permutation* known = deferred.permutes(array.shape())) found = *known;
  });
  return found;
}
/// The same where it is the transpose of a matrix, or of each in a stack of them.
inline std::optional<Array> untransposed(const Array& array) {
  const std::optional<Permutation> known = unpermuted(array);
  if (!known || !known->is_transpose()) return {};
  return known->x;
}

}  // namespace chainrule::kernels
