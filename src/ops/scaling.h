// How squares and products are kept from overflowing in what is made of other operations: by factors that
// are constants, for squares 1 where nothing is extreme.

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

/// x · 2ᵉ for whole e, so exact; in three steps, as 2ᵉ may be out of range where the product is not.
inline Tensor times_power_of_two(const Tensor& x, const Tensor& e) {
  const Tensor first = round(e / 3), second = round((e - first) / 2);
  return x * exp2(first) * exp2(second) * exp2(e - first - second);
}

}  // namespace chainrule::ops
