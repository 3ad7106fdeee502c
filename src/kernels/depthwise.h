// Convolutions of one channel with one filter in each group, on planes (see kernels/convolution.h for what
// the three are). Sums over the kernel stay in registers.

#pragma once

#include "kernels/convolution.h"

namespace chainrule::kernels {

/// Whether there is one channel and one filter in each group. The sizes alone decide.
bool is_depthwise(const Convolution& convolution);

template <class T>
void depthwise_convolve(const Convolution& convolution, const T* x, const T* weight, const T* bias, T* y);
template <class T>
void depthwise_convolve_back(const Convolution& convolution, const T* y, const T* weight, const T* bias,
                             T* x);
/// Adds to the weight.
template <class T>
void depthwise_convolution_weight(const Convolution& convolution, const T* x, const T* y, T* weight);

}  // namespace chainrule::kernels
