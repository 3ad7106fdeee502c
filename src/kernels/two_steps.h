// Two passes of arithmetic in one: what the first gives goes into the second without a way through memory.

#pragma once

#include "kernels/pack_rows.h"

namespace chainrule::kernels {

/// The loop over a, b and c of second(first(a, b), c), or of second(c, first(a, b)) where `is_right`. It
/// gives the bits that the two give one after the other. Null where there is none.
const PackLoop* two_step_loop(DType dtype, Arithmetic first, Arithmetic second, bool is_right);

}  // namespace chainrule::kernels
