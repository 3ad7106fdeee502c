// What strided windows read, from what they make: as many dense convolutions as there are phases of the
// stride, which take turns along the lines of the result.

#pragma once

#include "kernels/convolution.h"

namespace chainrule::kernels {

/// Whether the sizes, which alone decide, suit it.
template <class T>
bool is_strided_back(const Convolution& convolution);
template <class T>
void strided_convolve_back(const Convolution& convolution, const T* y, const T* weight, const T* bias, T* x);

}  // namespace chainrule::kernels
