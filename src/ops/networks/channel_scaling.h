// Channels moved and scaled by given numbers, as in the evaluation of a network with batch_norm.

#pragma once

#include "chainrule/ops.h"

namespace chainrule::ops {

/// (x - centre) · scale + shift, where channel c of x (outer, channels, inner) has number c of the others.
Tensor scale_channels(const Tensor& x, const Tensor& centre, const Tensor& scale, const Tensor& shift,
                      Here here);

}  // namespace chainrule::ops
