// Arrays whose last two axes have changed places, and which wait to be written out so. A Deferred; products
// of matrices read the array that it is the transpose of instead.

#pragma once

#include <optional>

#include "array/array.h"

namespace chainrule::kernels {

/// x with its last two axes exchanged. Of floats that are not few, it is not written out before somebody
/// reads it.
Array transposed(const Array& x);

/// The array that this is the transpose of, where that is known: while it waits, and, once it has been
/// written out, for as long as somebody else has that array too. So a product gives the same bits whether
/// somebody has read its operand or not.
inline std::optional<Array> untransposed(const Array& array) {
  std::optional<Array> found;
  array.use_transposed([&](const Deferred& deferred) {
    if (const Array* x = deferred.transposes(array.shape())) found = *x;
  });
  return found;
}

}  // namespace chainrule::kernels
