// What strided windows read, from what they make: as many dense convolutions as there are phases of the
// stride, which take turns along the lines of the result.

#pragma once

#include "kernels/convolution.h"

namespace chainrule::kernels {

/// Whether the sizes, which alone decide, suit it. (For doubles it would take 25 kB of library.)
bool is_strided_back(const Convolution& convolution);
void strided_convolve_back(const Convolution& convolution, const float* y, const float* weight,
                           const float* bias, float* x);

}  // namespace chainrule::kernels
