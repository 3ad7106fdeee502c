// How squares are kept from overflowing in what is made of other operations: a factor for each group, a
// constant, which is 1 where nothing is extreme.

#pragma once

#include "chainrule/functions.h"

namespace chainrule::ops {

/// Of the largest numbers of groups: a factor for each group, a constant, that brings their squares into
/// range where these would overflow, or, if asked for, would vanish beside nothing else; otherwise 1. It
/// cancels in every derivative of what does not depend on it. Numbers whose reciprocals overflow are left as
/// they are.
inline Tensor scale_for_squares(const Tensor& largest, bool also_tiny) {
  const bool single = largest.dtype() == DType::float32;
  const double most = single ? 1e15 : 1e150, least = single ? 1e-37 : 1e-307;
  Tensor extreme = (largest > most) & isfinite(largest);
  if (also_tiny) extreme = extreme | ((largest < 1 / most) & (largest > least));
  return where(extreme, 1 / largest, 1);
}

}  // namespace chainrule::ops
