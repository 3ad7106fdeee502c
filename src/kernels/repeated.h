// Arrays that are the same along axes, as the gradient of a sum. They hold a smaller array, and are spelled
// out when somebody reads them; loops over operands that broadcast read the smaller one instead.

#pragma once

#include <optional>

#include "array/array.h"

namespace chainrule::kernels {

/// An array of this shape that repeats `part`, which broadcasts to it.
Array repeated(const Array& part, const Shape& shape);

/// What the array repeats, if it does: an array of its rank, with size 1 along the axes where it is the same,
/// or a scalar.
inline std::optional<Array> repeated_part(const Array& array) {
  std::optional<Array> found;
  array.use_deferred([&](const Deferred& deferred) {
    if (const Array* part = deferred.repeats(array.shape())) found = *part;
    return false;
  });
  return found;
}

/// Is an array its own product with g? That is, where g repeats 1, as the gradient of a sum does. False for
/// elements of somebody else, who may change them.
bool is_product_with(const Array& array, const Array& g);

}  // namespace chainrule::kernels
